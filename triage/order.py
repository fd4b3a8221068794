"""The order of work as one number a case: what is smaller comes first.

Overdue before the rest, then cases that were boosted, then severity, the day by which the review is
due, and the oldest referral; of equals the lower case number comes first.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

_NumberT = TypeVar("_NumberT", int, Any)

_DAY_BITS: Final = 16
_EARLIEST: Final = 25_600
"""Days before 1970 of the earliest referral that a census may tell of, and some more."""
_DUE: Final = 1 << _DAY_BITS
_RANK: Final = _DUE << _DAY_BITS
_NOT_BOOSTED: Final = _RANK << 2
NOT_OVERDUE: Final = _NOT_BOOSTED << 1
"""What is added to the number of a case whose review is not overdue."""
END: Final = NOT_OVERDUE << 1
"""Above the place of every case."""


def place(
    *,
    is_overdue: _NumberT,
    is_boosted: _NumberT,
    rank: _NumberT,
    due_day: _NumberT,
    referral_day: _NumberT,
) -> _NumberT:
    """Return the place of a case in the order of work, or those of many.

    ``rank`` is 0 for the most pressing of the four severities; days are counted from 1970.
    """
    return (
        (1 - is_overdue) * NOT_OVERDUE
        + (1 - is_boosted) * _NOT_BOOSTED
        + rank * _RANK
        + (due_day + _EARLIEST) * _DUE
        + (referral_day + _EARLIEST)
    )


def ranges_of(rank: int) -> tuple[tuple[int, int], ...]:
    """Return the ranges of places in which the cases of a severity stand, in their order.

    Each begins with its first number and ends before its second.
    """
    return tuple(
        (first, first + _RANK)
        for overdue in (0, NOT_OVERDUE)
        for boosted in (0, _NOT_BOOSTED)
        for first in (overdue + boosted + rank * _RANK,)
    )
