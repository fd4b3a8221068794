"""Finding by name: where each of many things stands among others, which have names of texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Whole = npt.NDArray[np.int64]


def numbered(names: Sequence[pa.ChunkedArray]) -> Whole:
    """Return one number for each combination of texts, the same for the same ones."""
    return _together([_codes(column.dictionary_encode()) for column in names])


def places(of: Sequence[pa.ChunkedArray], among: Sequence[pa.ChunkedArray]) -> Whole:
    """Return the place of each combination of texts among others, all different; -1 for none."""
    mine, theirs = [], []
    for wanted, held in zip(of, among, strict=True):
        distinct = pc.unique(held)
        theirs.append((_whole(pc.index_in(held, value_set=distinct)), len(distinct)))
        mine.append((_whole(pc.index_in(wanted, value_set=distinct)), len(distinct)))
    is_known = np.logical_and.reduce([codes >= 0 for codes, _ in mine])
    return found_at(np.where(is_known, _together(mine), -1), _together(theirs))


def found_at(of: Whole, among: Whole, order: Whole | None = None) -> Whole:
    """Return the place of each number among others, all different; -1 for none.

    ``order`` are the places of the others by their size, where that is known.
    """
    if not len(among):
        return np.full(len(of), -1, np.int64)
    if order is None:
        order = np.argsort(among)
    place = order[np.minimum(np.searchsorted(among, of, sorter=order), len(among) - 1)]
    return np.where(among[place] == of, place, -1)


def folded(texts: pa.StringArray) -> pa.StringArray:
    """Return texts as ``str.casefold`` has them; only those beyond ASCII are asked of Python."""
    is_foreign = pc.invert(pc.string_is_ascii(texts))
    small = pc.ascii_lower(texts)
    if not is_foreign.true_count:
        return small
    asked = [text.casefold() for text in texts.filter(is_foreign).to_pylist()]
    return pc.replace_with_mask(small, is_foreign, pa.array(asked, pa.string()))


def equal_at(
    ours: pa.StringArray, our_places: Whole, theirs: pa.StringArray, their_places: Whole
) -> npt.NDArray[np.bool_]:
    """Return in which rows ``ours[our_places]`` is ``theirs[their_places]``.

    A place in no texts at all is that of nothing, which equals nothing else.
    """
    # Equal texts are given the number of the first of them among theirs.
    mine, others = (
        np.append(_whole(pc.index_in(texts, value_set=theirs)), -1) for texts in (ours, theirs)
    )
    number = mine[our_places]
    return np.asarray((number >= 0) & (number == others[their_places]), bool)


def _codes(encoded: pa.ChunkedArray) -> tuple[Whole, int]:
    if not encoded.num_chunks:
        return np.zeros(0, np.int64), 0
    pieces = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    return np.concatenate(pieces).astype(np.int64), len(encoded.chunks[-1].dictionary)


def _whole(codes: pa.ChunkedArray | pa.Array) -> Whole:
    return np.asarray(codes.fill_null(-1).to_numpy(), np.int64)


def _together(columns: Sequence[tuple[Whole, int]]) -> Whole:
    found = np.zeros(len(columns[0][0]), np.int64)
    for codes, n_distinct in columns:
        found = found * max(n_distinct, 1) + codes
    return found
