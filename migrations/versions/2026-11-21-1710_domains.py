"""Domains of an account, and who publishes on which."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROLE = "calendar_app"


def upgrade() -> None:
    _make_domains()
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute("ALTER TABLE domains ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE domains FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON domains USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON domains TO {ROLE}")
    op.add_column("calendar_settings", sa.Column("domain_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        "fk_calendar_settings_account_id_domain_id",
        "calendar_settings",
        "domains",
        ["account_id", "domain_id"],
        ["account_id", "id"],
    )
    op.create_index("ix_calendar_settings_account_id_domain_id", "calendar_settings", ["account_id", "domain_id"])


def downgrade() -> None:
    op.drop_index("ix_calendar_settings_account_id_domain_id", "calendar_settings")
    op.drop_constraint("fk_calendar_settings_account_id_domain_id", "calendar_settings")
    op.drop_column("calendar_settings", "domain_id")
    op.drop_table("domains")
    op.execute("DELETE FROM directory WHERE kind IN ('host', 'former_host')")


def _make_domains() -> None:
    op.create_table(
        "domains",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        _instant("failing_since", nullable=True),
        sa.Column("points_here", sa.Boolean(), nullable=True),
        sa.Column("search_indexing", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _instant("connected_at", nullable=True),
        _instant("checked_at", nullable=True),
        _instant("created_at", server_default=sa.text("now()")),
        _instant("updated_at", server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_domains"),
        sa.UniqueConstraint("account_id", "host", name="uq_domains_account_id_host"),
    )


def _instant(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, **options)
