"""Accounts, sessions, tokens, saved filters and answered requests: what the pages need.

Of the cases only few are held by somebody or wait for them; an index of those finds them.

A night on PostgreSQL may leave references unchecked, which silences triggers that are not said to
fire always; so the guard of the trail says so.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WHOSE = ("held_by", "assigned_to")


def _whose() -> sa.Column[str]:
    return sa.Column("name", sa.String(200), sa.ForeignKey("person.name"), nullable=False)


def _is_server() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def upgrade() -> None:
    """Make the tables; nobody has an account yet. The trail is guarded on a night, too."""
    if _is_server():
        op.execute("ALTER TABLE event ENABLE ALWAYS TRIGGER event_no_change")
    for name in _WHOSE:
        is_there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_case_{name}", "case", [name], sqlite_where=is_there, postgresql_where=is_there
        )
    op.create_table(
        "account",
        sa.Column("name", sa.String(200), sa.ForeignKey("person.name"), primary_key=True),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("is_to_change", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.Column("n_failed", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.String(32)),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("token", sa.String(64), nullable=False, unique=True),
        _whose(),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("began_at", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_session_name", "session", ["name"])
    op.create_table(
        "api_token",
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
    op.create_table(
        "saved_filter",
        sa.Column("id", sa.Integer, primary_key=True),
        _whose(),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.UniqueConstraint("name", "title"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "answered",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.Text),
    )


def downgrade() -> None:
    """Take the tables away; who is registered stays."""
    if _is_server():
        op.execute("ALTER TABLE event ENABLE TRIGGER event_no_change")
    for name in _WHOSE:
        op.drop_index(f"ix_case_{name}", "case")
    for name in ("answered", "saved_filter", "api_token", "session", "account"):
        op.drop_table(name)
