"""Rows dealt out anew by their child, in files that lie for the length of a run.

They hold the columns as we know them, trimmed, without free text, and the numbers that the rows
had in their own file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from triage.tables import LOST, RawColumn, RawTable, Rows, Texts, arrow_texts

_ROW: Final = "row"

Numbers = npt.NDArray[np.uint64]


def numbers_of(texts: pa.StringArray | pa.ChunkedArray) -> Numbers:
    """Return a number for each text, the same on every machine: equal texts have equal numbers.

    Two different texts have the same with a chance of 1 in 2 to the 64.
    """
    cells = np.asarray(texts.to_numpy(zero_copy_only=False), object)
    return np.asarray(pd.util.hash_array(cells, categorize=False), np.uint64)


def write_dealt(table: RawTable, rows: Rows, name: str) -> None:
    """Write some rows of a table.

    Raises:
        OSError: when the file cannot be written.
    """
    columns = {column: _texts_of(cells, rows) for column, cells in table.columns.items()}
    pq.write_table(pa.table({**columns, _ROW: pa.array(table.rows[rows])}), name)


def read_dealt(name: str, source: str, only: Collection[str] | None) -> RawTable:
    """Return the rows that were written into a file; ``only`` some of their columns.

    Raises:
        OSError: when the file cannot be read.
    """
    wanted = [
        column
        for column in pq.read_schema(name).names
        if column != _ROW and (only is None or column in only)
    ]
    # Not as a data set, by whose name a folder could be taken for a column.
    table = pq.ParquetFile(name, read_dictionary=wanted).read([*wanted, _ROW])
    columns = {column: _held(table[column]) for column in wanted}
    return RawTable(source, table[_ROW].to_numpy(), columns)


def one_after_another(columns: Sequence[RawColumn]) -> RawColumn:
    """Return several columns as one, the rows of each below those of the one before."""
    return _held(
        pa.chunked_array(
            [_texts_of(column, np.arange(len(column.codes))) for column in columns], pa.string()
        )
    )


def _texts_of(column: RawColumn, rows: Rows) -> pa.StringArray:
    return arrow_texts(column.texts).take(pa.array(column.codes[rows]))


def _held(cells: pa.ChunkedArray) -> RawColumn:
    """Return texts as they were held before: trimmed already, and null is LOST, not blank."""
    if not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    if not len(cells):
        return RawColumn(np.zeros(0, np.int32), [])
    encoded = pa.concat_arrays(cells.chunks)
    # A dictionary that was read from a file may hold a text twice.
    texts = encoded.dictionary.dictionary_encode()
    codes = pc.take(texts.indices, encoded.indices).fill_null(len(texts.dictionary))
    places = codes.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    if not encoded.indices.null_count:
        return RawColumn(places, Texts(texts.dictionary))
    return RawColumn(places, [*texts.dictionary.to_pylist(), LOST])
