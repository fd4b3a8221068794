"""From verdicts to flags: those of each part of the records, and all of them in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.facts import FactTable, SubjectName
from triage.flags import SCHEMA, Flags
from triage.judging import FLAG_CODE, Verdict
from triage.rules import Rule
from triage.ruleset import Ruleset, severity_rank
from triage.validation import GIVEN, Column
from triage.vocabulary import SEVERITIES
from triage.wording import Texts, words

Truth = npt.NDArray[np.bool_]

_TOLD: Final = ("message", "evidence", "lasting")


@dataclass(frozen=True)
class Raised:
    """The flags of some children: ``flags`` name by ``entry`` a row of ``entries``.

    An entry with several flags stands once. ``rule`` is the place of the rule among ``rules``.
    """

    rules: tuple[Rule, ...]
    entries: pa.Table
    flags: pa.Table


def raise_flags(
    ruleset: Ruleset,
    rules: Sequence[Rule],
    table: FactTable,
    verdicts: Mapping[str, Verdict],
    is_judged: Truth,
) -> Raised:
    """Return the flags of some rules of a set on the entries that were judged, in words."""
    rows_of = [np.flatnonzero(is_judged & (verdicts[r.id].codes == FLAG_CODE)) for r in rules]
    said = [
        words(rule, ruleset, table, verdicts, rows)
        for rule, rows in zip(rules, rows_of, strict=True)
        if len(rows)
    ]
    is_flagged = np.zeros(len(table), bool)
    for rows in rows_of:
        is_flagged[rows] = True
    place = np.cumsum(is_flagged) - 1
    entry = np.concatenate([np.zeros(0, np.int64), *rows_of])
    rule = np.repeat(np.arange(len(rules)), [len(rows) for rows in rows_of])
    flags = {
        "entry": pa.array(place[entry].astype(np.int32)),
        "rule": pa.array(rule.astype(np.int16)),
        **{name: _together([getattr(one, name) for one in said]) for name in _TOLD},
        "due_on": _masked([one.due for one in said]).view(pa.date32()),
        "overdue_working_days": _masked([one.overdue for one in said]),
    }
    return Raised(tuple(rules), _entries(table, np.flatnonzero(is_flagged)), pa.table(flags))


def _entries(table: FactTable, rows: npt.NDArray[np.int64]) -> pa.Table:
    """Return whose the entries are, and who holds them."""
    entries = table.subject.entries
    return pa.table(
        {
            "child_id": pa.array(entries.child_ids[rows], pa.string()),
            "referral_id": pa.array(entries.ids[rows], pa.string()),
            "referral_date": pa.array(entries.day[rows].astype(np.int32)).view(pa.date32()),
            "team": named(table.subject.column("team"), rows),
            "restricted": pa.array(table.subject.is_restricted[rows]),
        }
    )


def named(column: Column, rows: npt.NDArray[np.int64]) -> pa.Array:
    """Return the texts of a column as a look-up; null where nothing readable stands."""
    places = pa.array(
        column.value[rows].astype(np.int32), mask=column.state[rows] != GIVEN, type=pa.int32()
    )
    return pa.DictionaryArray.from_arrays(places, pa.array(column.names, pa.string()))


def _together(texts: Sequence[Texts]) -> pa.Array:
    """Return the texts of several rules one under another, looked up in one place."""
    starts = np.cumsum([0, *(len(one.texts) for one in texts)])
    which = [one.which + np.int32(start) for one, start in zip(texts, starts, strict=False)]
    return pa.DictionaryArray.from_arrays(
        pa.array(np.concatenate([np.zeros(0, np.int32), *which]).astype(np.int32)),
        pa.concat_arrays([pa.array([], pa.string()), *(one.texts for one in texts)]),
    )


def _masked(columns: Sequence[np.ma.MaskedArray[Any, Any]]) -> pa.Array:
    none = np.zeros(0, np.int32)
    return pa.array(
        np.concatenate([none, *(one.data for one in columns)]).astype(np.int32),
        mask=np.concatenate([none, *(np.ma.getmaskarray(one) for one in columns)]).astype(bool),
    )


def in_order(parts: Iterable[Raised], subject: SubjectName) -> Flags:
    """Return the flags of all parts: critical first, then by date, identifier and rule."""
    parts = list(parts)
    if not parts:
        return Flags(SCHEMA.empty_table())
    starts = np.cumsum([0, *(len(part.entries) for part in parts)])
    entry = np.concatenate(
        [part.flags["entry"].to_numpy() + start for part, start in zip(parts, starts, strict=False)]
    )
    entries = _one([part.entries for part in parts])
    flags = _one([part.flags.drop_columns(["entry"]) for part in parts])
    rules = parts[0].rules
    rule = flags["rule"].to_numpy()
    ranks = np.array([severity_rank(one.severity) for one in rules] or [0], np.int64)
    order = _order(entries, entry, rule, ranks)
    entry, rule = entry[order], rule[order]
    whose = entries.take(pa.array(entry))
    told = flags.drop_columns(["rule"]).take(pa.array(order))
    columns = {
        **{name: whose[name] for name in whose.column_names},
        **{name: told[name] for name in told.column_names},
        "rule": _look_up(rule, [one.id for one in rules]),
        "severity": _look_up(ranks[rule], SEVERITIES),
        "subject": _look_up(np.zeros(len(rule)), [subject]),
    }
    return Flags(pa.table({name: columns[name] for name in SCHEMA.names}).cast(SCHEMA))


def _order(
    entries: pa.Table,
    entry: npt.NDArray[np.int64],
    rule: npt.NDArray[np.int16],
    ranks: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return the places of the flags in order; rules are sorted by their identifiers already."""
    by_date = pc.sort_indices(
        entries.select(["referral_date", "referral_id"]),
        sort_keys=[("referral_date", "ascending"), ("referral_id", "ascending")],
    )
    place = np.empty(len(entries), np.int64)
    place[by_date.to_numpy()] = np.arange(len(entries))
    key = (ranks[rule] * (len(entries) + 1) + place[entry]) * len(ranks) + rule
    return np.argsort(key)


def _one(tables: Sequence[pa.Table]) -> pa.Table:
    """Return several tables as one without seams, texts looked up in one place."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _look_up(places: npt.NDArray[Any], texts: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(places.astype(np.int16)), pa.array(texts, pa.string())
    )
