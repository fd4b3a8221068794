"""Where a store is: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from triage.errors import CallError

DEFAULT_URL: Final = "sqlite:///triage.db"
_DRIVER: Final = "postgresql+psycopg"
_SQLITE: Final = ("sqlite", "sqlite+pysqlite")
_POSTGRESQL: Final = ("postgresql", "postgres", _DRIVER)


@dataclass(frozen=True)
class Address:
    """A store's address; ``file`` is None where a server keeps it. ``name`` has no password."""

    url: sa.URL
    file: Path | None
    name: str


def address_of(url: str) -> Address:
    """Return what a store's URL says.

    Raises:
        CallError: when it is neither that of a SQLite file nor that of a PostgreSQL database.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise CallError(
            f"--db '{url}' is no database URL; write for example {DEFAULT_URL}."
        ) from None
    name = parsed.render_as_string()
    if parsed.drivername in _SQLITE and not parsed.query:
        if parsed.database in (None, "", ":memory:"):
            raise CallError(f"--db {name}: names no file; write for example {DEFAULT_URL}.")
        file = Path(str(parsed.database))
        return Address(parsed, file, str(file))
    if parsed.drivername in _POSTGRESQL:
        if not parsed.database:
            raise CallError(f"--db {name}: names no database; write postgresql://SERVER/DATABASE.")
        return Address(parsed.set(drivername=_DRIVER), None, name)
    raise CallError(
        f"--db {name}: a store is kept in a SQLite file or in PostgreSQL; write for example "
        f"{DEFAULT_URL}, or postgresql://SERVER/DATABASE."
    )
