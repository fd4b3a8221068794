"""Every referral of the records with the dates of its work, for the reports.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DATES = (
    "decision_at",
    "allocated_at",
    "assessment_started_on",
    "assessment_authorised_on",
    "strategy_discussion_on",
    "icpc_on",
)


def upgrade() -> None:
    """Add the columns; the next run fills them, and finds that the last one told less."""
    for name in _DATES:
        op.add_column("referral", sa.Column(name, sa.Date))
    op.add_column("referral", sa.Column("icpc_not_required", sa.Boolean))
    op.add_column("referral", sa.Column("unread", sa.Text))
    op.add_column("referral", sa.Column("digest", sa.BigInteger))
    op.add_column("referral", sa.Column("gone_run_id", sa.Integer))
    op.execute(sa.text("UPDATE run SET told = NULL"))


def downgrade() -> None:
    """Take them away; referrals of children without a case stay, and are shown nowhere."""
    for name in ("gone_run_id", "digest", "unread", "icpc_not_required", *reversed(_DATES)):
        op.drop_column("referral", name)
    op.execute(sa.text("UPDATE run SET told = NULL"))
