"""What we wrote ourselves and no listing has told of yet is found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_mirror_events_untold",
        "mirror_events",
        ["account_id", "calendar_id"],
        postgresql_where=sa.text("generation < 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_mirror_events_untold", "mirror_events")
    op.execute("UPDATE mirror_events SET generation = 0 WHERE generation < 0")
