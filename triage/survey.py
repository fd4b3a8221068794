"""Looking over records that are judged apart: what each partition has to tell before any is judged.

A partition's flags hang on little outside it: from when the records of all reach back, on which
day the last but one was made, the household and the written reasons of other children, and which
identifiers were typed elsewhere. Each partition is looked over for that, of a few columns alone;
``Overview`` puts it together, and ``Overview.of`` is what one partition needs of it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from triage.across import Across, household_days, n_with_same
from triage.calendar import to_day
from triage.entries import Elsewhere
from triage.reading import Reading
from triage.records import load
from triage.sources.pieces import Numbers, Partition, numbers_of, read_pieces
from triage.subject import ReferralSubject
from triage.tables import arrow_texts
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

_MADE: Final = re.compile(r"(.*)/[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]+")
_EARLIEST: Final = 2

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Survey:
    """What one partition has to tell; of referrals up to the date of judgement a row each.

    ``usable`` counts, by the number of the input, its rows and those with a child and a date.
    ``days`` are the distinct days of all its referrals and ``n_of_day`` how many there are of each.
    ``children`` and ``identifiers`` are the distinct ones by their numbers, ``like_made`` the typed
    identifiers that could be taken for one made for another child. ``household`` and ``rationale``
    are numbers too, 0 where there is none.
    """

    usable: dict[int, tuple[int, int]]
    carried: frozenset[str]
    days: npt.NDArray[np.int32]
    n_of_day: Whole
    children: Numbers
    identifiers: Numbers
    like_made: tuple[str, ...]
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
    rejected = [one.source for one in loaded.problems if one.kind == "rejected"]
    usable = {}
    for number, source in zip(dict.fromkeys(one.number for one in pieces), sources, strict=True):
        n = len(source.referrals)
        usable[number] = (n, n - rejected.count(source.path))
    days, n_of_day = np.unique(entries.day, return_counts=True)
    subject = ReferralSubject(entries, as_of, as_of)
    typed, like_made = _typed(sources)
    return Survey(
        usable,
        entries.carried,
        days,
        n_of_day,
        np.unique(numbers_of(entries.child_names.arrow)[np.unique(entries.child)]),
        typed,
        like_made,
        subject.entries.child.astype(np.int32),
        subject.entries.day,
        _told(subject.column("household_id")),
        _told(subject.column("rationale_hash")),
    )


def _told(column: Column) -> Numbers:
    """Return the number of each row's text, 0 where nothing readable stands."""
    if not len(column.names):
        return np.zeros(len(column.state), np.uint64)
    numbers = np.maximum(numbers_of(arrow_texts(column.names)), np.uint64(1))
    return np.where(column.state == GIVEN, numbers[column.value], np.uint64(0))


def _typed(sources: Sequence[Any]) -> tuple[Numbers, tuple[str, ...]]:
    """Return the numbers of the identifiers typed, and those that look made for another child."""
    numbers = [np.zeros(0, np.uint64)]
    like_made: set[str] = set()
    for source in sources:
        typed = source.referrals.columns.get("referral_id")
        if typed is None:
            continue
        texts = arrow_texts(typed.texts)
        numbers.append(numbers_of(texts.filter(pc.not_equal(texts, ""))))
        like = pc.match_substring_regex(texts, r"/[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]+$")
        codes = np.flatnonzero(like.to_numpy(zero_copy_only=False))
        if len(codes):
            rows = np.flatnonzero(np.isin(typed.codes, codes))
            child = source.referrals.columns["child_id"].at(rows)
            for text, own in zip(typed.at(rows), child, strict=True):
                made = _MADE.fullmatch(str(text))
                if made and made[1] != own:
                    like_made.add(str(text))
    return np.unique(np.concatenate(numbers)), tuple(sorted(like_made))


@dataclass(frozen=True)
class Claim:
    """Who typed an identifier where: input and row (the order of reading), child and day."""

    identifier: str
    at: tuple[int, int]
    child_id: str
    day: int


def claims(pieces: Partition, reading: Reading, asked: Numbers) -> list[Claim]:
    """Return who first typed each of some identifiers in a partition.

    Raises:
        InputError: when a file cannot be read.
    """
    first: dict[str, Claim] = {}
    sources = read_pieces(pieces, reading, LOOKED_AT)
    for number, source in zip(dict.fromkeys(one.number for one in pieces), sources, strict=True):
        typed = source.referrals.columns.get("referral_id")
        if typed is None:
            continue
        texts = arrow_texts(typed.texts)
        codes = np.flatnonzero(np.isin(numbers_of(texts), asked))
        valid = validate(source.referrals, rejects=True)
        child, date = valid.column("child_id"), valid.column("referral_date")
        usable = (child.state == GIVEN) & (date.state == GIVEN)
        rows = np.flatnonzero(
            usable & np.isin(typed.codes, codes) & (valid.column("referral_id").state == GIVEN)
        )
        for row, text in zip(rows.tolist(), typed.at(rows), strict=True):
            name = child.names[child.value[row]]
            at = (number, int(source.referrals.rows[row]))
            claim = Claim(str(text), at, name, int(date.value[row]))
            first.setdefault(claim.identifier, claim)
    return list(first.values())


class Overview:
    """What the surveys of all partitions come to."""

    def __init__(self, surveys: Sequence[Survey], as_of: dt.date) -> None:
        self._as_of = to_day(as_of)
        self._surveys = surveys
        self._ends = np.cumsum([0, *(len(one.day) for one in surveys)])

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
    def carried(self) -> frozenset[str]:
        """Return the columns that any input carries, of those looked at."""
        return frozenset().union(*(one.carried for one in self._surveys))

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

    @property
    def has_child_in_two(self) -> bool:
        """Return whether a child has referrals in two partitions, or may have."""
        return bool(len(_in_two([one.children for one in self._surveys])))

    @property
    def typed_in_two(self) -> Numbers:
        """Return the numbers of the identifiers that were typed in two partitions, or may be."""
        return _in_two([one.identifiers for one in self._surveys])

    def elsewhere(self, found: Iterable[Claim]) -> Elsewhere:
        """Return to whom identifiers belong that were typed in several places: to the first."""
        first: dict[str, Claim] = {}
        for claim in sorted(found, key=lambda one: one.at):
            first.setdefault(claim.identifier, claim)
        like_made = {text for one in self._surveys for text in one.like_made}
        return Elsewhere(
            {name: (claim.child_id, claim.day) for name, claim in first.items()},
            tuple(sorted(like_made)),
        )

    def across(self, *, households: bool, rationale_months: Collection[int]) -> list[Across]:
        """Return, for each partition, what was found across all children."""
        day = np.concatenate([one.day for one in self._surveys]).astype(np.int64)
        household = None
        if households:
            household = household_days(self._children(), day, self._of_all("household"))
            household = household.astype(np.int32)
        rationale = self._of_all("rationale") if rationale_months else np.zeros(0, np.uint64)
        same = {
            months: n_with_same(day, rationale, months).astype(np.int32)
            for months in rationale_months
        }
        whole = Across(self.made_on, household, same)
        return [
            whole.part(start, stop)
            for start, stop in zip(self._ends[:-1].tolist(), self._ends[1:].tolist(), strict=True)
        ]

    def _of_all(self, name: str) -> Numbers:
        return np.concatenate([getattr(one, name) for one in self._surveys])

    def _children(self) -> Whole:
        """Return a number for each row's child; no two partitions share a child."""
        n_before = 0
        found = []
        for one in self._surveys:
            found.append(one.child.astype(np.int64) + n_before)
            n_before += int(one.child.max(initial=-1)) + 1
        return np.concatenate(found)


def _in_two(numbers: Sequence[Numbers]) -> Numbers:
    whole = np.concatenate(numbers)
    whole.sort()
    return np.unique(whole[1:][whole[1:] == whole[:-1]])
