"""Flags in words: what happened, by how much, against which limit, and what it rests on.

Many flags of a rule say the same of different children, so each distinct sentence is put together
once, column by column, and looked up by all that share it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from triage import explain
from triage.calendar import add_working_days_array, spoken_date, to_date
from triage.conditions import Compare
from triage.facts import FACT_BY_NAME, Asked, FactTable
from triage.judging import OUTCOMES, Row, Verdict
from triage.measure import KNOWN, UNBOUNDED
from triage.rules import BECAUSE, BRACES, Rule
from triage.ruleset import Ruleset
from triage.vocabulary import counted, cut

Whole = npt.NDArray[np.int64]

_ROOM: Final = 2**62
_DENSE: Final = 1 << 16
"""Codes up to this are told apart by a table of places, however few rows there are."""


@dataclass(frozen=True)
class Texts:
    """Texts of many rows, each distinct one held once: ``texts[which[i]]`` is that of row i."""

    which: npt.NDArray[np.int32]
    texts: pa.Array


@dataclass(frozen=True)
class Words:
    """What is said of the entries that a rule flags, in the order in which they were asked for.

    ``due`` holds day numbers and ``overdue`` working days, both masked where there is no limit.
    """

    message: Texts
    evidence: Texts
    lasting: Texts
    due: np.ma.MaskedArray[Any, Any]
    overdue: np.ma.MaskedArray[Any, Any]


@dataclass(frozen=True)
class _Because:
    """What made a rule true for a pattern: the texts to say, and the clock that ran out."""

    sayings: tuple[str, ...]
    clock: Compare | None


class _Flagged:
    """The entries that one rule flags, each distinct value of each of its facts once."""

    def __init__(
        self,
        rule: Rule,
        ruleset: Ruleset,
        table: FactTable,
        verdicts: Mapping[str, Verdict],
        rows: Whole,
    ) -> None:
        self.rule, self.table, self.verdicts, self.rows = rule, table, verdicts, rows
        self.limits = ruleset.limits(rule.id)
        self.codes: dict[Asked | str, Whole] = {}
        self._values: dict[Asked | str, list[Any]] = {}
        for asked in (*rule.facts, *rule.shown):
            self.codes[asked], self._values[asked] = _distinct_values(table, asked, rows)
        for read in rule.reads:
            self.codes[read] = verdicts[read].codes[rows].astype(np.int64)
            self._values[read] = list(OUTCOMES)
        self.pattern, self.because = self._reasons()

    def _reasons(self) -> tuple[Whole, list[_Because]]:
        """Return what made the rule true for each row, asked once a pattern."""
        which, first = told_apart([self.verdicts[self.rule.id].pattern[self.rows]])
        reasons = [self._because(int(row)) for row in self.rows[first]]
        places: dict[_Because, int] = {}
        of_pattern = np.array([places.setdefault(one, len(places)) for one in reasons], np.int64)
        return of_pattern[which], list(places)

    def _because(self, row: int) -> _Because:
        subject = Row(self.table, self.verdicts, row)
        held = explain.true_comparisons(self.rule.condition, subject)
        clock = next(
            (
                compare
                for compare in held
                if compare.operator == "more_than"
                and self.table.measure(compare.asked).start is not None
            ),
            None,
        )
        return _Because(tuple(explain.true_sayings(self.rule.condition, subject)), clock)

    def texts_of(self, name: Asked | str, say: Callable[[Any], str]) -> list[str]:
        """Return the text of each distinct value of a fact."""
        return [say(value) for value in self._values[name]]


def words(
    rule: Rule,
    ruleset: Ruleset,
    table: FactTable,
    verdicts: Mapping[str, Verdict],
    rows: Whole,
) -> Words:
    """Return what is said of each of the entries that a rule flags."""
    flagged = _Flagged(rule, ruleset, table, verdicts, rows)
    shown = {asked.name: asked for asked in (*rule.facts, *rule.shown)}
    known: dict[str, Asked | str | list[str]] = dict(shown)
    known |= {
        name: [json.dumps(list(value) if isinstance(value, tuple) else value)]
        for name, value in rule.parameters.items()
    }
    known |= {read: read for read in rule.reads}
    moving = {one.name for one in rule.facts if FACT_BY_NAME[one.name].moves}
    left_out = moving.union(one.name for one in rule.shown)
    lasting = {name: known[name] for name in sorted(known) if name not in left_out}
    due, overdue = _deadlines(flagged)
    return Words(
        _messages(flagged, rule.about.message),
        _objects(flagged, known),
        _objects(flagged, lasting),
        due,
        overdue,
    )


def words_of_due(
    rule: Rule,
    ruleset: Ruleset,
    table: FactTable,
    verdicts: Mapping[str, Verdict],
    rows: Whole,
) -> tuple[Whole, Whole, list[str]]:
    """Return which of the rows have a day on which something falls due, that day, and what to do.

    The rows are those that the rule would flag with its clocks put on.
    """
    flagged = _Flagged(rule, ruleset, table, verdicts, rows)
    due, _ = _deadlines(flagged)
    said = _messages(flagged, rule.about.due or "")
    kept = np.flatnonzero(~np.ma.getmaskarray(due))
    texts = said.texts.take(pa.array(said.which[kept])).to_pylist()
    return rows[kept], due.data[kept], texts


def _deadlines(
    flagged: _Flagged,
) -> tuple[np.ma.MaskedArray[Any, Any], np.ma.MaskedArray[Any, Any]]:
    """Return when what a rule asks for was due, and by how many working days it was passed."""
    n = len(flagged.rows)
    due, overdue = (np.ma.array(np.zeros(n, np.int32), mask=np.ones(n, bool)) for _ in range(2))
    for place, because in enumerate(flagged.because):
        if because.clock is None:
            continue
        measure = flagged.table.measure(because.clock.asked)
        assert measure.start is not None
        limit = because.clock.values[0]
        here = flagged.pattern == place
        rows = flagged.rows[here]
        start = measure.start[rows].astype(np.int32)
        due[here] = add_working_days_array(start, np.full(len(rows), limit))
        overdue[here] = measure.value[rows] - limit
    return due, overdue


def _messages(flagged: _Flagged, text: str) -> Texts:
    """Return the sentence of each row: what happened, by how much, against which limit."""
    templates: dict[str, int] = {}
    of_reason = np.array(
        [
            templates.setdefault(_with_reasons(text, one.sayings), len(templates))
            for one in flagged.because
        ],
        np.int64,
    )
    template = of_reason[flagged.pattern]
    if len(templates) == 1:
        return _filled(flagged, next(iter(templates)), np.arange(len(flagged.rows)))
    which = np.zeros(len(flagged.rows), np.int32)
    found: list[pa.Array] = []
    n_texts = 0
    for filled, place in templates.items():
        rows = np.flatnonzero(template == place)
        some = _filled(flagged, filled, rows)
        which[rows] = some.which + n_texts
        found.append(some.texts)
        n_texts += len(some.texts)
    return Texts(which, pa.concat_arrays(found))


def _with_reasons(text: str, said: Sequence[str]) -> str:
    """Return a template with what made the rule true in the place that it has for it."""
    because = _joined(said)
    return BRACES.sub(lambda found: because if found[1] == BECAUSE else found[0], text)


def _joined(said: Sequence[str]) -> str:
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def _filled(flagged: _Flagged, template: str, rows: Whole) -> Texts:
    """Return a template filled in for some of the rows, beginning with a capital."""
    pieces: list[tuple[Asked | str, Callable[[Any], str]] | str] = []
    end = 0
    for match in BRACES.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        name, noun = match.group(1), match.group(2)
        limit = flagged.limits.get(name)
        if limit is not None:
            pieces.append(spoken(limit, noun))
        elif FACT_BY_NAME[name].is_own_words:
            pieces.append((flagged.rule.told(name), _as_it_is))
        else:
            pieces.append((flagged.rule.told(name), _speaker(noun)))
    return _put_together(flagged, [*pieces, template[end:]], rows, _capital)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _as_it_is(value: Any) -> str:
    return value if isinstance(value, str) else spoken(value)


@lru_cache(maxsize=256)
def _speaker(noun: str | None) -> Callable[[Any], str]:
    return lambda value: spoken(value, noun)


def _objects(flagged: _Flagged, known: Mapping[str, Asked | str | list[str]]) -> Texts:
    """Return a JSON object a row: of each name the value of a fact, or what a rule read said."""
    pieces: list[tuple[Asked | str, Callable[[Any], str]] | str] = []
    for name, what in known.items():
        pieces.append(f"{', ' if pieces else '{'}{json.dumps(name)}: ")
        if isinstance(what, list):
            pieces += what
        elif isinstance(what, Asked) and FACT_BY_NAME[what.name].is_own_words:
            pieces.append((what, json.dumps))
        else:
            pieces.append((what, _json_cut))
    return _put_together(flagged, [*pieces, "}" if pieces else "{}"], np.arange(len(flagged.rows)))


def _json_cut(value: Any) -> str:
    if isinstance(value, dt.date):
        return f'"{value.isoformat()}"'
    return json.dumps(cut(value) if isinstance(value, str) else value)


def _put_together(
    flagged: _Flagged,
    pieces: Sequence[tuple[Asked | str, Callable[[Any], str]] | str],
    rows: Whole,
    begin: Callable[[str], str] = lambda text: text,
) -> Texts:
    """Return the pieces, fixed ones and those of facts, strung together for some of the rows."""
    told = list(dict.fromkeys(piece[0] for piece in pieces if not isinstance(piece, str)))
    codes = {name: flagged.codes[name][rows] for name in told}
    which, first = told_apart([*codes.values()] or [np.zeros(len(rows), np.int64)])
    columns: list[Any] = []
    before = ""
    for piece in pieces:
        if isinstance(piece, str):
            before += piece
            continue
        name, say = piece
        texts = [before + text for text in flagged.texts_of(name, say)]
        if not columns:
            texts = [begin(text) for text in texts]
        columns.append(pa.array(texts, pa.string()).take(pa.array(codes[name][first])))
        before = ""
    if not columns:
        return Texts(which.astype(np.int32), pa.array([begin(before)] * len(first), pa.string()))
    strung = pc.binary_join_element_wise(*columns, before, "")
    return Texts(which.astype(np.int32), strung)


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
        which = which * radix + (code - low)
        n_distinct *= radix
    number, distinct = pd.factorize(which)
    number = np.asarray(number, np.int64)
    first = np.empty(len(distinct), np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return number, first


def _distinct_values(table: FactTable, asked: Asked, rows: Whole) -> tuple[Whole, list[Any]]:
    """Return the place of each row's value among the distinct ones, and those as plain values.

    None stands for none and for unknown. Of a number known only within bounds, what was found is
    given.
    """
    measure = table.measure(asked)
    is_known = measure.state[rows] == KNOWN
    value = measure.value[rows]
    if measure.high is not None and measure.found_is_high:
        high = measure.high[rows]
        value = np.where(high < UNBOUNDED, high, value)
    low = int(value.min(where=is_known, initial=2**53))
    code = np.where(is_known, value - low + 1, 0)
    kind, names = FACT_BY_NAME[asked.name].kind, measure.names
    distinct, which = _places(code)
    return which, [
        None if one == 0 else _plain(kind, one - 1 + low, names) for one in distinct.tolist()
    ]


def _places(code: Whole) -> tuple[Whole, Whole]:
    """Return the distinct codes, rising from 0, and the place of each row's among them."""
    most = int(code.max(initial=0)) + 1
    if most > max(_DENSE, 4 * len(code)):
        distinct, which = np.unique(code, return_inverse=True)
        return distinct, which.ravel()
    is_there = np.zeros(most, bool)
    is_there[code] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[code]


def _plain(kind: str, value: int, names: Sequence[str]) -> Any:
    match kind:
        case "yes or no":
            return value == 1
        case "date":
            return to_date(value)
        case "text":
            return names[value]
    return value


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
            return spoken_day(value)
        case tuple():
            return ", ".join(value)
    return cut(str(value))


spoken_day = lru_cache(maxsize=100_000)(spoken_date)
