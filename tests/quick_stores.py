"""Empty stores by what the migrations did once: the same tables in a tenth of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from triage.store.tables import HEAD_REVISION
from triage.store.upgrading import own_revision

_READS = ("SELECT", "PRAGMA", "SHOW")


@contextmanager
def made_quickly() -> Iterator[None]:
    """Let the second store of a kind, and each after it, be made by the statements of the first.

    Stores that are not empty, and other revisions than the last, come as they come in life.
    """
    by_migrations, done = command.upgrade, dict[str, list[str]]()

    def upgrade(config: Any, revision: str, **more: Any) -> None:
        connection: sa.Connection = config.attributes["connection"]
        kind = connection.dialect.name
        if revision != HEAD_REVISION or own_revision(connection, "") is not None:
            by_migrations(config, revision, **more)
        elif kind not in done:
            done[kind] = _statements(connection, lambda: by_migrations(config, revision, **more))
        elif kind == "postgresql":
            connection.exec_driver_sql(";\n".join(done[kind]))
        else:
            for statement in done[kind]:
                connection.exec_driver_sql(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", upgrade)
        yield


def _statements(connection: sa.Connection, act: Any) -> list[str]:
    """Return what an act has a database do: on SQLite what it comes to, in far fewer statements."""
    told: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    sa.event.listen(connection, "before_cursor_execute", listen)
    try:
        act()
    finally:
        sa.event.remove(connection, "before_cursor_execute", listen)
    if connection.dialect.name == "postgresql":
        return [one for one in told if not one.lstrip().upper().startswith(_READS)]
    schema = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' "
        "ESCAPE '~' ORDER BY rowid"
    )
    stamp = f"INSERT INTO alembic_version VALUES ('{HEAD_REVISION}')"
    return [*schema.scalars(), stamp]
