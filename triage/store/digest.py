"""The figures of a night for its digests, and what the trail says of digests sent.

Only what a digest may say is read: case numbers, rules, dates and counts. Restricted cases are left
out of all of it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from triage.casework import CLAIMABLE, OPEN
from triage.digest import NO_TEAM, Figures, Night, Pressing
from triage.errors import CallError
from triage.rights import Viewer
from triage.store.caselist import Wanted, page
from triage.store.connection import acting, reading
from triage.store.people import Asker, stamp, viewer_of
from triage.store.tables import case, event, remedial_action, run
from triage.store.trail import NIGHTLY, add_events, happened
from triage.store.work import as_of_store

Counts = defaultdict[str, Counter[tuple[str, ...]]]

_OPENED: Final = "case opened"
_HAPPENED: Final = {
    "flag raised": ("flags", "new"),
    "flag changed": ("flags", "changed"),
    "flag raised again": ("flags", "reopened"),
    "flag cleared": ("flags", "cleared"),
    _OPENED: ("cases", "opened"),
    "case reopened": ("cases", "reopened"),
    "case closed": ("cases", "closed"),
}
"""Events of a run, and what a digest counts them as."""
_TOLD: Final = {
    "email": ("digest sent", "digest failed"),
    "folder": ("digest sent", "digest failed"),
    "webhook": ("webhook called", "webhook failed"),
}
"""What the trail calls a thing that was told by a way, and one that was not."""
_IS_SHOWN: Final = case.c.restricted.is_(False)
_NO_READER: Final = Viewer(NIGHTLY)
"""Who sees the cases of every team, and none that is restricted."""


def night_figures(url: str, run_id: int | None = None, most_pressing: int = 10) -> Night:
    """Return what a run changed (the last by default), and the queue as it stands, by team.

    Reviews and actions are overdue as of the last run. ``most_pressing`` is how many cases are
    named of each team, and of all.

    Raises:
        CallError: when there is no such run.
        StoreError: when there is no store, or no run in it.
    """
    with reading(url) as connection:
        as_of = as_of_store(connection)
        last = connection.execute(sa.select(sa.func.max(run.c.id))).scalar_one()
        number = last if run_id is None else run_id
        of_run = sa.select(run.c.as_of, run.c.finished_at).where(run.c.id == number)
        told = connection.execute(of_run).first()
        if told is None:
            raise CallError(f"there is no run {run_id}; `triage runs` shows them.")
        counts: Counts = defaultdict(Counter)
        for team in connection.scalars(sa.select(case.c.team).where(_IS_SHOWN).distinct()):
            counts[team or NO_TEAM].clear()
        _count_happened(connection, number, counts)
        _count_open(connection, as_of, counts)
        _count_actions(connection, as_of, counts)
        # Those without a team come last: an empty name would come first.
        teams = tuple(
            Figures(team, counts[team], _pressing(connection, team, as_of, most_pressing))
            for team in sorted(counts, key=lambda team: (not team, team))
        )
        whole = sum((one.counts for one in teams), Counter[tuple[str, ...]]())
        pressing = _pressing(connection, None, as_of, most_pressing)
        return Night(
            number, told.as_of, told.finished_at, last, as_of, Figures(None, whole, pressing), teams
        )


def _count_happened(connection: sa.Connection, number: int, counts: Counts) -> None:
    """Count what the run did; its events stand together, and are found from the trail's end."""
    last = connection.scalar(
        sa.select(event.c.id)
        .where(event.c.run_id == number, event.c.kind == "run stored")
        .order_by(event.c.id.desc())
        .limit(1)
    )
    of_another = sa.or_(event.c.run_id.is_(None), event.c.run_id != number)
    before = connection.scalar(
        sa.select(event.c.id)
        .where(event.c.id < last, of_another)
        .order_by(event.c.id.desc())
        .limit(1)
    )
    what = sa.case((event.c.kind == _OPENED, event.c.detail), else_="{}").label("what")
    query = (
        sa.select(case.c.team, event.c.kind, what, sa.func.count())
        .join_from(event, case, event.c.case_id == case.c.id)
        .where(
            event.c.id > (before or 0),
            event.c.id < last,
            event.c.kind.in_(_HAPPENED),
            _IS_SHOWN,
        )
        .group_by(case.c.team, event.c.kind, what)
    )
    for team, kind, detail, n in connection.execute(query):
        of_team = counts[team or NO_TEAM]
        of_team[_HAPPENED[kind]] += n
        if kind == _OPENED:
            of_team[_HAPPENED["flag raised"]] += n * len(json.loads(detail).get("flags", ()))


def _count_open(connection: sa.Connection, as_of: dt.date, counts: Counts) -> None:
    """Count open cases; one that is put off until a later day counts as that alone."""
    is_put_off = sa.case((case.c.snoozed_until > as_of, 1), else_=0)
    is_late = sa.and_(case.c.due_on < as_of, case.c.status.in_(CLAIMABLE))
    of_cases = (
        sa.select(
            case.c.team,
            case.c.status,
            case.c.severity,
            is_put_off.label("is_put_off"),
            sa.case((is_late, 1), else_=0).label("is_late"),
        )
        .where(case.c.status.in_(OPEN), _IS_SHOWN)
        .subquery()
    )
    by = (of_cases.c.team, of_cases.c.status, of_cases.c.severity, of_cases.c.is_put_off)
    query = sa.select(*by, sa.func.count(), sa.func.sum(of_cases.c.is_late)).group_by(*by)
    for team, status, severity, put_off, n, n_late in connection.execute(query):
        of_team = counts[team or NO_TEAM]
        if put_off:
            of_team[("put off",)] += n
        else:
            of_team["open", status, severity] += n
            of_team[("overdue reviews",)] += int(n_late)


def _count_actions(connection: sa.Connection, as_of: dt.date, counts: Counts) -> None:
    """Count the remedial actions that are to be done here and are past their day."""
    query = (
        sa.select(case.c.team, sa.func.count())
        .join_from(remedial_action, case, remedial_action.c.case_id == case.c.id)
        .where(
            remedial_action.c.done_on.is_(None),
            remedial_action.c.handed_to.is_(None),
            remedial_action.c.due_on < as_of,
            _IS_SHOWN,
        )
        .group_by(case.c.team)
    )
    for team, n in connection.execute(query):
        counts[team or NO_TEAM][("overdue actions",)] += n


def _pressing(
    connection: sa.Connection, team: str | None, as_of: dt.date, limit: int
) -> tuple[Pressing, ...]:
    """Return the first cases in the order of work that wait for review, of a team or of all."""
    if not limit or team == NO_TEAM:
        return ()
    wanted = Wanted(statuses=CLAIMABLE, teams=() if team is None else (team,))
    return tuple(
        Pressing(one.id, one.severity, one.status, tuple(one.rules), one.due_on, one.due_on < as_of)
        for one in page(connection, _NO_READER, wanted, as_of, limit)
    )


def teams_shown(url: str, asker: Asker) -> frozenset[str] | None:
    """Return the teams whose digests somebody may look at; None for all of them.

    Raises:
        CallError: when they may see no cases, or people are registered and they are none of them.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see cases")
        return who.teams


def check_asker(url: str, asker: Asker) -> None:
    """Refuse a name that nobody bears who is registered, for it would stand in the trail.

    Raises:
        CallError: when there is no such person.
    """
    if asker.name is not None:
        with reading(url) as connection:
            viewer_of(connection, asker)


def told_already(url: str, run_id: int) -> set[tuple[str, str | None]]:
    """Return what the trail says was sent of a run: by which way, and of which team."""
    kinds = {sent for sent, _ in _TOLD.values()}
    with reading(url) as connection:
        stored = connection.scalar(
            sa.select(event.c.id)
            .where(event.c.run_id == run_id, event.c.kind == "run stored")
            .order_by(event.c.id.desc())
            .limit(1)
        )
        query = sa.select(event.c.detail).where(
            event.c.id > (stored or 0), event.c.run_id == run_id, event.c.kind.in_(kinds)
        )
        details = [json.loads(text) for text in connection.scalars(query)]
        return {(detail["by"], detail.get("team")) for detail in details}


def keep_told(
    url: str, now: dt.datetime, actor: str | None, run_id: int, way: str, detail: Mapping[str, Any],
    *, is_sent: bool,
) -> None:  # fmt: skip
    """Add to the trail that something of a run was told, or could not be.

    ``detail`` is to hold no address; ``actor`` is ``system:nightly`` where it is None.

    Raises:
        StoreError: when the store is busy, damaged or out of reach.
    """
    kind = _TOLD[way][0 if is_sent else 1]
    with acting(url) as connection:
        one = happened(kind, detail={"by": way, **detail})
        add_events(connection, stamp(now), actor or NIGHTLY, [one], run_id)
