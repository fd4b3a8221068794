"""Vectorised reading of dates in their usual forms, for columns with many distinct cells.

It accepts exactly what ``cells.read_moment`` accepts and gives the same moments (a property test
holds the two together); whatever it does not accept goes to the schema, which says what is wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import DATES_UNTIL, Days, to_day

_ISO: Final = {10: "0000-00-00", 16: "0000-00-00T00:00", 19: "0000-00-00T00:00:00"}
_DAY_FIRST: Final = {10: "00/00/0000", 16: "00/00/0000 00:00"}


def screen_moments(
    texts: Sequence[str | None], earliest: dt.date
) -> tuple[npt.NDArray[np.bool_], Days, Days]:
    """Return which texts are dates that can be read, their days, and their seconds of the day."""
    accepted = np.zeros(len(texts), bool)
    days = np.zeros(len(texts), np.int32)
    seconds = np.zeros(len(texts), np.int32)
    array = pa.array(texts, pa.string())
    lengths = pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)
    for length in _ISO:
        places = np.flatnonzero(lengths == length)
        if not len(places):
            continue
        joined = "".join(array.take(pa.array(places)).to_pylist()).encode("utf-8")
        letters = np.frombuffer(joined, np.uint8).reshape(len(places), length)
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
    digits = letters.astype(np.int32) - ord("0")
    good = np.ones(len(letters), bool)
    for place, mark in enumerate(form):
        if mark == "0":
            good &= (digits[:, place] >= 0) & (digits[:, place] <= 9)
        elif mark == "T":
            good &= (letters[:, place] == ord("T")) | (letters[:, place] == ord(" "))
        else:
            good &= letters[:, place] == ord(mark)
    digits = np.where(good[:, None], digits, 1)

    def number(start: int, stop: int) -> Days:
        value = np.zeros(len(digits), np.int32)
        for place in range(start, min(stop, digits.shape[1])):
            value = value * 10 + digits[:, place]
        return value

    if form[2] == "/":
        day, month, year = number(0, 2), number(3, 5), number(6, 10)
    else:
        year, month, day = number(0, 4), number(5, 7), number(8, 10)
    hour, minute, second = number(11, 13), number(14, 16), number(17, 19)
    good &= (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    month_index = (year.astype(np.int64) - 1970) * 12 + np.clip(month, 1, 12) - 1
    first = month_index.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (month_index + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    days = first + day - 1
    good &= (day >= 1) & (days < after)
    good &= (days >= to_day(earliest)) & (days <= to_day(DATES_UNTIL))
    return good, days.astype(np.int32), (hour * 3600 + minute * 60 + second).astype(np.int32)
