"""Finding cases: by an identifier, by their records, as a list to be handed on; and who is there.

What whoever asks may not see is not there: no answer tells it apart from what never was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from triage.rights import viewer
from triage.store.caselist import COLUMNS, Case, Wanted, made, page, with_open_rules
from triage.store.connection import acting, reading
from triage.store.husks import IS_KEPT
from triage.store.people import Asker, actor_of, everybody, viewer_of
from triage.store.reading import Listed
from triage.store.tables import case, run
from triage.store.trail import add_events, happened
from triage.store.work import as_of_store, seen_case

EXPORTED: Final = "queue exported"
_IN_ONE: Final = 300
"""Records asked for in one statement."""


def listed_case(url: str, asker: Asker, case_id: int) -> Case:
    """Return a case as the queue lists it.

    Raises:
        CallError: when there is no such case for whoever asks.
    """
    with reading(url) as connection:
        found = seen_case(connection, viewer_of(connection, asker), case_id)
        return with_open_rules(connection, [found])[0]


def cases_named(url: str, asker: Asker, name: str) -> list[Case]:
    """Return the cases of a child, or of a referral or contact, by its identifier exactly.

    They are in the order of work, those that are done with last; what whoever asks may not see is
    not among them.

    Raises:
        CallError: when people are registered and this is none of them.
    """
    if not name.isprintable():
        return []
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        found = {
            row.id: made(row)
            for column in (case.c.child_id, case.c.referral_id)
            for row in connection.execute(sa.select(*COLUMNS).where(column == name, IS_KEPT))
        }
        seen = [one for one in found.values() if who.sees(one.team, restricted=one.restricted)]
        seen.sort(key=lambda one: (one.status == "closed", one.place, one.id))
        return with_open_rules(connection, seen)


def case_numbers(
    url: str, asker: Asker, referrals: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Return the numbers of the cases of some referrals, each named by its child and itself.

    A referral without a case, or with one that whoever asks may not see, is left out.

    Raises:
        CallError: when people are registered and this is none of them.
    """
    names = ("id", "child_id", "referral_id", "team", "restricted")
    query = sa.select(*(case.c[name] for name in names)).where(case.c.subject == "referral")
    wanted = set(referrals)
    children = sorted({child for child, _ in wanted})
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        return {
            (row.child_id, row.referral_id): row.id
            for start in range(0, len(children), _IN_ONE)
            for row in connection.execute(
                query.where(case.c.child_id.in_(children[start : start + _IN_ONE]))
            )
            if (row.child_id, row.referral_id) in wanted
            and who.sees(row.team, restricted=bool(row.restricted))
        }


def teams_seen(url: str, asker: Asker) -> list[str]:
    """Return the teams that have cases which whoever asks may see, by name.

    Raises:
        CallError: when people are registered and this is none of them.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        found = _teams_of_night(connection, url)
        return [
            team
            for team, marks in found.items()
            if any(who.sees(team, restricted=one) for one in marks)
        ]


def know_teams(url: str) -> None:
    """Look up the teams of the last night, so that nobody who asks for them waits for it.

    Raises:
        StoreError: when there is no store, or it is damaged, busy, or of another version.
    """
    with reading(url) as connection:
        _teams_of_night(connection, url)


_looking_up: Final = threading.Lock()
"""Of several who ask at once for what is not known yet, one looks it up."""
_nights: Final[dict[str, tuple[int, dict[str, tuple[bool, ...]]]]] = {}
"""The teams of each store as its last night left them: they change with a night only."""


def _teams_of_night(connection: sa.Connection, url: str) -> dict[str, tuple[bool, ...]]:
    """Return each team with whether it has cases that are restricted, and that are not."""
    night = connection.scalar(sa.select(sa.func.max(run.c.id))) or 0
    with _looking_up:
        known = _nights.get(url)
        if known is None or known[0] != night:
            known = _nights[url] = night, _looked_up(connection)
        return known[1]


def _looked_up(connection: sa.Connection) -> dict[str, tuple[bool, ...]]:
    return {
        team: tuple(
            mark
            for mark in (False, True)
            if connection.execute(
                sa.select(case.c.id)
                .where(case.c.team == team, case.c.restricted.is_(mark), IS_KEPT)
                .limit(1)
            ).first()
        )
        for team in _teams(connection)
    }


def _teams(connection: sa.Connection) -> Iterator[str]:
    """Yield the teams by name: each is found in the index after the one before, however many cases.

    To ask for all that differ would look at every case.
    """
    query = sa.select(case.c.team).order_by(case.c.team).limit(1)
    team = connection.scalar(query.where(case.c.team.is_not(None)))
    while team is not None:
        yield team
        team = connection.scalar(query.where(case.c.team > team))


def workers(url: str, asker: Asker, case_id: int | None = None) -> list[str]:
    """Return the names of those who work on cases and see a certain one, or any.

    Raises:
        CallError: when whoever asks may not give it to anybody, or there is no such case for them.
    """
    with reading(url) as connection:
        who = viewer_of(connection, asker)
        who.require("manage cases")
        found = seen_case(connection, who, case_id) if case_id is not None else None
        known = everybody(connection)
        seen = [viewer(one.name, known, asker.readers) for one in known if one.is_active]
        return [
            one.name
            for one in seen
            if one.may("work on cases")
            and (found is None or one.sees(found.team, restricted=found.restricted))
        ]


def export_queue(url: str, asker: Asker, wanted: Wanted) -> Listed:
    """Return all the cases of a filter, in the order of work; that they were is kept in the trail.

    Raises:
        CallError: when whoever asks may not export.
        StoreError: when there is no store, or no run in it.
    """
    with acting(url) as connection:
        who = actor_of(connection, asker)
        who.require("export")
        as_of = as_of_store(connection)
        found = page(connection, who, wanted, as_of)
        told: dict[str, Any] = {name: of for name, of in asdict(wanted).items() if of}
        told = {"cases": len(found), "restricted": who.sees_restricted, "filter": told}
        add_events(connection, asker.at, who.name, [happened(EXPORTED, None, None, told)])
        return Listed(found, len(found), as_of)
