"""Parquet: typed columns turned back into the text that a person would type."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from triage.errors import InputError
from triage.sources.grid import Grid
from triage.sources.headings import columns_meant
from triage.tables import RawColumn, encode
from triage.vocabulary import cut


def read_parquet_grid(path: Path) -> Grid:
    """Return the table in a Parquet file.

    Raises:
        InputError: when the file is damaged.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: is a damaged Parquet file ({str(error)[:100]}).") from None
    columns = tuple(
        _as_text(table.column(place), name, path)
        if columns_meant(name)
        else encode([""] * len(table))
        for place, name in enumerate(table.column_names)
    )
    return Grid(tuple(table.column_names), columns, len(table))


def _as_text(column: pa.ChunkedArray, name: str, path: Path) -> RawColumn:
    try:
        return encode(_texts(column))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(
            f"{path}: column {cut(name)} holds values of a kind that cannot be read "
            f"({column.type}); write it as text."
        ) from None


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return pc.binary_join(column, ";")
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("s", tz=kind.tz), safe=False)
        if kind.tz:
            column = pc.local_timestamp(column)
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    if pa.types.is_floating(kind):
        return pa.chunked_array([pa.array(_plain(column.to_pylist()), pa.string())])
    return column.cast(pa.string())


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
