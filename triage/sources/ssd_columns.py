"""Columns of typed cells put together, each distinct text or pair of texts looked at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import EVENTS_FROM, to_day
from triage.cells import read_moment
from triage.tables import LOST, RawColumn, Rows

Truths = npt.NDArray[np.bool_]
_MIDNIGHT: Final = r"^(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.\d+)?)?$"
_CLOCK: Final = r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?$"
_OFFSET: Final = r"^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?)[+-]\d{2}(?::\d{2})?$"
_ISO: Final = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])([T ]|$)"


def as_texts(values: Sequence[Any]) -> Any:
    """Return the values of one column as a pyarrow array of texts, null where there is none."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        texts = {value: _text(value) for value in set(values)}
        return pa.array([texts[value] for value in values], pa.string())


def _text(value: Any) -> str | None:
    """Return one value as a person would type it; a whole number held as a fraction is whole."""
    match value:
        case None | str():
            return value
        case bytes():
            return value.decode("utf-8", "replace")
        case bool():
            return "true" if value else "false"
        case dt.datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ")
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def plain_moments(column: RawColumn, *, local: bool) -> RawColumn:
    """Return a column of dates and times with a plain date where the time is midnight.

    With ``local`` the times are those of England already, so that the offset behind them is left
    off. What has another form stays as it is, to be listed as a problem.
    """
    texts = pa.array(column.texts, pa.string())
    if local:
        texts = pc.replace_substring_regex(texts, _OFFSET, r"\1")
    texts = pc.replace_substring_regex(texts, _MIDNIGHT, r"\1")
    texts = pc.replace_substring_regex(texts, _CLOCK, r"\1T\2")
    return RawColumn(column.codes, texts.to_pylist())


def day_numbers(column: RawColumn) -> tuple[Rows, Truths]:
    """Return the day of each cell as days since 1970, and which cells are dates that exist."""
    texts = pa.array(column.texts, pa.string())
    is_iso = pc.fill_null(pc.match_substring_regex(texts, _ISO), False)
    days = np.zeros(len(texts), np.int64)
    is_read = np.array(is_iso.to_numpy(zero_copy_only=False), bool)
    heads = pc.utf8_slice_codeunits(texts.filter(is_iso), 0, 10).cast(pa.date32())
    days[is_read] = heads.cast(pa.int32()).to_numpy(zero_copy_only=False)
    for place in np.flatnonzero(~is_read).tolist():
        try:
            days[place] = to_day(read_moment(column.texts[place] or "", EVENTS_FROM).date())
            is_read[place] = True
        except ValueError:
            continue
    return days[column.codes], is_read[column.codes]


def where(column: RawColumn, holds: Callable[[str | None], bool]) -> Truths:
    """Return the rows whose text is such a one."""
    return np.array([holds(text) for text in column.texts], bool)[column.codes]


def blank(n_rows: int) -> RawColumn:
    """Return a column of blank cells."""
    return RawColumn(np.zeros(n_rows, np.int32), [""])


def paired(
    first: RawColumn, second: RawColumn, change: Callable[[str, str], str | None]
) -> RawColumn:
    """Return a column made of two, each distinct pair of texts asked once; none may be lost."""
    width = len(second.texts)
    pairs, codes = np.unique(
        first.codes.astype(np.int64) * width + second.codes, return_inverse=True
    )
    texts = [
        change(first.texts[pair // width] or "", second.texts[pair % width] or "")
        for pair in pairs.tolist()
    ]
    return RawColumn(codes.astype(np.int32), texts)


def replaced(column: RawColumn, rows: Truths, text: str | None) -> RawColumn:
    """Return a column with the same text in some rows."""
    codes = np.where(rows, np.int32(len(column.texts)), column.codes).astype(np.int32)
    return RawColumn(codes, [*column.texts, text])


def taken(column: RawColumn, rows: Rows, otherwise: str | None = "") -> RawColumn:
    """Return the cells of some rows; ``otherwise`` where the row is -1."""
    codes = np.where(rows >= 0, column.codes[rows] if len(column.codes) else 0, len(column.texts))
    return RawColumn(codes.astype(np.int32), [*column.texts, otherwise])


def followed(column: RawColumn, other: RawColumn) -> RawColumn:
    """Return a column with the cells of another below its own."""
    codes = np.concatenate([column.codes, other.codes + np.int32(len(column.texts))])
    return RawColumn(codes.astype(np.int32), [*column.texts, *other.texts])


def first_rows(keys: RawColumn, sought: RawColumn) -> Rows:
    """Return the first row whose key is each sought text; -1 where there is none or it is blank."""
    first = np.full(len(keys.texts), -1, np.int64)
    first[keys.codes[::-1]] = np.arange(len(keys.codes), dtype=np.int64)[::-1]
    places: dict[str, int] = {}
    for text, row in zip(keys.texts, first.tolist(), strict=True):
        if text and row >= 0:
            places[text] = min(row, places.get(text, row))
    found = np.array([places.get(text or "", -1) for text in sought.texts], np.int64)
    return found[sought.codes]


@dataclass(frozen=True)
class OneEach:
    """What a table says of each sought key: its one value, "" where every one is blank.

    ``is_missing`` are the rows whose key is not in the table, ``is_several`` those of a key with
    several different values; their cells are blank.
    """

    column: RawColumn
    is_missing: Truths
    is_several: Truths


def one_each(keys: RawColumn, values: RawColumn, sought: RawColumn) -> OneEach:
    """Return the value of each sought key, from a table in which a key may come more than once."""
    numbers: dict[str, int] = {}
    number_of_key = _numbered(keys, numbers)
    texts: dict[str, int] = {}
    number_of_value = _numbered(values, texts)
    used = (number_of_key >= 0) & (number_of_value >= 0)
    pairs = np.unique(number_of_key[used] * max(len(texts), 1) + number_of_value[used])
    key_of_pair = pairs // max(len(texts), 1)
    n_values = np.bincount(key_of_pair, minlength=len(numbers) + 1)
    value = np.full(len(numbers) + 1, len(texts), np.int64)
    value[key_of_pair] = pairs % max(len(texts), 1)
    value[n_values > 1] = len(texts)
    asked = np.array([numbers.get(text or "", -1) for text in sought.texts], np.int64)[sought.codes]
    column = RawColumn(value[asked].astype(np.int32), [*texts, ""])
    return OneEach(column, asked < 0, (asked >= 0) & (n_values[asked] > 1))


def _numbered(column: RawColumn, numbers: dict[str, int]) -> Rows:
    """Return a number for each row's text, kept in ``numbers``; -1 where it is blank."""
    places = [numbers.setdefault(text, len(numbers)) if text else -1 for text in column.texts]
    return np.array(places, np.int64)[column.codes]


def count(rows: Truths) -> int:
    """Return how many rows are meant."""
    return int(rows.sum())


def is_lost(text: str | None) -> bool:
    """Return whether a cell's content could not be told."""
    return text is LOST
