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
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.calendar import spoken_date, to_date
from triage.facts import FACT_BY_NAME, Asked, Fact
from triage.flagged import Flagged, Whole, places, told_apart
from triage.judging import OUTCOMES
from triage.rules import BECAUSE, BRACES, Rule
from triage.ruleset import Ruleset
from triage.vocabulary import counted, cut

Say = Callable[[Any], str]
Piece = str | tuple[Asked | str, Say]
"""A fixed text, or the values of a fact (or what a rule read said) with how each is said."""


@dataclass(frozen=True)
class Texts:
    """Texts of many rows, each distinct one held once: ``texts[which[i]]`` is that of row i."""

    which: npt.NDArray[np.int32]
    texts: pa.Array


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
        used, where = places(codes[name][first])
        texts = [before + say(distinct[code]) for code in used.tolist()]
        if not columns:
            texts = [begin(text) for text in texts]
        columns.append(pa.array(texts, pa.string()).take(pa.array(where)))
        before = ""
    if not columns:
        return Texts(which.astype(np.int32), pa.array([begin(before)] * len(first), pa.string()))
    strung = pc.binary_join_element_wise(*columns, before, "")
    return Texts(which.astype(np.int32), strung)


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
