"""Stores of a test's own, on SQLite and on PostgreSQL, which are asked in the same words."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.types.string import TextLoader

from triage.store import engines

KINDS = ("sqlite", "postgresql")
ON_SQLITE, ON_POSTGRESQL = (
    pytest.mark.parametrize("new_store", [kind], indirect=True) for kind in KINDS
)
"""For tests of what is so in one of the two only."""


@dataclass(frozen=True)
class OwnStore:
    """A place for a store; nothing is there until a command makes it."""

    kind: str
    url: str

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a query finds: days as ISO texts, JSON as text, true and false as 1 and 0."""
        ((_, rows),) = self._found(sql)
        return rows

    def queries(self, *statements: str) -> list[list[dict[str, Any]]]:
        """Return what several queries find, by the names of the columns."""
        return [
            [dict(zip(names, row, strict=True)) for row in rows]
            for names, rows in self._found(*statements)
        ]

    def _found(self, *statements: str) -> list[tuple[list[str], list[tuple[Any, ...]]]]:
        found = []
        with self.opened() as connection:
            for statement in statements:
                cursor = connection.execute(statement)
                names = [column[0] for column in cursor.description]
                found.append((names, [tuple(map(_plain, row)) for row in cursor.fetchall()]))
        return found

    def value(self, sql: str) -> Any:
        """Return the one value that a query finds."""
        ((found,),) = self.query(sql)
        return found

    def execute(self, *statements: str) -> None:
        """Change the store behind the product's back, in one transaction."""
        with self.opened() as connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open a connection of the database's own driver."""
        if self.kind == "sqlite":
            path = self.url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path)) as connection, connection:
                yield connection
            return
        with psycopg.connect(self.url) as connection:
            connection.execute("SET datestyle TO ISO")
            for name in ("date", "json"):
                connection.adapters.register_loader(name, TextLoader)
            yield connection

    def rows(self, *tables: str) -> dict[str, list[dict[str, Any]]]:
        """Return every row of some tables, in one order on both."""
        found = self.queries(*(f'SELECT * FROM "{name}"' for name in tables))
        return {
            name: sorted(rows, key=lambda row: repr(sorted(row.items())))
            for name, rows in zip(tables, found, strict=True)
        }

    def tables(self) -> set[str]:
        """Return the names of the tables that there are."""
        if self.kind == "sqlite":
            sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        else:
            sql = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        return {name for (name,) in self.query(sql)}

    def settle(self) -> None:
        """Wait until the server has seen that a process is gone which held the store."""
        if self.kind == "postgresql":
            for lock in (engines.ONE_RUN, engines._ONE_WRITER):
                self.query(f"SELECT pg_advisory_lock({lock}) IS NULL, pg_advisory_unlock({lock})")

    def check(self) -> None:
        """Hold the store to what the database itself can tell: that it is whole."""
        if self.kind == "sqlite":
            assert self.query("PRAGMA integrity_check") == [("ok",)]
            assert self.query("PRAGMA foreign_key_check") == []


IN_BRITAIN = ("datestyle = 'SQL, DMY'", "timezone = 'Europe/London'", "bytea_output = 'escape'")
"""Settings of a server that are not the usual ones: what is stored is to be the same by them."""
NewStore = Callable[[Path], AbstractContextManager[OwnStore]]


@contextmanager
def in_a_file(folder: Path) -> Iterator[OwnStore]:
    """Give a place in a folder."""
    yield OwnStore("sqlite", f"sqlite:///{folder / 'triage.db'}")


def in_britain(url: str) -> str:
    """Make a database on a server whose settings are unusual; return its URL."""
    name = "council"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        for setting in IN_BRITAIN:
            connection.execute(f"ALTER DATABASE {name} SET {setting}")
    parsed = sa.make_url(url).set(database=name)
    return parsed.render_as_string(hide_password=False)


@contextmanager
def on_a_server(url: str) -> Iterator[OwnStore]:
    """Give a place on a server: a schema of its own, which takes a tenth of a database's time."""
    name = f"store_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        mark = "&" if "?" in url else "?"
        yield OwnStore("postgresql", f"{url}{mark}options=-csearch_path%3D{name}")
        connection.execute("SET lock_timeout = '20s'")
        connection.execute(f"DROP SCHEMA {name} CASCADE")


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return bytes(value) if isinstance(value, memoryview) else value
