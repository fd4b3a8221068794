"""How long it takes until something happens, where some have not been followed long enough to know.

The estimate is that of E. L. Kaplan and P. Meier (1958), by SciPy: who leaves before it happens, or
is still followed on the last day, counts up to that day. The bands are log-log ones of 95 %, which
stay between 0 and 1. (lifelines would draw the same, but its 0.30.3 requires pandas < 3.)
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[Any]

MONTH: Final = 30
"""Days from one row of a coarsened table to the next."""


@dataclass(frozen=True)
class Mark:
    """A row of a coarsened table: how things stood at the end of a day.

    Of all in the curve, ``n_returned`` had returned by then, ``n_left`` were followed no longer
    without having returned, and ``n_at_risk`` are the others: the three add up to all. The ``new``
    ones are of those since the row before. ``share`` had not returned, by estimate; it is None
    after the last day on which anybody was followed, unless all had returned. The bounds are None
    where there are none: before the first return, and when all have returned.
    """

    day: int
    n_at_risk: int
    n_returned: int
    n_left: int
    n_new_returned: int
    n_new_left: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Survival:
    """A curve that goes down at each of ``times``, in days, at which somebody returned.

    ``shares`` had not returned after each, ``lows`` and ``highs`` are the band (None when all have
    returned: there is none then). ``at_risk`` were followed, and had not returned, up to each time,
    and ``events`` returned at it. Before the first the share is 1. ``last`` is the last day on
    which anybody was followed, None of nobody.
    """

    n: int
    n_events: int
    last: int | None
    times: tuple[int, ...]
    shares: tuple[float, ...]
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    at_risk: tuple[int, ...]
    events: tuple[int, ...]
    left_at: tuple[int, ...] = field(repr=False)
    """The days on which somebody was followed for the last time without having returned."""
    n_left_by: tuple[int, ...] = field(repr=False)
    """How many had left so by each of those days."""

    def marks(self, until: int, every: int = MONTH) -> tuple[Mark, ...]:
        """Return the curve as a table with a row for every so many days, from 0 up to ``until``.

        Raises:
            ValueError: when the days are no grid.
        """
        if every < 1 or until < 0:
            raise ValueError("the days of a table go up from 0 in steps of one day or more")
        n_returned_by = np.cumsum((0, *self.events)).tolist()
        found: list[Mark] = []
        for day in range(0, until + 1, every):
            step = bisect_right(self.times, day)
            returned = n_returned_by[step]
            left = (0, *self.n_left_by)[bisect_right(self.left_at, day)]
            share, low, high = self._after(day, step)
            before = found[-1] if found else None
            found.append(
                Mark(
                    day,
                    n_at_risk=self.n - returned - left,
                    n_returned=returned,
                    n_left=left,
                    n_new_returned=returned - (before.n_returned if before else 0),
                    n_new_left=left - (before.n_left if before else 0),
                    share=share,
                    low=low,
                    high=high,
                )
            )
        return tuple(found)

    def _after(self, day: int, step: int) -> tuple[float | None, float | None, float | None]:
        """Return the share, and its band, on a day that comes after so many steps."""
        share, low, high = 1.0, None, None
        if step:
            share, low, high = self.shares[step - 1], self.lows[step - 1], self.highs[step - 1]
        is_known = self.last is not None and (day <= self.last or not share)
        return (share, low, high) if is_known else (None, None, None)


def survival(days: Sequence[int] | Numbers, has_returned: Sequence[bool] | Numbers) -> Survival:
    """Return the curve of those who returned after so many days or were followed as long without.

    Raises:
        ValueError: when there are not as many of each, or a number of days is not whole or below 0.
    """
    given, is_event = np.asarray(days), np.asarray(has_returned, bool)
    if given.shape != is_event.shape or given.ndim != 1:
        raise ValueError("each needs a number of days, and whether they returned")
    lasted = given.astype(np.int64) if np.isfinite(given.astype(float)).all() else None
    if lasted is None or (lasted != given).any() or (lasted < 0).any():
        raise ValueError("each number of days has to be whole, and 0 or more")
    returned, left = lasted[is_event], lasted[~is_event]
    left_at, n_left = np.unique(left, return_counts=True)
    times, events = np.unique(returned, return_counts=True)
    n_left_before = np.searchsorted(np.sort(left), times, "left")
    n_returned_before = np.cumsum(events) - events
    shares, lows, highs = _estimated(returned, left, times)
    return Survival(
        n=len(lasted),
        n_events=len(returned),
        last=int(lasted.max()) if len(lasted) else None,
        times=tuple(times.tolist()),
        shares=tuple(shares.tolist()),
        lows=_where_there(lows),
        highs=_where_there(highs),
        at_risk=tuple((len(lasted) - n_left_before - n_returned_before).tolist()),
        events=tuple(events.tolist()),
        left_at=tuple(left_at.tolist()),
        n_left_by=tuple(np.cumsum(n_left).tolist()),
    )


def _estimated(
    returned: Numbers, left: Numbers, times: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the share that has not returned after each time, and its band."""
    from scipy.stats import CensoredData, ecdf

    if not len(times):
        return times, times, times
    curve = ecdf(CensoredData(uncensored=returned, right=left)).sf
    with warnings.catch_warnings():
        # There is no band before the first return and after the last of all: that is no fault.
        warnings.filterwarnings("ignore", "The confidence interval is undefined", RuntimeWarning)
        band = curve.confidence_interval(0.95, method="log-log")
    places = np.searchsorted(curve.quantiles, times)
    return (
        curve.probabilities[places],
        band.low.probabilities[places],
        band.high.probabilities[places],
    )


def _where_there(bounds: Numbers) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(one) else float(one) for one in bounds)
