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
from functools import cached_property
from typing import Any, Final, Protocol, overload

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from triage.facts import SubjectName

Places = npt.NDArray[np.int64]

_AT_ONCE: Final = 8_192
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
that without the clocks that run on from night to night and the facts that are only told. The last
is made for the store alone, which tells by it whether a finding is still the same."""


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


class Told(Protocol):
    """Flags that can be put into words: what a judgement knows of them."""

    def table(self, places: Places, *, to_store: bool) -> pa.Table:
        """Return the flags at some places as columns (``SCHEMA``)."""

    def is_of(self, places: Places, rules: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return which of them are flags of some rules."""


class Flags(Sequence[Flag]):
    """Flags in the order of the contract, put into words when somebody asks for them."""

    def __init__(self, *pieces: tuple[Told, Places]) -> None:
        self._pieces = pieces

    @cached_property
    def table(self) -> pa.Table:
        """Return all of them as columns (``SCHEMA``)."""
        return self._in_words(to_store=False)

    @cached_property
    def table_to_store(self) -> pa.Table:
        """Return all of them as columns, with what each lastingly rests on beside them."""
        return self._in_words(to_store=True)

    def _in_words(self, *, to_store: bool) -> pa.Table:
        schema = SCHEMA if to_store else SCHEMA.remove(SCHEMA.get_field_index("lasting"))
        pieces = [(told, places) for told, places in self._pieces if len(places)]
        tables = [told.table(places, to_store=to_store) for told, places in pieces]
        return pa.concat_tables(tables or [schema.empty_table()])

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(len(places) for _, places in self._pieces)

    @overload
    def __getitem__(self, place: int) -> Flag: ...
    @overload
    def __getitem__(self, place: slice) -> Flags: ...
    def __getitem__(self, place: int | slice) -> Flag | Flags:
        """Return one flag, or some of them; no others are put into words."""
        if not isinstance(place, slice):
            at = range(len(self))[place]
            return next(iter(self[at : at + 1]))
        start, stop, step = place.indices(len(self))
        if step != 1:
            raise ValueError("flags are taken one after another")
        pieces = []
        for told, places in self._pieces:
            pieces.append((told, places[max(start, 0) : max(stop, 0)]))
            start, stop = start - len(places), stop - len(places)
        return Flags(*pieces)

    def __iter__(self) -> Iterator[Flag]:
        """Yield each flag as an object, some thousands made at a time."""
        whole = self.table
        for start in range(0, len(self), _AT_ONCE):
            for row in whole.slice(start, _AT_ONCE).to_pylist():
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
        return Flags(*self._pieces, *other._pieces)

    def of_rules(self, rules: Collection[str]) -> Flags:
        """Return the flags of some rules, in the same order."""
        return Flags(*((told, places[told.is_of(places, rules)]) for told, places in self._pieces))


def plain(table: pa.Table) -> pa.Table:
    """Return a table with each text written out instead of looked up."""
    return table.cast(
        pa.schema(
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in table.schema
        )
    )


def compact(table: pa.Table) -> pa.Table:
    """Return some rows of a table with only the texts that they use in their look-ups.

    The texts stand in the order in which the rows first have them, so that equal rows are equal to
    the byte, however they were put together.
    """
    # Texts that lie in one place need not be compared to be put there.
    is_one = all(column.num_chunks <= 1 for column in table.columns)
    whole = (table if is_one else table.unify_dictionaries()).combine_chunks()
    columns = [
        _compact(column.combine_chunks()) if pa.types.is_dictionary(column.type) else column
        for column in whole.columns
    ]
    return pa.table(columns, schema=table.schema)


def _compact(column: pa.DictionaryArray) -> pa.DictionaryArray:
    places = column.indices
    is_null = np.asarray(places.is_null().to_numpy(zero_copy_only=False), bool)
    held = places.fill_null(0).to_numpy()
    again, used = pd.factorize(held[~is_null])
    numbers = np.zeros(len(places), np.int64)
    numbers[~is_null] = again
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers, column.type.index_type, mask=is_null if is_null.any() else None),
        column.dictionary.take(pa.array(used)),
    )
