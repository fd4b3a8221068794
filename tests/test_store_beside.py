"""A large store that is read by a second process, which leaves the locks of the first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from conftest import Triage, mend
from stores import ON_SQLITE, NewStore, OwnStore
from work_helpers import night, rows

from triage.store import beside as door
from triage.store import bulk
from triage.store.beside import Beside, beside
from triage.store.connection import reading, writing
from triage.store.tables import case

SCHEMA = pa.schema({"id": pa.int64(), "team": pa.string(), "child_id": pa.string()})
CASES = sa.select(case.c.id, case.c.team, case.c.child_id).order_by(case.c.id)


def as_read(tables: Iterator[pa.Table]) -> list[dict[str, Any]]:
    return [row for some in tables for row in some.to_pylist()]


@pytest.fixture
def second_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have any store read by a second process, two rows at a time; how many each reading gave."""
    monkeypatch.setattr(door, "LARGE", 0)
    monkeypatch.setattr(door, "_ROWS", 2)
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    found: list[int] = []
    own = Beside._second

    def counted(stored: Beside, *asked: Any) -> Iterator[pa.Table]:
        found.append(0)
        for some in own(stored, *asked):
            found[-1] += len(some)
            yield some

    monkeypatch.setattr(Beside, "_second", counted)
    return found


def more_cases(store: OwnStore, n_cases: int) -> None:
    """Put cases into a store that differ in their child alone."""
    columns = (
        "subject, referral_id, referral_date, team, restricted, status, due_on, severity, place"
    )
    store.execute(
        *(
            f'INSERT INTO "case" (id, child_id, {columns}) SELECT {1000 + number}, '
            f"'more {number}', {columns} FROM \"case\" WHERE id = 1"
            for number in range(n_cases)
        )
    )


def test_a_store_is_read_the_same_by_a_second_process(
    stored: OwnStore, second_reads: list[int]
) -> None:
    more_cases(stored, 7)
    with reading(stored.url) as connection, beside(connection) as store:
        plain = as_read(bulk.tables(connection, CASES, SCHEMA))
        assert as_read(store.tables(CASES, SCHEMA)) == plain
        whole = store.all_of(CASES, SCHEMA)
        nothing = store.all_of(CASES.where(case.c.id < 0), SCHEMA)
    assert whole.schema == nothing.schema == SCHEMA
    assert len(nothing) == 0
    assert sorted(whole.to_pylist(), key=lambda row: row["id"]) == plain
    assert len(plain) > 7
    assert second_reads == ([len(plain), len(plain), 0] if stored.kind == "sqlite" else [0, 0, 0])


def test_a_small_store_is_read_by_the_one_process(
    stored: OwnStore, second_reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(subprocess, "Popen", None)
    with reading(stored.url) as connection, beside(connection) as store:
        found = as_read(store.tables(CASES, SCHEMA))
        assert found == as_read(bulk.tables(connection, CASES, SCHEMA))
    assert not second_reads


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE \"case\" SET team = 'Elsewhere'",
        "DELETE FROM flag",
        'ALTER TABLE "case" RENAME COLUMN boost TO boost_once',
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_who_has_written_reads_over_its_own_connection(
    stored: OwnStore, second_reads: list[int], change: str, when: str
) -> None:
    with writing(stored.url) as connection:
        before = as_read(bulk.tables(connection, CASES, SCHEMA))
        if when == "before":
            connection.exec_driver_sql(change)
        with beside(connection) as store:
            if when == "after":
                assert as_read(store.tables(CASES, SCHEMA)) == before
                connection.exec_driver_sql("UPDATE person SET role = role")
                connection.exec_driver_sql(change)
            found = as_read(store.tables(CASES, SCHEMA))
        assert found == as_read(bulk.tables(connection, CASES, SCHEMA))
        assert (found != before) == ("Elsewhere" in change)
    n_read = len(before) if stored.kind == "sqlite" else 0
    # A change of the tables alone counts no row; the second process goes on seeing what it saw.
    is_unseen = when == "after" and "ALTER" in change
    assert second_reads == [n_read] * (when == "after") + [n_read if is_unseen else 0]


@ON_SQLITE
def test_who_wrote_between_the_two_is_not_read(
    triage: Triage, stored: OwnStore, second_reads: list[int]
) -> None:
    with reading(stored.url) as connection:
        before = as_read(bulk.tables(connection, CASES, SCHEMA))
        assert triage("queue", "claim-next", "--as", "w.worker")[0] == 0
        stored.execute("UPDATE \"case\" SET team = 'Elsewhere'")
        with beside(connection) as store:
            assert as_read(store.tables(CASES, SCHEMA)) == before
    assert second_reads == [0]


@ON_SQLITE
def test_a_second_process_goes_on_seeing_what_it_saw(
    triage: Triage, stored: OwnStore, second_reads: list[int]
) -> None:
    with reading(stored.url) as connection, beside(connection) as store:
        before = as_read(store.tables(CASES, SCHEMA))
        assert triage("queue", "claim-next", "--as", "w.worker")[0] == 0
        stored.execute("UPDATE \"case\" SET team = 'Elsewhere'")
        assert as_read(store.tables(CASES, SCHEMA)) == before
    assert second_reads == [len(before)] * 2


@ON_SQLITE
@pytest.mark.usefixtures("second_reads")
def test_a_second_process_leaves_the_locks_of_the_first(stored: OwnStore) -> None:
    with writing(stored.url) as connection:
        with beside(connection) as store:
            assert len(store.all_of(CASES, SCHEMA))
        connection.exec_driver_sql("UPDATE person SET role = role")
        asked = "sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        script = f"import sqlite3, sys; {asked}"
        file = stored.url.removeprefix("sqlite:///")
        told = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True)
        assert "database is locked" in told.stderr


@ON_SQLITE
@pytest.mark.parametrize("after", [0, 4])
def test_what_a_second_process_leaves_undone_is_read_on_from_there(
    stored: OwnStore, second_reads: list[int], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    more_cases(stored, 900)
    with reading(stored.url) as connection, beside(connection) as store:
        plain = as_read(bulk.tables(connection, CASES, SCHEMA))
        found = []
        reader = store._reader
        assert reader is not None
        if not after:
            reader.kill()
        for some in store.tables(CASES, SCHEMA):
            found += some.to_pylist()
            if len(found) >= after:
                reader.kill()
        assert found == plain
        assert second_reads[-1] < len(plain)
        assert store.all_of(CASES, SCHEMA).to_pylist() == plain


@ON_SQLITE
def test_what_was_read_in_part_is_not_taken_for_what_is_asked_next(
    stored: OwnStore, second_reads: list[int]
) -> None:
    more_cases(stored, 9)
    with reading(stored.url) as connection, beside(connection) as store:
        plain = as_read(bulk.tables(connection, CASES, SCHEMA))
        begun = store.tables(CASES, SCHEMA)
        assert next(begun).to_pylist() == plain[:1]
        assert as_read(store.tables(CASES, SCHEMA)) == plain
        assert as_read(begun) == plain[1:]
    assert sum(second_reads) == len(plain)


@ON_SQLITE
def test_no_second_process_is_left_behind(stored: OwnStore, second_reads: list[int]) -> None:
    with (  # noqa: PT012
        pytest.raises(ZeroDivisionError),
        reading(stored.url) as connection,
        beside(connection) as store,
    ):
        assert store._reader is not None
        raise ZeroDivisionError
    assert store._reader.returncode is not None
    assert not second_reads


@ON_SQLITE
@pytest.mark.parametrize(
    "change",
    ["team = CAST(x'ff' AS TEXT)", "place = 'none'", "child_id = x'80'", "restricted = 5000"],
)
def test_a_damaged_cell_is_told_as_the_stores_own_connection_tells_it(
    triage: Triage, stored: OwnStore, second_reads: list[int], change: str
) -> None:
    more_cases(stored, 9)
    stored.execute(f'UPDATE "case" SET {change} WHERE id = 1006')
    code, out, err = triage("nightly", "records.csv", "--as-of", "2023-07-03", "--quiet")
    assert (code, out) == (4, "")
    assert "the store is damaged" in err
    assert err.endswith("Nothing was stored.\n")
    assert stored.value("SELECT count(*) FROM run") == 1
    assert 0 < second_reads[-1] < 10


@ON_SQLITE
@pytest.mark.parametrize(
    "change", ["known_now SET digest = 'none'", "referral SET child_id = x'80'"]
)
def test_a_damaged_record_is_told_though_the_queue_is_asked_for_behind_it(
    triage: Triage, stored: OwnStore, second_reads: list[int], change: str
) -> None:
    stored.execute(f"UPDATE {change}")
    records = Path("records.csv")
    mend(records, "B,2023-06-01,R3,false,,,,", "B,2023-06-01,R3,false,,,2023-06-20,")
    code, out, err = triage("nightly", records, "--as-of", "2023-07-03", "--quiet")
    assert (code, out) == (4, "")
    assert "the store is damaged" in err
    assert err.endswith("Nothing was stored.\n")
    assert second_reads


@ON_SQLITE
def test_a_path_of_odd_letters_is_found(
    new_store: NewStore, tmp_path: Path, second_reads: list[int]
) -> None:
    folder = tmp_path / "50% of #1? é"
    folder.mkdir()
    with new_store(folder) as made:
        night(made, folder, rows(2))
        second_reads.clear()
        with reading(made.url) as connection, beside(connection) as store:
            assert len(store.all_of(CASES, SCHEMA)) == 2
    assert second_reads == [2]


@ON_SQLITE
def test_where_no_second_process_can_begin_the_one_reads(
    stored: OwnStore, second_reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuses)
    with reading(stored.url) as connection, beside(connection) as store:
        found = as_read(store.tables(CASES, SCHEMA))
        assert found == as_read(bulk.tables(connection, CASES, SCHEMA))
    assert second_reads == [0]
