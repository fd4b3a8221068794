"""Excel workbooks (``.xlsx``, ``.xls``) by python-calamine: cells as the text one would type."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from triage.errors import InputError
from triage.sources.grid import Grid, grid_of_rows
from triage.vocabulary import counted

_HEADING_WITHIN = 10
"""A heading row is looked for in this many rows: titles may stand above it."""


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook as rows of text."""

    name: str
    rows: list[list[str]]

    def heading_at(self, wanted: Any) -> int | None:
        """Return the first row, near the top, whose cells are a heading row as wanted."""
        for place, row in enumerate(self.rows[:_HEADING_WITHIN]):
            if wanted(row):
                return place
        return None

    def grid(self, heading_at: int) -> Grid:
        """Return the table under a heading row; rows in which every cell is blank are none."""
        headings = self.rows[heading_at]
        while headings and not headings[-1]:
            headings = headings[:-1]
        rows = [row for row in self.rows[heading_at + 1 :] if any(row)]
        return grid_of_rows(headings, rows)


def read_sheets(path: Path) -> list[Sheet]:
    """Return every sheet of a workbook.

    Raises:
        InputError: when the file is no workbook, is damaged, or is locked by a password.
    """
    try:
        workbook = CalamineWorkbook.from_path(path)
        return [
            Sheet(name, [_texts(row) for row in workbook.get_sheet_by_name(name).to_python()])
            for name in workbook.sheet_names
        ]
    except (CalamineError, OSError) as error:
        raise InputError(
            f"{path}: cannot be opened as an Excel workbook ({str(error)[:100]}); "
            "save it again as .xlsx without a password."
        ) from None


def error_notes(path: Path) -> tuple[str, ...]:
    """Return a warning that names the cells of an ``.xlsx`` which hold an error such as #REF!.

    The reader gives them as blank, and a blank date means that nothing happened: whoever owns the
    workbook has to know.
    """
    if not zipfile.is_zipfile(path):
        return ()
    found = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                cells = re.findall(rb'<c r="([A-Z]+[0-9]+)"[^>]*\bt="e"', archive.read(name))
                found += [f"{Path(name).stem} {cell.decode()}" for cell in cells]
    if not found:
        return ()
    shown = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
    return (
        f"warning: {path} holds {counted(len(found), 'cell')} with an Excel error such as #REF!, "
        f"read as blank ({shown}); mend the workbook and run again",
    )


def _texts(row: Sequence[Any]) -> list[str]:
    return [_text(cell) for cell in row]


def _text(cell: Any) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case dt.datetime():
            if cell.time() == dt.time():
                return cell.date().isoformat()
            return cell.replace(microsecond=0).isoformat()
        case dt.date() | dt.time():
            return cell.isoformat()
        case None:
            return ""
    return str(cell).replace("\u00a0", " ").strip()
