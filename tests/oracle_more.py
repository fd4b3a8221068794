"""A slow, plain reading of the rules that are not in the contract's table.

What ``oracle`` is to the contract's own rules, this is to the others of the catalogue: one
referral at a time, in the words of each rule's file and of the table of facts, with nothing
imported from the product. Truth has three values: True, False and None for unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import oracle_rules as contract
from oracle_cells import ABSENT, BLANK, GIVEN, UNREADABLE, Truth, both, either, elapsed, negate
from oracle_cells import months_before as before
from oracle_over_time import (
    EVENTS,
    INFINITE,
    NONE,
    Folder,
    Span,
    When,
    at_least,
    at_most,
    contacts,
    days_without_early_help,
    has_unregistered_worker_on_section47,
    is_held_by_nobody_named,
    more_than,
    n_replaced_without_reason,
    n_workers,
    read_folder,
    ref_13,
    span_of,
    when,
    working_days_without_worker,
)
from oracle_rules import Case, Referral

RISK_FACTORS = frozenset(
    ("2b", "3a", "3b", "3c", "4b", "16a", "17a", "18a", "18b", "18c", "19a", "19b", "19c")
)
PROFESSIONALS = {
    *("2a", "2b", "3a", "3b", "3c", "3d", "3e", "3f", "4", "5a", "5b", "5c", "5d", "6", "7", "8"),
}
DESKS = ("duty", "duty team", "referral coordinator", "team", "allocations", "pool", "unallocated")
NEWLY_QUALIFIED = ("newly qualified social worker", "nqsw", "asye social worker")


@dataclass
class More(Case):
    """One judged referral, with the whole folder around it."""

    folder: Folder

    def on(self, event: str) -> When:
        """Return the day of an event of this referral, ``NONE``, or None where unknown."""
        return when(self.this.cells[event])

    def state(self, column: str) -> str:
        """Return how the cell of this referral stands."""
        return self.this.cells[column].state

    def days(self, start: When, end: When) -> Span:
        """Count the working days between two events."""
        if NONE in (start, end):
            return NONE
        if start is None or end is None:
            return None
        return span_of(elapsed(start, end))  # type: ignore[arg-type]

    def to_first(self, start: When, *events: str) -> Span:
        """Count the working days to the first of several events."""
        days = [self.on(event) for event in events]
        known = [day for day in days if isinstance(day, date)]
        if start == NONE or (not known and None not in days):
            return NONE
        if start is None or not known:
            return None
        most = elapsed(start, min(known))  # type: ignore[arg-type]
        return span_of(0 if None in days else most, most)

    def happened(self, *events: str) -> Truth:
        """Say whether any of the events has happened."""
        return either(*(self.this.happened(event) for event in events))

    def needs(self, event: str, column: str) -> object:
        """Return a value that belongs to an event: ``NONE`` where that has not happened."""
        return NONE if self.state(event) == BLANK else self.this.known(column)

    @property
    def from_decision(self) -> Span:
        """Count the working days from the decision to the day of judgement."""
        return self.days(self.on("decision_at"), self.as_of)


def among(value: object, *words: object) -> Truth:
    """Say whether a value is one of some words; none is none of them."""
    return None if value is None else value in words


def not_nfa(case: More) -> Truth:
    """Not closed at referral with no further action."""
    return negate(case.this.nfa)


# --------------------------------------------------------------------------------------------
# Re-referral
# --------------------------------------------------------------------------------------------


def ref_06(case: More) -> Truth:
    """REF-01, and a risk factor found by this assessment and by the previous one.

    Where REF-01 is unknown, so is which referral is the previous one.
    """
    again = contract.ref_01(case)
    mine = _risk_factors(case.this)
    before_that = _risk_factors(case.previous) if again and case.previous else None
    shared: Truth = None
    if mine == frozenset() or before_that == frozenset():
        shared = False
    elif mine is not None and before_that is not None:
        shared = bool(mine & before_that)
    return both(again, shared)


def _risk_factors(one: Referral) -> frozenset[str] | None:
    """Return the factors of the list that the assessment found; none before it is authorised."""
    cell = one.cells["assessment_factors"]
    if cell.state == ABSENT:
        return None
    if one.cells["assessment_authorised_on"].state == BLANK:
        return frozenset()
    return RISK_FACTORS.intersection(cell.value) if cell.state == GIVEN else None  # type: ignore[arg-type]


def _back_after(case: More, reason: str) -> Truth:
    """The previous referral was closed for that reason within 6 months before this one."""
    previous = case.previous
    if previous is None:
        return None if case.uncovered(6) else False
    closed = when(previous.cells["closed_on"])
    recent: Truth
    if closed is None:
        recent = None
    else:
        recent = closed != NONE and before(case.this.day, 6) <= closed <= case.this.day  # type: ignore[operator]
    given = previous.cells["closure_reason"]
    return both(recent, among(given.value, reason))


def ref_09(case: More) -> Truth:
    """Previous referral closed after assessment, RC8, within 6 months before this one."""
    return _back_after(case, "rc8")


def ref_10(case: More) -> Truth:
    """Back within 6 months of a step-down, or stepped down and 30 days without early help."""
    return either(
        _back_after(case, "rc9"),
        both(
            among(case.this.known("closure_reason"), "rc9"),
            more_than(days_without_early_help(case.folder, case.this), 30),
        ),
    )


def ref_12(case: More) -> Truth:
    """Another child of the household was referred within the 12 months before."""
    household = case.this.known("household_id")
    if household is None:
        return None
    first = before(case.this.day, 12)
    found = any(
        one.child != case.this.child
        and one.known("household_id") == household
        and first <= one.day < case.this.day
        for one in case.folder.kept
    )
    return True if found else None if case.uncovered(12) else False


def ref_15(case: More) -> Truth:
    """Two professional sources or more in the 6 months up to and including this one."""
    first = before(case.this.day, 6)
    mine = [one for one in [*case.earlier, case.this] if one.day >= first]
    sources = [one.known("referral_source") for one in mine]
    known = len(PROFESSIONALS.intersection(sources))
    most = INFINITE if case.uncovered(6) else known + sources.count(None)
    return at_least(span_of(known, most), 2)


# --------------------------------------------------------------------------------------------
# Decision
# --------------------------------------------------------------------------------------------

ACTIONS = ("assessment_started_on", "strategy_discussion_on", "section47_started_on")


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
    """Count from the latest note, or from the referral where none was made since."""
    if not case.folder.carries("oversight", "last_oversight_on"):
        return None
    notes = [when(row["last_oversight_on"]) for row in case.folder.beside(case.this, "oversight")]
    made = [note for note in notes if isinstance(note, date) and note <= case.as_of]
    most = count(max([case.this.day, *made]), case.as_of)
    return span_of(0 if None in notes else most, most)


def all_09(case: More) -> Truth:
    """Open, not allocated, and no oversight note in 5 working days."""
    return both(
        case.this.is_open,
        negate(case.happened("allocated_at")),
        more_than(_since_oversight(case, elapsed), 5),
    )


def ovs_01(case: More) -> Truth:
    """Open, and no oversight note in 60 days, or in 30 where it is section 47 work."""
    days = _since_oversight(case, lambda start, end: (end - start).days)
    enquiry = case.happened("section47_started_on")
    if case.state("decision_outcome") != ABSENT:
        enquiry = either(enquiry, among(case.needs("decision_at", "decision_outcome"), "section47"))
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
    """Not NFA, and nothing done within 10 working days of the referral."""
    single = ("allocated_at", *ACTIONS, "icpc_on", "closed_on")
    days = [case.on(event) for event in single]
    if case.folder.carries("oversight", "last_oversight_on"):
        notes = case.folder.beside(case.this, "oversight")
        dated = [when(row["last_oversight_on"]) for row in notes]
        days += [NONE if isinstance(d, date) and d > case.as_of else d for d in dated]
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


def _is_before(case: More, first: str, than: When) -> Truth:
    """Say whether an event bears a date before another; one that has not happened does not."""
    day = case.on(first)
    if NONE in (day, than):
        return False
    return None if day is None or than is None else day < than  # type: ignore[operator]


def pro_06(case: More) -> Truth:
    """Section 47 enquiry without a strategy discussion, or before it."""
    return both(
        case.happened("section47_started_on"),
        either(
            negate(case.happened("strategy_discussion_on")),
            _is_before(case, "section47_started_on", case.on("strategy_discussion_on")),
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
        negate(_is_before(case, "closed_on", case.this.day)),
        at_most(case.days(case.this.day, case.on("closed_on")), 10),
    )


# --------------------------------------------------------------------------------------------
# Data quality, and rules made of rules
# --------------------------------------------------------------------------------------------


def dq_01(case: More) -> Truth:
    """Assessment, enquiry or closure before the referral, or authorised before it began."""
    return either(
        _is_before(case, "assessment_started_on", case.this.day),
        _is_before(case, "section47_started_on", case.this.day),
        _is_before(case, "assessment_authorised_on", case.on("assessment_started_on")),
        _is_before(case, "closed_on", case.this.day),
    )


def dq_02(case: More) -> Truth:
    """An event after the day of judgement; unknown where later referrals are in the extract."""
    carried = [case.state("closed_on"), *(case.state(event) for event in EVENTS)]
    if all(state == ABSENT for state in carried):
        return None
    cells = case.folder.before_masking[(case.this.child, case.this.day)]
    days = [when(cell) for cell in cells if cell.state != ABSENT]
    if any(isinstance(day, date) and day > case.as_of for day in days):
        later = sum(one.day > case.as_of for one in case.folder.kept)
        return True if later < 2 else None
    return None if None in days else False


def dq_03(case: More) -> Truth:
    """More rows than one for the same child and date."""
    return case.folder.n_entered[(case.this.child, case.this.day)] > 1


def dq_04(case: More) -> Truth:
    """Source blank or not in the list, so the need where not NFA; a reason or factor not in it."""

    def unusable(column: str, *states: str) -> Truth:
        state = case.state(column)
        return None if state == ABSENT else state in states

    return either(
        unusable("referral_source", BLANK, UNREADABLE),
        both(not_nfa(case), unusable("primary_need", BLANK, UNREADABLE)),
        unusable("closure_reason", UNREADABLE),
        unusable("assessment_factors", UNREADABLE),
    )


def dq_07(case: More) -> Truth:
    """The number of earlier referrals in 12 months that is stated is not the number counted."""
    stated = case.this.cells["referrals_in_last_12_months"]
    if stated.state != GIVEN:
        return False if stated.state == BLANK else None
    count = sum(one.day >= before(case.this.day, 12) for one in case.earlier)
    if stated.value < count:  # type: ignore[operator]
        return True
    return None if case.uncovered(12) else stated.value != count


def cmp_02(case: More) -> Truth:
    """3 referrals or more in 12 months that ended NFA for the need this one has."""
    first = before(case.this.day, 12)
    mine = [one for one in [*case.earlier, case.this] if one.day >= first]
    need = case.this.known("primary_need")
    if need in ("n0", "n9"):
        return False
    low, high = 0, 0.0
    for guess in [need] if need else [f"n{n}" for n in range(1, 9)]:
        alike = [
            both(one.nfa, True if one is case.this else among(one.known("primary_need"), guess))
            for one in mine
        ]
        low = alike.count(True) if need else 0
        high = max(high, len(alike) - alike.count(False))
    return at_least(span_of(low, INFINITE if case.uncovered(12) else high), 3)


def cmp_03(case: More) -> Truth:
    """REF-08 with REF-05 with DEC-10."""
    return both(contract.ref_08(case), contract.ref_05(case), contract.dec_10(case))


def cmp_04(case: More) -> Truth:
    """Rated red, with ALL-02 or PRO-01 or PRO-05."""
    return both(
        among(case.this.known("risk_rating"), "red"),
        either(contract.all_02(case), pro_01(case), pro_05(case)),
    )


RULES: dict[str, Callable[[More], Truth]] = {
    name.upper().replace("_", "-"): rule
    for name, rule in list(globals().items())
    if name[:3] in ("ref", "dec", "all", "pro", "ovs", "dq_", "cmp") and name != "ref_13"
}


def judge(
    path: Path, as_of: date, history_from: date | None
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Judge every referral and every contact of a folder; outcomes by rule and identifier."""
    folder = read_folder(path, as_of, history_from)
    by_child: dict[str, list[Referral]] = {}
    for one in folder.kept:
        by_child.setdefault(one.child, []).append(one)
    referrals = {}
    for mine in by_child.values():
        for place, one in enumerate(mine):
            if one.day > as_of:
                continue
            case = More(one, mine[:place], as_of, folder.history_from, folder)
            for name, rule in RULES.items():
                referrals[(name, one.referral_id)] = outcome(rule(case))
    found = contacts(folder)
    judged = {("REF-13", c.contact_id): outcome(ref_13(folder, found, c)) for c in found}
    return referrals, judged


def outcome(truth: Truth) -> str:
    """Name a truth as the product does."""
    return "cannot_tell" if truth is None else "flag" if truth else "clear"
