"""A rule as data: what it asks of a referral's facts, why, and what to tell a reviewer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from triage.errors import CallError, RuleError
from triage.facts import FACT_BY_NAME
from triage.vocabulary import SEVERITIES

Operator = Literal["is", "more_than", "at_least", "less_than", "at_most", "one_of", "none_of"]
NUMBER_OPERATORS: Final = ("more_than", "at_least", "less_than", "at_most")
LIST_OPERATORS: Final = ("one_of", "none_of")
BRACES: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\}")
BECAUSE: Final = "because"


@dataclass(frozen=True)
class Compare:
    """A condition on one fact. ``parameter`` names where the values come from, if anywhere."""

    fact: str
    operator: Operator
    values: tuple[Any, ...]
    parameter: str | None = None
    within: int | None = None
    says: str = ""


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


def _whole(value: Any) -> Any:
    """Return a text of digits as the number; rule files load every scalar as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value) else value


Number = Annotated[int, BeforeValidator(_whole)]
Sentence = Annotated[str, Field(min_length=3)]


class Parameter(BaseModel):
    """A number or list that a rule compares with, and why it is what it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[int | tuple[str, ...], BeforeValidator(_whole)]
    unit: Sentence
    min: Number | None = None
    max: Number | None = None
    why: Sentence


class Example(BaseModel):
    """Referrals of one child and what the rule must say of the last of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Sentence
    as_of: str
    history_from: str | None = None
    referrals: tuple[dict[str, str], ...] = Field(min_length=1)
    expect: Literal["flag", "clear", "cannot_tell"]


class RuleFile(BaseModel):
    """The shape of a rule file; its condition is read apart, since it names facts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Z]{2,3}-[0-9]{2}$")
    title: Sentence
    status: Literal["draft", "trial", "stable", "retired"]
    severity: Literal["critical", "high", "medium", "low"]
    rationale: Sentence
    references: tuple[Sentence, ...] = Field(min_length=1)
    parameters: dict[str, Parameter] = {}
    when: Any
    message: Sentence
    benign_explanations: tuple[Sentence, ...] = Field(min_length=1)
    reviewer_checks: tuple[Sentence, ...] = Field(min_length=1)
    examples: tuple[Example, ...] = Field(min_length=3)


@dataclass(frozen=True)
class Rule:
    """A rule ready to be judged, with the text of the file it was read from."""

    about: RuleFile
    condition: Condition
    path: str
    text: str

    @property
    def id(self) -> str:
        """Return the rule's short, sayable identifier."""
        return self.about.id

    @property
    def severity(self) -> str:
        """Return the severity of the rule's flags."""
        return self.about.severity

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Return the value of each parameter."""
        return {name: parameter.value for name, parameter in self.about.parameters.items()}

    @cached_property
    def text_hash(self) -> str:
        """Return the SHA-256 of the rule's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Return the rules whose flags this one reads."""
        return tuple(
            dict.fromkeys(
                leaf.rule for leaf in leaves(self.condition) if isinstance(leaf, RuleHolds)
            )
        )

    @cached_property
    def facts(self) -> tuple[tuple[str, int | None], ...]:
        """Return each fact of the condition with its window in months, if it has one."""
        return tuple(
            dict.fromkeys(
                (leaf.fact, leaf.within)
                for leaf in leaves(self.condition)
                if isinstance(leaf, Compare)
            )
        )

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """Return the facts that the message names, beside those of the condition."""
        texts = (self.about.message, *sayings(self.condition))
        names = [name for text in texts for name, _ in BRACES.findall(text)]
        asked = {fact for fact, _ in self.facts}
        return tuple(
            dict.fromkeys(name for name in names if name in FACT_BY_NAME and name not in asked)
        )


@dataclass(frozen=True)
class Ruleset:
    """Rules sorted by identifier, and the order in which they can be judged."""

    rules: tuple[Rule, ...]
    order: tuple[str, ...]

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Return the rules by identifier."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def hash(self) -> str:
        """Return one SHA-256 for the texts of all rules."""
        whole = hashlib.sha256()
        for rule in self.rules:
            whole.update(f"{rule.id} {rule.text_hash}\n".encode())
        return whole.hexdigest()

    def columns(self, rule_id: str) -> frozenset[str]:
        """Return every column that a rule depends on, through the rules it reads as well."""
        rule = self.by_id[rule_id]
        own = {column for fact, _ in rule.facts for column in FACT_BY_NAME[fact].columns}
        return frozenset(own.union(*(self.columns(read) for read in rule.reads)))

    def get(self, rule_id: str) -> Rule:
        """Return a rule by its identifier, in any case.

        Raises:
            CallError: when there is none of that name.
        """
        rule = self.by_id.get(rule_id.upper())
        if rule is None:
            raise CallError(f"there is no rule {rule_id}; `triage rules list` shows them.")
        return rule

    def only(self, rule_id: str) -> Ruleset:
        """Return one rule with those that it reads, however indirectly."""
        wanted = {rule_id}
        for other in reversed(self.order):
            if other in wanted:
                wanted.update(self.by_id[other].reads)
        return Ruleset(
            tuple(rule for rule in self.rules if rule.id in wanted),
            tuple(other for other in self.order if other in wanted),
        )

    def can_flag(self, rule_id: str, carried: frozenset[str]) -> bool:
        """Return whether the columns an extract carries leave a way for the rule to be true."""
        return self._can_hold(self.by_id[rule_id].condition, carried)

    def _can_hold(self, condition: Condition, carried: frozenset[str]) -> bool:
        match condition:
            case All(parts):
                return all(self._can_hold(part, carried) for part in parts)
            case AnyOf(parts):
                return any(self._can_hold(part, carried) for part in parts)
            case RuleHolds(rule):
                return self.can_flag(rule, carried)
            case Compare(fact):
                return FACT_BY_NAME[fact].can_be_known(carried)


def ruleset(rules: Sequence[Rule]) -> Ruleset:
    """Return the rules as a set, in an order in which each comes after those it reads.

    Raises:
        RuleError: for an identifier used twice, a rule that is not there, or a circle of rules
            that read each other, each by name.
    """
    if problems := problems_between(rules):
        raise RuleError(problems)
    by_id = {rule.id: rule for rule in rules}
    order: list[str] = []
    for rule_id in sorted(by_id):
        _place(rule_id, by_id, order, ())
    return Ruleset(tuple(by_id[rule_id] for rule_id in sorted(by_id)), tuple(order))


def problems_between(rules: Sequence[Rule], broken: Collection[str] = ()) -> list[str]:
    """Return what is wrong between rules, with file and line: clashes, and rules not there.

    ``broken`` names rules whose own files are wrong, so that they are not called missing too.
    """
    by_id: dict[str, Rule] = {}
    problems = []
    for rule in rules:
        if rule.id in by_id:
            first = by_id[rule.id].path
            problems.append(f"{_at(rule, 'id:')}: {rule.id} is defined in {first} already")
        by_id.setdefault(rule.id, rule)
    for rule in rules:
        problems += [
            f"{_at(rule, f'rule: {read}')}: reads rule {read}, which is not among the rules loaded"
            for read in rule.reads
            if read not in by_id and read not in broken
        ]
    return problems


def _at(rule: Rule, text: str) -> str:
    """Return the file and line in which a rule says something."""
    lines = rule.text.splitlines()
    number = next((n for n, line in enumerate(lines, 1) if text in line), 1)
    return f"{rule.path}:{number}"


def _place(rule_id: str, by_id: dict[str, Rule], order: list[str], above: tuple[str, ...]) -> None:
    if rule_id in above:
        circle = " -> ".join((*above[above.index(rule_id) :], rule_id))
        raise RuleError(f"rules read each other in a circle: {circle}; break it in one of them")
    if rule_id in order:
        return
    for read in by_id[rule_id].reads:
        _place(read, by_id, order, (*above, rule_id))
    order.append(rule_id)


def severity_rank(severity: str) -> int:
    """Return 0 for the most pressing severity, rising for the lesser ones."""
    return SEVERITIES.index(severity)
