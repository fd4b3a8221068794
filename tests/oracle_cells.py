"""What the independent reading of the contract makes of one cell, and of working days.

Part of ``oracle``; nothing here is imported from the product.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import holidays

Truth = bool | None

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
