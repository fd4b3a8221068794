"""A measure: one fact of every entry at once, each known, known not to be there, or unknown.

Some numbers are known only within bounds: no earlier referral was found, but the extract does not
reach back far enough to say that there was none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

KNOWN: Final = 0
NONE: Final = 1
UNKNOWN: Final = 2

UNBOUNDED: Final = 1_000_000
"""Stands for "any number at least": larger than any count of days or months here."""

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """One fact for every entry: its state, its value, and its upper bound where that differs.

    Values are whole numbers, 1 and 0 for true and false, day numbers for dates, and positions in
    ``names`` for texts. ``start`` holds the day a clock runs from, for measures of working days.
    Of a number known only within bounds the lower one is what was found, unless ``found_is_high``.
    """

    state: npt.NDArray[np.uint8]
    value: Whole
    high: Whole | None = None
    names: Sequence[str] = ()
    start: Whole | None = None
    found_is_high: bool = False


def known(value: npt.NDArray[np.generic], is_known: Truth, is_none: Truth | None = None) -> Measure:
    """Return a measure that is known where said, none where said, and unknown elsewhere."""
    state = np.full(len(is_known), UNKNOWN, np.uint8)
    if is_none is not None:
        state[is_none] = NONE
        state[is_known & ~is_none] = KNOWN
    else:
        state[is_known] = KNOWN
    return Measure(state, value.astype(np.int64, copy=False))


def truth(is_true: Truth, is_false: Truth) -> Measure:
    """Return a yes-or-no measure from where it is true and where it is false."""
    return known(is_true, is_true | is_false)


def between(low: Whole, high: Whole, *, found_is_high: bool = False) -> Measure:
    """Return a number that is known within bounds; ``UNBOUNDED`` is no upper one.

    Of a count the lower bound is what was found; of the time since something, the upper one.
    """
    state = np.full(len(low), KNOWN, np.uint8)
    return Measure(state, low.astype(np.int64), high.astype(np.int64), found_is_high=found_is_high)
