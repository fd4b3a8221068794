"""A large SQLite store read straight into columns, by a second process that sees the same moment.

Python's own connection makes an object of every cell, which for a whole country takes longer than
all that is reckoned from them. What reads columns brings an SQLite of its own, and two of them in
one process undo each other's locks: POSIX drops all that a process holds on a file as soon as it
closes the file once (sqlite.org/howtocorrupt.html, 2.2.1). So it is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import pyarrow as pa
import sqlalchemy as sa

from triage.store import bulk

LARGE: Final = 256_000_000
"""Bytes of a store that is worth a second process, which takes half a second to begin."""
_MOMENT: Final = (
    "SELECT (SELECT max(id) FROM event), (SELECT schema_version FROM pragma_schema_version)"
)
"""Whatever changes a store adds to its trail, or changes its tables: where two connections see one
end of it and one version of them, they see one and the same store."""
_ROWS: Final = 65_536
"""Rows that are made columns at a time."""
_READER: Final = Path(__file__).with_name("second_reader.py")
_DONE: Final = b"done\n"

_Reader: TypeAlias = subprocess.Popen[bytes]


class _OtherwiseError(Exception):
    """It is to be read over the connection itself."""


class Beside:
    """A store as a connection sees it, read by a second process where there is one.

    What the other process cannot read, as of a damaged file, is read over the connection, which
    says what is wrong.
    """

    def __init__(self, connection: sa.Connection, reader: _Reader | None) -> None:
        self._connection = connection
        self._reader = reader
        self._moment = connection.exec_driver_sql(_MOMENT).one() if reader else None
        self._is_same: bool | None = None
        self._is_answering = False

    @property
    def is_apart(self) -> bool:
        """Return whether there is a second process."""
        return self._reader is not None

    def all_of(self, query: sa.Select[Any], schema: pa.Schema) -> pa.Table:
        """Return what a query finds, as one table, in no order."""
        try:
            return pa.concat_tables([schema.empty_table(), *self._second(query, schema)])
        except _OtherwiseError:
            return bulk.table_of(self._connection, query, schema)

    def tables(self, query: sa.Select[Any], schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield what a query finds in its order, in which no two rows are alike, many at a time."""
        n_read = 0
        try:
            for some in self._second(query, schema):
                n_read += len(some)
                yield some
        except _OtherwiseError:
            for some in bulk.tables(self._connection, query, schema):
                n_passed = min(n_read, len(some))
                n_read -= n_passed
                if n_passed < len(some):
                    yield some.slice(n_passed)

    def _second(self, query: sa.Select[Any], schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield what the second process finds.

        Raises:
            _OtherwiseError: where there is none, or none that is still what it was; where this
                connection has written, or a cell is not of its column's kind.
        """
        if self._reader is None or self._is_answering or _has_written(self._connection):
            raise _OtherwiseError
        if self._is_same is None:
            self._is_same = _moment_of(self._reader) == self._moment
        if not self._is_same:
            raise _OtherwiseError
        compiled = query.compile(
            dialect=self._connection.dialect, compile_kwargs={"literal_binds": True}
        )
        # The kinds of the columns are those of the first row.
        kinds = ", ".join("''" if pa.types.is_string(kind) else "0" for kind in schema.types)
        n_passed = 1
        _ask(self._reader, f"SELECT {kinds} UNION ALL SELECT * FROM ({compiled})")
        self._is_answering = True
        for found in _answer(self._reader):
            try:
                some = found.slice(n_passed).rename_columns(schema.names).cast(schema)
            except pa.ArrowInvalid:
                raise _OtherwiseError from None
            yield some
            n_passed = 0
        self._is_answering = False


@contextmanager
def beside(connection: sa.Connection) -> Iterator[Beside]:
    """Have what a connection sees read by a second process, where that is worth it."""
    reader = _begun(connection)
    try:
        yield Beside(connection, reader)
    finally:
        if reader is not None:
            # What it still reads is not wanted any more.
            reader.kill()
            reader.communicate()


def _begun(connection: sa.Connection) -> _Reader | None:
    if connection.dialect.name != "sqlite" or _has_written(connection):
        return None
    file = Path(str(connection.engine.url.database)).absolute()
    if file.stat().st_size < LARGE:
        return None
    call = [sys.executable, "-I", str(_READER), f"{file.as_uri()}?mode=ro"]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    try:
        # Ctrl-C is meant for this process, which ends the other.
        reader = subprocess.Popen(
            call, stdin=pipe, stdout=pipe, stderr=nowhere, start_new_session=True
        )
    except OSError:
        return None
    # It is told when something is read, so that nobody waits for it to begin.
    _ask(reader, _MOMENT)
    return reader


def _has_written(connection: sa.Connection) -> bool:
    held: Any = connection.connection.driver_connection
    return bool(held.total_changes)


def _moment_of(reader: _Reader) -> tuple[Any, ...]:
    """Return the moment that a second process sees; it goes on seeing that."""
    (row,) = pa.concat_tables(_answer(reader)).to_pylist()
    return tuple(row.values())


def _ask(reader: _Reader, query: str) -> None:
    """Ask a second process, which may have ended; that is seen by its answer."""
    assert reader.stdin is not None
    with suppress(OSError):
        reader.stdin.write(json.dumps([query, _ROWS]).encode() + b"\n")
        reader.stdin.flush()


def _answer(reader: _Reader) -> Iterator[pa.Table]:
    """Yield what a second process answers next.

    Raises:
        _OtherwiseError: when it does not answer, or not to the end.
    """
    assert reader.stdout is not None
    try:
        with pa.ipc.open_stream(reader.stdout) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])
        if reader.stdout.readline() != _DONE:
            raise _OtherwiseError
    except (OSError, pa.ArrowInvalid):
        raise _OtherwiseError from None
