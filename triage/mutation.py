"""Do a rule's own examples bite? Each rule is changed in every small way, and they must notice.

A mutant is a rule with one thing changed: a limit one up or one down, a comparison turned round or
its edge moved, a condition left out, ``all`` for ``any``, a value taken from a list. A mutant that
every example still passes lives: then the examples do not pin down what the rule means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from triage import explain
from triage.conditions import All, AnyOf, Compare, Condition, Operator, in_words
from triage.errors import TriageError
from triage.examples import example_options, example_source, judged_place
from triage.judging import Row, judge_all
from triage.pipeline import fact_table
from triage.rules import Rule
from triage.ruleset import Ruleset

_TURNED: Final[dict[str, Operator]] = {
    "more_than": "at_most",
    "at_most": "more_than",
    "at_least": "less_than",
    "less_than": "at_least",
    "one_of": "none_of",
    "none_of": "one_of",
}
_EDGE: Final[dict[str, Operator]] = {
    "more_than": "at_least",
    "at_least": "more_than",
    "less_than": "at_most",
    "at_most": "less_than",
}


@dataclass(frozen=True)
class Mutant:
    """A rule with one thing changed, and what that is."""

    rule: str
    what: str
    condition: Condition


@dataclass(frozen=True)
class MutationResult:
    """How many mutants were made of a rule, and those that no example noticed."""

    rule: str
    n_made: int
    alive: tuple[Mutant, ...]


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Yield every small change of a rule's condition."""
    for name, value in rule.parameters.items():
        changes: list[tuple[str, Any]]
        if isinstance(value, int):
            changes = [(f"{name} {value} made {other}", other) for other in (value + 1, value - 1)]
        else:
            rest = (tuple(v for v in value if v != one) for one in value)
            changes = [
                (f"'{one}' taken from {name}", left) for one, left in zip(value, rest, strict=True)
            ]
        for what, changed in changes:
            yield Mutant(rule.id, what, _with_parameter(rule.condition, name, changed))
    for what, condition in _variants(rule.condition):
        yield Mutant(rule.id, what, condition)


def _with_parameter(condition: Condition, name: str, value: Any) -> Condition:
    """Return a condition in which a parameter has another value."""
    match condition:
        case All(parts) | AnyOf(parts):
            return replace(condition, parts=tuple(_with_parameter(p, name, value) for p in parts))
        case Compare():
            if condition.parameter == name:
                values = (value,) if isinstance(value, int) else value
                condition = replace(condition, values=values)
            if condition.within_parameter == name:
                condition = replace(condition, within=value)
            if condition.among_parameter == name:
                condition = replace(condition, among=value)
    return condition


def _variants(condition: Condition) -> Iterator[tuple[str, Condition]]:
    """Yield a condition with one comparison changed, one part left out, or all for any."""
    match condition:
        case All(parts) | AnyOf(parts):
            if len(parts) > 1:
                other = AnyOf if isinstance(condition, All) else All
                names = ("all", "any") if isinstance(condition, All) else ("any", "all")
                yield f"`{names[0]}` made `{names[1]}` {_short(condition)}", other(parts)
                for place, part in enumerate(parts):
                    rest = parts[:place] + parts[place + 1 :]
                    yield f"left out: {in_words(part)}", replace(condition, parts=rest)
            for place, part in enumerate(parts):
                for what, changed in _variants(part):
                    whole = (*parts[:place], changed, *parts[place + 1 :])
                    yield what, replace(condition, parts=whole)
        case Compare(_, operator, values):
            if operator == "is" and isinstance(values[0], bool):
                yield f"turned: {in_words(condition)}", replace(condition, values=(not values[0],))
            elif operator == "is":
                yield f"turned: {in_words(condition)}", replace(condition, operator="none_of")
            else:
                turned = replace(condition, operator=_TURNED[operator])
                yield f"turned: {in_words(condition)}", turned
            if operator in _EDGE:
                moved = replace(condition, operator=_EDGE[operator])
                yield f"edge moved: {in_words(condition)}", moved


def _short(condition: Condition) -> str:
    words = in_words(condition)
    return words if len(words) < 80 else words[:79] + "…"


def mutate(rule: Rule, ruleset: Ruleset) -> MutationResult:
    """Return how many mutants of a rule its own examples notice, and which they do not.

    The examples themselves go through the whole pipeline in ``run_example``; mutants are judged by
    the second judge on the same facts, since the engine can let go of no rule it was given.
    """
    asked = [_asker(rule, number, ruleset) for number in range(len(rule.about.examples))]
    expected = [example.expect for example in rule.about.examples]
    made = 0
    alive = []
    for mutant in mutants(rule):
        made += 1
        said = (ask(mutant.condition) for ask in asked)
        if all(one == wanted for one, wanted in zip(said, expected, strict=True)):
            alive.append(mutant)
    return MutationResult(rule.id, made, tuple(alive))


def mutate_all(ruleset: Ruleset, only: str | None = None) -> list[MutationResult]:
    """Return the mutation result of every rule, or of one."""
    return [mutate(rule, ruleset) for rule in ruleset.rules if only in (None, rule.id)]


def _asker(rule: Rule, number: int, ruleset: Ruleset) -> Callable[[Condition], str]:
    """Return what says how a condition ends on the last referral of one of a rule's examples."""
    example = rule.about.examples[number]
    alone = ruleset.only(rule.id).as_stable(everything=True)
    table, is_judged = fact_table([example_source(example)], rule.subject, example_options(example))
    verdicts = judge_all(alone, table, is_judged)
    place = judged_place(table.subject.entries.ids, rule, example)
    if place is None:
        raise TriageError(f"{rule.id} '{example.name}': its last referral is not judged")
    row = Row(table, verdicts, place)
    return lambda condition: explain.outcome(explain.judge(condition, row))
