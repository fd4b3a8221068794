"""What can be said of each referral at a date: whole columns at once, absent never counted as 0.

A measure has a state a referral: known, none (known not to be there, as the days to a decision
that was not made), or unknown. Some numbers are known only within bounds: no earlier referral was
found, but the extract does not reach back far enough to say that there was none.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from triage import calendar
from triage.records import Referrals
from triage.schema import BELONGS_TO, COLUMNS
from triage.validation import ABSENT, BLANK, GIVEN, UNREADABLE, Column
from triage.vocabulary import NEEDS_THAT_SAY_NOTHING

KNOWN: Final = 0
NONE: Final = 1
UNKNOWN: Final = 2

UNBOUNDED: Final = 1_000_000
"""Stands for "any number at least": larger than any count of days or months here."""
EVENTS: Final = frozenset(
    name for name, spec in COLUMNS.items() if spec.kind == "event" and name != "referral_date"
)
LOOK_BACK_MONTHS: Final = 12
"""How far back an extract must reach before "no previous referral" can be believed."""

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """One fact for every referral: its state, its value, and its upper bound where that differs.

    Values are whole numbers, 1 and 0 for true and false, day numbers for dates, and positions in
    ``names`` for texts. ``start`` holds the day a clock runs from, for measures of working days.
    """

    state: npt.NDArray[np.uint8]
    value: Whole
    high: Whole | None = None
    names: tuple[str, ...] = ()
    start: Whole | None = None


def known(value: npt.NDArray[np.generic], is_known: Truth, is_none: Truth | None = None) -> Measure:
    """Return a measure that is known where said, none where said, and unknown elsewhere."""
    state = np.where(is_known, KNOWN, UNKNOWN)
    if is_none is not None:
        state = np.where(is_none, NONE, state)
    return Measure(state.astype(np.uint8), value.astype(np.int64))


def truth(is_true: Truth, is_false: Truth) -> Measure:
    """Return a yes-or-no measure from where it is true and where it is false."""
    return known(is_true, is_true | is_false)


class Subject:
    """Referrals as they stand at ``as_of``, and what the measures share.

    What lies after ``as_of`` has not happened yet: an event dated later is read as blank together
    with what belongs to it.
    """

    def __init__(self, referrals: Referrals, as_of: dt.date, history_from: dt.date) -> None:
        self.as_of = calendar.to_day(as_of)
        self.history_from = calendar.to_day(history_from)
        self.referrals = _until(referrals, self.as_of)
        self.day = self.referrals.day.astype(np.int64)
        self.n = len(self.referrals)
        self._masked: dict[str, Column] = {}

    @cached_property
    def _later(self) -> dict[str, Truth]:
        """Return, for each event that others belong to, where it lies after ``as_of``."""
        return {
            event: self._is_later(self.referrals.column(event))
            for event in (*BELONGS_TO, "decision_recorded_at")
        }

    def _is_later(self, column: Column) -> Truth:
        return np.asarray((column.state == GIVEN) & (column.value > self.as_of), bool)

    def column(self, name: str) -> Column:
        """Return a column as it stands at ``as_of``."""
        if name not in self._masked:
            column = self.referrals.column(name)
            hidden = np.zeros(self.n, bool)
            if name not in ("nfa", "date_of_birth", "expected_date_of_birth", "referral_date"):
                if name in EVENTS:
                    hidden |= self._is_later(column)
                for event, belongings in BELONGS_TO.items():
                    if name in belongings:
                        hidden |= self._later[event] & (column.state != ABSENT)
            if hidden.any():
                column = replace(column, state=np.where(hidden, BLANK, column.state))
            self._masked[name] = column
        return self._masked[name]

    def given(self, name: str) -> Truth:
        """Return where a column holds a readable cell."""
        return np.asarray(self.column(name).state == GIVEN, bool)

    def blank(self, name: str) -> Truth:
        """Return where a column is known to hold nothing."""
        return np.asarray(self.column(name).state == BLANK, bool)

    def has(self, name: str) -> Measure:
        """Return whether a cell is there; a blank one is known not to be."""
        return truth(self.given(name), self.blank(name))

    def yes(self, name: str) -> Truth:
        """Return where a yes-or-no column says yes."""
        return np.asarray(self.given(name) & (self.column(name).value == 1), bool)

    def no(self, name: str) -> Truth:
        """Return where a yes-or-no column says no."""
        return np.asarray(self.given(name) & (self.column(name).value == 0), bool)

    @cached_property
    def is_restricted(self) -> Truth:
        """Return where only named people may see the record; a mark that cannot be read counts."""
        unread = self.column("restricted").state == UNREADABLE
        return np.asarray(self.yes("restricted") | unread, bool)

    @cached_property
    def previous(self) -> Whole:
        """Return the place of each child's previous referral, or -1."""
        places = np.arange(self.n) - 1
        if self.n:
            places[0] = -1
            child = self.referrals.child
            places[1:][child[1:] != child[:-1]] = -1
        return places

    @cached_property
    def has_previous(self) -> Truth:
        """Return where an earlier referral of the child was found."""
        return self.previous >= 0

    @cached_property
    def months_covered(self) -> Whole:
        """Return how many whole months before each referral the extract reaches back."""
        start = np.full(self.n, self.history_from, np.int32)
        day = self.referrals.day
        months = calendar.months_between(start, day)
        is_whole = calendar.minus_months_array(day, months) == start
        return np.where(start > day, -1, np.where(is_whole, months, months - 1))

    @cached_property
    def months_since_previous(self) -> Whole:
        """Return the months since the previous referral, where one was found."""
        day = self.referrals.day
        return calendar.months_between(day[np.maximum(self.previous, 0)], day)

    @cached_property
    def is_previous_sure(self) -> Truth:
        """Return where the referral found before this one is taken as the previous one."""
        covered = self.months_covered >= LOOK_BACK_MONTHS
        return self.has_previous & (covered | (self.months_since_previous <= LOOK_BACK_MONTHS))

    def of_previous(self, name: str) -> Column:
        """Return a column of the previous referral; unreadable where none was found."""
        taken = self.column(name).take(np.maximum(self.previous, 0))
        state = np.where(self.has_previous, taken.state, UNREADABLE).astype(np.uint8)
        return replace(taken, state=state)

    @cached_property
    def open(self) -> Measure:
        """Return whether each referral is open: not NFA and not closed; closed is never open."""
        closed, nfa = self.given("closed_on"), self.yes("nfa")
        return truth(self.blank("closed_on") & self.no("nfa"), closed | nfa)

    @cached_property
    def allocation_start(self) -> tuple[Whole, Truth]:
        """Return the day the allocation clock starts, and where it is known.

        The decision, or the referral where no decision is recorded or the extract carries none.
        """
        decision = self.column("decision_at")
        start = np.where(decision.state == GIVEN, decision.value, self.day)
        return start, decision.state != UNREADABLE

    def working_days(
        self, start: Whole, end: Whole, is_known: Truth, is_none: Truth | None = None
    ) -> Measure:
        """Return the working days from one day to another where both are known."""
        safe_start = np.where(is_known, start, self.as_of).astype(np.int32)
        safe_end = np.where(is_known, end, self.as_of).astype(np.int32)
        number = calendar.working_days(safe_start, safe_end)
        return replace(known(number, is_known, is_none), start=start)

    def working_days_between(self, start: str, end: str) -> Measure:
        """Return the working days from one event to another; none where either is blank."""
        both = self.given(start) & self.given(end)
        none = self.blank(start) | self.blank(end)
        return self.working_days(self.column(start).value, self.column(end).value, both, none)

    def working_days_so_far(self, start: str) -> Measure:
        """Return the working days from an event to ``as_of``; none where it is blank."""
        to_date = np.full(self.n, self.as_of, np.int64)
        return self.working_days(
            self.column(start).value, to_date, self.given(start), self.blank(start)
        )


def _until(referrals: Referrals, as_of: int) -> Referrals:
    """Return the referrals dated up to ``as_of``."""
    rows = np.flatnonzero(referrals.day <= as_of)
    if len(rows) == len(referrals):
        return referrals
    return Referrals(
        referrals.child[rows],
        referrals.day[rows],
        referrals.order[rows],
        referrals.referral_ids[rows],
        referrals.child_ids[rows],
        {name: column.take(rows) for name, column in referrals.columns.items()},
    )


def months_since_previous_referral(s: Subject) -> Measure:
    """Months since the previous referral, between bounds where the extract starts too late."""
    low = s.months_covered + 1
    months = s.months_since_previous
    value = np.where(s.has_previous, np.minimum(months, np.maximum(low, 0)), low)
    high = np.where(s.has_previous, months, UNBOUNDED)
    return Measure(np.full(s.n, KNOWN, np.uint8), value, high)


def n_referrals_within(s: Subject, months: int) -> Measure:
    """Referrals of the child in the months up to and including this one, itself counted."""
    child = s.referrals.child
    earliest = calendar.minus_months_array(s.referrals.day, months).astype(np.int64)
    span = 10**6
    group = np.cumsum(np.r_[True, child[1:] != child[:-1]]) if s.n else child
    keys = group * span + s.day
    first = np.searchsorted(keys, group * span + earliest, side="left")
    count = np.arange(s.n) - first + 1
    high = np.where(s.months_covered >= months, count, UNBOUNDED)
    return Measure(np.full(s.n, KNOWN, np.uint8), count, high)


def previous_need_is_same(s: Subject) -> Measure:
    """Whether the primary need is that of the previous referral; N0 and N9 are never the same."""
    now, before = s.column("primary_need"), s.of_previous("primary_need")
    empty = np.array([name in NEEDS_THAT_SAY_NOTHING for name in now.names] or [False], bool)
    both = (now.state == GIVEN) & (before.state == GIVEN) & s.is_previous_sure
    says_nothing = ((now.state == GIVEN) & empty[now.value]) | (
        (before.state == GIVEN) & s.is_previous_sure & empty[before.value]
    )
    same = both & (now.value == before.value) & ~says_nothing
    return truth(same, (both & ~same) | says_nothing)


def previous_is_nfa(s: Subject) -> Measure:
    """Whether the previous referral ended with no further action."""
    before = s.of_previous("nfa")
    return known(before.value, (before.state == GIVEN) & s.is_previous_sure)


def _without_previous(s: Subject, measure: Measure) -> Measure:
    """Return a measure of the previous referral: none where there was none, if that is sure."""
    surely_none = ~s.has_previous & (s.months_covered >= LOOK_BACK_MONTHS)
    state = np.where(s.has_previous, measure.state, np.where(surely_none, NONE, UNKNOWN))
    return replace(measure, state=state.astype(np.uint8))


def days_since_previous_closure(s: Subject) -> Measure:
    """Days from the previous referral's closure to this referral; negative when closed later."""
    closed = s.of_previous("closed_on")
    days = known(s.day - closed.value, closed.state == GIVEN, closed.state == BLANK)
    return _without_previous(s, days)


def previous_is_open_at_referral(s: Subject) -> Measure:
    """Whether the previous referral, not NFA, was still open when this one was made."""
    closed, nfa = s.of_previous("closed_on"), s.of_previous("nfa")
    given = closed.state == GIVEN
    still_open = (closed.state == BLANK) | (given & (closed.value > s.day))
    closed_by_then = given & (closed.value <= s.day)
    not_nfa = (nfa.state == GIVEN) & (nfa.value == 0)
    is_nfa = (nfa.state == GIVEN) & (nfa.value == 1)
    return _without_previous(s, truth(still_open & not_nfa, closed_by_then | is_nfa))


def decision_is_before_referral(s: Subject) -> Measure:
    """Whether the decision bears a date before the referral's."""
    decision = s.column("decision_at")
    return known(decision.value < s.day, s.given("decision_at"), s.blank("decision_at"))


def working_days_to_recording(s: Subject) -> Measure:
    """Working days from the decision to the day it was typed in; unknown while that is blank."""
    decided, typed = s.column("decision_at").value, s.column("decision_recorded_at").value
    both = s.given("decision_at") & s.given("decision_recorded_at")
    return s.working_days(decided, typed, both, s.blank("decision_at"))


def decision_maker_is_allocated_worker(s: Subject) -> Measure:
    """Whether the decision was made by the worker to whom the case was allocated."""
    maker, worker = s.column("decision_maker_id"), s.column("allocated_worker_id")
    numbers: dict[str, int] = {}
    ours = np.array([numbers.setdefault(n, len(numbers)) for n in maker.names] or [0])
    theirs = np.array([numbers.setdefault(n, len(numbers)) for n in worker.names] or [0])
    same = ours[maker.value] == theirs[worker.value]
    return known(same, s.given("decision_maker_id") & s.given("allocated_worker_id"))


def is_recorded_true(s: Subject, name: str) -> Measure:
    """Whether a yes-or-no cell says yes, a blank one counting as no."""
    return truth(s.yes(name), s.no(name) | s.blank(name))


def working_days_to_allocation(s: Subject) -> Measure:
    """Working days to the first allocation, from the decision or else from the referral."""
    start, is_known = s.allocation_start
    allocated = s.column("allocated_at")
    return s.working_days(
        start, allocated.value, is_known & s.given("allocated_at"), s.blank("allocated_at")
    )


def working_days_awaiting_allocation(s: Subject) -> Measure:
    """Working days from where the allocation clock starts up to ``as_of``."""
    start, is_known = s.allocation_start
    return s.working_days(start, np.full(s.n, s.as_of, np.int64), is_known)


def has_no_birth_date(s: Subject) -> Measure:
    """Whether neither a birth date nor an expected one is there."""
    born, expected = "date_of_birth", "expected_date_of_birth"
    return truth(s.blank(born) & s.blank(expected), s.given(born) | s.given(expected))


def days_from_referral_to_birth(s: Subject) -> Measure:
    """Days from the referral to the birth date, or the expected one where that alone is there."""
    born, expected = s.column("date_of_birth"), s.column("expected_date_of_birth")
    use_expected = (born.state == BLANK) | (born.state == ABSENT)
    date = np.where(use_expected, expected.value, born.value)
    state = np.where(use_expected, expected.state, born.state)
    none = (born.state == BLANK) & (expected.state == BLANK)
    return known(date - s.day, state == GIVEN, none)


def on(s: Subject, name: str) -> Measure:
    """Return the date of an event, for messages."""
    column = s.column(name)
    return known(column.value, column.state == GIVEN, column.state == BLANK)


def text(s: Subject, name: str) -> Measure:
    """Return a text or code; blank is unknown."""
    column = s.column(name)
    return replace(known(column.value, column.state == GIVEN), names=column.names)


def number(s: Subject, name: str) -> Measure:
    """Return a number; blank is unknown."""
    column = s.column(name)
    return known(column.value, column.state == GIVEN)


def previous_referral_on(s: Subject) -> Measure:
    """Return the date of the previous referral, for messages."""
    return known(s.day[np.maximum(s.previous, 0)], s.has_previous, ~s.has_previous)


def allocation_clock(s: Subject) -> Measure:
    """Say in words from where the allocation clock runs, for messages."""
    state = s.column("decision_at").state
    names = (
        "the decision",
        "the referral (no decision is recorded)",
        "a date that cannot be read",
        "the referral (extract has no decisions)",
    )
    measure = known(state, np.ones(s.n, bool))
    return replace(measure, names=names)
