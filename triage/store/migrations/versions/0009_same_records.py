"""A digest of the records of each run: the same ones need not be compared with the store.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the digest; the next run compares all of its records, and fills it."""
    op.add_column("run", sa.Column("records", sa.String(64)))


def downgrade() -> None:
    """Take the digest away."""
    op.drop_column("run", "records")
