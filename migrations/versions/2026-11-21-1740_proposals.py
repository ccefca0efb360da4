"""Proposed times, what visitors have answered before, and the key of a person's chat widget."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROLE = "calendar_app"
TABLES = ("time_proposals", "form_submissions", "visitor_tokens")


def upgrade() -> None:
    _make_proposals()
    _make_submissions()
    op.add_column("calendar_settings", sa.Column("widget_key", sa.Text(), nullable=True))
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_account ON {table} USING ({mine}) WITH CHECK ({mine})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")


def downgrade() -> None:
    op.drop_column("calendar_settings", "widget_key")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DELETE FROM directory WHERE kind IN ('time_proposal', 'chat_widget')")


def _make_proposals() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "time_proposals",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("page_id", sa.UUID(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.dialects.postgresql.ARRAY(instant), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("cardinality(starts_at) > 0", name=op.f("ck_time_proposals_some_times")),
        sa.ForeignKeyConstraint(
            ["account_id", "page_id"],
            ["scheduling_pages.account_id", "scheduling_pages.id"],
            name="fk_time_proposals_account_id_page_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "owner_id"],
            ["users.account_id", "users.id"],
            name="fk_time_proposals_account_id_owner_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_time_proposals"),
    )
    op.create_index(
        "ix_time_proposals_account_id_owner_id_expires_at", "time_proposals", ["account_id", "owner_id", "expires_at"]
    )
    op.create_index("ix_time_proposals_account_id_page_id", "time_proposals", ["account_id", "page_id"])


def _make_submissions() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "form_submissions",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("submitted_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_form_submissions"),
        sa.UniqueConstraint("account_id", "address_hash", name="uq_form_submissions_account_id_address_hash"),
    )
    op.create_table(
        "visitor_tokens",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("submission_id", sa.UUID(), nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "submission_id"],
            ["form_submissions.account_id", "form_submissions.id"],
            name="fk_visitor_tokens_account_id_submission_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "token_hash", name="pk_visitor_tokens"),
    )
    op.create_index(
        "ix_visitor_tokens_account_id_submission_id_expires_at",
        "visitor_tokens",
        ["account_id", "submission_id", "expires_at"],
    )
    op.create_index("ix_visitor_tokens_account_id_expires_at", "visitor_tokens", ["account_id", "expires_at"])
