"""The tables of those who come by the pages or the interface for programs: how they get in.

Passwords are kept as argon2 hashes; what a browser or a program shows, as its SHA-256.
"""

from __future__ import annotations

import sqlalchemy as sa

from triage.store.tables import metadata


def _whose() -> sa.Column[str]:
    return sa.Column("name", sa.String(200), sa.ForeignKey("person.name"), nullable=False)


account = sa.Table(
    "account",
    metadata,
    sa.Column("name", sa.String(200), sa.ForeignKey("person.name"), primary_key=True),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("is_to_change", sa.Boolean, nullable=False),
    sa.Column("changed_at", sa.String(32), nullable=False),
    sa.Column("n_failed", sa.Integer, nullable=False),
    sa.Column("locked_until", sa.String(32)),
)
"""A local account. ``n_failed`` counts wrong passwords since the last right one; ``is_to_change``
is so of a password that somebody else chose.
"""

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True),
    _whose(),
    sa.Column("way", sa.String(10), nullable=False),
    sa.Column("began_at", sa.String(32), nullable=False),
    sa.Column("seen_at", sa.String(32), nullable=False),
    sa.Column("ended_at", sa.String(32)),
    sa.Index("ix_session_name", "name"),
    sqlite_autoincrement=True,
)
"""``way`` is how they signed in: local, oidc or proxy; ``seen_at`` is right to some minutes."""

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True),
    _whose(),
    sa.Column("label", sa.String(100), nullable=False),
    sa.Column("made_at", sa.String(32), nullable=False),
    sa.Column("made_by", sa.String(200), nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("ended_at", sa.String(32)),
    sqlite_autoincrement=True,
)
"""A token by which a program acts as somebody registered, up to and including a day."""

saved_filter = sa.Table(
    "saved_filter",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _whose(),
    sa.Column("title", sa.String(100), nullable=False),
    sa.Column("asked", sa.Text, nullable=False),
    sa.UniqueConstraint("name", "title"),
    sqlite_autoincrement=True,
)
"""A filter of the queue that somebody keeps for themselves; ``asked`` is its query string."""

answered = sa.Table(
    "answered",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("asked", sa.String(64), nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.Text),
)
"""What a program was answered to a request with a key, so that the same request does nothing twice.

``asked`` is the SHA-256 of the request; without a status it is not answered yet.
"""
