"""Parquet: typed columns turned back into the text that a person would type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from triage.errors import InputError
from triage.sources.grid import Grid
from triage.sources.headings import columns_meant
from triage.sources.text import MOST_COLUMNS
from triage.tables import RawColumn, encode
from triage.vocabulary import cut

_FEW_ROWS: Final = 100_000
_BYTES_A_ROW: Final = 2
"""A child's identifier and a date take some 4 bytes a row at their smallest, a usual row 40."""


def read_parquet_grid(
    path: Path,
    is_wanted: Callable[[str], object] = columns_meant,
    row_groups: Sequence[int] | None = None,
) -> Grid:
    """Return the table in a Parquet file, the columns blank whose headings are not wanted.

    ``row_groups`` names those that are read (None: all).

    What the file says of itself is looked at first: a billion rows cost a run-length of a few
    bytes. Texts are read as positions among the distinct ones, so that one long text stands once.

    Raises:
        InputError: when the file is damaged, or says it holds more than it can.
    """
    with _told_as_damaged(path):
        file = pq.ParquetFile(path)
        _check_sizes(file.metadata, path)
        fields = list(file.schema_arrow)
        wanted = [field.name for field in fields if is_wanted(field.name)]
        texts = [field.name for field in fields if field.name in wanted and _is_text(field.type)]
        opened = pq.ParquetFile(path, read_dictionary=texts)
        groups = range(opened.num_row_groups) if row_groups is None else row_groups
        table = opened.read_row_groups(groups, columns=wanted)
        # Positions beyond the last text, and texts that are none, are found by nothing else.
        table.validate(full=True)
    blank = RawColumn(np.zeros(len(table), np.int32), [""])
    read = iter(zip(table.column_names, table.columns, strict=True))
    columns = [
        _as_text(next(read)[1], field.name, path) if field.name in wanted else blank
        for field in fields
    ]
    return Grid(tuple(field.name for field in fields), tuple(columns), len(table))


def read_description(path: Path) -> pq.FileMetaData:
    """Return what a Parquet file says of its columns and groups of rows.

    Raises:
        InputError: when the file is damaged, or says it holds more than it can.
    """
    with _told_as_damaged(path):
        about = pq.ParquetFile(path).metadata
        _check_sizes(about, path)
    return about


@contextmanager
def _told_as_damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, MemoryError, OverflowError, ValueError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        why = cut(str(error) or type(error).__name__)
        raise InputError(f"{path}: is a damaged Parquet file ({why}); write it again.") from None


def _check_sizes(about: pq.FileMetaData, path: Path) -> None:
    """Refuse a file of more columns than a table has, or of more rows than its bytes can hold."""
    if about.num_columns > MOST_COLUMNS:
        raise InputError(
            f"{path}: has {about.num_columns:,} columns; at most {MOST_COLUMNS:,} are read, as "
            "many as a spreadsheet can hold, so write only those that are needed."
        )
    size = path.stat().st_size
    if about.num_rows > max(_FEW_ROWS, size // _BYTES_A_ROW):
        raise InputError(
            f"{path}: says that it holds {about.num_rows:,} rows in {size:,} bytes, which no table "
            "of children and dates does; it is damaged or made to do harm, so write it again."
        )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _as_text(column: pa.ChunkedArray, name: str, path: Path) -> RawColumn:
    try:
        return _texts(column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(
            f"{path}: column {cut(name)} holds values of a kind that cannot be read "
            f"({column.type}); write it as text."
        ) from None


def _texts(column: pa.ChunkedArray) -> RawColumn:
    """Return a column as text; a value is put into words once, however often it stands there."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        if _is_text(kind.value_type):
            return encode(column)
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if _is_text(kind):
        return encode(column)
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return encode(pc.binary_join(column, ";"))
    values = column.combine_chunks().dictionary_encode()
    return encode(pa.DictionaryArray.from_arrays(values.indices, _in_words(values.dictionary)))


def _in_words(values: pa.Array) -> pa.StringArray:
    kind = values.type
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("s", tz=kind.tz), safe=False)
        if kind.tz:
            values = pc.local_timestamp(values)
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%S")
    if pa.types.is_floating(kind):
        return pa.array(_plain(values.to_pylist()), pa.string())
    return values.cast(pa.string())


def _plain(numbers: list[float | None]) -> list[str | None]:
    """Return numbers as text; a whole number held as a fraction loses its ``.0``."""
    return [
        None
        if number is None or number != number
        else str(int(number))
        if number.is_integer()
        else repr(number)
        for number in numbers
    ]
