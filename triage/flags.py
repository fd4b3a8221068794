"""Flags: one rule on one referral each, held as columns, in the order of the contract.

A year of England has more than a million flags. Held as an Arrow table they cost no Python object
a flag, are sorted, written and stored as they lie, and travel between processes as they are; one
by one they are ``Flag`` objects.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from triage.facts import SubjectName

_WORD: Final = pa.dictionary(pa.int16(), pa.string())
_TEXT: Final = pa.dictionary(pa.int32(), pa.string())

SCHEMA: Final = pa.schema(
    [
        pa.field("rule", _WORD, nullable=False),
        pa.field("severity", _WORD, nullable=False),
        pa.field("child_id", pa.string(), nullable=False),
        pa.field("referral_id", pa.string(), nullable=False),
        pa.field("referral_date", pa.date32(), nullable=False),
        pa.field("team", _TEXT),
        pa.field("message", _TEXT, nullable=False),
        pa.field("due_on", pa.date32()),
        pa.field("overdue_working_days", pa.int32()),
        pa.field("evidence", _TEXT, nullable=False),
        pa.field("lasting", _TEXT, nullable=False),
        pa.field("restricted", pa.bool_(), nullable=False),
        pa.field("subject", _WORD, nullable=False),
    ]
)
"""The columns of flags. ``evidence`` and ``lasting`` are JSON objects: what a flag rests on, and
that without the clocks that run on from night to night and the facts that are only told."""


@dataclass(frozen=True)
class Flag:
    """One rule on one referral, with its words and what they rest on.

    Of a rule that judges contacts, ``referral_id`` and ``referral_date`` are the contact's.
    """

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
    subject: SubjectName = "referral"

    def as_json(self) -> dict[str, Any]:
        """Return the flag as outside scripts read it; a contact's says so."""
        found = {
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
        return found if self.subject == "referral" else {**found, "subject": self.subject}


class Flags(Sequence[Flag]):
    """Flags in the order of the contract; ``table`` holds them as columns (``SCHEMA``)."""

    _AT_ONCE: Final = 8_192

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        """Return how many there are."""
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, place: int) -> Flag: ...
    @overload
    def __getitem__(self, place: slice) -> Flags: ...
    def __getitem__(self, place: int | slice) -> Flag | Flags:
        """Return one flag, or some of them."""
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step == 1:
                return Flags(self.table.slice(start, max(stop - start, 0)))
            return Flags(self.table.take(pa.array(range(start, stop, step), pa.int64())))
        at = range(len(self))[place]
        return next(iter(Flags(self.table.slice(at, 1))))

    def __iter__(self) -> Iterator[Flag]:
        """Yield each flag as an object, some thousands made at a time."""
        told = self.table.drop_columns(["lasting"])
        for start in range(0, len(self), self._AT_ONCE):
            for row in told.slice(start, self._AT_ONCE).to_pylist():
                row["evidence"] = json.loads(row["evidence"])
                yield Flag(**row)

    def __eq__(self, other: object) -> bool:
        """Return whether others are the same flags in the same order."""
        if isinstance(other, Flags):
            return bool(plain(self.table).equals(plain(other.table)))
        return isinstance(other, tuple | list) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Flags) -> Flags:
        """Return these flags with others behind them."""
        return Flags(pa.concat_tables([self.table, other.table]))

    def of_rules(self, rules: Collection[str]) -> Flags:
        """Return the flags of some rules, in the same order."""
        if len(self) and not is_among(self.table["rule"], rules).all():
            return Flags(self.table.filter(pa.array(is_among(self.table["rule"], rules))))
        return self

    def severities(self) -> dict[str, int]:
        """Return how many flags there are of each severity that any has."""
        return counts(self.table["severity"])


def none_at_all() -> Flags:
    """Return no flags."""
    return Flags(SCHEMA.empty_table())


def plain(table: pa.Table) -> pa.Table:
    """Return a table with each text written out instead of looked up."""
    return table.cast(
        pa.schema(
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in table.schema
        )
    )


def is_among(column: pa.ChunkedArray, wanted: Collection[str]) -> Any:
    """Return, for each cell of a column of words, whether it is one of those wanted."""
    pieces = [
        np.array([word in wanted for word in chunk.dictionary.to_pylist()] or [False], bool)[
            chunk.indices.to_numpy(zero_copy_only=False)
        ]
        for chunk in column.chunks
    ]
    return np.concatenate([np.zeros(0, bool), *pieces])


def counts(column: pa.ChunkedArray) -> dict[str, int]:
    """Return how often each word of a column occurs."""
    found = pc.value_counts(column)
    return {one["values"]: one["counts"] for one in found.to_pylist()}


def compact(table: pa.Table) -> pa.Table:
    """Return some rows of a table with only the texts that they use in their look-ups."""
    columns = [
        _compact(column) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)


def _compact(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    places = whole.indices
    is_there = np.zeros(len(whole.dictionary), bool)
    is_there[pc.drop_null(places).to_numpy()] = True
    again = (np.cumsum(is_there) - 1).astype(np.int32)
    used = pa.array(np.flatnonzero(is_there))
    found = pa.DictionaryArray.from_arrays(
        pa.array(again).take(places), whole.dictionary.take(used)
    )
    return found.cast(column.type)
