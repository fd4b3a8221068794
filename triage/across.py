"""What the records of several children say together: households, and rationales used again.

All else that is judged of a referral depends on its own child's records alone, so records are
judged in parts of whole children. What follows here is looked up across all of them first, and
each part is given its own rows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from triage import calendar

Whole = npt.NDArray[np.int64]
Days = npt.NDArray[np.int64] | npt.NDArray[np.int32]
Names = npt.NDArray[np.int64] | npt.NDArray[np.uint64]
"""A number for each text, equal where the texts are."""


@dataclass(frozen=True)
class Across:
    """What was found across children, a row for each referral up to the date of judgement.

    ``made_on`` is the latest day but one on which any referral was made, later ones counted: the
    extract was made then or after. ``household_day`` is the latest earlier day on which another
    child of the household was referred, or -1; ``n_same_rationale`` counts, for a number of months,
    the referrals in them that have the same written rationale.
    """

    made_on: int
    household_day: Days | None = None
    n_same_rationale: Mapping[int, Days] = field(default_factory=dict)

    def part(self, start: int, stop: int) -> Across:
        """Return what was found for some of the rows."""
        household = self.household_day
        return Across(
            self.made_on,
            None if household is None else household[start:stop],
            {months: found[start:stop] for months, found in self.n_same_rationale.items()},
        )


def made_on(days: npt.NDArray[np.int32], as_of: int) -> int:
    """Return the latest day but one of all referrals; ``as_of`` where there are not two."""
    if len(days) < 2:
        return as_of
    return int(np.partition(days, len(days) - 2)[-2])


def household_days(child: Whole, day: Whole, household: Names) -> Whole:
    """Return the latest earlier day on which another child of the household was referred, or -1.

    ``household`` is a number above 0, and 0 where none is recorded. In the order of household and
    day, that is the last row of an earlier day unless the child's own run of referrals ends there;
    then it is the row before that run.
    """
    rows = np.flatnonzero(household)
    found = np.full(len(day), -1, np.int64)
    if not len(rows):
        return found
    child, day, home = child[rows], day[rows], household[rows]
    order = np.lexsort((child, day, home))
    child, day, home = child[order], day[order], home[order]
    place = np.arange(len(rows))
    new_home = np.r_[True, home[1:] != home[:-1]]
    new_day = new_home | np.r_[True, day[1:] != day[:-1]]
    new_run = new_home | np.r_[True, child[1:] != child[:-1]]
    first_of_home = np.maximum.accumulate(np.where(new_home, place, 0))
    first_of_day = np.maximum.accumulate(np.where(new_day, place, 0))
    first_of_run = np.maximum.accumulate(np.where(new_run, place, 0))
    before = first_of_day - 1
    is_own = child[before] == child
    before = np.where(is_own & (before >= first_of_home), first_of_run[before] - 1, before)
    found[rows[order]] = np.where(before >= first_of_home, day[before], -1)
    return found


def n_with_same(day: Whole, text: Names, months: int) -> Whole:
    """Return how many referrals in the months up to each one's day have the text that it has.

    ``text`` is a number above 0, and 0 where there is none; the count is 0 there. One of the same
    day counts, and so does the referral itself.
    """
    rows = np.flatnonzero(text)
    order = rows[np.lexsort((day[rows], text[rows]))]
    value, days = text[order], day[order]
    run = np.cumsum(np.r_[True, value[1:] != value[:-1]][: len(value)])
    earliest = calendar.minus_months_array(days.astype(np.int32), months).astype(np.int64)
    span = 10**6
    keys = run * span + days
    first = np.searchsorted(keys, run * span + earliest, "left")
    count = np.zeros(len(day), np.int64)
    count[order] = np.searchsorted(keys, keys, "right") - first
    return count
