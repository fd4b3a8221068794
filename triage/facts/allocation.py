"""Facts of who holds a case: the first allocation, the workers over time, and oversight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import minus_months_array, spoken_date, to_date, working_days
from triage.facts.fact import WORKING_DAYS, Fact, date, has, number, text
from triage.measure import (
    NONE,
    UNBOUNDED,
    UNKNOWN,
    Measure,
    Truth,
    Whole,
    between,
    known,
    truth,
)
from triage.names import equal_at, folded
from triage.subject import ReferralSubject, Subject
from triage.tables import arrow_texts
from triage.validation import (
    ABSENT,
    BLANK,
    GIVEN,
    UNREAD,
    UNREADABLE,
    UNTOLD,
    Column,
    absent,
)

_FAR: Final = 10**7
"""A day later than any: an allocation that lasts."""
_SPAN: Final = 10**8
"""Larger than any day, so that a referral and a day make one number."""


def working_days_to_allocation(s: ReferralSubject) -> Measure:
    """Working days to the first allocation, from the decision or else from the referral."""
    start, is_known = s.allocation_start
    allocated = s.column("allocated_at")
    return s.working_days(
        start, allocated.value, is_known & s.given("allocated_at"), s.blank("allocated_at")
    )


def working_days_awaiting_allocation(s: ReferralSubject) -> Measure:
    """Working days from where the allocation clock starts up to the date of judgement."""
    start, is_known = s.allocation_start
    return s.working_days(start, s.clock_column, is_known)


def allocation_clock(s: ReferralSubject) -> Measure:
    """Say in words from where the allocation clock runs, and from which day, for messages."""
    words = {
        GIVEN: "the decision of {}",
        BLANK: "the referral of {}, no decision being recorded",
        UNREADABLE: "a date that cannot be read",
        UNTOLD: "a date that cannot be told",
        ABSENT: "the referral of {}, since the extract carries no decisions",
    }
    start, _ = s.allocation_start
    states = s.column("decision_at").state.astype(np.int64)
    keys, which = np.unique(states * _SPAN + start + _FAR, return_inverse=True)
    names = tuple(
        words[int(key) // _SPAN].format(spoken_date(to_date(int(key) % _SPAN - _FAR)))
        for key in keys.tolist()
    )
    return replace(known(which, np.ones(s.n, bool)), names=names)


@dataclass(frozen=True)
class _Held:
    """Allocations over time, sorted by referral and start: from when, until when, by whom."""

    owner: Whole
    start: Whole
    end: Whole
    worker: Column
    is_unread: Truth
    """Where the start or the end of an allocation of a referral cannot be told."""
    is_unplaced: Truth
    """Where the start of one cannot be told."""


def _held(s: ReferralSubject) -> _Held | None:
    """Return the allocations over time; None where the extract carries only the first one.

    The end is ``_FAR`` while an allocation lasts, and where it cannot be told: blank, unreadable,
    or before the start.
    """
    events = s.events("allocations")
    if events is None or not {"allocated_at", "allocation_ended_at"} <= events.columns.keys():
        return None
    start, end = events.column("allocated_at"), events.column("allocation_ended_at")
    is_ended = (end.state == GIVEN) & (end.value >= start.value)
    until = np.where(is_ended, end.value, _FAR)
    is_start_read = np.isin(start.state, (GIVEN, BLANK))
    is_read = is_start_read & (is_ended | (end.state == BLANK))
    is_unread, is_unplaced = np.zeros(s.n, bool), np.zeros(s.n, bool)
    is_unread[events.owner[~is_read & (start.state != BLANK)]] = True
    is_unplaced[events.owner[~is_start_read]] = True
    rows = np.flatnonzero(start.state == GIVEN)
    order = rows[np.lexsort((until[rows], start.value[rows], events.owner[rows]))]
    worker = events.column("allocated_worker_id").take(order)
    return _Held(
        events.owner[order], start.value[order], until[order], worker, is_unread, is_unplaced
    )


def working_days_without_worker(s: ReferralSubject) -> Measure:
    """Longest time in working days between one worker's end and the next one's start.

    Up to the closure, or to the date of judgement, where no other worker followed. 0 where the
    case was never without one, none where it was never allocated.
    """
    held = _held(s)
    if held is None:
        return known(np.zeros(s.n), np.zeros(s.n, bool))
    offset = held.owner * _SPAN
    covered = np.maximum.accumulate(offset + held.end) - offset
    is_next = np.r_[False, held.owner[1:] == held.owner[:-1]]
    before = np.where(is_next, np.r_[0, covered[:-1]], held.start)
    longest, last = np.zeros(s.n, np.int64), np.zeros(s.n, np.int64)
    np.maximum.at(longest, held.owner, _gaps(before, held.start))
    last[held.owner] = covered
    closed = s.column("closed_on")
    finish = np.where(closed.state == GIVEN, closed.value, s.clock)
    is_left = (last > 0) & (last < finish) & ~(s.yes("nfa") & (closed.state != GIVEN))
    is_end_known = (closed.state == GIVEN) | (s.blank("closed_on") & s.given("nfa"))
    is_over = is_left & is_end_known
    longest = np.where(is_over, np.maximum(longest, _gaps(last, finish)), longest)
    longest = np.where(held.is_unplaced, 0, longest)
    is_unsure = held.is_unread | (is_left & ~is_end_known)
    measure = between(longest, np.where(is_unsure, UNBOUNDED, longest))
    is_none = (last == 0) & ~held.is_unread
    return replace(measure, state=np.where(is_none, NONE, measure.state).astype(np.uint8))


def _gaps(end: Whole, start: Whole) -> Whole:
    """Return the working days from each end to a later start; 0 where the start is not later."""
    is_gap = start > end
    days = working_days(
        np.where(is_gap, end, 0).astype(np.int32), np.where(is_gap, start, 0).astype(np.int32)
    )
    return np.where(is_gap, days, 0)


def n_workers(s: ReferralSubject, months: int) -> Measure:
    """Most workers to whom the case was newly allocated within so many months.

    Known only where the extract carries the allocations over time. A worker who cannot be told is
    none, so that the number is the least there were.
    """
    held = _held(s)
    if held is None:
        return known(np.zeros(s.n), np.zeros(s.n, bool))
    earliest = minus_months_array(held.start.astype(np.int32), months).astype(np.int64)
    first = np.searchsorted(held.owner * _SPAN + held.start, held.owner * _SPAN + earliest, "left")
    who = np.where(held.worker.state == GIVEN, held.worker.value, -1).tolist()
    low, high = np.zeros(s.n, np.int64), np.zeros(s.n, np.int64)
    for place, (begin, owner) in enumerate(zip(first.tolist(), held.owner.tolist(), strict=True)):
        if place - begin + 1 > low[owner]:
            workers = who[begin : place + 1]
            named = len({*workers} - {-1})
            low[owner] = max(low[owner], named)
            high[owner] = max(high[owner], named + workers.count(-1))
    return between(low, np.where(held.is_unplaced, UNBOUNDED, np.maximum(low, high)))


def is_allocated_to_nobody_named(s: ReferralSubject, among: tuple[str, ...]) -> Measure:
    """Whether every allocation is to a desk: a worker or role of a list, or the team itself.

    None where the case is not allocated at all.
    """
    events = s.events("allocations")
    if events is None or "allocated_at" not in events.columns:
        owner = np.flatnonzero(~s.blank("allocated_at"))
        is_dated = s.given("allocated_at")[owner]
        worker, role = s.column("allocated_worker_id"), s.column("allocated_worker_role")
        worker, role = worker.take(owner), role.take(owner)
    else:
        start = events.column("allocated_at")
        rows = np.flatnonzero(start.state != BLANK)
        owner, is_dated = events.owner[rows], start.state[rows] == GIVEN
        worker = events.column("allocated_worker_id").take(rows)
        role = events.column("allocated_worker_role").take(rows)
    desks = {name.casefold() for name in among}
    team = s.column("team").take(owner)
    is_desk = _named(worker, desks) | _named(role, desks) | _same(worker, team)
    is_person = ~is_desk & (worker.state == GIVEN)
    has_person, has_desk, is_unsure = (np.zeros(s.n, bool) for _ in range(3))
    has_person[owner[is_person & is_dated]] = True
    has_desk[owner[is_desk]] = True
    is_unsure[owner[~is_desk & ~(is_person & is_dated)]] = True
    is_unsure[owner[~is_dated]] = True
    found = truth(has_desk & ~is_unsure & ~has_person, has_person)
    is_none = s.blank("allocated_at") & ~is_unsure & ~has_person
    state = np.where(is_none, NONE, found.state)
    return replace(found, state=state.astype(np.uint8))


def _named(column: Column, words: set[str]) -> Truth:
    names = folded(arrow_texts(column.names))
    is_word = pc.is_in(names, value_set=pa.array(sorted(words), pa.string()))
    found = np.append(is_word.to_numpy(zero_copy_only=False), False)[column.value]
    return np.asarray((column.state == GIVEN) & found, bool)


def _same(column: Column, other: Column) -> Truth:
    ours, theirs = (folded(arrow_texts(one.names)) for one in (column, other))
    both = (column.state == GIVEN) & (other.state == GIVEN)
    return np.asarray(both & equal_at(ours, column.value, theirs, other.value), bool)


def of_worker(s: ReferralSubject, name: str, read: Callable[[Subject, str], Measure]) -> Measure:
    """Return what is said of the first allocation's worker; none where the case has no worker."""
    measure = read(s, name)
    is_none = s.blank("allocated_at")
    return replace(measure, state=np.where(is_none, NONE, measure.state).astype(np.uint8))


def is_section47(s: ReferralSubject) -> Measure:
    """Whether there is section 47 work: an enquiry, or a decision that calls for one."""
    outcome = s.column("decision_outcome")
    is_decided = _named(outcome, {"section47"})
    is_other = ((outcome.state == GIVEN) & ~is_decided) | s.blank("decision_at")
    yes = s.given("section47_started_on") | is_decided
    return truth(yes, s.blank("section47_started_on") & (is_other | (outcome.state == ABSENT)))


def has_unregistered_worker_on_section47(s: ReferralSubject) -> Measure:
    """Whether a worker who is not registered held the case after a section 47 enquiry began.

    Unqualified workers may hold other work; section 47 enquiries are led by a social worker. A
    worker whose end cannot be told surely held the case after the enquiry began only if it was
    allocated then. Where the extract carries the first allocation alone, it is taken to last.
    """
    enquiry = s.column("section47_started_on")
    events = s.events("allocations")
    if events is None or "worker_is_registered" not in events.columns:
        owner = np.arange(s.n)
        start, registered = s.column("allocated_at"), s.column("worker_is_registered")
        end = replace(absent(s.n), state=np.full(s.n, BLANK, np.uint8))
    else:
        owner = events.owner
        start, registered = events.column("allocated_at"), events.column("worker_is_registered")
        end = events.column("allocation_ended_at")
    begun = enquiry.value[owner]
    is_held = (start.state == GIVEN) & (
        (end.state == BLANK)
        | ((end.state == GIVEN) & (end.value > begun))
        | ((start.value > begun) & (end.state != ABSENT))
        | ((start.value >= begun) & (end.state == ABSENT))
    )
    has_ended = (end.state == GIVEN) & (end.value <= begun) & (end.value >= start.value)
    may_be = (start.state != BLANK) & ~has_ended
    is_unregistered = (registered.state == GIVEN) & (registered.value == 0)
    is_registered = (registered.state == GIVEN) & (registered.value == 1)
    has_enquiry = enquiry.state[owner] == GIVEN
    is_not, is_unsure = np.zeros(s.n, bool), np.zeros(s.n, bool)
    is_not[owner[has_enquiry & is_held & is_unregistered]] = True
    is_unsure[owner[has_enquiry & may_be & ~is_registered]] = True
    is_unsure |= ~np.isin(enquiry.state, (GIVEN, BLANK))
    return truth(is_not, ~is_not & ~is_unsure)


def _oversight_start(s: ReferralSubject) -> Whole:
    """Return the day of the latest note, or of the referral where there is none."""
    note = s.column("last_oversight_on")
    return np.where(note.state == GIVEN, np.maximum(note.value, s.day), s.day)


def _up_to(s: ReferralSubject, measure: Measure) -> Measure:
    """Return a time without oversight; where a note cannot be read, anything up to the whole."""
    state = s.column("last_oversight_on").state
    low = np.where(np.isin(state, UNREAD), 0, measure.value)
    is_unknown = state == ABSENT
    return replace(
        measure,
        state=np.where(is_unknown, UNKNOWN, measure.state).astype(np.uint8),
        value=np.minimum(low, measure.value),
        high=measure.value,
    )


def days_without_oversight(s: ReferralSubject) -> Measure:
    """Days from the latest oversight note, or from the referral without one, to judgement."""
    return _up_to(s, known(s.clock_column - _oversight_start(s), np.ones(s.n, bool)))


def working_days_without_oversight(s: ReferralSubject) -> Measure:
    """Working days from the latest note, or from the referral without one, to judgement."""
    start = _oversight_start(s)
    return _up_to(s, s.working_days(start, s.clock_column, np.ones(s.n, bool)))


FACTS: Final[tuple[Fact, ...]] = (
    has("is_allocated", "allocated_at", "the case is allocated to a named worker"),
    date("allocated_on", "allocated_at", "date of the first allocation"),
    Fact("working_days_to_allocation", "whole number", WORKING_DAYS,
         "to the first allocation, from the decision, or from the referral where none is recorded",
         ("allocated_at",), working_days_to_allocation, also=("decision_at",)),
    Fact("working_days_awaiting_allocation", "whole number", WORKING_DAYS,
         "from that same start to the date of judgement", (), working_days_awaiting_allocation,
         also=("decision_at",), moves=True),
    Fact("allocation_clock", "text", "words",
         "from where the allocation clock runs, and from which day", (),
         allocation_clock, also=("decision_at",)),
    Fact("allocated_worker_role", "text", "role", "role of the first allocation's worker",
         ("allocated_worker_role",), partial(of_worker, name="allocated_worker_role", read=text),
         also=("allocated_at",)),
    Fact("worker_is_agency", "yes or no", "", "the first allocation is to an agency worker",
         ("worker_is_agency",), partial(of_worker, name="worker_is_agency", read=number),
         also=("allocated_at",)),
    Fact("worker_caseload", "whole number", "children",
         "children that the first allocation's worker held when the case was allocated",
         ("worker_caseload",), partial(of_worker, name="worker_caseload", read=number),
         also=("allocated_at",)),
    Fact("working_days_without_worker", "whole number", WORKING_DAYS,
         "longest time between one worker's end and the next one's start, or up to closure or "
         "judgement where none followed", ("allocated_at", "allocation_ended_at"),
         working_days_without_worker, also=("closed_on", "nfa"), moves=True),
    Fact("n_workers", "whole number", "workers",
         "most workers to whom the case was newly allocated within the months of the window",
         ("allocated_at", "allocation_ended_at", "allocated_worker_id"), n_workers, within=True),
    Fact("is_allocated_to_nobody_named", "yes or no", "",
         "every allocation is to a worker or role of a list, or to the team itself",
         ("allocated_at",), is_allocated_to_nobody_named,
         any_of=("allocated_worker_id", "allocated_worker_role"), also=("team",), among=True),
    Fact("is_section47", "yes or no", "",
         "a section 47 enquiry has started, or the decision calls for one", (), is_section47,
         any_of=("section47_started_on", "decision_outcome"), also=("decision_at",)),
    Fact("has_unregistered_worker_on_section47", "yes or no", "",
         "a worker who is not registered held the case after the day on which a section 47 "
         "enquiry started", ("section47_started_on", "worker_is_registered"),
         has_unregistered_worker_on_section47, also=("allocated_at", "allocation_ended_at")),
    has("has_oversight", "last_oversight_on", "a note of supervision or oversight is recorded"),
    date("last_oversight_on", "last_oversight_on", "date of the latest oversight note"),
    Fact("days_without_oversight", "whole number", "days",
         "from the latest oversight note, or from the referral without one, to the date of "
         "judgement", ("last_oversight_on",), days_without_oversight, moves=True),
    Fact("working_days_without_oversight", "whole number", WORKING_DAYS,
         "from the latest oversight note, or from the referral without one, to the date of "
         "judgement", ("last_oversight_on",), working_days_without_oversight, moves=True),
)  # fmt: skip
