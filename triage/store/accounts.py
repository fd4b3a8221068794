"""Local accounts: whose password is kept, and who is locked out for a while.

A password is hashed before it comes here. Every sign-in, and every one that failed, is an event.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import CallError
from triage.store.access_tables import account, session
from triage.store.connection import acting, reading
from triage.store.people import Asker, actor_of, stamp
from triage.store.tables import person
from triage.store.trail import add_events, happened

MOST_FAILED: Final = 5
"""Wrong passwords in a row after which an account is locked."""
LOCKED_FOR: Final = dt.timedelta(minutes=15)
NOBODY: Final = "account:web"
"""Who the trail says failed to sign in: what was typed as a name may be a password."""


@dataclass(frozen=True)
class Account:
    """How somebody signs in here; ``locked_until`` is a moment, if they may not for a while."""

    name: str
    password: str
    is_to_change: bool
    locked_until: str | None

    def is_locked(self, now: dt.datetime) -> bool:
        """Return whether no password is looked at, at this moment."""
        return self.locked_until is not None and stamp(now) < self.locked_until


def account_of(url: str, name: str) -> Account | None:
    """Return the account of somebody who is registered; None where there is none."""
    query = sa.select(account).join(person).where(account.c.name == name, person.c.is_active)
    with reading(url) as connection:
        row = connection.execute(query).first()
    return None if row is None else Account(*_told(row))


def _told(row: Any) -> tuple[str, str, bool, str | None]:
    return row.name, row.password, bool(row.is_to_change), row.locked_until


def accounts(url: str, asker: Asker) -> dict[str, Account]:
    """Return every local account by name.

    Raises:
        CallError: when whoever asks does not manage people.
    """
    with reading(url) as connection:
        actor_of(connection, asker).require("manage people")
        return {row.name: Account(*_told(row)) for row in connection.execute(sa.select(account))}


def keep_password(url: str, asker: Asker, name: str, password: str) -> None:
    """Keep the hash of somebody's password: their own choice, or an administrator's for them.

    One that somebody else chose is to be changed at the first sign-in. Sessions that are open end,
    and a lock is lifted.

    Raises:
        CallError: when nobody of that name is registered, or whoever asks may not.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        if name != actor.name:
            actor.require("manage people")
        known = sa.select(person.c.name).where(person.c.name == name, person.c.is_active)
        if connection.execute(known).first() is None:
            raise CallError(f"nobody of the name {name} is registered; `triage people list`.")
        values = {
            "password": password, "is_to_change": name != actor.name, "changed_at": asker.at,
            "n_failed": 0, "locked_until": None,
        }  # fmt: skip
        changed = connection.execute(
            sa.update(account).where(account.c.name == name).values(values)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(account).values(name=name, **values))
        open_ones = sa.and_(session.c.name == name, session.c.ended_at.is_(None))
        connection.execute(sa.update(session).where(open_ones).values(ended_at=asker.at))
        event = happened("password set", detail={"name": name})
        add_events(connection, asker.at, actor.name, [event])


def keep_failed(url: str, name: str, now: dt.datetime) -> None:
    """Keep that a sign-in failed, and lock the account where it was one too many.

    ``name`` is what was typed: where nobody is called so, the trail does not repeat it.
    """
    at = stamp(now)
    with acting(url) as connection:
        row = connection.execute(sa.select(account).where(account.c.name == name)).first()
        if row is None:
            add_events(connection, at, NOBODY, [happened("sign-in failed")])
            return
        events = [happened("sign-in failed", detail={"name": name})]
        n_failed, locked_until = row.n_failed + 1, row.locked_until
        if n_failed >= MOST_FAILED:
            n_failed, locked_until = 0, stamp(now + LOCKED_FOR)
            events.append(happened("account locked", detail={"name": name, "until": locked_until}))
        values = {"n_failed": n_failed, "locked_until": locked_until}
        connection.execute(sa.update(account).where(account.c.name == name).values(values))
        add_events(connection, at, NOBODY, events)
