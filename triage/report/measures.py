"""What the weekly pack measures of each week: counts, and parts of wholes with their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from triage.report.population import (
    ASSESSMENT_DAYS,
    CONFERENCE_DAYS,
    IN_TIME,
    LATE,
    MONTHS,
    OVERDUE,
    RAPID_MONTHS,
    Population,
    elapsed,
)
from triage.report.records import GIVEN, YES, Truth, Whole

_DUE: Final = (IN_TIME, LATE, OVERDUE)
"""How work stands whose limit has passed, or that was done: the others are not counted yet."""


@dataclass(frozen=True)
class Measure:
    """A measure of a week: which referrals are its whole, which of them its part, by which day.

    ``part`` is None for a plain count. ``day`` is the day by which a referral falls into a week.
    """

    name: str
    title: str
    day: Whole
    whole: Truth
    part: Truth | None = None
    note: str = ""


@dataclass(frozen=True)
class Measures:
    """The measures of a population, each reckoned when it is first asked for."""

    population: Population

    @cached_property
    def all(self) -> tuple[Measure, ...]:
        """Return every measure, in the order in which a child's case goes its way."""
        of = self.population
        everyone = of.is_seen
        return (
            Measure("referrals", "Referrals", of.day, everyone),
            self._re_referrals("re-referrals", MONTHS, of.re_referral),
            self._re_referrals("rapid-returns", RAPID_MONTHS, of.rapid),
            self._in_time("decisions", "Decided within 1 working day of the referral", of.decision),
            self._in_time(
                "allocations", "Allocated within 1 working day of the decision", of.allocation
            ),
            Measure(
                "assessments", f"Assessments authorised within {ASSESSMENT_DAYS} working days",
                of.column("assessment_authorised_on"),
                everyone & (of.state("assessment_authorised_on") == GIVEN),
                self._within("assessment_authorised_on", of.day, ASSESSMENT_DAYS),
                "Counted in the week in which the assessment was authorised, from the referral.",
            ),
            Measure(
                "conferences", f"Initial child protection conferences within {CONFERENCE_DAYS} "
                "working days", of.column("icpc_on"),
                everyone & (of.state("icpc_on") == GIVEN)
                & (of.state("strategy_discussion_on") == GIVEN),
                self._within("icpc_on", of.column("strategy_discussion_on"), CONFERENCE_DAYS),
                "Counted in the week in which the conference was held, from the strategy "
                "discussion.",
            ),
        )  # fmt: skip

    def _re_referrals(self, name: str, months: int, told: Whole) -> Measure:
        return Measure(
            name, f"Re-referrals within {months} months", self.population.day,
            self.population.is_seen & self.population.covered(months), told == YES,
            "Of the referrals whose look-back is covered.",
        )  # fmt: skip

    def _in_time(self, name: str, title: str, stands: Sequence[str]) -> Measure:
        texts = np.array(stands, object)
        return Measure(
            name, title, self.population.day,
            self.population.is_seen & np.isin(texts, _DUE), texts == IN_TIME,
            "Of the referrals of the week of which it is known, those that still have time left "
            "out.",
        )  # fmt: skip

    def _within(self, event: str, start: Whole, limit: int) -> Truth:
        end = np.where(self.population.state(event) == GIVEN, self.population.column(event), start)
        return np.asarray(elapsed(start, end) <= limit, bool)


@dataclass(frozen=True)
class Weekly:
    """A measure week by week: its parts (None for a plain count) and its wholes."""

    measure: Measure
    wholes: tuple[int, ...]
    parts: tuple[int, ...] | None


def by_week(measure: Measure, ends: Sequence[int], group: Truth) -> Weekly:
    """Return a measure of a group for the weeks that end on these days, each of seven days."""

    def counted(which: Truth) -> tuple[int, ...]:
        days = measure.day[which & group]
        return tuple(int(((days > end - 7) & (days <= end)).sum()) for end in ends)

    part = None if measure.part is None else counted(measure.whole & measure.part)
    return Weekly(measure, counted(measure.whole), part)
