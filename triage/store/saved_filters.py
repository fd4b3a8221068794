"""Filters of the queue that people keep for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from triage.casework import said
from triage.errors import CallError
from triage.store.access_tables import saved_filter
from triage.store.connection import acting, reading
from triage.store.people import Asker, actor_of, registered_of

_MOST: Final = 30
_MOST_LETTERS: Final = 100


@dataclass(frozen=True)
class SavedFilter:
    """A filter by its title; ``asked`` is the query string that asks for it."""

    id: int
    title: str
    asked: str


def save_filter(url: str, asker: Asker, title: str, asked: str) -> None:
    """Keep a filter under a title; one of the same title is replaced.

    Raises:
        CallError: when it has no title, or there are too many.
    """
    words = said(title, "give the filter a name.")[:_MOST_LETTERS]
    with acting(url) as connection:
        name = registered_of(connection, asker).name
        mine = sa.select(saved_filter.c.title).where(saved_filter.c.name == name)
        known = set(connection.scalars(mine))
        if words in known:
            which = sa.and_(saved_filter.c.name == name, saved_filter.c.title == words)
            connection.execute(sa.update(saved_filter).where(which).values(asked=asked))
            return
        if len(known) >= _MOST:
            raise CallError(f"there are {_MOST} saved filters already; delete one first.")
        connection.execute(sa.insert(saved_filter).values(name=name, title=words, asked=asked))


def saved_filters(url: str, asker: Asker) -> list[SavedFilter]:
    """Return one's own filters by title."""
    with reading(url) as connection:
        name = actor_of(connection, asker).name
        mine = sa.select(saved_filter).where(saved_filter.c.name == name)
        return [
            SavedFilter(row.id, row.title, row.asked)
            for row in connection.execute(mine.order_by(saved_filter.c.title))
        ]


def drop_filter(url: str, asker: Asker, number: int) -> None:
    """Delete one of one's own filters; somebody else's is not there."""
    with acting(url) as connection:
        name = actor_of(connection, asker).name
        which = sa.and_(saved_filter.c.name == name, saved_filter.c.id == number)
        connection.execute(sa.delete(saved_filter).where(which))
