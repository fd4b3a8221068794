"""Running the examples inside a rule file: small tables of referrals and what must be said."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from triage.errors import TriageError
from triage.judging import OUTCOMES
from triage.pipeline import Options, check_sources
from triage.rules import Example, Rule, Ruleset
from triage.sources.grid import row_numbers
from triage.tables import RawTable, Source, drop_rationale_text, encode

COVERED_FROM = dt.date(2000, 1, 1)
"""From when an example's records are taken to be whole, unless it says otherwise."""


@dataclass(frozen=True)
class ExampleResult:
    """What a rule said of one of its examples."""

    rule: str
    name: str
    expected: str
    found: str

    @property
    def passed(self) -> bool:
        """Return whether the rule said what the example expects."""
        return self.found == self.expected


def run_example(rule: Rule, example: Example, ruleset: Ruleset) -> ExampleResult:
    """Return what the rule says of the last referral of an example, by the whole pipeline."""
    rows = [
        {"referral_id": f"referral {number}", **referral}
        for number, referral in enumerate(example.referrals, start=1)
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: encode([row.get(name, "") for row in rows]) for name in names}
    table = RawTable(example.name, row_numbers(len(rows)), drop_rationale_text(columns))
    since = dt.date.fromisoformat(example.history_from) if example.history_from else COVERED_FROM
    options = Options(dt.date.fromisoformat(example.as_of), None, since)
    source = Source(example.name, "example", "", table)
    try:
        run = check_sources([source], ruleset.only(rule.id), options)
    except TriageError as error:
        return ExampleResult(rule.id, example.name, example.expect, str(error))
    where = np.flatnonzero(run.judged.referral_ids == rows[-1]["referral_id"])
    if not len(where):
        return ExampleResult(rule.id, example.name, example.expect, "the referral was not judged")
    found = OUTCOMES[run.judged.outcomes[rule.id][where[0]]]
    return ExampleResult(rule.id, example.name, example.expect, found)


def run_examples(ruleset: Ruleset, only: str | None = None) -> list[ExampleResult]:
    """Return the result of every example of every rule, or of one rule."""
    return [
        run_example(rule, example, ruleset)
        for rule in ruleset.rules
        if only in (None, rule.id)
        for example in rule.about.examples
    ]
