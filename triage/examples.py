"""Running the examples inside a rule file: small tables of referrals and what must be said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.errors import TriageError
from triage.judging import OUTCOMES
from triage.pipeline import check_sources
from triage.rules import Cells, Example, Rule
from triage.ruleset import Ruleset
from triage.run import Options, RuleResult, Run
from triage.sources.folder import child_table, contact_table
from triage.sources.grid import row_numbers
from triage.tables import RawTable, Source, drop_free_text, encode
from triage.vocabulary import CANNOT_TELL

COVERED_FROM = dt.date(2000, 1, 1)
"""From when an example's records are taken to be whole, unless it says otherwise."""


@dataclass(frozen=True)
class ExampleResult:
    """What a rule said of one of its examples."""

    rule: str
    name: str
    expected: str
    found: str
    lacks: tuple[str, ...] = ()
    """Columns of the rule that the example does not have, where that may be why it failed."""

    @property
    def passed(self) -> bool:
        """Return whether the rule said what the example expects."""
        return self.found == self.expected


def example_options(example: Example) -> Options:
    """Return the date of judgement of an example and from when its records are whole."""
    since = dt.date.fromisoformat(example.history_from) if example.history_from else COVERED_FROM
    return Options(dt.date.fromisoformat(example.as_of), None, since)


def example_source(example: Example) -> Source:
    """Return an example's tables as if they had been read from a folder."""
    referrals = [
        {"referral_id": f"referral {number}", **referral}
        for number, referral in enumerate(example.referrals, start=1)
    ]
    if not referrals:
        referrals = [{"referral_id": "none", "child_id": "nobody", "referral_date": example.as_of}]
    main = _table(example.name, tuple(referrals))
    last = {name: referrals[-1][name] for name in ("referral_id", "child_id", "referral_date")}
    contacts = None
    children = []
    for name, rows in example.tables.items():
        if name == "contacts":
            numbered = tuple(
                {"contact_id": f"contact {number}", **row} for number, row in enumerate(rows, 1)
            )
            contacts = contact_table(_table(example.name, numbered))
        elif name != "referrals":
            beside = _table(example.name, rows, last)
            children.append(child_table(name, beside, main))
    return Source(example.name, "example", "", main, tuple(children), contacts)


def _table(name: str, rows: Cells, usual: dict[str, str] | None = None) -> RawTable:
    whole = [{**(usual or {}), **row} for row in rows]
    names = dict.fromkeys(name for row in whole for name in row)
    columns = {name: encode([row.get(name, "") for row in whole]) for name in names}
    return RawTable(name, row_numbers(len(whole)), drop_free_text(columns))


def example_run(rule: Rule, example: Example, ruleset: Ruleset) -> Run:
    """Return the whole pipeline's result on an example, whatever the rule's status.

    Raises:
        TriageError: when the example's records cannot be used or the rule not be evaluated.
    """
    alone = ruleset.only(rule.id).as_stable(everything=True)
    return check_sources([example_source(example)], alone, example_options(example))


def run_example(rule: Rule, example: Example, ruleset: Ruleset) -> ExampleResult:
    """Return what the rule says of the last referral of an example, by the whole pipeline."""
    try:
        run = example_run(rule, example, ruleset)
    except TriageError as error:
        return ExampleResult(rule.id, example.name, example.expect, str(error))
    found = "the referral was not judged"
    judged = (run.contacts if rule.subject == "contact" else run.referrals).judged
    place = judged_place(judged.ids, rule, example)
    if place is not None:
        found = OUTCOMES[judged.outcomes[rule.id][place]]
    lacks: tuple[str, ...] = ()
    if found == CANNOT_TELL != example.expect:
        result = next(r for r in _results(run, rule) if r.rule.id == rule.id)
        lacks = result.missing_columns
    return ExampleResult(rule.id, example.name, example.expect, found, lacks)


def _results(run: Run, rule: Rule) -> tuple[RuleResult, ...]:
    return (run.contacts if rule.subject == "contact" else run.referrals).results


def judged_place(ids: npt.NDArray[np.object_], rule: Rule, example: Example) -> int | None:
    """Return the place of the example's last referral, or contact, among some identifiers."""
    name = rule.subject
    rows = example.contacts if name == "contact" else example.referrals
    wanted = rows[-1].get(f"{name}_id", f"{name} {len(rows)}")
    where = np.flatnonzero(ids == wanted)
    return int(where[0]) if len(where) else None


def examples_of(ruleset: Ruleset, only: str | None = None) -> Iterator[tuple[Rule, Example]]:
    """Yield every example with its rule, or those of one rule."""
    for rule in ruleset.rules:
        if only in (None, rule.id):
            for example in rule.about.examples:
                yield rule, example


def run_examples(ruleset: Ruleset, only: str | None = None) -> list[ExampleResult]:
    """Return the result of every example of every rule, or of one rule."""
    return [run_example(rule, example, ruleset) for rule, example in examples_of(ruleset, only)]
