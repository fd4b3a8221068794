"""Judging referrals by rules: patterns for the engine, its answers checked, words for each flag."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage import engine, explain
from triage.calendar import add_working_days, to_date
from triage.errors import RuleError
from triage.facts import FACT_BY_NAME, FactTable
from triage.measures import KNOWN, NONE, UNBOUNDED, UNKNOWN, Measure
from triage.rules import BECAUSE, PLACEHOLDER, Rule, Ruleset
from triage.vocabulary import CANNOT_TELL, CLEAR, FLAG, counted, cut

OUTCOMES: Final = (CLEAR, FLAG, CANNOT_TELL)
CLEAR_CODE, FLAG_CODE, CANNOT_TELL_CODE = range(3)
_ROOM: Final = 2**62

Outcomes = npt.NDArray[np.int8]
Whole = npt.NDArray[np.int64]


class Row:
    """One referral as the second judge sees it."""

    def __init__(self, table: FactTable, outcomes: Mapping[str, Outcomes], row: int) -> None:
        self._table, self._outcomes, self._row = table, outcomes, row

    def bounds(self, fact: str, within: int | None) -> tuple[Any, Any] | None:
        """Return the bounds of a fact."""
        return self._table.bounds(fact, self._row, within)

    def outcome(self, rule: str) -> str:
        """Return what another rule said of this referral."""
        return OUTCOMES[self._outcomes[rule][self._row]]


def judge_all(
    ruleset: Ruleset, table: FactTable, judged: npt.NDArray[np.bool_]
) -> dict[str, Outcomes]:
    """Return the outcome of each rule on each judged referral (elsewhere: clear, not to be read).

    The engine decides every flag, once a distinct pattern; the second judge gives the rest, and
    checks the engine on every pattern.

    Raises:
        RuleError: when a rule cannot be evaluated, or the two judges disagree; the rule is named.
    """
    rows = np.flatnonzero(judged)
    outcomes: dict[str, Outcomes] = {}
    for rule_id in ruleset.order:
        outcomes[rule_id] = _judge(ruleset.by_id[rule_id], table, outcomes, rows)
    return outcomes


def _judge(rule: Rule, table: FactTable, outcomes: Mapping[str, Outcomes], rows: Whole) -> Outcomes:
    result = np.zeros(len(table), np.int8)
    if not len(rows):
        return result
    patterns, first, which = _patterns(rule, table, outcomes, rows)
    decided = engine.decide(rule, patterns)
    answers = np.zeros(len(patterns), np.int8)
    for number, row in enumerate(rows[first].tolist()):
        truth = explain.judge(rule.condition, Row(table, outcomes, row))
        if (truth is True) != decided[number]:
            raise RuleError(
                f"{rule.id}: the engine says {'flag' if decided[number] else 'no flag'} where its "
                f"conditions say {explain.outcome(truth)} ({dict(patterns[number])}); the run was "
                "stopped and nothing was stored. Please report this with the rule's file."
            )
        answers[number] = OUTCOMES.index(explain.outcome(truth))
    result[rows] = answers[which]
    return result


def _patterns(
    rule: Rule, table: FactTable, outcomes: Mapping[str, Outcomes], rows: Whole
) -> tuple[list[dict[str, int]], Whole, Whole]:
    """Return a rule's distinct patterns, a row of each (by place in ``rows``), and each row's."""
    facts, reads = engine.fields(rule)
    digits: list[tuple[str, str, Whole]] = []
    for place, ((name, within), ranks) in enumerate(facts.items()):
        low, high = _codes(FACT_BY_NAME[name].kind, table.measure(name, within), ranks, rows)
        digits.append((engine.low(place), "", low))
        if high is not None:
            digits.append((engine.high(place), "", high))
        else:
            digits.append((engine.high(place), engine.low(place), low))
    for place, read in enumerate(reads):
        code = outcomes[read][rows].astype(np.int64)
        digits.append((engine.flagged(place), "", np.where(code == CANNOT_TELL_CODE, 0, code + 2)))
    which = np.zeros(len(rows), np.int64)
    n_patterns = 1
    for _, same_as, digit in digits:
        if same_as:
            continue
        radix = int(digit.max()) + 1
        if n_patterns * radix >= _ROOM:
            which = np.asarray(pd.factorize(which)[0], np.int64)
            n_patterns = int(which.max()) + 1
        which = which * radix + digit
        n_patterns *= radix
    which = np.asarray(pd.factorize(which)[0], np.int64)
    seen = np.maximum.accumulate(which)
    first = np.flatnonzero(np.r_[True, which[1:] > seen[:-1]])
    patterns = [
        {field: int(digit[row]) - 2 for field, _, digit in digits if digit[row] >= 2}
        for row in first.tolist()
    ]
    return patterns, first, which


def _codes(
    kind: str, measure: Measure, ranks: engine.Ranks, rows: Whole
) -> tuple[Whole, Whole | None]:
    """Return the rank of each row's value and, where bounds differ, of its upper bound.

    0 is unknown, 1 is none; a rank is raised by 2.
    """
    state = measure.state[rows]
    if kind == "text":
        of_name = np.array(
            [
                ranks.of_constant(name) if ranks.folded(name) in ranks.constants else 0
                for name in measure.names
            ]
            or [0],
            np.int64,
        )
        value = of_name[np.where(state == KNOWN, measure.value[rows], 0)]
        return _with_state(value, state), None
    low = _ranked(measure.value[rows], ranks)
    if measure.high is None:
        return _with_state(low, state), None
    high = _with_state(_ranked(measure.high[rows], ranks), state)
    return _with_state(low, state), np.where(measure.high[rows] >= UNBOUNDED, 0, high)


def _ranked(value: Whole, ranks: engine.Ranks) -> Whole:
    constants = np.array(ranks.constants, np.int64)
    below = np.searchsorted(constants, value, side="left")
    is_constant = np.isin(value, constants)
    return np.asarray(2 * below + is_constant, np.int64)


def _with_state(code: Whole, state: npt.NDArray[np.uint8]) -> Whole:
    return np.where(state == UNKNOWN, 0, np.where(state == NONE, 1, code + 2)).astype(np.int64)


@dataclass(frozen=True)
class Flag:
    """One rule on one referral, with its words and what they rest on."""

    rule: str
    severity: str
    child_id: str
    referral_id: str
    referral_date: dt.date
    team: str | None
    message: str
    due_on: dt.date | None
    overdue_working_days: int | None
    evidence: Mapping[str, Any]
    restricted: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the flag as outside scripts read it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "child_id": self.child_id,
            "referral_id": self.referral_id,
            "referral_date": self.referral_date.isoformat(),
            "team": self.team,
            "message": self.message,
            "due_on": self.due_on.isoformat() if self.due_on else None,
            "overdue_working_days": self.overdue_working_days,
            "evidence": dict(self.evidence),
        }


def describe(
    rule: Rule, table: FactTable, outcomes: Mapping[str, Outcomes], rows: Sequence[int]
) -> list[Flag]:
    """Return the flags of a rule on the referrals that it flags, in words."""
    referrals = table.subject.referrals
    team = table.subject.column("team")
    restricted = table.subject.is_restricted
    flags = []
    for row in rows:
        subject = Row(table, outcomes, row)
        due_on, overdue = _deadline(rule, table, subject, row)
        flags.append(
            Flag(
                rule.id,
                rule.severity,
                str(referrals.child_ids[row]),
                str(referrals.referral_ids[row]),
                to_date(int(referrals.day[row])),
                team.names[team.value[row]] if team.state[row] == KNOWN else None,
                message(rule, table, subject, row),
                due_on,
                overdue,
                _evidence(rule, table, subject, row),
                bool(restricted[row]),
            )
        )
    return flags


def _deadline(
    rule: Rule, table: FactTable, subject: Row, row: int
) -> tuple[dt.date | None, int | None]:
    """Return when what the rule asks for was due, and by how many working days it was passed."""
    for compare in explain.true_comparisons(rule.condition, subject):
        measure = table.measure(compare.fact, compare.within)
        if compare.operator == "more_than" and measure.start is not None:
            limit = compare.values[0]
            due = to_date(add_working_days(int(measure.start[row]), limit))
            return due, int(measure.value[row]) - limit
    return None, None


def message(rule: Rule, table: FactTable, subject: explain.Subject, row: int) -> str:
    """Return the sentence of a flag: what happened, by how much, against which limit."""
    said = explain.true_sayings(rule.condition, subject)
    because = _joined([_filled(text, rule, table, row) for text in said])
    text = _filled(rule.about.message, rule, table, row, because)
    return text[:1].upper() + text[1:]


def _joined(said: list[str]) -> str:
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def _filled(text: str, rule: Rule, table: FactTable, row: int, because: str = "") -> str:
    def fill(match: Any) -> str:
        name, noun = match.group(1), match.group(2)
        if name == BECAUSE:
            return because
        value = rule.parameters.get(name)
        if value is None:
            within = next((w for fact, w in rule.facts if fact == name), None)
            value = table.plain(name, row, within)
        return spoken(value, noun)

    return PLACEHOLDER.sub(fill, text)


def spoken(value: Any, noun: str | None = None) -> str:
    """Return a value as a sentence has it; typed text is cut short."""
    match value:
        case None:
            return "an unknown date" if noun is None else f"an unknown number of {noun}s"
        case bool():
            return "yes" if value else "no"
        case int():
            return counted(value, noun) if noun else str(value)
        case dt.date():
            return f"{value.day} {value:%B %Y}"
        case tuple():
            return ", ".join(value)
    return cut(str(value))


def _evidence(rule: Rule, table: FactTable, subject: Row, row: int) -> dict[str, Any]:
    """Return each fact the rule looked at, each parameter, and what the rules it reads said."""
    found: dict[str, Any] = {}
    for name, within in (*rule.facts, *((name, None) for name in rule.shown)):
        value = table.plain(name, row, within)
        if isinstance(value, dt.date):
            found[name] = value.isoformat()
        else:
            found[name] = cut(value) if isinstance(value, str) else value
    for name, value in rule.parameters.items():
        found[name] = list(value) if isinstance(value, tuple) else value
    for read in rule.reads:
        found[read] = subject.outcome(read)
    return found
