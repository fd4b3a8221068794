"""What the tables beside the referrals say of each referral, and which of several rows counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.calendar import to_day
from triage.matching import (
    BY_IDENTIFIER,
    EARLIER,
    NONE,
    SAME_DAY,
    Matched,
    Rows,
    match,
    may_have_one,
    moment,
    rows_of,
    text,
)
from triage.schema import COLUMNS
from triage.tables import ChildTable, Extract, Problem, Source
from triage.validation import (
    BLANK,
    GIVEN,
    UNREAD,
    UNTOLD,
    Column,
    ValidTable,
    absent,
    validate,
)
from triage.vocabulary import counted


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
class Join:
    """How the rows of one table beside the referrals were matched to them.

    ``longest_days`` is the longest time from a referral to a row that was matched to it as the
    child's latest one before.
    """

    source: str
    table: str
    n_rows: int
    n_by_identifier: int
    n_same_day: int
    n_earlier: int
    n_unmatched: int
    longest_days: int

    def as_json(self) -> dict[str, Any]:
        """Return the counts as outside scripts read them."""
        return asdict(self)

    def sentence(self) -> str:
        """Return the counts in words."""
        ways = (
            (self.n_by_identifier, "by identifier"),
            (self.n_same_day, "on the referral's own day"),
            (
                self.n_earlier,
                f"to an earlier referral (at most {counted(self.longest_days, 'day')})",
            ),
            (self.n_unmatched, "to none"),
        )
        told = ", ".join(f"{n:,} {how}" for n, how in ways if n) or "none"
        return f"{self.source}: {counted(self.n_rows, 'row')} joined: {told}"


@dataclass(frozen=True)
class Joined:
    """Referrals with the columns of the tables beside them, the rows over time, and the counts."""

    main: ValidTable
    beside: tuple[Beside, ...]
    joins: tuple[Join, ...]


def join(source: Source, as_of: dt.date, within: int) -> Joined:
    """Return a source's referrals, validated, with what the tables beside them carry.

    ``as_of`` is only used to choose the latest oversight note that had been made by then;
    ``within`` is the number of days in which an event that names no referral is joined to one.
    """
    main = validate(source.referrals, rejects=True, earliest_referral=source.earliest_referral)
    joined = Joined(main, (), ())
    for children in _by_kind(source.children):
        joined = _with_tables(joined, children, as_of, within)
    return joined


def _by_kind(children: Iterable[ChildTable]) -> list[list[ChildTable]]:
    """Return the tables that count as one together: extracts of one kind, each other alone."""
    found: dict[str | int, list[ChildTable]] = {}
    for place, child in enumerate(children):
        found.setdefault(child.name if child.match_by == "extract" else place, []).append(child)
    return list(found.values())


def join_extracts(
    extracts: Sequence[Extract],
    columns: dict[str, Column],
    n_rows: int,
    as_of: dt.date,
    within: int,
) -> Joined:
    """Return the referrals of all inputs with what the extracts beside them carry.

    Extracts of one kind, such as two years' decisions, are one table.
    """
    joined = Joined(rows_of(columns, n_rows), (), ())
    for children in _by_kind(child for extract in extracts for child in extract.children):
        joined = _with_tables(joined, children, as_of, within)
    return joined


def _with_tables(
    joined: Joined, children: Sequence[ChildTable], as_of: dt.date, within: int
) -> Joined:
    """Return the referrals with one table beside them, which may have come in several parts."""
    main, first = joined.main, children[0]
    parts = [_validated(child) for child in children]
    sizes = [len(part.raw) for part in parts]
    problems = [problem for part in parts for problem in part.problems]
    carried = concatenated([part.columns for part in parts], sizes)
    kept = {name for child in children for name in child.keeps}
    over_time = {name: column for name, column in carried.items() if name in kept}
    if first.match_by == "child":
        nobody = np.full(sum(sizes), -1, np.int64)
        ids = text(carried.get("child_id") or absent(sum(sizes)))
        beside = Beside(first.name, over_time, nobody, nobody, ids)
        main = replace(main, problems=(*main.problems, *problems))
        return replace(joined, main=main, beside=(*joined.beside, beside))
    by_name = any("referral_id" in part.raw.columns for part in parts)
    matches = [
        match(child, part, main, within, by_name=by_name)
        for child, part in zip(children, parts, strict=True)
    ]
    for child, matched in zip(children, matches, strict=True):
        if child.match_by != "child_and_event" or child.name:
            problems += _unmatched(child, matched, main, within)
    key = np.concatenate([matched.key for matched in matches])
    key_of_row = matches[0].key_of_row
    event = carried.get(first.event) or absent(sum(sizes))
    chosen = _chosen(first, event, key, len(main.raw), as_of)[key_of_row]
    chosen = np.where(key_of_row >= 0, chosen, -1)
    is_none = np.full(len(main.raw), first.is_complete)
    for child, part, matched in zip(children, parts, matches, strict=True):
        is_none &= ~may_have_one(child, part, main, matched)
    columns = dict(main.columns)
    for name in dict.fromkeys(name for child in children for name in child.carries):
        columns[name] = _spread(carried[name], chosen, is_none)
    return Joined(
        replace(main, columns=columns, problems=(*main.problems, *problems)),
        (*joined.beside, *([Beside(first.name, over_time, key, key_of_row)] if over_time else [])),
        (*joined.joins, *(_join(c, m) for c, m in zip(children, matches, strict=True))),
    )


def _validated(child: ChildTable) -> ValidTable:
    keys = ("referral_id", "child_id", "referral_date", child.event)
    return validate(child.table, (*child.carries, *child.keeps, *keys))


def _join(child: ChildTable, matched: Matched) -> Join:
    def matched_as(how: int) -> int:
        return int((matched.how == how).sum())

    return Join(
        child.table.source,
        child.name,
        len(matched.key),
        matched_as(BY_IDENTIFIER),
        matched_as(SAME_DAY),
        matched_as(EARLIER),
        matched_as(NONE),
        int(matched.days[matched.how == EARLIER].max(initial=0)),
    )


def _unmatched(child: ChildTable, matched: Matched, main: ValidTable, within: int) -> list[Problem]:
    """Return a problem for each row that belongs to no referral, with what was looked for."""
    key = "referral_id" if child.match_by == "referral_id" else "child_id"
    message = "matches no referral; the row was not used"
    if child.match_by == "extract":
        message = (
            f"matches no referral of the child on its day or in the {counted(within, 'day')} "
            "before; the row was not used"
        )
    return [
        Problem("problem", child.table.source, row, key, message)
        for row in child.table.rows[matched.key < 0].tolist()
    ]


def _chosen(child: ChildTable, event: Column, matched: Rows, n: int, as_of: dt.date) -> Rows:
    """Return, for each key, the row beside that counts, or -1."""
    is_usable = matched >= 0
    if child.chooses == "last":
        is_usable &= ~((event.state == GIVEN) & (event.value > to_day(as_of)))
    frame = pd.DataFrame(
        {
            "key": matched,
            "rank": _rank(event, child.chooses, to_day(as_of)),
            "moment": moment(event) if child.chooses == "first" else -moment(event),
            "row": np.arange(len(matched)),
        }
    )[is_usable]
    frame = frame.sort_values(["key", "rank", "moment", "row"]).drop_duplicates("key")
    chosen = np.full(n, -1, np.int64)
    chosen[frame["key"].to_numpy()] = frame["row"].to_numpy()
    return chosen


def _rank(event: Column, chooses: str, as_of: int) -> Rows:
    """Return which rows count before others: what cannot be read may have been the one.

    Of first events, one that has happened, then one that may have, then what lies later or is
    blank; of latest ones, one that cannot be read first, since it may be the latest.
    """
    is_given, is_unread = event.state == GIVEN, np.isin(event.state, UNREAD)
    if chooses == "last":
        return np.where(is_unread, 0, np.where(is_given, 1, 2))
    return np.select([is_given & (event.value <= as_of), is_unread, is_given], [0, 1, 2], 3)


def _spread(column: Column, chosen: Rows, is_none: npt.NDArray[np.bool_]) -> Column:
    """Return a column of the chosen rows; without one, blank where that is known, else untold."""
    taken = column.take(np.maximum(chosen, 0)) if len(column.state) else absent(len(chosen))
    without = np.where(is_none, BLANK, UNTOLD)
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
