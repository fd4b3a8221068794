"""Who is signed in: sessions that the store keeps, and so can end.

What a browser shows is kept as its SHA-256 only. A session ends when somebody signs out, when it
is ended for them, when their rights are taken away, and by time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from triage.rights import Viewer
from triage.store.access_tables import account, session
from triage.store.connection import acting, reading
from triage.store.people import Asker, actor_of, registered_of, stamp, viewer_of
from triage.store.tables import person
from triage.store.trail import add_events, happened

Way = Literal["local", "oidc", "proxy"]
IDLE: Final = dt.timedelta(minutes=60)
"""How long a session lasts in which nothing is asked for: as long as a case is held."""
LONGEST: Final = dt.timedelta(hours=12)
"""How long a session lasts at most: a working day."""
_SEEN_EVERY: Final = dt.timedelta(minutes=5)
_SEEN_WAITS: Final = 0.5
"""Seconds; the next request keeps it."""


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class Session:
    """An open session: whose, since when, and how they signed in.

    ``is_to_change`` says that their password is somebody else's choice.
    """

    id: int
    name: str
    way: str
    began_at: str
    seen_at: str
    is_to_change: bool = False

    def is_old(self, now: dt.datetime) -> bool:
        """Return whether it is time to keep that it is still used."""
        return stamp(now - _SEEN_EVERY) >= self.seen_at


def begin_session(url: str, asker: Asker, token: str, way: Way) -> None:
    """Begin a session of somebody who has just shown who they are.

    Raises:
        CallError: when nobody of that name is registered.
    """
    with acting(url) as connection:
        actor = registered_of(connection, asker)
        values = {"token": digest(token), "name": actor.name, "way": way,
                  "began_at": asker.at, "seen_at": asker.at}  # fmt: skip
        connection.execute(sa.insert(session).values(values))
        lifted = {"n_failed": 0, "locked_until": None}
        connection.execute(sa.update(account).where(account.c.name == actor.name).values(lifted))
        event = happened("signed in", detail={"way": way})
        add_events(connection, asker.at, actor.name, [event])


def session_of(
    url: str, token: str, now: dt.datetime, readers: tuple[str, ...]
) -> tuple[Session, Viewer] | None:
    """Return the open session of a token, and what its person may do; None where there is none."""
    query = (
        sa.select(session, account.c.is_to_change)
        .join(person, person.c.name == session.c.name)
        .outerjoin(account, account.c.name == session.c.name)
        .where(session.c.token == digest(token), person.c.is_active, *_is_open(now))
    )
    with reading(url) as connection:
        row = connection.execute(query).first()
        if row is None:
            return None
        return _session(row), viewer_of(connection, Asker(row.name, readers, now))


def _is_open(now: dt.datetime) -> list[sa.ColumnElement[bool]]:
    return [
        session.c.ended_at.is_(None),
        session.c.seen_at > stamp(now - IDLE),
        session.c.began_at > stamp(now - LONGEST),
    ]


def _session(row: Any) -> Session:
    is_to_change = row.way == "local" and bool(row.is_to_change)
    return Session(row.id, row.name, row.way, row.began_at, row.seen_at, is_to_change)


def keep_seen(url: str, number: int, now: dt.datetime) -> None:
    """Keep that a session is still used; nobody is made to wait for that while a night is stored.

    Raises:
        StoreError: when somebody else is writing.
    """
    with acting(url, wait=_SEEN_WAITS) as connection:
        seen = sa.update(session).where(session.c.id == number).values(seen_at=stamp(now))
        connection.execute(seen)


def end_session(url: str, asker: Asker, token: str) -> None:
    """End the session of a token: its person signs out."""
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        which = sa.and_(session.c.token == digest(token), session.c.ended_at.is_(None))
        if connection.execute(sa.update(session).where(which).values(ended_at=asker.at)).rowcount:
            add_events(connection, asker.at, actor.name, [happened("signed out")])


def sessions(url: str, asker: Asker) -> list[Session]:
    """Return the open sessions: everybody's for who manages people, else one's own.

    Raises:
        CallError: when nobody is so called.
    """
    query = (
        sa.select(session, account.c.is_to_change)
        .outerjoin(account, account.c.name == session.c.name)
        .where(*_is_open(asker.now))
        .order_by(session.c.id.desc())
    )
    with reading(url) as connection:
        who = actor_of(connection, asker)
        if not who.may("manage people"):
            query = query.where(session.c.name == who.name)
        return [_session(row) for row in connection.execute(query)]


def revoke_sessions(url: str, asker: Asker, name: str, keep: str = "") -> int:
    """End the open sessions of somebody, all but that of the token ``keep``; return how many.

    Raises:
        CallError: when they are somebody else's, and whoever asks does not manage people.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        if name != actor.name:
            actor.require("manage people")
        which = [session.c.name == name, session.c.ended_at.is_(None)]
        if keep:
            which.append(session.c.token != digest(keep))
        ended = connection.execute(sa.update(session).where(*which).values(ended_at=asker.at))
        told = {"name": name, "sessions": ended.rowcount}
        add_events(connection, asker.at, actor.name, [happened("sessions ended", detail=told)])
        return int(ended.rowcount)
