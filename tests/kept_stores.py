"""Stores with something of everything in them, and all that is in one, for tests of keeping."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from stores import OwnStore
from work_helpers import ANSWERS, DECIDED, asker, night, row, to_do

from triage import store
from triage.store.connection import filling
from triage.store.upgrading import bring_to

ODD = "Zoë said: \"no\"\\ {\\N} \t\r\n\x01 £ 👶🏽 \u2028 \ufeff 'x'; DROP TABLE flag;--"
ADMINISTRATOR, REVIEWER = "a.administrator", "r.reviewer"


def fill(own: OwnStore, folder: Path) -> None:
    """Bring two nights, people, notes, a review, an action and an exception into a store."""
    folder.mkdir(exist_ok=True)
    referrals = [
        *(row(f"R{number}", team=team) for number, team in enumerate("ABCAB")),
        row("R5", restricted="yes"),
        row(f"R6 {ODD.replace(chr(10), ' ').replace(chr(13), ' ')}"),
    ]
    night(own, folder, referrals)
    night(own, folder, [*referrals[1:], row("R0", **DECIDED)], dt.date(2023, 7, 3))
    url = own.url
    for name, role in ((ADMINISTRATOR, "administrator"), (REVIEWER, "reviewer"),
                       ("m.manager", "team manager")):  # fmt: skip
        store.register(url, asker(ADMINISTRATOR), name, role, ())
    store.add_note(url, asker(), 2, ODD)
    store.add_note(url, asker(), 3, "to be deleted")
    store.boost(url, asker("m.manager"), 3, "pressing")
    store.begin_review(url, asker(), 2)
    actions = [to_do()]
    answers = ANSWERS | {"learning": ODD.replace("\x01", ""), "actions": actions}
    store.submit_review(url, asker(), 2, answers)
    store.add_exception(
        url, asker("m.manager"), "DEC-01", child_id=None, team="B", owner="m.manager",
        until=dt.date(2023, 9, 1), why=ODD,
    )  # fmt: skip
    # Its number is not to be given a second time, in whatever store the others end up.
    own.execute("DELETE FROM note WHERE id = 2")


def everything(own: OwnStore) -> dict[str, list[dict[str, Any]]]:
    """Return each row of each table by column, in one order on both databases."""
    return {name: rows_of(own, name) for name in sorted(own.tables() - {"alembic_version"})}


def rows_of(own: OwnStore, table: str) -> list[dict[str, Any]]:
    """Return each row of a table by column."""
    with own.opened() as connection:
        asked = connection.execute(f'SELECT * FROM "{table}" LIMIT 0').description
        names = sorted(column[0] for column in asked)
    quoted = ", ".join(f'"{name}"' for name in names)
    found = own.query(f'SELECT {quoted} FROM "{table}"')
    rows = [dict(zip(names, cells, strict=True)) for cells in found]
    return sorted(rows, key=lambda one: (one.get("id", 0), repr(one)))


def events(own: OwnStore) -> list[str]:
    """Return the kinds of the events, in their order."""
    return [kind for (kind,) in own.query("SELECT kind FROM event ORDER BY id")]


def back_to(own: OwnStore, revision: str) -> None:
    """Make a store one of an older revision."""
    with filling(own.url) as connection:
        assert bring_to(connection, revision)


Members = dict[str, bytes]


def forged(path: Path, change: Callable[[Members], None]) -> None:
    """Change what is in a backup, and give it the digest of all of it that it ought to have.

    The digest of a member that was changed is left as it was in the manifest.
    """
    with zipfile.ZipFile(path) as held:
        members = {name: held.read(name) for name in held.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
        made.comment = b"sha256:" + b"0" * 64
    whole = path.read_bytes()[:-64]
    path.write_bytes(whole + sha256(whole).hexdigest().encode())


def rewritten(members: Members, table: str, change: Callable[[list[list[Any]]], None]) -> None:
    """Change the rows of a table in a backup, and what its manifest says of them."""
    name = f"{table}.jsonl"
    rows = [one for line in members[name].splitlines() for one in json.loads(line)]
    change(rows)
    members[name] = json.dumps(rows, separators=(",", ":")).encode() + b"\n" if rows else b""
    manifest = json.loads(members["manifest.json"])
    manifest["tables"][table] |= {"rows": len(rows), "sha256": sha256(members[name]).hexdigest()}
    members["manifest.json"] = json.dumps(manifest).encode()
