"""Rules on decisions, allocation, oversight and progress that are not in the contract's table.

Part of ``oracle_more``; nothing here is imported from the product.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import oracle_rules as contract
from oracle_cells import ABSENT, BLANK, GIVEN, UNREADABLE, Truth, both, either, elapsed, negate
from oracle_cells import months_before as before
from oracle_folder import (
    INFINITE,
    NONE,
    Span,
    at_least,
    at_most,
    more_than,
    span_of,
    when,
)
from oracle_more_case import ACTIONS, PROFESSIONALS, More, among, is_before, not_nfa
from oracle_over_time import (
    has_unregistered_worker_on_section47,
    is_held_by_nobody_named,
    n_replaced_without_reason,
    n_workers,
    working_days_without_worker,
)

DESKS = ("duty", "duty team", "referral coordinator", "team", "allocations", "pool", "unallocated")
NEWLY_QUALIFIED = ("newly qualified social worker", "nqsw", "asye social worker")


# --------------------------------------------------------------------------------------------
# Decision
# --------------------------------------------------------------------------------------------


def dec_09(case: More) -> Truth:
    """Rated amber or red, and nothing started within 5 working days of the decision."""
    return both(
        among(case.this.known("risk_rating"), "amber", "red"),
        either(
            more_than(case.to_first(case.on("decision_at"), *ACTIONS), 5),
            both(negate(case.happened(*ACTIONS)), more_than(case.from_decision, 5)),
        ),
    )


def dec_11(case: More) -> Truth:
    """NFA, and a professional was not told within 1 working day of the decision."""
    told = case.days(case.on("decision_at"), case.on("feedback_at"))
    return both(
        case.this.nfa,
        among(case.this.known("referral_source"), *PROFESSIONALS),
        either(
            more_than(told, 1),
            both(negate(case.happened("feedback_at")), more_than(case.from_decision, 1)),
        ),
    )


def dec_12(case: More) -> Truth:
    """A decision that replaces another without a reason."""
    return at_least(n_replaced_without_reason(case.folder, case.this), 1)


def dec_13(case: More) -> Truth:
    """The same rationale on 5 referrals or more in the 12 months up to this one's day."""
    mine = case.this.cells["rationale_hash"]
    if mine.state != GIVEN:
        return None if mine.state == ABSENT else False
    first = before(case.this.day, 12)
    count = sum(
        first <= one.day <= case.this.day and one.known("rationale_hash") == mine.value
        for one in case.folder.kept
    )
    return at_least(span_of(count, INFINITE if case.uncovered(12) else count), 5)


# --------------------------------------------------------------------------------------------
# Allocation and oversight
# --------------------------------------------------------------------------------------------


def all_03(case: More) -> Truth:
    """More than 2 working days without a worker between two."""
    return more_than(working_days_without_worker(case.folder, case.this), 2)


def all_04(case: More) -> Truth:
    """Not NFA, and every allocation is to a desk."""
    return both(not_nfa(case), is_held_by_nobody_named(case.folder, case.this, DESKS))


def all_05(case: More) -> Truth:
    """A worker who is not registered held the case during a section 47 enquiry."""
    return has_unregistered_worker_on_section47(case.folder, case.this)


def all_06(case: More) -> Truth:
    """Three workers or more within 6 months."""
    return at_least(n_workers(case.folder, case.this, 6), 3)


def all_07(case: More) -> Truth:
    """More than 20 children, or more than 15 with a newly qualified worker."""
    held = case.needs("allocated_at", "worker_caseload")
    load: Span = held if held is None or held == NONE else span_of(held)  # type: ignore[arg-type,assignment]
    role = case.needs("allocated_at", "allocated_worker_role")
    return either(
        more_than(load, 20),
        both(among(role, *NEWLY_QUALIFIED), more_than(load, 15)),
    )


def all_08(case: More) -> Truth:
    """REF-01, open, rated red or amber, and first allocated to an agency worker."""
    return both(
        contract.ref_01(case),
        among(case.needs("allocated_at", "worker_is_agency"), True),
        case.this.is_open,
        among(case.this.known("risk_rating"), "red", "amber"),
    )


def _since_oversight(case: More, count: Callable[[date, date], int]) -> Span:
    """Count from the latest note, or from the referral where none was made since.

    Where one note cannot be read, so cannot the latest one.
    """
    if not case.folder.carries("oversight", "last_oversight_on"):
        return None
    notes = [when(row["last_oversight_on"]) for row in case.folder.beside(case.this, "oversight")]
    made = [note for note in notes if isinstance(note, date) and note <= case.as_of]
    if None in notes:
        return span_of(0, count(case.this.day, case.as_of))
    return span_of(count(max([case.this.day, *made]), case.as_of))


def all_09(case: More) -> Truth:
    """Open, not allocated, and no oversight note in 5 working days."""
    return both(
        case.this.is_open,
        negate(case.happened("allocated_at")),
        more_than(_since_oversight(case, elapsed), 5),
    )


def ovs_01(case: More) -> Truth:
    """Open, and no oversight note in 60 days, or in 30 where it is section 47 work.

    A decision without a date has not been made, yet an outcome typed for it is known.
    """
    days = _since_oversight(case, lambda start, end: (end - start).days)
    enquiry = case.happened("section47_started_on")
    if case.state("decision_outcome") != ABSENT:
        outcome = case.this.known("decision_outcome")
        undecided = outcome is None and case.state("decision_at") == BLANK
        enquiry = either(enquiry, False if undecided else among(outcome, "section47"))
    return both(case.this.is_open, either(more_than(days, 60), both(enquiry, more_than(days, 30))))


# --------------------------------------------------------------------------------------------
# Progress
# --------------------------------------------------------------------------------------------


def pro_01(case: More) -> Truth:
    """An assessment decided on that did not start within 3 working days."""
    return both(
        among(case.this.known("decision_outcome"), "assessment"),
        either(
            more_than(case.days(case.on("decision_at"), case.on("assessment_started_on")), 3),
            both(
                case.this.is_open,
                negate(case.happened("assessment_started_on")),
                more_than(case.from_decision, 3),
            ),
        ),
    )


def _of_assessment(case: More) -> Span:
    """Working days from the referral to authorisation, else to closure, else to judgement."""
    authorised, closed = case.on("assessment_authorised_on"), case.on("closed_on")
    if isinstance(authorised, date):
        return case.days(case.this.day, authorised)
    if case.state("assessment_authorised_on") == ABSENT:
        return None
    last = closed if isinstance(closed, date) else case.as_of
    most = elapsed(case.this.day, last)
    unsure = authorised is None or case.state("closed_on") == UNREADABLE
    if authorised is None:
        most = elapsed(case.this.day, case.as_of)
    return span_of(0 if unsure else most, most)


def pro_04(case: More) -> Truth:
    """Assessment begun, and not reviewed by a manager within 10 working days."""
    return both(
        case.happened("assessment_started_on"),
        either(
            more_than(case.days(case.this.day, case.on("assessment_reviewed_on")), 10),
            both(
                negate(case.happened("assessment_reviewed_on")), more_than(_of_assessment(case), 10)
            ),
        ),
    )


def pro_05(case: More) -> Truth:
    """Not NFA, and nothing done within 10 working days of the referral.

    The first oversight note counts; as with the latest, one that cannot be read leaves it unknown.
    """
    single = ("allocated_at", *ACTIONS, "icpc_on", "closed_on")
    days = [case.on(event) for event in single]
    if case.folder.carries("oversight", "last_oversight_on"):
        notes = case.folder.beside(case.this, "oversight")
        dated = [when(row["last_oversight_on"]) for row in notes]
        past = [note for note in dated if isinstance(note, date) and note <= case.as_of]
        days += [None] if None in dated else past
    else:
        days.append(None)
    known = [day for day in days if isinstance(day, date)]
    unsure = None in days
    wait: Span = None if unsure else NONE
    if known:
        most = elapsed(case.this.day, min(known))
        wait = span_of(0 if unsure else most, most)
    idle = False if known else None if unsure else True
    return both(
        not_nfa(case),
        either(
            more_than(wait, 10),
            both(idle, more_than(case.days(case.this.day, case.as_of), 10)),
        ),
    )


def pro_06(case: More) -> Truth:
    """Section 47 enquiry without a strategy discussion, or before it."""
    return both(
        case.happened("section47_started_on"),
        either(
            negate(case.happened("strategy_discussion_on")),
            is_before(case, "section47_started_on", case.on("strategy_discussion_on")),
        ),
    )


def pro_07(case: More) -> Truth:
    """Section 47 enquiry without an assessment."""
    return both(
        case.happened("section47_started_on"), negate(case.happened("assessment_started_on"))
    )


def pro_09(case: More) -> Truth:
    """Closed with the assessment not authorised, or the conference neither held nor excused."""
    return both(
        case.this.closed,
        either(
            both(
                case.happened("assessment_started_on"),
                negate(case.happened("assessment_authorised_on")),
            ),
            both(
                case.happened("section47_started_on"),
                negate(case.happened("icpc_on")),
                case.this.blank_or("icpc_not_required", lambda marked: marked is False),
            ),
        ),
    )


def pro_10(case: More) -> Truth:
    """Not NFA, no assessment, and closed 0 to 10 working days after the referral."""
    return both(
        not_nfa(case),
        negate(case.happened("assessment_started_on")),
        negate(is_before(case, "closed_on", case.this.day)),
        at_most(case.days(case.this.day, case.on("closed_on")), 10),
    )
