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
from triage.names import places
from triage.order import NOT_OVERDUE
from triage.order import place as place_of
from triage.store import bulk
from triage.store.behind import Behind
from triage.store.beside import Beside
from triage.store.columns import dates, only, ranks, same, texts, truths
from triage.store.tables import case
from triage.store.tonight import KEY, Tonight
from triage.store.trail import Happened, happened
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
        "referral_date": pa.string(),
        "severity": pa.string(),
        "boost": pa.string(),
        "place": pa.int64(),
    }
)
CAME_BACK: Final = "came back"
NEW_FLAG: Final = "a flag was added"
"""Why a run brings a case forward."""
FOR_EVERYBODY: Final = {"assigned_to": None, "snoozed_until": None}
"""What a case that comes back waits for: nobody in particular, and no day."""
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


def cases_of(stored: Beside, tonight: Tonight) -> Cases:
    """Return the known cases, and a number for each entry's, new ones in the order of flags."""
    query = sa.select(*(case.c[name] for name in _SCHEMA.names)).order_by(case.c.id)
    known = pa.concat_tables([_SCHEMA.empty_table(), *stored.tables(query, _SCHEMA)])
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
    later: Behind,
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
    rank = np.full(len(cases.place), len(SEVERITIES))
    np.minimum.at(rank, tonight.entry, tonight.rank)
    entries = tonight.entries.take(pa.array(new))
    referral_day = entries["referral_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    place = place_of(
        is_overdue=(soonest[new] < to_day(as_of)).astype(np.int64),
        is_boosted=0,
        rank=rank[new],
        due_day=soonest[new],
        referral_day=referral_day,
    )
    severity = pa.DictionaryArray.from_arrays(pa.array(rank[new]), pa.array(SEVERITIES))
    due_on = pa.array(soonest[new].astype(np.int32)).view(pa.date32())
    later.write(
        bulk.add,
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
            "severity": texts(severity),
            "place": place.tolist(),
        },
        {"status": "new", "opened_on": as_of},
    )


@dataclass(frozen=True)
class OpenFlags:
    """The flags that are open when a run has been stored: of which case, since when, how bad."""

    case: Whole
    since: Whole
    rank: Whole


@dataclass(frozen=True)
class Touched:
    """The numbers of the cases that a flag was raised on tonight, and of those one cleared on."""

    raised: Whole
    cleared: Whole


def follow_cases(
    later: Behind,
    cases: Cases,
    tonight: Tonight,
    touched: Touched,
    flags: OpenFlags,
    as_of: dt.date,
    review_days: Mapping[str, int],
) -> list[Happened]:
    """Close cases nobody touched whose last flag cleared, reopen those flagged again.

    A case keeps up with the team and the mark of its record, with the severity of its flags, and
    with its place in the order of work; a new flag on an open case brings it forward. One that
    comes back waits for nobody in particular, and is not put off any more.
    """
    known = cases.known
    if not len(known):
        return []
    of_known = flags.case <= cases.last
    place = cases.places_of(flags.case[of_known])
    since, rank = flags.since[of_known], flags.rank[of_known]
    n_ranks = len(SEVERITIES)
    worst, due, due_again = (np.full(len(known), high) for high in (n_ranks, _LATE, _LATE))
    np.minimum.at(worst, place, rank)
    np.minimum.at(due, place, review_due(since, rank, review_days))
    again = review_due(np.full(len(rank), to_day(as_of)), rank, review_days)
    np.minimum.at(due_again, place, again)
    is_raised = _are_in(cases, touched.raised)
    is_touched = is_raised | _are_in(cases, touched.cleared)
    was_closed = _is(known["status"], "closed")
    closes = is_touched & (worst == n_ranks) & _is(known["status"], "new")
    reopens = is_raised & was_closed
    comes_forward = is_raised & ~was_closed
    renewed = np.where(reopens, due_again, np.where(is_touched & ~was_closed, due, _LATE))
    severity = pa.array(SEVERITIES).take(pa.array(worst, mask=worst == n_ranks))
    due_on = pa.array(renewed.astype(np.int32), mask=renewed == _LATE).view(pa.date32())
    values = {
        **_about(cases, tonight),
        "status": _where({"closed": closes, "new": reopens}, known["status"]),
        "due_on": pc.coalesce(due_on.cast(pa.string()), known["due_on"]),
        "severity": pc.coalesce(severity, known["severity"]),
        "boost": _where(
            {CAME_BACK: reopens, NEW_FLAG: comes_forward & truths(pc.is_null(known["boost"]))},
            known["boost"],
        ),
    }
    values["place"] = pa.array(_places(values, known["referral_date"], as_of))
    differs = np.zeros(len(known), bool)
    for name, value in values.items():
        differs |= ~same(value, known[name])
    which = pa.array(np.flatnonzero(differs))
    columns = {name: value.take(which).to_pylist() for name, value in values.items()}
    later.write(bulk.change, case, {"id": known["id"].take(which).to_pylist()}, columns)
    numbers = known["id"].to_numpy()
    anew = {**FOR_EVERYBODY, "opened_on": as_of}
    later.write(bulk.change, case, {"id": numbers[reopens].tolist()}, {}, anew)
    return [
        *(
            happened("case closed", number, None, {"why": "no flag holds any more"})
            for number in numbers[closes].tolist()
        ),
        *(happened("case reopened", number) for number in numbers[reopens].tolist()),
        *(
            happened("case boosted", number, None, {"why": NEW_FLAG})
            for number in numbers[comes_forward & truths(pc.is_null(known["boost"]))].tolist()
        ),
    ]


def _are_in(cases: Cases, numbers: Whole) -> Truth:
    """Return which known cases are among some numbers."""
    found = np.zeros(len(cases.known), bool)
    found[cases.places_of(np.unique(numbers[numbers <= cases.last]))] = True
    return found


def _where(said: Mapping[str, Truth], otherwise: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a text where it is said, and else what stood there."""
    for text, where in said.items():
        otherwise = pc.if_else(pa.array(where), pa.scalar(text), otherwise)
    return otherwise


def _places(
    values: Mapping[str, pa.ChunkedArray], referral_date: pa.ChunkedArray, as_of: dt.date
) -> Whole:
    """Return the places in the order of work of cases of which this is so."""
    due, referred = (_days(column) for column in (values["due_on"], referral_date))
    found = place_of(
        is_overdue=(due < to_day(as_of)).astype(np.int64),
        is_boosted=truths(pc.is_valid(values["boost"])).astype(np.int64),
        rank=ranks(values["severity"]),
        due_day=due,
        referral_day=referred,
    )
    return np.asarray(found, np.int64)


def _days(iso: pa.ChunkedArray) -> Whole:
    encoded = only(iso).dictionary_encode()
    days = encoded.dictionary.cast(pa.date32()).cast(pa.int32()).to_numpy()
    return np.asarray(days[encoded.indices.to_numpy()], np.int64)


def keep_overdue(connection: sa.Connection, as_of: dt.date) -> None:
    """Bring the places of cases up to date with a day: what is overdue comes first."""
    for stands, overdue, step in (
        (case.c.place >= NOT_OVERDUE, case.c.due_on < as_of, -NOT_OVERDUE),
        (case.c.place < NOT_OVERDUE, case.c.due_on >= as_of, NOT_OVERDUE),
    ):
        connection.execute(sa.update(case).where(stands, overdue).values(place=case.c.place + step))


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
