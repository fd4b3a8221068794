"""A digest of what each run brought to the queue; no index on cases that another one covers.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the digest; the unique key of cases begins with the child, and finds it as well.

    An index of statuses, of which nearly all are the same, costs more than it brings.
    """
    op.add_column("run", sa.Column("told", sa.String(64)))
    op.drop_index("ix_case_child_id", "case")
    op.drop_index("ix_case_status", "case")


def downgrade() -> None:
    """Take the digest away, and make the indexes again."""
    op.create_index("ix_case_child_id", "case", ["child_id"])
    op.create_index("ix_case_status", "case", ["status"])
    op.drop_column("run", "told")
