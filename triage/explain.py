"""The second judge: three-valued logic in plain Python, over a rule's conditions as written.

It knows nothing of the engine or its codes. It gives ``cannot_tell``, which condition made a rule
true, and the check that the engine decided the same on every distinct pattern of every run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, Protocol

from triage.conditions import All, AnyOf, Compare, Condition, RuleHolds
from triage.facts import Asked
from triage.vocabulary import CANNOT_TELL, CLEAR, FLAG

Truth = bool | None
"""True, False, or None for unknown."""

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "more_than": operator.gt,
    "at_least": operator.ge,
    "less_than": operator.lt,
    "at_most": operator.le,
}


class Subject(Protocol):
    """One referral, as a rule sees it."""

    def bounds(self, asked: Asked) -> tuple[Any, Any] | None:
        """Return the lowest and highest value of a fact; (None, None) is none, None unknown."""

    def outcome(self, rule: str) -> str:
        """Return what another rule said of the referral."""


def judge(condition: Condition, subject: Subject) -> Truth:
    """Return whether a condition holds: false and unknown is false, true or unknown is true."""
    match condition:
        case All(parts):
            truths = [judge(part, subject) for part in parts]
            return False if False in truths else (None if None in truths else True)
        case AnyOf(parts):
            truths = [judge(part, subject) for part in parts]
            return True if True in truths else (None if None in truths else False)
        case RuleHolds(rule):
            return {FLAG: True, CLEAR: False, CANNOT_TELL: None}[subject.outcome(rule)]
        case Compare():
            return _compare(condition, subject.bounds(condition.asked))


def _compare(condition: Compare, bounds: tuple[Any, Any] | None) -> Truth:
    if bounds is None:
        return None
    low, high = bounds
    if low is None:
        return False
    if condition.operator in _OPERATORS:
        holds = _OPERATORS[condition.operator]
        limit = condition.values[0]
        rising = condition.operator in ("more_than", "at_least")
        if high is None:
            return True if rising and holds(low, limit) else _open_ended(rising, low, condition)
        at_low, at_high = holds(low, limit), holds(high, limit)
        return at_low if at_low == at_high else None
    if low != high:
        return None
    same = any(_folded(low) == _folded(value) for value in condition.values)
    return not same if condition.operator == "none_of" else same


def _open_ended(rising: bool, low: Any, condition: Compare) -> Truth:
    """Return the truth of a comparison with a number of which only the lower bound is known."""
    if rising:
        return None
    return None if _OPERATORS[condition.operator](low, condition.values[0]) else False


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def outcome(truth: Truth) -> str:
    """Return the word for a truth: flag, clear or cannot_tell."""
    return CANNOT_TELL if truth is None else (FLAG if truth else CLEAR)


def true_sayings(condition: Condition, subject: Subject) -> list[str]:
    """Return the ``says`` of each part that holds, in the order written."""
    if judge(condition, subject) is not True:
        return []
    if condition.says:
        return [condition.says]
    if isinstance(condition, All | AnyOf):
        return [said for part in condition.parts for said in true_sayings(part, subject)]
    return []


def true_comparisons(condition: Condition, subject: Subject) -> list[Compare]:
    """Return the comparisons that hold and that the truth of the whole rests on."""
    if judge(condition, subject) is not True:
        return []
    if isinstance(condition, All | AnyOf):
        return [leaf for part in condition.parts for leaf in true_comparisons(part, subject)]
    return [condition] if isinstance(condition, Compare) else []
