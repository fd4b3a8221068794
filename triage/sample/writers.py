"""Writes an invented council in every form the tool can read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import xlsxwriter

from triage.sample import words
from triage.sample.generator import Council
from triage.sample.text import column_text
from triage.sample.writers_annex_a import write_annex_a
from triage.sample.writers_cin import write_cin

__all__ = ["write_annex_a", "write_cin", "write_folder", "write_referral_table"]

EXCEL_ROWS: Final = 1_048_576
_CREATED = datetime(2000, 1, 1)
_EVENT_COLUMNS: Final = {
    "assessments": (
        "assessment_started_on", "assessment_reviewed_on", "assessment_authorised_on",
        "assessment_factors",
    ),
    "section47s": (
        "strategy_discussion_on", "section47_started_on", "icpc_on", "icpc_not_required",
    ),
    "oversight": ("last_oversight_on",),
}  # fmt: skip


def write_referral_table(council: Council, path: Path) -> int:
    """Writes the referral table as ``.csv``, ``.parquet`` or ``.xlsx``, told from the suffix.

    Every column is text in every form, so that a child id keeps its zeros and a mistyped date
    stays as it was typed. Returns the number of rows.

    Raises:
        ValueError: when the suffix is another, or the rows do not fit an Excel sheet.
        OSError: when the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet", ".xlsx"):
        raise ValueError(f"cannot write a referral table as {path.name}: use .csv, .parquet, .xlsx")
    path.parent.mkdir(parents=True, exist_ok=True)
    table = _arrow(council.referrals, words.COLUMNS)
    if suffix == ".csv":
        _write_csv(table, path)
    elif suffix == ".parquet":
        pa_parquet.write_table(table, path, compression="zstd")
    else:
        _write_xlsx(table, path)
    return len(council.referrals)


def write_folder(council: Council, folder: Path) -> dict[str, int]:
    """Writes a folder of tables: ``referrals.csv`` and one file for each kind of event.

    A row of an event's file repeats the referral's id, child and date, and stands only where
    something of the event was recorded; decisions and allocations may have several rows a
    referral. Contacts and early help are known by child alone. Returns the number of rows by
    file name.

    Raises:
        OSError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = council.referrals
    in_events = {name for columns in _EVENT_COLUMNS.values() for name in columns}
    in_events |= {*words.DECISION_COLUMNS, *words.ALLOCATION_COLUMNS} - set(words.KEYS)
    own = [name for name in words.COLUMNS if name not in in_events]
    tables = {"referrals": _arrow(table, own)}
    for name, events in (
        ("decisions", council.decisions),
        ("allocations", council.allocations),
        ("contacts", council.contacts),
        ("early_help", council.early_help),
    ):
        tables[name] = _arrow(events, list(events.columns))
    for event, columns in _EVENT_COLUMNS.items():
        happened = np.zeros(len(table), dtype=bool)
        for name in columns:
            happened |= np.asarray(table[name] != "", dtype=bool)
        tables[event] = _arrow(table, (*words.KEYS, *columns)).filter(pa.array(happened))
    for name, cells in tables.items():
        _write_csv(cells, folder / f"{name}.csv")
    return {f"{name}.csv": cells.num_rows for name, cells in tables.items()}


def _arrow(table: pd.DataFrame, names: tuple[str, ...] | list[str]) -> Any:
    return pa.table({name: column_text(table, name) for name in names})


def _write_csv(table: Any, path: Path) -> None:
    """Comma-separated UTF-8 with plain line ends; no cell of a council needs quotes."""
    options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
    with path.open("wb") as file:
        file.write((",".join(table.column_names) + "\n").encode())
        pa_csv.write_csv(table, file, options)


def _write_xlsx(table: Any, path: Path) -> None:
    if table.num_rows + 1 > EXCEL_ROWS:
        raise ValueError(f"{table.num_rows:,} rows do not fit an Excel sheet of {EXCEL_ROWS:,}")
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED})
        sheet = book.add_worksheet("Referrals")
        sheet.write_row(0, 0, table.column_names)
        columns = [column.to_pylist() for column in table.columns]
        for number, row in enumerate(zip(*columns, strict=True), start=1):
            for place, cell in enumerate(row):
                if cell:
                    sheet.write_string(number, place, cell)
