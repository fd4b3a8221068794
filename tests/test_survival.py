"""Curves of those not yet returned: a textbook's example, a second reckoning, and edges."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.report.survival import Survival, survival

REMISSION = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
"""Weeks in remission under 6-mercaptopurine, + where it lasted on: E. J. Freireich and others, The
effect of 6-mercaptopurine on the duration of steroid-induced remissions in acute leukemia, Blood 21
(1963), 699-716. D. G. Kleinbaum and M. Klein, Survival Analysis, table 2.1, have the curve."""
AT_RISK = {6: 21, 7: 17, 10: 15, 13: 12, 16: 11, 22: 7, 23: 6}
SHARES = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
Z = 1.959963984540054

Row = tuple[int, int, int, float, float | None, float | None]
people = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60)


def of(rows: Sequence[tuple[int, bool]]) -> Survival:
    return survival([days for days, _ in rows], [has for _, has in rows])


def freireich() -> Survival:
    return of([(int(one.rstrip("+")), "+" not in one) for one in REMISSION.split()])


def plain(rows: Sequence[tuple[int, bool]]) -> list[Row]:
    """Reckon the product-limit, Greenwood's variance and the log-log band, person by person.

    J. D. Kalbfleisch and R. L. Prentice, The Statistical Analysis of Failure Time Data, section
    1.4: the band is S to the power of exp(+-z s), s being the deviation of log(-log S).
    """
    found: list[Row] = []
    share, spread = 1.0, 0.0
    for day in sorted({days for days, has in rows if has}):
        at_risk = sum(days >= day for days, _ in rows)
        events = sum(days == day and has for days, has in rows)
        share *= 1 - events / at_risk
        if events == at_risk:
            found.append((day, at_risk, events, 0.0, None, None))
            continue
        spread += events / (at_risk * (at_risk - events))
        s = math.sqrt(spread) / math.log(share)
        low, high = sorted((share ** math.exp(Z * s), share ** math.exp(-Z * s)))
        found.append((day, at_risk, events, share, low, high))
    return found


def test_the_curve_is_that_of_freireichs_patients() -> None:
    curve = freireich()
    assert (curve.n, curve.n_events, curve.last) == (21, 9, 35)
    assert dict(zip(curve.times, curve.at_risk, strict=True)) == AT_RISK
    assert dict(zip(curve.times, curve.shares, strict=True)) == pytest.approx(SHARES, abs=5e-4)
    assert curve.events == (3, 1, 1, 1, 1, 1, 1)


def test_the_band_is_that_of_stata_for_freireichs_patients() -> None:
    """As its ``sts list`` has it, whose bands are log-log ones as well."""
    curve = freireich()
    at_10 = curve.times.index(10)
    assert (curve.lows[0], curve.highs[0]) == pytest.approx((0.6197, 0.9516), abs=5e-5)
    assert (curve.lows[at_10], curve.highs[at_10]) == pytest.approx((0.5032, 0.8894), abs=5e-5)
    assert (curve.lows[-1], curve.highs[-1]) == pytest.approx((0.1881, 0.6801), abs=5e-5)


@given(people)
def test_the_curve_and_its_band_are_those_of_a_plain_reckoning(
    rows: list[tuple[int, bool]],
) -> None:
    curve = of(rows)
    columns = (curve.at_risk, curve.events, curve.shares, curve.lows, curve.highs)
    found = list(zip(curve.times, *columns, strict=True))
    expected = plain(rows)
    assert [one[:3] for one in found] == [one[:3] for one in expected]
    for one, other in zip(found, expected, strict=True):
        for mine, plainly in zip(one[3:], other[3:], strict=True):
            assert mine == (None if plainly is None else pytest.approx(plainly, abs=1e-9))


def test_without_anybody_who_leaves_the_curve_is_the_share_that_is_left() -> None:
    curve = of([(days, True) for days in (3, 1, 4, 1, 5, 9, 2, 6)])
    assert curve.times == (1, 2, 3, 4, 5, 6, 9)
    assert curve.shares == pytest.approx([6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0])
    assert (curve.lows[-1], curve.highs[-1]) == (None, None), "no band when all have returned"


def test_who_leaves_on_a_day_was_at_risk_of_returning_on_it() -> None:
    curve = of([(5, True), (5, False)])
    assert (curve.times, curve.at_risk, curve.shares) == ((5,), (2,), (0.5,))


def test_of_nobody_there_is_no_curve() -> None:
    curve = of([])
    assert (curve.n, curve.last, curve.times, curve.shares) == (0, None, (), ())
    for mark in curve.marks(60):
        assert (mark.n_at_risk, mark.n_returned, mark.n_left, mark.share) == (0, 0, 0, None)


def test_where_nobody_returned_all_are_left_for_as_long_as_anybody_was_followed() -> None:
    curve = of([(10, False), (40, False)])
    assert (curve.times, curve.n_events) == ((), 0)
    assert [mark.share for mark in curve.marks(60)] == [1.0, 1.0, None]
    assert [mark.n_left for mark in curve.marks(60)] == [0, 1, 2]
    assert all(mark.low is mark.high is None for mark in curve.marks(60))


def test_all_may_return_on_the_first_day() -> None:
    curve = of([(0, True)] * 4)
    assert (curve.times, curve.shares, curve.lows) == ((0,), (0.0,), (None,))
    assert [mark.share for mark in curve.marks(60)] == [0.0, 0.0, 0.0], "they stay so"
    assert [mark.n_returned for mark in curve.marks(60)] == [4, 4, 4]


def test_all_may_leave_on_the_first_day() -> None:
    assert [(m.share, m.n_left) for m in of([(0, False)] * 4).marks(30)] == [(1.0, 4), (None, 4)]


def test_the_table_has_a_row_a_month_and_what_came_since_the_one_before() -> None:
    curve = of([(5, True), (30, True), (31, True), (45, False), (200, False)])
    marks = curve.marks(until=100)
    assert [mark.day for mark in marks] == [0, 30, 60, 90]
    assert [mark.n_returned for mark in marks] == [0, 2, 3, 3]
    assert [mark.n_new_returned for mark in marks] == [0, 2, 1, 0]
    assert [mark.n_left for mark in marks] == [0, 0, 1, 1]
    assert [mark.n_new_left for mark in marks] == [0, 0, 1, 0]
    assert [mark.n_at_risk for mark in marks] == [5, 3, 1, 1]
    assert [mark.share for mark in marks] == pytest.approx([1.0, 0.6, 0.4, 0.4])
    assert (marks[0].low, marks[2].low) == (None, curve.lows[2])


@given(people, st.integers(0, 50), st.integers(1, 20))
def test_the_rows_of_the_table_add_up(rows: list[tuple[int, bool]], until: int, every: int) -> None:
    curve = of(rows)
    marks = curve.marks(until, every)
    assert [mark.day for mark in marks] == list(range(0, until + 1, every))
    for mark in marks:
        assert mark.n_at_risk == sum(days > mark.day for days, _ in rows)
        assert mark.n_returned == sum(days <= mark.day and has for days, has in rows)
        assert mark.n_at_risk + mark.n_returned + mark.n_left == curve.n
        assert type(mark.n_at_risk) is type(mark.n_returned) is type(mark.n_left) is int
    assert sum(mark.n_new_returned for mark in marks) == marks[-1].n_returned
    assert sum(mark.n_new_left for mark in marks) == marks[-1].n_left


@given(people)
def test_the_curve_only_goes_down_and_lies_in_its_band(rows: list[tuple[int, bool]]) -> None:
    curve = of(rows)
    assert list(curve.shares) == sorted(curve.shares, reverse=True)
    for share, low, high in zip(curve.shares, curve.lows, curve.highs, strict=True):
        assert (low is None) == (high is None) == (share == 0)
        if low is not None and high is not None:
            assert 0 <= low < share < high <= 1


@pytest.mark.parametrize("days", [[-1], [1.5], [float("nan")], [float("inf")], [1, 2], [[1]]])
def test_what_is_no_number_of_days_of_each_is_refused(days: list[int]) -> None:
    with pytest.raises(ValueError):
        survival(days, [True])


@pytest.mark.parametrize(("until", "every"), [(-1, 30), (30, 0)])
def test_days_that_are_no_grid_are_refused(until: int, every: int) -> None:
    with pytest.raises(ValueError):
        freireich().marks(until, every)


def test_a_whole_countrys_referrals_take_less_than_a_second_of_work() -> None:
    chance = np.random.default_rng(1)
    days, has = chance.integers(0, 2_000, 640_000), chance.random(640_000) < 0.3
    survival(days[:10], has[:10])
    begun = time.process_time()
    curve = survival(days, has)
    assert time.process_time() - begun < 1
    assert (curve.n, len(curve.times)) == (640_000, 2_000)
