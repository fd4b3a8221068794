"""Delimited text: encodings, delimiters, and rows of uneven length.

A text travels as UTF-8 bytes, which Arrow reads where they lie; of 1 GB no second copy is made.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from triage.errors import InputError
from triage.sources.grid import LONGEST_CELL, Grid
from triage.sources.guard import EXPECTED, Admitted, encoding_of
from triage.tables import LOST, RawColumn, encode

MOST_COLUMNS: Final = 16_384
"""As many as a spreadsheet can hold."""

_HEADING_WITHIN: Final = 10
_LONGEST_HEADING: Final = 1_000_000
_PIECE: Final = 1 << 20
_CELLS_AT_ONCE: Final = 400_000
_DELIMITERS: Final = ",;\t|"
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
csv.field_size_limit(LONGEST_CELL)


def read_text(admitted: Admitted) -> bytes:
    """Return the text of an admitted file as UTF-8, whatever it is encoded in.

    Raises:
        InputError: when the bytes are not text, or no longer those that were admitted.
    """
    data = admitted.path.read_bytes()
    admitted.check_unchanged()
    return as_utf8(data, str(admitted.path))


def as_utf8(data: bytes, source: str) -> bytes:
    """Return text in UTF-8 (with or without a mark), UTF-16 or Windows-1252 as plain UTF-8.

    Raises:
        InputError: when the bytes are not text.
    """
    encoding = encoding_of(data[:4])
    if encoding == "utf-8":
        data = data.removeprefix(codecs.BOM_UTF8)
        encodings = [] if _is_utf8(data) else ["cp1252"]
    else:
        encodings = [encoding]
    for name in encodings:
        try:
            return data.decode(name).removeprefix("\ufeff").encode("utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{source}: looks like a binary file, not text; {EXPECTED}.") from None
    return data


def _is_utf8(data: bytes) -> bool:
    reader = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE):
            reader.decode(data[start : start + _PIECE])
        reader.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def below_title(data: bytes, is_heading: Callable[[Sequence[str]], bool]) -> bytes:
    """Return the text from its heading row on: a title or Excel's ``sep=`` may stand above it.

    Where none of the first lines is a heading as wanted, the text is returned as it is.
    """
    start = 0
    for _ in range(_HEADING_WITHIN):
        row = _FirstRow(data, start)
        if len(row.cells) <= MOST_COLUMNS and is_heading(row.cells):
            return data[start:]
        end = _LINE_END.search(data, start)
        if end is None:
            break
        start = end.end()
    return data


class _FirstRow:
    """The first record of a text, from a place on, as far as a heading may reach."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        seen = data[start : start + _LONGEST_HEADING].decode("utf-8", "ignore").lstrip("\r\n")
        lines = io.StringIO(seen, newline="")
        first = next((line for line in lines if line.strip()), "")
        lines.seek(0)
        self.delimiter = max(_DELIMITERS, key=first.count)
        try:
            self.cells = next(csv.reader(lines, delimiter=self.delimiter), [])
        except csv.Error:
            self.cells = []
        self.is_whole = len(data) - start <= _LONGEST_HEADING or lines.tell() < len(seen)


def read_text_grid(data: bytes, source: str) -> Grid:
    """Return the table in a delimited text; blank lines do not count as records.

    Even rows are read by Arrow; where any row is too short or too long, the whole is read again
    by the slower reader of the standard library, which can say which row it was.

    Raises:
        InputError: when rows would be lost, or no table has such headings or cells.
    """
    first = _FirstRow(data)
    _check_headings(first, source)
    names = [str(place) for place in range(len(first.cells))]
    table = None if len(names) < 2 else _even_table(data, first.delimiter, names)
    if table is None:
        _check_quotes(data, first.delimiter, source)
        return _slow(data, first.delimiter, source)
    columns = tuple(encode(table.column(name)) for name in names)
    if b'"' in data and (data.count(b'"') % 2 or any(map(_spans_lines, columns))):
        _check_quotes(data, first.delimiter, source)
    return Grid(tuple(first.cells), columns, len(table))


def _check_headings(first: _FirstRow, source: str) -> None:
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
            f"{source}: its first row goes on for more than {_LONGEST_HEADING:,} characters, so it "
            "is no row of headings; export it again."
        )


def _even_table(data: bytes, delimiter: str, names: list[str]) -> pa.Table | None:
    """Return the rows under the heading as Arrow reads them, None where it cannot read them all."""
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            read_options=pa_csv.ReadOptions(column_names=names),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table.slice(1)


def _spans_lines(column: RawColumn) -> bool:
    return any("\n" in str(text) or "\r" in str(text) for text in column.texts)


def _rows(data: bytes, delimiter: str, *, strict: bool = False) -> Any:
    lines = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _check_quotes(data: bytes, delimiter: str, source: str) -> None:
    """Refuse a text in which a stray quotation mark would swallow the rows that follow it."""
    reader = _rows(data, delimiter, strict=True)
    last = 0
    try:
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


def _slow(data: bytes, delimiter: str, source: str) -> Grid:
    rows = (row for row in _rows(data, delimiter) if row)
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
