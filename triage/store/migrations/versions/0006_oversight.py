"""Since when a case is open, and what the rules for cases said at each run.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; a case that is there was opened by the run that first flagged it, or reopened."""
    op.add_column("run", sa.Column("oversight", sa.JSON))
    op.add_column("case", sa.Column("opened_on", sa.Date))
    op.execute(
        sa.text(
            'UPDATE "case" SET opened_on = COALESCE('
            "(SELECT MAX(run.as_of) FROM event JOIN run ON run.id = event.run_id"
            ' WHERE event.case_id = "case".id'
            " AND event.kind IN ('case opened', 'case reopened')),"
            ' (SELECT MIN(flag.first_flagged_on) FROM flag WHERE flag.case_id = "case".id),'
            " referral_date)"
        )
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_column("case", "opened_on")
    op.drop_column("run", "oversight")
