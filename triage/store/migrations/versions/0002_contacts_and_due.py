"""Cases of contacts beside those of referrals, and what falls due.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS = (
    "id", "child_id", "referral_id", "referral_date", "team", "restricted", "status", "due_on",
    "reopened",
)  # fmt: skip


def _cases(subject: bool, filled: dict[str, str]) -> None:
    """Make the table of cases anew, with or without their subject, and fill it from the old one.

    The flags and events that point at a case keep pointing at the one with its number.
    """
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute('CREATE TABLE case_before AS SELECT * FROM "case"')
    op.drop_table("case")
    op.create_table(
        "case",
        sa.Column("id", sa.Integer, primary_key=True),
        *([sa.Column("subject", sa.String(10), nullable=False)] if subject else []),
        sa.Column("child_id", sa.Text, nullable=False, index=True),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("referral_date", sa.Date, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("restricted", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(30), nullable=False, index=True),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("reopened", sa.Boolean, nullable=False),
        sa.UniqueConstraint("child_id", *(["subject"] if subject else []), "referral_id"),
        sqlite_autoincrement=True,
    )
    into = ", ".join((*_COLUMNS, *filled))
    values = ", ".join((*_COLUMNS, *filled.values()))
    op.execute(f'INSERT INTO "case" ({into}) SELECT {values} FROM case_before')
    op.drop_table("case_before")


def _is_server() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def upgrade() -> None:
    """Give each case its subject, keep what falls due, and count contacts and trials in runs."""
    if _is_server():
        op.add_column(
            "case", sa.Column("subject", sa.String(10), nullable=False, server_default="referral")
        )
        op.alter_column("case", "subject", server_default=None)
        op.drop_constraint("case_child_id_referral_id_key", "case")
        op.create_unique_constraint(None, "case", ["child_id", "subject", "referral_id"])
    else:
        _cases(True, {"subject": "'referral'"})
    op.add_column("run", sa.Column("contacts", sa.JSON))
    op.add_column("run", sa.Column("trial", sa.JSON))
    op.create_table(
        "due_item",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False, index=True),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("child_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("referral_date", sa.Date, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("restricted", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    """Take the new columns away, and with them what falls due."""
    op.drop_table("due_item")
    op.drop_column("run", "trial")
    op.drop_column("run", "contacts")
    if _is_server():
        op.drop_column("case", "subject")
        op.create_unique_constraint(None, "case", ["child_id", "referral_id"])
    else:
        _cases(False, {})
