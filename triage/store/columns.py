"""Columns of tonight and of the store: as arrays, as texts to be passed, and beside each other."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.vocabulary import SEVERITIES

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]
AnyColumn: TypeAlias = pa.ChunkedArray | pa.Array


def ranks(severities: AnyColumn) -> Whole:
    """Return the rank of each severity, 0 for the most pressing."""
    found = pc.index_in(severities.cast(pa.string()), value_set=pa.array(SEVERITIES))
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def truths(column: AnyColumn) -> Truth:
    """Return a column of true and false as an array; nothing is false."""
    filled = pc.fill_null(column, False)
    if isinstance(filled, pa.ChunkedArray):
        return np.asarray(filled.to_numpy(), bool)
    return np.asarray(filled.to_numpy(zero_copy_only=False), bool)


def texts(column: AnyColumn) -> list[Any]:
    """Return the texts of a column, of which equal ones are looked up and so the same object."""
    array = only(column)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    held = [*array.dictionary.to_pylist(), None]
    places = array.indices.fill_null(len(held) - 1).to_numpy(zero_copy_only=False)
    return list(map(held.__getitem__, places.tolist()))


def dates(column: AnyColumn) -> list[Any]:
    """Return days as ISO texts."""
    encoded = only(column).dictionary_encode()
    days = pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.cast(pa.string()))
    return texts(days)


def only(column: AnyColumn) -> pa.Array:
    """Return a column as one array."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else whole.chunk(0)


def same(mine: AnyColumn, stored: AnyColumn) -> Truth:
    """Return where a column holds what is stored; nothing is the same as nothing."""
    equal = truths(pc.equal(mine.cast(stored.type), stored))
    return equal | truths(pc.and_(pc.is_null(mine), pc.is_null(stored)))
