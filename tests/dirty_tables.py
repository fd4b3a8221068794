"""Random referral tables that are as dirty as real ones, and repeatable.

Most random rows are dull: every date far from every limit. The tables made here crowd the edges
instead, because that is where two readings of the contract part: exactly n months and a day either
side, month ends, leap days, weekends and bank holidays, 90 days from closure, 280 days from birth.
Cells are also blank, padded, unreadable, or typed in any of the accepted forms.

One seed gives one table, whatever the columns asked for: a column is left out, never re-drawn, so
that a test can compare the same referrals with and without it.
"""

from __future__ import annotations

import csv
from calendar import monthrange
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

COLUMNS = (
    "child_id",
    "referral_date",
    "referral_id",
    "household_id",
    "date_of_birth",
    "expected_date_of_birth",
    "referral_source",
    "primary_need",
    "nfa",
    "team",
    "closed_on",
    "closure_reason",
    "decision_at",
    "decision_recorded_at",
    "decision_maker_id",
    "decision_maker_role",
    "decision_outcome",
    "threshold_level",
    "risk_rating",
    "rationale_length",
    "history_considered",
    "allocated_at",
    "allocated_worker_id",
    "allocated_worker_role",
    "worker_is_agency",
    "worker_is_registered",
    "assessment_started_on",
    "assessment_reviewed_on",
    "assessment_authorised_on",
    "assessment_factors",
    "strategy_discussion_on",
    "section47_started_on",
    "icpc_on",
    "icpc_not_required",
    "last_oversight_on",
    "restricted",
)
REQUIRED = ("child_id", "referral_date")

# Days that trip calendars: month ends, leap days, weekends, and bank holidays of all kinds.
SPECIAL_DAYS = (
    date(2020, 2, 29),
    date(2021, 2, 28),
    date(2021, 12, 24),
    date(2021, 12, 25),
    date(2021, 12, 28),
    date(2022, 1, 3),
    date(2022, 1, 31),
    date(2022, 3, 31),
    date(2022, 4, 14),
    date(2022, 4, 15),
    date(2022, 5, 31),
    date(2022, 6, 1),
    date(2022, 6, 2),
    date(2022, 6, 3),
    date(2022, 6, 4),
    date(2022, 8, 31),
    date(2022, 9, 16),
    date(2022, 9, 19),
    date(2022, 10, 31),
    date(2022, 12, 23),
    date(2022, 12, 25),
    date(2022, 12, 27),
    date(2023, 1, 2),
    date(2023, 2, 28),
    date(2023, 3, 31),
    date(2023, 5, 5),
    date(2023, 5, 6),
    date(2023, 5, 8),
    date(2023, 5, 29),
    date(2023, 5, 31),
)

# No date at all, or in a form the contract does not list.
BAD_DATES = (
    "2022-02-31",
    "31/04/2022",
    "06/31/2022",
    "29/02/2023",
    "2023-02-29",
    "2022-13-01",
    "2022-00-10",
    "1889-05-01",
    "01/05/1889",
    "2051-01-01",
    "31/12/2051",
    "2022-1-5",
    "5/1/2022",
    "15/06/22",
    "15-06-2022",
    "2022/06/15",
    "20220615",
    "44727",
    "2022-06-15T24:00",
    "2022-06-15 10:61",
    "2022-06-15T10",
    "maybe",
    "not known",
    "N/A",
    "-",
)
# Readable as a birth date, too early for anything else.
EARLY_DATES = ("1989-12-31", "31/12/1989", "1900-01-01")
BAD_FLAGS = ("maybe", "2", "-1", "yep", "nope", "unknown", "N/A", "null")
BAD_NUMBERS = ("lots", "-1", "12 characters", "1e3", "3.5", "1,200", "N/A")
BAD_LEVELS = ("0", "5", "-1", "level 2", "two", "1.5", "12")
BAD_CODES: dict[str, tuple[str, ...]] = {
    "referral_source": ("2C", "11", "0", "3G", "school", "1"),
    "primary_need": ("N10", "N", "9", "abuse", "maybe"),
    "closure_reason": ("RC0", "RC10", "RC", "8", "closed"),
    "decision_outcome": ("escalate", "assessments", "section 17", "maybe"),
    "risk_rating": ("purple", "r", "high", "red/amber"),
    "assessment_factors": ("8A", "1A;99Z", "neglect", "1A,2B", "16A;maybe"),
}
CODES: dict[str, tuple[str, ...]] = {
    "referral_source": (
        *("1A", "1B", "1C", "1D", "2A", "2B", "3A", "3B", "3C", "3D", "3E", "3F"),
        *("4", "5A", "5B", "5C", "5D", "6", "7", "8", "9", "10"),
    ),
    "primary_need": ("N0", "N1", "N1", "N1", "N2", "N3", "N4", "N5", "N5", "N6", "N7", "N8", "N9"),
    "closure_reason": tuple(f"RC{n}" for n in range(1, 10)),
    "decision_outcome": (
        "nfa",
        "information_and_advice",
        "early_help",
        "assessment",
        "strategy_discussion",
        "section47",
        "other",
    ),
    "risk_rating": ("red", "red", "amber", "green"),
}
FACTORS = ("1A", "2B", "3A", "3C", "4B", "7A", "8E", "16A", "18A", "18C", "19B", "20", "24A")
ROLES = (
    "Team Manager",
    "team manager",
    "ASSISTANT TEAM MANAGER",
    "Practice Supervisor",
    "service manager",
    "Social Worker",
    "senior practitioner",
    "team manager (acting)",
    "Head of Service",
)
TEAMS = ("North, Duty", 'The "Hub"', "MASH", "mash", "Assessment 1", "007", "NA")
# Ids that a careless reader turns into numbers, dates, missing values or truths.
ODD_CHILD_IDS = ("NA", "nan", "null", "None", "TRUE", "1e5", "1E5", "0", "00", "1.0", "C,1", "c,1")


def _months_later(day: date, months: int) -> date:
    """Go on whole calendar months; a day the month does not have becomes its last day."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def _weekdays_later(day: date, n: int) -> date:
    """Go on (or back) n weekdays; bank holidays are left to fall where they may."""
    step = 1 if n >= 0 else -1
    while n:
        day += timedelta(days=step)
        if day.weekday() < 5:
            n -= step
    return day


class _Maker:
    """Draws one table; holds the generator so that every draw comes from one seed."""

    def __init__(self, seed: int, as_of: date) -> None:
        self.rng = Random(seed)
        self.as_of = as_of
        self.children = 0
        self.typed_ids: list[str] = []
        self.workers = [f"W{n:03d}" for n in range(12)] + ["007", "7", "w001", "W,1"]

    # ---- cells -----------------------------------------------------------------------------

    def chance(self, likely: float) -> bool:
        return self.rng.random() < likely

    def date_text(self, day: date, clock: tuple[int, int, int] | None = None) -> str:
        """Type a day in one of the forms; a time is kept where the form has room for it."""
        slashed = day.strftime("%d/%m/%Y")
        if clock is None:
            return slashed if self.chance(0.35) else day.isoformat()
        hour, minute, second = clock
        return self.rng.choice(
            (
                f"{day.isoformat()}T{hour:02d}:{minute:02d}",
                f"{day.isoformat()} {hour:02d}:{minute:02d}",
                f"{day.isoformat()}T{hour:02d}:{minute:02d}:{second:02d}",
                f"{day.isoformat()} {hour:02d}:{minute:02d}:{second:02d}",
                f"{slashed} {hour:02d}:{minute:02d}",
            )
        )

    def clock(self) -> tuple[int, int, int]:
        """Draw a time of day, often one of its ends."""
        if self.chance(0.3):
            return self.rng.choice(((0, 0, 0), (23, 59, 59), (0, 0, 1), (12, 0, 0)))
        return self.rng.randrange(24), self.rng.randrange(60), self.rng.randrange(60)

    def event(self, day: date | None, blank: float, timed: float = 0.1) -> str:
        """Type an event date, or leave it blank, or spoil it, or move it past ``as_of``."""
        roll = self.rng.random()
        if day is None or roll < blank:
            return ""
        if roll > 0.96:
            return self.rng.choice(EARLY_DATES if self.chance(0.1) else BAD_DATES)
        if roll > 0.94:
            day = self.as_of + timedelta(days=self.rng.choice((0, 1, 1, 2, 30)))
        return self.date_text(day, self.clock() if self.chance(timed) else None)

    def birth(self, day: date, blank: float) -> str:
        roll = self.rng.random()
        if roll < blank:
            return ""
        if roll > 0.96:
            return self.rng.choice(("1899-12-31", "2051-01-01", *BAD_DATES))
        if roll > 0.95:
            return self.rng.choice(("1900-01-01", "31/12/1989"))
        return self.date_text(day, (0, 0, 0) if self.chance(0.1) else None)

    def truth(self, likely: float, blank: float = 0.15) -> str:
        roll = self.rng.random()
        if roll < blank:
            return ""
        if roll > 0.96:
            return self.rng.choice(BAD_FLAGS)
        yes, no = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")
        return self.cased(self.rng.choice(yes if self.chance(likely) else no))

    def cased(self, text: str) -> str:
        return self.rng.choice((text, text, text.upper(), text.lower(), text.title()))

    def code(self, column: str, blank: float = 0.15) -> str:
        roll = self.rng.random()
        if roll < blank:
            return ""
        if roll > 0.95:
            return self.rng.choice(BAD_CODES[column])
        return self.cased(self.rng.choice(CODES[column]))

    def factors(self) -> str:
        roll = self.rng.random()
        if roll < 0.3:
            return ""
        if roll > 0.95:
            return self.rng.choice(BAD_CODES["assessment_factors"])
        drawn = self.rng.sample(FACTORS, self.rng.randint(1, 3))
        return self.rng.choice((";", "; ", " ;")).join(self.cased(one) for one in drawn)

    def number(self, drawn: int, bad: Sequence[str], blank: float) -> str:
        roll = self.rng.random()
        if roll < blank:
            return ""
        return self.rng.choice(bad) if roll > 0.95 else str(drawn)

    def worker(self) -> str:
        return "" if self.chance(0.12) else self.rng.choice(self.workers)

    def padded(self, text: str) -> str:
        """Surround a few cells with blanks; a blank cell may hold nothing but blanks."""
        if not self.chance(0.05):
            return text
        return self.rng.choice((" ", "  ", "\t")) + text + self.rng.choice(("", " ", "  "))

    # ---- referrals -------------------------------------------------------------------------

    def child_id(self) -> str:
        """Draw an id; some differ from another only in leading zeros or in case."""
        self.children += 1
        n = self.children
        if n % 40 == 0:
            return self.rng.choice(ODD_CHILD_IDS)
        return self.rng.choice((f"{n:05d}", f"{n:05d}", str(n), f"C{n}", f"c{n}", f"LA-{n:04d}"))

    def first_day(self) -> date:
        """Draw the day a child is first referred: an edge of the calendar or of the window."""
        roll = self.rng.random()
        if roll < 0.2:
            return self.rng.choice(SPECIAL_DAYS)
        if roll < 0.35:
            return _weekdays_later(self.as_of, -self.rng.choice((0, 1, 2, 3, 44, 45, 46, 47, 48)))
        if roll < 0.45:
            edge = _months_later(self.as_of, -self.rng.choice((3, 12, 15)))
            return edge + timedelta(days=self.rng.choice((-1, 0, 1)))
        return self.as_of - timedelta(days=self.rng.randrange(-3, 3 * 365))

    def next_day(self, day: date, closed: date | None) -> date:
        """Draw the child's next referral: near a limit in months or in days since closure."""
        roll = self.rng.random()
        jitter = timedelta(days=self.rng.choice((-1, 0, 0, 1)))
        if roll < 0.45:
            return _months_later(day, self.rng.choice((1, 3, 3, 6, 12, 12, 12))) + jitter
        if roll < 0.65 and closed is not None:
            return closed + timedelta(days=self.rng.choice((-1, 0, 1, 89, 90, 90, 91)))
        if roll < 0.75:
            later = [special for special in SPECIAL_DAYS if special > day]
            if later:
                return self.rng.choice(later)
        return day + timedelta(days=self.rng.randrange(1, 420))

    def referral_id(self, child: str, day: date) -> str:
        """Draw an id: new, blank, used before, or looking like a generated one."""
        roll = self.rng.random()
        if roll < 0.2:
            return ""
        if roll < 0.25 and self.typed_ids:
            return self.rng.choice(self.typed_ids[-200:])
        if roll < 0.28:
            lookalike = day + timedelta(days=self.rng.choice((0, 0, 1)))
            typed = f"{child}/{lookalike.isoformat()}/{self.rng.choice((1, 1, 2))}"
        else:
            n = len(self.typed_ids) + 1
            typed = self.rng.choice((f"R{n}", f"{n:06d}", f"R,{n}"))
        self.typed_ids.append(typed)
        return typed

    def closure(self, day: date) -> date | None:
        if self.chance(0.3):
            return None
        return day + timedelta(days=self.rng.choice((-1, 0, 1, 30, 90, 91, 180, 275, 365)))

    def row(self, child: str, day: date, closed: date | None, born: date) -> dict[str, str]:
        """Draw one referral; its events crowd the working-day limits counted from each other."""
        rng = self.rng
        decided = _weekdays_later(day, rng.choice((-1, 0, 0, 1, 1, 1, 2, 2, 3, 10)))
        recorded = _weekdays_later(decided, rng.choice((-1, 0, 0, 1, 1, 2, 3)))
        allocated = _weekdays_later(rng.choice((day, decided)), rng.choice((-1, 0, 1, 1, 2, 2, 5)))
        started = _weekdays_later(day, rng.choice((0, 1, 3, 10)))
        authorised = _weekdays_later(day, rng.choice((10, 43, 44, 45, 46, 47, 48, 60)))
        strategy = _weekdays_later(day, rng.choice((0, 1, 5)))
        if self.chance(0.3):
            strategy = _weekdays_later(self.as_of, -rng.choice((13, 14, 15, 16, 17, 18)))
        conference = _weekdays_later(strategy, rng.choice((-1, 5, 13, 14, 15, 16, 17, 18, 30)))
        maker = self.worker()
        worker = maker if self.chance(0.2) else self.worker()
        expected = day + timedelta(days=rng.choice((100, 279, 280, 281, 281, 300)))
        if self.chance(0.05):
            born = day + timedelta(days=rng.choice((279, 280, 281)))
        unborn = self.chance(0.2)
        cells = {
            "child_id": "" if self.chance(0.01) else child,
            "referral_date": self.event_of_referral(day),
            "referral_id": self.referral_id(child, day),
            "household_id": rng.choice(("", f"H{rng.randrange(50)}", "0012")),
            "date_of_birth": self.birth(born, 0.9 if unborn else 0.1),
            "expected_date_of_birth": self.birth(expected, 0.1 if unborn else 0.85),
            "referral_source": self.code("referral_source"),
            "primary_need": self.code("primary_need", 0.1),
            "nfa": self.truth(0.35, 0.1),
            "team": rng.choice(("", *TEAMS)),
            "closed_on": self.event(closed, 0.05),
            "closure_reason": self.code("closure_reason", 0.2 if closed else 0.85),
            "decision_at": self.event(decided, 0.2, 0.5),
            "decision_recorded_at": self.event(recorded, 0.15, 0.5),
            "decision_maker_id": maker,
            "decision_maker_role": "" if self.chance(0.12) else rng.choice(ROLES),
            "decision_outcome": self.code("decision_outcome"),
            "threshold_level": self.number(rng.randint(1, 4), BAD_LEVELS, 0.12),
            "risk_rating": self.code("risk_rating", 0.12),
            "rationale_length": self.number(
                rng.choice((0, 1, 29, 30, 31, 240, 12000)), BAD_NUMBERS, 0.12
            ),
            "history_considered": self.truth(0.6),
            "allocated_at": self.event(allocated, 0.3, 0.4),
            "allocated_worker_id": worker,
            "allocated_worker_role": "" if self.chance(0.2) else rng.choice(ROLES),
            "worker_is_agency": self.truth(0.2),
            "worker_is_registered": self.truth(0.8),
            "assessment_started_on": self.event(started, 0.3),
            "assessment_reviewed_on": self.event(_weekdays_later(started, 10), 0.5),
            "assessment_authorised_on": self.event(authorised, 0.4),
            "assessment_factors": self.factors(),
            "strategy_discussion_on": self.event(strategy, 0.4),
            "section47_started_on": self.event(strategy, 0.5),
            "icpc_on": self.event(conference, 0.45),
            "icpc_not_required": self.truth(0.3, 0.4),
            "last_oversight_on": self.event(_weekdays_later(day, 20), 0.4),
            "restricted": self.truth(0.05),
        }
        return {column: self.padded(text) for column, text in cells.items()}

    def event_of_referral(self, day: date) -> str:
        """Type the referral date: seldom blank or spoilt, since that rejects the row."""
        roll = self.rng.random()
        if roll < 0.006:
            return ""
        if roll < 0.015:
            return self.rng.choice((*BAD_DATES, *EARLY_DATES))
        return self.date_text(day, self.clock() if self.chance(0.4) else None)

    def child(self) -> list[dict[str, str]]:
        """Draw one child's rows, same-day duplicates among them."""
        child = self.child_id()
        day = self.first_day()
        born = day - timedelta(days=self.rng.randrange(-200, 17 * 365))
        rows = []
        for _ in range(self.rng.choice((1, 1, 2, 2, 3, 3, 4, 5, 6))):
            if day > self.as_of + timedelta(days=20):
                break
            closed = self.closure(day)
            rows.append(self.row(child, day, closed, born))
            while self.chance(0.06):
                rows.append(self.row(child, day, closed, born))
                if self.chance(0.5):
                    rows[-1]["referral_id"] = rows[-2]["referral_id"]
                if self.chance(0.3):
                    rows[-1]["referral_date"] = rows[-2]["referral_date"]
            day = max(self.next_day(day, closed), day + timedelta(days=1))
        return rows


def make_table(
    seed: int,
    n_rows: int,
    columns: Collection[str] | None = None,
    as_of: date = date(2023, 6, 30),
) -> tuple[list[str], list[list[str]]]:
    """Make the header and rows of one table; child and referral date are always among them."""
    maker = _Maker(seed, as_of)
    drawn: list[dict[str, str]] = []
    while len(drawn) < n_rows:
        drawn.extend(maker.child())
    del drawn[n_rows:]
    maker.rng.shuffle(drawn)
    header = [
        column for column in COLUMNS if columns is None or column in columns or column in REQUIRED
    ]
    return header, [[cells[column] for column in header] for cells in drawn]


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table as a CSV file in UTF-8, quoting only the cells that need it."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows(rows)
