"""One rule tried on records before anybody relies on it: how many it would flag, and whom first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from triage.flags import Flags
from triage.pipeline import check_sources
from triage.rules import Rule
from triage.ruleset import Ruleset
from triage.run import Options, RuleResult
from triage.tables import Input

FIRST: Final = 5


@dataclass(frozen=True)
class Trial:
    """What one rule says of the records: its counts, and the first of its flags."""

    result: RuleResult
    flags: Flags

    def as_json(self) -> dict[str, Any]:
        """Return the trial for a script, with every flag."""
        return self.result.as_json() | {
            "title": self.result.rule.about.title,
            "status": self.result.rule.status,
            "flags": [flag.as_json() for flag in self.flags],
        }


def try_rule(rule: Rule, ruleset: Ruleset, sources: Sequence[Input], options: Options) -> Trial:
    """Return what a rule says of some records, whatever its status.

    Raises:
        InputError: when the records cannot be used.
        RuleError: when the rule cannot be evaluated.
    """
    alone = ruleset.only(rule.id).as_stable(everything=True)
    run = check_sources(sources, alone, options)
    judgement = run.contacts if rule.subject == "contact" else run.referrals
    result = next(one for one in judgement.results if one.rule.id == rule.id)
    return Trial(result, judgement.flags.of_rules([rule.id]))
