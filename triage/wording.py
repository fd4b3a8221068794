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
from triage.facts import FACT_BY_NAME, Asked, Fact, FactTable
from triage.judging import OUTCOMES, Row, Verdict
from triage.measure import KNOWN, UNBOUNDED
from triage.rules import BECAUSE, BRACES, Rule
from triage.ruleset import Ruleset
from triage.vocabulary import counted, cut

Whole = npt.NDArray[np.int64]
Masked = np.ma.MaskedArray[Any, Any]
Say = Callable[[Any], str]
Piece = str | tuple[Asked | str, Say]
"""A fixed text, or the values of a fact (or what a rule read said) with how each is said."""

_ROOM: Final = 2**62
_DENSE: Final = 1 << 16
"""Codes up to this are told apart by a table of places, however few rows there are."""


@dataclass(frozen=True)
class Texts:
    """Texts of many rows, each distinct one held once: ``texts[which[i]]`` is that of row i."""

    which: npt.NDArray[np.int32]
    texts: pa.Array


@dataclass(frozen=True)
class Because:
    """What made a rule true for a pattern: the texts to say, and the clock that ran out."""

    sayings: tuple[str, ...]
    clock: Compare | None


@dataclass(frozen=True)
class Values:
    """The values of a fact: ``distinct[which[i]]`` is that of row i; None is none, or unknown.

    They are whole numbers, and texts where the fact is one; what they mean is told by its kind.
    """

    which: npt.NDArray[np.int64]
    distinct: tuple[int | str | None, ...]


@dataclass(frozen=True)
class Flagged:
    """The entries that one rule flags, by row, with all that is said of them.

    ``because[reason[i]]`` is what made the rule true for the i-th of them. ``due`` holds day
    numbers and ``overdue`` working days, both masked where there is no limit.
    """

    rows: Whole
    reason: Whole
    because: tuple[Because, ...]
    values: dict[Asked | str, Values]
    due: Masked
    overdue: Masked

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
        other: Values(verdicts[other].codes[rows].astype(np.int64), outcomes)
        for other in rule.reads
    }
    reason, because = _reasons(rule, table, verdicts, rows)
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


def _merged(places: Sequence[Whole], distinct: Sequence[tuple[Any, ...]]) -> tuple[Whole, Any]:
    known: dict[Any, int] = {}
    found = [
        np.array([known.setdefault(one, len(known)) for one in some] or [0], np.int64)[which]
        for which, some in zip(places, distinct, strict=True)
    ]
    return np.concatenate(found), tuple(known)


def words(rule: Rule, ruleset: Ruleset, found: Flagged, *, to_store: bool) -> dict[str, Texts]:
    """Return what is said of each of the entries that a rule flags: its message and evidence.

    ``to_store`` asks for what the flag lastingly rests on as well.
    """
    known: dict[str, Asked | str | list[str]] = {
        asked.name: asked for asked in (*rule.facts, *rule.shown)
    }
    known |= {
        name: [json.dumps(list(value) if isinstance(value, tuple) else value)]
        for name, value in rule.parameters.items()
    }
    known |= {read: read for read in rule.reads}
    said = {
        "message": _messages(rule, ruleset, found, rule.about.message),
        "evidence": _objects(found, known),
    }
    if to_store:
        moving = {one.name for one in rule.facts if FACT_BY_NAME[one.name].moves}
        left_out = moving.union(one.name for one in rule.shown)
        lasting = {name: known[name] for name in sorted(known) if name not in left_out}
        is_all = list(lasting) == list(known)
        said["lasting"] = said["evidence"] if is_all else _objects(found, lasting)
    return said


def words_of_due(rule: Rule, ruleset: Ruleset, found: Flagged) -> tuple[Whole, Whole, list[str]]:
    """Return which of the rows have a day on which something falls due, that day, and what to do.

    The rows are those that the rule would flag with its clocks put on.
    """
    said = _messages(rule, ruleset, found, rule.about.due or "")
    kept = np.flatnonzero(~np.ma.getmaskarray(found.due))
    texts = said.texts.take(pa.array(said.which[kept])).to_pylist()
    return found.rows[kept], found.due.data[kept], texts


def _reasons(
    rule: Rule, table: FactTable, verdicts: Mapping[str, Verdict], rows: Whole
) -> tuple[Whole, tuple[Because, ...]]:
    """Return what made a rule true for each row, asked once a pattern."""
    which, first = told_apart([verdicts[rule.id].pattern[rows]])
    places: dict[Because, int] = {}
    of_pattern = [
        places.setdefault(_because(rule, table, Row(table, verdicts, row)), len(places))
        for row in rows[first].tolist()
    ]
    return np.array(of_pattern or [0], np.int64)[which], tuple(places)


def _because(rule: Rule, table: FactTable, subject: Row) -> Because:
    held = explain.true_comparisons(rule.condition, subject)
    clock = next(
        (
            compare
            for compare in held
            if compare.operator == "more_than" and table.measure(compare.asked).start is not None
        ),
        None,
    )
    return Because(tuple(explain.true_sayings(rule.condition, subject)), clock)


def _deadlines(
    table: FactTable, rows: Whole, reason: Whole, because: Sequence[Because]
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


def _messages(rule: Rule, ruleset: Ruleset, found: Flagged, text: str) -> Texts:
    """Return the sentence of each row: what happened, by how much, against which limit."""
    limits = ruleset.limits(rule.id)
    templates: dict[str, int] = {}
    of_reason = [
        templates.setdefault(_with_reasons(text, one.sayings), len(templates))
        for one in found.because
    ]
    template = np.array(of_reason or [0], np.int64)[found.reason]
    which = np.zeros(len(found.rows), np.int32)
    texts: list[pa.Array] = [pa.array([], pa.string())]
    n_texts = 0
    for filled, place in templates.items():
        rows = np.flatnonzero(template == place)
        some = _put_together(found, _pieces(rule, limits, filled), rows, _capital)
        which[rows] = some.which + n_texts
        texts.append(some.texts)
        n_texts += len(some.texts)
    return Texts(which, pa.concat_arrays(texts))


def _with_reasons(text: str, said: Sequence[str]) -> str:
    """Return a template with what made the rule true in the place that it has for it."""
    because = _joined(said)
    return BRACES.sub(lambda found: because if found[1] == BECAUSE else found[0], text)


def _joined(said: Sequence[str]) -> str:
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def _pieces(rule: Rule, limits: Mapping[str, Any], template: str) -> list[Piece]:
    """Return what a template is made of: fixed texts, and facts with how each is said."""
    pieces: list[Piece] = []
    end = 0
    for match in BRACES.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        name, noun = match.group(1), match.group(2)
        limit = limits.get(name)
        if limit is not None:
            pieces.append(spoken(limit, noun))
        else:
            pieces.append((rule.told(name), _speaker(FACT_BY_NAME[name], noun)))
    return [*pieces, template[end:]]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _speaker(fact: Fact, noun: str | None) -> Say:
    """Return how a value of a fact is said in a sentence."""
    if fact.kind == "date":
        return lambda value: spoken(None, noun) if value is None else _spoken_day(value)
    if fact.kind == "yes or no":
        return lambda value: spoken(None if value is None else value == 1, noun)
    if fact.is_own_words:
        return lambda value: spoken(None, noun) if value is None else value
    return lambda value: spoken(value, noun)


def _objects(found: Flagged, known: Mapping[str, Asked | str | list[str]]) -> Texts:
    """Return a JSON object a row: of each name the value of a fact, or what a rule read said."""
    pieces: list[Piece] = []
    for name, what in known.items():
        pieces.append(f"{', ' if pieces else '{'}{json.dumps(name)}: ")
        if isinstance(what, list):
            pieces += what
        elif isinstance(what, Asked):
            pieces.append((what, _writer(FACT_BY_NAME[what.name])))
        else:
            pieces.append((what, _outcome_written))
    return _put_together(found, [*pieces, "}" if pieces else "{}"], np.arange(len(found.rows)))


def _writer(fact: Fact) -> Say:
    """Return how a value of a fact is written as JSON; typed text is cut short."""
    if fact.kind == "date":
        return lambda value: "null" if value is None else _written_day(value)
    if fact.kind == "yes or no":
        return {None: "null", 0: "false", 1: "true"}.__getitem__
    if fact.kind == "text" and not fact.is_own_words:
        return lambda value: json.dumps(None if value is None else cut(value))
    return json.dumps


def _outcome_written(code: Any) -> str:
    return json.dumps(OUTCOMES[code])


def _put_together(
    found: Flagged,
    pieces: Sequence[Piece],
    rows: Whole,
    begin: Callable[[str], str] = lambda text: text,
) -> Texts:
    """Return the pieces, fixed ones and those of facts, strung together for some of the rows."""
    told = list(dict.fromkeys(piece[0] for piece in pieces if not isinstance(piece, str)))
    is_whole = len(rows) == len(found.rows)
    codes = {
        name: found.values[name].which if is_whole else found.values[name].which[rows]
        for name in told
    }
    which, first = told_apart([*codes.values()] or [np.zeros(len(rows), np.int64)])
    columns: list[Any] = []
    before = ""
    for piece in pieces:
        if isinstance(piece, str):
            before += piece
            continue
        name, say = piece
        distinct = found.values[name].distinct
        used, places = _places(codes[name][first])
        texts = [before + say(distinct[code]) for code in used.tolist()]
        if not columns:
            texts = [begin(text) for text in texts]
        columns.append(pa.array(texts, pa.string()).take(pa.array(places)))
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


def _values(table: FactTable, asked: Asked, rows: Whole) -> Values:
    """Return the values of a fact; of a number known only within bounds, what was found."""
    measure = table.measure(asked)
    is_known = measure.state[rows] == KNOWN
    value = measure.value[rows]
    if measure.high is not None and measure.found_is_high:
        high = measure.high[rows]
        value = np.where(high < UNBOUNDED, high, value)
    low = int(value.min(where=is_known, initial=2**53))
    distinct, which = _places(np.where(is_known, value - low + 1, 0))
    found = [None if one == 0 else one - 1 + low for one in distinct.tolist()]
    if FACT_BY_NAME[asked.name].kind == "text":
        return Values(which, tuple(None if one is None else measure.names[one] for one in found))
    return Values(which, tuple(found))


def _places(code: Whole) -> tuple[Whole, Whole]:
    """Return the distinct codes, rising from 0, and the place of each row's among them."""
    most = int(code.max(initial=0)) + 1
    if most > max(_DENSE, 4 * len(code)):
        distinct, which = np.unique(code, return_inverse=True)
        return distinct, which.ravel()
    is_there = np.zeros(most, bool)
    is_there[code] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[code]


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
            return spoken_date(value)
        case tuple():
            return ", ".join(value)
    return cut(str(value))


@lru_cache(maxsize=100_000)
def _spoken_day(day: int) -> str:
    return spoken_date(to_date(day))


@lru_cache(maxsize=100_000)
def _written_day(day: int) -> str:
    return f'"{to_date(day).isoformat()}"'
