"""Measure the reading of Annex A: List 3 alone, a workbook of all lists, a folder of CSV files.

Example: python tests/benchmarks/read_annex_a.py --rows 20000
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import importlib
import resource
import sys
import tempfile
from pathlib import Path

import xlsxwriter
from measuring import MEGABYTE, Measured, measure
from python_calamine import CalamineWorkbook

from triage.sample import make_council, writers
from triage.sources import read_source
from triage.tables import Source

AS_OF = dt.date(2026, 9, 30)
MONTHS = 6
"""What the lists cover; the invented council is no older, so every referral of it is in List 3."""


def write_workbook(path: Path, rows: int) -> None:
    """Write an invented council with so many rows in List 3, the other lists as they fall out."""
    council = make_council(rows, seed=5, as_of=AS_OF, months=MONTHS)
    writers.write_annex_a(council, path, months=MONTHS)


def write_folder(workbook: Path, folder: Path) -> None:
    """Write the lists of a workbook as CSV files, dates day first."""
    folder.mkdir()
    book = CalamineWorkbook.from_path(str(workbook))
    for name in book.sheet_names:
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            for row in book.get_sheet_by_name(name).to_python():
                out.writerow(f"{c:%d/%m/%Y}" if isinstance(c, dt.date) else c for c in row)


def write_list_3(workbook: Path, path: Path) -> None:
    """Write List 3 of a workbook as a workbook of its own, dates as dates."""
    rows = CalamineWorkbook.from_path(str(workbook)).get_sheet_by_name("List 3").to_python()
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("List 3")
        day_first = book.add_format({"num_format": "dd/mm/yyyy"})
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(number, place, cell, day_first)
                elif cell != "":
                    sheet.write(number, place, cell)


def import_readers() -> None:
    """Import what a reader imports when it is first called."""
    for name in ("annex_a", "workbook", "text_table"):
        importlib.import_module(f"triage.sources.{name}")


def summary(source: Source) -> tuple[int, int, float]:
    """Return the rows of List 3, those of the other lists, and the CPU of processes it started."""
    beside = sum(len(child.table) for child in source.children)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return source.n_rows, beside, used.ru_utime + used.ru_stime


def told(form: str, taken: list[Measured]) -> str:
    """Return what the best of several readings cost, in a line."""
    best = min(taken, key=lambda one: one.cpu)
    rows, beside, others = best.summary
    return (
        f"{form}: {rows:,} rows of List 3 and {beside:,} of the lists beside it, {best.cpu:.2f} s "
        f"of CPU and {others:.2f} s in processes it started, {best.wall:.2f} s in all, "
        f"{max(one.above for one in taken) / MEGABYTE:.0f} MB above the "
        f"{best.size / MEGABYTE:.0f} MB of tables\n"
    )


def main() -> int:
    """Print one line for each form: what was read, how fast, and in how much memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=5, help="the best of so many is told")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        workbook, folder = Path(place) / "annex_a.xlsx", Path(place) / "lists"
        write_workbook(workbook, options.rows)
        list_3 = Path(place) / "list_3.xlsx"
        write_folder(workbook, folder)
        write_list_3(workbook, list_3)
        forms = {
            "workbook of List 3": list_3,
            "workbook of all lists": workbook,
            "folder of CSV files": folder,
        }
        for form, path in forms.items():
            taken = [
                measure(read_source, str(path), first=import_readers, summary=summary)
                for _ in range(options.times)
            ]
            sys.stdout.write(told(form, taken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
