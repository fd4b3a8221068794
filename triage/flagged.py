"""What a rule flags, with the values that are told of it: as places among distinct values.

Of a million flags each fact has a few hundred values, so a flag costs a few small numbers. What
several parts of the records found adds up before anything is put into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.calendar import add_working_days_array
from triage.facts import FACT_BY_NAME, Asked, FactTable
from triage.judging import OUTCOMES, Because, Verdict
from triage.measure import KNOWN, UNBOUNDED
from triage.rules import Rule

Whole = npt.NDArray[np.int64]
Narrow = npt.NDArray[Any]
"""Whole numbers of the smallest kind that holds them: there may be ten for each of many flags."""
Masked = np.ma.MaskedArray[Any, Any]

_ROOM: Final = 2**62
_DENSE: Final = 1 << 16
"""Codes up to this are told apart by a table of places, however few rows there are."""


@dataclass(frozen=True)
class Values:
    """The values of a fact: ``distinct[which[i]]`` is that of row i; None is none, or unknown.

    They are whole numbers, and texts where the fact is one; what they mean is told by its kind.
    """

    which: Narrow
    distinct: tuple[int | str | None, ...]


@dataclass(frozen=True)
class Flagged:
    """The entries that one rule flags, by row, with all that is said of them.

    ``because[reason[i]]`` is what made the rule true for the i-th of them. ``due`` holds day
    numbers and ``overdue`` working days, both masked where there is no limit.
    """

    rows: Whole
    reason: Narrow
    because: tuple[Because, ...]
    values: dict[Asked | str, Values]
    due: Masked
    overdue: Masked

    def nothing(self) -> Flagged:
        """Return none of them, and nothing of what is told of them."""
        none = self.only(np.zeros(0, np.int64))
        empty = {name: Values(one.which, ()) for name, one in none.values.items()}
        return replace(none, because=(), values=empty)

    def only(self, places: Whole) -> Flagged:
        """Return some of them."""
        if len(places) == len(self.rows) and bool((places == np.arange(len(places))).all()):
            return self
        return Flagged(
            self.rows[places],
            self.reason[places],
            self.because,
            {name: Values(one.which[places], one.distinct) for name, one in self.values.items()},
            self.due[places],
            self.overdue[places],
        )


def flagged(rule: Rule, table: FactTable, verdicts: Mapping[str, Verdict], rows: Whole) -> Flagged:
    """Return the entries that a rule flags with the values that are told of them."""
    values: dict[Asked | str, Values] = {
        asked: _values(table, asked, rows) for asked in dict.fromkeys((*rule.facts, *rule.shown))
    }
    outcomes = tuple(range(len(OUTCOMES)))
    read: dict[Asked | str, Values] = {
        other: Values(verdicts[other].codes[rows], outcomes) for other in rule.reads
    }
    reason, because = _reasons(verdicts[rule.id], rows)
    due, overdue = _deadlines(table, rows, reason, because)
    return Flagged(rows, reason, because, {**values, **read}, due, overdue)


def together(parts: Sequence[Flagged]) -> Flagged:
    """Return what one rule flags in several parts as if it were one; rows are as they were."""
    if len(parts) == 1:
        return parts[0]
    reasons, because = _merged([one.reason for one in parts], [one.because for one in parts])
    values = {}
    for name in parts[0].values:
        here = [one.values[name] for one in parts]
        which, distinct = _merged([one.which for one in here], [one.distinct for one in here])
        values[name] = Values(which, distinct)
    return Flagged(
        np.concatenate([one.rows for one in parts]),
        reasons,
        because,
        values,
        _end_to_end([one.due for one in parts]),
        _end_to_end([one.overdue for one in parts]),
    )


def _end_to_end(columns: Sequence[Masked]) -> Masked:
    return np.ma.array(
        np.concatenate([one.data for one in columns]),
        mask=np.concatenate([np.ma.getmaskarray(one) for one in columns]),
    )


def _merged(places: Sequence[Narrow], distinct: Sequence[tuple[Any, ...]]) -> tuple[Narrow, Any]:
    known: dict[Any, int] = {}
    found = [
        narrow([known.setdefault(one, len(known)) for one in some])[which]
        for which, some in zip(places, distinct, strict=True)
    ]
    return np.concatenate(found), tuple(known)


def narrow(places: Sequence[int] | Whole) -> Narrow:
    """Return whole numbers from 0 as the smallest kind that holds the greatest of them."""
    most = max(places, default=0) if isinstance(places, list) else int(np.max(places, initial=0))
    kind = np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.uint32
    return np.array(places if len(places) else [0], kind)


def _reasons(verdict: Verdict, rows: Whole) -> tuple[Narrow, tuple[Because, ...]]:
    """Return what made a rule true for each row that it flags."""
    which, used = pd.factorize(verdict.pattern[rows])
    found: dict[Because, int] = {}
    of_pattern = []
    for pattern in used.tolist():
        because = verdict.because[pattern]
        assert because is not None
        of_pattern.append(found.setdefault(because, len(found)))
    return narrow(of_pattern)[which], tuple(found)


def _deadlines(
    table: FactTable, rows: Whole, reason: Narrow, because: Sequence[Because]
) -> tuple[Masked, Masked]:
    """Return when what a rule asks for was due, and by how many working days it was passed."""
    due, overdue = (
        np.ma.array(np.zeros(len(rows), np.int32), mask=np.ones(len(rows), bool)) for _ in range(2)
    )
    for place, one in enumerate(because):
        if one.clock is None:
            continue
        measure = table.measure(one.clock.asked)
        assert measure.start is not None
        limit = one.clock.values[0]
        here = reason == place
        start = measure.start[rows[here]].astype(np.int32)
        due[here] = add_working_days_array(start, np.full(len(start), limit))
        overdue[here] = measure.value[rows[here]] - limit
    return due, overdue


def told_apart(codes: Sequence[npt.NDArray[Any]]) -> tuple[Whole, Whole]:
    """Return a number for each row, equal where all codes are, and a row of each number.

    The numbers rise in the order in which the rows first show them.
    """
    which = np.zeros(len(codes[0]), np.int64)
    n_distinct = 1
    for code in codes:
        if not len(code):
            break
        low = int(code.min())
        radix = int(code.max()) - low + 1
        if radix == 1:
            continue
        if n_distinct * radix >= _ROOM:
            which = np.asarray(pd.factorize(which)[0], np.int64)
            n_distinct = int(which.max()) + 1
        if n_distinct * radix >= _ROOM:
            # Codes that are far apart: as many as there are rows at most, once they are numbered.
            code = np.asarray(pd.factorize(code)[0], np.int64)
            low, radix = 0, int(code.max()) + 1
        which *= radix
        which += code
        which -= low
        n_distinct *= radix
    number, distinct = pd.factorize(which)
    number = np.asarray(number, np.int64)
    first = np.empty(len(distinct), np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return number, first


def _values(table: FactTable, asked: Asked, rows: Whole) -> Values:
    """Return the values of a fact; of a number known only within bounds, what was found."""
    measure = table.measure(asked)
    is_known = measure.state[rows] == KNOWN
    value = measure.value[rows]
    if measure.high is not None and measure.found_is_high:
        high = measure.high[rows]
        value = np.where(high < UNBOUNDED, high, value)
    low = int(value.min(where=is_known, initial=2**53))
    distinct, which = places(np.where(is_known, value - low + 1, 0))
    which = which.astype(narrow([len(distinct)]).dtype)
    found = [None if one == 0 else one - 1 + low for one in distinct.tolist()]
    if FACT_BY_NAME[asked.name].kind == "text":
        return Values(which, tuple(None if one is None else measure.names[one] for one in found))
    return Values(which, tuple(found))


def places(code: Whole) -> tuple[Whole, Whole]:
    """Return the distinct codes, rising from 0, and the place of each row's among them."""
    most = int(code.max(initial=0)) + 1
    if most > max(_DENSE, 4 * len(code)):
        distinct, which = np.unique(code, return_inverse=True)
        return distinct, which.ravel()
    is_there = np.zeros(most, bool)
    is_there[code] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[code]
