"""Parquet: typed columns turned back into the text that a person would type."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from triage.errors import InputError
from triage.sources.grid import Grid
from triage.tables import RawColumn, encode


def read_parquet_grid(path: Path) -> Grid:
    """Return the table in a Parquet file.

    Raises:
        InputError: when the file is damaged.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: is a damaged Parquet file ({str(error)[:100]}).") from None
    columns = tuple(_as_text(table.column(name)) for name in table.column_names)
    return Grid(tuple(table.column_names), columns, len(table))


def _as_text(column: pa.ChunkedArray) -> RawColumn:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("s", tz=kind.tz), safe=False)
        if kind.tz:
            column = pc.local_timestamp(column)
        column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    elif pa.types.is_floating(kind):
        column = pa.chunked_array([pa.array(_plain(column.to_pylist()), pa.string())])
    else:
        column = column.cast(pa.string())
    return encode(column)


def _plain(numbers: list[float | None]) -> list[str | None]:
    """Return numbers as text; a whole number held as a fraction loses its ``.0``."""
    return [
        None
        if number is None or number != number
        else str(int(number))
        if number == int(number)
        else repr(number)
        for number in numbers
    ]
