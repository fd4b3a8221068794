"""The only module that knows durable-rules: it decides every flag, one fact a distinct pattern.

A rule sees a referral only through the facts it names, and each fact only through the constants it
is compared with. So each fact is turned into its rank among those constants, the ranks of a rule's
facts into one key, and each distinct key (a *pattern*) is asserted once as a fact of small whole
numbers; the answer is spread back over the referrals that share the pattern.

What is missing is left out of the fact: the engine matches no comparison on a field left out. The
shape used here (the C module, single-fact rules, facts in batches with explicit ids, a canary in
each batch, all retracted after it) is the one in which the engine was found to be exact.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, Final

import durable_rules_engine

from triage.conditions import All, AnyOf, Compare, Condition, RuleHolds
from triage.errors import RuleError
from triage.facts import Asked
from triage.rules import Rule

Pattern = Mapping[str, int]
"""What the engine is told of a referral: the rank of each field that is known."""

BATCH: Final = 100
MOST_BRANCHES: Final = 60
_COMPARISONS: Final = {
    "more_than": "$gt",
    "at_least": "$gte",
    "less_than": "$lt",
    "at_most": "$lte",
}
_CANARY: Final = "canary"
_names = itertools.count()
_handles: dict[str, int] = {}
_one_at_a_time = Lock()
"""Asked by two threads at once, the engine mixes up their facts."""


class Ranks:
    """The rank codes of one fact: equal to the i-th constant is 2i + 1, the gaps are even."""

    def __init__(self, constants: Iterable[Any]) -> None:
        folded = {self.folded(constant) for constant in constants}
        self.constants: list[Any] = sorted(folded)

    @staticmethod
    def folded(value: Any) -> Any:
        """Return a value as it is compared: words without regard to case, truth as 1 or 0."""
        if isinstance(value, str):
            return value.casefold()
        return int(value)

    def of_constant(self, value: Any) -> int:
        """Return the rank of one of the constants."""
        return 2 * self.constants.index(self.folded(value)) + 1


def fields(rule: Rule) -> tuple[dict[Asked, Ranks], tuple[str, ...]]:
    """Return the facts a rule names, each with its ranks, and the rules whose flags it reads."""
    constants: dict[Asked, list[Any]] = {}
    for part in _comparisons(rule.condition):
        constants.setdefault(part.asked, []).extend(part.values)
    return {fact: Ranks(values) for fact, values in constants.items()}, rule.reads


def low(place: int) -> str:
    """Return the field that holds the lower bound of a rule's n-th fact."""
    return f"f{place}"


def high(place: int) -> str:
    """Return the field that holds the upper bound of a rule's n-th fact."""
    return f"g{place}"


def flagged(place: int) -> str:
    """Return the field that says whether the n-th rule read by a rule flags (1) or not (0)."""
    return f"h{place}"


def decide(rule: Rule, patterns: Sequence[Pattern]) -> list[bool]:
    """Return, for each pattern, whether the rule flags it, as durable-rules decides.

    Threads may ask at the same time, and are answered one after another.

    Raises:
        RuleError: when the engine does not answer as it must; the rule is named.
    """
    with _one_at_a_time:
        return _decide(rule, patterns)


def _decide(rule: Rule, patterns: Sequence[Pattern]) -> list[bool]:
    text = json.dumps(compiled(rule), separators=(",", ":"))
    try:
        handle = _handle(text)
        answers: list[bool] = []
        for start in range(0, len(patterns), BATCH):
            answers += _batch(handle, patterns[start : start + BATCH])
    except RuleError as error:
        _handles.pop(text, None)
        raise RuleError(f"{rule.id}: could not be evaluated: {error}") from None
    except Exception as error:
        _handles.pop(text, None)
        raise RuleError(f"{rule.id}: could not be evaluated by the engine: {error}") from error
    return answers


def compiled(rule: Rule) -> dict[str, Any]:
    """Return a rule in the engine's own terms, with the canary rule beside it."""
    ranks, reads = fields(rule)
    places = {fact: place for place, fact in enumerate(ranks)}
    expression = _expression(rule.condition, ranks, places, reads)
    _check_fields(len(ranks), len(reads))
    branches = json.dumps(expression).count('"$or"') and _branches(expression)
    if branches > MOST_BRANCHES:
        raise RuleError(f"{rule.id}: has {branches} alternatives, more than {MOST_BRANCHES}")
    return {
        "rule": {"all": [{"m": {"$and": [{"k": 1}, expression]}}], "cap": 1000},
        _CANARY: {"all": [{"m": {"c": 1}}], "cap": 1000},
    }


def _comparisons(condition: Condition) -> Iterable[Compare]:
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from _comparisons(part)
    elif isinstance(condition, Compare):
        yield condition


def _expression(
    condition: Condition,
    ranks: Mapping[Asked, Ranks],
    places: Mapping[Asked, int],
    reads: Sequence[str],
) -> dict[str, Any]:
    match condition:
        case All(parts) | AnyOf(parts):
            inner = [_expression(part, ranks, places, reads) for part in parts]
            if len(inner) == 1:
                return inner[0]
            return {"$and" if isinstance(condition, All) else "$or": inner}
        case RuleHolds(rule):
            return {flagged(reads.index(rule)): 1}
        case Compare(_, name, values):
            key = condition.asked
            place, codes = places[key], [ranks[key].of_constant(value) for value in values]
            if name in _COMPARISONS:
                rising = name in ("more_than", "at_least")
                return {_COMPARISONS[name]: {(low if rising else high)(place): codes[0]}}
            same = [{low(place): code} for code in dict.fromkeys(codes)]
            if name == "none_of":
                differ = [{"$neq": one} for one in same]
                return differ[0] if len(differ) == 1 else {"$and": differ}
            return same[0] if len(same) == 1 else {"$or": same}
    raise AssertionError(condition)


def _branches(expression: Any) -> int:
    """Return how many alternatives of an expression could hold at once."""
    if isinstance(expression, dict):
        if "$or" in expression:
            return sum(_branches(part) for part in expression["$or"])
        if "$and" in expression:
            total = 1
            for part in expression["$and"]:
                total *= _branches(part)
            return total
    return 1


def _check_fields(n_facts: int, n_rules: int) -> None:
    """Refuse field names that the engine, which tells them apart by hash, could confuse."""
    names = ["id", "sid", "k", "c", "$s"]
    for place in range(n_facts):
        names += [low(place), high(place)]
    names += [flagged(place) for place in range(n_rules)]
    if len({_fnv(name) for name in names}) != len(names):
        raise RuleError("two of its fields have the same hash; split the rule in two")
    if len(names) > 250:
        raise RuleError("names more facts than the engine can hold; split the rule in two")


def _fnv(text: str) -> int:
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def _handle(text: str) -> int:
    """Return the engine's handle for a rule; made once a process, for the engine never frees it."""
    if text not in _handles:
        _handles[text] = durable_rules_engine.create_ruleset(f"triage{next(_names)}", text)
    return _handles[text]


def _batch(handle: int, patterns: Sequence[Pattern]) -> list[bool]:
    """Return the engine's answers to one batch, all of whose facts are retracted afterwards."""
    facts: list[dict[str, int | str]] = [
        {"id": f"{number:02d}", "k": 1, **pattern} for number, pattern in enumerate(patterns)
    ]
    facts.append({"id": _CANARY, "c": 1})
    code, state = durable_rules_engine.assert_facts(handle, json.dumps(facts))
    if code not in (0, 1):
        raise RuleError(f"the engine dropped facts (code {code})")
    fired: set[str] = set()
    result = durable_rules_engine.start_action_for_state(handle, state)
    message = result[1] if result is not None else None
    while message is not None:
        fired |= _ids(message)
        message = durable_rules_engine.complete_and_start_action(handle, state)
    ids = [str(fact["id"]) for fact in facts]
    code, _ = durable_rules_engine.retract_facts(handle, json.dumps([{"id": one} for one in ids]))
    if code not in (0, 1):
        raise RuleError(f"the engine did not let go of its facts (code {code})")
    if _CANARY not in fired:
        raise RuleError("the engine lost facts: its test fact was not seen")
    if not fired <= set(ids):
        raise RuleError("the engine answered for facts that it was not given")
    return [one in fired for one in ids[:-1]]


def _ids(message: str) -> set[str]:
    """Return the ids of the facts that an action names."""
    found = set()
    for matches in json.loads(message).values():
        for match in matches if isinstance(matches, list) else [matches]:
            found.add(str(match["m"]["id"]))
    return found
