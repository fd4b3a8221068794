"""One case whole: its flags, the rules as they read when they flagged it, and its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from triage.errors import CallError
from triage.rulefiles import parse_rule
from triage.rules import Rule
from triage.store import Case, TimelineReferral, one_case


@dataclass(frozen=True)
class CaseFile:
    """A case, each flag's rule, what happened to the case, and the child's referrals by date."""

    case: Case
    rules: dict[str, Rule]
    events: list[dict[str, Any]]
    timeline: list[TimelineReferral]

    def as_json(self) -> dict[str, Any]:
        """Return the case for a script."""
        return {
            "case": self.case.id,
            "subject": self.case.subject,
            "status": self.case.status,
            "severity": self.case.severity,
            "due_on": self.case.due_on.isoformat(),
            "child_id": self.case.child_id,
            "referral_id": self.case.referral_id,
            "referral_date": self.case.referral_date.isoformat(),
            "team": self.case.team,
            "restricted": self.case.restricted,
            "flags": [
                {
                    "rule": flag.rule,
                    "title": self.rules[flag.rule].about.title,
                    "severity": flag.severity,
                    "state": flag.state,
                    "message": flag.message,
                    "because": flag.evidence,
                    "due_on": flag.due_on.isoformat() if flag.due_on else None,
                    "first_flagged_on": flag.first_flagged_on.isoformat(),
                    "references": list(self.rules[flag.rule].about.references),
                    "reviewer_checks": list(self.rules[flag.rule].about.reviewer_checks),
                }
                for flag in self.case.flags
            ],
            "timeline": [
                {**entry.referral, "case": entry.case_id, "flags": list(entry.flags)}
                for entry in self.timeline
            ],
            "events": self.events,
        }


def case_file(url: str, case_id: int, person: str | None, readers: Sequence[str]) -> CaseFile:
    """Return a case with all that belongs to it.

    Raises:
        CallError: when there is no such case, or it is restricted and ``person`` is not among
            the ``readers`` of restricted records.
    """
    case, events, timeline = one_case(url, case_id)
    if case.restricted and person not in readers:
        raise CallError(
            f"case {case_id} is restricted: only the people named under [restricted] readers in "
            "triage.toml may see it, each with --as NAME."
        )
    rules = {flag.rule: parse_rule(flag.rule_text, flag.rule) for flag in case.flags}
    visible = [e for e in timeline if not e.referral["restricted"] or person in readers]
    return CaseFile(case, rules, events, visible)
