"""Delimited text: encodings, delimiters, and rows of uneven length."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv

from triage.errors import InputError
from triage.sources.grid import Grid, grid_of_rows
from triage.tables import encode

_HEADING_WITHIN: Final = 10
_DELIMITERS: Final = ",;\t|"
csv.field_size_limit(2**31 - 1)


def decode(data: bytes, source: str) -> str:
    """Return text from UTF-8 (with or without a byte-order mark), UTF-16 or Windows-1252.

    Raises:
        InputError: when the bytes are not text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\x00" in data[:2000]:
        encodings = ["utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text[:2000]:
            return text if "\n" in text else text.replace("\r", "\n")
    raise InputError(
        f"{source}: looks like a binary file, not text; expected a CSV, Parquet, Excel or "
        "CIN census XML file."
    )


def below_title(text: str, is_heading: Callable[[Sequence[str]], bool]) -> str:
    """Return the text from its heading row on: a title or Excel's ``sep=`` may stand above it.

    Where none of the first lines is a heading as wanted, the text is returned as it is.
    """
    start = 0
    for _ in range(_HEADING_WITHIN):
        if start < len(text) and is_heading(heading_row(text[start : start + 100_000])[0]):
            return text[start:]
        start = text.find("\n", start) + 1
        if not start:
            break
    return text


def heading_row(text: str) -> tuple[list[str], str]:
    """Return the cells of the first record and the delimiter that splits it."""
    first = next((line for line in io.StringIO(text[:100_000]) if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    start = io.StringIO(text[:100_000].lstrip("\r\n"))
    try:
        return next(csv.reader(start, delimiter=delimiter), []), delimiter
    except csv.Error:
        return [], delimiter


def read_text_grid(text: str, source: str) -> Grid:
    """Return the table in a delimited text; blank lines do not count as records.

    Even rows are read by Arrow; where any row is too short or too long, the whole is read again
    by the slower reader of the standard library, which can say which row it was.
    """
    headings, delimiter = heading_row(text)
    names = [str(place) for place in range(len(headings))]
    uneven = False

    def on_uneven(row: pa_csv.InvalidRow) -> str:
        nonlocal uneven
        uneven = True
        return "skip"

    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text.encode("utf-8")),
            read_options=pa_csv.ReadOptions(column_names=names),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=on_uneven
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        uneven = True
    if uneven or len(headings) == 1:
        _check_quotes(text, delimiter, source)
        return _slow(text, delimiter, source)
    table = table.slice(1)
    columns = tuple(encode(table.column(name)) for name in names)
    spans_lines = any("\n" in str(cell) for column in columns for cell in column.texts)
    if spans_lines or text.count('"') % 2:
        _check_quotes(text, delimiter, source)
    return Grid(tuple(headings), columns, len(table))


def _check_quotes(text: str, delimiter: str, source: str) -> None:
    """Refuse a text in which a stray quotation mark would swallow the rows that follow it."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    last = 0
    try:
        for _ in reader:
            last = reader.line_num
    except csv.Error as error:
        raise InputError(
            f"{source}: a quotation mark in or after line {last + 1} is not closed, or text goes "
            f"on behind it ({error}), so rows would be lost; mend that line and export it again."
        ) from None


def _slow(text: str, delimiter: str, source: str) -> Grid:
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise InputError(f"{source}: cannot be read as a delimited table ({error}).") from None
    return grid_of_rows(rows[0], rows[1:]) if rows else Grid((), (), 0)
