"""Moving a store from one database to the other, and bringing one up to date: nothing is lost."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import Triage
from hypothesis import given, settings
from hypothesis import strategies as st
from kept_stores import ADMINISTRATOR, back_to, events, everything, fill
from stores import ON_SQLITE, OwnStore, in_a_file, on_a_server
from work_helpers import asker

from triage import store
from triage.progress import silent
from triage.store import tables, upkeep
from triage.store.connection import filling
from triage.store.tables import HEAD_REVISION

HERE_AND_THERE = [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "sqlite")]


@pytest.fixture(params=HERE_AND_THERE, ids=[" to ".join(pair) for pair in HERE_AND_THERE])
def two(
    request: pytest.FixtureRequest, workplace: Path, postgresql_url: str
) -> Iterator[tuple[OwnStore, OwnStore]]:
    """A store with something of everything, and an empty place."""
    with ExitStack() as stack:
        found = []
        for name, kind in zip(("here", "there"), request.param, strict=True):
            (workplace / name).mkdir()
            place = in_a_file(workplace / name) if kind == "sqlite" else on_a_server(postgresql_url)
            found.append(stack.enter_context(place))
        fill(found[0], workplace / "records")
        yield found[0], found[1]


def test_a_store_is_moved_by_one_command_and_every_table_is_the_same(
    triage: Triage, two: tuple[OwnStore, OwnStore]
) -> None:
    source, target = two
    before = everything(source)
    code, out, err = triage("db", "move", source.url, target.url, "--as", ADMINISTRATOR)
    assert (code, err) == (0, "")
    assert "was left as it is" in out
    after = everything(target)
    assert after == everything(source)
    assert after["event"][:-1] == before["event"]
    assert (after["event"][-1]["kind"], after["event"][-1]["actor"]) == (
        "store moved", ADMINISTRATOR,
    )  # fmt: skip
    assert {name: rows for name, rows in after.items() if name != "event"} == {
        name: rows for name, rows in before.items() if name != "event"
    }
    assert triage("db", "check", "--db", target.url)[0] == 0
    store.add_note(target.url, asker(), 3, "after")
    store.add_note(source.url, asker(), 3, "after")
    for table in ("note", "event"):
        last = f"SELECT MAX(id) FROM {table}"
        assert target.value(last) == source.value(last)


def test_a_password_is_told_to_nobody(triage: Triage, two: tuple[OwnStore, OwnStore]) -> None:
    source, target = two
    urls = [
        own.url.replace("postgres:@", "postgres:sesame@").replace("postgres@", "postgres:sesame@")
        for own in (source, target)
    ]
    code, out, err = triage("db", "move", *urls)
    assert (code, "sesame" in out + err) == (0, False)
    assert "sesame" not in json.dumps(target.query("SELECT detail FROM event"))


def test_a_place_that_holds_anything_is_left_alone_and_so_is_the_store(
    triage: Triage, two: tuple[OwnStore, OwnStore]
) -> None:
    source, target = two
    assert triage("db", "move", source.url, target.url)[0] == 0
    before = everything(source), everything(target)
    code, _, err = triage("db", "move", source.url, target.url)
    assert (code, "holds something already" in err) == (2, True)
    assert (everything(source), everything(target)) == before


def test_an_empty_store_that_was_made_before_is_moved_into(
    triage: Triage, two: tuple[OwnStore, OwnStore]
) -> None:
    source, target = two
    assert triage("db", "upgrade", "--db", target.url)[0] == 0
    assert triage("db", "move", source.url, target.url)[0] == 0
    assert everything(target) == everything(source)


def test_nobody_writes_to_a_store_while_it_is_moved(
    two: tuple[OwnStore, OwnStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = two
    monkeypatch.setattr("triage.store.connection.ACT_SECONDS", 0.2)
    stages: list[str] = []

    def progress(stage: str, _done: int = 0, _total: int | None = None, /) -> None:
        if stage not in stages:
            stages.append(stage)
            with pytest.raises(store_error(), match="busy"):
                store.add_note(source.url, asker(), 3, "meanwhile")

    upkeep.move(source.url, target.url, asker(None), progress)
    assert stages == ["storing", "comparing"]
    assert everything(target) == everything(source)


def store_error() -> type[Exception]:
    from triage.errors import StoreError

    return StoreError


def test_where_a_store_is_it_is_not_moved_to(triage: Triage, workplace: Path) -> None:
    with in_a_file(workplace) as own:
        fill(own, workplace / "records")
        for url in (own.url, "sqlite:///triage.db", "sqlite:///records/../triage.db"):
            code, _, err = triage("db", "move", own.url, url)
            assert (code, "is where the store is" in err) == (2, True)
        assert "store moved" not in events(own)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE note SET text = 'a' || char(0) || 'b' WHERE id = 1",
         "note 1: its text holds a NUL character, which SQLite keeps and PostgreSQL cannot"),
        ("UPDATE flag SET rule_id = 'a rule of far too long a name' WHERE id = 1",
         "flag: a row cannot be kept here (value too long for type character varying(16))"),
        ("UPDATE flag SET due_on = 'soon' WHERE id = 1", "flag: a row cannot be kept here"),
        ("UPDATE flag SET message = X'00' WHERE id = 1", "flag"),
        ("UPDATE \"case\" SET restricted = 7 WHERE id = 1", "case"),
    ],
)  # fmt: skip
def test_what_postgresql_cannot_keep_is_told_and_nothing_is_moved(
    triage: Triage, workplace: Path, postgresql_url: str, harm: str, said: str
) -> None:
    with in_a_file(workplace) as source, on_a_server(postgresql_url) as target:
        fill(source, workplace / "records")
        source.execute(harm)
        before = everything(source)
        code, _, err = triage("db", "move", source.url, target.url)
        assert (code, said in err) == (3, True), err
        assert err.endswith("Nothing was stored.\n")
        assert target.tables() == set()
        assert everything(source) == before
        # A backup is of SQLite's own, and goes back into it as it was.
        assert triage("db", "backup", "a.backup")[0] == 0
        assert triage("db", "restore", "a.backup", "--db", "sqlite:///there.db")[0] == 0
        there = OwnStore("sqlite", "sqlite:///there.db")
        assert everything(there)["flag"] == before["flag"]
        assert everything(there)["note"] == before["note"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
SHORT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
DAYS = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=3),
    max_leaves=6,
)
ROWS = {
    tables.referral: st.fixed_dictionaries(
        {
            "child_id": TEXTS, "referral_id": TEXTS, "referral_date": DAYS,
            "team": st.none() | TEXTS, "referral_source": st.none() | SHORT,
            "primary_need": st.none() | SHORT, "nfa": st.none() | st.booleans(),
            "closed_on": st.none() | DAYS, "closure_reason": st.none() | SHORT,
            "restricted": st.booleans(),
        }
    ),
    tables.person: st.fixed_dictionaries(
        {"name": TEXTS, "role": SHORT, "teams": st.lists(JSON, max_size=3) | JSON,
         "is_active": st.booleans()}
    ),
    tables.rule_text: st.fixed_dictionaries({"hash": TEXTS, "rule_id": SHORT, "text": TEXTS}),
}  # fmt: skip


def key_of(table: sa.Table, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def read(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Read the JSON: what is one number, SQLite keeps as a number."""
    for one in found["person"]:
        teams = one["teams"]
        one["teams"] = json.loads(teams) if isinstance(teams, str) else float(teams)
    return found


@settings(max_examples=12)
@given(data=st.data())
def test_odd_texts_nothings_and_json_go_there_and_come_back(
    postgresql_url: str, data: st.DataObject
) -> None:
    folder = Path(tempfile.mkdtemp())
    names = [folder / f"{uuid.uuid4().hex}.db" for _ in range(2)]
    here, back = (OwnStore("sqlite", f"sqlite:///{name}") for name in names)
    upkeep.upgrade_store(here.url, asker(None))
    with filling(here.url) as connection:
        for table, cells in ROWS.items():
            rows = data.draw(st.lists(cells, max_size=8))
            for row in {key_of(table, one): one for one in rows}.values():
                connection.execute(sa.insert(table).values(row))
    with on_a_server(postgresql_url) as there:
        upkeep.move(here.url, there.url, asker(None), silent)
        assert read(everything(there)) == read(everything(here))
        upkeep.move(there.url, back.url, asker(None), silent)
        assert read(everything(back)) == read(everything(there))
    shutil.rmtree(folder)


def test_a_store_is_brought_to_this_revision_and_says_from_which(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    code, out, _ = triage("db", "upgrade")
    assert (code, "Made an empty store" in out) == (0, True)
    assert store.value("SELECT COUNT(*) FROM event") == 0
    fill(store, workplace / "records")
    code, out, _ = triage("db", "upgrade")
    assert (code, f"is at revision {HEAD_REVISION} already" in out) == (0, True)
    assert "store upgraded" not in events(store)
    back_to(store, "0002")
    n_events = len(events(store))
    code, _, err = triage("queue", "list")
    assert (code, "run `triage db upgrade`" in err) == (4, True)
    code, out, _ = triage("db", "upgrade")
    assert (code, f"from revision 0002 to {HEAD_REVISION}" in out) == (0, True)
    assert events(store)[n_events:] == ["store upgraded"]
    detail = store.value("SELECT detail FROM event WHERE kind = 'store upgraded'")
    assert json.loads(detail) == {"from": "0002", "to": HEAD_REVISION}
    assert triage("db", "check")[0] == 0


def test_a_store_of_a_newer_version_is_neither_upgraded_nor_copied(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    fill(store, workplace / "records")
    store.execute("UPDATE alembic_version SET version_num = '9999'")
    before = everything(store)
    for arguments in (
        ("upgrade",), ("check",), ("backup", "a.backup"), ("move", store.url, "sqlite:///a.db"),
    ):  # fmt: skip
        code, _, err = triage("db", *arguments)
        assert (code, "9999" in err, "newer version" in err) == (4, True, True)
    assert everything(store) == before
    assert not list(workplace.glob("a.*[!k]"))


@ON_SQLITE
def test_while_a_run_goes_on_nothing_is_upgraded_restored_or_moved(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    from triage.store import run_lock

    fill(store, workplace / "records")
    assert triage("db", "backup", "a.backup")[0] == 0
    with run_lock(store.url):
        for arguments in (
            ("upgrade",), ("restore", "a.backup"), ("move", store.url, "sqlite:///a.db"),
        ):  # fmt: skip
            code, _, err = triage("db", *arguments)
            assert (code, "another run is using this store" in err) == (4, True)
        # But a backup is taken all the same.
        assert triage("db", "backup", "b.backup")[0] == 0


@ON_SQLITE
def test_a_store_that_another_program_holds_is_busy(
    triage: Triage, store: OwnStore, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, workplace / "records")
    monkeypatch.setattr("triage.store.connection.ACT_SECONDS", 0.2)
    other = sqlite3.connect(workplace / "triage.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    code, _, err = triage("db", "backup", "a.backup")
    other.execute("ROLLBACK")
    other.close()
    assert (code, "busy" in err) == (4, True)
    assert not (workplace / "a.backup").exists()
