"""The facts of every referral, or every contact, computed when first asked for."""

from __future__ import annotations

from typing import Any

from triage.calendar import to_date
from triage.facts.fact import Asked, Fact, FactKind
from triage.measure import KNOWN, NONE, UNBOUNDED, Measure
from triage.subject import Subject


class FactTable:
    """The facts of every entry at ``as_of``; ``facts`` names those that there are."""

    def __init__(self, subject: Subject, facts: dict[str, Fact]) -> None:
        self.subject = subject
        self._facts = facts
        self._measures: dict[Asked, Measure] = {}
        self._still: FactTable | None = None

    def __len__(self) -> int:
        """Return the number of entries dated up to ``as_of``."""
        return self.subject.n

    def with_clock(self, clock: int) -> FactTable:
        """Return the facts with the running clocks put to another day; others are not reckoned."""
        other = FactTable(self.subject.with_clock(clock), self._facts)
        other._still = self
        return other

    def measure(self, asked: Asked | str) -> Measure:
        """Return a fact for every entry."""
        key = Asked(asked) if isinstance(asked, str) else asked
        if key not in self._measures:
            fact = self._facts[key.name]
            if self._still is not None and not fact.moves:
                return self._still.measure(key)
            given = {"months": key.within} if fact.within else {}
            if fact.among:
                self._measures[key] = fact.compute(self.subject, among=key.among or (), **given)
            else:
                self._measures[key] = fact.compute(self.subject, **given)
        return self._measures[key]

    def plain(self, asked: Asked | str, row: int) -> Any:
        """Return one fact as a plain value; None when it is none or unknown.

        Yes-or-no facts are booleans, dates are dates. Of a number known only within bounds, what
        was found is given.
        """
        key = Asked(asked) if isinstance(asked, str) else asked
        measure = self.measure(key)
        if measure.state[row] != KNOWN:
            return None
        if measure.high is not None and measure.found_is_high and measure.high[row] < UNBOUNDED:
            return int(measure.high[row])
        return plain_value(self._facts[key.name].kind, measure, row)

    def bounds(self, asked: Asked, row: int) -> tuple[Any, Any] | None:
        """Return the lowest and highest value a fact may have; None when unknown.

        A fact that is known not to be there is ``(None, None)``; a missing upper bound is None.
        """
        measure = self.measure(asked)
        if measure.state[row] == NONE:
            return (None, None)
        if measure.state[row] != KNOWN:
            return None
        value = plain_value(self._facts[asked.name].kind, measure, row)
        if measure.high is None:
            return (value, value)
        high = int(measure.high[row])
        return (value, None if high >= UNBOUNDED else high)


def plain_value(kind: FactKind, measure: Measure, row: int) -> Any:
    """Return the value of a known fact as a boolean, number, text or date."""
    value = int(measure.value[row])
    match kind:
        case "yes or no":
            return value == 1
        case "date":
            return to_date(value)
        case "text":
            return measure.names[value]
        case _:
            return value
