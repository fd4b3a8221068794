"""Dates as whole days, working days of England and Wales, and calendar months.

A date is held as the number of days since 1 January 1970 (``int32``), so that a column of dates
is one flat array. Working days are Monday to Friday less the bank holidays of England and Wales,
taken from the ``holidays`` package.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from triage.errors import CallError

Days = npt.NDArray[np.int32]
Whole = npt.NDArray[np.int64]

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2051
EVENTS_FROM: Final = dt.date(1990, 1, 1)
BIRTHS_FROM: Final = dt.date(1900, 1, 1)
DATES_UNTIL: Final = dt.date(2050, 12, 31)

_EPOCH_ORDINAL: Final = dt.date(1970, 1, 1).toordinal()
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def to_day(date: dt.date) -> int:
    """Return a date as whole days since 1 January 1970."""
    return date.toordinal() - _EPOCH_ORDINAL


def to_date(day: int) -> dt.date:
    """Return the date of a number of days since 1 January 1970."""
    return dt.date.fromordinal(int(day) + _EPOCH_ORDINAL)


def spoken_date(date: dt.date) -> str:
    """Return a date as a sentence has it, such as 3 May 2022."""
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def minus_months(date: dt.date, months: int) -> dt.date:
    """Return ``date`` less whole calendar months; a day the month lacks becomes its last.

    31 May less 3 months is 28 or 29 February.
    """
    return to_date(int(minus_months_array(np.array([to_day(date)], np.int32), months)[0]))


def minus_months_array(days: Days, months: Any) -> Days:
    """Return each day less ``months`` calendar months (one number, or one for each day).

    Of many days less the same number each distinct day is reckoned once.
    """
    if np.ndim(months) == 0 and len(days):
        first, last = int(days.min()), int(days.max())
        if last - first < len(days):
            return _minus_months(np.arange(first, last + 1, dtype=np.int32), months)[days - first]
    return _minus_months(days, months)


def _minus_months(days: Days, months: Any) -> Days:
    dates = days.astype("datetime64[D]")
    start_of_month = dates.astype("datetime64[M]")
    day_of_month = (dates - start_of_month.astype("datetime64[D]")).astype(np.int64)
    target = start_of_month - np.asarray(months).astype("timedelta64[M]")
    first = target.astype("datetime64[D]")
    length = ((target + np.timedelta64(1, "M")).astype("datetime64[D]") - first).astype(np.int64)
    result = first.astype(np.int64) + np.minimum(day_of_month, length - 1)
    return np.asarray(result, np.int32)


def months_between(earlier: Days, later: Days) -> Whole:
    """Return the fewest calendar months n for which ``earlier >= later - n months``.

    So "within n months" is the same as ``months_between(...) <= n``. Zero when both are the same
    day; the same month but an earlier day is 1.
    """
    if not len(earlier):
        return np.zeros(0, np.int64)
    first = min(int(earlier.min()), int(later.min()))
    month, day, length = _months_and_days(first, max(int(earlier.max()), int(later.max())))
    before, after = earlier - first, later - first
    months = month[after] - month[before]
    # The later day, put into the earlier month, is that month's last where the month lacks it.
    is_reached = day[before] >= np.minimum(day[after], length[before])
    return months + np.where(is_reached, 0, 1)


@lru_cache(maxsize=64)
def _months_and_days(first: int, last: int) -> tuple[Whole, Days, Days]:
    """Return the month (from 1970), day of it and its length for each of a run of days."""
    dates = np.arange(first, last + 1).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    starts = months.astype("datetime64[D]")
    lengths = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - starts
    return (
        months.astype(np.int64),
        (dates - starts).astype(np.int32) + np.int32(1),
        lengths.astype(np.int32),
    )


@lru_cache(maxsize=1)
def bank_holidays() -> dict[dt.date, str]:
    """Return the bank holidays of England and Wales with their names, 1900 to 2051."""
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return dict(_united_kingdom()(subdiv="ENG", years=years, language="en_GB").items())


def _united_kingdom() -> Callable[..., Any]:
    """Return what makes the holidays of the United Kingdom, by the ``holidays`` package.

    To ask the package for one country imports all 260, which takes three times as long as the rest
    of the calendar; so its module of this country is loaded by itself, where it stands alone.
    """
    import holidays

    folder = Path(holidays.__file__).parent / "countries"
    spec = spec_from_file_location("holidays_united_kingdom", folder / "united_kingdom.py")
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        # A version of the package that is laid out otherwise is asked the usual way.
        with suppress(ImportError, OSError, AttributeError):
            spec.loader.exec_module(module)
            alone: Callable[..., Any] = module.UnitedKingdom
            return alone
    return partial(holidays.country_holidays, "GB")


@lru_cache(maxsize=1)
def _table() -> tuple[int, Whole, Days]:
    """Return the first day, the count of working days up to each day, and each working day."""
    first = to_day(dt.date(FIRST_YEAR, 1, 1))
    last = to_day(dt.date(LAST_YEAR, 12, 31))
    days = np.arange(first, last + 1, dtype=np.int32)
    is_working = (days + 3) % 7 < 5
    for holiday in bank_holidays():
        is_working[to_day(holiday) - first] = False
    return first, np.cumsum(is_working, dtype=np.int64), days[is_working]


def _position(days: Days) -> Whole:
    """Return each day's place in the table, or refuse years the calendar does not know."""
    first, counts, _ = _table()
    place = days.astype(np.int64) - first
    outside = (place < 0) | (place >= len(counts))
    if outside.any():
        date = np.datetime64(int(days[outside][0]), "D")
        raise CallError(
            f"{date}: the calendar of bank holidays covers {FIRST_YEAR} to {LAST_YEAR} only; "
            "give a date within those years."
        )
    return place


def working_days(start: Days, end: Days) -> Whole:
    """Return the working days after ``start`` up to and including ``end``, for each pair.

    The day of the event itself is day 0: received on a Saturday and decided on the Monday is 1.
    Zero or less where the end does not come after the start. One look-up a date.

    Raises:
        CallError: for a date outside the years that the calendar of bank holidays covers.
    """
    _, counts, _ = _table()
    return counts[_position(end)] - counts[_position(start)]


def add_working_days_array(days: Days, number: npt.NDArray[Any]) -> Days:
    """Return the n-th working day strictly after each day; the day itself where n is 0.

    Raises:
        CallError: when that lies beyond the years that the calendar of bank holidays covers.
    """
    _, counts, working = _table()
    place = counts[_position(days)] + number - 1
    if len(place) and int(place.max()) >= len(working):
        raise CallError(
            f"a due date lies after {LAST_YEAR}: the calendar of bank holidays covers "
            f"{FIRST_YEAR} to {LAST_YEAR} only; judge as of an earlier date."
        )
    return np.where(number == 0, days, working[np.maximum(place, 0)]).astype(np.int32)


def add_working_days(start: int, number: int) -> int:
    """Return the n-th working day strictly after ``start``, as a day number."""
    return int(add_working_days_array(np.array([start], np.int32), np.array([number]))[0])


def check_as_of(as_of: dt.date) -> dt.date:
    """Return ``as_of`` when records can be judged on it, else raise CallError."""
    if not EVENTS_FROM <= as_of <= DATES_UNTIL:
        raise CallError(
            f"--as-of {as_of}: records can be judged on dates from {EVENTS_FROM} to {DATES_UNTIL}."
        )
    return as_of
