"""Whether a store is whole: its tables, its trail, and what is reckoned from other rows.

Each damage is a sentence. One that keeps a part of the store from being read is told as well, and
the other parts are looked at all the same.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from triage.calendar import to_day
from triage.errors import DamagedError
from triage.order import place
from triage.store import bulk, trail
from triage.store.address import Address, address_of
from triage.store.checking_husks import husk_damages
from triage.store.checking_tables import guard_damages, table_damages, value_damages
from triage.store.connection import reading
from triage.store.engines import driver_errors, said_by
from triage.store.husks import erased_cases
from triage.store.portable import columns_of, tables_of, tally
from triage.store.reviews import seal
from triage.store.tables import HEAD_REVISION, case, event, flag, review, run
from triage.store.trail import Verdict
from triage.vocabulary import SEVERITIES

MOST_TOLD: Final = 20
"""Damages of one kind that are told one by one."""
_RANKS: Final = {name: rank for rank, name in enumerate(SEVERITIES)}


@dataclass
class Checked:
    """What became of looking a store over; whole where ``damages`` is empty."""

    name: str
    revision: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    trail: Verdict | None = None
    damages: list[str] = field(default_factory=list)


def check_store(url: str) -> Checked:
    """Look over all of a store; nothing is changed.

    Raises:
        StoreError: when there is no store, it is out of reach, or of another revision.
    """
    address = address_of(url)
    found = Checked(address.name)
    try:
        with reading(url) as connection:
            found.revision = HEAD_REVISION
            found.damages += _rows(connection, address, found)
            for what, look in _LOOKS:
                found.damages += _looked(connection, address, what, look, found)
    except DamagedError as error:
        found.damages.append(str(error))
    return found


Look = Callable[[sa.Connection, Checked], Iterator[str]]


def _looked(
    connection: sa.Connection, address: Address, what: str, look: Look, found: Checked
) -> list[str]:
    """Return the damages of one kind, the first of them one by one."""
    told: list[str] = []
    try:
        with connection.begin_nested():
            damages = look(connection, found)
            told += islice(damages, MOST_TOLD)
            if n_more := sum(1 for _ in damages):
                told.append(f"{what}: {n_more:,} more like these.")
    except driver_errors(address) as error:
        told.append(f"{what}: cannot be looked over ({said_by(error)}).")
    return told


def _tables(connection: sa.Connection, _: Checked) -> Iterator[str]:
    yield from table_damages(connection)


def _guards(connection: sa.Connection, _: Checked) -> Iterator[str]:
    yield from guard_damages(connection)


def _values(connection: sa.Connection, _: Checked) -> Iterator[str]:
    yield from value_damages(connection)


def _rows(connection: sa.Connection, address: Address, found: Checked) -> list[str]:
    """Read every row, as a backup does; count them, and return the tables that cannot be read."""
    told = []
    for name, table in sorted(tables_of(connection).items()):
        try:
            with connection.begin_nested():
                found.rows[name] = tally(connection, table, columns_of(table)).rows
        except driver_errors(address) as error:
            told.append(f"The table {name} cannot be read ({said_by(error)}).")
    return told


def _trail(connection: sa.Connection, found: Checked) -> Iterator[str]:
    found.trail = trail.verify(connection)
    if found.trail.damage:
        yield f"The trail is damaged: {found.trail.damage}."


def _cases(connection: sa.Connection, _: Checked) -> Iterator[str]:
    """Yield the cases whose severity is not that of their flags, or that stand at another place."""
    as_of = connection.scalar(sa.select(run.c.as_of).order_by(run.c.id.desc()).limit(1))
    if as_of is None:
        return
    rank = sa.case(_RANKS, value=flag.c.severity)
    of_flags = (
        sa.select(
            flag.c.case_id,
            sa.func.min(sa.case((flag.c.state == "open", rank))).label("worst"),
            sa.func.sum(sa.func.distinct(_bit(rank))).label("any"),
        )
        .group_by(flag.c.case_id)
        .subquery()
    )
    names = ("id", "severity", "due_on", "referral_date", "boost", "place")
    query = (
        sa.select(*(case.c[name] for name in names), of_flags.c.worst, of_flags.c.any)
        .join(of_flags, of_flags.c.case_id == case.c.id, isouter=True)
        .order_by(case.c.id)
    )
    for some in bulk.rows(connection, query):
        for row in some:
            yield from _case_damages(row, as_of)


def _bit(rank: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return 1, 2, 4 or 8 for a rank: the sum of different ones says which there are."""
    return sa.case({rank: 1 << rank for rank in _RANKS.values()}, value=rank)


def _case_damages(row: tuple[Any, ...], as_of: dt.date) -> Iterator[str]:
    number, severity, due_on, referred_on, boost, stands, worst, any_of = row
    rank = _RANKS.get(severity)
    if rank is None:
        yield f"Case {number} has the severity '{severity}', which there is not."
        return
    if worst is not None and worst != rank:
        yield (
            f"Case {number} is kept as {severity}, but its most pressing open flag is "
            f"{SEVERITIES[worst]}."
        )
    elif worst is None and any_of is not None and not any_of & 1 << rank:
        yield f"Case {number} is kept as {severity}, which none of its flags was."
    try:
        due, referred = dt.date.fromisoformat(due_on), dt.date.fromisoformat(referred_on)
    except (TypeError, ValueError):
        yield f"Case {number} has a date that is none."
        return
    reckoned = place(
        is_overdue=int(due < as_of),
        is_boosted=int(boost is not None),
        rank=rank,
        due_day=to_day(due),
        referral_day=to_day(referred),
    )
    if stands != reckoned:
        yield (
            f"Case {number} stands at place {stands} in the order of work, but at {reckoned} by "
            "what is kept of it."
        )


def _reviews(connection: sa.Connection, _: Checked) -> Iterator[str]:
    """Yield the reviews that are not what they were when they were submitted.

    The trail seals each, whatever kind of review it is.
    """
    sealed: dict[Any, Any] = {}
    erased = erased_cases(connection)
    is_seal = event.c.kind.contains("review") & event.c.detail.contains('"sha256"')
    names = ("id", "case_id", "detail")
    query = sa.select(*(event.c[name] for name in names)).where(is_seal).order_by(event.c.id)
    for some in bulk.rows(connection, query):
        for number, of_case, detail in some:
            if of_case in erased:
                continue
            try:
                told = json.loads(detail)
                sealed[told["review"]] = told["sha256"]
            except (ValueError, TypeError, KeyError):
                yield f"Event {number} does not say which review was submitted."
    kept = sa.select(review.c.id, review.c.state, review.c.salt, review.c.answers)
    for some in bulk.rows(connection, kept.order_by(review.c.id)):
        for number, state, salt, answers in some:
            told = sealed.pop(number, None)
            if state == "draft" and told is None:
                continue
            if told is None:
                yield f"Review {number} is kept as {state}, but the trail tells of no such review."
            elif state == "draft":
                yield f"Review {number} was submitted, but is kept as a draft."
            elif told != seal(str(salt), str(answers)):
                yield (
                    f"Review {number} is not as it was submitted: its answers do not fit the seal "
                    "in the trail."
                )
    for number in sealed:
        yield f"Review {number} was submitted, but is not there any more."


def _husks(connection: sa.Connection, _: Checked) -> Iterator[str]:
    yield from husk_damages(connection)


_LOOKS: Final[tuple[tuple[str, Look], ...]] = (
    ("The tables", _tables),
    ("The guards", _guards),
    ("The values", _values),
    ("The trail", _trail),
    ("The cases", _cases),
    ("The reviews", _reviews),
    ("What was erased", _husks),
)
