"""Control charts: which change over time is more than the noise that is always there.

A p-chart is for shares, such as decisions in time in each week; its limits are wider where the week
had fewer. An XmR chart (individuals and moving ranges) is for other series, such as how many came
back in each week. Both take all points given as the baseline.

The rules are those of L. P. Provost and S. K. Murray, The Health Care Data Guide (2011), without
that of points near the centre. A week without a point (nobody to take a share of) neither breaks a
run nor counts in it: the points on both sides of it follow each other. A point on the centre line
is on neither side of it, and two equal points neither rise nor fall, so they end a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

FEW: Final = 12
"""Points below which limits are still moving; they are given, and said to rest on few."""
LIMIT: Final = 3.0
"""Standard deviations from the centre to each limit."""
WARNING: Final = 2.0
"""Standard deviations beyond which two points of three are a signal."""
NATURAL: Final = 2.66
"""Mean moving ranges from the mean to each natural process limit: three sigma, as 3 / 1.128."""
ON_ONE_SIDE: Final = 8
"""Points in a row on one side of the centre that are a signal."""
IN_TREND: Final = 6
"""Points in a row, each above (or each below) the one before it, that are a signal."""
_SAME: Final = 1e-9
"""What two values may differ by, of their size, and be one: what is left of adding fractions."""

Kind = Literal["p", "xmr"]


@dataclass(frozen=True)
class Rule:
    """A rule of special cause: a name for it and the words for people."""

    name: str
    words: str


OUTSIDE: Final = Rule("outside", "outside the limits")
SHIFT: Final = Rule("shift", f"{ON_ONE_SIDE} or more in a row on one side of the centre")
TREND: Final = Rule("trend", f"{IN_TREND} or more in a row, all rising or all falling")
NEAR_LIMIT: Final = Rule("near-limit", "2 of 3 in a row near or beyond the same limit")
RULES: Final = (OUTSIDE, SHIFT, TREND, NEAR_LIMIT)
"""All rules, in the order in which they are named."""


@dataclass(frozen=True)
class Point:
    """A point of a chart. ``place`` is its place in the series given, from 0.

    ``low`` and ``high`` are the limits at it, None where there are none. ``sigmas`` says how many
    standard deviations it is above the centre, or below. ``rules`` are those met at this point:
    a run meets its rule from the point that makes it long enough, until it ends.
    """

    place: int
    value: float
    low: float | None
    high: float | None
    sigmas: float
    rules: tuple[Rule, ...] = ()

    @property
    def words(self) -> str:
        """Return the rules it meets, for people; nothing where it meets none."""
        return "; ".join(rule.words for rule in self.rules)


@dataclass(frozen=True)
class ControlChart:
    """A control chart: for each of the series given a point, or None where it has none.

    ``centre`` is None where there is no point at all.
    """

    kind: Kind
    centre: float | None
    series: tuple[Point | None, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """Return the points there are, in order."""
        return tuple(point for point in self.series if point)

    @property
    def signals(self) -> tuple[Point, ...]:
        """Return the points that meet a rule: each is more than noise would often bring."""
        return tuple(point for point in self.points if point.rules)

    @property
    def is_few(self) -> bool:
        """Return whether there are too few points for limits to stand."""
        return len(self.points) < FEW


def p_chart(parts: Sequence[int], wholes: Sequence[int]) -> ControlChart:
    """Return the p-chart of the shares of ``parts`` in ``wholes``, from 0 to 1.

    The centre is the share of all together, and the limits of each point are three standard
    deviations of the binomial from it, from 0 to 1: D. C. Montgomery, Introduction to Statistical
    Quality Control, section 7.2.

    Raises:
        ValueError: when a part is not some of its whole, or there are not as many of each.
    """
    for part, whole in zip(parts, wholes, strict=True):
        if not 0 <= part <= whole:
            raise ValueError(f"{part} is no part of {whole}")
    n = sum(wholes)
    if not n:
        return ControlChart("p", None, (None,) * len(wholes))
    centre = sum(parts) / n
    spread = math.sqrt(centre * (1 - centre))
    found = []
    for place, (part, whole) in enumerate(zip(parts, wholes, strict=True)):
        if whole:
            sigma = spread / math.sqrt(whole)
            low, high = max(0.0, centre - LIMIT * sigma), min(1.0, centre + LIMIT * sigma)
            value = part / whole
            found.append(Point(place, value, low, high, _sigmas(value, centre, sigma)))
    return _chart("p", centre, found, len(wholes))


def xmr_chart(values: Sequence[float | None], *, are_counts: bool = False) -> ControlChart:
    """Return the XmR chart of a series; None is no point, and ranges are taken across it.

    The natural process limits are 2.66 mean moving ranges from the mean: D. J. Wheeler,
    Understanding Variation (1993). The lower one of counts is 0 at least. One point alone has none.
    """
    given = [(place, float(value)) for place, value in enumerate(values) if value is not None]
    if not given:
        return ControlChart("xmr", None, (None,) * len(values))
    numbers = [value for _, value in given]
    centre = math.fsum(numbers) / len(numbers)
    ranges = [abs(b - a) for a, b in pairwise(numbers)]
    if not ranges:
        return _chart("xmr", centre, [Point(given[0][0], centre, None, None, 0.0)], len(values))
    reach = NATURAL * math.fsum(ranges) / len(ranges)
    low, high = centre - reach, centre + reach
    if are_counts:
        low = max(0.0, low)
    sigma = reach / LIMIT
    found = [
        Point(place, value, low, high, _sigmas(value, centre, sigma)) for place, value in given
    ]
    return _chart("xmr", centre, found, len(values))


def _is_same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_SAME, abs_tol=1e-12)


def _sigmas(value: float, centre: float, sigma: float) -> float:
    """Return how many standard deviations a value is from the centre, 0 where it is on it."""
    return 0.0 if _is_same(value, centre) else (value - centre) / sigma


def _chart(kind: Kind, centre: float, points: Sequence[Point], size: int) -> ControlChart:
    """Return a chart of points, each with the rules it meets."""
    series: list[Point | None] = [None] * size
    n_side = n_trend = 0
    side = way = 0
    for i, point in enumerate(points):
        before = points[i - 1] if i else None
        n_side, side = _run(n_side, side, _sign(point.sigmas))
        n_trend, way = _run(n_trend, way, _way(before, point))
        recent = points[max(0, i - 2) : i + 1]
        is_met = {
            OUTSIDE: abs(point.sigmas) > LIMIT * (1 + _SAME),
            SHIFT: n_side >= ON_ONE_SIDE,
            # Of six points that rise, five rise from the one before.
            TREND: n_trend >= IN_TREND - 1,
            NEAR_LIMIT: _is_far(point, side) and sum(_is_far(one, side) for one in recent) >= 2,
        }
        rules = tuple(rule for rule in RULES if is_met[rule])
        series[point.place] = Point(
            point.place, point.value, point.low, point.high, point.sigmas, rules
        )
    return ControlChart(kind, centre, tuple(series))


def _run(n: int, sign: int, new: int) -> tuple[int, int]:
    """Return how long a run of one sign is with one more, and its sign; 0 ends it."""
    if not new:
        return 0, 0
    return (n + 1 if new == sign else 1), new


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _way(before: Point | None, point: Point) -> int:
    if before is None or _is_same(before.value, point.value):
        return 0
    return _sign(point.value - before.value)


def _is_far(point: Point, side: int) -> bool:
    return point.sigmas * side > WARNING * (1 + _SAME)
