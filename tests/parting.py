"""A child with something of everything in a store, beside others: for tests of letting go."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kept_stores import everything
from second_helpers import LATER
from stores import OwnStore
from work_helpers import ANSWERS, AS_OF, Row, asker, night, row

from triage import store
from triage.store import Asker

CHILD, SIBLING = "KIND-4711-Ä", "KIND-4712"
OWN = ("BEZUG-88001", "BEZUG-88002", "BEZUG-88003", "BEZUG-88004", "BEZUG-88005")
"""The child's referrals: reviewed twice, closed, in somebody's hands, flagged no more, and due."""
WORDS = "Mutter sagt, Kind schläft bei Oma"
"""Free text, of which nothing may be left."""
ANEW = (("run", "told"), ("run", "records"))
"""What of the last run is let go of, so that the next one compares all it brings."""
NAMES = ("m.manager", "r.first", "r.second", "w.worker")
EARLIER = AS_OF - dt.timedelta(days=1)


def at(day: dt.date, name: str = "a.admin") -> Asker:
    """Return somebody who asks at noon of a day."""
    return Asker(name, (), dt.datetime.combine(day, dt.time(12), dt.UTC))


def records() -> list[Row]:
    """Return referrals of the child, of a sibling and of others, some of them in a bad state."""
    mine = [row(name, child_id=CHILD, referral_date=f"2023-06-{10 + n}")
            for n, name in enumerate(OWN[:4])]  # fmt: skip
    again = row(OWN[0], child_id=CHILD, referral_date="2023-06-29", decision_at="31.02.2023")
    return [
        *mine,
        row(OWN[4], child_id=CHILD, referral_date="2023-06-30"),
        again,
        row("BEZUG-99001", child_id=SIBLING),
        row("BEZUG-99002", decision_at="32.13.2023"),
        row("BEZUG-99003", restricted="yes", team="South"),
        row("BEZUG-99004", referral_date="2023-06-30"),
        row("BEZUG-99005"),
    ]


def whole_of(own: OwnStore, folder: Path) -> dict[str, int]:
    """Bring it all into a store; return the cases by referral."""
    folder.mkdir(exist_ok=True)
    night(own, folder, records(), EARLIER)
    night(own, folder, [one for one in records() if one["referral_id"] != OWN[3]])
    cases = dict(own.query('SELECT referral_id, id FROM "case"'))
    manager, first, second = (asker(name) for name in NAMES[:3])
    url, one, sibling = own.url, cases[OWN[0]], cases["BEZUG-99001"]
    for number in (one, sibling):
        store.add_note(url, first, number, WORDS)
        to_do = {"kind": "visit", "owner": "w.worker", "due_on": LATER}
        store.submit_review(url, first, number, ANSWERS | {"learning": WORDS, "actions": [to_do]})
        number_of = own.value("SELECT MAX(id) FROM remedial_action")
        store.finish_action(url, asker("w.worker"), number_of, AS_OF, WORDS)
        store.ask_for_second(url, manager, number, WORDS)
        store.submit_second(url, second, number, ANSWERS | {"grade": "inadequate", "learning": "x"})
        settled = ANSWERS | {"learning": WORDS}
        store.settle_second(url, manager, number, settled, WORDS)
    store.close(url, manager, [cases[OWN[1]]], WORDS)
    store.claim(url, asker("r.first"), cases[OWN[2]])
    for child in (CHILD, SIBLING):
        store.add_exception(
            url, manager, "DEC-04", child_id=child, team=None, owner="w.worker",
            until=dt.date(2023, 9, 1), why=WORDS,
        )  # fmt: skip
    return cases


def gone(own: OwnStore) -> list[Row]:
    """Return the records as they are once the child's are taken out of the case system."""
    return [one for one in records() if one["child_id"] != CHILD]


def holds(content: bytes, texts: Sequence[str]) -> list[str]:
    """Return which texts stand in some bytes, as they are or as JSON writes them."""
    found = []
    for text in texts:
        forms = {text.encode(), json.dumps(text)[1:-1].encode()}
        if any(form in content for form in forms):
            found.append(text)
    return found


def bytes_of(own: OwnStore) -> bytes:
    """Return every byte of a store: of its file and log, or of every row that a server gives."""
    if own.kind == "sqlite":
        file = Path(own.url.removeprefix("sqlite:///"))
        paths = [file, file.with_name(f"{file.name}-wal")]
        return b"".join(path.read_bytes() for path in paths if path.exists())
    return repr(everything(own)).encode()


def bytes_in_backup(path: Path) -> bytes:
    with zipfile.ZipFile(path) as held:
        return b"".join(held.read(name) for name in held.namelist())


def without_child(rows: dict[str, list[dict[str, Any]]], cases: set[int]) -> dict[str, Any]:
    """Return all rows but those of the child, of its cases and of what runs said of its rows."""
    naming = {
        (one["run_id"], one["row"])
        for one in rows["rejection"]
        if holds(one["message"].encode(), [CHILD, *OWN])
    }
    return {
        name: [
            {key: value for key, value in one.items() if (name, key) not in ANEW}
            for one in some
            if one.get("child_id") != CHILD
            and (name == "event" or one.get("case_id") not in cases)
            and (name != "case" or one["id"] not in cases)
            and (name != "rejection" or (one["run_id"], one["row"]) not in naming)
        ]
        for name, some in rows.items()
    }
