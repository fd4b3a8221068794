"""What a rule's ``when`` is made of: conditions on facts and on other rules, all or any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from triage.facts import Asked

Operator = Literal["is", "more_than", "at_least", "less_than", "at_most", "one_of", "none_of"]
NUMBER_OPERATORS: Final = ("more_than", "at_least", "less_than", "at_most")
LIST_OPERATORS: Final = ("one_of", "none_of")


@dataclass(frozen=True)
class Compare:
    """A condition on one fact. ``parameter`` names where the values come from, if anywhere.

    ``within_parameter`` and ``among_parameter`` name those of the window and the list of words.
    """

    fact: str
    operator: Operator
    values: tuple[Any, ...]
    parameter: str | None = None
    within: int | None = None
    says: str = ""
    within_parameter: str | None = None
    among: tuple[str, ...] | None = None
    among_parameter: str | None = None

    @property
    def asked(self) -> Asked:
        """Return the fact as this condition asks for it."""
        return Asked(self.fact, self.within, self.among)

    @property
    def shows_absence(self) -> bool:
        """Return whether the condition holds when something never happened, or only late."""
        is_no = self.operator == "is" and self.values == (False,)
        return is_no or self.operator in ("more_than", "at_least")


@dataclass(frozen=True)
class RuleHolds:
    """A condition that another rule flags the same referral."""

    rule: str
    says: str = ""


@dataclass(frozen=True)
class All:
    """A condition that holds when every part does."""

    parts: tuple[Condition, ...]
    says: str = ""


@dataclass(frozen=True)
class AnyOf:
    """A condition that holds when at least one part does."""

    parts: tuple[Condition, ...]
    says: str = ""


Condition = Compare | RuleHolds | All | AnyOf


def leaves(condition: Condition) -> Iterator[Compare | RuleHolds]:
    """Yield the conditions on facts and on other rules, in the order written."""
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def sayings(condition: Condition) -> Iterator[str]:
    """Yield every ``says`` text in a condition."""
    if condition.says:
        yield condition.says
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from sayings(part)


def in_words(condition: Condition) -> str:
    """Return a condition as a rule file has it, on one line."""
    match condition:
        case All(parts):
            return "all of (" + "; ".join(map(in_words, parts)) + ")"
        case AnyOf(parts):
            return "any of (" + "; ".join(map(in_words, parts)) + ")"
        case RuleHolds(rule):
            return f"rule {rule}"
        case Compare(fact, operator, values, parameter):
            typed = " or ".join(str(value).lower() for value in values)
            limit = typed if parameter is None else f"{parameter} ({typed})"
            window = "" if condition.within is None else f" within {condition.within} months"
            return f"{fact}{window} {operator.replace('_', ' ')} {limit}"
