"""Deleted content made to be gone from a SQLite file: overwritten, and the file written anew.

A server keeps deleted rows until it is vacuumed, and its write-ahead log and backups longer; that
is for whoever runs it.
"""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

from triage.errors import StoreError
from triage.store.address import Address
from triage.store.connection import ACT_SECONDS
from triage.store.engines import said_by, sqlite_engine
from triage.store.portable import is_server


def overwrite_deleted(connection: sa.Connection) -> None:
    """Have SQLite overwrite what is deleted on this connection with zeros."""
    if not is_server(connection):
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def write_anew(address: Address) -> None:
    """Write a SQLite file anew, and empty its log: earlier nights left content in both.

    Raises:
        StoreError: when it cannot be, because somebody else uses it, or the disk is full.
    """
    if address.file is None:
        return
    engine = sqlite_engine(address.file, "DEFERRED", wait=ACT_SECONDS)
    try:
        with engine.connect() as connection:
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA secure_delete=ON")
            cursor.execute("VACUUM")
            (is_busy, *_), *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        why = "somebody else is reading it" if is_busy else ""
    except (sqlite3.Error, sa.exc.DBAPIError) as error:
        why = said_by(error)
    finally:
        engine.dispose()
    if why:
        raise StoreError(
            f"{address.name}: the rows are deleted, and the trail says so, but the file could not "
            f"be written anew and may hold something of them still ({why}); run `triage data "
            "retain` once nobody else uses it."
        )
