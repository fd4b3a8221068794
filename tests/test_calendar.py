"""Working days of England and Wales, and calendar months."""

from __future__ import annotations

import datetime as dt

import holidays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage import calendar
from triage.errors import CallError

days = st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31))


def elapsed(start: dt.date, end: dt.date) -> int:
    pair = [np.array([calendar.to_day(date)], np.int32) for date in (start, end)]
    return int(calendar.working_days(*pair)[0])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2022-05-14", "2022-05-16", 1),  # Saturday to Monday
        ("2022-05-16", "2022-05-16", 0),
        ("2022-06-01", "2022-06-06", 1),  # over the two days of the Platinum Jubilee
        ("2022-09-16", "2022-09-20", 1),  # over the day of the State Funeral
        ("2023-05-05", "2023-05-09", 1),  # over the Coronation
        ("2021-12-24", "2022-01-04", 4),  # over Christmas and New Year with substitute days
        ("2022-05-16", "2022-05-13", -1),
    ],
)
def test_working_days_are_counted_after_the_start_up_to_the_end(
    start: str, end: str, expected: int
) -> None:
    assert elapsed(dt.date.fromisoformat(start), dt.date.fromisoformat(end)) == expected


@given(days, st.integers(1, 60))
def test_the_nth_working_day_after_a_day_lies_n_working_days_on(day: dt.date, n: int) -> None:
    found = calendar.to_date(calendar.add_working_days(calendar.to_day(day), n))
    assert elapsed(day, found) == n
    assert elapsed(day, found - dt.timedelta(days=1)) == n - 1


def test_england_and_wales_have_the_same_bank_holidays() -> None:
    years = range(1990, 2051)
    wales = set(holidays.country_holidays("GB", subdiv="WLS", years=years))
    assert {day for day in calendar.bank_holidays() if day.year in years} == wales


@pytest.mark.parametrize("date", [dt.date(1899, 12, 31), dt.date(2052, 1, 1)])
def test_years_that_the_calendar_does_not_know_are_refused(date: dt.date) -> None:
    with pytest.raises(CallError, match="covers 1900 to 2051 only"):
        elapsed(date, dt.date(2020, 1, 1))


@pytest.mark.parametrize(
    ("date", "months", "expected"),
    [
        ("2022-05-31", 3, "2022-02-28"),
        ("2024-05-31", 3, "2024-02-29"),
        ("2024-02-29", 12, "2023-02-28"),
        ("2022-01-15", 1, "2021-12-15"),
        ("2022-07-31", 0, "2022-07-31"),
    ],
)
def test_a_day_that_the_month_lacks_becomes_its_last(date: str, months: int, expected: str) -> None:
    found = calendar.minus_months(dt.date.fromisoformat(date), months)
    assert found == dt.date.fromisoformat(expected)


@given(days, days)
def test_months_between_is_the_fewest_months_that_reach_back(one: dt.date, other: dt.date) -> None:
    earlier, later = sorted((one, other))
    pair = [np.array([calendar.to_day(date)], np.int32) for date in (earlier, later)]
    found = int(calendar.months_between(*pair)[0])
    assert calendar.minus_months(later, found) <= earlier
    assert found == 0 or calendar.minus_months(later, found - 1) > earlier
