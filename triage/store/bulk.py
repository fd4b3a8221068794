"""Rows in and out of the store by the hundred thousand: plain tuples, no object a row.

Values are passed as SQLite keeps them: dates as ISO texts, JSON as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby, islice
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

AT_ONCE: Final = 2_000
"""Rows that are Python objects at a time: so few that they stay near the processor."""
_MOST_CELLS: Final = 900
"""Cells of one statement, less than any SQLite takes: many rows in one cost half as much."""
_KEY: Final = "key of "


def add(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, Iterable[Any]],
    same: Mapping[str, Any] | None = None,
) -> None:
    """Add rows, given by their columns; ``same`` holds what all of them have in common."""
    # What fails undoes the whole transaction anyhow; so SQLite need not be able to undo a part.
    into_table = sa.insert(table).inline().prefix_with("OR ROLLBACK", dialect="sqlite")
    statement = into_table.values(_literals(connection, table, same or {}))
    compiled, cells = _prepared(connection, statement, columns)
    into, _, one = compiled.partition(" VALUES ")
    flat = chain.from_iterable(zip(*cells, strict=True))
    n_cells = len(cells)
    width = _MOST_CELLS // n_cells * n_cells
    groups = iter(lambda: tuple(islice(flat, width)), ())
    # All groups but the last are as wide as each other: each run of equals is one statement.
    for n_found, run in groupby(groups, len):
        values = ", ".join([one] * (n_found // n_cells))
        while some := list(islice(run, max(1, AT_ONCE * n_cells // n_found))):
            connection.exec_driver_sql(f"{into} VALUES {values}", some)


def change(
    connection: sa.Connection,
    table: sa.Table,
    which: Mapping[str, Iterable[Any]],
    columns: Mapping[str, Iterable[Any]],
    same: Mapping[str, Any] | None = None,
) -> None:
    """Change rows, found by the columns ``which``, as ``add`` is given them."""
    statement = (
        sa.update(table)
        .where(*(table.c[name] == sa.bindparam(f"{_KEY}{name}") for name in which))
        .values(_literals(connection, table, same or {}))
    )
    keys = {_KEY + name: of for name, of in which.items()}
    compiled, cells = _prepared(connection, statement, {**columns, **keys})
    rows = zip(*cells, strict=True)
    while some := list(islice(rows, AT_ONCE)):
        connection.exec_driver_sql(compiled, some)


def _literals(
    connection: sa.Connection, table: sa.Table, same: Mapping[str, Any]
) -> dict[str, sa.ColumnElement[Any]]:
    """Return values written into the statement, so that they need not be passed with each row."""
    found: dict[str, sa.ColumnElement[Any]] = {}
    for name, value in same.items():
        written = sa.literal(value, table.c[name].type) if value is not None else sa.null()
        text = written.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        found[name] = sa.literal_column(str(text))
    return found


def _prepared(
    connection: sa.Connection,
    statement: sa.Insert | sa.Update,
    columns: Mapping[str, Iterable[Any]],
) -> tuple[str, list[Iterable[Any]]]:
    """Return a statement of one row, and the columns in the order in which it takes its cells."""
    names = [name for name in columns if not name.startswith(_KEY)]
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    assert compiled.positiontup is not None
    return str(compiled), [columns[name] for name in compiled.positiontup]


def rows(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what a query finds as the store holds it, some thousands of rows at a time."""
    text = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    cursor = connection.exec_driver_sql(str(text)).cursor
    assert cursor is not None
    while some := cursor.fetchmany(AT_ONCE):
        yield list(some)


def tables(
    connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield what a query finds, some thousands of rows at a time, in the columns of a schema."""
    for some in rows(connection, query):
        columns = zip(*some, strict=True)
        yield pa.table(
            [pa.array(cells, kind) for cells, kind in zip(columns, schema.types, strict=True)],
            schema=schema,
        )


def table_of(connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema) -> pa.Table:
    """Return what a query finds as one table."""
    return pa.concat_tables([schema.empty_table(), *tables(connection, query, schema)])
