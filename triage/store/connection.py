"""Opening the store: to read, to write a night, or to act on a case, each in one transaction.

Whatever goes wrong here is told in one sentence and leaves the store as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from filelock import FileLock, Timeout

from triage.errors import StoreError
from triage.store.address import Address, address_of
from triage.store.engines import (
    ONE_RUN,
    end_connections,
    leave_references,
    lock_engine,
    postgresql_engine,
    sqlite_engine,
    telling,
)
from triage.store.tables import HEAD_REVISION
from triage.store.upgrading import check_revision, own_revision, upgrade

PAGE_BYTES: Final = 16_384
"""The page of a new store: four times the usual one, which a night of a country fills faster."""
CACHE_KILOBYTES: Final = 65_536
"""Memory for pages while a night is written."""
ACT_SECONDS: Final = 60
"""How long a person's act waits for a run that is being stored, and a run for what people do."""
_NOTHING: Final = " Nothing was stored."
_moment: Final[ContextVar[tuple[str, sa.Connection] | None]] = ContextVar("moment", default=None)
"""The store, and the transaction, that whatever reads just now reads in."""
_ANOTHER: Final = "another run is using this store; wait until it has ended and run again."


@contextmanager
def run_lock(url: str) -> Iterator[None]:
    """Hold the store for one run; a second run at the same time is told so at once.

    The lock belongs to the process, so that a run which was killed leaves none behind.

    Raises:
        StoreError: when another run holds it, or it cannot be had.
    """
    address = address_of(url)
    with _file_lock(address.file) if address.file is not None else _server_lock(address):
        yield


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    if not file.absolute().parent.is_dir():
        raise StoreError(
            f"{file}: there is no folder {file.parent}; make it, or name another with --db."
            f"{_NOTHING}"
        )
    lock = FileLock(f"{file}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(f"{file}: {_ANOTHER}{_NOTHING}") from None
    except OSError as error:
        raise StoreError(
            f"{file}: cannot be written ({error.strerror or error}).{_NOTHING}"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _server_lock(address: Address) -> Iterator[None]:
    """Hold a lock of the server's, which goes with the connection that took it."""
    with telling(address, _NOTHING):
        connection = lock_engine(address).connect()
    try:
        with telling(address, _NOTHING):
            is_ours = connection.scalar(sa.text(f"SELECT pg_try_advisory_lock({ONE_RUN})"))
        if not is_ours:
            raise StoreError(f"{address.name}: {_ANOTHER}{_NOTHING}")
        yield
    finally:
        connection.close()


def is_there(url: str) -> bool:
    """Return whether a store of this version is there, before a run that is to be stored in it.

    Raises:
        StoreError: when what is there is damaged, busy, out of reach or something else.
    """
    address = address_of(url)
    if address.file is not None and not (address.file.exists() and address.file.stat().st_size):
        return False
    with telling(address, _NOTHING):
        engine = (
            postgresql_engine(address, writes=False)
            if address.file is None
            else sqlite_engine(address.file, "DEFERRED")
        )
        with _begun(engine) as connection:
            return own_revision(connection, address.name) == HEAD_REVISION


@contextmanager
def reading(url: str, *, older: bool = False) -> Iterator[sa.Connection]:
    """Open an existing store for reading, as it is at this moment.

    With ``older`` also one that an older version made.

    Raises:
        StoreError: when there is none yet, or it is damaged, busy, or of another version.
    """
    begun = _moment.get()
    if begun is not None and begun[0] == url:
        yield begun[1]
        return
    address = address_of(url)
    _check_there(address)
    with telling(address, ""):
        engine = (
            postgresql_engine(address, writes=False)
            if address.file is None
            else sqlite_engine(address.file, "DEFERRED")
        )
        with _begun(engine) as connection:
            check_revision(connection, address.name, older=older)
            yield connection


@contextmanager
def one_moment(url: str) -> Iterator[None]:
    """Let all that is read of a store inside be as it is at this moment, in one transaction.

    What is written inside is not read inside.

    Raises:
        StoreError: as for ``reading``.
    """
    with reading(url) as connection:
        begun = _moment.set((url, connection))
        try:
            yield
        finally:
            _moment.reset(begun)


@contextmanager
def acting(
    url: str, *, older: bool = False, wait: float | None = None
) -> Iterator[sa.Connection]:  # fmt: skip
    """Open an existing store for what a person does: one transaction, all of it or nothing.

    With ``older`` also one that an older version made; ``wait`` is how many seconds are waited for
    whoever writes just now, where it is not as long as a person's act waits.

    Raises:
        StoreError: when there is none yet, or it is damaged, busy, or of another version.
    """
    wait = ACT_SECONDS if wait is None else wait
    address = address_of(url)
    _check_there(address)
    with telling(address, _NOTHING):
        engine = (
            postgresql_engine(address, writes=True, wait=wait)
            if address.file is None
            else sqlite_engine(address.file, "IMMEDIATE", wait=wait)
        )
        with _begun(engine) as connection:
            check_revision(connection, address.name, older=older)
            yield connection


@contextmanager
def writing(url: str) -> Iterator[sa.Connection]:
    """Open the store, made or upgraded to this version, for one transaction: all or nothing.

    It is for a night, which numbers the cases and runs that its rows refer to itself: references
    are not checked row by row, on PostgreSQL where the account may leave that.

    Raises:
        StoreError: when it is busy, damaged, out of reach, or newer than this version.
    """
    with filling(url) as connection:
        upgrade(connection, address_of(url).name)
        if connection.dialect.name == "postgresql":
            leave_references(connection)
        yield connection


@contextmanager
def filling(url: str) -> Iterator[sa.Connection]:
    """Open a store as it is, or a place where there is none yet, to write a great deal at once.

    It is one transaction: all or nothing. A new SQLite store is written straight into its file,
    since there is nothing yet that a log would keep readable; from then on it has a write-ahead
    log, and references are not checked row by row there.

    Raises:
        StoreError: when it is busy, damaged, out of reach, or a database of something else.
    """
    address = address_of(url)
    with telling(address, _NOTHING):
        if address.file is None:
            with _begun(postgresql_engine(address, writes=True, wait=ACT_SECONDS)) as connection:
                yield connection
            return
        file = address.file
        if file.exists() and file.stat().st_size:
            _check_own(file)
        # What a first night left that was killed is undone by now.
        is_new = not file.exists() or not file.stat().st_size
        settings = [
            f"page_size={PAGE_BYTES}" if is_new else "journal_mode=WAL",
            f"cache_size=-{CACHE_KILOBYTES}",
            "foreign_keys=OFF",
        ]
        with _begun(sqlite_engine(file, "IMMEDIATE", settings, ACT_SECONDS)) as connection:
            yield connection
    if is_new:
        _keep_log(file)


@contextmanager
def _begun(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        end_connections(engine)


def _check_there(address: Address) -> None:
    if address.file is not None and not address.file.exists():
        raise StoreError(
            f"{address.name}: there is no store yet; `triage nightly SOURCE` makes one from your "
            "records."
        )


def _keep_log(file: Path) -> None:
    """Give a store its write-ahead log; while somebody reads, that is left to the next night."""
    engine = sqlite_engine(file, "DEFERRED")
    with suppress(sa.exc.OperationalError), engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
    engine.dispose()


def _check_own(file: Path) -> None:
    """Refuse a database of something else before anything in it is touched."""
    with _begun(sqlite_engine(file, "DEFERRED")) as connection:
        own_revision(connection, str(file))
