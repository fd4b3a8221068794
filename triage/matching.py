"""Which referral each row of a table beside the referrals belongs to, and how that was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.tables import ChildTable, RawTable
from triage.validation import GIVEN, UNREAD, Column, ValidTable, absent

Rows = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
How = npt.NDArray[np.int8]
NONE: Final = 0
BY_IDENTIFIER: Final = 1
SAME_DAY: Final = 2
EARLIER: Final = 3
"""How a row was matched: by the referral's identifier, to a referral of the same day, or to the
child's latest referral before it."""


@dataclass(frozen=True)
class Matched:
    """The referral row that each row beside belongs to, as a key; -1 for none.

    A key is the first referral row that bears it and stands for every row that does
    (``key_of_row``), so that same-day duplicates share it. ``days`` lie between the referral and
    the row, where the match was by date.
    """

    key: Rows
    key_of_row: Rows
    how: How
    days: Rows


@dataclass(frozen=True)
class _Dated:
    """Rows matched by child and date: the place of the referral, or -1, and the days between."""

    place: Rows
    days: Rows

    @property
    def how(self) -> How:
        """Return how each row was matched."""
        found = np.where(self.days == 0, SAME_DAY, EARLIER)
        return np.where(self.place >= 0, found, NONE).astype(np.int8)

    def or_else(self, other: _Dated) -> _Dated:
        """Return these matches, with those of ``other`` where there is none."""
        is_found = self.place >= 0
        return _Dated(
            np.where(is_found, self.place, other.place), np.where(is_found, self.days, other.days)
        )


def match(
    child: ChildTable, beside: ValidTable, main: ValidTable, within: int, *, by_name: bool
) -> Matched:
    """Return the referral of each row of a table beside, in the way the table says.

    ``within`` is the number of days before an event in which the referral of a row that names none
    is looked for: the child's latest one. With ``by_name`` the rows of an extract, or of another
    part of it, may name their referral.
    """
    has_names = by_name and "referral_id" in main.columns
    if child.match_by == "referral_id" or (child.match_by == "extract" and has_names):
        return _by_identifier(child, beside, main, within)
    dated = _by_date(child, beside, main, within)
    return Matched(dated.place, _first_places(*[_day_keys(main)] * 2), dated.how, dated.days)


def may_have_one(
    child: ChildTable, beside: ValidTable, main: ValidTable, matched: Matched
) -> npt.NDArray[np.bool_]:
    """Return the referrals that a row beside may belong to that could be matched to none.

    A row whose date cannot be read may be the event of any of its child's referrals, so of those
    it cannot be said that they had none.
    """
    if child.match_by not in ("extract", "child_and_event"):
        return np.zeros(len(main.raw), bool)
    dates = ("referral_date", child.event)
    is_unread = np.any([np.isin(beside.column(name).state, UNREAD) for name in dates], axis=0)
    is_unread &= text(beside.column("referral_id")) == ""
    lost = text(beside.column("child_id"))[is_unread & (matched.how == NONE)]
    ours = text(main.column("child_id"))
    return np.asarray(np.isin(ours.astype(str), lost.astype(str)) & (ours != ""), bool)


def _by_date(child: ChildTable, beside: ValidTable, main: ValidTable, within: int) -> _Dated:
    """Return the referrals of rows by child and date.

    A row with the date of its referral goes by that; in an extract, where no referral bears that
    date, by the date of the event, as a row without one does.
    """
    event = beside.column(child.event)
    if child.match_by == "child_and_referral_date" or child.event == "referral_date":
        return _nearest(beside, beside.column("referral_date"), main, 0)
    if child.match_by != "extract":
        if "referral_date" in beside.raw.columns:
            return _nearest(beside, beside.column("referral_date"), main, 0)
        return _nearest(beside, event, main, within)
    referred = beside.column("referral_date")
    same_day = _nearest(beside, referred, main, 0)
    by_event = _nearest(beside, event, main, within)
    return same_day.or_else(by_event).or_else(_nearest(beside, referred, main, within))


def _nearest(beside: ValidTable, dates: Column, main: ValidTable, within: int) -> _Dated:
    """Return each row's referral: the child's latest on or before its date, within the days."""
    theirs, ours = text(beside.column("child_id")), text(main.column("child_id"))
    children = pd.factorize(np.concatenate([theirs, ours]))[0]
    left = pd.DataFrame(
        {"child": children[: len(theirs)], "day": dates.value, "row": np.arange(len(theirs))}
    )[(dates.state == GIVEN) & (theirs != "")]
    referred = main.column("referral_date")
    right = pd.DataFrame(
        {
            "child": children[len(theirs) :],
            "day": referred.value,
            "referral": np.arange(len(ours)),
            "on": referred.value,
        }
    )[(referred.state == GIVEN) & (ours != "")]
    found = pd.merge_asof(
        left.sort_values("day", kind="stable"),
        right.drop_duplicates(["child", "day"]).sort_values("day", kind="stable"),
        on="day",
        by="child",
        tolerance=within,
    )
    found = found[found["referral"].notna()]
    place, days = np.full(len(theirs), -1, np.int64), np.zeros(len(theirs), np.int64)
    rows = found["row"].to_numpy(np.int64)
    place[rows] = found["referral"].to_numpy(np.int64)
    days[rows] = (found["day"] - found["on"]).to_numpy(np.int64)
    return _Dated(place, days)


def _by_identifier(child: ChildTable, beside: ValidTable, main: ValidTable, within: int) -> Matched:
    """Return the keys where rows name their referral; without a name, by child and date.

    A name that several referrals bear is the first one's; where a row names its child and date as
    well, those decide. The others go by child and date, as if they had no name.
    """
    days_of_main = _day_keys(main)
    ids = text(main.column("referral_id"))
    owner = _first_places(ids, ids)
    is_own = (owner >= 0) & (days_of_main[owner] == days_of_main)
    nameless = np.where(is_own, "", days_of_main).astype(object)
    key_of_row = np.where(is_own, owner, _first_places(nameless, nameless))
    theirs = text(beside.column("referral_id"))
    named = _first_places(ids, theirs)
    dated = _by_date(child, beside, main, within)
    place = _earliest_of_day(main, days_of_main)[dated.place]
    same_day = np.where(dated.place >= 0, place, -1)
    is_shared = np.isin(theirs, np.unique(ids[(ids != "") & ~is_own].astype(str)))
    is_said = (same_day >= 0) & (ids[same_day] == theirs)
    use_date = ((theirs == "") | (is_shared & is_said)) & (same_day >= 0)
    how = np.where(use_date, dated.how, np.where(named >= 0, BY_IDENTIFIER, NONE))
    return Matched(
        np.where(use_date, key_of_row[same_day], named),
        key_of_row,
        how.astype(np.int8),
        np.where(use_date, dated.days, 0),
    )


def _earliest_of_day(main: ValidTable, days_of_main: Texts) -> Rows:
    """Return, for each referral row, the one of the same child and day that counts."""
    if not len(days_of_main):
        return np.zeros(0, np.int64)
    by_time = np.argsort(moment(main.column("referral_date")), kind="stable")
    place = _first_places(days_of_main[by_time], days_of_main)
    return np.where(place >= 0, by_time[place], np.arange(len(days_of_main)))


def _first_places(keys: Texts, sought: Texts) -> Rows:
    """Return the first place of each sought key, or -1."""
    first = pd.Series(np.arange(len(keys)), index=keys)
    first = first[(first.index != "") & ~first.index.duplicated()]
    return first.reindex(sought, fill_value=-1).to_numpy(np.int64)


def _day_keys(table: ValidTable) -> Texts:
    """Return one text a child and referral date for each row."""
    dates = table.column("referral_date")
    given = dates.state == GIVEN
    day = np.where(given, np.char.add("\n", dates.value.astype(str)), "\nnone").astype(object)
    return np.asarray(text(table.column("child_id")) + day, object)


def text(column: Column) -> Texts:
    """Return a column's texts, "" where none is given."""
    names = np.array([*column.names, ""], object)
    return np.asarray(names[np.where(column.state == GIVEN, column.value, -1)], object)


def moment(column: Column) -> Rows:
    """Return each day with its time as seconds, so that events of one day have an order."""
    seconds = 0 if column.seconds is None else column.seconds
    return np.asarray(column.value * 86_400 + seconds, np.int64)


def rows_of(columns: dict[str, Column], n_rows: int) -> ValidTable:
    """Return the referrals of all inputs as one table to match to."""
    raw = RawTable("", np.arange(n_rows, dtype=np.int64), {})
    return ValidTable(raw, columns or {"child_id": absent(n_rows)}, ())
