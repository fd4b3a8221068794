"""Excel workbooks (``.xlsx``, ``.xls``) by python-calamine: cells as the text one would type.

A sheet is read when it is asked for, and of it only the columns that are: a cell costs no Python
of its own, each distinct value of a column is put into words once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from triage.errors import InputError
from triage.sources.grid import Grid
from triage.sources.workbook_biff import error_cells
from triage.sources.workbook_xml import Unvalued, unvalued_cells
from triage.tables import LOST, RawColumn

_HEADING_WITHIN: Final = 10
"""A heading row is looked for in this many rows: titles may stand above it."""
_ROWS_AT_ONCE: Final = 2_000
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
"""What a workbook that is locked by a password holds instead of sheets."""

Row = list[Any]
Wanted = Callable[[Sequence[str]], bool]


class Sheet:
    """One sheet of a workbook, read when it is asked for."""

    def __init__(
        self, path: Path, book: Any, name: str, *, is_visible: bool, errors: Unvalued
    ) -> None:
        self.name = name
        self.is_visible = is_visible
        self._path = path
        self._book = book
        self._errors = errors

    @cached_property
    def rows(self) -> list[list[str]]:
        """Return the first rows as text: those in which a heading row is looked for."""
        return [_texts(row) for row in islice(self._cells(), _HEADING_WITHIN)]

    def heading_at(self, wanted: Wanted) -> int | None:
        """Return the first row, near the top, whose cells are a heading row as wanted."""
        for place, row in enumerate(self.rows):
            if wanted(row):
                return place
        return None

    def grid(self, heading_at: int, only: Collection[int] | None = None) -> Grid:
        """Return the table under a heading row; rows in which every cell is blank are none.

        With ``only`` the other columns are not read, and their cells are LOST.
        """
        headings = self.rows[heading_at]
        width = len(headings)
        while headings and not headings[-1]:
            headings = headings[:-1]
        asked = range(len(headings)) if only is None else only
        columns = {place: _Growing() for place in asked}
        uneven: list[tuple[int, int]] = []
        n_rows = 0
        cells = islice(self._cells(), heading_at + 1, None)
        while chunk := list(islice(cells, _ROWS_AT_ONCE)):
            chunk = _without_blanks(chunk)
            for place in columns:
                columns[place].add(list(map(itemgetter(place), chunk)))
            if width > len(headings):
                uneven += _too_long(chunk, n_rows, len(headings))
            n_rows += len(chunk)
        unread = RawColumn(np.zeros(n_rows, np.int32), [LOST])
        parts = [
            columns[place].column() if place in columns else unread
            for place in range(len(headings))
        ]
        return Grid(tuple(headings), tuple(parts), n_rows, tuple(uneven))

    @cached_property
    def _sheet(self) -> Any:
        try:
            return self._book.get_sheet_by_name(self.name)
        except (CalamineError, OSError) as error:
            raise _damaged(self._path, error) from None

    @cached_property
    def _unvalued(self) -> Unvalued:
        return self._errors or unvalued_cells(self._path, self.name)

    def _cells(self) -> Iterator[Row]:
        """Return the rows from the sheet's first on, words standing for cells without a value."""
        unvalued = self._unvalued
        first, left = self._sheet.start or (0, 0)
        cells = islice(self._sheet.iter_rows(), first, None)
        if not unvalued:
            yield from cells
            return
        by_row: dict[int, dict[int, str]] = {}
        for (number, column), word in unvalued.items():
            by_row.setdefault(number, {})[column - left] = word
        for number, row in enumerate(cells, first):
            for column, word in by_row.get(number, {}).items():
                if 0 <= column < len(row):
                    row[column] = word
            yield row


def read_sheets(path: Path) -> list[Sheet]:
    """Return every sheet of a workbook, in the order of its tabs.

    Raises:
        InputError: when the file is no workbook, is damaged, or is locked by a password.
    """
    try:
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
        sheets = book.sheets_metadata
        errors = error_cells(path)
    except (CalamineError, OSError) as error:
        raise _damaged(path, error) from None
    return [
        Sheet(
            path,
            book,
            sheet.name,
            is_visible=sheet.visible == SheetVisibleEnum.Visible,
            errors=errors.get(sheet.name, {}),
        )
        for sheet in sheets
        if sheet.typ == SheetTypeEnum.WorkSheet
    ]


def _damaged(path: Path, error: Exception) -> InputError:
    if "password" in str(error).casefold() or _LOCKED in path.read_bytes():
        return InputError(
            f"{path}: is locked by a password; open it in Excel, take the password away, save it, "
            "and give it again."
        )
    return InputError(
        f"{path}: cannot be opened as an Excel workbook ({str(error)[:100]}); "
        "save it again as .xlsx without a password."
    )


class _Growing:
    """A column that is read in pieces, each distinct value held once."""

    def __init__(self) -> None:
        self._place_of: defaultdict[Any, int] = defaultdict()
        self._place_of.default_factory = self._place_of.__len__
        self._pieces = [np.zeros(0, np.int32)]

    def add(self, cells: Row) -> None:
        """Add the cells of further rows."""
        if bool in set(map(type, cells)):
            cells = [_text(cell) if isinstance(cell, bool) else cell for cell in cells]
        codes = np.fromiter(map(self._place_of.__getitem__, cells), np.int32, len(cells))
        self._pieces.append(codes)

    def column(self) -> RawColumn:
        """Return the column as text; values that read alike are one."""
        texts: dict[str, int] = {}
        places = [texts.setdefault(_text(cell), len(texts)) for cell in self._place_of]
        codes = np.concatenate(self._pieces)
        return RawColumn(np.array(places, np.int32)[codes] if places else codes, list(texts))


def _without_blanks(rows: list[Row]) -> list[Row]:
    """Return the rows in which some cell holds more than space."""
    return [
        row
        for row in rows
        if row and (not isinstance(row[0], str) or row[0].strip() or any(map(_text, row)))
    ]


def _too_long(rows: list[Row], start: int, width: int) -> list[tuple[int, int]]:
    return [
        (start + place, len(row))
        for place, row in enumerate(rows)
        if any(cell != "" and _text(cell) for cell in row[width:])
    ]


def _texts(row: Sequence[Any]) -> list[str]:
    return [_text(cell) for cell in row]


def _text(cell: Any) -> str:
    match cell:
        case str():
            return cell.replace("\u00a0", " ").strip()
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
    return str(cell)
