"""A second process beside a large report, and a second connection beside a large store."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from report_documents import published, within
from stores import ON_SQLITE, NewStore, OwnStore
from work_helpers import asker, night, rows

from triage import store as door
from triage.errors import DamagedError
from triage.report import second_hand
from triage.report.forms import written
from triage.report.shown import Shown
from triage.report.workbook import workbook_of
from triage.store import beside, bulk
from triage.store.connection import reading
from triage.store.tables import case

SCHEMA = pa.schema(
    {"id": pa.int64(), "child_id": pa.string(), "team": pa.string(), "held_by": pa.string(),
     "restricted": pa.int8()}
)  # fmt: skip
ALL = sa.select(*(case.c[name] for name in SCHEMA.names))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every report is large, and there are two processors."""
    monkeypatch.setattr(second_hand, "_MANY_CELLS", 0)
    monkeypatch.setattr(second_hand, "_MANY_CHARTS", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("made", [within, published])
def test_a_report_made_by_two_is_that_made_by_one(
    made: Callable[[], Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_two = written(made(), with_pdf=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert by_two == written(made(), with_pdf=False)


def die(_shown: Shown) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


@pytest.mark.usefixtures("large")
def test_where_the_second_process_is_killed_the_first_makes_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = iter([die, workbook_of])
    shown = within()

    class OnceKilled(second_hand.ProcessPoolExecutor):
        def submit(self, act: Any, /, *given: Any, **more: Any) -> Any:
            return super().submit(next(asked, act) if act is workbook_of else act, *given, **more)

    monkeypatch.setattr(second_hand, "ProcessPoolExecutor", OnceKilled)
    alone = written(shown, with_pdf=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert alone == written(shown, with_pdf=False)


@pytest.fixture
def own(new_store: NewStore, tmp_path: Path) -> Any:
    with new_store(tmp_path) as made:
        night(made, tmp_path, rows(5))
        yield made


def found(connection: sa.Connection) -> list[tuple[Any, ...]]:
    table = beside.all_of(connection, ALL, SCHEMA)
    assert table.schema == SCHEMA
    return [tuple(row.values()) for row in table.sort_by("id").to_pylist()]


def by_rows(connection: sa.Connection) -> list[tuple[Any, ...]]:
    return [row for some in bulk.rows(connection, ALL.order_by(case.c.id)) for row in some]


def test_what_is_read_beside_is_what_is_read(own: OwnStore) -> None:
    door.claim(own.url, asker("r.reviewer"), 3)
    with reading(own.url) as connection:
        assert found(connection) == by_rows(connection)
        assert [row[3] for row in found(connection)] == [None, None, "r.reviewer", None, None]
        none = ALL.where(case.c.id < 0)
        assert beside.all_of(connection, none, SCHEMA).to_pylist() == []


@ON_SQLITE
def test_it_is_read_beside_and_not_by_rows(own: OwnStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(own.url) as connection:
        expected = by_rows(connection)
        monkeypatch.setattr(bulk, "table_of", None)
        assert found(connection) == expected


def test_what_somebody_wrote_meanwhile_is_not_read(own: OwnStore) -> None:
    with reading(own.url) as connection:
        before = by_rows(connection)
        door.claim(own.url, asker("r.reviewer"), 3)
        assert found(connection) == by_rows(connection) == before


@ON_SQLITE
def test_a_text_that_is_none_is_told_as_by_rows(own: OwnStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "triage.db")) as opened, opened:
        opened.execute("UPDATE \"case\" SET team = CAST(X'ff41' AS TEXT) WHERE id = 2")
    with pytest.raises(DamagedError, match="damaged"), reading(own.url) as connection:
        found(connection)


@ON_SQLITE
def test_a_path_of_odd_letters_is_found(new_store: NewStore, tmp_path: Path) -> None:
    folder = tmp_path / "50% of #1? é"
    folder.mkdir()
    with new_store(folder) as made:
        night(made, folder, rows(2))
        with reading(made.url) as connection:
            assert beside._beside(connection, ALL, SCHEMA) is not None
