"""What we wrote ourselves and no listing has told of yet, and the write of an event, are found at once."""

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
    op.drop_index("ix_calendar_writes_account_id_calendar_id", "calendar_writes")
    op.create_index(
        "ix_calendar_writes_account_id_calendar_id_event_id",
        "calendar_writes",
        ["account_id", "calendar_id", "event_id"],
    )


def downgrade() -> None:
    op.drop_index("ix_calendar_writes_account_id_calendar_id_event_id", "calendar_writes")
    op.create_index("ix_calendar_writes_account_id_calendar_id", "calendar_writes", ["account_id", "calendar_id"])
    op.drop_index("ix_mirror_events_untold", "mirror_events")
    op.execute("ALTER TABLE mirror_events NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE mirror_events SET generation = 0 WHERE generation < 0")
    op.execute("ALTER TABLE mirror_events FORCE ROW LEVEL SECURITY")
