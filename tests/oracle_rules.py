"""The rules of the contract, one referral at a time, in the words of the contract.

Part of ``oracle``; nothing here is imported from the product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time

from oracle_cells import (
    BLANK,
    GIVEN,
    UNREADABLE,
    Cell,
    Truth,
    _day,
    both,
    either,
    elapsed,
    months_before,
    negate,
)

# --------------------------------------------------------------------------------------------
# One referral, and the facts rules ask of it
# --------------------------------------------------------------------------------------------


@dataclass
class Referral:
    """One accepted row."""

    source: str
    row: int
    child: str
    day: date
    clock: time
    cells: dict[str, Cell]
    typed_id: str | None
    referral_id: str = ""

    def happened(self, event: str) -> Truth:
        """Say whether the event has happened: a blank date has not, and that is known."""
        return {GIVEN: True, BLANK: False}.get(self.cells[event].state)

    def on(self, event: str) -> date | None:
        """Return the day of the event where it is known."""
        return _day(self.cells[event])

    def known(self, column: str) -> object:
        """Return the value of a code, id, number or true/false; blank is unknown."""
        return self.cells[column].value

    def blank_or(self, column: str, test: Callable[[object], bool]) -> Truth:
        """Judge a value by a rule that says "or blank": a blank one counts."""
        cell = self.cells[column]
        if cell.state == GIVEN:
            return test(cell.value)
        return True if cell.state == BLANK else None

    @property
    def nfa(self) -> Truth:
        """Closed at referral with no further action."""
        value = self.known("nfa")
        return value if isinstance(value, bool) else None

    @property
    def closed(self) -> Truth:
        """Closed by ``as_of``."""
        return self.happened("closed_on")

    @property
    def is_open(self) -> Truth:
        """Not NFA and not closed; closed is never open, whatever NFA is."""
        return both(negate(self.nfa), negate(self.closed))


@dataclass
class Case:
    """One judged referral with the child's earlier referrals and the bounds of knowledge."""

    this: Referral
    earlier: list[Referral]
    as_of: date
    history_from: date

    @property
    def previous(self) -> Referral | None:
        """Return the child's latest referral with an earlier date, however long ago."""
        return self.earlier[-1] if self.earlier else None

    def uncovered(self, months: int) -> bool:
        """Say whether a look-back of so many months reaches before the extract's history."""
        return months_before(self.this.day, months) < self.history_from

    def previous_within(self, months: int) -> Truth:
        """Say whether the previous referral lies within so many months of this one."""
        if self.previous and self.previous.day >= months_before(self.this.day, months):
            return True
        return None if self.uncovered(months) else False

    def after(self, limit: int, start: date | None, end: date | None) -> Truth:
        """Say whether more than ``limit`` working days lie between; unknown with either end."""
        if start is None or end is None:
            return None
        return elapsed(start, end) > limit


# --------------------------------------------------------------------------------------------
# The rules
# --------------------------------------------------------------------------------------------

ALLOWED_ROLES = {
    "team manager",
    "assistant team manager",
    "practice supervisor",
    "service manager",
}


def ref_01(case: Case) -> Truth:
    """Previous referral within 12 months."""
    return case.previous_within(12)


def ref_02(case: Case) -> Truth:
    """Previous referral within 3 months."""
    return case.previous_within(3)


def ref_04(case: Case) -> Truth:
    """3 or more referrals in the 12 months up to and including this one (counted)."""
    first = months_before(case.this.day, 12)
    count = 1 + sum(first <= other.day < case.this.day for other in case.earlier)
    if count >= 3:
        return True
    return None if case.uncovered(12) else False


def ref_05(case: Case) -> Truth:
    """REF-01, and same primary need as the previous; N0 or N9 on either side is clear."""
    again = ref_01(case)
    need = case.this.known("primary_need")
    # Where REF-01 is unknown, so is which referral is the previous one.
    previous = case.previous.known("primary_need") if again and case.previous else None
    same: Truth
    if need in ("n0", "n9") or previous in ("n0", "n9"):
        same = False
    elif need is None or previous is None:
        same = None
    else:
        same = need == previous
    return both(again, same)


def ref_07(case: Case) -> Truth:
    """REF-01, and the previous referral was NFA."""
    again = ref_01(case)
    return both(again, case.previous.nfa if again and case.previous else None)


def ref_08(case: Case) -> Truth:
    """Previous referral's closed_on is 0 to 90 days before this referral."""
    if case.previous is None:
        return None if case.uncovered(12) else False
    closed_on = case.previous.on("closed_on")
    near = None if closed_on is None else 0 <= (case.this.day - closed_on).days <= 90
    return both(case.previous.closed, near)


def ref_11(case: Case) -> Truth:
    """Previous not NFA, and either not closed or closed strictly after this referral's date."""
    if case.previous is None:
        return None if case.uncovered(12) else False
    closed_on = case.previous.on("closed_on")
    later = None if closed_on is None else closed_on > case.this.day
    return both(
        negate(case.previous.nfa),
        either(negate(case.previous.closed), both(case.previous.closed, later)),
    )


def ref_14(case: Case) -> Truth:
    """REF-07, and this referral is NFA too."""
    return both(ref_07(case), case.this.nfa)


def dec_01(case: Case) -> Truth:
    """No decision_at, and more than 1 working day from referral to as_of."""
    return both(negate(case.this.happened("decision_at")), case.after(1, case.this.day, case.as_of))


def dec_02(case: Case) -> Truth:
    """Decision more than 1 working day after referral."""
    return both(
        case.this.happened("decision_at"),
        case.after(1, case.this.day, case.this.on("decision_at")),
    )


def dec_03(case: Case) -> Truth:
    """Decision made, and rationale shorter than 30 characters or blank."""
    return both(
        case.this.happened("decision_at"),
        case.this.blank_or("rationale_length", lambda length: length < 30),  # type: ignore[operator]
    )


def dec_04(case: Case) -> Truth:
    """Decision made, and risk_rating or threshold_level blank."""
    return both(
        case.this.happened("decision_at"),
        either(
            case.this.blank_or("risk_rating", lambda _: False),
            case.this.blank_or("threshold_level", lambda _: False),
        ),
    )


def dec_05(case: Case) -> Truth:
    """Decision made, by a role (blank: cannot tell) outside the allow-list."""
    role = case.this.known("decision_maker_role")
    return both(
        case.this.happened("decision_at"), None if role is None else role not in ALLOWED_ROLES
    )


def dec_06(case: Case) -> Truth:
    """Decision made and allocated, and its maker is the worker (either blank: cannot tell)."""
    maker = case.this.known("decision_maker_id")
    worker = case.this.known("allocated_worker_id")
    return both(
        case.this.happened("decision_at"),
        case.this.happened("allocated_at"),
        None if maker is None or worker is None else maker == worker,
    )


def dec_07(case: Case) -> Truth:
    """Decision recorded more than 1 working day later, or made before the referral date."""
    made = case.this.on("decision_at")
    return both(
        case.this.happened("decision_at"),
        either(
            case.after(1, made, case.this.on("decision_recorded_at")),
            None if made is None else made < case.this.day,
        ),
    )


def dec_08(case: Case) -> Truth:
    """NFA and risk_rating red."""
    rating = case.this.known("risk_rating")
    return both(case.this.nfa, None if rating is None else rating == "red")


def dec_10(case: Case) -> Truth:
    """REF-01, decision made, and history_considered false or blank."""
    return both(
        ref_01(case),
        case.this.happened("decision_at"),
        case.this.blank_or("history_considered", lambda considered: considered is False),
    )


def allocation_start(case: Case) -> date | None:
    """Day the allocation clock starts; None where the decision date cannot be read.

    The decision, or the referral where no decision is recorded or the extract carries none.
    """
    state = case.this.cells["decision_at"].state
    if state == UNREADABLE:
        return None
    return case.this.on("decision_at") if state == GIVEN else case.this.day


def all_01(case: Case) -> Truth:
    """Not NFA, allocated more than 1 working day after the start of the allocation clock."""
    return both(
        negate(case.this.nfa),
        case.this.happened("allocated_at"),
        case.after(1, allocation_start(case), case.this.on("allocated_at")),
    )


def all_02(case: Case) -> Truth:
    """Not NFA, open, not allocated, more than 1 working day from that start to as_of."""
    return both(
        negate(case.this.nfa),
        case.this.is_open,
        negate(case.this.happened("allocated_at")),
        case.after(1, allocation_start(case), case.as_of),
    )


def pro_02(case: Case) -> Truth:
    """Open, assessment started, not authorised, more than 45 working days to as_of."""
    return both(
        case.this.is_open,
        case.this.happened("assessment_started_on"),
        negate(case.this.happened("assessment_authorised_on")),
        case.after(45, case.this.day, case.as_of),
    )


def pro_03(case: Case) -> Truth:
    """Assessment authorised more than 45 working days after referral."""
    return both(
        case.this.happened("assessment_authorised_on"),
        case.after(45, case.this.day, case.this.on("assessment_authorised_on")),
    )


def pro_08(case: Case) -> Truth:
    """Conference more than 15 working days after the strategy discussion, or overdue.

    Overdue is: none held, not marked as not required (blank is not marked), and more than 15
    passed by as_of. The mark excuses only a conference not held.
    """
    start = case.this.on("strategy_discussion_on")
    held = case.this.happened("icpc_on")
    return both(
        case.this.happened("strategy_discussion_on"),
        either(
            both(held, case.after(15, start, case.this.on("icpc_on"))),
            both(
                negate(held),
                case.this.blank_or("icpc_not_required", lambda marked: marked is False),
                case.after(15, start, case.as_of),
            ),
        ),
    )


def dq_05(case: Case) -> Truth:
    """Neither birth date nor expected one, or referral more than 280 days before it.

    "It" is the birth date where that is given, else the expected one; a blank one is known to be
    missing; one that cannot be read cannot tell.
    """
    born, expected = (
        case.this.cells[column] for column in ("date_of_birth", "expected_date_of_birth")
    )
    if born.state == BLANK and expected.state == BLANK:
        return True
    if born.state == UNREADABLE:
        return None
    day = _day(born) if born.state == GIVEN else _day(expected)
    return None if day is None else (day - case.this.day).days > 280


def dq_06(case: Case) -> Truth:
    """closed_on without reason, or reason without date (a blank reason is missing)."""
    no_reason = case.this.blank_or("closure_reason", lambda _: False)
    return either(
        both(case.this.closed, no_reason),
        both(negate(case.this.closed), negate(no_reason)),
    )


def cmp_01(case: Case) -> Truth:
    """REF-01 with (ALL-01 or ALL-02) with (DEC-01 or DEC-03 or DEC-04)."""
    return both(
        ref_01(case),
        either(all_01(case), all_02(case)),
        either(dec_01(case), dec_03(case), dec_04(case)),
    )
