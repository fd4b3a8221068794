"""Judging referrals by rules: patterns for the engine, and its answer to each one checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage import engine, explain
from triage.errors import RuleError
from triage.facts import FACT_BY_NAME, Asked, FactTable
from triage.measure import KNOWN, NONE, UNBOUNDED, UNKNOWN, Measure
from triage.rules import Rule
from triage.ruleset import Ruleset
from triage.vocabulary import CANNOT_TELL, CLEAR, FLAG

OUTCOMES: Final = (CLEAR, FLAG, CANNOT_TELL)
CLEAR_CODE, FLAG_CODE, CANNOT_TELL_CODE = range(3)
_ROOM: Final = 2**62

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Verdict:
    """What one rule said of every referral: outcome codes, and the pattern each one showed.

    The pattern is -1 where the referral was not judged.
    """

    codes: npt.NDArray[np.int8]
    pattern: Whole


class Row:
    """One referral as the second judge sees it."""

    def __init__(self, table: FactTable, outcomes: Mapping[str, Verdict], row: int) -> None:
        self._table, self._outcomes, self._row = table, outcomes, row

    def bounds(self, asked: Asked) -> tuple[Any, Any] | None:
        """Return the bounds of a fact."""
        return self._table.bounds(asked, self._row)

    def outcome(self, rule: str) -> str:
        """Return what another rule said of this referral."""
        return OUTCOMES[self._outcomes[rule].codes[self._row]]


def judge_all(
    ruleset: Ruleset, table: FactTable, judged: npt.NDArray[np.bool_]
) -> dict[str, Verdict]:
    """Return the outcome of each rule on each judged referral.

    The engine decides every flag, once a distinct pattern; the second judge gives the rest, and
    checks the engine on every pattern.

    Raises:
        RuleError: when a rule cannot be evaluated, or the two judges disagree; the rule is named.
    """
    rows = np.flatnonzero(judged)
    outcomes: dict[str, Verdict] = {}
    for rule_id in ruleset.order:
        outcomes[rule_id] = _judge(ruleset.by_id[rule_id], table, outcomes, rows)
    return outcomes


def _judge(rule: Rule, table: FactTable, outcomes: Mapping[str, Verdict], rows: Whole) -> Verdict:
    codes = np.zeros(len(table), np.int8)
    pattern = np.full(len(table), -1, np.int64)
    if not len(rows):
        return Verdict(codes, pattern)
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
    codes[rows], pattern[rows] = answers[which], which
    return Verdict(codes, pattern)


def _patterns(
    rule: Rule, table: FactTable, outcomes: Mapping[str, Verdict], rows: Whole
) -> tuple[list[dict[str, int]], Whole, Whole]:
    """Return a rule's distinct patterns, a row of each (by place in ``rows``), and each row's."""
    facts, reads = engine.fields(rule)
    digits: list[tuple[str, str, Whole]] = []
    for place, (asked, ranks) in enumerate(facts.items()):
        low, high = _codes(FACT_BY_NAME[asked.name].kind, table.measure(asked), ranks, rows)
        digits.append((engine.low(place), "", low))
        if high is not None:
            digits.append((engine.high(place), "", high))
        else:
            digits.append((engine.high(place), engine.low(place), low))
    for place, read in enumerate(reads):
        code = outcomes[read].codes[rows].astype(np.int64)
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
