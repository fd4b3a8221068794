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

from dirty_words import (
    BAD_CODES,
    BAD_DATES,
    BAD_FLAGS,
    BAD_LEVELS,
    BAD_NUMBERS,
    CODES,
    COLUMNS,
    EARLY_DATES,
    FACTORS,
    ODD_CHILD_IDS,
    REQUIRED,
    ROLES,
    SPECIAL_DAYS,
    TEAMS,
)


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
