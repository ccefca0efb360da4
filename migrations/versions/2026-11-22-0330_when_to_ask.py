"""A calendar remembers when its provider wants to be asked again, and when its connection's calendars were listed."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calendar_syncs", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
    op.add_column("calendar_syncs", sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("calendar_syncs", "listed_at")
    op.drop_column("calendar_syncs", "not_before")
