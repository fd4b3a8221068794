"""Who is registered, and who asks: the store's side of ``triage.rights``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import CallError, ConflictError, MissingError
from triage.rights import ROLES, Person, Viewer, viewer
from triage.store.access_tables import api_token, session
from triage.store.connection import acting, reading
from triage.store.tables import case, person
from triage.store.trail import add_events, happened

_NOT_OF_PEOPLE: Final = ("system:", "account:")
"""How the trail calls what is no person: the nightly run, and an account without a name."""
_MOST_LETTERS: Final = 200


@dataclass(frozen=True)
class Asker:
    """Somebody who asks something of the store, at a moment.

    ``readers`` are those who see restricted records; ``account`` is who runs this program.
    """

    name: str | None
    readers: tuple[str, ...]
    now: dt.datetime
    account: str = "account:unknown"

    @property
    def actor(self) -> str:
        """Return who the trail says it was: the name given, else the account of this machine."""
        return self.name or self.account

    @property
    def at(self) -> str:
        """Return the moment as the store keeps it: UTC, to the second."""
        return stamp(self.now)

    @property
    def today(self) -> dt.date:
        """Return the day it is where this program runs."""
        return self.now.astimezone().date()


def stamp(moment: dt.datetime) -> str:
    """Return a moment as the store keeps it."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def viewer_of(connection: sa.Connection, asker: Asker) -> Viewer:
    """Return what whoever asks may do and see.

    Raises:
        CallError: when people are registered and this is none of them, or it is no name.
    """
    if asker.name:
        check_name(asker.name)
    # One's own row is enough, or else any: whether people are registered at all is to be known.
    whose = sa.select(person)
    found = _persons(connection, whose.where(person.c.name == asker.name)) if asker.name else []
    found = found or _persons(connection, whose.limit(1))
    return viewer(asker.name, found, asker.readers)


def actor_of(connection: sa.Connection, asker: Asker) -> Viewer:
    """Return what whoever acts may do: somebody with a name.

    Raises:
        CallError: when no name was given, or it is nobody's who is registered.
    """
    if not asker.name:
        raise CallError("say who does this", ", with --as NAME: the trail keeps who did what.")
    return viewer_of(connection, asker)


def registered_of(connection: sa.Connection, asker: Asker) -> Viewer:
    """Return what whoever acts may do: somebody who is registered, of whom something is kept.

    Raises:
        CallError: when nobody is registered yet, or this is nobody who is.
    """
    found = actor_of(connection, asker)
    if found.role is None:
        raise CallError("nobody is registered yet", "; `triage users add NAME` does so.")
    return found


def worker_of(connection: sa.Connection, asker: Asker, name: str) -> Viewer:
    """Return what somebody may do and see to whom work is to be given.

    Raises:
        CallError: when it is no name, nobody's who is registered, or they do not work on cases.
    """
    check_name(name)
    known = everybody(connection)
    if known and not any(one.name == name and one.is_active for one in known):
        raise CallError(
            f"--to {name}: nobody of that name is registered", "; `triage people list`."
        )
    found = viewer(name, known, asker.readers)
    found.require("work on cases")
    return found


def check_name(name: str) -> None:
    """Refuse a name under which nobody can act.

    Raises:
        CallError: when it is empty, too long, cannot be printed, or is kept for what is no person.
    """
    if not name.strip() or len(name) > _MOST_LETTERS or not name.isprintable():
        raise CallError(
            f"a name is to be of 1 to {_MOST_LETTERS} characters that can be printed; give another."
        )
    if name.startswith(_NOT_OF_PEOPLE):
        raise CallError(f"{name}: is no name of a person; give another.")


def people(url: str) -> list[Person]:
    """Return everybody who is registered, by name."""
    with reading(url) as connection:
        return everybody(connection)


def everybody(connection: sa.Connection) -> list[Person]:
    """Return everybody who is registered, or was, by name."""
    return _persons(connection, sa.select(person).order_by(person.c.name))


def _persons(connection: sa.Connection, query: sa.Select[Any]) -> list[Person]:
    return [
        Person(row.name, row.role, tuple(row.teams), bool(row.is_active))
        for row in connection.execute(query)
    ]


def teams_known(url: str, asker: Asker) -> list[str]:
    """Return the teams that cases are of and those that people are for, to choose from.

    Raises:
        CallError: when whoever asks does not manage people.
    """
    with reading(url) as connection:
        actor_of(connection, asker).require("manage people")
        found = {team for one in everybody(connection) for team in one.teams}
        found.update(connection.scalars(sa.select(case.c.team).distinct()))
        return sorted(found - {None, ""})


def register(url: str, asker: Asker, name: str, role: str, teams: Sequence[str]) -> None:
    """Register somebody, or change their role and teams.

    The first to be registered is to be an administrator, or nobody could register another.

    Raises:
        CallError: when whoever asks may not, or nobody could administer the store any more.
    """
    if role not in ROLES:
        raise CallError(f"'{role}' is no role; known are {', '.join(ROLES)}.")
    check_name(name)
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage people")
        put_down(connection, asker.at, actor.name, Person(name, role, tuple(teams)))


def put_down(connection: sa.Connection, at: str, actor: str, one: Person) -> None:
    """Put somebody down as registered, with the event that says who did so.

    Raises:
        ConflictError: when nobody could administer the store any more.
    """
    known = {other.name: other for other in everybody(connection)}
    _check_administered(known | {one.name: one})
    values = {"role": one.role, "teams": list(one.teams), "is_active": True}
    if one.name in known:
        connection.execute(sa.update(person).where(person.c.name == one.name).values(values))
    else:
        connection.execute(sa.insert(person).values(name=one.name, **values))
    told = {"name": one.name, "role": one.role, "teams": list(one.teams)}
    add_events(connection, at, actor, [happened("person registered", detail=told)])


def strike_off(url: str, asker: Asker, name: str) -> None:
    """Take somebody's rights away, and end how they get in; what they did stays theirs.

    Raises:
        CallError: when there is no such person, whoever asks may not, or nobody could administer
            the store any more.
    """
    with acting(url) as connection:
        actor = actor_of(connection, asker)
        actor.require("manage people")
        known = {one.name: one for one in everybody(connection) if one.is_active}
        if name not in known:
            raise MissingError(
                f"nobody of the name {name} is registered", "; `triage people list`."
            )
        del known[name]
        _check_administered(known)
        connection.execute(sa.update(person).where(person.c.name == name).values(is_active=False))
        for of in (session, api_token):
            which = sa.and_(of.c.name == name, of.c.ended_at.is_(None))
            connection.execute(sa.update(of).where(which).values(ended_at=asker.at))
        told = {"name": name}
        add_events(connection, asker.at, actor.name, [happened("person struck off", detail=told)])


def _check_administered(people: dict[str, Person]) -> None:
    if not any(one.role == "administrator" and one.is_active for one in people.values()):
        raise ConflictError(
            "somebody has to administer the store: register an administrator first",
            ", with `triage people add NAME --role administrator`.",
        )
