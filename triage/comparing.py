"""Two sets of rules on the same records: whom a change would flag, by named case."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.differing import Difference, difference
from triage.errors import CallError
from triage.flags import Flag
from triage.pipeline import check_sources
from triage.rulefiles import load_file, load_rules
from triage.ruleset import Ruleset, ruleset
from triage.run import Options, Run
from triage.tables import Input


@dataclass(frozen=True)
class Case:
    """A referral, or contact, that one set of rules flags and the other does not."""

    child_id: str
    referral_id: str
    referral_date: dt.date
    message: str
    restricted: bool

    def as_json(self) -> dict[str, Any]:
        """Return the case for a script."""
        return {
            "child_id": self.child_id,
            "referral_id": self.referral_id,
            "referral_date": self.referral_date.isoformat(),
            "message": self.message,
        }


@dataclass(frozen=True)
class RuleComparison:
    """One rule under both sets: how its text differs, and whom it flags in one of them only."""

    rule: str
    title: str
    difference: Difference
    severities: tuple[str | None, str | None]
    newly_flagged: tuple[Case, ...]
    no_longer_flagged: tuple[Case, ...]
    n_unchanged: int

    @property
    def is_different(self) -> bool:
        """Return whether anything differs at all."""
        return bool(self.difference != "unchanged" or self.newly_flagged or self.no_longer_flagged)

    @property
    def in_words(self) -> str:
        """Return how the rule differs, with its severity where that changed."""
        before, after = self.severities
        if before and after and before != after:
            return f"{self.difference}, severity {before} to {after}"
        return self.difference

    def as_json(self) -> dict[str, Any]:
        """Return the comparison for a script."""
        return {
            "rule": self.rule,
            "title": self.title,
            "difference": self.difference,
            "severity": {"old": self.severities[0], "new": self.severities[1]},
            "unchanged": self.n_unchanged,
            "newly_flagged": [case.as_json() for case in self.newly_flagged],
            "no_longer_flagged": [case.as_json() for case in self.no_longer_flagged],
        }


def rules_named(name: str, base: Path, current: Ruleset) -> Ruleset:
    """Return the rules that a word, a folder or a file stands for.

    ``shipped`` are those of ``base`` as they came; ``current`` those that judge here; a folder its
    own; a file the current ones with that rule in the place of its namesake, or added.

    Raises:
        CallError: when there is nothing of that name.
        RuleError: when a rule file is wrong.
    """
    if name == "shipped":
        return load_rules(base)
    if name == "current":
        return current
    path = Path(name)
    if path.is_dir():
        return load_rules(path, strict=True)
    if path.is_file():
        rule = load_file(path)
        return ruleset([*(r for r in current.rules if r.id != rule.id), rule])
    raise CallError(
        f"{name}: is no folder of rules, no rule file, nor one of the words shipped and current."
    )


def compare(
    old: Ruleset, new: Ruleset, sources: Sequence[Input], options: Options
) -> list[RuleComparison]:
    """Return, for every rule of either set, how its text and its flags differ.

    Drafts and rules on trial are judged as if they were stable, since what is asked is whom they
    would flag; retired ones and those switched off flag nobody.

    Raises:
        InputError: when the records cannot be used.
        RuleError: when a rule cannot be evaluated.
    """
    old, new = old.as_stable(), new.as_stable()
    before, after = (_flags(check_sources(sources, rules, options)) for rules in (old, new))
    found = []
    for rule_id in sorted({*old.by_id, *new.by_id}):
        was, now = before.get(rule_id, {}), after.get(rule_id, {})
        rules = [one.by_id[rule_id] for one in (old, new) if rule_id in one.by_id]
        found.append(
            RuleComparison(
                rule_id,
                rules[-1].about.title,
                difference(rule_id, old, new),
                (_severity(rule_id, old), _severity(rule_id, new)),
                tuple(_case(now[key]) for key in now if key not in was),
                tuple(_case(was[key]) for key in was if key not in now),
                len(was.keys() & now.keys()),
            )
        )
    return found


def of_rule(found: list[RuleComparison], rule_id: str) -> list[RuleComparison]:
    """Return the comparison of one rule.

    Raises:
        CallError: when neither set holds it.
    """
    one = [comparison for comparison in found if comparison.rule == rule_id.upper()]
    if not one:
        raise CallError(
            f"there is no rule {rule_id} in either set; `triage rules list` shows them."
        )
    return one


def _flags(run: Run) -> dict[str, dict[tuple[str, str], Flag]]:
    found: dict[str, dict[tuple[str, str], Flag]] = {}
    for flag in run.stable_flags:
        found.setdefault(flag.rule, {})[flag.child_id, flag.referral_id] = flag
    return found


def _severity(rule_id: str, rules: Ruleset) -> str | None:
    return rules.by_id[rule_id].severity if rule_id in rules.by_id else None


def _case(flag: Flag) -> Case:
    return Case(flag.child_id, flag.referral_id, flag.referral_date, flag.message, flag.restricted)
