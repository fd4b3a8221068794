"""Working days of England and Wales, calendar months, and the years the calendar covers."""

from __future__ import annotations

import calendar
import datetime as dt
from pathlib import Path

import holidays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.calendar import (
    DATES_UNTIL,
    EVENTS_FROM,
    FIRST_YEAR,
    LAST_YEAR,
    add_working_days,
    bank_holidays,
    check_as_of,
    minus_months,
    months_between,
    spoken_date,
    to_date,
    to_day,
    working_days,
)
from triage.errors import CallError

dates = st.dates(EVENTS_FROM, DATES_UNTIL)


def as_days(*values: dt.date) -> np.ndarray:
    return np.array([to_day(value) for value in values], np.int32)


def between(start: str, end: str) -> int:
    first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    return int(working_days(as_days(first), as_days(last))[0])


def is_working(date: dt.date) -> bool:
    return date.weekday() < 5 and date not in bank_holidays()


def months_before(date: dt.date, months: int) -> dt.date:
    """Return the date n calendar months before, worked out by hand."""
    year, month = divmod(date.year * 12 + date.month - 1 - months, 12)
    return dt.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


def assert_one_sentence(error: CallError) -> None:
    assert error.exit_code == 2
    assert "\n" not in str(error)
    assert str(error).endswith(".")


@given(dates)
def test_a_day_number_leads_back_to_its_date(date: dt.date) -> None:
    assert to_date(to_day(date)) == date
    assert to_day(date) == (date - dt.date(1970, 1, 1)).days


@given(dates)
def test_a_date_is_told_with_its_month_in_english(date: dt.date) -> None:
    day, month, year = spoken_date(date).split(" ")
    assert (int(day), calendar.month_name[date.month], int(year)) == (date.day, month, date.year)


class TestWorkingDays:
    @pytest.mark.parametrize(
        ("start", "end", "elapsed"),
        [
            ("2022-05-07", "2022-05-09", 1),  # received Saturday, decided Monday
            ("2022-05-08", "2022-05-09", 1),  # received Sunday, decided Monday
            ("2022-05-06", "2022-05-09", 1),  # Friday to Monday
            ("2022-05-09", "2022-05-09", 0),  # the event's own day is day 0
            ("2022-05-07", "2022-05-08", 0),  # within a weekend
            ("2022-05-09", "2022-05-16", 5),
            ("2022-05-10", "2022-05-09", -1),  # the end before the start
        ],
    )
    def test_are_counted_strictly_after_the_start_up_to_and_including_the_end(
        self, start: str, end: str, elapsed: int
    ) -> None:
        assert between(start, end) == elapsed

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("2022-06-01", "2022-06-06"),  # spring bank holiday moved, and the Platinum Jubilee
            ("2022-09-16", "2022-09-20"),  # state funeral of Queen Elizabeth II
            ("2023-05-05", "2023-05-09"),  # coronation of King Charles III
            ("2022-04-14", "2022-04-19"),  # Good Friday and Easter Monday
            ("2021-12-24", "2021-12-29"),  # Christmas on a Saturday: both substitutes
            ("2020-05-07", "2020-05-11"),  # early May bank holiday moved to VE day
        ],
    )
    def test_leave_out_bank_holidays(self, start: str, end: str) -> None:
        assert between(start, end) == 1

    @pytest.mark.parametrize(
        "date", ["2022-06-02", "2022-06-03", "2022-09-19", "2023-05-08", "2020-05-08"]
    )
    def test_one_off_bank_holidays_are_known(self, date: str) -> None:
        assert dt.date.fromisoformat(date) in bank_holidays()

    @pytest.mark.parametrize("date", ["2022-05-30", "2020-05-04", "2022-03-17", "2022-11-30"])
    def test_a_holiday_that_moved_or_is_kept_elsewhere_is_a_working_day(self, date: str) -> None:
        assert is_working(dt.date.fromisoformat(date))

    @given(dates, st.integers(0, 365))
    def test_equal_a_count_day_by_day(self, start: dt.date, length: int) -> None:
        days = [start + dt.timedelta(days=n) for n in range(1, length + 1)]
        end = [start, *days][-1]
        assert between(start.isoformat(), end.isoformat()) == sum(map(is_working, days))

    def test_are_counted_for_each_pair(self) -> None:
        friday, saturday, monday = (dt.date(2022, 5, day) for day in (6, 7, 9))
        start, end = as_days(friday, saturday, monday), as_days(monday, monday, monday)
        assert working_days(start, end).tolist() == [1, 1, 0]


class TestAddingWorkingDays:
    @given(dates, st.integers(1, 200))
    def test_is_the_inverse_of_counting_them(self, start: dt.date, number: int) -> None:
        end = add_working_days(to_day(start), number)
        assert is_working(to_date(end))
        assert working_days(as_days(start), np.array([end], np.int32)).tolist() == [number]

    @given(dates)
    def test_of_none_is_the_day_itself(self, start: dt.date) -> None:
        assert add_working_days(to_day(start), 0) == to_day(start)

    def test_goes_past_a_weekend_and_a_bank_holiday(self) -> None:
        assert to_date(add_working_days(to_day(dt.date(2022, 6, 1)), 1)) == dt.date(2022, 6, 6)

    def test_beyond_the_calendar_is_refused_in_a_sentence(self) -> None:
        with pytest.raises(CallError) as caught:
            add_working_days(to_day(DATES_UNTIL), 260)
        assert_one_sentence(caught.value)


class TestMonths:
    @pytest.mark.parametrize(
        ("date", "months", "expected"),
        [
            ("2022-05-31", 3, "2022-02-28"),
            ("2024-05-31", 3, "2024-02-29"),
            ("2024-02-29", 12, "2023-02-28"),
            ("2025-02-28", 12, "2024-02-28"),
            ("2022-03-31", 1, "2022-02-28"),
            ("2022-07-31", 1, "2022-06-30"),
            ("2022-01-15", 3, "2021-10-15"),
            ("2022-05-31", 0, "2022-05-31"),
            ("1991-01-31", 300, "1966-01-31"),
        ],
    )
    def test_before_a_month_end_end_in_the_last_day_the_month_has(
        self, date: str, months: int, expected: str
    ) -> None:
        assert minus_months(dt.date.fromisoformat(date), months).isoformat() == expected

    @given(dates, st.integers(0, 300))
    def test_before_equal_a_count_by_hand(self, date: dt.date, months: int) -> None:
        assert minus_months(date, months) == months_before(date, months)

    @given(dates, st.integers(0, 2000), st.sampled_from([0, 0, 1, 12]), st.integers(-1, 1))
    def test_between_are_the_fewest_within_which_the_earlier_date_lies(
        self, later: dt.date, days: int, months: int, edge: int
    ) -> None:
        earlier = later - dt.timedelta(days=days)
        if months:
            earlier = min(later, months_before(later, months) + dt.timedelta(days=edge))
        fewest = next(n for n in range(100) if earlier >= months_before(later, n))
        assert months_between(as_days(earlier), as_days(later)).tolist() == [fewest]


class TestBankHolidays:
    @pytest.mark.parametrize("part", ["ENG", "WLS"])
    def test_are_those_of_england_and_of_wales(self, part: str) -> None:
        years = range(FIRST_YEAR, LAST_YEAR + 1)
        theirs = holidays.country_holidays("GB", subdiv=part, years=years, language="en_GB")
        assert set(bank_holidays()) == set(theirs)

    def test_have_names(self) -> None:
        assert "Funeral" in bank_holidays()[dt.date(2022, 9, 19)]

    @pytest.mark.parametrize("held", ["", "raise ImportError", "UnitedKingdom = None.it"])
    def test_are_the_same_where_the_package_is_laid_out_otherwise(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str
    ) -> None:
        usual = dict(bank_holidays())
        if held:
            (tmp_path / "countries").mkdir()
            (tmp_path / "countries" / "united_kingdom.py").write_text(held, "utf-8")
        monkeypatch.setattr(holidays, "__file__", str(tmp_path / "__init__.py"))
        bank_holidays.cache_clear()
        try:
            assert bank_holidays() == usual
        finally:
            bank_holidays.cache_clear()


class TestYearsOutsideTheCalendar:
    @pytest.mark.parametrize("date", [dt.date(1899, 12, 31), dt.date(2052, 1, 1)])
    def test_are_refused_by_working_days(self, date: dt.date) -> None:
        inside = dt.date(2022, 5, 9)
        for start, end in ((date, inside), (inside, date)):
            with pytest.raises(CallError, match=f"{date}: .*1900 to 2051") as caught:
                working_days(as_days(start), as_days(end))
            assert_one_sentence(caught.value)

    @pytest.mark.parametrize("date", [dt.date(1889, 6, 1), dt.date(2052, 1, 1)])
    def test_are_refused_as_a_start(self, date: dt.date) -> None:
        with pytest.raises(CallError) as caught:
            add_working_days(to_day(date), 1)
        assert_one_sentence(caught.value)

    @pytest.mark.parametrize("date", [dt.date(1900, 1, 1), dt.date(2051, 12, 31)])
    def test_begin_right_beyond_the_first_and_last_day(self, date: dt.date) -> None:
        assert working_days(as_days(date), as_days(date)).tolist() == [0]

    @pytest.mark.parametrize("date", [dt.date(1989, 12, 31), dt.date(2051, 1, 1)])
    def test_cannot_be_judged_on(self, date: dt.date) -> None:
        with pytest.raises(CallError, match=f"--as-of {date}") as caught:
            check_as_of(date)
        assert_one_sentence(caught.value)

    @pytest.mark.parametrize("date", [EVENTS_FROM, DATES_UNTIL])
    def test_leave_the_first_and_last_day_to_be_judged_on(self, date: dt.date) -> None:
        assert check_as_of(date) == date
