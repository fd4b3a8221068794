"""Which database a URL names, and how it is opened: to read only, and never showing a password."""

from __future__ import annotations

import importlib
import re
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from triage.errors import InputError
from triage.vocabulary import cut

SECONDS: Final = 10
"""How long a database, or a table that somebody else holds, is waited for."""
_LONGEST_CELL: Final = 1_000_000
_WORK: Final = 3.0
_WORK_A_MEGABYTE: Final = 1.0
"""Seconds of the processor that a SQLite file may ask for, many times what reading it takes."""
_DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mssql": "mssql+pyodbc",
}
_SHOWN: Final = ("host", "port", "driver", "schema")
"""What of the options behind a URL's question mark may be shown; a password may stand there too."""
_SECRET: Final = ("pass", "pwd", "secret", "token", "odbc_connect")
_EXAMPLES: Final = (
    "write for example postgresql://reader@server/database, mssql://reader@server/database or "
    "sqlite:///file.db"
)


@dataclass(frozen=True)
class Address:
    """A database: what it is called in messages, and what is needed to open it."""

    label: str
    url: sa.URL
    schema: str | None = None

    def without_secret(self, said: str) -> str:
        """Return the first line of what a driver said, without a password or a cell's content."""
        line = next(iter(said.strip().splitlines()), "no reason was given")
        if line.startswith("Could not decode to UTF-8"):
            return "a cell is no text in UTF-8"
        query = self.url.query.items()
        hidden = (value for key, value in query if any(word in key.casefold() for word in _SECRET))
        for secret in (self.url.password, *hidden):
            if secret and isinstance(secret, str):
                line = line.replace(secret, "***")
        return line[:200]


def address_of(name: str) -> Address:
    """Return the database that a URL names; ``?schema=NAME`` says where in it the tables lie.

    Raises:
        InputError: when it is no URL of a database that is read.
    """
    scheme = name.partition("://")[0]
    dialect = scheme.partition("+")[0].casefold()
    if dialect not in _DRIVERS:
        raise InputError(
            f"{cut(scheme)}://…: only SQLite, PostgreSQL and SQL Server are read; {_EXAMPLES}."
        )
    try:
        url = sa.make_url(name)
    except (sa.exc.ArgumentError, ValueError):
        raise InputError(f"{scheme}://…: is no database URL; {_EXAMPLES}.") from None
    if "@" in (url.host or ""):
        raise InputError(
            f"{scheme}://…: the name or the password before the last @ holds an @; write %40 there."
        )
    if dialect == "sqlite" and url.database in (None, "", ":memory:"):
        raise InputError(f"{cut(name)}: names no file; write for example sqlite:///file.db.")
    schema = url.query.get("schema")
    shown = url.set(
        drivername=dialect,
        query={key: value for key, value in url.query.items() if key in _SHOWN},
    )
    return Address(
        shown.render_as_string(hide_password=True),
        url.set(drivername=_DRIVERS[dialect]).difference_update_query(["schema"]),
        schema if schema is None or isinstance(schema, str) else schema[-1],
    )


def address_of_file(path: Path) -> Address:
    """Return the SQLite database in a file, called by the file's path."""
    return Address(str(path), sa.URL.create("sqlite+pysqlite", database=str(path)))


def engine_of(address: Address) -> sa.Engine:
    """Return what opens a database, waiting no longer than ``SECONDS`` for it.

    Raises:
        InputError: when there is no such file, or the driver is not installed.
    """
    url = address.url
    options: dict[str, Any] = {}
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(address)
        case "postgresql":
            options = {"prepare_threshold": None}
            if "connect_timeout" not in url.query:
                options["connect_timeout"] = SECONDS
        case _:
            url = _with_odbc_driver(address)
            options = {"timeout": SECONDS, "readonly": True}
    return sa.create_engine(url, poolclass=NullPool, connect_args=options)


def _sqlite(address: Address) -> sa.Engine:
    """Return what opens a file so that neither it nor one of its name can be written or made."""
    path = Path(str(address.url.database))
    if not path.exists():
        raise InputError(f"{address.label}: there is no such file; check the path.")
    if not path.is_file():
        raise InputError(f"{address.label}: is no file; check the path.")
    uri = f"{path.absolute().as_uri()}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=SECONDS, isolation_level=None)
        # A view can be a loop without an end, and a cell a thousand million bytes of nothing.
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
        ends = time.process_time() + _WORK + _WORK_A_MEGABYTE * (path.stat().st_size >> 20)
        connection.set_progress_handler(lambda: time.process_time() > ends, 100_000)
        return connection

    return sa.create_engine("sqlite+pysqlite://", poolclass=NullPool, creator=connect)


def _with_odbc_driver(address: Address) -> sa.URL:
    """Return the URL of an SQL Server with the newest ODBC driver there is, if it names none."""
    try:
        pyodbc = importlib.import_module("pyodbc")
    except ImportError as error:
        raise InputError(
            f"{address.label}: SQL Server needs pyodbc, which cannot be loaded "
            f"({address.without_secret(str(error))}); install it with "
            "pip install 'rereferral-triage[mssql]', and Microsoft's ODBC Driver for SQL Server."
        ) from None
    url = address.url
    if {"driver", "odbc_connect", "dsn"} & url.query.keys() or not url.database:
        return url
    drivers = [name for name in pyodbc.drivers() if "SQL Server" in name]
    if not drivers:
        raise InputError(
            f"{address.label}: no ODBC driver for SQL Server is installed; install Microsoft's "
            "ODBC Driver 18 for SQL Server."
        )
    newest = max(drivers, key=lambda name: int((re.findall(r"\d+", name) or ["0"])[0]))
    return url.update_query_dict({"driver": newest})
