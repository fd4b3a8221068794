"""Which referral a row of a table beside the referrals belongs to, and which row counts for it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.calendar import to_day
from triage.schema import COLUMNS
from triage.tables import ChildTable, Problem, Source
from triage.validation import BLANK, GIVEN, UNREADABLE, Column, ValidTable, absent, validate

Rows = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
EVENT_WITHIN_DAYS: Final = 183
"""An event that names no referral belongs to the child's latest referral at most this many days
before it; Annex A covers six months."""


@dataclass(frozen=True)
class Beside:
    """The rows of a table beside the referrals that are kept over time.

    ``key`` is the row of the referral table that each belongs to, -1 for none; ``key_of_row`` is
    the first row that bears the same key as each row of the referral table. What belongs to a
    child alone has neither, and ``child_ids`` instead.
    """

    name: str
    columns: dict[str, Column]
    key: Rows
    key_of_row: Rows
    child_ids: npt.NDArray[np.object_] | None = None


@dataclass(frozen=True)
class Joined:
    """A source's referrals with the columns of the tables beside them, and the rows over time."""

    main: ValidTable
    beside: tuple[Beside, ...]


def join(source: Source, as_of: dt.date) -> Joined:
    """Return a source's referrals, validated, with what the tables beside them carry.

    ``as_of`` is only used to choose the latest oversight note that had been made by then.
    """
    main = validate(source.referrals, rejects=True, earliest_referral=source.earliest_referral)
    columns = dict(main.columns)
    problems = list(main.problems)
    kept: list[Beside] = []
    for child in source.children:
        keys = ("referral_id", "child_id", "referral_date", child.event)
        valid = validate(child.table, (*child.carries, *child.keeps, *keys))
        problems += valid.problems
        over_time = {name: valid.columns[name] for name in child.keeps if name in valid.columns}
        if child.match_by == "child":
            nobody = np.full(len(valid.raw), -1, np.int64)
            ids = _text(valid.column("child_id"))
            kept.append(Beside(child.name, over_time, nobody, nobody, ids))
            continue
        matched, key_of_row = _match(child, valid, main)
        if child.match_by != "child_and_event" or child.name:
            problems += _unmatched(child, matched)
        chosen = _chosen(child, valid, matched, len(main.raw), as_of)[key_of_row]
        chosen = np.where(key_of_row >= 0, chosen, -1)
        for name in child.carries:
            columns[name] = _spread(valid.columns[name], chosen, child.is_complete)
        if over_time:
            kept.append(Beside(child.name, over_time, matched, key_of_row))
    main = replace(main, columns=columns, problems=tuple(problems))
    return Joined(main, tuple(kept))


def _unmatched(child: ChildTable, matched: Rows) -> list[Problem]:
    key = "referral_id" if child.match_by == "referral_id" else "child_id"
    message = "matches no referral; the row was not used"
    return [
        Problem("problem", child.table.source, row, key, message)
        for row in child.table.rows[matched < 0].tolist()
    ]


def _match(child: ChildTable, beside: ValidTable, main: ValidTable) -> tuple[Rows, Rows]:
    """Return the key of each row beside and of each referral row; -1 is none.

    A key is the first referral row that bears it, and stands for every row that does, so that
    same-day duplicates share it.
    """
    by_date = _text(main.column("child_id")) + _date_key(main.column("referral_date"))
    if child.match_by == "referral_id":
        return _by_identifier(child, beside, main, by_date)
    if child.match_by == "child_and_event" and child.event != "referral_date":
        return _nearest(child, beside, main)
    ours = _text(beside.column("child_id")) + _date_key(beside.column("referral_date"))
    return _first_places(by_date, ours), _first_places(by_date, by_date)


def _first_places(keys: Texts, sought: Texts) -> Rows:
    """Return the first place of each sought key, or -1."""
    first = pd.Series(np.arange(len(keys)), index=keys)
    first = first[(first.index != "") & ~first.index.duplicated()]
    return first.reindex(sought, fill_value=-1).to_numpy(np.int64)


def _by_identifier(
    child: ChildTable, beside: ValidTable, main: ValidTable, by_date: Texts
) -> tuple[Rows, Rows]:
    """Return the keys where rows name their referral; without a name, by child and date.

    A name that several referrals bear is the first one's; where a row names its child and date as
    well, those decide. The others go by child and date, as if they had no name. A row without a
    name in a table without referral dates goes by child and the event's date.
    """
    ids = _text(main.column("referral_id"))
    owner = _first_places(ids, ids)
    is_own = (owner >= 0) & (by_date[owner] == by_date)
    nameless = np.where(is_own, "", by_date).astype(object)
    key_of_row = np.where(is_own, owner, _first_places(nameless, nameless))
    theirs = _text(beside.column("referral_id"))
    named = _first_places(ids, theirs)
    if "referral_date" in beside.raw.columns:
        dated = _text(beside.column("child_id")) + _date_key(beside.column("referral_date"))
        earliest = np.argsort(_moment(main.column("referral_date")), kind="stable")
        place = _first_places(by_date[earliest], dated)
        same_day = np.where(place >= 0, earliest[place], -1)
    else:
        same_day = _nearest(child, beside, main)[0]
    is_shared = np.isin(theirs, np.unique(ids[(ids != "") & ~is_own].astype(str)))
    is_said = (same_day >= 0) & (ids[same_day] == theirs)
    use_date = ((theirs == "") | (is_shared & is_said)) & (same_day >= 0)
    return np.where(use_date, key_of_row[same_day], named), key_of_row


def _text(column: Column) -> npt.NDArray[np.object_]:
    names = np.array([*column.names, ""], object)
    return np.asarray(names[np.where(column.state == GIVEN, column.value, -1)], object)


def _date_key(column: Column) -> npt.NDArray[np.object_]:
    given = column.state == GIVEN
    return np.where(given, np.char.add("\n", column.value.astype(str)), "\nnone").astype(object)


def _nearest(child: ChildTable, beside: ValidTable, main: ValidTable) -> tuple[Rows, Rows]:
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
    firsts = right.drop_duplicates(["child", "day"])
    found = pd.merge_asof(
        left[left["is_dated"] & (theirs != "")].sort_values("day", kind="stable"),
        firsts.sort_values("day", kind="stable"),
        on="day",
        by="child",
        tolerance=EVENT_WITHIN_DAYS,
    )
    matched = np.full(len(beside.raw), -1, np.int64)
    hit = found["referral"].notna()
    matched[found.loc[hit, "row"].to_numpy(np.int64)] = found.loc[hit, "referral"].to_numpy(
        np.int64
    )
    key_of_row = np.full(len(main.raw), -1, np.int64)
    key_of_row[right["referral"]] = right.groupby(["child", "day"])["referral"].transform("first")
    return matched, key_of_row


def _chosen(child: ChildTable, beside: ValidTable, matched: Rows, n: int, as_of: dt.date) -> Rows:
    """Return, for each key, the row beside that counts, or -1."""
    event = beside.column(child.event)
    is_usable = matched >= 0
    if child.chooses == "last":
        is_usable &= ~((event.state == GIVEN) & (event.value > to_day(as_of)))
    frame = pd.DataFrame(
        {
            "key": matched,
            "rank": _rank(event, child.chooses, to_day(as_of)),
            "moment": _moment(event) if child.chooses == "first" else -_moment(event),
            "row": np.arange(len(matched)),
        }
    )[is_usable]
    frame = frame.sort_values(["key", "rank", "moment", "row"]).drop_duplicates("key")
    chosen = np.full(n, -1, np.int64)
    chosen[frame["key"].to_numpy()] = frame["row"].to_numpy()
    return chosen


def _moment(column: Column) -> Rows:
    """Return each day with its time as seconds, so that events of one day have an order."""
    seconds = 0 if column.seconds is None else column.seconds
    return np.asarray(column.value * 86_400 + seconds, np.int64)


def _rank(event: Column, chooses: str, as_of: int) -> Rows:
    """Return which rows count before others: what cannot be read may have been the one.

    Of first events, one that has happened, then one that may have, then what lies later or is
    blank; of latest ones, one that cannot be read first, since it may be the latest.
    """
    is_given, is_unread = event.state == GIVEN, event.state == UNREADABLE
    if chooses == "last":
        return np.where(is_unread, 0, np.where(is_given, 1, 2))
    return np.select([is_given & (event.value <= as_of), is_unread, is_given], [0, 1, 2], 3)


def _spread(column: Column, chosen: Rows, is_complete: bool) -> Column:
    taken = column.take(np.maximum(chosen, 0)) if len(column.state) else absent(len(chosen))
    without = BLANK if is_complete else UNREADABLE
    state = np.where(chosen >= 0, taken.state, without).astype(np.uint8)
    return Column(state, taken.value, column.names, taken.seconds)


def concatenated(parts: list[dict[str, Column]], sizes: list[int]) -> dict[str, Column]:
    """Return the columns of several tables one under another; what one lacks is absent there."""
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
