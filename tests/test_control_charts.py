"""Control charts: a textbook's example, hand arithmetic, and each rule from where it begins."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.report.control import (
    FEW,
    NEAR_LIMIT,
    OUTSIDE,
    RULES,
    SHIFT,
    TREND,
    ControlChart,
    Rule,
    p_chart,
    xmr_chart,
)

ORANGE_JUICE = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22]
ORANGE_JUICE += [8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
"""Nonconforming cans in samples of 50: D. C. Montgomery, Introduction to Statistical Quality
Control, example 7.1 (frozen orange juice concentrate)."""


def places(chart: ControlChart, rule: Rule) -> list[int]:
    return [point.place for point in chart.points if rule in point.rules]


def shares(values: Sequence[int | None]) -> ControlChart:
    """Draw shares in percent of a hundred each; None is a week of nobody."""
    return p_chart([v or 0 for v in values], [0 if v is None else 100 for v in values])


def test_the_p_chart_is_montgomerys_of_orange_juice() -> None:
    chart = p_chart(ORANGE_JUICE, [50] * 30)
    assert chart.centre == pytest.approx(0.2313, abs=5e-5)
    for point in chart.points:
        assert point.low == pytest.approx(0.0524, abs=5e-5)
        assert point.high == pytest.approx(0.4102, abs=5e-5)
    assert places(chart, OUTSIDE) == [14, 22], "samples 15 and 23, as in the book"


def test_the_p_chart_without_those_samples_is_montgomerys_revised_one() -> None:
    """Its limits are 0.2150, 0.0407 and 0.3893, and sample 21 is then outside of them."""
    left = [n for place, n in enumerate(ORANGE_JUICE) if place not in (14, 22)]
    chart = p_chart(left, [50] * 28)
    assert chart.centre == pytest.approx(0.2150, abs=5e-5)
    assert chart.points[0].low == pytest.approx(0.0407, abs=1e-4)
    assert chart.points[0].high == pytest.approx(0.3893, abs=1e-4)
    assert [left[place] for place in places(chart, OUTSIDE)] == [20]


def test_the_limits_of_a_p_chart_are_wider_where_there_are_fewer() -> None:
    chart = p_chart([20, 5, 180], [100, 25, 900])
    # 205 / 1025 = 0.2; the standard deviation of one is 0.4.
    assert chart.centre == 0.2
    assert [point.low for point in chart.points] == pytest.approx([0.08, 0.0, 0.16])
    assert [point.high for point in chart.points] == pytest.approx([0.32, 0.44, 0.24])
    assert [point.sigmas for point in chart.points] == [0, 0, 0]


def test_the_limits_of_a_p_chart_stay_between_none_and_all() -> None:
    chart = p_chart([1, 3, 2, 0], [2, 3, 3, 1])
    assert {point.low for point in chart.points} == {0.0}
    assert {point.high for point in chart.points} == {1.0}


def test_the_xmr_chart_is_hand_arithmetic() -> None:
    chart = xmr_chart([10, 12, 11, 15, 12])
    # The mean is 60 / 5 = 12, the ranges are 2, 1, 4 and 3, their mean 2.5, and 2.66 of it 6.65.
    assert chart.centre == 12
    assert {(point.low, point.high) for point in chart.points} == {(5.35, 18.65)}
    assert chart.points[3].sigmas == pytest.approx(3 / (6.65 / 3))
    assert not chart.signals


def test_the_lower_limit_of_counts_is_not_below_0() -> None:
    values = [3, 0, 4, 1]
    # The mean is 2, the ranges are 3, 4 and 3: 2 - 2.66 x 10 / 3 is below 0.
    assert xmr_chart(values).points[0].low == pytest.approx(2 - 2.66 * 10 / 3)
    assert xmr_chart(values, are_counts=True).points[0].low == 0
    assert xmr_chart(values, are_counts=True).points[0].high == pytest.approx(2 + 2.66 * 10 / 3)


def test_one_point_outside_the_limits_is_a_signal_and_one_on_them_is_none() -> None:
    # The mean is 52, and two ranges of 40 of 19 in all make the limit 52 + 2.66 x 80 / 19 = 63.2.
    chart = xmr_chart([50] * 10 + [90] + [50] * 9)
    assert places(chart, OUTSIDE) == [10]
    assert chart.points[10].words.startswith("outside the limits")
    # With 4 points of 25 and a centre of 0.5 the limits are 0.5 +- 3 x 0.1 = 0.2 and 0.8.
    assert places(p_chart([20, 5, 20, 5], [25] * 4), OUTSIDE) == []
    assert places(p_chart([21, 4, 20, 5], [25] * 4), OUTSIDE) == [0, 1]


def test_the_eighth_point_on_one_side_is_a_signal_and_the_seventh_is_none() -> None:
    assert places(shares([51] * 7 + [49] * 7), SHIFT) == []
    assert places(shares([51] * 8 + [49] * 7 + [49]), SHIFT) == [7, 15]
    assert places(shares([51] * 10 + [49] * 7 + [47, 50, 49, 49, 48]), SHIFT)[:3] == [7, 8, 9]


def test_a_point_on_the_centre_ends_a_run_on_one_side() -> None:
    assert places(shares([51] * 4 + [50] + [51] * 4 + [49] * 7 + [50] + [49]), SHIFT) == []


def test_the_sixth_rising_point_is_a_signal_and_the_fifth_is_none() -> None:
    assert places(shares([46, 48, 50, 52, 54, 50]), TREND) == []
    assert places(shares([46, 48, 50, 52, 54, 55]), TREND) == [5]
    assert places(shares([46, 48, 50, 52, 54, 55, 56]), TREND) == [5, 6]


def test_the_sixth_falling_point_is_a_signal_and_an_equal_one_ends_it() -> None:
    assert places(shares([55, 54, 52, 50, 48, 46]), TREND) == [5]
    assert places(shares([55, 54, 52, 52, 50, 48, 46]), TREND) == []


def test_the_second_of_three_beyond_two_sigma_on_one_side_is_a_signal() -> None:
    # Of a hundred each with a centre of 0.5, two standard deviations are 10 points.
    level = [45, 55] * 6
    assert places(shares([61, 50, 61, 39, 50, 39, *level]), NEAR_LIMIT) == [2, 5]
    assert places(shares([61, 61, 39, 39, *level]), NEAR_LIMIT) == [1, 3]


def test_two_of_four_or_on_both_sides_or_on_the_line_of_two_sigma_are_none() -> None:
    level = [45, 55] * 6
    assert places(shares([61, 50, 50, 61, 39, 50, 50, 39, *level]), NEAR_LIMIT) == []
    assert places(shares([61, 39, 50, 50, *level]), NEAR_LIMIT) == []
    assert places(shares([60, 60, 40, 40, *level]), NEAR_LIMIT) == []


def test_the_third_point_of_three_is_no_signal_when_it_is_not_far_itself() -> None:
    assert places(shares([61, 61, 50, 39, 39, 50, *([45, 55] * 6)]), NEAR_LIMIT) == [1, 4]


def test_a_week_of_nobody_has_no_point_and_neither_breaks_nor_lengthens_a_run() -> None:
    gap = shares([51, 51, 51, None, 51, 51, None, None, 51, 51, *[49] * 7, 49])
    assert [place for place, point in enumerate(gap.series) if point is None] == [3, 6, 7]
    assert places(gap, SHIFT) == [17], "seven points and three gaps are no run of eight"
    assert places(shares([51] * 4 + [None] + [51] * 4 + [49] * 8), SHIFT)[0] == 8
    assert places(shares([46, 48, None, 50, 52, 54, 55]), TREND) == [6]
    level = [45, 55] * 6
    assert places(shares([61, None, 50, None, 61, 39, 39, *level]), NEAR_LIMIT) == [4, 6]


def test_the_ranges_of_an_xmr_chart_are_taken_across_a_gap() -> None:
    with_gap, without = xmr_chart([10, None, 12, 11, None]), xmr_chart([10, 12, 11])
    assert with_gap.centre == without.centre
    assert [point.high for point in with_gap.points] == [point.high for point in without.points]
    assert [point.place for point in with_gap.points] == [0, 2, 3]


def test_limits_of_fewer_than_twelve_points_are_given_and_said_to_rest_on_few() -> None:
    few = shares([50, 51] * 5 + [None, None, 52])
    assert few.is_few
    assert few.points[0].high is not None
    assert not shares([50, 51] * 6).is_few
    assert FEW == 12


@pytest.mark.parametrize("value", [0, 1, 0.1, 7, 1 / 3])
def test_a_constant_series_is_no_signal(value: float) -> None:
    chart = xmr_chart([value] * 30)
    assert not chart.signals
    assert chart.points[0].low == chart.points[0].high == pytest.approx(value)


@pytest.mark.parametrize(("part", "whole"), [(0, 7), (7, 7), (1, 3)])
def test_a_constant_share_is_no_signal(part: int, whole: int) -> None:
    chart = p_chart([part * n for n in range(1, 31)], [whole * n for n in range(1, 31)])
    assert chart.centre == pytest.approx(part / whole)
    assert not chart.signals


def test_a_series_of_nothing_has_no_centre() -> None:
    assert p_chart([], []).centre is None
    assert p_chart([0, 0], [0, 0]).series == (None, None)
    assert xmr_chart([None]).series == (None,)
    assert xmr_chart([]).centre is None


def test_one_point_alone_has_no_natural_limits() -> None:
    (point,) = xmr_chart([None, 4]).points
    assert (point.place, point.value, point.low, point.high) == (1, 4, None, None)


@pytest.mark.parametrize(("parts", "wholes"), [([2], [1]), ([-1], [1]), ([1], [1, 2])])
def test_what_is_no_part_of_its_whole_is_refused(parts: list[int], wholes: list[int]) -> None:
    with pytest.raises(ValueError):
        p_chart(parts, wholes)


def test_the_words_name_every_rule_that_is_met_and_are_empty_where_none_is() -> None:
    chart = shares([50] * 20 + [51, 53, 55, 57, 59, 70, 30, 45, 40, 40])
    assert chart.points[0].words == ""
    point = chart.points[25]
    assert point.rules == (OUTSIDE, TREND)
    assert point.words == "outside the limits; 6 or more in a row, all rising or all falling"
    assert len({rule.name for rule in RULES}) == len({rule.words for rule in RULES}) == 4


@given(st.lists(st.integers(0, 60) | st.none(), max_size=40), st.booleans())
def test_a_chart_of_a_series_upside_down_has_the_same_signals(
    values: list[int | None], is_share: bool
) -> None:
    turned = [None if value is None else 60 - value for value in values]
    if is_share:
        wholes = [0 if value is None else 60 for value in values]
        one = p_chart([value or 0 for value in values], wholes)
        other = p_chart([value or 0 for value in turned], wholes)
    else:
        one, other = xmr_chart(values), xmr_chart(turned)
    assert [point.rules for point in one.points] == [point.rules for point in other.points]


@given(st.lists(st.integers(0, 60) | st.none(), max_size=40))
def test_gaps_change_nothing_but_places(values: list[int | None]) -> None:
    dense = [value for value in values if value is not None]
    with_gaps, without = xmr_chart(values), xmr_chart(dense)
    assert [point.rules for point in with_gaps.points] == [point.rules for point in without.points]
    assert len(with_gaps.series) == len(values)
