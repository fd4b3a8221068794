"""Delimited text: its headings, and its rows of even or uneven length."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from triage.errors import InputError
from triage.sources.even_rows import even_rows
from triage.sources.grid import LONGEST_CELL, Grid
from triage.sources.guard import EXPECTED
from triage.sources.text import LONGEST_HEADING, MOST_COLUMNS, FirstRow, Text
from triage.tables import LOST, RawColumn, arrow_texts, encode

_CELLS_AT_ONCE: Final = 400_000
csv.field_size_limit(LONGEST_CELL)


def read_text_grid(text: Text, source: str) -> Grid:
    """Return the table in a delimited text; blank lines do not count as records.

    Even rows are read by Arrow; where any row is too short or too long, the whole is read again
    by the slower reader of the standard library, which can say which row it was.

    Raises:
        InputError: when rows would be lost, or no table has such headings or cells.
    """
    first = FirstRow(text)
    _check_headings(first, source)
    even = even_rows(text, first.delimiter, len(first.cells)) if len(first.cells) > 1 else None
    if even is None:
        _check_quotes(text, first.delimiter, source)
        return _slow(text, first.delimiter)
    if even.n_quotes and (even.n_quotes % 2 or any(map(_spans_lines, even.columns))):
        _check_quotes(text, first.delimiter, source)
    return Grid(tuple(first.cells), even.columns, even.n_rows)


def _check_headings(first: FirstRow, source: str) -> None:
    if len(first.cells) > MOST_COLUMNS:
        raise InputError(
            f"{source}: has {'' if first.is_whole else 'more than '}{len(first.cells):,} columns; "
            f"at most {MOST_COLUMNS:,} are read, as many as a spreadsheet can hold, so export only "
            "those that are needed."
        )
    if not any(cell.strip() for cell in first.cells):
        raise InputError(f"{source}: looks like a table without headings; {EXPECTED}.")
    if not first.is_whole:
        raise InputError(
            f"{source}: its first row goes on for more than {LONGEST_HEADING:,} characters, so it "
            "is no row of headings; export it again."
        )


def _spans_lines(column: RawColumn) -> bool:
    texts = arrow_texts(column.texts)
    return any(pc.any(pc.match_substring(texts, end)).as_py() for end in "\n\r")


@contextmanager
def _rows(text: Text, delimiter: str, *, strict: bool = False) -> Iterator[Any]:
    with text.opened() as file, io.TextIOWrapper(file, "utf-8", newline="") as lines:
        yield csv.reader(lines, delimiter=delimiter, strict=strict)


def _check_quotes(text: Text, delimiter: str, source: str) -> None:
    """Refuse a text in which a stray quotation mark would swallow the rows that follow it."""
    last = 0
    try:
        with _rows(text, delimiter, strict=True) as reader:
            for _ in reader:
                last = reader.line_num
    except csv.Error as error:
        if "field larger" in str(error):
            raise InputError(
                f"{source}: a cell in or after line {last + 1} holds more than {LONGEST_CELL:,} "
                "characters; close the quotation mark before it, or leave the column out, and "
                "export it again."
            ) from None
        raise InputError(
            f"{source}: a quotation mark in or after line {last + 1} is not closed, or text goes "
            f"on behind it ({error}), so rows would be lost; mend that line and export it again."
        ) from None


class _Growing:
    """A column that is read in pieces, each distinct cell held once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._codes: list[npt.NDArray[np.int32]] = []

    def add(self, cells: list[str | None]) -> None:
        """Add the cells of further rows; LOST stands for one that is not there."""
        places = self._places
        codes = [-1 if cell is LOST else places.setdefault(cell, len(places)) for cell in cells]
        self._codes.append(np.array(codes, np.int32))

    def column(self) -> RawColumn:
        """Return the column with its cells trimmed."""
        distinct = encode(list(self._places))
        codes = np.concatenate([np.zeros(0, np.int32), *self._codes])
        tidy = np.append(distinct.codes, np.int32(len(distinct.texts)))[codes]
        if not (codes < 0).any():
            return RawColumn(tidy, distinct.texts)
        return RawColumn(tidy, [*distinct.texts, LOST])


def _slow(text: Text, delimiter: str) -> Grid:
    with _rows(text, delimiter) as rows:
        return _slow_grid(row for row in rows if row)


def _slow_grid(rows: Iterator[list[str]]) -> Grid:
    headings: list[str] = next(rows, [])
    width = len(headings)
    columns = [_Growing() for _ in headings]
    uneven: list[tuple[int, int]] = []
    n_rows = 0
    while piece := list(islice(rows, _CELLS_AT_ONCE // (width or 1) + 1)):
        uneven += [
            (n_rows + place, len(row))
            for place, row in enumerate(piece)
            if len(row) < width or any(cell.strip() for cell in row[width:])
        ]
        for number, column in enumerate(columns):
            column.add([row[number] if number < len(row) else LOST for row in piece])
        n_rows += len(piece)
    return Grid(tuple(headings), tuple(one.column() for one in columns), n_rows, tuple(uneven))
