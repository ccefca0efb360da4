"""Under which UID calendars know a written event, where the provider chooses it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calendar_writes", sa.Column("ical_uid", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("calendar_writes", "ical_uid")
