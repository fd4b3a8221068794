"""Connections to the two databases, and what they say when something is wrong.

SQLite keeps a write-ahead log and one writer at a time; PostgreSQL is asked for the same, so that
what holds of a store holds of both: who writes, writes alone, and who reads sees one moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import StoreError
from triage.store.address import Address

BUSY_SECONDS: Final = 5
"""How long a short write of somebody else's is waited for; a whole run is not waited for."""
_ONE_WRITER: Final = 0x7472_6961_6765
ONE_RUN: Final = _ONE_WRITER + 1
"""The advisory locks of PostgreSQL: numbers of the database's own that no other program takes."""
_BUSY: Final = ("55P03", "57014", "40001", "40P01")
"""What PostgreSQL calls a lock that was not to be had in time."""


def sqlite_engine(
    file: Path, begin: str, settings: Sequence[str] = ("foreign_keys=ON",), wait: float = 0
) -> sa.Engine:
    """Return an engine of a SQLite file whose transactions begin as told."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(file)),
        connect_args={"timeout": wait or BUSY_SECONDS},
        poolclass=sa.NullPool,
    )

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
    """Return an engine of a PostgreSQL database: one writer at a time, readers of one moment."""
    level = "READ COMMITTED" if writes else "REPEATABLE READ"
    engine = sa.create_engine(
        address.url, poolclass=sa.NullPool, isolation_level=level,
        connect_args={"connect_timeout": 2 * BUSY_SECONDS},
    )  # fmt: skip

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        if writes:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{wait or BUSY_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_WRITER})")
        else:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    return engine


@contextmanager
def telling(address: Address, ending: str) -> Iterator[None]:
    """Turn what a database says into one sentence, with the ending given."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise StoreError(f"{address.name}: {_what(error)}.{ending}") from None


def _what(error: sa.exc.DBAPIError) -> str:
    said = " ".join(str(error.orig).split())
    state = getattr(error.orig, "sqlstate", None)
    if state in _BUSY or "locked" in said or "busy" in said:
        return "the store is busy: somebody else is writing to it; try again in a minute"
    if "not a database" in said or "malformed" in said:
        return "the store is damaged, or is no triage store; restore it from a backup"
    if isinstance(error, sa.exc.OperationalError) and state is None and "connect" in said:
        return f"the store cannot be reached ({said}); check that its server runs"
    return f"the store cannot be used ({said}); check the folder and the disk"
