"""From verdicts to flags: those of each part of the records, and all of them in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.facts import FactTable, SubjectName
from triage.flagged import Flagged, Masked, flagged, together
from triage.flags import SCHEMA, Flags, Places
from triage.judging import FLAG_CODE, Verdict
from triage.rules import Rule
from triage.ruleset import Ruleset, severity_rank
from triage.tables import arrow_texts
from triage.validation import GIVEN, Column
from triage.vocabulary import SEVERITIES
from triage.wording import Texts, words

Truth = npt.NDArray[np.bool_]

_TOLD: Final = ("message", "evidence", "lasting")


@dataclass(frozen=True)
class Raised:
    """The flags of some children: by rule, the entries that it flags, as rows of ``entries``.

    An entry with several flags stands once. ``rules`` are those that were asked, ``flagged`` has
    what each of them flags.
    """

    rules: tuple[Rule, ...]
    entries: pa.Table
    flagged: tuple[Flagged, ...]

    def nothing(self) -> Raised:
        """Return no flags of the same rules."""
        nobody = tuple(one.nothing() for one in self.flagged)
        # A slice of no rows would hold on to all of them.
        return Raised(self.rules, self.entries.schema.empty_table(), nobody)


def raise_flags(
    rules: Sequence[Rule], table: FactTable, verdicts: Mapping[str, Verdict], is_judged: Truth
) -> Raised:
    """Return the flags of some rules on the entries that were judged."""
    found = [
        flagged(rule, table, verdicts, np.flatnonzero(codes))
        for rule in rules
        for codes in [is_judged & (verdicts[rule.id].codes == FLAG_CODE)]
    ]
    is_flagged = np.zeros(len(table), bool)
    for one in found:
        is_flagged[one.rows] = True
    place = np.cumsum(is_flagged) - 1
    return Raised(
        tuple(rules),
        _entries(table, np.flatnonzero(is_flagged)),
        tuple(replace(one, rows=place[one.rows].astype(np.int32)) for one in found),
    )


def _entries(table: FactTable, rows: npt.NDArray[np.int64]) -> pa.Table:
    """Return whose the entries are, and who holds them."""
    entries = table.subject.entries
    return pa.table(
        {
            "child_id": entries.child_names.arrow.take(pa.array(entries.child[rows])),
            "referral_id": entries.identifiers.arrow.take(pa.array(entries.identity[rows])),
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
    return pa.DictionaryArray.from_arrays(places, arrow_texts(column.names))


def in_order(parts: Sequence[Raised], ruleset: Ruleset, subject: SubjectName) -> Flags:
    """Return the flags of all parts: critical first, then by date, identifier and rule."""
    starts = np.cumsum([0, *(len(part.entries) for part in parts)])
    rules = parts[0].rules
    found = [
        together(
            [
                replace(part.flagged[place], rows=part.flagged[place].rows + np.int32(start))
                for part, start in zip(parts, starts, strict=False)
            ]
        )
        for place in range(len(rules))
    ]
    whole = _Ordered(
        ruleset,
        rules,
        pa.concat_tables([part.entries for part in parts]).unify_dictionaries().combine_chunks(),
        found,
        subject,
    )
    return Flags((whole, whole.order()))


class _Ordered:
    """The flags of a whole judgement, by the number that each of them has in the order of rules."""

    def __init__(
        self,
        ruleset: Ruleset,
        rules: Sequence[Rule],
        entries: pa.Table,
        found: Sequence[Flagged],
        subject: SubjectName,
    ) -> None:
        self._ruleset, self._rules, self._subject = ruleset, rules, subject
        self._entries, self._found = entries, found
        self._ends = np.cumsum([len(one.rows) for one in found])
        self._ranks = np.array([severity_rank(rule.severity) for rule in rules] or [0], np.int64)

    def _rule_at(self, places: Places) -> Places:
        return np.searchsorted(self._ends, places, "right")

    def is_of(self, places: Places, rules: Collection[str]) -> Truth:
        """Return which flags are of some rules."""
        wanted = np.array([rule.id in rules for rule in self._rules] or [False], bool)
        return np.ones(len(places), bool) if wanted.all() else wanted[self._rule_at(places)]

    def order(self) -> Places:
        """Return the numbers of the flags in order; rules are sorted by identifier already."""
        entry = np.concatenate([np.zeros(0, np.int64), *(one.rows for one in self._found)])
        by_date = pc.sort_indices(
            self._entries.select(["referral_date", "referral_id"]),
            sort_keys=[("referral_date", "ascending"), ("referral_id", "ascending")],
        )
        place = np.empty(len(self._entries), np.int64)
        place[by_date.to_numpy()] = np.arange(len(self._entries))
        rule = np.repeat(np.arange(len(self._rules)), [len(one.rows) for one in self._found])
        key = (self._ranks[rule] * (len(place) + 1) + place[entry]) * len(self._ranks) + rule
        return np.argsort(key)

    def table(self, places: Places, *, to_store: bool) -> pa.Table:
        """Return flags in words, as columns."""
        rule = self._rule_at(places)
        firsts = self._ends - [len(one.rows) for one in self._found]
        asked = [np.flatnonzero(rule == number) for number in range(len(self._rules))]
        found = [
            one.only(places[at] - first)
            for one, at, first in zip(self._found, asked, firsts, strict=True)
        ]
        # Where each flag asked for stands when they are taken rule by rule.
        order = np.empty(len(places), np.int64)
        order[np.concatenate([np.zeros(0, np.int64), *asked])] = np.arange(len(places))
        said = [
            words(own, self._ruleset, one, to_store=to_store)
            for own, one in zip(self._rules, found, strict=True)
        ]
        entry = np.concatenate([np.zeros(0, np.int64), *(one.rows for one in found)])[order]
        whose = self._entries.take(pa.array(entry))
        told = [name for name in _TOLD if to_store or name != "lasting"]
        columns = {
            **{name: whose[name] for name in whose.column_names},
            **{name: _told([one[name] for one in said], order) for name in told},
            "due_on": _masked([one.due for one in found], order).view(pa.date32()),
            "overdue_working_days": _masked([one.overdue for one in found], order),
            "rule": _look_up(rule, [one.id for one in self._rules]),
            "severity": _look_up(self._ranks[rule], SEVERITIES),
            "subject": _look_up(np.zeros(len(rule)), [self._subject]),
        }
        schema = pa.schema(field for field in SCHEMA if field.name in columns)
        return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def _told(texts: Sequence[Texts], order: Places) -> pa.Array:
    """Return the texts of several rules in the order of the flags, looked up in one place."""
    starts = np.cumsum([0, *(len(one.texts) for one in texts)])
    which = [one.which + np.int32(start) for one, start in zip(texts, starts, strict=False)]
    return pa.DictionaryArray.from_arrays(
        pa.array(np.concatenate([np.zeros(0, np.int32), *which]).astype(np.int32)[order]),
        pa.concat_arrays([pa.array([], pa.string()), *(one.texts for one in texts)]),
    )


def _masked(columns: Sequence[Masked], order: Places) -> pa.Array:
    none = np.zeros(0, np.int32)
    values = np.concatenate([none, *(one.data for one in columns)]).astype(np.int32)
    is_masked = np.concatenate([none, *(np.ma.getmaskarray(one) for one in columns)]).astype(bool)
    return pa.array(values[order], mask=is_masked[order])


def _look_up(places: npt.NDArray[Any], texts: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(places.astype(np.int16)), pa.array(texts, pa.string())
    )
