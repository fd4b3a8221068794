"""Connections to the two databases, and what they say when something is wrong.

SQLite keeps a write-ahead log and one writer at a time; PostgreSQL is asked for the same, so that
what holds of a store holds of both: who writes, writes alone, and who reads sees one moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import DamagedError, StoreError
from triage.store.address import Address

BUSY_SECONDS: Final = 5
"""How long a short write of somebody else's is waited for; a whole run is not waited for."""
_ONE_WRITER: Final = 0x7472_6961_6765
ONE_RUN: Final = _ONE_WRITER + 1
"""The advisory locks of PostgreSQL: numbers of the database's own that no other program takes."""
_BUSY: Final = ("55P03", "57014", "40001", "40P01")
"""What PostgreSQL calls a lock that was not to be had in time."""
_GRANTS: Final = 150_000
"""The version of PostgreSQL from which on such a setting can be granted."""
_ENGINES: Final = 16
"""Engines that are kept, with the statements they have made ready."""


_n_kept = 0
"""Connections that this process keeps open between transactions; a command keeps none."""
_keeping: list[sa.Engine] = []


def keep_connections(count: int) -> None:
    """Keep up to so many connections of each kind open from now on, as a server does; 0 for none.

    Each transaction still has one of its own, which is made anew where it broke meanwhile.
    """
    global _n_kept
    _n_kept = count
    for made in (_sqlite_engine, _postgresql_engine):
        made.cache_clear()
    while _keeping:
        _keeping.pop().dispose()


def is_kept(connection: sa.Connection) -> bool:
    """Return whether a connection is kept for what comes next."""
    return not isinstance(connection.engine.pool, sa.NullPool)


def end_connections(engine: sa.Engine) -> None:
    """Close what an engine has open, unless it keeps connections for what comes next."""
    if isinstance(engine.pool, sa.NullPool):
        engine.dispose()


def _pool(n_kept: int) -> dict[str, Any]:
    """Return how connections are kept; whoever needs one more than those is not made to wait."""
    if not n_kept:
        return {"poolclass": sa.NullPool}
    return {"poolclass": sa.QueuePool, "pool_size": n_kept, "max_overflow": -1,
            "pool_use_lifo": True}  # fmt: skip


def _leave_replaced(engine: sa.Engine, file: Path) -> None:
    """Open a file anew when another stands in its place, as after a restore."""

    def which() -> tuple[int, int] | None:
        try:
            found = file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @sa.event.listens_for(engine, "connect")
    def _connected(_connection: Any, record: Any) -> None:
        record.info["file"] = which()

    @sa.event.listens_for(engine, "checkout")
    def _lent(_connection: Any, record: Any, _lender: Any) -> None:
        if record.info["file"] != which():
            raise sa.exc.DisconnectionError


def sqlite_engine(
    file: Path, begin: str, settings: Sequence[str] = ("foreign_keys=ON",), wait: float = 0
) -> sa.Engine:
    """Return an engine of a SQLite file whose transactions begin as told."""
    return _sqlite_engine(file.absolute(), begin, tuple(settings), wait or BUSY_SECONDS, _n_kept)


@lru_cache(maxsize=_ENGINES)
def _sqlite_engine(
    file: Path, begin: str, settings: tuple[str, ...], wait: float, n_kept: int
) -> sa.Engine:  # fmt: skip
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(file)), connect_args={"timeout": wait}, **_pool(n_kept)
    )
    if n_kept:
        _keeping.append(engine)
        _leave_replaced(engine, file)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for setting in (*settings, "synchronous=FULL"):
            connection.execute(f"PRAGMA {setting}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")

    return engine


def postgresql_engine(address: Address, *, writes: bool, wait: float = 0) -> sa.Engine:
    """Return an engine of a PostgreSQL database: one writer at a time, readers of one moment.

    Days are told as ISO texts, whatever the server is set to.
    """
    return _postgresql_engine(address, writes, wait or BUSY_SECONDS, _n_kept)


@lru_cache(maxsize=_ENGINES)
def _postgresql_engine(address: Address, writes: bool, wait: float, n_kept: int) -> sa.Engine:
    level = "READ COMMITTED" if writes else "REPEATABLE READ"
    # A connection that stood still may have been broken by the server or on the way.
    asked = {"pool_pre_ping": True} if n_kept else {}
    engine = sa.create_engine(
        address.url, isolation_level=level, connect_args=_given_up_after(), **asked, **_pool(n_kept)
    )

    if n_kept:
        _keeping.append(engine)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.read_only = not writes

    # A connection may be lent for one transaction only, so each sets what it needs; all at once.
    wanted = "SET LOCAL datestyle = 'ISO'"
    if writes:
        alone = f"SELECT pg_advisory_xact_lock({_ONE_WRITER})"
        wanted = f"SET LOCAL lock_timeout = '{wait}s'; {alone}; {wanted}"

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(wanted)

    return engine


def leave_references(connection: sa.Connection) -> None:
    """Leave references unchecked until the transaction ends, where the account may.

    It takes a third of the time of a night with many new flags. A superuser may, and whoever was
    granted it: ``GRANT SET ON PARAMETER session_replication_role``, from PostgreSQL 15 on.
    """
    is_granted = "has_parameter_privilege('session_replication_role', 'SET')"
    version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    if int(version) >= _GRANTS and connection.exec_driver_sql(f"SELECT {is_granted}").scalar():
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


def lock_engine(address: Address) -> sa.Engine:
    """Return an engine of a PostgreSQL database on which each statement stands for itself."""
    return sa.create_engine(
        address.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT",
        connect_args=_given_up_after(),
    )  # fmt: skip


def _given_up_after() -> dict[str, Any]:
    """Return how long a server that does not answer is waited for."""
    return {"connect_timeout": 2 * BUSY_SECONDS}


@contextmanager
def telling(address: Address, ending: str) -> Iterator[None]:
    """Turn what a database says into one sentence, with the ending given."""
    try:
        yield
    except driver_errors(address) as error:
        kind = DamagedError if is_damage(error) else StoreError
        raise kind(f"{address.name}: {_what(error)}.{ending}") from None


def driver_errors(address: Address) -> tuple[type[Exception], ...]:
    """Return what may be raised on a connection: by SQLAlchemy, or by the driver it lends."""
    if address.file is not None:
        return (sa.exc.DBAPIError, sqlite3.Error)
    import psycopg

    return (sa.exc.DBAPIError, psycopg.Error)


def is_damage(error: Exception) -> bool:
    """Return whether a database says by an error that its file is damaged, or is none of its."""
    said = str(getattr(error, "orig", error))
    return any(word in said for word in ("not a database", "malformed", "Could not decode"))


def said_by(error: Exception) -> str:
    """Return what a database says by an error, on one line, and nothing that is kept in it."""
    told = getattr(error, "orig", error)
    # PostgreSQL adds the row that it would not take.
    first = getattr(getattr(told, "diag", None), "message_primary", None)
    said = " ".join((first or str(told)).split())
    return "a text is not UTF-8" if "Could not decode" in said else said


def _what(error: Exception) -> str:
    said = said_by(error)
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if state in _BUSY or "locked" in said or "busy" in said:
        return "the store is busy: somebody else is writing to it; try again in a minute"
    if is_damage(error):
        return "the store is damaged, or is no triage store; restore it from a backup"
    if isinstance(error, sa.exc.OperationalError) and state is None and "connect" in said:
        return f"the store cannot be reached ({said}); check that its server runs"
    return f"the store cannot be used ({said}); check the folder and the disk"
