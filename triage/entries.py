"""Dated entries of children, one a child and day: referrals, and contacts.

Same child and same day is one entry: the earliest time, then the first read. The others are
collapsed, counted, and their cells not merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.tables import Problem
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

    ``child`` is one number a child; ``day`` is the date as days since 1970. ``order`` is each
    entry's place among all rows read, ``n_rows`` the most rows of one source for it.
    ``events`` are the rows of the tables beside, by the table's name.
    """

    child: Rows
    day: npt.NDArray[np.int32]
    order: Rows
    ids: npt.NDArray[np.object_]
    child_ids: npt.NDArray[np.object_]
    n_rows: Rows
    columns: dict[str, Column]
    events: dict[str, Events] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.day)

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
            self.ids[rows],
            self.child_ids[rows],
            self.n_rows[rows],
            {name: column.take(rows) for name, column in self.columns.items()},
            {name: events.moved(place) for name, events in self.events.items()},
        )


@dataclass(frozen=True)
class Kept:
    """Entries with what became of the rest: the days of collapsed rows, identifiers reused."""

    entries: Entries
    collapsed_days: npt.NDArray[np.int32]
    problems: tuple[Problem, ...]


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
) -> Kept:
    """Return one entry a child and date, with an identifier each.

    ``kind`` names the date column and the identifier column. Of several contacts on one day the
    first that reached a social worker counts, then the first that may have, else the first.
    """
    date, identifier = kind
    is_good = usable(columns, date)
    order = np.flatnonzero(is_good)
    child_column = columns["child_id"].take(order)
    child = child_column.value
    dates = columns[date].take(order)
    day = dates.value.astype(np.int32)
    seconds = np.zeros(len(order), np.int32) if dates.seconds is None else dates.seconds
    if kind == CONTACTS:
        seconds = seconds + 86_400 * _progress_rank(columns, order)
    sorting = np.lexsort((order, seconds, day, child))
    child, day, order = child[sorting], day[sorting], order[sorting]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (child[1:] != child[:-1]) | (day[1:] != day[:-1])
    entry = np.cumsum(is_first) - 1
    typed = columns.get(identifier, absent(len(is_good))).take(order)
    labels = np.asarray(np.array(child_column.names, object)[child], object)
    ids, reused = _identifiers(typed, entry, order, is_first, labels, day)
    what = identifier.removesuffix("_id")
    problems = tuple(
        Problem(
            "problem",
            names[source_of_row[place]],
            int(rows[place]),
            identifier,
            f"'{cut(text)}' was used before for another {what}; this one is {instead}",
        )
        for place, text, instead in reused
    )
    kept = order[is_first]
    entries = Entries(
        child[is_first],
        day[is_first],
        kept,
        ids,
        labels[is_first],
        _rows_of_one_source(entry, source_of_row[order], is_first),
        {name: column.take(kept) for name, column in columns.items()},
    )
    return Kept(entries, day[~is_first], problems)


def _rows_of_one_source(entry: Rows, source: Rows, is_first: npt.NDArray[np.bool_]) -> Rows:
    """Return, for each kept entry, the most rows that one source has for its child and day."""
    n_sources = int(source.max()) + 1 if len(source) else 1
    most = np.zeros(int(is_first.sum()), np.int64)
    pairs, counts = np.unique(entry * n_sources + source, return_counts=True)
    np.maximum.at(most, pairs // n_sources, counts)
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
    labels: npt.NDArray[np.object_],
    day: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.object_], list[tuple[int, str, str]]]:
    """Return each kept entry's identifier, and the rows whose typed one was another's.

    A typed identifier belongs to the entry that used it first in the order read.
    """
    given = typed.state == GIVEN
    owner = np.full(len(typed.names) or 1, -1, np.int64)
    by_reading = np.argsort(order)
    used = by_reading[given[by_reading]]
    first_use = pd.Series(entry[used]).groupby(typed.value[used], sort=False).first()
    owner[first_use.index.to_numpy(np.int64)] = first_use.to_numpy()
    is_own = given & (owner[typed.value] == entry)
    ids = np.empty(int(is_first.sum()), object)
    own = is_first & is_own
    texts = np.array([*typed.names, ""], object)
    ids[entry[own]] = texts[typed.value[own]]
    without = np.flatnonzero(is_first & ~is_own)
    dates = np.datetime_as_string(day[without].astype("datetime64[D]")).astype(object)
    stems = labels[without] + "/" + dates + "/"
    ids[entry[without]] = stems + "1"
    if taken := set(typed.names):
        for place, stem in zip(entry[without].tolist(), stems.tolist(), strict=True):
            number = 1
            while stem + str(number) in taken:
                number += 1
            ids[place] = stem + str(number)
    reused = [
        (int(order[place]), str(texts[typed.value[place]]), str(ids[entry[place]]))
        for place in np.flatnonzero(given & ~is_own).tolist()
    ]
    return ids, sorted(reused)
