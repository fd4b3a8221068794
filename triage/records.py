"""From inputs to one set of referrals: joined, validated, each row read accounted for.

Every row ends in exactly one of: rejected, collapsed duplicate, or kept; what lies after the date
of judgement, and what is only history, is told later from the kept ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.calendar import to_day
from triage.errors import InputError
from triage.schema import COLUMNS
from triage.tables import ChildTable, Problem, Source
from triage.validation import BLANK, GIVEN, UNREADABLE, Column, ValidTable, absent, validate
from triage.vocabulary import counted, cut

Rows = npt.NDArray[np.int64]
EVENT_WITHIN_DAYS = 183
"""An event that names no referral belongs to the child's latest referral at most this many days
before it; Annex A covers six months."""


@dataclass(frozen=True)
class Referrals:
    """The referrals that were kept, sorted by child and date, with typed columns.

    ``child`` is one number a child; ``day`` is the referral date as
    days since 1970. ``order`` is each referral's place among all rows read.
    """

    child: Rows
    day: npt.NDArray[np.int32]
    order: Rows
    referral_ids: npt.NDArray[np.object_]
    child_ids: npt.NDArray[np.object_]
    columns: dict[str, Column]

    def __len__(self) -> int:
        """Return the number of referrals."""
        return len(self.day)

    def column(self, name: str) -> Column:
        """Return a column; one that no source carries is absent in every row."""
        return self.columns.get(name) or absent(len(self))


@dataclass(frozen=True)
class Loaded:
    """All that the inputs gave: referrals, counts by fate, and every problem of every row."""

    sources: tuple[Source, ...]
    referrals: Referrals
    n_read: int
    n_rejected: int
    collapsed_days: npt.NDArray[np.int32]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def carried(self) -> frozenset[str]:
        """Return the columns that at least one source carries."""
        return frozenset(self.referrals.columns)


def load(sources: Sequence[Source], as_of: dt.date) -> Loaded:
    """Return the referrals of all sources together.

    ``as_of`` is only used to choose the latest oversight note that had been made by then.

    Raises:
        InputError: when every row of one input has to be rejected.
    """
    parts = [_validated(source, as_of) for source in sources]
    notes = [note for source in sources for note in source.notes]
    problems = [problem for part in parts for problem in part.problems]
    notes += _query_notes(problems)
    columns = _concatenated([part.columns for part in parts], [len(p.raw) for p in parts])
    n_read = sum(len(part.raw) for part in parts)
    source_of_row = np.repeat(np.arange(len(parts)), [len(part.raw) for part in parts])
    rows = np.concatenate([part.raw.rows for part in parts])
    names = [part.raw.source for part in parts]

    is_good = (columns["child_id"].state == GIVEN) & (columns["referral_date"].state == GIVEN)
    for number, source in enumerate(sources):
        if not is_good[source_of_row == number].any():
            _refuse(source, parts[number])
    referrals, collapsed, reused = _kept(columns, is_good, source_of_row, rows, names)
    problems += reused
    return Loaded(
        tuple(sources),
        referrals,
        n_read,
        int((~is_good).sum()),
        collapsed,
        tuple(problems),
        tuple(notes),
    )


def _refuse(source: Source, table: ValidTable) -> None:
    """Raise InputError for an input of which no row is left."""
    first = next(problem for problem in table.problems if problem.kind == "rejected")
    raise InputError(
        f"{source.path}: every one of its {counted(len(table.raw), 'row')} had to be rejected "
        f"(row {first.row}, {first.column}: {first.message}); check the file and export it again."
    )


def _validated(source: Source, as_of: dt.date) -> ValidTable:
    """Return a source's referrals with the columns of the tables beside them."""
    main = validate(source.referrals, rejects=True, earliest_referral=source.earliest_referral)
    columns = dict(main.columns)
    problems = list(main.problems)
    for child in source.children:
        keys = ("referral_id", "child_id", "referral_date", child.event)
        beside = validate(child.table, (*child.carries, *keys))
        problems += beside.problems
        matched = _match(child, beside, main)
        if child.match_by != "child_and_event":
            problems += _unmatched(child, matched)
        chosen = _chosen(child, beside, matched, len(main.raw), as_of)
        for name in child.carries:
            columns[name] = _spread(beside.columns[name], chosen, child.is_complete)
    return replace(main, columns=columns, problems=tuple(problems))


def _unmatched(child: ChildTable, matched: Rows) -> list[Problem]:
    key = "referral_id" if child.match_by == "referral_id" else "child_id"
    message = "matches no referral; the row was not used"
    return [
        Problem("problem", child.table.source, row, key, message)
        for row in child.table.rows[matched < 0].tolist()
    ]


def _match(child: ChildTable, beside: ValidTable, main: ValidTable) -> Rows:
    """Return, for each row beside, the number of the referral's key it belongs to, or -1.

    A key stands for every referral row that bears it, so that same-day duplicates share it.
    """
    if child.match_by == "referral_id":
        keys, ours = _text(main.column("referral_id")), _text(beside.column("referral_id"))
    else:
        keys = _text(main.column("child_id")) + _date_key(main.column("referral_date"))
        if child.match_by == "child_and_event" and child.event != "referral_date":
            return _nearest(child, beside, main)
        ours = _text(beside.column("child_id")) + _date_key(beside.column("referral_date"))
    first = pd.Series(np.arange(len(keys)), index=keys)
    first = first[(first.index != "") & ~first.index.duplicated()]
    return first.reindex(ours, fill_value=-1).to_numpy(np.int64)


def _text(column: Column) -> npt.NDArray[np.object_]:
    names = np.array([*column.names, ""], object)
    return np.asarray(names[np.where(column.state == GIVEN, column.value, -1)], object)


def _date_key(column: Column) -> npt.NDArray[np.object_]:
    given = column.state == GIVEN
    return np.where(given, np.char.add("\n", column.value.astype(str)), "\nnone").astype(object)


def _nearest(child: ChildTable, beside: ValidTable, main: ValidTable) -> Rows:
    """Return each event's referral: the child's latest on or before it, within the limit."""
    theirs, ours = _text(beside.column("child_id")), _text(main.column("child_id"))
    children = pd.factorize(np.concatenate([theirs, ours]))[0]
    left = pd.DataFrame(
        {
            "child": children[: len(theirs)],
            "day": beside.column(child.event).value,
            "is_dated": beside.column(child.event).state == GIVEN,
            "row": np.arange(len(beside.raw)),
        }
    )
    dates = main.column("referral_date")
    right = pd.DataFrame(
        {
            "child": children[len(theirs) :],
            "day": dates.value,
            "referral": np.arange(len(main.raw)),
        }
    )[dates.state == GIVEN]
    found = pd.merge_asof(
        left[left["is_dated"] & (theirs != "")].sort_values("day", kind="stable"),
        right.sort_values("day", kind="stable").drop_duplicates(["child", "day"]),
        on="day",
        by="child",
        tolerance=EVENT_WITHIN_DAYS,
    )
    matched = np.full(len(beside.raw), -1, np.int64)
    hit = found["referral"].notna()
    matched[found.loc[hit, "row"].to_numpy(np.int64)] = found.loc[hit, "referral"].to_numpy(
        np.int64
    )
    return matched


def _chosen(child: ChildTable, beside: ValidTable, matched: Rows, n: int, as_of: dt.date) -> Rows:
    """Return, for each referral row, the row beside that counts, or -1."""
    event = beside.column(child.event)
    usable = matched >= 0
    if child.chooses == "last":
        usable &= ~((event.state == GIVEN) & (event.value > to_day(as_of)))
    frame = pd.DataFrame(
        {
            "key": matched,
            "undated": np.where(event.state == GIVEN, 0, 1),
            "day": event.value if child.chooses == "first" else -event.value,
            "row": np.arange(len(matched)),
        }
    )[usable]
    frame = frame.sort_values(["key", "undated", "day", "row"]).drop_duplicates("key")
    chosen = np.full(n, -1, np.int64)
    chosen[frame["key"].to_numpy()] = frame["row"].to_numpy()
    return chosen


def _spread(column: Column, chosen: Rows, is_complete: bool) -> Column:
    taken = column.take(np.maximum(chosen, 0)) if len(column.state) else absent(len(chosen))
    without = BLANK if is_complete else UNREADABLE
    state = np.where(chosen >= 0, taken.state, without).astype(np.uint8)
    return Column(state, taken.value, column.names, taken.seconds)


def _concatenated(parts: list[dict[str, Column]], sizes: list[int]) -> dict[str, Column]:
    if len(parts) == 1:
        return parts[0]
    columns = {}
    for name in COLUMNS:
        if not any(name in part for part in parts):
            continue
        pieces = [part.get(name) or absent(n) for part, n in zip(parts, sizes, strict=True)]
        names: dict[str, int] = {}
        values = []
        for piece in pieces:
            if piece.names:
                places = [names.setdefault(text, len(names)) for text in piece.names]
                values.append(np.array(places, np.int64)[piece.value])
            else:
                values.append(piece.value)
        is_event = COLUMNS[name].kind == "event"
        seconds = [
            np.zeros(len(p.state), np.int32) if p.seconds is None else p.seconds for p in pieces
        ]
        columns[name] = Column(
            np.concatenate([piece.state for piece in pieces]),
            np.concatenate(values),
            tuple(names),
            np.concatenate(seconds) if is_event else None,
        )
    return columns


def _kept(
    columns: dict[str, Column],
    is_good: npt.NDArray[np.bool_],
    source_of_row: npt.NDArray[np.int64],
    rows: Rows,
    names: list[str],
) -> tuple[Referrals, npt.NDArray[np.int32], list[Problem]]:
    """Return one referral a child and date, the days of collapsed rows, and identifiers reused."""
    order = np.flatnonzero(is_good)
    child_column = columns["child_id"].take(order)
    child = child_column.value
    dates = columns["referral_date"].take(order)
    day = dates.value.astype(np.int32)
    seconds = np.zeros(len(order), np.int32) if dates.seconds is None else dates.seconds
    sorting = np.lexsort((order, seconds, day, child))
    child, day, order = child[sorting], day[sorting], order[sorting]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (child[1:] != child[:-1]) | (day[1:] != day[:-1])
    referral = np.cumsum(is_first) - 1
    typed = columns.get("referral_id", absent(len(is_good))).take(order)
    labels = np.asarray(np.array(child_column.names, object)[child], object)
    ids, reused = _identifiers(typed, referral, order, is_first, labels, day)
    problems = [
        Problem(
            "problem",
            names[source_of_row[place]],
            int(rows[place]),
            "referral_id",
            f"'{cut(text)}' was used before for another referral; this one is {instead}",
        )
        for place, text, instead in reused
    ]
    kept = order[is_first]
    referrals = Referrals(
        child[is_first],
        day[is_first],
        kept,
        ids,
        labels[is_first],
        {name: column.take(kept) for name, column in columns.items()},
    )
    return referrals, day[~is_first], problems


def _identifiers(
    typed: Column,
    referral: Rows,
    order: Rows,
    is_first: npt.NDArray[np.bool_],
    labels: npt.NDArray[np.object_],
    day: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.object_], list[tuple[int, str, str]]]:
    """Return each kept referral's identifier, and the rows whose typed one was another's.

    A typed identifier belongs to the referral that used it first in the order read.
    """
    given = typed.state == GIVEN
    owner = np.full(len(typed.names) or 1, -1, np.int64)
    by_reading = np.argsort(order)
    used = by_reading[given[by_reading]]
    first_use = pd.Series(referral[used]).groupby(typed.value[used], sort=False).first()
    owner[first_use.index.to_numpy(np.int64)] = first_use.to_numpy()
    is_own = given & (owner[typed.value] == referral)
    ids = np.empty(int(is_first.sum()), object)
    own = is_first & is_own
    texts = np.array([*typed.names, ""], object)
    ids[referral[own]] = texts[typed.value[own]]
    without = np.flatnonzero(is_first & ~is_own)
    dates = np.datetime_as_string(day[without].astype("datetime64[D]")).astype(object)
    stems = labels[without] + "/" + dates + "/"
    ids[referral[without]] = stems + "1"
    if taken := set(typed.names):
        for place, stem in zip(referral[without].tolist(), stems.tolist(), strict=True):
            number = 1
            while stem + str(number) in taken:
                number += 1
            ids[place] = stem + str(number)
    reused = [
        (int(order[place]), str(texts[typed.value[place]]), str(ids[referral[place]]))
        for place in np.flatnonzero(given & ~is_own).tolist()
    ]
    return ids, sorted(reused)


def _query_notes(problems: list[Problem]) -> list[str]:
    """Return one sentence for each cross-field check that some row fails, with its count."""
    counts: dict[str, int] = {}
    for problem in problems:
        if problem.kind == "query":
            counts[problem.message] = counts.get(problem.message, 0) + 1
    return [f"{sentence}: {counted(n, 'row')}, judged as typed" for sentence, n in counts.items()]
