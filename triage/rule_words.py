"""What a rule asks, in words that read without its file: each condition by what its fact means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from triage.conditions import All, AnyOf, Compare, Condition, RuleHolds
from triage.facts import FACT_BY_NAME
from triage.rules import BRACES
from triage.wording import spoken

_OPERATORS: Final = {
    "is": "", "more_than": "more than ", "at_least": "at least ", "less_than": "less than ",
    "at_most": "at most ", "one_of": "one of ", "none_of": "none of ",
}  # fmt: skip


@dataclass(frozen=True)
class Asks:
    """A condition in words, with its parts; ``rule`` is another rule that is to flag."""

    text: str
    fact: str = ""
    rule: str = ""
    parts: tuple[Asks, ...] = ()


def asks(condition: Condition) -> Asks:
    """Return a condition in words, with all its parts."""
    match condition:
        case All(parts):
            return Asks("All of these are so:", parts=tuple(map(asks, parts)))
        case AnyOf(parts):
            return Asks("At least one of these is so:", parts=tuple(map(asks, parts)))
        case RuleHolds(rule):
            return Asks(f"Rule {rule} flags the same", rule=rule)
        case Compare():
            return Asks(_compared(condition), fact=condition.fact)


def _compared(condition: Compare) -> str:
    fact = FACT_BY_NAME[condition.fact]
    limits = " or ".join(spoken(value) for value in condition.values)
    within = f", within {condition.within} months" if condition.within is not None else ""
    among = f", among {', '.join(condition.among)}" if condition.among else ""
    named = f" (the limit “{condition.parameter}”)" if condition.parameter else ""
    unit = _unit(fact.unit, condition.values) if fact.kind == "whole number" else ""
    meaning = fact.meaning[:1].upper() + fact.meaning[1:]
    return f"{meaning}{within}{among}: {_OPERATORS[condition.operator]}{limits}{unit}{named}"


def _unit(unit: str, values: tuple[Any, ...]) -> str:
    if not unit:
        return ""
    return f" {unit.removesuffix('s') if values == (1,) else unit}"


def with_gaps(message: str) -> str:
    """Return a message of a rule with what is filled in set apart."""
    return BRACES.sub(lambda found: f"‹{found.group(1).replace('_', ' ')}›", message)
