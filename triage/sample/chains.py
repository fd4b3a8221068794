"""Who is referred, when, and together with whom: families, their children and their returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.sample import calibration as cal
from triage.sample.chance import Ints, Rng, happens, pick, whole
from triage.sample.workdays import BLANK, Days

_BURN_IN_DAYS = 1_800
_PILOT_FAMILIES = 4_000
_YEAR = 365


@dataclass(frozen=True)
class Chains:
    """Referrals as arrays of one length, ordered by child and then by day.

    ``child`` and ``family`` count from 0 without holes; ``since`` and ``until`` are the days since
    the child's previous referral and until the next one inside the extract, or ``BLANK``.
    """

    child: Ints
    family: Ints
    day: Days
    since: Days
    until: Days

    def __len__(self) -> int:
        return len(self.child)


def make_chains(rng: Rng, size: int, first_day: int, last_day: int) -> Chains:
    """Makes exactly ``size`` referrals of invented children between two days, both included.

    Families are simulated from well before ``first_day``, so that the rate of referrals is level
    over the extract, and what lies before it is dropped. A pilot run tells how many families are
    needed; families are kept in order until the size is reached.

    Raises:
        ValueError: when ``size`` is below 1 or the days are out of order.
    """
    if size < 1:
        raise ValueError(f"the number of referrals must be 1 or more, not {size}")
    if last_day < first_day:
        raise ValueError("the first day lies after the last")
    families = _PILOT_FAMILIES
    while True:
        family, child, day = _simulate(rng, families, first_day, last_day)
        if len(day) >= size:
            return _linked(family[:size], child[:size], day[:size])
        families = int(families * size / max(len(day), 1) * 1.03) + 200


def _simulate(rng: Rng, families: int, first_day: int, last_day: int) -> tuple[Ints, Ints, Days]:
    """Referrals of ``families`` families, ordered by family, child and day, without repeats."""
    sizes = pick(rng, families, list(cal.FAMILY_SIZES.values())) + 1
    event_family, event_day = _events(rng, families, first_day - _BURN_IN_DAYS, last_day)
    event_day = _booked_in_week(rng, event_day)
    kept = (event_day >= first_day) & (event_day <= last_day)
    event_family, event_day = event_family[kept], event_day[kept]

    repeats = sizes[event_family]
    family = np.repeat(event_family, repeats)
    day = np.repeat(event_day, repeats)
    begins = np.cumsum(repeats) - repeats
    member = np.arange(len(family)) - np.repeat(begins, repeats)
    first_child = np.cumsum(sizes) - sizes
    child = first_child[family] + member
    alone = np.repeat(repeats, repeats) == 1
    takes_part = alone | happens(rng, len(child), cal.SIBLING_TAKES_PART)
    family, child, day = family[takes_part], child[takes_part], day[takes_part]

    order = np.lexsort((day, child))
    family, child, day = family[order], child[order], day[order]
    new = np.ones(len(day), dtype=bool)
    new[1:] = (child[1:] != child[:-1]) | (day[1:] != day[:-1])
    return family[new].astype(np.int32), child[new].astype(np.int32), day[new].astype(np.int32)


def _events(rng: Rng, families: int, first_day: int, last_day: int) -> tuple[Ints, Days]:
    """The days on which something about each family is referred; one pass a link of the chain."""
    frailty = np.minimum(
        rng.beta(cal.FRAILTY_ALPHA, cal.FRAILTY_BETA, families), cal.FRAILTY_CEILING
    )
    family = np.arange(families, dtype=np.int32)
    day = whole(rng, families, first_day, last_day)
    all_families: list[NDArray[np.int32]] = []
    all_days: list[NDArray[np.int32]] = []
    while len(family):
        all_families.append(family)
        all_days.append(day)
        size = len(family)
        soon = happens(rng, size, frailty[family])
        later = happens(rng, size, cal.LATER_RETURN_SHARE)
        gap = np.where(soon, _gap_within_year(rng, size), _gap_beyond_year(rng, size))
        day = (day + gap).astype(np.int32)
        on = (soon | later) & (day <= last_day)
        family, day = family[on], day[on]
    return np.concatenate(all_families), np.concatenate(all_days)


def _gap_within_year(rng: Rng, size: int) -> Days:
    """Days from 1 to 365 to a return, with a chance that falls as time goes on."""
    reach = 1.0 - np.exp(-_YEAR / cal.RETURN_SCALE_DAYS)
    gap = -cal.RETURN_SCALE_DAYS * np.log1p(-rng.random(size) * reach)
    days: Days = np.clip(np.ceil(gap), 1, _YEAR).astype(np.int32)
    return days


def _gap_beyond_year(rng: Rng, size: int) -> Days:
    """Days, more than 366, to a return that is no longer a re-referral."""
    gap = rng.exponential(cal.LATER_RETURN_SCALE_DAYS, size)
    return (_YEAR + 2 + np.floor(gap)).astype(np.int32)


def _booked_in_week(rng: Rng, day: Days) -> Days:
    """Moves most Saturdays and Sundays to a weekday of the same week."""
    weekday = (day + 3) % 7  # 1 January 1970 was a Thursday; Monday is 0
    moved = (weekday >= 5) & happens(rng, len(day), cal.WEEKEND_BOOKED_IN_WEEK)
    to_weekday = whole(rng, len(day), 0, 4)
    return np.where(moved, day - weekday + to_weekday, day).astype(np.int32)


def _linked(family: Ints, child: Ints, day: Days) -> Chains:
    """Numbers children and families without holes and adds the gaps to either side."""
    same = child[1:] == child[:-1]
    gap = (day[1:] - day[:-1]).astype(np.int32)
    since = np.full(len(day), BLANK, dtype=np.int32)
    until = since.copy()
    since[1:][same] = gap[same]
    until[:-1][same] = gap[same]
    new_child = np.concatenate(([0], (~same).astype(np.int32)))
    new_family = np.concatenate(([0], (family[1:] != family[:-1]).astype(np.int32)))
    return Chains(
        child=np.cumsum(new_child).astype(np.int32),
        family=np.cumsum(new_family).astype(np.int32),
        day=day,
        since=since,
        until=until,
    )
