"""Working days of England as a table, so that a million offsets take milliseconds."""

from __future__ import annotations

from datetime import date

import holidays
import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int32]
BLANK = -1
"""The day, minute, number or code of a cell that is blank. No invented date lies before 1970."""

_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days from 1 January 1970 to ``day``, the form all arithmetic of this package uses."""
    return (day - _EPOCH).days


def months_before(day: date, months: int) -> date:
    """The date ``months`` calendar months before ``day``, rolled back to the month's last day.

    Raises:
        ValueError: when the result would lie before the year 1.
    """
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            if last == 28:
                raise
    raise AssertionError("unreachable")


class WorkingDays:
    """Counts working days: Monday to Friday less the bank holidays of England.

    The n-th working day of a date is counted strictly after it, so the first working day of a
    Saturday is the Monday.
    """

    def __init__(self, first: date, last: date) -> None:
        """Builds the table for the days from ``first`` to ``last``, both included."""
        bank = holidays.country_holidays("GB", subdiv="ENG", years=range(first.year, last.year + 1))
        closed = np.array(sorted(bank.keys()), dtype="datetime64[D]")
        self._first = day_number(first)
        all_days = np.arange(self._first, day_number(last) + 1)
        is_open = np.is_busday(all_days.astype("datetime64[D]"), holidays=closed)
        self._open_days = all_days[is_open].astype(np.int32)
        self._open_until = np.cumsum(is_open).astype(np.int32)

    def after(self, days: Days, count: Days | int) -> Days:
        """The ``count``-th working day strictly after each day; a count of 0 is the day itself.

        Days are numbers since 1970. Raises IndexError beyond the table's last day.
        """
        number = np.broadcast_to(np.asarray(count, dtype=np.int32), days.shape)
        place = self._open_until[days - self._first] + number - 1
        found = self._open_days[np.maximum(place, 0)]
        return np.where(number == 0, days, found).astype(np.int32)

    def between(self, start: Days, end: Days) -> Days:
        """Working days after ``start`` up to and including ``end``; 0 or less when not later."""
        return self._open_until[end - self._first] - self._open_until[start - self._first]
