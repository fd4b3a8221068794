"""SQLite read straight into columns, over a second connection that sees the same moment.

Python's own connection makes an object of every cell, which for a whole country takes longer than
all that a report reckons from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from triage.store import bulk

_HEAD: Final = "SELECT max(id) FROM event"
"""Whatever changes a store adds to its trail: where two connections see one end of it, they see one
and the same store."""
_ROWS: Final = 65_536
"""Rows that are made columns at a time."""


def all_of(connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema) -> pa.Table:
    """Return what a query finds for who only reads, as one table, in no order."""
    found = _beside(connection, query, schema) if connection.dialect.name == "sqlite" else None
    return bulk.table_of(connection, query, schema) if found is None else found


def _beside(
    connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema
) -> pa.Table | None:  # fmt: skip
    """Return what a second connection finds; None where somebody has written between the two.

    None, too, of what holds a text that is none, of which the other way tells.
    """
    import adbc_driver_sqlite.dbapi as sqlite

    file = Path(str(connection.engine.url.database)).absolute()
    head = tuple(connection.exec_driver_sql(_HEAD).one())
    text = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    # The kinds of the columns are those of the first row.
    kinds = ", ".join("''" if pa.types.is_string(kind) else "0" for kind in schema.types)
    try:
        with sqlite.connect(f"{file.as_uri()}?mode=ro") as opened, opened.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_ROWS)})
            cursor.execute(_HEAD)
            if cursor.fetchone() != head:
                return None
            cursor.execute(f"SELECT {kinds} UNION ALL SELECT * FROM ({text})")
            found = cursor.fetch_arrow_table().slice(1).rename_columns(schema.names)
            found.validate(full=True)
            return found.cast(schema)
    except (sqlite.Error, pa.ArrowInvalid):
        return None
