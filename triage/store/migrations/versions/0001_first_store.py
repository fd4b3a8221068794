"""First store: runs, rule texts, cases, flags, rejections and events that can only be added.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the triggers that keep events from being changed or deleted."""
    op.create_table(
        "rule_text",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("rule_id", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "ruleset_rule",
        sa.Column("ruleset_hash", sa.String(64), primary_key=True),
        sa.Column("rule_id", sa.String(16), primary_key=True),
        sa.Column("rule_hash", sa.String(64), sa.ForeignKey("rule_text.hash"), nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("finished_at", sa.String(32), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("ruleset_hash", sa.String(64), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("rows", sa.JSON, nullable=False),
        sa.Column("rules", sa.JSON, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("queue", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rejection",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("column", sa.String(60), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_table(
        "case",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("child_id", sa.Text, nullable=False, index=True),
        sa.Column("referral_id", sa.Text, nullable=False),
        sa.Column("referral_date", sa.Date, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("restricted", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(30), nullable=False, index=True),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("reopened", sa.Boolean, nullable=False),
        sa.UniqueConstraint("child_id", "referral_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "referral",
        sa.Column("child_id", sa.Text, primary_key=True),
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("referral_date", sa.Date, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("referral_source", sa.String(4)),
        sa.Column("primary_need", sa.String(4)),
        sa.Column("nfa", sa.Boolean),
        sa.Column("closed_on", sa.Date),
        sa.Column("closure_reason", sa.String(4)),
        sa.Column("restricted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "flag",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False),
        sa.Column("rule_id", sa.String(16), nullable=False),
        sa.Column("rule_hash", sa.String(64), sa.ForeignKey("rule_text.hash"), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("first_flagged_on", sa.Date, nullable=False),
        sa.Column("first_run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("changed_run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("cleared_run_id", sa.Integer, sa.ForeignKey("run.id")),
        sa.UniqueConstraint("case_id", "rule_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id")),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), index=True),
        sa.Column("rule_id", sa.String(16)),
        sa.Column("detail", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    _guard_events()


def _guard_events() -> None:
    """Have the database itself refuse to change or delete an event."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION event_only_added() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events can only be added'; END $$"
        )
        op.execute(
            "CREATE TRIGGER event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
            "FOR EACH STATEMENT EXECUTE FUNCTION event_only_added()"
        )
        op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON event FROM PUBLIC, CURRENT_USER")
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER event_no_{act.lower()} BEFORE {act} ON event "
            "BEGIN SELECT RAISE(ABORT, 'events can only be added'); END"
        )
    op.execute(
        "CREATE TRIGGER event_no_replace BEFORE INSERT ON event "
        "WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'events can only be added'); END"
    )


def downgrade() -> None:
    """Take the whole store away."""
    for table in (
        "event",
        "flag",
        "referral",
        "case",
        "rejection",
        "run",
        "ruleset_rule",
        "rule_text",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION event_only_added()")
