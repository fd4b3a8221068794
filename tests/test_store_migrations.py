"""Stores of former versions come to this one's with all that is in them, and go back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from conftest import AS_OF, Triage
from stores import NewStore, OwnStore

from triage.calendar import to_day
from triage.order import place
from triage.ruleset import severity_rank
from triage.store import verify_trail
from triage.store.address import address_of
from triage.store.connection import writing
from triage.store.engines import postgresql_engine, sqlite_engine
from triage.store.tables import HEAD_REVISION, metadata
from triage.store.upgrading import migrations, own_revision

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
RUNS = ("2023-06-28", "2023-06-29", "2023-06-30")
CASES = (
    "1, 'A', 'R1', '2023-05-10', 'North', FALSE, 'new', '2023-06-20', FALSE",
    "2, 'B', 'R2', '2023-06-01', 'South', FALSE, 'new', '2023-07-10', TRUE",
    "3, 'C', 'R3', '2023-04-30', 'South', FALSE, 'closed', '2023-07-03', FALSE",
    "5, 'Ė''s \"child\"', 'R%5', '2023-06-12', NULL, TRUE, 'new', '2023-06-30', FALSE",
)
"""Overdue; come back; closed; and due on the day of the last run. A number was never used."""
FLAGS = (
    "1, 'REF-01', 'medium', 'open'",
    "1, 'DEC-01', 'critical', 'cleared'",
    "2, 'REF-15', 'low', 'open'",
    "2, 'DEC-02', 'high', 'open'",
    "3, 'REF-01', 'medium', 'cleared'",
    "3, 'DEC-02', 'high', 'cleared'",
    "5, 'REF-15', 'low', 'open'",
)
SEVERITIES = {1: "medium", 2: "high", 3: "high", 5: "low"}
"""Of the most pressing open flag, or of the most pressing where none is open."""
ORDER = [1, 2, 3, 5]
"""Overdue, come back, severe, and the rest."""
EVENTS = (
    "1, 'case opened', 1, 1, NULL, '{}'",
    """2, 'flag raised', 1, 1, 'DEC-01', '{"message": "No decision on É of the Smiths."}'""",
    """4, 'flag cleared', 2, 1, 'DEC-01', '{"why": "the rule is retired", "of": "Smith"}'""",
    """9, 'case closed', 3, 3, NULL, '{"why": "no flag holds any more"}'""",
)
"""Numbers are missing where a transaction was given up."""


@contextmanager
def begun(store: OwnStore) -> Iterator[sa.Connection]:
    """Open a store for one transaction, as the product does to write."""
    address = address_of(store.url)
    engine = (
        postgresql_engine(address, writes=True)
        if address.file is None
        else sqlite_engine(address.file, "IMMEDIATE", ["foreign_keys=OFF"])
    )
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def migrate(store: OwnStore, revision: str) -> None:
    with begun(store) as connection:
        stands = own_revision(connection, store.url) or ""
        is_up = revision == "head" or (revision != "base" and stands < revision)
        act = command.upgrade if is_up else command.downgrade
        act(migrations(connection), revision)


def fill(store: OwnStore) -> None:
    """Put rows into a store of the first version."""
    migrate(store, "0001")
    text = "'2023-06-30T02:00:00+00:00'"
    store.execute(
        *(
            "INSERT INTO run (id, started_at, finished_at, who, version, as_of, ruleset_hash, "
            f"settings, inputs, rows, rules, notes, queue) VALUES ({number}, {text}, {text}, "
            f"'nobody', '0', '{as_of}', 'x', '{{}}', '[]', '{{}}', '[]', '[]', '{{}}')"
            for number, as_of in enumerate(RUNS, 1)
        ),
        "INSERT INTO rule_text VALUES ('h', 'DEC-01', 'id: DEC-01')",
        "INSERT INTO ruleset_rule VALUES ('x', 'DEC-01', 'h')",
        "INSERT INTO rejection VALUES (1, 1, 'problem', 'a.csv', 2, 'nfa', 'odd')",
        "INSERT INTO referral VALUES ('A', 'R1', '2023-05-10', 'North', '1A', 'N1', FALSE, NULL, "
        "NULL, FALSE)",
        *(
            'INSERT INTO "case" (id, child_id, referral_id, referral_date, team, restricted, '
            f"status, due_on, reopened) VALUES ({values})"
            for values in CASES
        ),
        *(
            "INSERT INTO flag (case_id, rule_id, severity, state, rule_hash, message, evidence, "
            f"fingerprint, first_flagged_on, first_run_id, changed_run_id) VALUES ({values}, 'h', "
            "'Said.', '{\"n\": [1, null]}', 'f', '2023-06-28', 1, 1)"
            for values in FLAGS
        ),
        *(
            "INSERT INTO event (id, kind, run_id, case_id, rule_id, detail, at, actor) "
            f"VALUES ({values}, {text}, 'system:nightly')"
            for values in EVENTS
        ),
    )


def whole(store: OwnStore) -> dict[str, list[object]]:
    """Return all rows, of events only what every version keeps."""
    events = store.query("SELECT at, actor, kind, run_id, case_id, rule_id FROM event ORDER BY id")
    return {**store.rows(*(store.tables() - {"event", "alembic_version"})), "event": [*events]}


def check_as_described(store: OwnStore) -> None:
    """Hold the tables to what the code says of them."""
    store.check()
    with begun(store) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_exactly_the_tables_that_the_code_describes(store: OwnStore) -> None:
    migrate(store, "head")
    check_as_described(store)
    with begun(store) as connection:
        script = ScriptDirectory.from_config(migrations(connection))
    assert [one.revision for one in script.walk_revisions()] == [*reversed(REVISIONS)]
    assert REVISIONS[-1] == HEAD_REVISION


def described(store: OwnStore) -> list[tuple[object, ...]]:
    """Return all that a database says of its tables, their guards and who may do what to them."""
    if store.kind == "sqlite":
        return store.query("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2")
    (schema,) = store.query("SELECT current_schema()")[0]
    found = store.query(
        "SELECT relname, relkind::text, coalesce(relacl::text, ''), '' "
        "FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
        "UNION ALL SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), "
        "attnotnull::text || attidentity::text FROM pg_attribute JOIN pg_class ON oid = attrelid "
        "WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0 "
        "UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '' "
        "FROM pg_constraint WHERE connamespace = current_schema()::regnamespace "
        "UNION ALL SELECT tablename, indexname, indexdef, '' FROM pg_indexes "
        "WHERE schemaname = current_schema() "
        "UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(pg_trigger.oid), "
        "tgenabled::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal "
        "UNION ALL SELECT proname, prosrc, '', '' FROM pg_proc "
        "WHERE pronamespace = current_schema()::regnamespace ORDER BY 1, 2, 3, 4"
    )
    return [tuple(str(cell).replace(str(schema), "here") for cell in row) for row in found]


def test_the_stores_of_these_tests_are_what_the_migrations_make(
    new_store: NewStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ExitStack() as opened:
        by_migrations, *quick = (
            opened.enter_context(new_store(tmp_path_factory.mktemp("made"))) for _ in range(3)
        )
        migrate(by_migrations, "head")
        for one in quick:
            with writing(one.url):
                pass
            assert described(one) == described(by_migrations)
            check_as_described(one)


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_each_migration_goes_up_and_back_with_rows_in_the_store(
    store: OwnStore, revision: str
) -> None:
    fill(store)
    before = REVISIONS[REVISIONS.index(revision) - 1]
    migrate(store, before)
    rows = whole(store)
    for to in (revision, before, "head", before):
        migrate(store, to)
        store.check()
    assert whole(store) == rows
    migrate(store, "head")
    check_as_described(store)
    with pytest.raises(Exception, match="only be added"):
        store.execute("DELETE FROM event")


def test_nothing_is_left_when_the_last_migration_was_taken_back(store: OwnStore) -> None:
    fill(store)
    migrate(store, "head")
    migrate(store, "base")
    assert store.tables() == {"alembic_version"}
    migrate(store, "head")
    assert verify_trail(store.url).damage == ""


@pytest.mark.parametrize("revision", REVISIONS[:3])
def test_the_events_of_a_former_store_come_to_a_whole_trail_that_tells_nothing_of_a_child(
    store: OwnStore, revision: str
) -> None:
    fill(store)
    migrate(store, revision)
    migrate(store, "head")
    verdict = verify_trail(store.url)
    assert (verdict.n_events, verdict.last, verdict.damage) == (4, 4, "")
    fields = "id, kind, run_id, case_id, rule_id, detail"
    assert store.query(f"SELECT {fields} FROM event ORDER BY id") == [
        (1, "case opened", 1, 1, None, "{}"),
        (2, "flag raised", 1, 1, "DEC-01", "{}"),
        (3, "flag cleared", 2, 1, "DEC-01", '{"why":"the rule is retired"}'),
        (4, "case closed", 3, 3, None, '{"why":"no flag holds any more"}'),
    ]  # fmt: skip


def test_the_cases_of_a_former_store_stand_in_the_order_of_work(store: OwnStore) -> None:
    fill(store)
    migrate(store, "head")
    boosts = dict(store.query('SELECT id, boost FROM "case"'))
    assert boosts == {1: None, 2: "came back", 3: None, 5: None}
    assert dict(store.query('SELECT id, severity FROM "case"')) == SEVERITIES
    assert [number for (number,) in store.query('SELECT id FROM "case" ORDER BY place')] == ORDER
    as_of = RUNS[-1]
    for number, due_on, referred, stands in store.query(
        'SELECT id, due_on, referral_date, place FROM "case"'
    ):
        days = [to_day(dt.date.fromisoformat(text)) for text in (due_on, referred)]
        assert stands == place(
            is_overdue=int(due_on < as_of),
            is_boosted=int(boosts[number] is not None),
            rank=severity_rank(SEVERITIES[number]),
            due_day=days[0],
            referral_day=days[1],
        )


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_night_brings_a_former_store_to_this_version_and_loses_nothing(
    triage: Triage, records: Path, store: OwnStore, revision: str
) -> None:
    night = ("nightly", records, "--as-of", AS_OF, "--format", "json")
    first = json.loads(triage(*night)[1])["queue"]
    before = whole(store)
    migrate(store, revision)
    code, _, err = triage("queue", "list")
    assert (code, f"the store is at revision {revision}" in err) == (4, True)
    again = json.loads(triage(*night)[1])["queue"]
    assert again == {
        "new": 0, "still_flagged": first["new"], "changed": 0, "cleared": 0, "reopened": 0,
    }  # fmt: skip
    after = whole(store)
    for table in ("case", "flag", "referral", "rule_text"):
        assert after[table] == before[table]
    assert after["event"][: len(before["event"])] == before["event"]
    assert verify_trail(store.url).damage == ""
    check_as_described(store)
    with pytest.raises(Exception, match="only be added"):
        store.execute("DELETE FROM event")


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    triage: Triage, records: Path, store: OwnStore
) -> None:
    fill(store)
    migrate(store, "0003")
    store.execute("CREATE TABLE person (name TEXT)")
    before = whole(store)
    code, out, err = triage("nightly", records, "--as-of", AS_OF)
    assert (code, out) == (4, "")
    assert "person" in err
    assert err.endswith("Nothing was stored.\n")
    assert whole(store) == before
    assert store.value("SELECT version_num FROM alembic_version") == "0003"
