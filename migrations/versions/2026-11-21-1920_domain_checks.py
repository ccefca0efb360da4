"""When a domain's records are looked up again; which proposal a booking answers; whose page something was made on."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ROLE = "calendar_app"
MADE = ("bookings", "meeting_requests")


def upgrade() -> None:
    _make_checks()
    for table in MADE:
        op.add_column(table, sa.Column("proposal_id", sa.UUID(), nullable=True))
        op.create_index(f"ix_{table}_account_id_page_id", table, ["account_id", "page_id"])
    op.create_index(
        "ix_bookings_account_id_proposal_id",
        "bookings",
        ["account_id", "proposal_id"],
        postgresql_where=sa.text("proposal_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_bookings_account_id_proposal_id", "bookings")
    for table in reversed(MADE):
        op.drop_index(f"ix_{table}_account_id_page_id", table)
        op.drop_column(table, "proposal_id")
    op.drop_table("due_domains")
    op.drop_column("domains", "awaited_since")


def _make_checks() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("domains", sa.Column("awaited_since", instant, nullable=True))
    op.create_table(
        "due_domains",
        sa.Column("domain_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("due_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("domain_id", name="pk_due_domains"),
    )
    op.create_index("ix_due_domains_due_at", "due_domains", ["due_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON due_domains TO {ROLE}")
    # Those there are already, of all accounts; spread over a day, for DNS is not asked about all of them at once.
    op.execute("ALTER TABLE domains NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE domains SET awaited_since = now() WHERE status <> 'connected'")
    op.execute(
        "INSERT INTO due_domains (domain_id, account_id, due_at) "
        "SELECT id, account_id, now() + random() * interval '1 day' FROM domains"
    )
    op.execute("ALTER TABLE domains FORCE ROW LEVEL SECURITY")
