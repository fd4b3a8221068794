"""Random records written as a table or a folder of tables, and read back, are the same records."""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from triage.schema import REFERRAL_COLUMNS
from triage.sources import read_source
from triage.sources.folder import BESIDE
from triage.tables import RawTable, Source
from triage.vocabulary import (
    ASSESSMENT_FACTORS,
    CLOSURE_REASONS,
    DECISION_OUTCOMES,
    PRIMARY_NEEDS,
    REFERRAL_SOURCES,
    RISK_RATINGS,
)

Rows = list[dict[str, str]]
KEYS: Final = ("child_id", "referral_date", "referral_id")

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from(" ,;\"'|\t="),
    min_size=1,
    max_size=12,
).map(str.strip)
dates = st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31))
days = dates.map(dt.date.isoformat) | dates.map(lambda day: day.strftime("%d/%m/%Y"))
moments = days | st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2050, 12, 31)).map(
    lambda moment: moment.strftime("%Y-%m-%dT%H:%M")
)
CODES: Final = {
    "referral_source": tuple(REFERRAL_SOURCES),
    "primary_need": tuple(PRIMARY_NEEDS),
    "closure_reason": tuple(CLOSURE_REASONS),
    "decision_outcome": DECISION_OUTCOMES,
    "risk_rating": RISK_RATINGS,
    "threshold_level": tuple("1234"),
}


def cells_of(name: str) -> st.SearchStrategy[str]:
    """What may be typed in a column: readable cells, blanks, and here and there a mistake."""
    kind = REFERRAL_COLUMNS[name].kind
    if name in CODES:
        typed = st.sampled_from(CODES[name])
    elif kind in ("event", "birth"):
        typed = moments
    elif kind == "flag":
        typed = st.sampled_from(["true", "false", "1", "0", "Yes", "no"])
    elif kind == "number":
        typed = st.integers(0, 5000).map(str)
    elif kind == "codes":
        typed = st.lists(st.sampled_from(sorted(ASSESSMENT_FACTORS)), min_size=1, max_size=3).map(
            ";".join
        )
    else:
        typed = texts
    return typed | st.just("") | st.sampled_from(["maybe", "31/02/2022"])


def rows_of(names: tuple[str, ...], n: int) -> st.SearchStrategy[Rows]:
    keys = {
        "child_id": texts.filter(bool),
        "referral_date": days,
        "referral_id": texts,
    }
    one = st.fixed_dictionaries(
        {name: keys[name] if name in keys else cells_of(name) for name in names}
    )
    return st.lists(one, min_size=1, max_size=n)


def as_csv(path: Path, names: tuple[str, ...], rows: Rows) -> Path:
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([row[name] for name in names] for row in rows)
    return path.with_suffix(".csv")


def as_parquet(path: Path, names: tuple[str, ...], rows: Rows) -> Path:
    pq.write_table(
        pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names}),
        path.with_suffix(".parquet"),
    )
    return path.with_suffix(".parquet")


def as_excel(path: Path, names: tuple[str, ...], rows: Rows) -> Path:
    with xlsxwriter.Workbook(str(path.with_suffix(".xlsx"))) as book:
        sheet = book.add_worksheet("Sheet")
        for number, row in enumerate([dict(zip(names, names, strict=True)), *rows]):
            for place, name in enumerate(names):
                if row[name]:
                    sheet.write_string(number, place, row[name])
    return path.with_suffix(".xlsx")


WRITERS: Final = {"csv": as_csv, "parquet": as_parquet, "xlsx": as_excel}
Writer = Callable[[Path, tuple[str, ...], Rows], Path]
NAMES: Final = tuple(name for name in REFERRAL_COLUMNS if name != "rationale_hash")


def read_back(table: RawTable, names: tuple[str, ...]) -> Rows:
    columns = {name: table.columns[name].cells() for name in names}
    return [{name: columns[name][place] or "" for name in names} for place in range(len(table))]


@pytest.mark.parametrize("form", list(WRITERS))
@given(rows=rows_of(NAMES, 6))
def test_a_table_of_random_records_is_read_as_it_was_written(form: str, rows: Rows) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = read_source(str(WRITERS[form](Path(folder) / "records", NAMES, rows)))
    assert isinstance(source, Source)
    assert read_back(source.referrals, NAMES) == rows
    assert source.referrals.problems == source.notes == ()
    assert source.referrals.rows.tolist() == list(range(2, len(rows) + 2))


TABLES: Final = {
    name: tuple(dict.fromkeys((*KEYS, *beside.carries)))
    for name, beside in BESIDE.items()
    if beside.carries and name != "decisions"
} | {
    "decisions": tuple(
        dict.fromkeys((*KEYS, *(c for c in BESIDE["decisions"].carries if c in NAMES)))
    )
}
OWN: Final = tuple(
    name for name in NAMES if name in KEYS or not any(name in told for told in TABLES.values())
)


@given(data=st.data(), form=st.sampled_from(sorted(WRITERS)))
def test_a_folder_of_random_tables_is_read_as_it_was_written(
    data: st.DataObject, form: str
) -> None:
    rows = {name: data.draw(rows_of(names, 4), name) for name, names in TABLES.items()}
    referrals = data.draw(rows_of(OWN, 4), "referrals")
    with tempfile.TemporaryDirectory() as folder:
        WRITERS[form](Path(folder) / "referrals", OWN, referrals)
        for name, names in TABLES.items():
            WRITERS[form](Path(folder) / name, names, rows[name])
        source = read_source(folder)
    assert isinstance(source, Source)
    assert read_back(source.referrals, OWN) == referrals
    for child in source.children:
        assert read_back(child.table, TABLES[child.name]) == rows[child.name]
    assert {child.name for child in source.children} == set(TABLES)
