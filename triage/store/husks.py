"""What is left of a case that was let go of: its number, for the events that refer to it.

A husk bears no child's identifier, and no record ever read has a blank one, so no night meets it
again. All else about it is the same for every husk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from triage.calendar import to_day
from triage.letting_go import Counts
from triage.order import place
from triage.store.tables import case, event, flag, note, remedial_action, review, run, second_review
from triage.vocabulary import SEVERITIES

NOBODY: Final = ""
"""The identifier of no child: what is read without one is rejected."""
ERASED: Final = "case erased"
"""The kind of the event that a case was let go of."""
BELONGINGS: Final = (second_review, remedial_action, review, note, flag)
"""The tables of what belongs to a case, each before those that it refers to."""
_NO_DAY: Final = dt.date(1900, 1, 1)
_LAST: Final = SEVERITIES[-1]
_IN_ONE: Final = 500

IS_HUSK: Final = case.c.child_id == NOBODY
IS_KEPT: Final = case.c.child_id != NOBODY
"""What is so of a case that was let go of, and of one that is there."""
NEUTRAL: Final[dict[str, Any]] = {
    "child_id": NOBODY,
    "referral_date": _NO_DAY,
    "team": None,
    "restricted": True,
    "status": "closed",
    "due_on": _NO_DAY,
    "severity": _LAST,
    "boost": None,
    "place": place(
        is_overdue=1,
        is_boosted=0,
        rank=SEVERITIES.index(_LAST),
        due_day=to_day(_NO_DAY),
        referral_day=to_day(_NO_DAY),
    ),
    "snoozed_until": None,
    "held_by": None,
    "held_until": None,
    "assigned_to": None,
    "opened_on": None,
}
"""What every husk has. The mark keeps it out of what is told and counted of cases."""


def leave_husks(connection: sa.Connection, cases: Sequence[int]) -> None:
    """Leave the numbers of cases, to which nothing belongs any more."""
    number = sa.cast(case.c.id, sa.Text)
    for start in range(0, len(cases), _IN_ONE):
        some = case.c.id.in_(cases[start : start + _IN_ONE])
        connection.execute(sa.update(case).where(some).values(**NEUTRAL, referral_id=number))


def compare_anew(connection: sa.Connection) -> None:
    """Have the next night compare all of its flags and records with the store.

    Else one that brings the same as the night before would leave out what was let go of since.
    """
    last = sa.select(sa.func.max(run.c.id)).scalar_subquery()
    connection.execute(sa.update(run).where(run.c.id == last).values(told=None, records=None))


def erased_cases(connection: sa.Connection) -> set[int]:
    """Return the cases that were let go of, as the trail tells it."""
    query = sa.select(event.c.case_id).where(event.c.kind == ERASED)
    return {int(number) for number in connection.scalars(query) if number is not None}


def deleted(
    connection: sa.Connection, rows: Sequence[tuple[sa.Table, sa.ColumnElement[bool]]]
) -> Counts:
    """Delete rows of tables, in this order; return how many of each."""
    found: Counts = {}
    for table, which in rows:
        done = connection.execute(sa.delete(table).where(which)).rowcount
        found[table.name] = found.get(table.name, 0) + int(done)
    return found


def counted_rows(
    connection: sa.Connection, rows: Sequence[tuple[sa.Table, sa.ColumnElement[bool]]]
) -> Counts:
    """Return how many rows of tables there are that would be deleted."""
    found: Counts = {}
    for table, which in rows:
        query = sa.select(sa.func.count()).select_from(table).where(which)
        found[table.name] = found.get(table.name, 0) + int(connection.scalar(query) or 0)
    return found
