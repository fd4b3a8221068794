"""One case whole: its flags, the rules as they read when they flagged it, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from triage.rulefiles import parse_rule
from triage.rules import Rule
from triage.store import Asker, Case, WholeCase, one_case


@dataclass(frozen=True)
class CaseFile:
    """A case with all that belongs to it, and each flag's rule as it read then."""

    whole: WholeCase
    rules: dict[str, Rule]

    @property
    def case(self) -> Case:
        """Return the case itself."""
        return self.whole.case

    def as_json(self) -> dict[str, Any]:
        """Return the case for a script."""
        return {
            **case_told(self.case),
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
                for flag in self.whole.flags
            ],
            "timeline": [
                {**entry.referral, "case": entry.case_id, "flags": list(entry.flags)}
                for entry in self.whole.timeline
            ],
            "notes": self.whole.notes,
            "events": self.whole.events,
        }


def case_told(case: Case) -> dict[str, Any]:
    """Return what a case is, for a script, without its flags."""
    put_off = case.snoozed_until
    return {
        "case": case.id,
        "subject": case.subject,
        "status": case.status,
        "severity": case.severity,
        "due_on": case.due_on.isoformat(),
        "child_id": case.child_id,
        "referral_id": case.referral_id,
        "referral_date": case.referral_date.isoformat(),
        "team": case.team,
        "restricted": case.restricted,
        "held_by": case.held_by,
        "held_until": case.held_until,
        "assigned_to": case.assigned_to,
        "boost": case.boost,
        "snoozed_until": None if put_off is None else put_off.isoformat(),
    }


def case_file(url: str, asker: Asker, case_id: int) -> CaseFile:
    """Return a case with all that belongs to it; that it was read is kept in the trail.

    Raises:
        CallError: when there is no such case for whoever asks.
    """
    whole = one_case(url, asker, case_id)
    return CaseFile(
        whole, {flag.rule: parse_rule(flag.rule_text, flag.rule) for flag in whole.flags}
    )
