"""Judging referrals by rules: patterns for the engine, and its answer to each one checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage import engine, explain
from triage.conditions import Compare
from triage.errors import RuleError
from triage.facts import FACT_BY_NAME, Asked, FactTable
from triage.measure import KNOWN, NONE, UNBOUNDED, UNKNOWN, Measure
from triage.rules import Rule
from triage.ruleset import Ruleset
from triage.tables import spread
from triage.vocabulary import CANNOT_TELL, CLEAR, FLAG

OUTCOMES: Final = (CLEAR, FLAG, CANNOT_TELL)
CLEAR_CODE, FLAG_CODE, CANNOT_TELL_CODE = range(3)
_ROOM: Final = 2**62
_FEW: Final = 1 << 20
"""Patterns up to this many are told apart by a table of places, more of them by their keys."""
_FEW_CONSTANTS: Final = 8

Whole = npt.NDArray[np.int64]
Codes = npt.NDArray[Any]
"""Whole numbers of the smallest kind that holds them."""


@dataclass(frozen=True)
class Because:
    """What made a rule true for a pattern: the texts to say, and the clock that ran out."""

    sayings: tuple[str, ...]
    clock: Compare | None


@dataclass(frozen=True)
class Verdict:
    """What one rule said of every referral: outcome codes, and the pattern each one showed.

    The pattern is -1 where the referral was not judged. ``because`` says for each pattern what
    made the rule true, None where it is not.
    """

    codes: npt.NDArray[np.int8]
    pattern: npt.NDArray[np.int32]
    because: tuple[Because | None, ...]


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


class Bench:
    """The two judges of one run: what they said of a pattern holds wherever it comes again.

    Records may be judged in parts, and by several threads: two that meet a new pattern at once both
    ask, and hear the same.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, tuple[int, ...]], tuple[int, Because | None]] = {}

    def hear(
        self, rule: Rule, shown: Sequence[tuple[int, ...]], fields: Sequence[str], rows: _Rows
    ) -> tuple[npt.NDArray[np.int8], tuple[Because | None, ...]]:
        """Return the outcome code of each pattern, and what made the rule true for it.

        ``rows`` gives a referral that shows each of them.

        Raises:
            RuleError: when the rule cannot be evaluated, or the two judges disagree.
        """
        new = [n for n, one in enumerate(shown) if (rule.id, one) not in self._said]
        if new:
            patterns = [_pattern(shown[number], fields) for number in new]
            decided = engine.decide(rule, patterns)
            for number, pattern, is_flag in zip(new, patterns, decided, strict=True):
                row = rows.row(number)
                code = _checked(rule, row, pattern, is_flag=is_flag)
                because = _because(rule, rows.table, row) if is_flag else None
                self._said[rule.id, shown[number]] = code, because
        said = [self._said[rule.id, one] for one in shown]
        return np.array([code for code, _ in said], np.int8), tuple(because for _, because in said)


@dataclass(frozen=True)
class _Rows:
    """A referral for each pattern, to be asked about it."""

    table: FactTable
    outcomes: Mapping[str, Verdict]
    places: Whole

    def row(self, number: int) -> Row:
        return Row(self.table, self.outcomes, int(self.places[number]))


def _pattern(shown: tuple[int, ...], fields: Sequence[str]) -> dict[str, int]:
    """Return what the engine is told of a pattern: nothing of what is unknown or none."""
    return {field: code - 2 for field, code in zip(fields, shown, strict=True) if code >= 2}


def _checked(rule: Rule, row: Row, pattern: Mapping[str, int], *, is_flag: bool) -> int:
    """Return the outcome code that both judges come to."""
    truth = explain.judge(rule.condition, row)
    if (truth is True) != is_flag:
        raise RuleError(
            f"{rule.id}: the engine says {'flag' if is_flag else 'no flag'} where its "
            f"conditions say {explain.outcome(truth)} ({dict(pattern)}); the run was "
            "stopped and nothing was stored. Please report this with the rule's file."
        )
    return OUTCOMES.index(explain.outcome(truth))


def _because(rule: Rule, table: FactTable, row: Row) -> Because:
    """Return what made a rule true for the referral, and so for all that show its pattern."""
    held = explain.true_comparisons(rule.condition, row)
    clock = next(
        (
            compare
            for compare in held
            if compare.operator == "more_than" and table.measure(compare.asked).start is not None
        ),
        None,
    )
    return Because(tuple(explain.true_sayings(rule.condition, row)), clock)


def judge_all(
    ruleset: Ruleset, table: FactTable, judged: npt.NDArray[np.bool_], bench: Bench | None = None
) -> dict[str, Verdict]:
    """Return the outcome of each rule on each judged referral.

    The engine decides every flag, once a distinct pattern; the second judge gives the rest, and
    checks the engine on every pattern. Parts of one run share a ``bench``.

    Raises:
        RuleError: when a rule cannot be evaluated, or the two judges disagree; the rule is named.
    """
    hearing = _Hearing(table, np.flatnonzero(judged), bench or Bench())
    for rule_id in ruleset.order:
        hearing.judge(ruleset.by_id[rule_id])
    return hearing.outcomes


class _Hearing:
    """The judging of one table by one rule after another; ranks of a fact are reckoned once."""

    def __init__(self, table: FactTable, rows: Whole, bench: Bench) -> None:
        self._table, self._rows, self._bench = table, rows, bench
        self._is_whole = len(rows) == len(table)
        self._ranked: dict[tuple[Asked, tuple[Any, ...]], tuple[Codes, Codes | None]] = {}
        self.outcomes: dict[str, Verdict] = {}

    def judge(self, rule: Rule) -> None:
        """Add a rule's outcomes; the rules that it reads have been judged before."""
        codes = np.zeros(len(self._table), np.int8)
        pattern = np.full(len(self._table), -1, np.int32)
        because: tuple[Because | None, ...] = ()
        if len(self._rows):
            fields, digits = self._digits(rule)
            which, first = _told_apart(digits, len(self._rows))
            shown = list(zip(*(digit[first].tolist() for digit in digits), strict=True))
            rows = _Rows(self._table, self.outcomes, self._rows[first])
            answers, because = self._bench.hear(rule, shown or [()], fields, rows)
            if self._is_whole:
                codes, pattern = spread(answers, which), which
            else:
                codes[self._rows], pattern[self._rows] = spread(answers, which), which
        self.outcomes[rule.id] = Verdict(codes, pattern, because)

    def _digits(self, rule: Rule) -> tuple[list[str], list[Codes]]:
        """Return the engine's fields of a rule, and the code of each row in each of them."""
        facts, reads = engine.fields(rule)
        fields: list[str] = []
        digits: list[Codes] = []
        for place, (asked, ranks) in enumerate(facts.items()):
            low, high = self._codes(asked, ranks)
            fields += [engine.low(place), engine.high(place)]
            digits += [low, low if high is None else high]
        for place, read in enumerate(reads):
            code = self._of_rows(self.outcomes[read].codes)
            fields.append(engine.flagged(place))
            digits.append(np.where(code == CANNOT_TELL_CODE, 0, code + 2).astype(np.uint8))
        return fields, digits

    def _of_rows(self, whole: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return whole if self._is_whole else whole[self._rows]

    def _codes(self, asked: Asked, ranks: engine.Ranks) -> tuple[Codes, Codes | None]:
        """Return the rank of each row's value and, where bounds differ, of its upper bound.

        0 is unknown, 1 is none; a rank is raised by 2.
        """
        key = (asked, tuple(ranks.constants))
        if key not in self._ranked:
            measure = self._table.measure(asked)
            state, value = self._of_rows(measure.state), self._of_rows(measure.value)
            if FACT_BY_NAME[asked.name].kind == "text":
                ranked = _named(measure, ranks)[np.where(state == KNOWN, value, 0)]
                self._ranked[key] = _with_state(ranked, state), None
            else:
                low = _with_state(_ranked(value, ranks), state)
                self._ranked[key] = low, self._upper(measure, ranks, state)
        return self._ranked[key]

    def _upper(
        self, measure: Measure, ranks: engine.Ranks, state: npt.NDArray[np.uint8]
    ) -> Codes | None:
        if measure.high is None:
            return None
        high = self._of_rows(measure.high)
        code = _with_state(_ranked(high, ranks), state)
        code[high >= UNBOUNDED] = 0
        return code


def _told_apart(digits: Sequence[Codes], n: int) -> tuple[npt.NDArray[np.int32], Whole]:
    """Return each row's pattern, and a row of each pattern."""
    which, n_patterns = _keys(digits, n)
    if n_patterns > _FEW:
        found, distinct = pd.factorize(which)
        pattern = np.asarray(found, np.int32)
        first = np.empty(len(distinct), np.int64)
        first[pattern[::-1]] = np.arange(n - 1, -1, -1)
        return pattern, first
    row = np.full(n_patterns, -1, np.int64)
    row[which[::-1]] = np.arange(n - 1, -1, -1)  # Of several, the last to be put there stays.
    is_there = row >= 0
    number = np.cumsum(is_there, dtype=np.int32) - np.int32(1)
    return spread(number, which), row[is_there]


def _keys(digits: Sequence[Codes], n: int) -> tuple[Codes, int]:
    """Return a number for each row, equal where all digits are, and how many numbers there may be.

    Most rules have so few patterns that a byte holds the number; the fewer bytes, the faster.
    """
    which: Codes = np.zeros(n, np.uint8)
    n_patterns = 1
    seen: list[int] = []
    for digit in digits:
        if id(digit) in seen:
            continue
        seen.append(id(digit))
        radix = int(digit.max()) + 1
        if radix == 1:
            continue
        if n_patterns * radix >= _ROOM:
            which = np.asarray(pd.factorize(which)[0], np.int64)
            n_patterns = int(which.max()) + 1
        n_patterns *= radix
        kind = np.min_scalar_type(n_patterns)
        which = which.astype(kind, copy=False)
        which *= kind.type(radix)
        which += digit.astype(kind, copy=False)
    return which, n_patterns


def _named(measure: Measure, ranks: engine.Ranks) -> Codes:
    """Return the rank of each distinct text of a measure."""
    found = [
        ranks.of_constant(name) if ranks.folded(name) in ranks.constants else 0
        for name in measure.names
    ]
    return np.array(found or [0], _small(ranks))


def _ranked(value: Whole, ranks: engine.Ranks) -> Codes:
    """Return the rank of each value: how many constants lie below it, and how many up to it."""
    if len(ranks.constants) > _FEW_CONSTANTS:
        constants = np.array(ranks.constants, np.int64)
        below = np.searchsorted(constants, value, side="left")
        return (below + np.searchsorted(constants, value, side="right")).astype(_small(ranks))
    rank = np.zeros(len(value), _small(ranks))
    for constant in ranks.constants:
        rank += value > constant
        rank += value >= constant
    return rank


def _small(ranks: engine.Ranks) -> type[np.unsignedinteger[Any]]:
    """Return the smallest kind of number that holds every rank, raised by 2."""
    return np.uint8 if 2 * len(ranks.constants) + 3 < 256 else np.uint32


def _with_state(rank: Codes, state: npt.NDArray[np.uint8]) -> Codes:
    code: Codes = rank + rank.dtype.type(2)
    code[state == UNKNOWN] = 0
    code[state == NONE] = 1
    return code
