"""The revision of a store, and bringing it to this version's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from triage.errors import StoreError
from triage.store.engines import is_kept
from triage.store.tables import HEAD_REVISION

_MIGRATIONS: Final = Path(__file__).resolve().parent / "migrations"
_REVISION: Final = "SELECT version_num FROM alembic_version"
_stores: Final[set[str]] = set()
"""The databases that a server found to be stores, over connections that it keeps."""
_OWN: Final = {"alembic_version", "rule_text", "flag"}
_TABLES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' "
    "ESCAPE '~'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


def own_revision(connection: sa.Connection, name: str) -> str | None:
    """Return the store's revision, None for an empty one.

    Raises:
        StoreError: when it is a database of something else.
    """
    listing = _TABLES[connection.dialect.name]
    tables = {name for (name,) in connection.exec_driver_sql(listing)}
    if tables - {"alembic_version"} and not tables >= _OWN:
        raise StoreError(
            f"{name}: is a database of something else, not a triage store; name another "
            "with --db. It was left as it is."
        )
    if "alembic_version" not in tables:
        return None
    return connection.execute(sa.text(_REVISION)).scalar()


def check_revision(connection: sa.Connection, name: str, *, older: bool = False) -> None:
    """Refuse a store of another revision than this version's; with ``older`` only of a newer one.

    Raises:
        StoreError: when it is of another, or of none.
    """
    # Of a database that was a store once, a server asks only which revision it is at by now.
    if name in _stores:
        revision = connection.execute(sa.text(_REVISION)).scalar()
    else:
        revision = own_revision(connection, name)
    if revision is None:
        raise StoreError(
            f"{name}: there is no store yet; `triage nightly SOURCE` makes one from your records."
        )
    if revision == HEAD_REVISION or (older and revision < HEAD_REVISION):
        if is_kept(connection):
            _stores.add(name)
        return
    if revision < HEAD_REVISION:
        raise StoreError(
            f"{name}: the store is at revision {revision}, this version reads {HEAD_REVISION}; "
            "run `triage db upgrade` after a backup."
        )
    raise StoreError(
        f"{name}: the store is at revision {revision}, which a newer version made; "
        "update this program."
    )


def upgrade(connection: sa.Connection, name: str) -> None:
    """Bring the store to this version's revision, inside the transaction that is open.

    Raises:
        StoreError: when a newer version made it.
    """
    revision = own_revision(connection, name)
    if revision == HEAD_REVISION:
        return
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(migrations(connection), HEAD_REVISION)
    except CommandError:
        raise StoreError(
            f"{name}: the store is at revision {revision}, which a newer version made; "
            "update this program. Nothing was stored."
        ) from None


def bring_to(connection: sa.Connection, revision: str) -> bool:
    """Bring a store that holds nothing to a revision; return whether there is such a one."""
    from alembic import command
    from alembic.util import CommandError

    stands = own_revision(connection, "") or ""
    try:
        move = command.downgrade if stands > revision else command.upgrade
        move(migrations(connection), revision)
    except CommandError:
        return False
    return True


def migrations(connection: sa.Connection) -> Any:
    """Return Alembic's configuration for migrations on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
