"""People, notes, exceptions, reviews and remedial actions.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NIGHTS = tuple(
    f"no_{event}_{end}"
    for event in ("decision", "allocation", "assessment", "authorisation")
    for end in ("from", "until")
)


def upgrade() -> None:
    """Make the tables of what people do."""
    op.create_table(
        "person",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("teams", sa.JSON, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "note",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rule_exception",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rule_id", sa.String(16), nullable=False),
        sa.Column("child_id", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("made_by", sa.String(200), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "review",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("reviewer", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.Column("submitted_at", sa.String(32)),
        sa.Column("supersedes", sa.Integer, sa.ForeignKey("review.id")),
        sa.Column("reason", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "remedial_action",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("done_on", sa.Date),
        sa.Column("evidence", sa.Text),
        sa.Column("handed_to", sa.String(200)),
        sa.Column("handed_why", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "second_sample",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("drawn_at", sa.String(32), nullable=False),
        sa.Column("drawn_by", sa.String(200), nullable=False),
        sa.Column("seed", sa.String(100), nullable=False),
        sa.Column("share", sa.String(12)),
        sa.Column("number", sa.Integer),
        sa.Column("stratified_by", sa.String(10)),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
        sa.Column("frame", sa.JSON, nullable=False),
        sa.Column("strata", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "second_review",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("first_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False),
        sa.Column("sample_id", sa.Integer, sa.ForeignKey("second_sample.id")),
        sa.Column("asked_at", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.String(200), nullable=False),
        sa.Column("why", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("came_from", sa.String(30), nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("due_before", sa.Date, nullable=False),
        sa.Column("second_id", sa.Integer, sa.ForeignKey("review.id")),
        sa.Column("outcome", sa.String(10)),
        sa.Column("settled_id", sa.Integer, sa.ForeignKey("review.id")),
        sa.Column("ended_at", sa.String(32)),
        sqlite_autoincrement=True,
    )

    op.add_column("run", sa.Column("carried", sa.JSON))
    op.create_table(
        "known_now",
        sa.Column("child_id", sa.Text, primary_key=True),
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("is_judged", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Date) for name in _NIGHTS),
    )
    op.create_table(
        "known",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("child_id", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_known_child_id", "known", ["child_id", "referral_id"])
    op.create_index("ix_known_run_id", "known", ["run_id"])


def downgrade() -> None:
    """Take them away, and what people did with them."""
    op.drop_column("run", "carried")
    for table in (
        "known",
        "known_now",
        "second_review",
        "second_sample",
        "remedial_action",
        "review",
        "rule_exception",
        "note",
        "person",
    ):
        op.drop_table(table)
