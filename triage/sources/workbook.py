"""Excel workbooks (``.xlsx``, ``.xls``) by python-calamine: cells as the text one would type."""

from __future__ import annotations

import datetime as dt
import html
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from triage.errors import InputError
from triage.sources.grid import Grid, grid_of_rows

_HEADING_WITHIN = 10
"""A heading row is looked for in this many rows: titles may stand above it."""
_ERROR_CELL = re.compile(
    rb'<c r="([A-Z]+)([0-9]+)"[^>]*\bt="e"[^>]*>(?:(?!</c>).)*?<v>([^<]*)</v>', re.DOTALL
)


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
        errors = _errors(path)
        return [
            Sheet(name, _rows(workbook.get_sheet_by_name(name), errors.get(name, ())))
            for name in workbook.sheet_names
        ]
    except (CalamineError, OSError) as error:
        raise InputError(
            f"{path}: cannot be opened as an Excel workbook ({str(error)[:100]}); "
            "save it again as .xlsx without a password."
        ) from None


@dataclass(frozen=True)
class _ErrorCell:
    """A cell of a worksheet that holds an error such as #REF! instead of a value."""

    row: int
    column: int
    text: str


def _errors(path: Path) -> dict[str, list[_ErrorCell]]:
    """Return the cells of an ``.xlsx`` that hold an error, by the name of their sheet.

    The reader gives them as blank, and a blank date would mean that nothing happened.
    """
    if not zipfile.is_zipfile(path):
        return {}
    found: dict[str, list[_ErrorCell]] = {}
    with zipfile.ZipFile(path) as archive:
        for name, part in _sheet_parts(archive).items():
            cells = _ERROR_CELL.findall(archive.read(part))
            found[name] = [
                _ErrorCell(int(row) - 1, _column_number(letters.decode()), value.decode())
                for letters, row, value in cells
            ]
    return found


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the file inside a workbook that holds each sheet, by the sheet's name."""
    names = set(archive.namelist())
    try:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except KeyError:
        return {}
    targets = {}
    for tag in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", links):
        targets[_attribute(tag, "Id")] = _attribute(tag, "Target").lstrip("/").removeprefix("xl/")
    found = {}
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
        part = f"xl/{targets.get(_attribute(tag, 'r:id'), '')}"
        if part in names:
            found[html.unescape(_attribute(tag, "name"))] = part
    return found


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf"\b{name}=[\"']([^\"']*)[\"']", tag)
    return match.group(1) if match else ""


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _rows(sheet: Any, errors: Sequence[_ErrorCell]) -> list[list[str]]:
    """Return a sheet's cells as text, an error as the word that stands in its cell."""
    rows = [_texts(row) for row in sheet.to_python()]
    top, left = sheet.start or (0, 0)
    for cell in errors:
        row, column = cell.row - top, cell.column - left
        if 0 <= row < len(rows) and 0 <= column < len(rows[row]):
            rows[row][column] = cell.text
    return rows


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
