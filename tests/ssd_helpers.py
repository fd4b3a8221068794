"""Small datasets of the Standard Safeguarding Dataset, cell by cell, for its tests."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from triage.reading import USUAL, Reading
from triage.records import Loaded, load
from triage.sources.ssd import read_ssd
from triage.sources.ssd_tables import TABLES
from triage.tables import LOST, ChildTable, RawTable, Source
from triage.validation import BLANK, GIVEN, UNREAD

Cell = str | int | float | bytes | None
Row = Mapping[str, Cell]
AS_OF = dt.date(2023, 6, 30)
FIELDS = {table.name: table.fields for table in TABLES}


def episode(**cells: Cell) -> Row:
    """A referral that is whole, but for the cells given."""
    usual: dict[str, Cell] = {
        "cine_referral_id": "R1",
        "cine_person_id": "A",
        "cine_referral_date": "2023-05-01 00:00:00",
        "cine_cin_primary_need_code": "N1",
        "cine_referral_source_code": "6",
        "cine_referral_nfa": "N",
    }
    return {**usual, **cells}


def sqlite(path: Path, **tables: Sequence[Row]) -> str:
    """Write tables of the dataset, with every field that is read; the URL of the database."""
    with sqlite3.connect(path) as database:
        for name, rows in tables.items():
            fields = FIELDS[name]
            database.execute(f"CREATE TABLE {name} ({', '.join(fields)})")
            marks = ", ".join("?" * len(fields))
            for row in rows:
                assert set(row) <= set(fields)
                cells = [row.get(field) for field in fields]
                database.execute(f"INSERT INTO {name} VALUES ({marks})", cells)
    database.close()
    return f"sqlite:///{path}"


def read(path: Path, reading: Reading = USUAL, **tables: Sequence[Row]) -> Source:
    """What is read from a dataset of some rows; one plain referral where none is given."""
    tables.setdefault("ssd_cin_episodes", [episode()])
    return read_ssd(sqlite(path / "ssd.db", **tables), reading)


def cells(table: RawTable, column: str) -> list[str | None]:
    return table.columns[column].cells()


def beside(source: Source, name: str) -> ChildTable:
    return next(child for child in source.children if child.name == name)


def records(table: RawTable, *columns: str) -> list[tuple[str | None, ...]]:
    """The rows of some columns of a table."""
    return list(zip(*(cells(table, column) for column in columns), strict=True))


def involvement(number: str, started: str | None, **more: str | None) -> Row:
    return {
        "invo_involvements_id": number,
        "invo_professional_id": "W1",
        "invo_person_id": "A",
        "invo_referral_id": "R2",
        "invo_involvement_start_date": started and f"{started} 00:00:00",
        **more,
    }


TWO_REFERRALS = [
    episode(cine_referral_date="2023-01-10 00:00:00"),
    episode(cine_referral_id="R2", cine_referral_date="2023-05-01 09:30:00"),
]


def loaded(source: Source) -> Loaded:
    return load([source], AS_OF)


def told(source: Source, column: str) -> dict[str, str | None]:
    """What a column says of each referral: "" where blank, LOST where it cannot be told."""
    referrals = loaded(source).referrals
    found = referrals.column(column)
    answers: dict[str, str | None] = {}
    for name, state, value in zip(referrals.ids, found.state, found.value, strict=True):
        assert state in (GIVEN, BLANK, *UNREAD)
        if state == GIVEN:
            day = str(value.astype("datetime64[D]"))
            answers[str(name)] = found.names[value] if found.names else day
        else:
            answers[str(name)] = "" if state == BLANK else LOST
    return answers
