"""The trail a page at a time, and all of it for a file, however long it is.

A page follows from the number of an event and not from a count of pages, so that what is added
meanwhile moves nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from triage.store import trail
from triage.store.auditing import TrailAsked, TrailEvent, known_case, seen_events
from triage.store.connection import acting, reading
from triage.store.people import Asker, viewer_of
from triage.store.tables import event
from triage.store.trail import add_events, happened

EXPORTED: Final = "trail exported"
_AT_ONCE: Final = 5_000
"""Events of an export that are read at a time."""


@dataclass(frozen=True)
class TrailPage:
    """Some events, the latest first; whether there are earlier ones, and later ones."""

    events: list[TrailEvent]
    has_earlier: bool
    has_later: bool


def trail_page(
    url: str,
    asker: Asker,
    asked: TrailAsked,
    limit: int,
    before: int | None = None,
    after: int | None = None,
) -> TrailPage:
    """Return the latest events of those asked for: of all, or before or after one of them.

    That they were asked for is added to the trail.

    Raises:
        CallError: when whoever asks may not see the trail, or for what is no day or moment.
    """
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see the trail")
        query = sa.select(event).where(*asked.conditions()).limit(limit + 1)
        if after is not None:
            query = query.where(event.c.id > after).order_by(event.c.id)
        else:
            query = query.order_by(event.c.id.desc())
            query = query if before is None else query.where(event.c.id < before)
        rows: list[Any] = list(connection.execute(query))
        has_more, rows = len(rows) > limit, rows[:limit]
        if after is not None:
            rows.reverse()
        found = seen_events(connection, who, asked, rows)
        which = known_case(connection, asked.case_id)
        add_events(connection, asker.at, asker.actor, [happened("trail read", which)])
    if after is not None:
        return TrailPage(found, True, has_more)
    return TrailPage(found, has_more, before is not None)


def begin_trail_export(url: str, asker: Asker, asked: TrailAsked, form: str) -> int:
    """Keep in the trail that it is exported, by which filter; return the last event that goes in.

    Raises:
        CallError: when whoever asks may not see the trail or not export, or for what is no day or
            moment.
    """
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see the trail")
        who.require("export")
        asked.conditions()
        last = trail.head(connection).id
        given = {name: value for name, value in dataclasses.asdict(asked).items() if value}
        told = {"form": form, "up_to": last, **given}
        add_events(connection, asker.at, asker.actor, [happened(EXPORTED, detail=told)])
    return last


def exported_events(
    url: str, asker: Asker, asked: TrailAsked, last: int
) -> Iterator[list[TrailEvent]]:
    """Yield the events asked for up to one, the earliest first, some thousand at a time.

    The store is not kept open between them, however slowly they are taken.

    Raises:
        CallError: when whoever asks may not see the trail or not export.
    """
    done = 0
    while done < last:
        with reading(url) as connection:
            who = viewer_of(connection, asker)
            who.require("see the trail")
            who.require("export")
            query = sa.select(event).where(*asked.conditions(), event.c.id > done)
            query = query.where(event.c.id <= last).order_by(event.c.id).limit(_AT_ONCE)
            rows: list[Any] = list(connection.execute(query))
            found = seen_events(connection, who, asked, rows)
        yield found
        done = rows[-1].id if len(rows) == _AT_ONCE else last
