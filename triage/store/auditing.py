"""Looking at the trail: whether it is whole, what it says, and its head to be kept outside."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from triage.errors import CallError
from triage.rights import Viewer
from triage.store import trail
from triage.store.connection import acting, reading
from triage.store.people import Asker, stamp, viewer_of
from triage.store.standing import NOTHING_HIDDEN, WITHHELD, Hidden, hidden_from
from triage.store.tables import case, event
from triage.store.trail import Head, Verdict, add_events, happened
from triage.vocabulary import cut


@dataclass(frozen=True)
class TrailEvent:
    """What happened, once: when, by whom, and to what."""

    id: int
    at: str
    actor: str
    kind: str
    run: int | None
    case: int | None
    rule: str | None
    detail: dict[str, Any]


def verify_trail(url: str, kept: Head | None = None) -> Verdict:
    """Return whether the trail is whole, and reaches as far as the head that was kept outside.

    Raises:
        StoreError: when there is no store, or it cannot be read at all.
    """
    with reading(url) as connection:
        return trail.verify(connection, kept)


def trail_head(url: str) -> Head:
    """Return the last event's number and hash, to be kept where nobody who writes here can write.

    Raises:
        StoreError: when there is no store.
    """
    with reading(url) as connection:
        return trail.head(connection)


@dataclass(frozen=True)
class TrailAsked:
    """Which events are asked for; empty means any.

    ``since`` and ``until`` are days or moments, of UTC where they do not say; both are in it.
    """

    actor: str = ""
    kind: str = ""
    case_id: int | None = None
    since: str = ""
    until: str = ""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return what is so of the events that are asked for.

        Raises:
            CallError: for what is no day or moment.
        """
        return [
            *([event.c.actor == self.actor] if self.actor else []),
            *([event.c.kind == self.kind] if self.kind else []),
            *([event.c.case_id == self.case_id] if self.case_id is not None else []),
            *([event.c.at >= _moment("--since", self.since, dt.time.min)] if self.since else []),
            *([event.c.at <= _moment("--until", self.until, dt.time.max)] if self.until else []),
        ]


def audit_log(
    url: str,
    asker: Asker,
    *,
    actor: str = "",
    kind: str = "",
    case_id: int | None = None,
    since: str = "",
    until: str = "",
    limit: int | None = None,
    after: int | None = None,
) -> list[TrailEvent]:
    """Return what the trail says, the latest last, by filter; that it was asked for is added to it.

    ``since`` and ``until`` are days or moments, of UTC where they do not say; both are in it.

    ``limit`` gives the last so many; or, with ``after``, the first so many after an event.

    What could tell a second reviewer of the first answers stands in it as withheld.

    Raises:
        CallError: when whoever asks may not see the trail, or for what is no day or moment.
    """
    asked = TrailAsked(actor, kind, case_id, since, until)
    later = [] if after is None else [event.c.id > after]
    order = event.c.id.desc() if after is None else event.c.id
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see the trail")
        query = sa.select(event).where(*asked.conditions(), *later).order_by(order).limit(limit)
        found = seen_events(connection, who, asked, connection.execute(query))
        which = known_case(connection, case_id)
        add_events(connection, asker.at, asker.actor, [happened("trail read", which)])
    return found[::-1] if after is None else found


def known_case(connection: sa.Connection, case_id: int | None) -> int | None:
    """Return the number of a case, where there is one; the trail names no other."""
    found: int | None = connection.scalar(sa.select(case.c.id).where(case.c.id == case_id))
    return found


def seen_events(
    connection: sa.Connection, who: Viewer, asked: TrailAsked, rows: Iterable[Any]
) -> list[TrailEvent]:
    """Return events as somebody may see them.

    What was asked for by its kind and is withheld is left out: it would be told by being there.
    """
    hidden = hidden_from(connection, who) if who.may("review") else {}
    found = [_seen(_made(row), who, hidden) for row in rows]
    return [one for one in found if not asked.kind or one.kind == asked.kind]


def _made(row: Any) -> TrailEvent:
    return TrailEvent(
        row.id, row.at, row.actor, row.kind, row.run_id, row.case_id, row.rule_id,
        json.loads(row.detail),
    )  # fmt: skip


def _seen(found: TrailEvent, who: Viewer, hidden: Mapping[int, Hidden]) -> TrailEvent:
    of_case = hidden.get(found.case or 0, NOTHING_HIDDEN)
    if of_case.tells(who, found.kind, found.at, found.actor):
        return replace(found, kind=WITHHELD, detail={})
    return found


def _moment(option: str, text: str, of_day: dt.time) -> str:
    """Return a moment as the trail writes it; of a day, its first or its last."""
    try:
        moment = dt.datetime.fromisoformat(text)
        if len(text) == len("2026-10-09"):
            moment = dt.datetime.combine(moment, of_day)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError):
        raise CallError(
            f"{option} '{cut(text)}': is neither a day nor a moment; write 2026-10-09, or "
            "2026-10-09T14:30."
        ) from None
