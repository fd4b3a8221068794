"""Looking over records that are judged apart: what each partition has to tell before any is judged.

A partition's flags hang on little outside it: from when the records of all reach back, on which
day the last but one was made, the household and the written reasons of other children, and which
identifiers were typed elsewhere. Each partition is looked over for that, of a few columns alone;
``Overview`` puts it together, and ``Overview.of`` is what one partition needs of it.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.across import Across, household_days, n_with_same
from triage.calendar import to_day
from triage.entries import Elsewhere, Entries, usable
from triage.reading import Reading
from triage.records import load
from triage.sources.dealt import Numbers, numbers_of
from triage.sources.pieces import Partition, read_pieces
from triage.subject import ReferralSubject
from triage.tables import Source, arrow_texts
from triage.validation import GIVEN, Column, validate

LOOKED_AT: Final = frozenset(
    {
        "child_id",
        "referral_date",
        "referral_id",
        "household_id",
        "rationale_hash",
        "decision_at",
    }
)
"""The columns on which something outside a partition hangs."""

_END_OF_MADE: Final = r"/[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]+"
_EARLIEST: Final = 2

_CLAIMS: Final = pa.schema({"identifier": pa.string(), "input": pa.int32(), "row": pa.int64()})

Whole = npt.NDArray[np.int64]

_SORTED_AT_ONCE: Final = 8_000_000


@dataclass(frozen=True)
class Survey:
    """What one partition has to tell; of referrals up to the date of judgement a row each.

    ``usable`` counts, by the number of the input, its rows and those with a child and a date.
    ``days`` are the distinct days of all its referrals and ``n_of_day`` how many there are of each.
    ``children`` and ``identifiers`` are the distinct ones by their numbers, ``like_made`` the typed
    identifiers that one made for a child who is not here could be. ``household`` and ``rationale``
    are numbers too, 0 where there is none: equal numbers are taken for equal texts.
    """

    usable: dict[int, tuple[int, int]]
    days: npt.NDArray[np.int32]
    n_of_day: Whole
    children: Numbers
    identifiers: Numbers
    like_made: pa.StringArray
    child: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    household: Numbers
    rationale: Numbers


def survey(pieces: Partition, as_of: dt.date, reading: Reading) -> Survey:
    """Return what a partition has to tell of its records.

    Raises:
        InputError: when a file cannot be read.
    """
    sources = read_pieces(pieces, reading, LOOKED_AT)
    loaded = load(sources, as_of, elsewhere=Elsewhere())
    entries = loaded.referrals
    n_rejected = Counter(one.source for one in loaded.problems if one.kind == "rejected")
    days, n_of_day = np.unique(entries.day, return_counts=True)
    subject = ReferralSubject(entries, as_of, as_of)
    typed = _typed(sources)
    return Survey(
        {
            number: (source.n_rows, source.n_rows - n_rejected[source.path])
            for number, source in _numbered(pieces, sources)
        },
        days,
        n_of_day,
        numbers_of(_children(entries)),
        _once(numbers_of(typed)),
        _like_made(typed, entries),
        subject.entries.child.astype(np.int32),
        subject.entries.day,
        _told(subject.column("household_id")),
        _told(subject.column("rationale_hash")),
    )


def _numbered(pieces: Partition, sources: Sequence[Source]) -> Iterator[tuple[int, Source]]:
    """Yield the inputs of a partition with their numbers among all inputs."""
    numbers = dict.fromkeys(piece.number for piece in pieces)
    return zip(numbers, sources, strict=True)


def _children(entries: Entries) -> pa.StringArray:
    """Return the children who have an entry."""
    is_first = np.r_[True, entries.child[1:] != entries.child[:-1]][: len(entries)]
    return entries.child_names.arrow.take(pa.array(entries.child[is_first]))


def _once(numbers: Numbers) -> Numbers:
    """Return each number once; sorting takes a fifth of the time of looking each one up."""
    numbers = np.sort(numbers)
    found: Numbers = numbers[np.r_[True, numbers[1:] != numbers[:-1]][: len(numbers)]]
    return found


def _told(column: Column) -> Numbers:
    """Return the number of each row's text, 0 where nothing readable stands."""
    if not len(column.names):
        return np.zeros(len(column.state), np.uint64)
    numbers = np.maximum(numbers_of(arrow_texts(column.names)), np.uint64(1))
    return np.where(column.state == GIVEN, numbers[column.value], np.uint64(0))


def _typed(sources: Sequence[Source]) -> pa.StringArray:
    """Return the identifiers typed, those of rows that are rejected as well."""
    columns = (source.referrals.columns.get("referral_id") for source in sources)
    typed = [arrow_texts(column.texts).drop_null() for column in columns if column is not None]
    found = pa.concat_arrays([pa.array([], pa.string()), *typed])
    return found.filter(pc.not_equal(found, ""))


def _like_made(typed: pa.StringArray, entries: Entries) -> pa.StringArray:
    """Return the identifiers that one made for a child who has no entry here could be.

    For a child who has, they are seen when identifiers are made: no other partition has the child.
    """
    like = typed.filter(pc.match_substring(typed, "/"))
    like = like.filter(pc.match_substring_regex(like, f"{_END_OF_MADE}$"))
    made_for = pc.replace_substring_regex(like, f"{_END_OF_MADE}$", "")
    return like.filter(pc.invert(pc.is_in(made_for, value_set=_children(entries))))


def claims(pieces: Partition, reading: Reading, asked: Numbers) -> pa.Table:
    """Return where some identifiers were typed in a partition: each, by input and row.

    Only rows that are not rejected count. ``asked`` are the numbers of the identifiers.

    Raises:
        InputError: when a file cannot be read.
    """
    found = [_CLAIMS.empty_table()]
    for number, source in _numbered(pieces, read_pieces(pieces, reading, LOOKED_AT)):
        valid = validate(source.referrals)
        typed = valid.column("referral_id")
        if not len(typed.names):
            continue
        names = arrow_texts(typed.names)
        is_asked = np.isin(numbers_of(names), asked)
        counts = usable(valid.columns, "referral_date") & (typed.state == GIVEN)
        rows = np.flatnonzero(counts & is_asked[typed.value])
        identifiers = names.take(pa.array(typed.value[rows]))
        inputs = np.full(len(rows), number, np.int32)
        columns = [identifiers, pa.array(inputs), pa.array(source.referrals.rows[rows])]
        found.append(pa.table(columns, schema=_CLAIMS))
    return pa.concat_tables(found)


class Overview:
    """What the surveys of all partitions come to."""

    def __init__(self, surveys: Sequence[Survey], as_of: dt.date) -> None:
        self._as_of = to_day(as_of)
        self.has_child_in_two = bool(len(_in_two([one.children for one in surveys])))
        """Whether a child has referrals in two partitions, or may have."""
        self.typed_in_two = _in_two([one.identifiers for one in surveys])
        """The numbers of the identifiers that were typed in two partitions, or may be."""
        # Of a hundred million referrals each of these takes a gigabyte, and is asked for no more.
        nothing = np.zeros(0, np.uint64)
        self._surveys = [replace(one, children=nothing, identifiers=nothing) for one in surveys]
        self._starts = np.cumsum([0, *(len(one.day) for one in surveys)])

    @property
    def usable(self) -> dict[int, tuple[int, int]]:
        """Return, by the number of the input, its rows and those that can be used."""
        found: dict[int, tuple[int, int]] = {}
        for one in self._surveys:
            for number, (n, n_usable) in one.usable.items():
                before = found.get(number, (0, 0))
                found[number] = (before[0] + n, before[1] + n_usable)
        return dict(sorted(found.items()))

    @property
    def first_days(self) -> npt.NDArray[np.int32]:
        """Return the earliest day of any referral and the next one that differs."""
        days = np.unique(np.concatenate([one.days for one in self._surveys]))
        return days[:_EARLIEST]

    @property
    def made_on(self) -> int:
        """Return the latest day but one of all referrals; the date of judgement without two."""
        days = np.concatenate([one.days for one in self._surveys])
        counts = np.concatenate([one.n_of_day for one in self._surveys])
        order = np.argsort(days)[::-1]
        reached = np.flatnonzero(np.cumsum(counts[order]) >= _EARLIEST)
        return int(days[order][reached[0]]) if len(reached) else self._as_of

    def forget_rows(self) -> None:
        """Let go of what was told of each row, when nothing more is asked across children."""
        none, no_numbers = np.zeros(0, np.int32), np.zeros(0, np.uint64)
        self._surveys = [
            replace(one, child=none, day=none, household=no_numbers, rationale=no_numbers)
            for one in self._surveys
        ]

    def elsewhere(self, found: Sequence[pa.Table]) -> list[Elsewhere]:
        """Return, for each partition, what the others have to do with its identifiers.

        ``found`` are the claims of each partition to the identifiers that were typed in two, none
        where there are no such; an identifier belongs to whoever typed it first.
        """
        typed = pa.concat_arrays([one.like_made for one in self._surveys]).unique()
        return [Elsewhere(used, typed) for used in self._used_before(found)]

    def _used_before(self, found: Sequence[pa.Table]) -> list[pa.StringArray]:
        if not found:
            return [pa.array([], pa.string()) for _ in self._surveys]
        whole = pa.concat_tables(found)
        encoded = whole["identifier"].combine_chunks().dictionary_encode()
        code = encoded.indices.to_numpy()
        partition = np.repeat(np.arange(len(found)), [len(one) for one in found])
        order = np.lexsort((whole["row"].to_numpy(), whole["input"].to_numpy(), code))
        first = order[np.unique(code[order], return_index=True)[1]]
        is_other = partition[first][code] != partition
        return [
            encoded.dictionary.take(pa.array(np.unique(code[is_other & (partition == place)])))
            for place in range(len(found))
        ]

    def across(self, *, households: bool, rationale_months: Collection[int]) -> list[Across]:
        """Return, for each partition, what was found across all children."""
        household = self._of_equal("household", household_days, -1) if households else None
        same = {
            months: self._of_equal("rationale", partial(_with_same, months=months), 0)
            for months in rationale_months
        }
        whole = Across(self.made_on, household, same)
        return [whole.part(*rows) for rows in itertools.pairwise(self._starts.tolist())]

    def _of_equal(
        self, name: str, reckon: Callable[[Whole, Whole, Numbers], Whole], nothing: int
    ) -> npt.NDArray[np.int32]:
        """Return what is reckoned of the rows with equal numbers, ``nothing`` where there is none.

        Some of the numbers at a time, so that only a share of all rows is ever sorted.
        """
        n_rows = int(self._starts[-1])
        found = np.full(n_rows, nothing, np.int32)
        n_turns = 1 + n_rows // _SORTED_AT_ONCE
        for turn in range(n_turns):
            children, days, numbers, places = [], [], [], []
            n_children = 0
            for one, start in zip(self._surveys, self._starts.tolist(), strict=False):
                number: Numbers = getattr(one, name)
                rows = np.flatnonzero((number != 0) & (number % np.uint64(n_turns) == turn))
                children.append(one.child[rows].astype(np.int64) + n_children)
                days.append(one.day[rows].astype(np.int64))
                numbers.append(number[rows])
                places.append(rows + start)
                n_children += int(one.child.max(initial=-1)) + 1
            found[np.concatenate(places)] = reckon(
                np.concatenate(children), np.concatenate(days), np.concatenate(numbers)
            )
        return found


def _with_same(child: Whole, day: Whole, text: Numbers, months: int) -> Whole:
    """Return how many referrals in the months up to each one's day have its text, of any child."""
    return n_with_same(day, text, months)


def _in_two(numbers: Sequence[Numbers]) -> Numbers:
    whole = np.concatenate(numbers)
    whole.sort()
    return np.unique(whole[1:][whole[1:] == whole[:-1]])
