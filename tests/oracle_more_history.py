"""Rules on re-referral and data quality that are not in the contract's table.

Part of ``oracle_more``; nothing here is imported from the product.
"""

from __future__ import annotations

from datetime import date

import oracle_rules as contract
from oracle_cells import ABSENT, BLANK, GIVEN, UNREADABLE, Truth, both, either
from oracle_cells import months_before as before
from oracle_folder import (
    EVENTS,
    INFINITE,
    NONE,
    at_least,
    more_than,
    span_of,
    when,
)
from oracle_more_case import PROFESSIONALS, More, among, is_before, not_nfa
from oracle_over_time import (
    days_without_early_help,
)
from oracle_rules import Referral

RISK_FACTORS = frozenset(
    ("2b", "3a", "3b", "3c", "4b", "16a", "17a", "18a", "18b", "18c", "19a", "19b", "19c")
)


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
    """Return the factors of the list that the assessment found; none before it is authorised.

    Where the extract does not say when it was authorised, blank factors are none.
    """
    cell, authorised = one.cells["assessment_factors"], one.cells["assessment_authorised_on"].state
    if authorised == BLANK or (cell.state == BLANK and authorised == ABSENT):
        return frozenset()
    return RISK_FACTORS.intersection(cell.value) if cell.state == GIVEN else None  # type: ignore[arg-type]


def _back_after(case: More, reason: str) -> Truth:
    """The previous referral was closed for that reason within 6 months before this one.

    Without an earlier referral the records must cover the 12 months before, as for REF-08.
    """
    previous = case.previous
    if previous is None:
        return None if case.uncovered(12) else False
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
# Data quality
# --------------------------------------------------------------------------------------------


def dq_01(case: More) -> Truth:
    """Assessment, enquiry or closure before the referral, or authorised before it began."""
    return either(
        is_before(case, "assessment_started_on", case.this.day),
        is_before(case, "section47_started_on", case.this.day),
        is_before(case, "assessment_authorised_on", case.on("assessment_started_on")),
        is_before(case, "closed_on", case.this.day),
    )


def dq_02(case: More) -> Truth:
    """An event after the day of judgement; unknown where the extract was made later than that.

    It was made no earlier than its last referral but one: the very last may itself be the mistake.
    """
    carried = [case.state("closed_on"), *(case.state(event) for event in EVENTS)]
    if all(state == ABSENT for state in carried):
        return None
    cells = case.folder.before_masking[(case.this.child, case.this.day)]
    days = [when(cell) for cell in cells if cell.state != ABSENT]
    made = sorted(one.day for one in case.folder.kept)[-2:-1]
    surely = max([case.as_of, *made])
    parts: list[Truth] = [False]
    for day in days:
        if isinstance(day, date) and day > case.as_of:
            parts.append(True if day > surely else None)
        elif day is None:
            parts.append(None)
    return either(*parts)


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
