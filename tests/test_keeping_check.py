"""`triage db check`: nothing is said of a whole store, and each damage has its sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Triage
from kept_stores import ADMINISTRATOR, back_to, everything, fill
from stores import ON_POSTGRESQL, ON_SQLITE, OwnStore
from work_helpers import asker, night, rows

from triage import store
from triage.store.checking import MOST_TOLD
from triage.store.connection import PAGE_BYTES
from triage.store.tables import HEAD_REVISION


@pytest.fixture
def filled(store: OwnStore, workplace: Path) -> OwnStore:
    """A store with something of everything."""
    fill(store, workplace / "records")
    return store


def unguarded(own: OwnStore, *statements: str) -> None:
    """Change what the database refuses to have changed; the guards are as before afterwards."""
    if own.kind == "sqlite":
        sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'event_no%'"
        guards = own.query(sql)
        dropped = [f"DROP TRIGGER {name}" for name, _ in guards]
        own.execute(*dropped, *statements, *(text for _, text in guards))
    else:
        switch = "ALTER TABLE event {} TRIGGER event_no_change"
        own.execute(switch.format("DISABLE"), *statements, switch.format("ENABLE"))


def unreferred(own: OwnStore, *statements: str) -> None:
    """Change what other rows refer to: SQLite does not ask, PostgreSQL is told not to."""
    if own.kind == "sqlite":
        own.execute(*statements)
        return
    tables = own.tables() - {"alembic_version", "event"}
    switches = [
        [f'ALTER TABLE "{name}" {word} TRIGGER ALL' for name in [*tables, "event"]]
        for word in ("DISABLE", "ENABLE")
    ]
    own.execute(*switches[0], *statements, *switches[1])


def damages(triage: Triage) -> list[str]:
    code, out, _ = triage("db", "check", "--format", "json")
    found = json.loads(out)
    assert found["whole"] is (code == 0) is (not found["damages"])
    assert code in (0, 1)
    told: list[str] = found["damages"]
    return told


def test_of_a_whole_store_it_tells_the_revision_the_rows_and_the_trail(
    triage: Triage, filled: OwnStore
) -> None:
    before = everything(filled)
    code, out, _ = triage("db", "check", "--format", "json")
    told = json.loads(out)
    assert (code, told["whole"], told["revision"]) == (0, True, HEAD_REVISION)
    assert told["rows"] == {name: len(found) for name, found in before.items()}
    assert told["trail"]["head"]["hash"] == before["event"][-1]["hash"].hex()
    code, out, _ = triage("db", "check")
    assert (code, f"is whole: revision {HEAD_REVISION}" in out) == (0, True)
    assert everything(filled) == before


def test_of_an_empty_store_too(triage: Triage, store: OwnStore) -> None:
    assert triage("db", "upgrade")[0] == 0
    assert damages(triage) == []


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE \"case\" SET place = place + 1 WHERE id = 4", "Case 4 stands at place"),
        ("UPDATE \"case\" SET boost = 'x' WHERE id = 1", "Case 1 stands at place"),
        ("UPDATE \"case\" SET due_on = '2031-01-01' WHERE id = 1", "Case 1 stands at place"),
        ("UPDATE \"case\" SET severity = 'low' WHERE id = 4", "most pressing open flag is"),
        ("UPDATE \"case\" SET severity = 'grave' WHERE id = 4", "'grave', which there is not"),
        ("UPDATE flag SET state = 'cleared', severity = 'low'", "which none of its flags was"),
        ("UPDATE review SET answers = '{}'", "Review 1 is not as it was submitted"),
        ("UPDATE review SET salt = 'x'", "Review 1 is not as it was submitted"),
        ("UPDATE review SET state = 'draft'", "Review 1 was submitted, but is kept as a draft"),
        ("INSERT INTO review (id, case_id, kind, reviewer, state, answers, salt, started_at, "
         "changed_at) VALUES (7, 1, 'first', 'x', 'submitted', '{}', '', '', '')",
         "the trail tells of no such review"),
        ("DROP INDEX ix_case_status_place", "The index ix_case_status_place is missing"),
        ("DROP TABLE remedial_action", "The table remedial_action is missing"),
        ("ALTER TABLE rejection DROP COLUMN message", "rejection lacks its column message"),
    ],
)  # fmt: skip
def test_each_damage_is_told_in_a_sentence(
    triage: Triage, filled: OwnStore, harm: str, said: str
) -> None:
    filled.execute(harm)
    told = damages(triage)
    assert any(said in one for one in told), told
    assert all(one.endswith(".") for one in told)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE event SET actor = 'x' WHERE id = 3", "The trail is damaged: event 3"),
        ("DELETE FROM event WHERE id = 3", "The trail is damaged: event 3 is missing"),
        ("UPDATE event SET detail = '{\"sha256\":1}' WHERE kind = 'review submitted'",
         "does not say which review was submitted"),
    ],
)  # fmt: skip
def test_a_changed_trail_is_told(triage: Triage, filled: OwnStore, harm: str, said: str) -> None:
    unguarded(filled, harm)
    assert any(said in one for one in damages(triage))


def test_a_missing_guard_is_told(triage: Triage, filled: OwnStore) -> None:
    harms = (
        ["DROP TRIGGER event_no_update", "DROP TRIGGER event_no_delete",
         "CREATE TRIGGER event_no_delete BEFORE DELETE ON event WHEN 0 BEGIN SELECT 1; END"]
        if filled.kind == "sqlite"
        else ["ALTER TABLE event DISABLE TRIGGER event_no_change"]
    )  # fmt: skip
    filled.execute(*harms)
    told = damages(triage)
    assert len(told) == len(harms) // 2 + 1
    assert all(one.startswith("The guard event_no") for one in told)


def test_rows_that_refer_to_one_that_is_not_there_are_told(
    triage: Triage, filled: OwnStore
) -> None:
    unreferred(filled, 'DELETE FROM "case" WHERE id = 4', "DELETE FROM review")
    told = damages(triage)
    for said in (
        "of flag refers to a case that is not there",
        "of event refers to a case that is not there",
        "of remedial_action refers to a review that is not there",
        "Review 1 was submitted, but is not there any more",
    ):
        assert any(said in one for one in told), (said, told)


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("ALTER TABLE flag DISABLE TRIGGER ALL", "not held to its reference flag_case_id_fkey"),
        ("ALTER TABLE flag DROP CONSTRAINT flag_case_id_fkey", "lost the reference"),
        ("ALTER TABLE flag DROP CONSTRAINT flag_case_id_rule_id_key", "lost the rule to be unique"),
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
         "'ix_case_status_place'::regclass", "The index ix_case_status_place of the table"),
    ],
)  # fmt: skip
def test_what_a_server_does_not_keep_to_any_more_is_told(
    triage: Triage, filled: OwnStore, harm: str, said: str
) -> None:
    filled.execute(harm)
    assert any(said in one for one in damages(triage))


@ON_POSTGRESQL
def test_what_a_server_has_beside_the_store_is_no_damage(triage: Triage, filled: OwnStore) -> None:
    filled.execute("CREATE INDEX own_index ON flag (message)", "CREATE VIEW own AS SELECT 1")
    assert damages(triage) == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE flag SET message = CAST(X'ff41' AS TEXT) WHERE id = 1",
         "The table flag cannot be read (a text is not UTF-8)."),
        ("UPDATE \"case\" SET due_on = 'soon' WHERE id = 1", "Case 1 has a date that is none."),
    ],
)  # fmt: skip
def test_what_only_sqlite_would_keep_is_told(
    triage: Triage, filled: OwnStore, harm: str, said: str
) -> None:
    filled.execute(harm)
    assert said in damages(triage)


@ON_SQLITE
def test_a_file_that_is_damaged_is_told_and_exits_with_1(
    triage: Triage, filled: OwnStore, workplace: Path
) -> None:
    path = workplace / "triage.db"
    filled.query("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    pages = range(0, len(whole), PAGE_BYTES)
    found = 0
    for place in pages:
        path.write_bytes(whole[:place] + b"\xa5" * PAGE_BYTES + whole[place + PAGE_BYTES :])
        code, out, err = triage("db", "check")
        assert (code, err) in ((0, ""), (1, ""))
        found += code
        assert ("is damaged" in out) is bool(code)
    # The page of a table without rows and the list of free pages may be harmed without loss.
    assert found >= len(pages) - 2
    path.write_bytes(whole)
    assert triage("db", "check")[0] == 0


def test_of_many_damages_the_first_are_told_one_by_one(
    triage: Triage, store: OwnStore, workplace: Path
) -> None:
    night(store, workplace, rows(60))
    store.execute('UPDATE "case" SET place = 1')
    told = damages(triage)
    assert len(told) == MOST_TOLD + 1
    assert told[-1] == "The cases: 40 more like these."


def test_out_of_reach_is_told_apart_from_damaged(
    triage: Triage, filled: OwnStore, workplace: Path
) -> None:
    here: list[tuple[str, str]] = [
        (f"sqlite:///{workplace}/nowhere.db", "there is no store yet"),
        ("postgresql://postgres@127.0.0.1:1/triage", "cannot be reached"),
    ]
    for url, said in here:
        code, out, err = triage("db", "check", "--db", url)
        assert (code, out, said in err) == (4, "", True), err
    back_to(filled, "0004")
    code, _, err = triage("db", "check")
    assert (code, "run `triage db upgrade`" in err) == (4, True)


Step = Callable[[str], object]


def test_whatever_people_do_the_store_stays_whole(
    triage: Triage, filled: OwnStore, workplace: Path
) -> None:
    url = filled.url
    manager = asker("m.manager")
    steps: list[Step] = [
        lambda url: store.boost(url, manager, 5, "pressing"),
        lambda url: store.close(url, manager, [4], "looked at"),
        lambda url: store.reopen(url, manager, 4, "again"),
        lambda url: store.strike_off(url, asker(ADMINISTRATOR), "m.manager"),
        lambda url: night(filled, workplace, rows(8)),
    ]
    for step in steps:
        step(url)
        assert damages(triage) == []
