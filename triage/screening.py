"""Vectorised reading of dates in their usual forms, for columns with many distinct cells.

It accepts exactly what ``cells.read_moment`` accepts and gives the same moments (a property test
holds the two together); whatever it does not accept goes to the schema, which says what is wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import DATES_UNTIL, Days, to_day
from triage.tables import arrow_texts

_ISO: Final = {10: "0000-00-00", 16: "0000-00-00T00:00", 19: "0000-00-00T00:00:00"}
_NO_CLOCK: Final = _ISO[10]
_DAY_FIRST: Final = {10: "00/00/0000", 16: "00/00/0000 00:00"}


def screen_moments(
    texts: Sequence[str | None], earliest: dt.date
) -> tuple[npt.NDArray[np.bool_], Days, Days]:
    """Return which texts are dates that can be read, their days, and their seconds of the day."""
    accepted = np.zeros(len(texts), bool)
    days = np.zeros(len(texts), np.int32)
    seconds = np.zeros(len(texts), np.int32)
    array = arrow_texts(texts)
    lengths = pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)
    for length in _ISO:
        places = np.flatnonzero(lengths == length)
        if not len(places):
            continue
        joined = array.take(pa.array(places)).buffers()[2]
        rows = np.frombuffer(joined, np.uint8, len(places) * length).reshape(-1, length)
        letters = np.ascontiguousarray(rows.T)
        for form in (_ISO.get(length), _DAY_FIRST.get(length)):
            if form is not None:
                good, day, second = _read(letters, form, earliest)
                accepted[places[good]] = True
                days[places[good]] = day[good]
                seconds[places[good]] = second[good]
    return accepted, days, seconds


def _read(
    letters: npt.NDArray[np.uint8], form: str, earliest: dt.date
) -> tuple[npt.NDArray[np.bool_], Days, Days]:
    """Return which texts are dates of a form, from their first letters, their second ones, ...."""
    digits = letters - np.uint8(ord("0"))  # What lies before 0 comes out above 9.
    good = np.ones(letters.shape[1], bool)
    for place, mark in enumerate(form):
        if mark == "0":
            good &= digits[place] <= 9
        elif mark == "T":
            good &= (letters[place] == ord("T")) | (letters[place] == ord(" "))
        else:
            good &= letters[place] == ord(mark)

    def number(start: int, stop: int) -> Days:
        value = np.zeros(len(good), np.int32)
        for row in digits[start:stop]:
            value *= 10
            value += row
        return value

    if form[2] == "/":
        day, month, year = number(0, 2), number(3, 5), number(6, 10)
    else:
        year, month, day = number(0, 4), number(5, 7), number(8, 10)
    good &= (year >= earliest.year) & (year <= DATES_UNTIL.year) & (month >= 1) & (month <= 12)
    months = np.where(good, (year - earliest.year) * 12 + month - 1, 0)
    starts = _month_starts(earliest.year)
    days = starts[months] + day - 1
    good &= (day >= 1) & (days < starts[months + 1])
    good &= (days >= to_day(earliest)) & (days <= to_day(DATES_UNTIL))
    if len(form) == len(_NO_CLOCK):
        return good, days, np.zeros(len(good), np.int32)
    hour, minute, second = number(11, 13), number(14, 16), number(17, 19)
    good &= (hour < 24) & (minute < 60) & (second < 60)
    return good, days, hour * 3600 + minute * 60 + second


@lru_cache(maxsize=8)
def _month_starts(year: int) -> Days:
    """Return the first day of each month from a year on, and of the one after the last."""
    first = np.datetime64(dt.date(year, 1, 1), "M")
    last = np.datetime64(DATES_UNTIL, "M")
    return np.arange(first, last + 2).astype("datetime64[D]").astype(np.int32)
