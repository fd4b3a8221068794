"""Opening the store: SQLite with a write-ahead log, upgraded inside the transaction that writes.

Whatever goes wrong here is told in one sentence and leaves the store as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from filelock import FileLock, Timeout

from triage.errors import CallError, StoreError
from triage.store.tables import HEAD_REVISION

DEFAULT_URL: Final = "sqlite:///triage.db"
BUSY_SECONDS: Final = 5
"""How long a short write of somebody else's is waited for; a whole run is not waited for."""
PAGE_BYTES: Final = 16_384
"""The page of a new store: four times the usual one, which a night of a country fills faster."""
CACHE_KILOBYTES: Final = 65_536
"""Memory for pages while a night is written."""
_MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def database_file(url: str) -> Path:
    """Return the file behind a store's URL.

    Raises:
        CallError: when the URL is not that of a SQLite file.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise CallError(
            f"--db '{url}' is no database URL; write for example {DEFAULT_URL}."
        ) from None
    plain = parsed.drivername in ("sqlite", "sqlite+pysqlite") and not parsed.query
    if not plain or parsed.database in (None, "", ":memory:"):
        raise CallError(
            f"--db {parsed.render_as_string()}: this version keeps its store in a SQLite file; "
            f"write for example {DEFAULT_URL}."
        )
    return Path(str(parsed.database))


@contextmanager
def run_lock(url: str) -> Iterator[None]:
    """Hold the store for one run; a second run at the same time is told so at once.

    The lock belongs to the process, so that a run which was killed leaves none behind.

    Raises:
        StoreError: when another run holds it, or its file cannot be made.
    """
    file = database_file(url)
    if not file.absolute().parent.is_dir():
        raise StoreError(
            f"{file}: there is no folder {file.parent}; make it, or name another with --db. "
            "Nothing was stored."
        )
    lock = FileLock(f"{file}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(
            f"{file}: another run is using this store; wait until it has ended and run again. "
            "Nothing was stored."
        ) from None
    except OSError as error:
        raise StoreError(
            f"{file}: cannot be written ({error.strerror or error}). Nothing was stored."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """Open an existing store for reading.

    Raises:
        StoreError: when there is none yet, or it is damaged, busy, or of another version.
    """
    file = database_file(url)
    if not file.exists():
        raise StoreError(
            f"{file}: there is no store yet; `triage nightly SOURCE` makes one from your records."
        )
    with _telling(file, ""):
        engine = _engine(file, "DEFERRED")
        try:
            with engine.begin() as connection:
                revision = _own_revision(connection, file)
                if revision != HEAD_REVISION:
                    raise StoreError(
                        f"{file}: the store is at revision {revision or 'none'}, this version "
                        f"reads {HEAD_REVISION}; run `triage nightly` with the version it "
                        "belongs to."
                    )
                yield connection
        finally:
            engine.dispose()


@contextmanager
def writing(url: str) -> Iterator[sa.Connection]:
    """Open the store, upgraded to this version, for one transaction: all of it or nothing.

    A new store is written straight into its file, since there is nothing yet that a log would keep
    readable; from then on it has a write-ahead log. References are not checked row by row: a night
    numbers the cases and runs that its rows refer to itself.

    Raises:
        StoreError: when it is busy, damaged, out of reach, or newer than this version.
    """
    file = database_file(url)
    with _telling(file, " Nothing was stored."):
        if file.exists():
            _check_own(file)
        is_new = not file.exists() or not file.stat().st_size
        settings = [
            f"page_size={PAGE_BYTES}" if is_new else "journal_mode=WAL",
            f"cache_size=-{CACHE_KILOBYTES}",
            "foreign_keys=OFF",
        ]
        engine = _engine(file, "IMMEDIATE", settings)
        try:
            with engine.begin() as connection:
                _upgrade(connection, file)
                yield connection
        finally:
            engine.dispose()
    if is_new:
        _keep_log(file)


def _keep_log(file: Path) -> None:
    """Give a store its write-ahead log; while somebody reads, that is left to the next night."""
    engine = _engine(file, "DEFERRED")
    with suppress(sa.exc.OperationalError), engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
    engine.dispose()


def _check_own(file: Path) -> None:
    """Refuse a database of something else before anything in it is touched."""
    engine = _engine(file, "DEFERRED")
    try:
        with engine.begin() as connection:
            _own_revision(connection, file)
    finally:
        engine.dispose()


def _engine(file: Path, begin: str, settings: Sequence[str] = ("foreign_keys=ON",)) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{file}", connect_args={"timeout": BUSY_SECONDS}, poolclass=sa.NullPool
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


@contextmanager
def _telling(file: Path, ending: str) -> Iterator[None]:
    """Turn what the database says into one sentence, with the ending given."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        said = str(error.orig)
        if "locked" in said or "busy" in said:
            what = "the store is busy: somebody else is writing to it; try again in a minute"
        elif "not a database" in said or "malformed" in said:
            what = "the store is damaged, or is no triage store; restore it from a backup"
        else:
            what = f"the store cannot be used ({said}); check the folder and the disk"
        raise StoreError(f"{file}: {what}.{ending}") from None


def _own_revision(connection: sa.Connection, file: Path) -> str | None:
    """Return the store's revision, None for an empty one; refuse what is no triage store."""
    tables = set(sa.inspect(connection).get_table_names())
    if tables - {"alembic_version"} and not tables >= {"alembic_version", "rule_text", "flag"}:
        raise StoreError(
            f"{file}: is a database of something else, not a triage store; name another file "
            "with --db. It was left as it is."
        )
    if "alembic_version" not in tables:
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: sa.Connection, file: Path) -> None:
    """Bring the store to this version's revision, inside the transaction that is open."""
    revision = _own_revision(connection, file)
    if revision == HEAD_REVISION:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD_REVISION)
    except CommandError:
        raise StoreError(
            f"{file}: the store is at revision {revision}, which a newer version made; "
            "update this program. Nothing was stored."
        ) from None
