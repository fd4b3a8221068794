"""One referral with the whole folder around it, as the rules of ``oracle_more`` ask of it.

Nothing here is imported from the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from oracle_cells import BLANK, Truth, either, elapsed, negate
from oracle_folder import (
    NONE,
    Folder,
    Span,
    When,
    span_of,
    when,
)
from oracle_rules import Case

PROFESSIONALS = {
    *("2a", "2b", "3a", "3b", "3c", "3d", "3e", "3f", "4", "5a", "5b", "5c", "5d", "6", "7", "8"),
}
ACTIONS = ("assessment_started_on", "strategy_discussion_on", "section47_started_on")


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


def is_before(case: More, first: str, than: When) -> Truth:
    """Say whether an event bears a date before another; one that has not happened does not."""
    day = case.on(first)
    if NONE in (day, than):
        return False
    return None if day is None or than is None else day < than  # type: ignore[operator]
