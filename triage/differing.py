"""How a rule differs from what it was: looser, tighter, or in its text only.

Looser: it flags all that it flagged, and may flag more. Tighter: it flags nothing new, and may flag
less. That is read off the conditions themselves, whatever the records; where neither can be shown
it is called looser and tighter. A rule that reads another changes with it.
"""

from __future__ import annotations

import itertools
from typing import Final, Literal

from triage.conditions import All, AnyOf, Compare, Condition, RuleHolds
from triage.facts import FACT_BY_NAME
from triage.rules import Rule
from triage.ruleset import Ruleset

Difference = Literal[
    "new",
    "gone",
    "switched off",
    "switched on",
    "looser",
    "tighter",
    "looser and tighter",
    "text only",
    "unchanged",
]
_MOST_WAYS: Final = 2_000
"""Conditions that hold in more ways than this are not compared part by part."""
_FAR: Final = 2**53

Leaves = tuple[Compare, ...]


def difference(rule_id: str, old: Ruleset, new: Ruleset) -> Difference:
    """Return how a rule differs between two sets of rules."""
    before, after = old.by_id.get(rule_id), new.by_id.get(rule_id)
    if before is None or after is None:
        return "new" if before is None else "gone"
    if before.is_off != after.is_off:
        return "switched off" if after.is_off else "switched on"
    if before.subject != after.subject:
        return "looser and tighter"
    was, now = whole_condition(before, old), whole_condition(after, new)
    is_wider, is_narrower = implies(was, now), implies(now, was)
    if is_wider and is_narrower:
        return "unchanged" if _text(before) == _text(after) else "text only"
    if is_wider or is_narrower:
        return "looser" if is_wider else "tighter"
    return "looser and tighter"


def _text(rule: Rule) -> str:
    return rule.text.strip()


def whole_condition(rule: Rule, rules: Ruleset) -> Condition:
    """Return a rule's condition with those of the rules it reads written out."""
    return _written_out(rule.condition, rules)


def _written_out(condition: Condition, rules: Ruleset) -> Condition:
    match condition:
        case All(parts):
            return All(tuple(_written_out(part, rules) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_written_out(part, rules) for part in parts))
        case RuleHolds(read):
            return whole_condition(rules.by_id[read], rules)
        case Compare():
            return condition


def implies(one: Condition, other: Condition) -> bool:
    """Return whether the first condition can be shown to hold only where the other does.

    Every way in which the first holds is set against everything that the other asks.
    """
    ways, demands = _ways(one, AnyOf), _ways(other, All)
    if ways is None or demands is None:
        return False
    return all(
        any(_leaf_implies(given, asked) for given in way for asked in demand)
        for way in ways
        for demand in demands
    )


def _ways(condition: Condition, outer: type[All] | type[AnyOf]) -> list[Leaves] | None:
    """Return a condition as alternatives of conjunctions, or (for All) the other way round."""
    if isinstance(condition, Compare):
        return [(condition,)]
    assert isinstance(condition, All | AnyOf)
    parts = [_ways(part, outer) for part in condition.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if isinstance(condition, outer):
        return [way for part in known for way in part]
    total = 1
    for part in known:
        total *= len(part)
    if total > _MOST_WAYS:
        return None
    return [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*known)]


def _leaf_implies(given: Compare, asked: Compare) -> bool:
    if given.fact != asked.fact:
        return False
    if FACT_BY_NAME[given.fact].kind != "whole number":
        return given.asked == asked.asked and _words_imply(given, asked)
    low, high = _interval(given)
    lowest, highest = _interval(asked)
    if not (lowest <= low and high <= highest):
        return False
    if given.asked == asked.asked:
        return True
    if lowest > -_FAR and highest == _FAR:
        return _is_part(given, asked)
    return highest < _FAR and lowest == -_FAR and _is_part(asked, given)


def _is_part(narrow: Compare, wide: Compare) -> bool:
    """Return whether what one counts is part of what the other counts: window and words."""
    window = narrow.within == wide.within or (
        narrow.within is not None and wide.within is not None and narrow.within <= wide.within
    )
    words = narrow.among == wide.among or (
        narrow.among is not None and wide.among is not None and set(narrow.among) <= set(wide.among)
    )
    return window and words


def _interval(condition: Compare) -> tuple[int, int]:
    limit = condition.values[0]
    match condition.operator:
        case "more_than":
            return limit + 1, _FAR
        case "at_least":
            return limit, _FAR
        case "less_than":
            return -_FAR, limit - 1
        case _:
            return -_FAR, limit


def _words_imply(given: Compare, asked: Compare) -> bool:
    have = {str(value).casefold() for value in given.values}
    want = {str(value).casefold() for value in asked.values}
    if given.operator == "none_of":
        return asked.operator == "none_of" and want <= have
    return not have & want if asked.operator == "none_of" else have <= want
