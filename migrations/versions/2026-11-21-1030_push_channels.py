"""Push channels, and when a calendar's watch is to be looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = "calendar_app"


def upgrade() -> None:
    op.add_column("calendar_syncs", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("calendar_syncs", sa.Column("watched_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_calendar_writes_account_id_calendar_id", "calendar_writes", ["account_id", "calendar_id"])
    _make_channels()
    op.create_table(
        "due_watches",
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("calendar_id", name="pk_due_watches"),
    )
    op.create_index("ix_due_watches_due_at", "due_watches", ["due_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON push_channels, due_watches TO {ROLE}")
    op.execute("""
        INSERT INTO due_watches (calendar_id, account_id, due_at)
        SELECT calendar_id, account_id, now() FROM calendar_syncs""")


def downgrade() -> None:
    op.drop_index("ix_calendar_writes_account_id_calendar_id", "calendar_writes")
    op.drop_table("due_watches")
    op.drop_table("push_channels")
    op.drop_column("calendar_syncs", "watched_until")
    op.drop_column("calendar_syncs", "changed_at")


def _make_channels() -> None:
    op.create_table(
        "push_channels",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("whole_mailbox", sa.Boolean(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            name="fk_push_channels_account_id_calendar_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_push_channels"),
    )
    op.create_index("ix_push_channels_account_id_calendar_id", "push_channels", ["account_id", "calendar_id"])
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute("ALTER TABLE push_channels ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE push_channels FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON push_channels USING ({mine}) WITH CHECK ({mine})")
