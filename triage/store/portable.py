"""A store's tables as lines of JSON, the same lines from SQLite and from PostgreSQL.

A line is an array of rows, a row an array of its cells: whole numbers and texts as they are, days
as ISO texts, true and false as 1 and 0, JSON as the text that it is kept as, bytes as
``{"hex": "00ff"}``, nothing as ``null``. Rows come in the order of the primary key, some hundreds
of kilobytes a line, so that equal tables are equal lines and no table is ever held whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import InputError
from triage.store import bulk
from triage.store.address import Address
from triage.store.engines import driver_errors
from triage.store.trail import Head

LINE_BYTES: Final = 1 << 18
"""About so long is a line: what is encoded, passed and hashed at once."""
_MOST_ROWS: Final = 4_000
_FIRST_ROWS: Final = 100
_OF_REVISION: Final = "alembic_version"


@dataclass(frozen=True)
class Contents:
    """What there is of a store beside its rows: enough to make another one like it.

    ``columns`` gives each table's; ``last`` the highest number that a table ever gave a row, so
    that none is given twice. ``head`` is None before revision 0004, which had no hashes.
    """

    revision: str
    head: Head | None
    columns: Mapping[str, tuple[str, ...]]
    last: Mapping[str, int]


@dataclass
class Tally:
    """How many rows went by, and the SHA-256 of their lines."""

    rows: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, line: bytes, n_rows: int) -> None:
        """Count a line in."""
        self.rows += n_rows
        self._digest.update(line)

    @property
    def sha256(self) -> str:
        """Return the digest of all lines so far."""
        return str(self._digest.hexdigest())


def is_server(connection: sa.Connection) -> bool:
    """Return whether this is PostgreSQL."""
    return connection.dialect.name == "postgresql"


def tables_of(connection: sa.Connection) -> dict[str, sa.Table]:
    """Return the tables that a store has, each after those that it refers to."""
    found = sa.MetaData()
    found.reflect(connection)
    return {one.name: one for one in found.sorted_tables if one.name != _OF_REVISION}


def columns_of(table: sa.Table) -> tuple[str, ...]:
    """Return a table's columns in the order in which they are written: its key, then by name."""
    key = [column.name for column in table.primary_key]
    return (*key, *sorted(column.name for column in table.columns if column.name not in key))


def lines(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str]
) -> Iterator[tuple[bytes, int]]:
    """Yield a table line by line, each with the number of its rows."""
    n_rows = _FIRST_ROWS
    with closing(_cursor(connection, table, columns)) as cursor:
        while some := cursor.fetchmany(n_rows):
            line = json.dumps(some, separators=(",", ":"), default=_as_hex).encode() + b"\n"
            yield line, len(some)
            n_rows = max(1, min(_MOST_ROWS, LINE_BYTES * len(some) // len(line)))


def _as_hex(value: Any) -> dict[str, str]:
    return {"hex": bytes(value).hex()}


def _of_hex(found: dict[str, Any]) -> bytes:
    return bytes.fromhex(found["hex"])


def _cursor(connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> Any:
    """Return a cursor of the driver's that gives rows as they are written, some at a time."""
    query = sa.select(*(_written(connection, table.c[name]) for name in columns))
    key = [_ordered(connection, column) for column in table.primary_key]
    text = str(query.order_by(*key).compile(dialect=connection.dialect))
    if not is_server(connection):
        held: Any = connection.connection.driver_connection
        held.text_factory = str
        return held.execute(text)
    cursor: Any = connection.connection.cursor(name="portable")
    cursor.execute(text)
    return cursor


def _written(connection: sa.Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, sa.JSON):
        return sa.cast(column, sa.Text) if is_server(connection) else _json_in_sqlite(column)
    if is_server(connection) and isinstance(column.type, sa.Date):
        return sa.cast(column, sa.Text)
    if is_server(connection) and isinstance(column.type, sa.Boolean):
        return sa.cast(column, sa.Integer)
    return column


def _json_in_sqlite(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return JSON as text: what is one number SQLite keeps as a number, to its last digit."""
    is_real = sa.func.typeof(column) == sa.literal_column("'real'")
    exact = sa.func.printf(sa.literal_column("'%!.17g'"), column)
    return sa.case((is_real, exact), else_=sa.cast(column, sa.Text))


def _ordered(connection: sa.Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return a column as it is ordered by: texts by their bytes, whatever the server's language."""
    is_text = isinstance(column.type, sa.String)
    return column.collate("C") if is_text and is_server(connection) else column


def tally(connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> Tally:
    """Return how many rows a table has, and the SHA-256 of its lines."""
    found = Tally()
    for line, n_rows in lines(connection, table, columns):
        found.add(line, n_rows)
    return found


def fill(
    connection: sa.Connection,
    address: Address,
    table: sa.Table,
    columns: Sequence[str],
    written: Iterable[bytes],
) -> Tally:
    """Add the rows of a table's lines; return how many there were, and the digest of the lines.

    Raises:
        InputError: for a line that is none, or a row that this database cannot keep.
    """
    found = Tally()
    refused: tuple[type[Exception], ...] = (
        *driver_errors(address),
        OverflowError,
        ValueError,
        TypeError,
    )
    for line in written:
        try:
            rows = json.loads(line, object_hook=_of_hex)
            cells = dict(zip(columns, zip(*rows, strict=True), strict=True))
        except (ValueError, TypeError, KeyError):
            raise InputError(
                f"{table.name}: holds what is no row of a store. Nothing was stored."
            ) from None
        if is_server(connection) and rb"\u0000" in line:
            _refuse_nul(table.name, columns, rows)
        try:
            bulk.add(connection, table, cells)
        except refused as error:
            raise InputError(_not_kept(table.name, error)) from None
        found.add(line, len(rows))
    return found


def _refuse_nul(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            if isinstance(cell, str) and "\0" in cell:
                raise InputError(
                    f"{table} {row[0]}: its {name} holds a NUL character, which SQLite keeps and "
                    "PostgreSQL cannot; put it right there first. Nothing was stored."
                )


def _not_kept(table: str, error: Exception) -> str:
    said = getattr(error, "orig", error)
    told = getattr(getattr(said, "diag", None), "message_primary", None) or str(said)
    return f"{table}: a row cannot be kept here ({' '.join(told.split())}). Nothing was stored."


def last_numbers(connection: sa.Connection, tables: Mapping[str, sa.Table]) -> dict[str, int]:
    """Return the highest number that each table of numbered rows ever gave one."""
    found = {}
    given = {} if is_server(connection) else _given_by_sqlite(connection)
    for name, table in tables.items():
        key = _number_of(table)
        if key is None:
            continue
        highest = connection.scalar(sa.select(sa.func.max(key))) or 0
        if is_server(connection):
            given[name] = _given_by_server(connection, name, key.name)
        found[name] = max(int(highest), given.get(name, 0))
    return found


def _number_of(table: sa.Table) -> sa.Column[Any] | None:
    key = list(table.primary_key)
    return key[0] if len(key) == 1 and isinstance(key[0].type, sa.Integer) else None


def _given_by_sqlite(connection: sa.Connection) -> dict[str, int]:
    query = "SELECT name, seq FROM sqlite_sequence"
    return {str(row[0]): int(row[1]) for row in connection.exec_driver_sql(query)}


def _given_by_server(connection: sa.Connection, table: str, column: str) -> int:
    sequence = _sequence(connection, table, column)
    if sequence is None:
        return 0
    query = f"SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}"
    return int(connection.exec_driver_sql(query).scalar_one())


def _sequence(connection: sa.Connection, table: str, column: str) -> str | None:
    quoted = connection.dialect.identifier_preparer.quote_identifier(table)
    asked = sa.select(sa.func.pg_get_serial_sequence(quoted, column))
    found: str | None = connection.scalar(asked)
    return found


def go_on_from(
    connection: sa.Connection, tables: Mapping[str, sa.Table], last: Mapping[str, int]
) -> None:
    """Have each table number its next row after the last number that was ever given."""
    for name, number in last.items():
        key = _number_of(tables[name])
        if key is None:
            continue
        if not is_server(connection):
            _go_on_in_sqlite(connection, name, number)
        elif sequence := _sequence(connection, name, key.name):
            connection.execute(sa.select(sa.func.setval(sequence, number + 1, False)))


def _go_on_in_sqlite(connection: sa.Connection, table: str, number: int) -> None:
    asked = "SELECT 1 FROM sqlite_master WHERE name = ? AND sql LIKE '%AUTOINCREMENT%'"
    if not number or connection.exec_driver_sql(asked, (table,)).scalar() is None:
        return
    connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    add = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"
    connection.exec_driver_sql(add, (table, number))
