"""Looking at the trail: whether it is whole, what it says, and its head to be kept outside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from triage.store import trail
from triage.store.connection import acting, reading
from triage.store.people import Asker, viewer_of
from triage.store.tables import event
from triage.store.trail import Head, Verdict, add_events, happened


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
        return Head(*trail.head(connection))


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
) -> list[TrailEvent]:
    """Return what the trail says, the latest last, by filter; that it was asked for is added to it.

    ``since`` and ``until`` are moments, as the trail writes them, or their beginnings.

    Raises:
        CallError: when whoever asks may not see the trail.
    """
    conditions = [
        *([event.c.actor == actor] if actor else []),
        *([event.c.kind == kind] if kind else []),
        *([event.c.case_id == case_id] if case_id is not None else []),
        *([event.c.at >= since] if since else []),
        *([event.c.at <= f"{until}~"] if until else []),
    ]
    with acting(url) as connection:
        who = viewer_of(connection, asker)
        who.require("see the trail")
        query = sa.select(event).where(*conditions).order_by(event.c.id.desc()).limit(limit)
        found = [
            TrailEvent(
                row.id, row.at, row.actor, row.kind, row.run_id, row.case_id, row.rule_id,
                json.loads(row.detail),
            )
            for row in connection.execute(query)
        ]  # fmt: skip
        add_events(connection, asker.at, asker.actor, [happened("trail read", case_id)])
    return found[::-1]
