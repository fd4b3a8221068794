"""Referrals as reports count them: which are re-referrals, after what, and how long work took.

A re-referral is a referral within 12 months of a previous referral of the same child, from referral
date to referral date (DfE, Children in need: a focus on re-referrals). Where none is found and the
records do not reach back 12 months, it cannot be told. A rate is of those referrals alone whose
look-back the records cover, whatever was found in it: of the others only those that came back would
count, and each rate would be too high.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from triage.calendar import minus_months, minus_months_array, to_day, working_days
from triage.report.records import GIVEN, NO, NOT_TOLD, UNKNOWN, YES, Records, Truth, Whole

MONTHS: Final = 12
"""Within which a referral is a re-referral."""
RAPID_MONTHS: Final = 3
"""Within which it is a rapid return (Ofsted, Early help: whose responsibility?, March 2015)."""
DECISION_DAYS: Final = 1
ALLOCATION_DAYS: Final = 1
ASSESSMENT_DAYS: Final = 45
CONFERENCE_DAYS: Final = 15
"""Working days within which each is to be done (domain: 1, 1, 45 and 15)."""

IN_TIME: Final = "in time"
LATE: Final = "late"
WAITING: Final = "not yet, in time"
OVERDUE: Final = "not yet, overdue"
NOT_NEEDED: Final = "not needed"
CANNOT_TELL: Final = "cannot tell"
STANDS: Final = (IN_TIME, LATE, WAITING, OVERDUE, NOT_NEEDED, CANNOT_TELL)
"""How a piece of work stands against its limit."""


Texts: TypeAlias = np.ndarray[tuple[int], np.dtype[np.object_]]


@dataclass(frozen=True)
class Population:
    """Every referral of the records with what is reckoned of it, in the order of the records.

    ``as_of`` is the day up to which clocks run, ``start`` the day from which records are whole.
    """

    frame: pd.DataFrame
    as_of: int
    start: int
    _columns: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The columns that were asked for: they are asked for of one referral after another."""

    def __len__(self) -> int:
        """Return how many referrals there are, seen or not."""
        return len(self.frame)

    def column(self, name: str) -> Whole:
        """Return a column of whole numbers."""
        if name not in self._columns:
            self._columns[name] = self.frame[name].to_numpy(np.int64)
        found: Whole = self._columns[name]
        return found

    def text(self, name: str) -> Texts:
        """Return a column of texts, None where the records tell none."""
        if name not in self._columns:
            self._columns[name] = self.frame[name].to_numpy(object)
        found: Texts = self._columns[name]
        return found

    def state(self, event: str) -> Whole:
        """Return what is known of an event: GIVEN, BLANK or UNKNOWN."""
        return self.column(f"{event}_state")

    @cached_property
    def day(self) -> Whole:
        """Return the day of each referral."""
        return self.column("day")

    @cached_property
    def is_seen(self) -> Truth:
        """Return which referrals whoever makes the report may see."""
        return self.frame["is_seen"].to_numpy(bool)

    @cached_property
    def previous(self) -> Whole:
        """Return the place of each child's previous referral, -1 where there is none."""
        child = self.column("child")
        places = np.arange(len(child)) - 1
        is_first = np.ones(len(child), bool)
        is_first[1:] = child[1:] != child[:-1]
        return np.where(is_first, -1, places)

    def covered(self, months: int) -> Truth:
        """Return of which referrals the records reach back so many months."""
        return np.asarray(self._earliest(months) >= self.start, bool)

    def _earliest(self, months: int) -> Whole:
        return minus_months_array(self.day.astype(np.int32), months).astype(np.int64)

    def within(self, months: int) -> Whole:
        """Return YES where a previous referral lies within so many months, NO, or NOT_TOLD."""
        before = self.day[np.maximum(self.previous, 0)]
        is_yes = (self.previous >= 0) & (before >= self._earliest(months))
        return np.where(is_yes, YES, np.where(self.covered(months), NO, NOT_TOLD))

    @cached_property
    def re_referral(self) -> Whole:
        """Return YES for re-referrals, NO, or NOT_TOLD where the look-back is not covered."""
        return self.within(MONTHS)

    @cached_property
    def rapid(self) -> Whole:
        """Return YES for returns within three months, NO, or NOT_TOLD."""
        return self.within(RAPID_MONTHS)

    def between(self, first: int, last: int) -> Truth:
        """Return which seen referrals were made from one day to another, both included."""
        return self.is_seen & (self.day >= first) & (self.day <= last)

    @cached_property
    def is_open(self) -> Whole:
        """Return YES where a referral is open: not NFA and not closed; NO, or NOT_TOLD."""
        closed, nfa = self.state("closed_on"), self.column("nfa")
        is_no = (closed == GIVEN) | (nfa == YES)
        is_told = (closed != UNKNOWN) & (nfa != NOT_TOLD)
        return np.where(is_no, NO, np.where(is_told, YES, NOT_TOLD))

    @cached_property
    def decision(self) -> list[str]:
        """Return how the decision of each referral stands: one working day from the referral."""
        return self._stand("decision_at", self.day, DECISION_DAYS, np.zeros(len(self), bool))

    @cached_property
    def allocation(self) -> list[str]:
        """Return how the allocation stands: one working day from the decision.

        From the referral where no decision is recorded, as the rules ALL-01 and ALL-02 count. What
        is closed, or was no further action, needs none any more.
        """
        decided = self.state("decision_at")
        start = np.where(decided == GIVEN, self.column("decision_at"), self.day)
        is_needless = (self.column("nfa") == YES) | (
            (self.state("allocated_at") != GIVEN) & (self.is_open == NO)
        )
        is_untold = (self.column("nfa") == NOT_TOLD) | (
            (decided == UNKNOWN) & self._is_carried("decision_at")
        )
        return self._stand("allocated_at", start, ALLOCATION_DAYS, is_needless, is_untold)

    def _is_carried(self, event: str) -> Truth:
        """Return, for every referral, whether the records carry an event at all."""
        return np.full(len(self), bool((self.state(event) != UNKNOWN).any()))

    def _stand(
        self, event: str, start: Whole, limit: int, is_needless: Truth,
        is_untold: Truth | None = None,
    ) -> list[str]:  # fmt: skip
        state = self.state(event)
        end = np.where(state == GIVEN, self.column(event), self.as_of)
        passed = elapsed(start, end)
        kind = np.where(
            state == GIVEN,
            np.where(passed <= limit, 0, 1),
            np.where(passed <= limit, 2, 3),
        )
        kind = np.where(state == UNKNOWN, 5, kind)
        if is_untold is not None:
            kind = np.where(is_untold, 5, kind)
        kind = np.where(is_needless, 4, kind)
        return [STANDS[one] for one in kind.tolist()]

    @cached_property
    def days_since_closure(self) -> Whole:
        """Return the days from the previous referral's closure; -1 where it has none before."""
        before = np.maximum(self.previous, 0)
        closed = self.column("closed_on")[before]
        is_there = (self.previous >= 0) & (self.state("closed_on")[before] == GIVEN)
        gap = self.day - closed
        return np.where(is_there & (gap >= 0), gap, -1)


def elapsed(start: Whole, end: Whole) -> Whole:
    """Return the working days from one day to another, as the rules count them."""
    return working_days(start.astype(np.int32), end.astype(np.int32))


def population_of(records: Records) -> Population:
    """Return the referrals of the records with what is reckoned of them."""
    run = records.run
    return Population(records.referrals, to_day(run.as_of), to_day(run.history_from))


def window(to: dt.date, months: int) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a window of months that ends on a day, both included.

    It is the window of the rules, so that what a run judged is what a report counts.
    """
    return minus_months(to, months), to
