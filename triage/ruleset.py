"""Rules as a set: sorted, in the order in which they can be judged, each with what it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from triage.conditions import All, AnyOf, Compare, Condition, RuleHolds
from triage.errors import CallError, RuleError
from triage.facts import FACT_BY_NAME, SubjectName
from triage.rules import JUDGED, Rule
from triage.vocabulary import SEVERITIES


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

    def limits(self, rule_id: str) -> dict[str, Any]:
        """Return a rule's parameters, and those of the rules it reads, as its messages name them.

        ``window`` is its own, ``REF-01.window`` that of a rule it reads.
        """
        rule = self.by_id[rule_id]
        of_read = {
            f"{read}.{name}": value
            for read in rule.reads
            for name, value in self.by_id[read].parameters.items()
        }
        return {**rule.parameters, **of_read}

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
            drafts = [one for one in self.unfinished if f"{rule_id.upper()}-" in one]
            if drafts:
                raise RuleError(drafts)
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

    def as_stable(self, *, everything: bool = False) -> Ruleset:
        """Return the rules as if drafts and those on trial were stable.

        With ``everything`` retired rules and those switched off as well, so that their examples
        can be run.
        """
        kept = [
            rule
            for rule in self.rules
            if everything or not (rule.status == "retired" or rule.is_off)
        ]
        changed = {
            rule.id: replace(
                rule, about=rule.about.model_copy(update={"status": "stable"}), is_off=False
            )
            for rule in kept
        }
        rules = tuple(changed.get(rule.id, rule) for rule in self.rules)
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
        for name in rule.named_of_others:
            read, _, parameter = name.partition(".")
            if read in by_id and parameter not in by_id[read].parameters:
                where = _at(rule, f"{{{name}")
                problems.append(f"{where}: {read} has no parameter `{parameter}` to be told")
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
