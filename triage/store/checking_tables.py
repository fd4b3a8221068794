"""Whether a store's tables are those of this version, guarded as they were made, and readable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from triage.store.portable import is_server
from triage.store.tables import HEAD_REVISION, metadata
from triage.store.upgrading import migrations
from triage.vocabulary import counted

_SERVER_GUARD: Final = "event_no_change"
_BEFORE_ANY_CHANGE: Final = 2 | 8 | 16 | 32
"""How PostgreSQL writes: before a statement that deletes, updates or truncates."""


def table_damages(connection: sa.Connection) -> Iterator[str]:
    """Yield what a store lacks of this version's tables; what somebody added is no damage."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    for found in compare_metadata(MigrationContext.configure(connection), metadata):
        # What differs in one column comes as a list of such tuples.
        for one in found if isinstance(found, list) else [found]:
            yield from _difference(one)
    if is_server(connection):
        yield from _idle_on_server(connection)


def _difference(found: tuple[Any, ...]) -> Iterator[str]:
    kind = found[0]
    if kind == "add_table":
        yield f"The table {found[1].name} is missing."
    elif kind == "add_column":
        yield f"The table {found[2]} lacks its column {found[3].name}."
    elif kind == "add_index":
        yield f"The index {found[1].name} is missing."
    elif kind in ("add_constraint", "add_fk"):
        columns = ", ".join(column.name for column in found[1].columns)
        what = "reference to another table" if kind == "add_fk" else "rule to be unique"
        yield f"The table {found[1].table.name} lost the {what} of its {columns}."
    elif kind.startswith("modify_"):
        yield f"The column {found[3]} of the table {found[2]} is not as it was made ({kind[7:]})."


def _idle_on_server(connection: sa.Connection) -> Iterator[str]:
    """Yield constraints and indexes that PostgreSQL has, but does not keep to."""
    here = "current_schema()::regnamespace"
    for table, name in connection.exec_driver_sql(
        "SELECT DISTINCT c.conrelid::regclass::text, c.conname::text FROM pg_constraint c "
        "LEFT JOIN pg_trigger t ON t.tgconstraint = c.oid "
        f"WHERE c.connamespace = {here} AND c.contype = 'f' "
        "AND (NOT c.convalidated OR t.tgenabled NOT IN ('O', 'A')) ORDER BY 1, 2"
    ):
        yield f"The table {table} is not held to its reference {name}: it is switched off."
    for table, name in connection.exec_driver_sql(
        "SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text FROM pg_index i "
        f"JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = {here} "
        "AND NOT (i.indisvalid AND i.indisready) ORDER BY 1, 2"
    ):
        yield f"The index {name} of the table {table} is not valid; REINDEX it."


def guard_damages(connection: sa.Connection) -> Iterator[str]:
    """Yield the guards that are missing or were changed: events could be changed without them."""
    if is_server(connection):
        found = connection.execute(
            sa.text(
                "SELECT t.tgtype, t.tgenabled::text, p.prosrc FROM pg_trigger t "
                "JOIN pg_proc p ON p.oid = t.tgfoid "
                "WHERE t.tgrelid = 'event'::regclass AND t.tgname = :name"
            ),
            {"name": _SERVER_GUARD},
        ).first()
        is_kept = found is not None and (
            found[0] == _BEFORE_ANY_CHANGE and found[1] in "OA" and "RAISE EXCEPTION" in found[2]
        )
        if not is_kept:
            yield _unguarded(_SERVER_GUARD)
        return
    stands = _triggers(connection)
    for name, text in _made_anew().items():
        if stands.get(name) != text:
            yield _unguarded(name)


def _unguarded(name: str) -> str:
    return f"The guard {name} is missing, or is not as it was made: events could be changed."


def _triggers(connection: sa.Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    return {str(name): str(text) for name, text in connection.exec_driver_sql(query)}


def _made_anew() -> dict[str, str]:
    """Return the guards of a store as this version makes it."""
    from alembic import command

    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    try:
        with engine.begin() as connection:
            command.upgrade(migrations(connection), HEAD_REVISION)
            return _triggers(connection)
    finally:
        engine.dispose()


def value_damages(connection: sa.Connection) -> Iterator[str]:
    """Yield what the database itself finds wrong, and rows that refer to one that is not there."""
    if is_server(connection):
        for table in metadata.sorted_tables:
            for key in table.foreign_key_constraints:
                yield from _lost(connection, table, key)
        return
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if said != "ok":
            yield f"SQLite finds: {said}."
    lost: dict[tuple[str, str], list[int]] = {}
    for table_name, row, to, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        lost.setdefault((table_name, to), []).append(row)
    for (table_name, to), rows in lost.items():
        yield _lost_told(table_name, to, len(rows), min(row or 0 for row in rows))


def _lost(
    connection: sa.Connection, table: sa.Table, key: sa.ForeignKeyConstraint
) -> Iterator[str]:
    parent = key.referred_table.alias()
    pairs = [(one.parent, parent.c[one.column.name]) for one in key.elements]
    is_there = sa.exists().where(*(mine == theirs for mine, theirs in pairs))
    which = next(iter(table.primary_key))
    query = sa.select(sa.func.count(), sa.func.min(which)).where(
        *(mine.is_not(None) for mine, _ in pairs), ~is_there
    )
    n_rows, first = connection.execute(query).one()
    if n_rows:
        yield _lost_told(table.name, key.referred_table.name, n_rows, first)


def _lost_told(table: str, to: str, n_rows: int, first: Any) -> str:
    refer = "refers" if n_rows == 1 else "refer"
    return (
        f"{counted(n_rows, 'row')} of {table} {refer} to a {to} that is not there; first {first}."
    )
