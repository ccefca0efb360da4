"""When those who meet are to be reminded of it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROLE = "calendar_app"


def upgrade() -> None:
    op.create_table(
        "due_reminders",
        sa.Column("booking_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minutes_before", sa.dialects.postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("booking_id", name="pk_due_reminders"),
    )
    op.create_index("ix_due_reminders_due_at", "due_reminders", ["due_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON due_reminders TO {ROLE}")


def downgrade() -> None:
    op.drop_table("due_reminders")
    # What a page's document says of reminders is not known to the release before.
    op.execute("ALTER TABLE scheduling_pages NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE scheduling_pages SET configuration = configuration - 'reminders_minutes_before'")
    op.execute("ALTER TABLE scheduling_pages FORCE ROW LEVEL SECURITY")
