"""Rows in and out of the store by the hundred thousand: plain tuples, no object a row.

Values are passed, and given back, as SQLite keeps them: dates as ISO texts, JSON as text, true and
false as 1 and 0. PostgreSQL is given them by COPY, and changes by one statement over a table of
them.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby, islice
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa
from pyarrow.csv import (
    ConvertOptions,
    ParseOptions,
    ReadOptions,
    WriteOptions,
    read_csv,
    write_csv,
)

AT_ONCE: Final = 2_000
"""Rows that are Python objects at a time: so few that they stay near the processor."""
_MOST_CELLS: Final = 900
"""Cells of one statement, less than any SQLite takes: many rows in one cost half as much."""
_COPIED: Final = 10_000
"""Rows that are written as CSV at a time on their way to PostgreSQL."""
_LINES: Final = WriteOptions(include_header=False, quoting_style="all_valid")
_KEY: Final = "key of "


def add(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, Iterable[Any]],
    same: Mapping[str, Any] | None = None,
) -> None:
    """Add rows, given by their columns; ``same`` holds what all of them have in common.

    Raises:
        ValueError, TypeError: on PostgreSQL, for cells that are not of their column's kind.
    """
    if _is_server(connection):
        _copy(connection, table, columns, same or {})
        return
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
    if _is_server(connection):
        _change_together(connection, table, which, columns, same or {})
        return
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


def _is_server(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _copy(
    connection: sa.Connection,
    into: sa.Table,
    columns: Mapping[str, Iterable[Any]],
    same: Mapping[str, Any],
) -> None:
    """Add rows by COPY, in lines of CSV: an empty cell is nothing, a quoted one a value."""
    from psycopg.copy import QueuedLibpqWriter

    cursor: Any = connection.connection.cursor()
    quoted = connection.dialect.identifier_preparer.quote
    names = [*columns, *same]
    parts = [iter(column) for column in columns.values()]
    listed = ", ".join(quoted(name) for name in names)
    kinds = [into.c[name].type for name in names]
    copied = f"COPY {quoted(into.name)} ({listed}) FROM STDIN (FORMAT csv)"
    # Some lines are written while the server takes those before.
    with cursor.copy(copied, writer=QueuedLibpqWriter(cursor)) as copy:
        while any(cells := [list(islice(part, _COPIED)) for part in parts]):
            n_rows = len(cells[0])
            arrays = list(map(_as_csv, [*cells, *([value] for value in same.values())], kinds))
            common = [pa.repeat(array[0], n_rows) for array in arrays[len(cells) :]]
            some = pa.table([*arrays[: len(cells)], *common], names)
            written = pa.BufferOutputStream()
            write_csv(some, written, _LINES)
            copy.write(written.getvalue())


def _as_csv(cells: list[Any], kind: sa.types.TypeEngine[Any]) -> pa.Array:
    """Return cells of a column as they can be written; bytes as PostgreSQL reads them."""
    if isinstance(kind, sa.LargeBinary):
        cells = [None if cell is None else f"\\x{bytes.hex(cell)}" for cell in cells]
    array = pa.array(cells)
    if pa.types.is_binary(array.type):
        raise TypeError("bytes in a column that holds none")
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def _change_together(
    connection: sa.Connection,
    table: sa.Table,
    which: Mapping[str, Iterable[Any]],
    columns: Mapping[str, Iterable[Any]],
    same: Mapping[str, Any],
) -> None:
    keys = {_KEY.replace(" ", "_") + name: of for name, of in which.items()}
    told = {**{name: table.c[name] for name in columns},
            **{key: table.c[name] for key, name in zip(keys, which, strict=True)}}  # fmt: skip
    beside = sa.Table(
        "changed", sa.MetaData(), *(sa.Column(name, of.type) for name, of in told.items()),
        prefixes=["TEMPORARY"],
    )  # fmt: skip
    beside.create(connection)
    _copy(connection, beside, {**columns, **keys}, {})
    connection.execute(
        sa.update(table)
        .where(*(table.c[n] == beside.c[key] for n, key in zip(which, keys, strict=True)))
        .values({**{name: beside.c[name] for name in columns}, **same})
    )
    beside.drop(connection)


def _as_kept(query: sa.Select[Any]) -> sa.Select[Any]:
    """Return a query that gives dates, and true and false, as SQLite keeps them."""
    kinds = {sa.Date: sa.String, sa.Boolean: sa.Integer}
    return query.with_only_columns(
        *(
            sa.cast(column, kinds[type(column.type)]) if type(column.type) in kinds else column
            for column in query.selected_columns
        ),
        maintain_column_froms=True,
    )


def rows(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what a query finds as the store holds it, some thousands of rows at a time."""
    if _is_server(connection):
        in_parts = {"yield_per": AT_ONCE}
        with connection.execute(_as_kept(query), execution_options=in_parts) as found:
            for part in found.partitions():
                yield [tuple(row) for row in part]
        return
    text = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    cursor = connection.exec_driver_sql(str(text)).cursor
    assert cursor is not None
    while some := cursor.fetchmany(AT_ONCE):
        yield list(some)


def tables(
    connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield what a query finds, some thousands of rows at a time, in the columns of a schema.

    Nothing else can be asked of the database until the last of them was taken.

    Raises:
        sqlalchemy.exc.DataError: when a cell is not of its column's kind, as in a damaged file.
    """
    if _is_server(connection):
        yield from _copied_out(connection, query, schema)
        return
    for some in rows(connection, query):
        columns = zip(*some, strict=True)
        try:
            arrays = [
                pa.array(cells, kind) for cells, kind in zip(columns, schema.types, strict=True)
            ]
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise sa.exc.DataError(str(query), None, ValueError("malformed cell")) from error
        yield pa.table(arrays, schema=schema)


def _copied_out(
    connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield what a query finds by COPY, in lines of CSV: no object a row, nor a cell."""
    made_plain: Callable[..., sa.Dialect] = type(connection.dialect)
    # Else a per cent sign would be written twice, as for values that are passed beside it.
    plain = made_plain(paramstyle="named")
    text = _as_kept(query).compile(dialect=plain, compile_kwargs={"literal_binds": True})
    kinds = ConvertOptions(
        column_types=schema, null_values=[""], strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )  # fmt: skip
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT csv)") as copy:
        # The server sends whole lines. One mark before them is passed over, so it is ours: a text
        # may begin with such a mark of its own.
        while written := b"".join(islice(copy, _COPIED)):
            marked = codecs.BOM_UTF8 + written
            yield read_csv(
                io.BytesIO(marked),
                ReadOptions(column_names=schema.names, block_size=len(marked) + 1),
                ParseOptions(newlines_in_values=True),
                kinds,
            )


def table_of(connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema) -> pa.Table:
    """Return what a query finds as one table."""
    return pa.concat_tables([schema.empty_table(), *tables(connection, query, schema)])
