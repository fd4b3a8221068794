"""Wilson's interval equals the examples that were published, and holds for few and for none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.report.intervals import wilson

NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
"""R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3."""


@pytest.mark.parametrize(("part", "whole", "low", "high"), NEWCOMBE)
def test_the_interval_is_the_published_one(part: int, whole: int, low: float, high: float) -> None:
    assert wilson(part, whole) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_that_of_wilsons_paper_of_1927(of: tuple[int, int]) -> None:
    part, n = of
    z = 1.959963984540054
    middle = (part + z * z / 2) / (n + z * z)
    reach = z / (n + z * z) * math.sqrt(part * (n - part) / n + z * z / 4)
    assert wilson(part, n) == pytest.approx((middle - reach, middle + reach), abs=1e-9)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_between_none_and_all(of: tuple[int, int]) -> None:
    part, whole = of
    low, high = wilson(part, whole)
    assert -1e-9 <= low <= part / whole + 1e-9
    assert part / whole - 1e-9 <= high <= 1 + 1e-9


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_the_rest_mirrors_that_of_the_part(of: tuple[int, int]) -> None:
    part, whole = of
    low, high = wilson(part, whole)
    assert wilson(whole - part, whole) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_a_share_of_nobody_has_no_interval() -> None:
    with pytest.raises(ValueError, match="a share of nobody has no interval"):
        wilson(0, 0)


@pytest.mark.parametrize("part", [-1, 5])
def test_what_is_no_part_of_the_whole_has_no_interval(part: int) -> None:
    with pytest.raises(ValueError):
        wilson(part, 4)
