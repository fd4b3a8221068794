"""From numbers to typed cells and back, for whole columns at once.

A ``Text`` is a pyarrow array of strings without nulls, in which "" is a blank cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from triage.sample.workdays import BLANK, Days, day_number

Text = Any


def words_text(codes: NDArray[np.int32], vocabulary: Sequence[str]) -> Text:
    """The word at each position of ``vocabulary``; a blank cell for ``BLANK``."""
    cells = pa.array([*vocabulary, ""], type=pa.string())
    return cells.take(pa.array(np.where(codes == BLANK, len(vocabulary), codes)))


def days_text(days: Days) -> Text:
    """Days since 1970 as ``YYYY-MM-DD``; a blank cell for ``BLANK``."""
    filled = days[days != BLANK]
    if not len(filled):
        return blank_text(len(days))
    low = int(filled.min())
    span = np.arange(low, int(filled.max()) + 1).astype("datetime64[D]")
    return words_text(
        np.where(days == BLANK, BLANK, days - low).astype(np.int32),
        np.datetime_as_string(span).tolist(),
    )


def times_text(days: Days, minutes: NDArray[np.int32]) -> Text:
    """Days as dates, with ``THH:MM`` behind them where ``minutes`` is not ``BLANK``."""
    clock = [f"T{minute // 60:02d}:{minute % 60:02d}" for minute in range(24 * 60)]
    shown = np.where(days == BLANK, BLANK, minutes).astype(np.int32)
    return pc.binary_join_element_wise(days_text(days), words_text(shown, clock), "")


def ids_text(prefix: str, numbers: NDArray[np.int32], width: int) -> Text:
    """Identifiers such as ``C0001234``; a blank cell for ``BLANK``."""
    digits = pc.utf8_lpad(numbers_text(numbers), width, "0")
    named = pc.binary_join_element_wise(pa.scalar(prefix), digits, "")
    return pc.if_else(pa.array(numbers == BLANK), pa.scalar(""), named)


def numbers_text(numbers: NDArray[np.int32]) -> Text:
    """Whole numbers as typed; a blank cell for ``BLANK``."""
    typed = pc.cast(pa.array(numbers), pa.string())
    return pc.if_else(pa.array(numbers == BLANK), pa.scalar(""), typed)


def blank_text(size: int) -> Text:
    """A column of blank cells."""
    return pa.repeat(pa.scalar(""), size)


def column_text(table: pd.DataFrame, name: str) -> Text:
    """One column of a referral table as pyarrow strings."""
    cells = pa.array(table[name], type=pa.string())
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def to_series(cells: Text) -> pd.Series[str]:
    """The column as pandas text, without a Python object a cell where pandas allows it."""
    return pd.Series(pd.array(cells, dtype="str"))


def read_days(cells: Text) -> Days:
    """Typed dates, ISO or day-first, with or without a time, as days; ``BLANK`` if unreadable."""
    heads = pc.replace_substring_regex(cells, r"[T ]\d{2}:\d{2}(:\d{2})?$", "")
    encoded = heads.dictionary_encode()
    known = np.array([_read_day(cell) for cell in encoded.dictionary.to_pylist()], dtype=np.int32)
    if not len(known):
        return np.zeros(0, dtype=np.int32)
    days: Days = known[encoded.indices.to_numpy(zero_copy_only=False)]
    return days


def iso_text(cells: Text) -> Text:
    """Typed dates as ``YYYY-MM-DD``; a cell that cannot be read stays as it was typed."""
    days = read_days(cells)
    return pc.if_else(pa.array(days != BLANK), days_text(days), cells)


def _read_day(cell: str) -> int:
    """The day of one typed date; no invented date lies before 1970, so an earlier one is a slip."""
    parts = cell.split("/")
    iso = "-".join(reversed(parts)) if len(parts) == 3 else cell
    try:
        return max(day_number(date.fromisoformat(iso)), BLANK)
    except ValueError:
        return BLANK
