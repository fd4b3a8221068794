"""A rule as data: what it asks of a referral's facts, why, and what to tell a reviewer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from triage.errors import CallError, RuleError
from triage.facts import FACT_BY_NAME, Asked, SubjectName
from triage.vocabulary import SEVERITIES

Operator = Literal["is", "more_than", "at_least", "less_than", "at_most", "one_of", "none_of"]
Status = Literal["draft", "trial", "stable", "retired"]
JUDGED: Final = ("stable", "trial")
"""A draft only has its examples run, and a retired rule is only kept."""
NUMBER_OPERATORS: Final = ("more_than", "at_least", "less_than", "at_most")
LIST_OPERATORS: Final = ("one_of", "none_of")
BRACES: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\}")
BECAUSE: Final = "because"


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


Cells = tuple[dict[str, str], ...]


class Example(BaseModel):
    """Referrals of one child, and what the rule must say of the last of them.

    Of a rule that judges contacts, it is the last contact. Rows of the tables beside belong to the
    last referral, or to the last child, unless they say otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Sentence
    as_of: str
    history_from: str | None = None
    referrals: Cells = ()
    decisions: Cells = ()
    allocations: Cells = ()
    oversight: Cells = ()
    early_help: Cells = ()
    contacts: Cells = ()
    expect: Literal["flag", "clear", "cannot_tell"]

    @property
    def tables(self) -> dict[str, Cells]:
        """Return the tables of the example, as a folder of tables would hold them."""
        names = ("referrals", "decisions", "allocations", "oversight", "early_help", "contacts")
        return {name: rows for name in names if (rows := getattr(self, name))}


class RuleFile(BaseModel):
    """The shape of a rule file; its condition is read apart, since it names facts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Z]{2,3}-[0-9]{2}$")
    title: Sentence
    status: Status
    subject: SubjectName = "referral"
    severity: Literal["critical", "high", "medium", "low"]
    rationale: Sentence
    references: tuple[Sentence, ...] = Field(min_length=1)
    parameters: dict[str, Parameter] = {}
    when: Any
    message: Sentence
    due: Sentence | None = None
    benign_explanations: tuple[Sentence, ...] = Field(min_length=1)
    reviewer_checks: tuple[Sentence, ...] = Field(min_length=1)
    examples: tuple[Example, ...] = Field(min_length=2)


@dataclass(frozen=True)
class Rule:
    """A rule ready to be judged, with the text of the file it was read from."""

    about: RuleFile
    condition: Condition
    path: str
    text: str
    is_off: bool = False
    """Switched off by the council: judged where another rule reads it, reported nowhere."""

    @property
    def id(self) -> str:
        """Return the rule's short, sayable identifier."""
        return self.about.id

    @property
    def status(self) -> Status:
        """Return where the rule stands in its life."""
        return self.about.status

    @property
    def subject(self) -> SubjectName:
        """Return what the rule judges: referrals, or contacts."""
        return self.about.subject

    @property
    def severity(self) -> str:
        """Return the severity of the rule's flags."""
        return self.about.severity

    @property
    def why_silent(self) -> str:
        """Return why the rule reports nothing: a draft, retired or switched off; else nothing."""
        if self.is_off:
            return "switched off"
        return "" if self.status in JUDGED else {"draft": "a draft"}.get(self.status, self.status)

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
    def facts(self) -> tuple[Asked, ...]:
        """Return each fact of the condition as it is asked for."""
        return tuple(
            dict.fromkeys(
                leaf.asked for leaf in leaves(self.condition) if isinstance(leaf, Compare)
            )
        )

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Return the windows in months that the condition asks facts within."""
        return tuple(dict.fromkeys(one.within for one in self.facts if one.within is not None))

    @cached_property
    def shown(self) -> tuple[Asked, ...]:
        """Return the facts that the messages name, beside those of the condition.

        A fact over a window is told over the only window of the condition.
        """
        texts = (self.about.message, self.about.due or "", *sayings(self.condition))
        names = [name for text in texts for name, _ in BRACES.findall(text)]
        asked = {one.name for one in self.facts}
        return tuple(
            dict.fromkeys(
                Asked(name, self.windows[0] if FACT_BY_NAME[name].within else None)
                for name in names
                if name in FACT_BY_NAME and name not in asked
            )
        )

    def told(self, name: str) -> Asked:
        """Return a fact that a message names, as the condition asks for it or else as shown."""
        return next(one for one in (*self.facts, *self.shown) if one.name == name)


@dataclass(frozen=True)
class Ruleset:
    """Rules sorted by identifier, and the order in which they can be judged."""

    rules: tuple[Rule, ...]
    order: tuple[str, ...]
    silent: Mapping[str, str] = field(default_factory=dict)
    """Why each rule that is not judged keeps silent, by identifier."""
    unfinished: tuple[str, ...] = ()
    """What is wrong with drafts that could not be read and were left out."""

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
        own = {column for one in rule.facts for column in FACT_BY_NAME[one.name].columns}
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

    def only(self, *rule_ids: str) -> Ruleset:
        """Return some rules with those that they read, however indirectly."""
        wanted = set(rule_ids)
        for other in reversed(self.order):
            if other in wanted:
                wanted.update(self.by_id[other].reads)
        return Ruleset(
            tuple(rule for rule in self.rules if rule.id in wanted),
            tuple(other for other in self.order if other in wanted),
            self.silent,
        )

    def live(self) -> Ruleset:
        """Return the rules that are judged: stable and on trial, and what they read.

        Why each other one keeps silent is kept in ``silent``.
        """
        silent = {rule.id: why for rule in self.rules if (why := rule.why_silent)}
        judged = [rule.id for rule in self.rules if not rule.why_silent]
        return replace(self.only(*judged), silent=silent)

    def as_stable(self) -> Ruleset:
        """Return the rules as if all were stable, so that a draft's examples can be run."""
        rules = tuple(
            replace(rule, about=rule.about.model_copy(update={"status": "stable"}), is_off=False)
            for rule in self.rules
        )
        return Ruleset(rules, self.order)

    def of(self, subject: SubjectName) -> Ruleset:
        """Return the rules that judge referrals, or contacts."""
        return self.only(*(rule.id for rule in self.rules if rule.subject == subject))

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
                for_absence = condition.shows_absence
                return FACT_BY_NAME[fact].can_be_known(carried, for_absence=for_absence)


def ruleset(rules: Sequence[Rule], unfinished: tuple[str, ...] = ()) -> Ruleset:
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
    return Ruleset(
        tuple(by_id[rule_id] for rule_id in sorted(by_id)), tuple(order), unfinished=unfinished
    )


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
        for read in rule.reads:
            other = by_id.get(read)
            if other is None:
                if read not in broken:
                    where = _at(rule, f"rule: {read}")
                    problems.append(
                        f"{where}: reads rule {read}, which is not among the rules loaded"
                    )
            elif wrong := _unfit(rule, other):
                problems.append(f"{_at(rule, f'rule: {read}')}: reads rule {read}, which {wrong}")
    return problems


def _unfit(rule: Rule, read: Rule) -> str:
    """Return why a rule may not read another: of another subject, or less settled than itself."""
    if read.subject != rule.subject:
        return f"judges a {read.subject}, not a {rule.subject}"
    if rule.status in JUDGED and read.status not in JUDGED:
        return f"is {'a draft' if read.status == 'draft' else 'retired'}"
    return "is on trial" if rule.status == "stable" and read.status == "trial" else ""


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
