"""Dated entries of children, one a child and day: referrals, and contacts.

Same child and same day is one entry: the earliest time, then the first read. The others are
collapsed, counted, and their cells not merged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.tables import Problem, Texts, arrow_texts
from triage.threads import at_once
from triage.validation import GIVEN, Column, absent
from triage.vocabulary import CONTACT_PROGRESSED, cut

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """Rows of a table that lies beside the referrals, sorted by owner.

    ``owner`` is the place of the referral that each row belongs to; for what belongs to a child
    and to no referral (early help) it is the child's number.
    """

    owner: Rows
    columns: dict[str, Column]
    is_of_child: bool = False

    def column(self, name: str) -> Column:
        """Return a column; one that is not carried is absent in every row."""
        return self.columns.get(name) or absent(len(self.owner))

    def take(self, rows: Rows) -> Events:
        """Return some of the rows."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        return replace(self, owner=self.owner[rows], columns=columns)

    def moved(self, place: Rows) -> Events:
        """Return the rows with owner i at ``place[i]``; those whose owner is gone (-1) are not."""
        if self.is_of_child:
            return self
        rows = np.flatnonzero(place[self.owner] >= 0)
        kept = self.take(rows)
        return replace(kept, owner=place[kept.owner])


@dataclass(frozen=True)
class Entries:
    """The entries that were kept, sorted by child and date, with typed columns.

    ``child`` is one number a child, its place in ``child_names``; ``day`` is the date as days since
    1970. ``order`` is each entry's place among all rows read, ``n_rows`` the most rows of one
    source for it. ``identity`` is the place of each entry's identifier in ``identifiers``, which
    may hold others too. ``events`` are the rows of the tables beside, by the table's name.
    """

    child: Rows
    day: npt.NDArray[np.int32]
    order: Rows
    identity: npt.NDArray[np.int32]
    identifiers: Texts[str]
    child_names: Texts[str]
    n_rows: Rows
    columns: dict[str, Column]
    events: dict[str, Events] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.day)

    @cached_property
    def ids(self) -> npt.NDArray[np.object_]:
        """Return each entry's identifier, as Python strings."""
        return _strings(self.identifiers, self.identity)

    @cached_property
    def child_ids(self) -> npt.NDArray[np.object_]:
        """Return the identifier of each entry's child, as Python strings."""
        return _strings(self.child_names, self.child)

    def column(self, name: str) -> Column:
        """Return a column; one that no source carries is absent in every row."""
        return self.columns.get(name) or absent(len(self))

    @property
    def carried(self) -> frozenset[str]:
        """Return the columns that at least one source carries, in the tables beside as well."""
        beside = (events.columns for events in self.events.values())
        return frozenset(self.columns).union(*beside)

    def until(self, as_of: int) -> Entries:
        """Return the entries dated up to ``as_of``."""
        rows = np.flatnonzero(self.day <= as_of)
        if len(rows) == len(self):
            return self
        place = np.full(len(self), -1, np.int64)
        place[rows] = np.arange(len(rows))
        return Entries(
            self.child[rows],
            self.day[rows],
            self.order[rows],
            self.identity[rows],
            self.identifiers,
            self.child_names,
            self.n_rows[rows],
            {name: column.take(rows) for name, column in self.columns.items()},
            {name: events.moved(place) for name, events in self.events.items()},
        )


def _strings(texts: Texts[str], codes: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    taken = texts.arrow.take(pa.array(codes))
    return np.asarray(taken.to_numpy(zero_copy_only=False), object)


def _none() -> pa.StringArray:
    return pa.array([], pa.string())


@dataclass(frozen=True)
class Elsewhere:
    """What rows that are read apart have to do with identifiers here.

    ``used_before`` are the identifiers typed here that other rows, of other children, typed first;
    ``typed`` are those typed elsewhere that one made here could be.
    """

    used_before: pa.StringArray = field(default_factory=_none)
    typed: pa.StringArray = field(default_factory=_none)


NOTHING: Final = Elsewhere()
"""All is read together."""


@dataclass(frozen=True)
class Kept:
    """Entries with what became of the rest: the days of collapsed rows, identifiers reused."""

    entries: Entries
    collapsed_days: npt.NDArray[np.int32]
    problems: tuple[Problem, ...]


REUSED: Final = "an identifier that another bears already"
REFERRALS: Final = ("referral_date", "referral_id")
CONTACTS: Final = ("contact_date", "contact_id")


def usable(columns: dict[str, Column], date: str) -> npt.NDArray[np.bool_]:
    """Return where a row has a child and a date; the others are rejected."""
    given = (columns["child_id"].state == GIVEN) & (columns[date].state == GIVEN)
    return np.asarray(given, bool)


def keep(
    columns: dict[str, Column],
    source_of_row: Rows,
    rows: Rows,
    names: Sequence[str],
    kind: tuple[str, str],
    elsewhere: Elsewhere = NOTHING,
) -> Kept:
    """Return one entry a child and date, with an identifier each.

    ``kind`` names the date column and the identifier column. Of several contacts on one day the
    first that reached a social worker counts, then the first that may have, else the first.
    """
    date, identifier = kind
    is_good = usable(columns, date)
    order = np.flatnonzero(is_good)
    child_column, dates = columns["child_id"].take(order), columns[date].take(order)
    child, day = child_column.value, dates.value.astype(np.int32)
    seconds = np.zeros(len(order), np.int32) if dates.seconds is None else dates.seconds
    if kind == CONTACTS:
        seconds = seconds + 86_400 * _progress_rank(columns, order)
    sorting = _sorting(child, day, seconds)
    child, day, order = child[sorting], day[sorting], order[sorting]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (child[1:] != child[:-1]) | (day[1:] != day[:-1])
    entry = np.cumsum(is_first) - 1
    typed = columns.get(identifier, absent(len(is_good))).take(order)
    child_names = Texts[str](arrow_texts(child_column.names))
    identity, identifiers, is_reused = _identifiers(
        typed,
        entry,
        order,
        is_first,
        lambda places: _stems(child_names, child, day, places),
        elsewhere,
    )
    reused = np.flatnonzero(is_reused)
    reused = reused[np.argsort(order[reused])]
    what, typed_of = identifier.removesuffix("_id"), typed.value
    problems = tuple(
        Problem(
            "problem",
            names[source_of_row[order[place]]],
            int(rows[order[place]]),
            identifier,
            f"'{cut(typed.names[typed_of[place]])}' was used before for another {what}; "
            f"this one is {identifiers[identity[entry[place]]]}",
            REUSED,
        )
        for place in reused.tolist()
    )
    kept, n = order[is_first], len(is_good)
    entries = Entries(
        child[is_first],
        day[is_first],
        kept,
        identity,
        identifiers,
        child_names,
        _rows_of_one_source(entry, source_of_row[order], is_first),
        dict(zip(columns, at_once(lambda one: one.take(kept), columns.values(), n), strict=True)),
    )
    return Kept(entries, day[~is_first], problems)


def _sorting(child: Rows, day: npt.NDArray[np.int32], seconds: npt.NDArray[Any]) -> Rows:
    """Return the places by child, day and seconds, equal ones in the order they have.

    Where the three and the place fit into 63 bits, which is so for ten years of a country without
    times, one number each is sorted, ten times as fast as by four keys.
    """
    n = len(child)
    parts = [child, day.astype(np.int64), seconds.astype(np.int64), np.arange(n)]
    lows = [int(part.min(initial=0)) for part in parts]
    bits = [
        int(part.max(initial=0) - low).bit_length() for part, low in zip(parts, lows, strict=True)
    ]
    if sum(bits) > 63:
        return np.lexsort((seconds, day, child))
    key = np.zeros(n, np.int64)
    for part, low, width in zip(parts, lows, bits, strict=True):
        key <<= width
        key |= part - low
    key.sort()
    return key & ((1 << bits[-1]) - 1)


def _rows_of_one_source(entry: Rows, source: Rows, is_first: npt.NDArray[np.bool_]) -> Rows:
    """Return, for each kept entry, the most rows that one source has for its child and day."""
    n_sources = int(source.max()) + 1 if len(source) else 1
    n_entries = int(is_first.sum())
    most = np.zeros(n_entries, np.int64)
    for number in range(n_sources):
        of_source = entry if n_sources == 1 else entry[source == number]
        np.maximum(most, np.bincount(of_source, minlength=n_entries), out=most)
    return most


def _progress_rank(columns: dict[str, Column], rows: Rows) -> Rows:
    """Return 0 for contacts that reached a social worker, 1 where that is unknown, 2 if not."""
    outcome = columns.get("contact_outcome", absent(len(columns["child_id"].state))).take(rows)
    is_progress = np.array([name in CONTACT_PROGRESSED for name in outcome.names] or [False], bool)
    return np.where(outcome.state != GIVEN, 1, np.where(is_progress[outcome.value], 0, 2))


def _identifiers(
    typed: Column,
    entry: Rows,
    order: Rows,
    is_first: npt.NDArray[np.bool_],
    stems: Callable[[Rows], pa.StringArray],
    elsewhere: Elsewhere,
) -> tuple[npt.NDArray[np.int32], Texts[str], npt.NDArray[np.bool_]]:
    """Return each kept entry's identifier, and where a typed one was another's.

    The identifiers are places among the texts that are returned beside them: those typed, then
    those made, of ``stems`` of the entries' first rows. A typed one belongs to the entry that used
    it first in the order read, which may be one ``elsewhere``.
    """
    given, value = typed.state == GIVEN, typed.value
    names = arrow_texts(typed.names)
    owner = np.full(len(names) or 1, -1, np.int64)
    entry_of_row = np.full(int(order.max(initial=-1)) + 1, -1, np.int64)
    value_of_row = np.zeros(len(entry_of_row), np.int64)
    entry_of_row[order[given]], value_of_row[order[given]] = entry[given], value[given]
    used = np.flatnonzero(entry_of_row >= 0)[::-1]
    owner[value_of_row[used]] = entry_of_row[used]  # Of several, the last to be put there stays.
    if len(elsewhere.used_before):
        owner[np.flatnonzero(pc.is_in(names, value_set=elsewhere.used_before))] = -1
    is_own = given & (owner[value] == entry)
    identity = value[is_first].astype(np.int32)
    without = np.flatnonzero(~is_own[is_first])
    identity[without] = len(names) + np.arange(len(without))
    taken = pa.concat_arrays([names, elsewhere.typed])
    made = _made(stems(np.flatnonzero(is_first)[without]), taken)
    return identity, Texts(pa.concat_arrays([names, made])), given & ~is_own


def _stems(
    child_names: Texts[str], child: Rows, day: npt.NDArray[np.int32], places: Rows
) -> pa.StringArray:
    """Return what identifiers that are made begin with: the child and the day."""
    days, which = np.unique(day[places], return_inverse=True)
    dates = pa.array(np.datetime_as_string(days.astype("datetime64[D]")).tolist(), pa.string())
    of_child = child_names.arrow.take(pa.array(child[places]))
    return pc.binary_join_element_wise(of_child, dates.take(pa.array(which)), "", "/")


def _made(stems: pa.StringArray, typed: pa.StringArray) -> pa.StringArray:
    """Return an identifier for each stem: the first number with it that none of ``typed`` is."""
    found = pc.binary_join_element_wise(stems, "1", "")
    number = 1
    while (is_taken := _is_in(found, typed)).true_count:
        number += 1
        found = pc.if_else(is_taken, pc.binary_join_element_wise(stems, str(number), ""), found)
    return found


def _is_in(few: pa.StringArray, many: pa.StringArray) -> pa.BooleanArray:
    """Return which of a few texts are among many; a table is made of the few alone."""
    return pc.is_in(few, value_set=many.filter(pc.is_in(many, value_set=few)))
