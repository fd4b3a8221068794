"""Retention: letting go of what is past its time, by kind, in one transaction.

What runs said of single records, how records stood on past nights, and closed cases with all that
belongs to them. Of a case its number stays (``husks``); runs keep their own rows, with all counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from triage.letting_go import Counts, Limits, Times, added
from triage.rights import Viewer
from triage.store.address import address_of
from triage.store.connection import acting, reading
from triage.store.husks import (
    BELONGINGS,
    ERASED,
    IS_KEPT,
    compare_anew,
    counted_rows,
    deleted,
    leave_husks,
)
from triage.store.people import Asker, actor_of
from triage.store.tables import (
    case,
    due_item,
    event,
    known,
    known_now,
    referral,
    rejection,
    rule_exception,
    run,
)
from triage.store.trail import add_events, happened
from triage.store.wiping import overwrite_deleted, write_anew

LET_GO: Final = "data let go"
_OLD: Final = {"why": "past its time"}

Rows = list[tuple[sa.Table, sa.ColumnElement[bool]]]


@dataclass(frozen=True)
class LetGo:
    """What is past its time, or was let go of: the cases, and how many rows of each kind."""

    times: Times
    limits: Limits
    cases: tuple[int, ...]
    rows: dict[str, Counts]
    is_on_server: bool


def past_its_time(url: str, asker: Asker, times: Times) -> LetGo:
    """Return what is past its time today; nothing is changed.

    Raises:
        CallError: when whoever asks may not.
    """
    limits = times.limits(asker.today)
    with reading(url) as connection:
        _actor(connection, asker)
        cases = _cases(connection, limits)
        rows = {kind: added(counted_rows(connection, some))
                for kind, some in _kinds(limits).items()}  # fmt: skip
        return LetGo(times, limits, cases, rows, address_of(url).file is None)


def let_go(url: str, asker: Asker, times: Times) -> LetGo:
    """Let go of what is past its time today; return what that was.

    One transaction: all of it or nothing. A SQLite file is written anew afterwards.

    Raises:
        CallError: when whoever asks may not.
        StoreError: when the store is busy, damaged or out of reach.
    """
    limits = times.limits(asker.today)
    with acting(url) as connection:
        actor = _actor(connection, asker)
        overwrite_deleted(connection)
        cases = _cases(connection, limits)
        rows = {kind: added(deleted(connection, some)) for kind, some in _kinds(limits).items()}
        leave_husks(connection, cases)
        if cases:
            compare_anew(connection)
        told = {
            "cases": len(cases),
            "rows": rows,
            "before": {kind: getattr(limits, kind).isoformat() for kind in rows},
        }
        events = [happened(ERASED, number, None, _OLD) for number in cases]
        events.append(happened(LET_GO, detail=told))
        add_events(connection, asker.at, actor.name, events)
        done = LetGo(times, limits, cases, rows, address_of(url).file is None)
    write_anew(address_of(url))
    return done


def was_let_go_of(connection: sa.Connection, run_id: int) -> bool:
    """Return whether what a run said of single records was let go of."""
    finished = connection.scalar(sa.select(run.c.finished_at).where(run.c.id == run_id)) or ""
    details = connection.scalars(sa.select(event.c.detail).where(event.c.kind == LET_GO))
    return any(finished < json.loads(detail)["before"]["runs"] for detail in details)


def _actor(connection: sa.Connection, asker: Asker) -> Viewer:
    actor = actor_of(connection, asker)
    actor.require("let go of data")
    return actor


def _kinds(limits: Limits) -> dict[str, Rows]:
    """Return the rows past their time, by kind, in the order in which they can be deleted."""
    return {"runs": _of_runs(limits), "known": _of_nights(limits), "cases": _of_cases(limits)}


def _of_runs(limits: Limits) -> Rows:
    old = sa.select(run.c.id).where(run.c.finished_at < limits.runs.isoformat())
    return [(table, table.c.run_id.in_(old)) for table in (rejection, due_item)]


def _of_nights(limits: Limits) -> Rows:
    """Return the history of referrals that were not judged any more for so long.

    That of an open case's stays, since its reviewer may ask for it.
    """
    recent = sa.select(known.c.child_id, known.c.referral_id).join(run, run.c.id == known.c.run_id)
    recent = recent.where(run.c.finished_at >= limits.known.isoformat())
    judged = sa.select(known_now.c.child_id, known_now.c.referral_id).where(
        known_now.c.is_judged.is_(True)
    )
    open_cases = sa.select(case.c.child_id, case.c.referral_id).where(
        case.c.subject == "referral", case.c.status != "closed"
    )
    kept = sa.union_all(recent, judged, open_cases)
    return [
        (table, sa.tuple_(table.c.child_id, table.c.referral_id).not_in(kept))
        for table in (known, known_now)
    ]


def _past_cases(limits: Limits) -> sa.Select[tuple[int]]:
    """Return the cases that were closed so long ago.

    One whose referral the last run judged stays: the next run would make it anew.
    """
    told = sa.select(sa.func.max(event.c.at)).where(event.c.case_id == case.c.id)
    closed_at = sa.func.coalesce(
        told.where(event.c.kind == "case closed").scalar_subquery(), told.scalar_subquery()
    )
    is_judged = sa.exists().where(
        known_now.c.child_id == case.c.child_id,
        known_now.c.referral_id == case.c.referral_id,
        known_now.c.is_judged.is_(True),
        case.c.subject == "referral",
    )
    return sa.select(case.c.id).where(
        case.c.status == "closed", IS_KEPT, closed_at < limits.cases.isoformat(), ~is_judged
    )


def _cases(connection: sa.Connection, limits: Limits) -> tuple[int, ...]:
    return tuple(sorted(connection.scalars(_past_cases(limits))))


def _of_cases(limits: Limits) -> Rows:
    """Return what belongs to cases past their time, to children of no other, and old exceptions.

    A referral that the last run read stays: the next run would make it anew.
    """
    past = _past_cases(limits)
    until = sa.cast(rule_exception.c.until, sa.Text)
    is_old = sa.func.coalesce(rule_exception.c.ended_at, until) < limits.cases.isoformat()
    is_of_another = sa.exists().where(
        case.c.child_id == referral.c.child_id, case.c.id.not_in(past.correlate(None))
    )
    return [
        *((table, table.c.case_id.in_(past)) for table in BELONGINGS),
        (referral, referral.c.gone_run_id.is_not(None) & ~is_of_another),
        (
            rule_exception,
            rule_exception.c.child_id.is_not(None) & is_old,
        ),
    ]
