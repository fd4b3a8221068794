"""Cases: opened for flagged referrals and contacts, closed and reopened with their flags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from triage.calendar import add_working_days, to_day
from triage.store import bulk
from triage.store.columns import dates, same, texts, truths
from triage.store.events import Events
from triage.store.names import places
from triage.store.tables import case
from triage.store.tonight import KEY, Tonight
from triage.vocabulary import SEVERITIES

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]

_SCHEMA: Final = pa.schema(
    {
        "id": pa.int64(),
        "subject": pa.string(),
        "child_id": pa.string(),
        "referral_id": pa.string(),
        "team": pa.string(),
        "restricted": pa.int8(),
        "status": pa.string(),
        "due_on": pa.string(),
        "reopened": pa.int8(),
    }
)
_LATE: Final = 10**6
"""A day later than any on which a review can be due."""


@dataclass(frozen=True)
class Cases:
    """The cases that stood before a run, by number, and the numbers of those of its entries."""

    known: pa.Table
    place: Whole
    """The place of each entry among the known cases, or -1."""
    number: Whole
    """The number of each entry's case, known or new."""

    @property
    def last(self) -> int:
        """Return the highest number of a known case."""
        return _last(self.known)

    def places_of(self, numbers: Whole) -> Whole:
        """Return the places of known cases by their numbers."""
        return np.searchsorted(self.known["id"].to_numpy(), numbers)


def cases_of(connection: sa.Connection, tonight: Tonight) -> Cases:
    """Return the known cases, and a number for each entry's, new ones in the order of flags."""
    query = sa.select(*(case.c[name] for name in _SCHEMA.names)).order_by(case.c.id)
    known = bulk.table_of(connection, query, _SCHEMA)
    place = places([tonight.entries[name] for name in KEY], [known[name] for name in KEY])
    number = np.where(place >= 0, place, 0)
    if len(known):
        number = known["id"].to_numpy()[number]
    is_new = place < 0
    number[is_new] = _last(known) + 1 + np.arange(int(is_new.sum()))
    return Cases(known, place, number)


def _last(known: pa.Table) -> int:
    return int(known["id"][-1].as_py()) if len(known) else 0


def open_cases(
    connection: sa.Connection,
    cases: Cases,
    tonight: Tonight,
    as_of: dt.date,
    review_days: Mapping[str, int],
) -> None:
    """Open a case for each flagged referral or contact that has none."""
    new = np.flatnonzero(cases.place < 0)
    if not len(new):
        return
    # The soonest review of a case's flags: the most pressing may not be the first to be due.
    soonest = np.full(len(cases.place), _LATE)
    as_of_day = np.full(len(tonight.entry), to_day(as_of))
    np.minimum.at(soonest, tonight.entry, review_due(as_of_day, tonight.rank, review_days))
    entries = tonight.entries.take(pa.array(new))
    due_on = pa.array(soonest[new].astype(np.int32)).view(pa.date32())
    bulk.add(
        connection,
        case,
        {
            "id": cases.number[new].tolist(),
            "subject": texts(entries["subject"]),
            "child_id": entries["child_id"].to_pylist(),
            "referral_id": entries["referral_id"].to_pylist(),
            "referral_date": dates(entries["referral_date"]),
            "team": texts(entries["team"]),
            "restricted": entries["restricted"].to_pylist(),
            "due_on": dates(due_on),
        },
        {"status": "new", "reopened": False},
    )


@dataclass(frozen=True)
class OpenFlags:
    """The flags that are open when a run has been stored: of which case, since when, how bad."""

    case: Whole
    since: Whole
    rank: Whole


def follow_cases(
    connection: sa.Connection,
    cases: Cases,
    tonight: Tonight,
    touched: Whole,
    flags: OpenFlags,
    as_of: dt.date,
    review_days: Mapping[str, int],
    events: Events,
) -> None:
    """Close cases nobody touched whose last flag cleared, reopen those flagged again.

    ``touched`` are the numbers of the cases of which a flag changed tonight. A case keeps up with
    the team and the mark of its record.
    """
    known = cases.known
    if not len(known):
        return
    touched = np.unique(touched[touched <= cases.last])
    place = cases.places_of(touched)
    at = np.searchsorted(touched, flags.case)
    is_of = np.zeros(len(at), bool)
    if len(touched):
        is_of = touched[np.minimum(at, len(touched) - 1)] == flags.case
    at, since, rank = at[is_of], flags.since[is_of], flags.rank[is_of]
    due, due_again = np.full(len(touched), _LATE), np.full(len(touched), _LATE)
    np.minimum.at(due, at, review_due(since, rank, review_days))
    again = review_due(np.full(len(at), to_day(as_of)), rank, review_days)
    np.minimum.at(due_again, at, again)
    was_closed = _is(known["status"], "closed")[place]
    is_empty = due == _LATE
    closes = is_empty & _is(known["status"], "new")[place]
    reopens = ~is_empty & was_closed
    events.of_cases(
        [
            (number, "case closed", {"why": "no flag holds any more"})
            if closed
            else (number, "case reopened", {})
            for number, closed, back in zip(
                touched.tolist(), closes.tolist(), reopens.tolist(), strict=True
            )
            if closed or back
        ]
    )
    status = np.full(len(known), -1)
    status[place[closes]], status[place[reopens]] = 0, 1
    new_status = pa.DictionaryArray.from_arrays(
        pa.array(status.astype(np.int8), mask=status < 0), pa.array(["closed", "new"])
    )
    new_due = np.full(len(known), _LATE)
    new_due[place] = np.where(reopens, due_again, due)
    due_on = pa.array(new_due.astype(np.int32), mask=new_due == _LATE).view(pa.date32())
    comes_back = np.zeros(len(known), bool)
    comes_back[place[reopens]] = True
    values = {
        **_about(cases, tonight),
        "status": pc.coalesce(new_status.cast(pa.string()), known["status"]),
        "due_on": pc.coalesce(due_on.cast(pa.string()), known["due_on"]),
        "reopened": pc.or_(pa.array(comes_back), pc.cast(known["reopened"], pa.bool_())),
    }
    differs = np.zeros(len(known), bool)
    for name, value in values.items():
        differs |= ~same(value, known[name])
    which = pa.array(np.flatnonzero(differs))
    columns = {name: value.take(which).to_pylist() for name, value in values.items()}
    bulk.change(connection, case, {"id": known["id"].take(which).to_pylist()}, columns)


def _about(cases: Cases, tonight: Tonight) -> dict[str, pa.ChunkedArray]:
    """Return the team and the mark of each known case, as tonight's record of it has them."""
    entry = np.full(len(cases.known), -1)
    is_known = cases.place >= 0
    entry[cases.place[is_known]] = np.flatnonzero(is_known)
    of_entry = pa.array(entry, mask=entry < 0)
    is_told = pa.array(entry >= 0)
    marks = pc.cast(cases.known["restricted"], pa.bool_())
    teams = tonight.entries["team"].take(of_entry)
    return {
        "team": pc.if_else(is_told, teams, cases.known["team"]),
        "restricted": pc.if_else(is_told, tonight.entries["restricted"].take(of_entry), marks),
    }


def _is(column: pa.ChunkedArray, text: str) -> Truth:
    return truths(pc.equal(column, text))


def review_due(since: Whole, rank: Whole, review_days: Mapping[str, int]) -> Whole:
    """Return the day by which a flag that stands since a day is to be reviewed, by severity."""
    n_ranks = len(SEVERITIES)
    pairs, which = np.unique(since * n_ranks + rank, return_inverse=True)
    due = [
        add_working_days(pair // n_ranks, review_days[SEVERITIES[pair % n_ranks]])
        for pair in pairs.tolist()
    ]
    return np.asarray(np.array(due, np.int64)[which], np.int64)
