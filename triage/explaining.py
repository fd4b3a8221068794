"""Why a rule said what it said of one referral: each condition with its value, limit and truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from triage import explain
from triage.calendar import add_working_days, bank_holidays, to_date, working_days
from triage.conditions import All, AnyOf, Compare, Condition, RuleHolds
from triage.errors import CallError
from triage.facts import FACT_BY_NAME, Asked, FactTable
from triage.judging import Row, Verdict, judge_all
from triage.pipeline import fact_table
from triage.rules import Rule
from triage.ruleset import Ruleset
from triage.run import Options
from triage.tables import Input
from triage.validation import ABSENT, BLANK, GIVEN
from triage.vocabulary import cut
from triage.wording import spoken

TRUTHS: Final = {True: "holds", False: "does not hold", None: "cannot be told"}
_STATES: Final = {GIVEN: "given", BLANK: "blank", ABSENT: "not in the extract"}


@dataclass(frozen=True)
class Clock:
    """The working days that were counted, and the bank holidays among the days passed over."""

    start: dt.date
    counted: tuple[dt.date, ...]
    holidays: tuple[tuple[dt.date, str], ...]
    n_weekend: int

    def as_json(self) -> dict[str, Any]:
        """Return the count for a script."""
        return {
            "from": self.start.isoformat(),
            "counted": [day.isoformat() for day in self.counted],
            "bank_holidays": [
                {"date": day.isoformat(), "name": name} for day, name in self.holidays
            ],
            "weekend_days": self.n_weekend,
        }


@dataclass(frozen=True)
class Explained:
    """One condition: what it asks, what was found, whether it holds, and its parts."""

    asks: str
    found: str
    truth: bool | None
    parts: tuple[Explained, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    clock: Clock | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the condition for a script."""
        return {
            "asks": self.asks,
            "found": self.found,
            "truth": TRUTHS[self.truth],
            "columns": dict(self.columns),
            "clock": self.clock.as_json() if self.clock else None,
            "parts": [part.as_json() for part in self.parts],
        }


@dataclass(frozen=True)
class Explanation:
    """Why a rule said what it said of one referral, or contact."""

    rule: Rule
    child_id: str
    referral_id: str
    referral_date: dt.date
    restricted: bool
    outcome: str
    whole: Explained

    def as_json(self) -> dict[str, Any]:
        """Return the explanation for a script."""
        return {
            "rule": self.rule.id,
            "title": self.rule.about.title,
            "child_id": self.child_id,
            "referral_id": self.referral_id,
            "referral_date": self.referral_date.isoformat(),
            "outcome": self.outcome,
            "when": self.whole.as_json(),
        }


def explain_rule(
    rule: Rule, ruleset: Ruleset, sources: Sequence[Input], options: Options, entry_id: str
) -> Explanation:
    """Return why a rule says what it says of one referral, by its identifier.

    A referral outside the window is explained too.

    Raises:
        CallError: when no referral up to the date of judgement bears that identifier.
        InputError: when the records cannot be used.
    """
    table, _ = fact_table(sources, rule.subject, options)
    entries = table.subject.entries
    where = np.flatnonzero(entries.ids == entry_id)
    if not len(where):
        raise CallError(
            f"no {rule.subject} up to {options.as_of} is called '{cut(entry_id)}'; the results of "
            "`triage check` name them."
        )
    row = int(where[0])
    only = np.zeros(len(table), bool)
    only[row] = True
    verdicts = judge_all(ruleset.only(rule.id), table, only)
    subject = Row(table, verdicts, row)
    return Explanation(
        rule,
        str(entries.child_ids[row]),
        entry_id,
        to_date(int(entries.day[row])),
        bool(table.subject.is_restricted[row]),
        subject.outcome(rule.id),
        _explained(rule.condition, ruleset, table, verdicts, row),
    )


def refuse_restricted(found: Explanation, person: str | None, readers: Sequence[str]) -> None:
    """Refuse to explain a restricted record to somebody who may not see it.

    Raises:
        CallError: when ``person`` is not among the ``readers`` of restricted records.
    """
    if found.restricted and person not in readers:
        raise CallError(
            f"{found.rule.subject} '{cut(found.referral_id)}' is restricted: only the people named "
            "under [restricted] readers in triage.toml may see it, each with --as NAME."
        )


def _explained(
    condition: Condition,
    ruleset: Ruleset,
    table: FactTable,
    verdicts: dict[str, Verdict],
    row: int,
) -> Explained:
    subject = Row(table, verdicts, row)
    truth = explain.judge(condition, subject)
    match condition:
        case All(parts) | AnyOf(parts):
            asks = "all of" if isinstance(condition, All) else "at least one of"
            inner = tuple(_explained(part, ruleset, table, verdicts, row) for part in parts)
            return Explained(asks, "", truth, inner)
        case RuleHolds(read):
            rule = ruleset.by_id[read]
            inner = (_explained(rule.condition, ruleset, table, verdicts, row),)
            asks = f"rule {read} ({rule.about.title}) flags"
            return Explained(asks, subject.outcome(read).replace("_", " "), truth, inner)
        case Compare():
            return Explained(
                asked_words(condition),
                _found(condition.asked, table, row),
                truth,
                (),
                _columns(condition.asked, table, row),
                _clock(condition.asked, table, row),
            )


def asked_words(condition: Compare) -> str:
    """Return what a comparison asks, with the limit it asks by."""
    fact = FACT_BY_NAME[condition.fact]
    limits = " or ".join(spoken(value) for value in condition.values)
    unit = f" {fact.unit}" if fact.kind == "whole number" else ""
    named = f" ({condition.parameter})" if condition.parameter else ""
    window = f" within {condition.within} months" if condition.within is not None else ""
    among = f" among {', '.join(condition.among)}" if condition.among else ""
    operator = condition.operator.replace("_", " ")
    return f"{condition.fact}{window}{among} {operator} {limits}{unit}{named}"


def _found(asked: Asked, table: FactTable, row: int) -> str:
    bounds = table.bounds(asked, row)
    if bounds is None:
        return "cannot be known"
    low, high = bounds
    if low is None:
        return "none: it did not happen"
    if low == high:
        return spoken(low)
    return f"at least {spoken(low)}" if high is None else f"{spoken(low)} to {spoken(high)}"


def _columns(asked: Asked, table: FactTable, row: int) -> tuple[tuple[str, str], ...]:
    """Return each column that a fact rests on, and whether the referral's cell is there."""
    found = []
    for name in FACT_BY_NAME[asked.name].columns:
        if name in table.subject.entries.columns or not any(
            name in events.columns for events in table.subject.entries.events.values()
        ):
            state = int(table.subject.column(name).state[row])
            found.append((name, _STATES.get(state, "cannot be read")))
        else:
            found.append((name, "in a table beside the referrals"))
    return tuple(found)


def _clock(asked: Asked, table: FactTable, row: int) -> Clock | None:
    """Return the days that a number of working days counts, where it is known and positive."""
    measure = table.measure(asked)
    bounds = table.bounds(asked, row)
    if measure.start is None or bounds is None or bounds[0] is None or bounds[1] is None:
        return None
    number, start = int(bounds[1]), int(measure.start[row])
    if number <= 0:
        return Clock(to_date(start), (), (), 0)
    days = range(start + 1, add_working_days(start, number) + 1)
    dates = [to_date(day) for day in days]
    working = [
        date
        for date, day in zip(dates, days, strict=True)
        if int(working_days(np.array([day - 1], np.int32), np.array([day], np.int32))[0])
    ]
    names = bank_holidays()
    holidays = tuple((date, names[date]) for date in dates if date in names)
    return Clock(
        to_date(start),
        tuple(working),
        holidays,
        sum(date.weekday() >= 5 for date in dates),
    )
