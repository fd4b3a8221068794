"""Tokens by which programs act as somebody registered, with the rights of that person's role."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from triage.casework import said
from triage.errors import CallError, MissingError
from triage.rights import Viewer
from triage.store.access_tables import answered, api_token
from triage.store.connection import acting, reading
from triage.store.people import Asker, actor_of, stamp, viewer_of
from triage.store.sessions import digest
from triage.store.tables import person
from triage.store.trail import add_events, happened

LONGEST: Final = dt.timedelta(days=366)
"""How long a token may last."""
ANSWERS_KEPT: Final = dt.timedelta(hours=24)
"""How long an answer to a request with a key is kept."""
_MOST_LETTERS: Final = 100


@dataclass(frozen=True)
class ApiToken:
    """A token: whose, for what, until when; ``ended_at`` once it was revoked."""

    id: int
    name: str
    label: str
    made_at: str
    made_by: str
    until: dt.date
    ended_at: str | None


def make_token(
    url: str, asker: Asker, name: str, label: str, until: dt.date, token: str
) -> int:  # fmt: skip
    """Keep a token for somebody registered; return its number.

    Raises:
        CallError: when whoever asks does not manage people, nobody is so called, it has no label,
            or it would last too long.
    """
    words = said(label, "say what the token is for.")[:_MOST_LETTERS]
    if not asker.today <= until <= asker.today + LONGEST:
        raise CallError(f"{until}: a token lasts at least until today and at most a year.")
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage people")
        known = sa.select(person.c.name).where(person.c.name == name, person.c.is_active)
        if connection.execute(known).first() is None:
            raise CallError(f"nobody of the name {name} is registered; `triage people list`.")
        inserted = connection.execute(
            sa.insert(api_token).values(
                token=digest(token), name=name, label=words, made_at=asker.at,
                made_by=actor.name, until=until,
            )
        )  # fmt: skip
        key = inserted.inserted_primary_key
        assert key is not None
        told = {"token": int(key[0]), "name": name, "until": until.isoformat()}
        add_events(connection, asker.at, actor.name, [happened("token made", detail=told)])
        return int(key[0])


def tokens(url: str, asker: Asker) -> list[ApiToken]:
    """Return every token, the latest first.

    Raises:
        CallError: when whoever asks does not manage people.
    """
    with reading(url) as connection:
        actor_of(connection, asker).require("manage people")
        return [
            ApiToken(row.id, row.name, row.label, row.made_at, row.made_by, row.until, row.ended_at)
            for row in connection.execute(sa.select(api_token).order_by(api_token.c.id.desc()))
        ]


def revoke_token(url: str, asker: Asker, number: int) -> None:
    """End a token.

    Raises:
        CallError: when whoever asks does not manage people, or there is none such.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage people")
        which = sa.and_(api_token.c.id == number, api_token.c.ended_at.is_(None))
        ended = connection.execute(sa.update(api_token).where(which).values(ended_at=asker.at))
        if not ended.rowcount:
            raise MissingError(f"there is no token {number} that could be ended.")
        event = happened("token ended", detail={"token": number})
        add_events(connection, asker.at, actor.name, [event])


def token_of(url: str, token: str, asker: Asker) -> Viewer | None:
    """Return who a program acts as by a token, and what they may do; None for no token."""
    query = (
        sa.select(api_token.c.name)
        .join(person, person.c.name == api_token.c.name)
        .where(
            api_token.c.token == digest(token), api_token.c.ended_at.is_(None),
            api_token.c.until >= asker.today, person.c.is_active,
        )
    )  # fmt: skip
    with reading(url) as connection:
        name = connection.scalar(query)
        if name is None:
            return None
        return viewer_of(connection, Asker(name, asker.readers, asker.now))


@dataclass(frozen=True)
class Answered:
    """What a request with a key was answered; without a status it is not answered yet."""

    asked: str
    status: int | None
    body: str | None


def claim_key(url: str, key: str, asked: str, now: dt.datetime) -> Answered | None:
    """Keep that a request with a key is being answered; return what it was answered before.

    ``key`` and ``asked`` are digests: of who asks with the key, and of the request.
    """
    with acting(url) as connection:
        too_old = stamp(now - ANSWERS_KEPT)
        connection.execute(sa.delete(answered).where(answered.c.at < too_old))
        row = connection.execute(sa.select(answered).where(answered.c.key == key)).first()
        if row is not None:
            return Answered(row.asked, row.status, row.body)
        connection.execute(sa.insert(answered).values(key=key, at=stamp(now), asked=asked))
        return None


def keep_answer(url: str, key: str, status: int | None, body: str) -> None:
    """Keep what a request with a key was answered; with no status, that it may be asked anew."""
    with acting(url) as connection:
        if status is None:
            connection.execute(sa.delete(answered).where(answered.c.key == key))
            return
        values = {"status": status, "body": body}
        connection.execute(sa.update(answered).where(answered.c.key == key).values(values))
