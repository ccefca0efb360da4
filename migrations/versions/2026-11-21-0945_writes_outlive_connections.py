"""Writes outlive their connection, grants are known across accounts, inboxes, secrets that do not expire."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLE = "calendar_app"
_WRITE_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "provider": sa.Text(),
    "subject": sa.Text(),
    "provider_calendar_id": sa.Text(),
    "failing_since": sa.DateTime(timezone=True),
    "look_again_at": sa.DateTime(timezone=True),
}

_UNFINISHED = {
    "ix_calendar_writes_unfinished": ("calendar_writes", "written_seq < desired_seq"),
    "ix_calendar_writes_look_again": ("calendar_writes", "look_again_at IS NOT NULL"),
    "ix_mails_queued": ("mails", "status = 'queued'"),
}


def upgrade() -> None:
    _loosen_writes()
    op.alter_column("connection_tokens", "expires_at", nullable=True)
    op.add_column(
        "accounts", sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.create_index("ix_mails_account_id_to_email_sent_at", "mails", ["account_id", "to_email", "sent_at"])
    for name, (table, condition) in _UNFINISHED.items():
        op.create_index(name, table, ["account_id"], postgresql_where=sa.text(condition))
    _make_grants()
    _make_inboxes()


def downgrade() -> None:
    op.drop_index("ix_mails_account_id_to_email_sent_at", "mails")
    for name, (table, _) in _UNFINISHED.items():
        op.drop_index(name, table)
    op.drop_table("inboxes")
    op.drop_table("provider_grants")
    op.drop_column("accounts", "updated_at")
    op.execute("DELETE FROM connection_tokens WHERE expires_at IS NULL")
    op.alter_column("connection_tokens", "expires_at", nullable=False)
    op.drop_constraint("fk_calendar_writes_account_id_booking_id", "calendar_writes")
    op.drop_constraint("fk_calendar_writes_account_id_calendar_id", "calendar_writes")
    for name in _WRITE_COLUMNS:
        op.drop_column("calendar_writes", name)
    op.execute("DELETE FROM calendar_writes WHERE calendar_id IS NULL")
    op.alter_column("calendar_writes", "calendar_id", nullable=False)
    _refer_to_calendars(ondelete="CASCADE")


def _loosen_writes() -> None:
    for name, kind in _WRITE_COLUMNS.items():
        op.add_column("calendar_writes", sa.Column(name, kind, nullable=True))
    op.execute("""
        UPDATE calendar_writes w
           SET provider = c.provider, subject = c.subject, provider_calendar_id = cal.provider_calendar_id
          FROM calendars cal
          JOIN connections c ON c.account_id = cal.account_id AND c.id = cal.connection_id
         WHERE cal.account_id = w.account_id AND cal.id = w.calendar_id""")
    op.alter_column("calendar_writes", "calendar_id", nullable=True)
    op.drop_constraint("fk_calendar_writes_account_id_calendar_id", "calendar_writes")
    _refer_to_calendars(ondelete="SET NULL (calendar_id)")
    op.execute("DELETE FROM calendar_writes w WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.id = w.booking_id)")
    op.create_foreign_key(
        "fk_calendar_writes_account_id_booking_id",
        "calendar_writes",
        "bookings",
        ["account_id", "booking_id"],
        ["account_id", "id"],
        ondelete="CASCADE",
    )


def _refer_to_calendars(*, ondelete: str) -> None:
    op.create_foreign_key(
        "fk_calendar_writes_account_id_calendar_id",
        "calendar_writes",
        "calendars",
        ["account_id", "calendar_id"],
        ["account_id", "id"],
        ondelete=ondelete,
    )


def _make_grants() -> None:
    """No row-level security: a revocation must know of every account that shares the grant."""
    op.create_table(
        "provider_grants",
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("grant_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_provider_grants"),
    )
    op.create_index("ix_provider_grants_grant_hash", "provider_grants", ["grant_hash"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON provider_grants TO {ROLE}")
    op.execute("""
        INSERT INTO provider_grants (connection_id, account_id, grant_hash)
        SELECT id, account_id, sha256(convert_to(provider || '|' || subject, 'UTF8')) FROM connections""")


def _make_inboxes() -> None:
    op.create_table(
        "inboxes",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("connection_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind = 'shared' OR user_id IS NOT NULL", name="ck_inboxes_personal_has_a_user"),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name="fk_inboxes_account_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_inboxes"),
    )
    op.create_index(
        "uq_inboxes_address",
        "inboxes",
        ["account_id", "address"],
        unique=True,
        postgresql_where=sa.text("disconnected_at IS NULL"),
    )
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON inboxes TO {ROLE}")
    op.execute("ALTER TABLE inboxes ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE inboxes FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON inboxes USING ({mine}) WITH CHECK ({mine})")
