"""Annex A in each form in which councils send it, written from the same rows."""

from __future__ import annotations

import csv
import datetime as dt
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import xlsxwriter
import xlwt

Cell = str | int | float | bool | dt.date | None
Rows = Sequence[Sequence[Cell]]
LIST_3 = (
    "Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)",
    "Date of referral", "Referral Source", "Referral NFA?",
    "Number of Referrals in Last 12 Months", "Allocated Team", "Allocated Worker",
)  # fmt: skip
SHORT = ("Child Unique ID", "Date of referral", "Referral Source", "Referral NFA?")
LIST_6 = (
    "Child Unique ID", "CIN Start Date", "Primary Need Code", "CIN Closure Date",
    "Reason for Closure", "Case status",
)  # fmt: skip
FORMS = ("xlsx", "xls", "folder")


def write(form: str, place: Path, lists: Mapping[str, Rows]) -> Path:
    """Write lists by the name of their sheet or file; dates are real ones but in a folder."""
    path = place / ("lists" if form == "folder" else f"annex_a.{form}")
    if form == "folder":
        path.mkdir()
        for name, rows in lists.items():
            with (path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([list(map(_typed, row)) for row in rows])
    elif form == "xls":
        _old_workbook(path, lists)
    else:
        with xlsxwriter.Workbook(str(path)) as book:
            as_date = book.add_format({"num_format": "dd/mm/yyyy"})
            for name, rows in lists.items():
                sheet = book.add_worksheet(name)
                for number, row in enumerate(rows):
                    for column, cell in enumerate(row):
                        if isinstance(cell, dt.date):
                            sheet.write_datetime(number, column, cell, as_date)
                        elif isinstance(cell, str):
                            sheet.write_string(number, column, cell)
                        elif cell is not None:
                            sheet.write(number, column, cell)
    return path


def _old_workbook(path: Path, lists: Mapping[str, Rows]) -> None:
    book = xlwt.Workbook()
    as_date = xlwt.easyxf(num_format_str="dd/mm/yyyy")
    for name, rows in lists.items():
        sheet = book.add_sheet(name)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, dt.date):
                    sheet.write(number, column, cell, as_date)
                elif cell is not None and cell != "":
                    sheet.write(number, column, cell)
    book.save(str(path))


def _typed(cell: Cell) -> str:
    if isinstance(cell, dt.date):
        return f"{cell:%d/%m/%Y}"
    return "" if cell is None else str(cell)


def mend_sheet(path: Path, change: Callable[[str], str], number: int = 1) -> None:
    """Change the text of one sheet inside a workbook."""
    part = f"xl/worksheets/sheet{number}.xml"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    before = parts[part].decode("utf-8")
    after = change(before)
    assert after != before
    parts[part] = after.encode("utf-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def without_value(how: str) -> Callable[[str], str]:
    """Return a change that takes the values away from formulas, as other programs write them."""
    return lambda text: re.sub(r"(</f>)<v>[^<]*</v>", rf"\1{how}", text)
