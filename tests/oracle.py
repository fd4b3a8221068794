"""A slow, plain reading of the contract for the referral table as CSV.

The product judges whole columns at once. This module judges one referral at a time with ordinary
Python, so that the two can be compared on any table: where they differ, one of them has misread
the contract. For that reason nothing here is imported from the product, and every rule is written
as close to the words of the contract as Python allows.

Truth has three values: True, False and None for unknown.
"""

from __future__ import annotations

import csv
import re
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import holidays

Truth = bool | None
Table = tuple[str, list[str], list[list[str]]]

# --------------------------------------------------------------------------------------------
# Three-valued logic
# --------------------------------------------------------------------------------------------


def both(*parts: Truth) -> Truth:
    """Return whether all parts hold: false and unknown = false."""
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def either(*parts: Truth) -> Truth:
    """Return whether some part holds: true or unknown = true."""
    if any(part is True for part in parts):
        return True
    return None if any(part is None for part in parts) else False


def negate(part: Truth) -> Truth:
    """Return the opposite; the opposite of unknown is unknown."""
    return None if part is None else not part


# --------------------------------------------------------------------------------------------
# Calendar
# --------------------------------------------------------------------------------------------

_FIRST_DAY = date(1985, 1, 1)
_LAST_DAY = date(2055, 12, 31)
_BANK_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG", years=range(1985, 2056))


def is_working_day(day: date) -> bool:
    """Say whether the day is Monday to Friday and no England and Wales bank holiday."""
    return day.weekday() < 5 and day not in _BANK_HOLIDAYS


def _count_working_days() -> list[int]:
    """Count the working days up to and including each day, so that a span is a subtraction."""
    counts, total, day = [], 0, _FIRST_DAY
    while day <= _LAST_DAY:
        total += is_working_day(day)
        counts.append(total)
        day += timedelta(days=1)
    return counts


_WORKING_DAYS_UP_TO = _count_working_days()


def elapsed(start: date, end: date) -> int:
    """Count the working days after the start up to and including the end."""
    if end <= start:
        return 0
    until_end = _WORKING_DAYS_UP_TO[(end - _FIRST_DAY).days]
    return until_end - _WORKING_DAYS_UP_TO[(start - _FIRST_DAY).days]


def nth_working_day(start: date, n: int) -> date:
    """Find the n-th working day, counted strictly after the start, which is day 0."""
    day = start
    while n > 0:
        day += timedelta(days=1)
        n -= is_working_day(day)
    return day


def months_before(day: date, months: int) -> date:
    """Go back whole calendar months; a day the month does not have becomes its last day."""
    year, month0 = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


# --------------------------------------------------------------------------------------------
# Cells
# --------------------------------------------------------------------------------------------

GIVEN, BLANK, UNREADABLE, ABSENT = "given", "blank", "unreadable", "absent"


@dataclass(frozen=True)
class Cell:
    """What one cell says: its state, and its value when given."""

    state: str
    value: object = None


_ABSENT_CELL = Cell(ABSENT)
_BLANK_CELL = Cell(BLANK)

_D = "[0-9]"
_ISO = re.compile(
    f"({_D}{{4}})-({_D}{{2}})-({_D}{{2}})(?:[T ]({_D}{{2}}):({_D}{{2}})(?::({_D}{{2}}))?)?"
)
_DAY_FIRST = re.compile(f"({_D}{{2}})/({_D}{{2}})/({_D}{{4}})(?: ({_D}{{2}}):({_D}{{2}}))?")


def _read_moment(text: str, first_year: int) -> datetime | None:
    """Read one of the three forms of a date; None when it cannot be read."""
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute = (int(part or 0) for part in match.groups())
        second = 0
    else:
        return None
    if not first_year <= year <= 2050:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def read_date(text: str) -> datetime | None:
    """Read a date or date and time from 1990 to 2050."""
    return _read_moment(text, 1990)


def read_birth_date(text: str) -> datetime | None:
    """Read a birth date, which may be as early as 1900."""
    return _read_moment(text, 1900)


def read_true_false(text: str) -> bool | None:
    """Read true/false, 1/0, yes/no, y/n or t/f in any case."""
    return {
        **dict.fromkeys(("true", "1", "yes", "y", "t"), True),
        **dict.fromkeys(("false", "0", "no", "n", "f"), False),
    }.get(text.lower())


def read_whole_number(text: str) -> int | None:
    """Read a whole number from 0 up."""
    return int(text) if re.fullmatch("[0-9]+", text) else None


def read_threshold(text: str) -> int | None:
    """Read a threshold level, 1 to 4."""
    return int(text) if re.fullmatch("[1-4]", text) else None


def one_of(codes: Iterable[str]) -> Callable[[str], str | None]:
    """Make a reader of one code from a list, whatever its case."""
    known = {code.lower() for code in codes}
    return lambda text: text.lower() if text.lower() in known else None


REFERRAL_SOURCES = [
    *("1A", "1B", "1C", "1D", "2A", "2B", "3A", "3B", "3C", "3D", "3E", "3F"),
    *("4", "5A", "5B", "5C", "5D", "6", "7", "8", "9", "10"),
]
PRIMARY_NEEDS = [f"N{n}" for n in range(10)]
CLOSURE_REASONS = [f"RC{n}" for n in range(1, 10)]
OUTCOMES = [
    "nfa",
    "information_and_advice",
    "early_help",
    "assessment",
    "strategy_discussion",
    "section47",
    "other",
]
RISK_RATINGS = ["red", "amber", "green"]
FACTORS = [
    *(f"{number}{who}" for number in range(1, 7) for who in "ABC"),
    *("7A", "8B", "8C", "8D", "8E", "8F", "9A", "10A", "11A", "12A", "13A", "14A", "15A"),
    *("16A", "17A", "18A", "18B", "18C", "19A", "19B", "19C", "20", "21", "22A", "23A", "24A"),
]


def read_factors(text: str) -> tuple[str, ...] | None:
    """Read census factor codes split by ``;``; one code outside the list spoils the cell."""
    parts = [part.strip().lower() for part in text.split(";")]
    parts = [part for part in parts if part]
    known = {code.lower() for code in FACTORS}
    return tuple(parts) if all(part in known for part in parts) else None


def read_text(text: str) -> str:
    """Take trimmed text as it stands."""
    return text


def read_role(text: str) -> str:
    """Take a role without regard to case."""
    return text.lower()


READERS: dict[str, Callable[[str], object]] = {
    "child_id": read_text,
    "referral_date": read_date,
    "referral_id": read_text,
    "household_id": read_text,
    "date_of_birth": read_birth_date,
    "expected_date_of_birth": read_birth_date,
    "referral_source": one_of(REFERRAL_SOURCES),
    "primary_need": one_of(PRIMARY_NEEDS),
    "nfa": read_true_false,
    "team": read_text,
    "closed_on": read_date,
    "closure_reason": one_of(CLOSURE_REASONS),
    "decision_at": read_date,
    "decision_recorded_at": read_date,
    "decision_maker_id": read_text,
    "decision_maker_role": read_role,
    "decision_outcome": one_of(OUTCOMES),
    "threshold_level": read_threshold,
    "risk_rating": one_of(RISK_RATINGS),
    "rationale_length": read_whole_number,
    "history_considered": read_true_false,
    "allocated_at": read_date,
    "allocated_worker_id": read_text,
    "allocated_worker_role": read_role,
    "worker_is_agency": read_true_false,
    "worker_is_registered": read_true_false,
    "assessment_started_on": read_date,
    "assessment_reviewed_on": read_date,
    "assessment_authorised_on": read_date,
    "assessment_factors": read_factors,
    "strategy_discussion_on": read_date,
    "section47_started_on": read_date,
    "icpc_on": read_date,
    "icpc_not_required": read_true_false,
    "last_oversight_on": read_date,
    "restricted": read_true_false,
}

# Each event date, with what belongs to it: all are blank when the event is dated after as_of.
EVENTS: dict[str, tuple[str, ...]] = {
    "closed_on": ("closure_reason",),
    "decision_at": (
        "decision_recorded_at",
        "decision_maker_id",
        "decision_maker_role",
        "decision_outcome",
        "threshold_level",
        "risk_rating",
        "rationale_length",
        "history_considered",
    ),
    "decision_recorded_at": (),
    "allocated_at": (
        "allocated_worker_id",
        "allocated_worker_role",
        "worker_is_agency",
        "worker_is_registered",
    ),
    "assessment_started_on": (),
    "assessment_reviewed_on": (),
    "assessment_authorised_on": ("assessment_factors",),
    "strategy_discussion_on": (),
    "section47_started_on": (),
    "icpc_on": (),
    "last_oversight_on": (),
}


def read_cell(column: str, raw: str) -> Cell:
    """Trim one cell and read it by the column's own rules."""
    text = raw.strip()
    if not text:
        return _BLANK_CELL
    value = READERS[column](text)
    return Cell(UNREADABLE) if value is None else Cell(GIVEN, value)


def mask(cells: dict[str, Cell], as_of: date) -> None:
    """Read as blank every event dated after ``as_of``, with all that belongs to it."""
    later = [
        event
        for event in EVENTS
        if cells[event].state == GIVEN and _day(cells[event]) > as_of  # type: ignore[operator]
    ]
    for event in later:
        for column in (event, *EVENTS[event]):
            if cells[column].state != ABSENT:
                cells[column] = _BLANK_CELL


def _day(cell: Cell) -> date | None:
    """Take the calendar day of a given date; None when there is none or it is unknown."""
    return cell.value.date() if isinstance(cell.value, datetime) else None


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


@dataclass(frozen=True)
class Rule:
    """One rule: its test, the columns it reads, and the smallest sets that can make it true.

    ``enough`` was worked out by hand: with every column of one of its sets present, and all the
    others of the rule unknown, the rule can still come out true; with none of the sets, never.
    """

    test: Callable[[Case], Truth]
    columns: frozenset[str]
    enough: tuple[frozenset[str], ...]


def _rule(test: Callable[[Case], Truth], *enough: str, also: str = "") -> Rule:
    """Write a rule down: each ``enough`` is a set of columns, ``also`` what else it reads."""
    sets = tuple(frozenset(one.split()) for one in enough) or (frozenset[str](),)
    return Rule(test, frozenset(also.split()).union(*sets), sets)


RULES: dict[str, Rule] = {
    "REF-01": _rule(ref_01),
    "REF-02": _rule(ref_02),
    "REF-04": _rule(ref_04),
    "REF-05": _rule(ref_05, "primary_need"),
    "REF-07": _rule(ref_07, "nfa"),
    "REF-08": _rule(ref_08, "closed_on"),
    "REF-11": _rule(ref_11, "nfa closed_on"),
    "REF-14": _rule(ref_14, "nfa"),
    "DEC-01": _rule(dec_01, "decision_at"),
    "DEC-02": _rule(dec_02, "decision_at"),
    "DEC-03": _rule(dec_03, "decision_at rationale_length"),
    # One of the two blank is enough.
    "DEC-04": _rule(dec_04, "decision_at risk_rating", "decision_at threshold_level"),
    "DEC-05": _rule(dec_05, "decision_at decision_maker_role"),
    "DEC-06": _rule(dec_06, "decision_at decision_maker_id allocated_at allocated_worker_id"),
    # A decision before the referral needs no time of recording.
    "DEC-07": _rule(dec_07, "decision_at", also="decision_recorded_at"),
    "DEC-08": _rule(dec_08, "nfa risk_rating"),
    "DEC-10": _rule(dec_10, "decision_at history_considered"),
    # Without decisions in the extract the clock starts at the referral.
    "ALL-01": _rule(all_01, "nfa allocated_at", also="decision_at"),
    "ALL-02": _rule(all_02, "nfa closed_on allocated_at", also="decision_at"),
    "PRO-02": _rule(pro_02, "nfa closed_on assessment_started_on assessment_authorised_on"),
    "PRO-03": _rule(pro_03, "assessment_authorised_on"),
    # A conference held late needs no mark.
    "PRO-08": _rule(pro_08, "strategy_discussion_on icpc_on", also="icpc_not_required"),
    # A referral long before either date needs only that date.
    "DQ-05": _rule(dq_05, "date_of_birth", "expected_date_of_birth"),
    "DQ-06": _rule(dq_06, "closed_on closure_reason"),
    # ALL-01 with DEC-01 is the way that asks least.
    "CMP-01": _rule(
        cmp_01,
        "nfa allocated_at decision_at",
        also="closed_on rationale_length risk_rating threshold_level",
    ),
}

# Working-day limits of the rules that have one.
LIMITS = {
    "DEC-01": 1,
    "DEC-02": 1,
    "ALL-01": 1,
    "ALL-02": 1,
    "PRO-02": 45,
    "PRO-03": 45,
    "PRO-08": 15,
}


def _span(rule: str, case: Case) -> tuple[date | None, date | None]:
    """Return the start and the end of the time a flagged rule with a limit has measured."""
    this = case.this
    return {
        "DEC-01": (this.day, case.as_of),
        "DEC-02": (this.day, this.on("decision_at")),
        "ALL-01": (allocation_start(case), this.on("allocated_at")),
        "ALL-02": (allocation_start(case), case.as_of),
        "PRO-02": (this.day, case.as_of),
        "PRO-03": (this.day, this.on("assessment_authorised_on")),
        "PRO-08": (this.on("strategy_discussion_on"), this.on("icpc_on") or case.as_of),
    }[rule]


# --------------------------------------------------------------------------------------------
# The whole run
# --------------------------------------------------------------------------------------------


@dataclass
class Verdict:
    """Everything a run of the checker must agree with."""

    rows: dict[str, int]
    rules: dict[str, dict[str, object]] = field(default_factory=dict)
    flags: set[tuple[str, str, str, str]] = field(default_factory=set)
    rejections: set[tuple[str, int, str]] = field(default_factory=set)
    problems: set[tuple[str, int, str]] = field(default_factory=set)
    history_from: date | None = None
    # (rule, referral_id) -> (due_on as YYYY-MM-DD, overdue working days), flagged referrals only.
    due: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    # (rule, referral_id) -> "flag", "clear" or "cannot_tell", to say where two readings differ.
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)


def load(path: Path, source: str | None = None) -> Table:
    """Read a CSV file as the raw table ``judge`` takes; lines with nothing in them are none."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        records = [record for record in csv.reader(handle) if record]
    return (source if source is not None else str(path), records[0], records[1:])


def _row_cells(header: Sequence[str], record: Sequence[str]) -> dict[str, Cell]:
    """Read one record; a column the table does not have is absent, a short row's are blank."""
    raw = {
        column: record[place] if place < len(record) else "" for place, column in enumerate(header)
    }
    cells = {
        column: read_cell(column, raw[column]) if column in raw else _ABSENT_CELL
        for column in READERS
    }
    # The text of a rationale stands in for its length where the length is not given.
    if "rationale" in raw and cells["rationale_length"].state in (ABSENT, BLANK):
        text = raw["rationale"].strip()
        cells["rationale_length"] = Cell(GIVEN, len(text)) if text else _BLANK_CELL
    return cells


def _accept(tables: Sequence[Table], as_of: date, verdict: Verdict) -> list[Referral]:
    """Read every row, list what cannot be read, and turn away rows without child or date."""
    accepted = []
    for source, header, records in tables:
        for row, record in enumerate(records, start=2):
            verdict.rows["read"] += 1
            cells = _row_cells(header, record)
            verdict.problems |= {
                (source, row, column) for column, cell in cells.items() if cell.state == UNREADABLE
            }
            child, referred = cells["child_id"].value, cells["referral_date"].value
            if not isinstance(child, str):
                verdict.rejections.add((source, row, "child_id"))
            elif not isinstance(referred, datetime):
                verdict.rejections.add((source, row, "referral_date"))
            else:
                typed = cells["referral_id"].value
                mask(cells, as_of)
                accepted.append(
                    Referral(
                        source,
                        row,
                        child,
                        referred.date(),
                        referred.time(),
                        cells,
                        typed if isinstance(typed, str) else None,
                    )
                )
                continue
            verdict.rows["rejected"] += 1
    return accepted


def _disown_reused_ids(accepted: Iterable[Referral], verdict: Verdict) -> set[str]:
    """Leave each typed id with the first referral that used it; return the ids in use.

    A referral is a child and a date here, so that a same-day duplicate may repeat its id.
    """
    owners: dict[str, tuple[str, date]] = {}
    for one in accepted:
        if one.typed_id is None:
            continue
        if owners.setdefault(one.typed_id, (one.child, one.day)) != (one.child, one.day):
            verdict.problems.add((one.source, one.row, "referral_id"))
            one.typed_id = None
    return set(owners)


def _collapse(accepted: Iterable[Referral]) -> dict[tuple[str, date], Referral]:
    """Keep one referral a child and date: the earliest time, then the first in the input."""
    kept: dict[tuple[str, date], Referral] = {}
    for one in accepted:
        other = kept.get((one.child, one.day))
        if other is None or one.clock < other.clock:
            kept[(one.child, one.day)] = one
    return kept


def _name(referrals: Iterable[Referral], used: set[str]) -> None:
    """Give each referral its typed id, or ``child_id/YYYY-MM-DD/n`` with the first unused n."""
    for one in referrals:
        if one.typed_id is not None:
            one.referral_id = one.typed_id
            continue
        n = 1
        while f"{one.child}/{one.day.isoformat()}/{n}" in used:
            n += 1
        one.referral_id = f"{one.child}/{one.day.isoformat()}/{n}"
        used.add(one.referral_id)


def _in_window(one: Referral, as_of: date, window: int | None) -> bool:
    """Say whether the referral is judged: recent enough, or open at as_of, or perhaps open."""
    if window is None or one.day >= months_before(as_of, window):
        return True
    return one.is_open is not False


def _present(tables: Sequence[Table]) -> set[str]:
    """Return the columns that at least one table carries."""
    present = {column for _, header, _ in tables for column in header}
    return present | ({"rationale_length"} if "rationale" in present else set())


def judge(
    tables: Sequence[Table],
    as_of: date,
    window: int | None,
    history_from: date | None = None,
) -> Verdict:
    """Judge raw tables, given in order, by every rule; ``window`` None judges all referrals."""
    verdict = Verdict(
        dict.fromkeys(("read", "judged", "history_only", "after_as_of", "collapsed", "rejected"), 0)
    )
    accepted = _accept(tables, as_of, verdict)
    used = _disown_reused_ids(accepted, verdict)
    kept = _collapse(accepted)
    verdict.rows["collapsed"] = len(accepted) - len(kept)
    _name(kept.values(), used)
    verdict.history_from = history_from or min((one.day for one in accepted), default=None)

    counts: dict[str, Counter[str]] = {rule: Counter() for rule in RULES}
    by_child: dict[str, list[Referral]] = {}
    for one in sorted(kept.values(), key=lambda referral: referral.day):
        by_child.setdefault(one.child, []).append(one)
    for referrals in by_child.values():
        for place, one in enumerate(referrals):
            if one.day > as_of:
                verdict.rows["after_as_of"] += 1
            elif not _in_window(one, as_of, window):
                verdict.rows["history_only"] += 1
            else:
                verdict.rows["judged"] += 1
                assert verdict.history_from is not None
                case = Case(one, referrals[:place], as_of, verdict.history_from)
                _judge_one(case, counts, verdict)

    present = _present(tables)
    for rule_id, rule in RULES.items():
        verdict.rules[rule_id] = {
            **{key: counts[rule_id][key] for key in ("flag", "clear", "cannot_tell")},
            "not_evaluable": not any(columns <= present for columns in rule.enough),
            "missing_columns": set(rule.columns - present),
        }
    return verdict


def _judge_one(case: Case, counts: Mapping[str, Counter[str]], verdict: Verdict) -> None:
    """Put every rule to one referral and write the outcome down."""
    this = case.this
    for rule_id, rule in RULES.items():
        truth = rule.test(case)
        outcome = "cannot_tell" if truth is None else "flag" if truth else "clear"
        counts[rule_id][outcome] += 1
        verdict.outcomes[(rule_id, this.referral_id)] = outcome
        if not truth:
            continue
        verdict.flags.add((rule_id, this.child, this.referral_id, this.day.isoformat()))
        if rule_id in LIMITS:
            start, end = _span(rule_id, case)
            assert start is not None
            assert end is not None
            verdict.due[(rule_id, this.referral_id)] = (
                nth_working_day(start, LIMITS[rule_id]).isoformat(),
                elapsed(start, end) - LIMITS[rule_id],
            )
