"""What became of meeting requests, and when those lapse that nobody answers."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROLE = "calendar_app"


def upgrade() -> None:
    for name, kind in (("decided_by", sa.Text()), ("decided_at", sa.DateTime(timezone=True)), ("reason", sa.Text())):
        op.add_column("meeting_requests", sa.Column(name, kind, nullable=True))
    op.add_column(
        "calendar_settings", sa.Column("auto_confirm_requests", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_table(
        "due_requests",
        sa.Column("request_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_due_requests"),
    )
    op.create_index("ix_due_requests_due_at", "due_requests", ["due_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON due_requests TO {ROLE}")
    # Those that wait already, of all accounts.
    op.execute("ALTER TABLE meeting_requests NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO due_requests (request_id, account_id, due_at) "
        "SELECT id, account_id, expires_at FROM meeting_requests WHERE status = 'pending'"
    )
    op.execute("ALTER TABLE meeting_requests FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_table("due_requests")
    op.drop_column("calendar_settings", "auto_confirm_requests")
    for name in ("reason", "decided_at", "decided_by"):
        op.drop_column("meeting_requests", name)
