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
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from triage.store import bulk

LARGE: Final = 64_000_000
"""Bytes of a store that is worth a second process, which takes a third of a second to begin."""
_MOMENT: Final = (
    "SELECT (SELECT max(id) FROM event) AS last,"
    " (SELECT schema_version FROM pragma_schema_version) AS version"
)
"""Whatever changes a store adds to its trail, or changes its tables: where two connections see one
end of it and one version of them, they see one and the same store."""
_ROWS: Final = 65_536
"""Rows that are made columns at a time."""
_READER: Final = Path(__file__).with_name("second_reader.py")
_DONE: Final = b"done\n"


class _OtherwiseError(Exception):
    """It is to be read over the connection itself."""


class Beside:
    """A store as a connection sees it, read by a second process where there is one.

    What the other process cannot read, as of a damaged file, is read over the connection, which
    says what is wrong.
    """

    def __init__(self, connection: sa.Connection, reader: subprocess.Popen[bytes] | None) -> None:
        self._connection = connection
        self._reader = reader

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
            _OtherwiseError: where there is none, this connection has written, or it did not end.
        """
        if self._reader is None or _has_written(self._connection):
            raise _OtherwiseError
        compiled = query.compile(
            dialect=self._connection.dialect, compile_kwargs={"literal_binds": True}
        )
        # The kinds of the columns are those of the first row.
        kinds = ", ".join("''" if pa.types.is_string(kind) else "0" for kind in schema.types)
        n_passed = 1
        for found in _answer(self._reader, f"SELECT {kinds} UNION ALL SELECT * FROM ({compiled})"):
            yield found.slice(n_passed).rename_columns(schema.names).cast(schema)
            n_passed = 0


@contextmanager
def beside(connection: sa.Connection) -> Iterator[Beside]:
    """Have what a connection sees read by a second process, where that is worth it."""
    reader = _begun(connection)
    try:
        if reader is not None and not _sees_the_same(reader, connection):
            _end(reader)
            reader = None
        yield Beside(connection, reader)
    finally:
        if reader is not None:
            _end(reader)


def _begun(connection: sa.Connection) -> subprocess.Popen[bytes] | None:
    if connection.dialect.name != "sqlite" or _has_written(connection):
        return None
    file = Path(str(connection.engine.url.database)).absolute()
    if file.stat().st_size < LARGE:
        return None
    call = [sys.executable, "-I", str(_READER), f"{file.as_uri()}?mode=ro"]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(call, stdin=pipe, stdout=pipe, stderr=nowhere)


def _end(reader: subprocess.Popen[bytes]) -> None:
    reader.kill()
    reader.communicate()


def _has_written(connection: sa.Connection) -> bool:
    held: Any = connection.connection.driver_connection
    return bool(held.total_changes)


def _sees_the_same(reader: subprocess.Popen[bytes], connection: sa.Connection) -> bool:
    """Return whether a second process sees what a connection does; it goes on seeing that."""
    here = connection.exec_driver_sql(_MOMENT).one()
    try:
        there = pa.concat_tables(_answer(reader, _MOMENT)).to_pylist()
    except _OtherwiseError:
        return False
    return bool(there == [{"last": here.last, "version": here.version}])


def _answer(reader: subprocess.Popen[bytes], query: str) -> Iterator[pa.Table]:
    """Yield what a second process answers.

    Raises:
        _OtherwiseError: when it does not answer, or not to the end.
    """
    assert reader.stdin is not None
    assert reader.stdout is not None
    try:
        reader.stdin.write(json.dumps([query, _ROWS]).encode() + b"\n")
        reader.stdin.flush()
        with pa.ipc.open_stream(reader.stdout) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])
        if reader.stdout.readline() != _DONE:
            raise _OtherwiseError
    except (OSError, pa.ArrowInvalid):
        raise _OtherwiseError from None
