"""What is judged, as it stands at ``as_of``: referrals, and contacts, with what facts share.

What lies after ``as_of`` has not happened yet: an event dated later is read as blank together with
what belongs to it.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import Final, Self

import numpy as np
import pandas as pd

from triage import calendar
from triage.across import Across, household_days, made_on, n_with_same
from triage.entries import Entries, Events
from triage.measure import Measure, Truth, Whole, known, truth
from triage.schema import BELONGS_TO, COLUMNS
from triage.validation import ABSENT, BLANK, GIVEN, UNREAD, UNTOLD, Column

_NEVER_MASKED: Final = frozenset(
    {"nfa", "date_of_birth", "expected_date_of_birth", "referral_date", "contact_date"}
)
EVENTS: Final = frozenset(
    name for name, spec in COLUMNS.items() if spec.kind == "event" and name not in _NEVER_MASKED
)
NEVER: Final = 10**6
"""A day later than any: of what has not ended."""
LOOK_BACK_MONTHS: Final = 12
"""How far back an extract must reach before "no previous referral" can be believed."""


class Subject:
    """Entries as they stand at ``as_of``: the columns, masked, and the look-back of each child.

    ``clock`` is the day up to which running clocks run: ``as_of``, unless what falls due on a later
    day is asked for (``with_clock``). ``across`` is what was found across children where the
    entries are a part of all that there are.
    """

    def __init__(
        self,
        entries: Entries,
        as_of: dt.date,
        history_from: dt.date,
        across: Across | None = None,
    ) -> None:
        self.as_of = calendar.to_day(as_of)
        self.clock = self.as_of
        self.history_from = calendar.to_day(history_from)
        self.whole = entries
        self.entries = entries.until(self.as_of)
        self.day = self.entries.day.astype(np.int64)
        self.n = len(self.entries)
        self._across = across
        self._masked: dict[str, Column] = {}
        self._first_within: dict[int, Whole] = {}
        self._events: dict[str, Events | None] = {}

    @cached_property
    def _later(self) -> dict[str, Truth]:
        """Return, for each event that others belong to, where it lies after ``as_of``."""
        return {event: self._is_later(self.entries.column(event)) for event in BELONGS_TO}

    def _is_later(self, column: Column) -> Truth:
        return np.asarray((column.state == GIVEN) & (column.value > self.as_of), bool)

    def column(self, name: str) -> Column:
        """Return a column as it stands at ``as_of``."""
        if name not in self._masked:
            column = self.entries.column(name).row_by_row()
            hidden = np.zeros(self.n, bool)
            if name not in _NEVER_MASKED:
                if name in EVENTS:
                    hidden |= self._is_later(column)
                for event, belongings in BELONGS_TO.items():
                    if name in belongings:
                        hidden |= self._later[event] & (column.state != ABSENT)
            if hidden.any():
                column = replace(column, state=np.where(hidden, BLANK, column.state))
            self._masked[name] = column
        return self._masked[name]

    def events(self, name: str) -> Events | None:
        """Return the rows of a table beside as they stand at ``as_of``; None when there is none.

        A row whose first event lies later is left out; a later end is read as blank.
        """
        if name not in self._events:
            self._events[name] = self._events_until(self.entries.events.get(name))
        return self._events[name]

    def _events_until(self, events: Events | None) -> Events | None:
        if events is None:
            return None
        starts = next((column for name, column in events.columns.items() if name in EVENTS), None)
        if starts is not None:
            events = events.take(np.flatnonzero(~self._is_later(starts)))
        columns = {
            name: replace(column, state=np.where(self._is_later(column), BLANK, column.state))
            if name in EVENTS
            else column
            for name, column in events.columns.items()
        }
        return replace(events, columns=columns)

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
        unread = np.isin(self.column("restricted").state, UNREAD)
        return np.asarray(self.yes("restricted") | unread, bool)

    @cached_property
    def group(self) -> Whole:
        """Return a number for each entry's child, rising with the entries."""
        child = self.entries.child
        if not self.n:
            return np.zeros(0, np.int64)
        return np.cumsum(np.r_[True, child[1:] != child[:-1]])

    @cached_property
    def months_covered(self) -> Whole:
        """Return how many whole months before each entry the extract reaches back."""
        start = np.full(self.n, self.history_from, np.int32)
        day = self.entries.day
        months = calendar.months_between(start, day)
        is_whole = calendar.minus_months_array(day, months) == start
        return np.where(start > day, -1, np.where(is_whole, months, months - 1))

    def first_within(self, months: int) -> Whole:
        """Return the place of the child's first entry within the months up to each one."""
        if months not in self._first_within:
            earliest = calendar.minus_months_array(self.entries.day, months)
            span = 10**6
            self._first_within[months] = np.searchsorted(
                self.group * span + self.day, self.group * span + earliest, "left"
            )
        return self._first_within[months]

    def count_within(self, months: int, is_sure: Truth, is_possible: Truth) -> tuple[Whole, Whole]:
        """Return how many of the child's entries in the months up to each, itself counted, are so.

        The first count takes those that surely are, the second those that may be.
        """
        first, here = self.first_within(months), np.arange(self.n)
        counts = []
        for is_one in (is_sure, is_possible):
            upto = np.r_[0, np.cumsum(is_one)]
            counts.append((upto[here + 1] - upto[first]).astype(np.int64))
        return counts[0], counts[1]

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
        """Return the working days from an event up to the clock; none where it is blank."""
        return self.working_days(
            self.column(start).value, self.clock_column, self.given(start), self.blank(start)
        )

    def with_clock(self, clock: int) -> Self:
        """Return the same entries with the running clocks put to another day, a day number."""
        other = copy.copy(self)
        other.clock = clock
        other.__dict__.pop("clock_column", None)
        return other

    @cached_property
    def made_on(self) -> int:
        """Return the latest day but one of all entries, later than ``as_of`` or not."""
        if self._across is not None:
            return self._across.made_on
        return made_on(self.whole.day, self.as_of)

    @cached_property
    def clock_column(self) -> Whole:
        """Return the day up to which running clocks run, for every entry."""
        return np.full(self.n, self.clock, np.int64)


class ReferralSubject(Subject):
    """Referrals at ``as_of``, each with the child's previous one."""

    @cached_property
    def previous(self) -> Whole:
        """Return the place of each child's previous referral, or -1."""
        places = np.arange(self.n) - 1
        if self.n:
            places[0] = -1
            places[1:][self.group[1:] != self.group[:-1]] = -1
        return places

    @cached_property
    def has_previous(self) -> Truth:
        """Return where an earlier referral of the child was found."""
        return self.previous >= 0

    @cached_property
    def months_since_previous(self) -> Whole:
        """Return the months since the previous referral, where one was found."""
        day = self.entries.day
        return calendar.months_between(day[np.maximum(self.previous, 0)], day)

    @cached_property
    def household_day(self) -> Whole:
        """Return the latest earlier day on which another child of the household was referred."""
        if self._across is not None and self._across.household_day is not None:
            return self._across.household_day.astype(np.int64, copy=False)
        return household_days(self.entries.child, self.day, self._told("household_id"))

    def n_same_rationale(self, months: int) -> Whole:
        """Return how many referrals in the months up to each have its rationale word for word."""
        if self._across is not None and months in self._across.n_same_rationale:
            return self._across.n_same_rationale[months].astype(np.int64, copy=False)
        return n_with_same(self.day, self._told("rationale_hash"), months)

    def _told(self, name: str) -> Whole:
        """Return a number for each readable text, equal where they are; 0 where there is none."""
        return np.where(self.given(name), self.column(name).value + 1, 0)

    def look_across(self, *, households: bool, rationale_months: Collection[int]) -> Across:
        """Return what parts of these entries cannot find out for themselves."""
        return Across(
            self.made_on,
            self.household_day if households else None,
            {months: self.n_same_rationale(months) for months in rationale_months},
        )

    @cached_property
    def is_previous_sure(self) -> Truth:
        """Return where the referral found before this one is taken as the previous one."""
        covered = self.months_covered >= LOOK_BACK_MONTHS
        return self.has_previous & (covered | (self.months_since_previous <= LOOK_BACK_MONTHS))

    @cached_property
    def is_surely_first(self) -> Truth:
        """Return where no earlier referral was found and the extract reaches back far enough."""
        return ~self.has_previous & (self.months_covered >= LOOK_BACK_MONTHS)

    def of_previous(self, name: str) -> Column:
        """Return a column of the previous referral; untold where none was found."""
        taken = self.column(name).take(np.maximum(self.previous, 0))
        state = np.where(self.has_previous, taken.state, UNTOLD).astype(np.uint8)
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
        return start, ~np.isin(decision.state, UNREAD)


class ContactSubject(Subject):
    """Contacts at ``as_of``, each with the child's next referral from its day on."""

    def __init__(
        self, contacts: Entries, referrals: Entries, as_of: dt.date, history_from: dt.date
    ) -> None:
        super().__init__(contacts, as_of, history_from)
        self.referrals = referrals.until(self.as_of)

    @cached_property
    def has_later_referral(self) -> Truth:
        """Return where the child was referred on the day of the contact or since."""
        latest = pd.Series(self.referrals.day, index=self.referrals.child_ids)
        latest = latest.groupby(level=0).max()
        found = latest.reindex(self.entries.child_ids, fill_value=-(10**6)).to_numpy(np.int64)
        return np.asarray(found >= self.day, bool)

    @cached_property
    def may_be_open_case(self) -> Truth:
        """Return where an earlier referral of the child was open on the contact's day, or may be.

        As the records stand: not NFA, and not closed by that day.
        """
        subject = ReferralSubject(
            self.referrals, calendar.to_date(self.as_of), calendar.to_date(self.history_from)
        )
        closed = subject.column("closed_on")
        until = np.where(closed.state == GIVEN, closed.value, NEVER)
        until = np.where(subject.yes("nfa") & (closed.state != GIVEN), subject.day, until)
        frame = pd.DataFrame(
            {"child": self.referrals.child_ids, "day": subject.day, "until": until}
        ).sort_values(["child", "day"], kind="stable")
        frame["until"] = frame.groupby("child")["until"].cummax()
        asked = pd.DataFrame({"child": self.entries.child_ids, "day": self.day})
        asked["place"] = np.arange(self.n)
        joined = pd.merge_asof(
            asked.sort_values("day", kind="stable"),
            frame.sort_values("day", kind="stable"),
            on="day",
            by="child",
            allow_exact_matches=False,
        ).sort_values("place")
        return np.asarray(joined["until"].fillna(-1).to_numpy() > self.day, bool)

    @cached_property
    def is_restricted(self) -> Truth:
        """Return where the contact, or any referral of the child, is for named people only."""
        marks = self.referrals.column("restricted")
        is_marked = ((marks.state == GIVEN) & (marks.value == 1)) | np.isin(marks.state, UNREAD)
        children = set(self.referrals.child_ids[is_marked].tolist())
        by_child = [child in children for child in self.entries.child_ids.tolist()]
        own = self.column("restricted")
        marked = self.yes("restricted") | np.isin(own.state, UNREAD)
        return np.asarray(marked | np.array(by_child, bool), bool)
