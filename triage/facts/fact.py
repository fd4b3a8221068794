"""What a fact is: its name, type, unit, meaning, and the columns it cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple

from triage.measure import Measure, known
from triage.subject import Subject
from triage.validation import BLANK, GIVEN

FactKind = Literal["yes or no", "whole number", "text", "date"]
SubjectName = Literal["referral", "contact"]

WORKING_DAYS: Final = "working days"


@dataclass(frozen=True)
class Fact:
    """What a rule may ask: how it is measured, and which columns it cannot do without.

    ``needs`` names the columns without which it is unknown, ``any_of`` columns of which one is
    enough (but all of them where ``all_for_absence`` and the rule asks that nothing happened, or
    late), ``also`` those that it uses when they are there. ``within`` says that the rule has
    to give a window in months, ``among`` a list of words. ``moves`` marks a clock that runs up to
    the date of judgement, so that it changes from night to night though the record does not;
    ``always`` one that is known of every entry.
    """

    name: str
    kind: FactKind
    unit: str
    meaning: str
    needs: tuple[str, ...]
    compute: Callable[..., Measure]
    also: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    all_for_absence: bool = False
    within: bool = False
    among: bool = False
    moves: bool = False
    always: bool = False
    subject: SubjectName = "referral"

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that the fact uses."""
        return self.needs + self.any_of + self.also

    @property
    def is_own_words(self) -> bool:
        """Return whether its text is the product's own and not what somebody typed."""
        return self.kind == "text" and self.unit == "words"

    def can_be_known(self, carried: frozenset[str], *, for_absence: bool = False) -> bool:
        """Return whether the columns that an extract carries let this fact be known.

        ``for_absence`` asks whether it can be known that nothing happened, or only late.
        """
        is_enough = all if self.all_for_absence and for_absence else any
        return all(column in carried for column in self.needs) and (
            not self.any_of or is_enough(column in carried for column in self.any_of)
        )


class Asked(NamedTuple):
    """A fact as a condition asks for it: with its window in months and its list of words."""

    name: str
    within: int | None = None
    among: tuple[str, ...] | None = None


def has(name: str, column: str, what: str) -> Fact:
    """Return the fact that a cell is there."""
    return Fact(name, "yes or no", "", what, (column,), lambda s: s.has(column))


def date(name: str, column: str, what: str) -> Fact:
    """Return the date of an event as a fact, for messages."""
    return Fact(name, "date", "date", what, (column,), partial(on, name=column))


def on(s: Subject, name: str) -> Measure:
    """Return the date of an event."""
    column = s.column(name)
    return known(column.value, column.state == GIVEN, column.state == BLANK)


def text(s: Subject, name: str) -> Measure:
    """Return a text or code; blank is unknown."""
    column = s.column(name)
    measure = known(column.value, column.state == GIVEN)
    return Measure(measure.state, measure.value, names=column.names)


def number(s: Subject, name: str) -> Measure:
    """Return a number; blank is unknown."""
    column = s.column(name)
    return known(column.value, column.state == GIVEN)
