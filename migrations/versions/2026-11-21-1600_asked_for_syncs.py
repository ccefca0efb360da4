"""A calendar remembers that a sync of it waits in the queue: the next signal need not ask for another."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calendar_syncs", sa.Column("asked", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    op.drop_column("calendar_syncs", "asked")
