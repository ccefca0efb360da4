"""Changes to be followed, the people of events, contacts, engagements, tasks, drift; events of more than bookings."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLE = "calendar_app"
_TABLES = (
    "mirror_addresses",
    "calendar_changes",
    "contacts",
    "erased_contacts",
    "engagements",
    "engagement_contacts",
    "tasks",
    "task_calendars",
    "drift_entries",
)
_OWNERS = {"engagement_id": "engagements", "task_id": "tasks"}


def upgrade() -> None:
    _make_people()
    _make_changes()
    _make_contacts()
    _make_engagements()
    _make_tasks()
    _make_drift()
    _open_writes()
    op.add_column(
        "calendar_settings",
        sa.Column("drift_policies", sa.dialects.postgresql.JSONB(), server_default="{}", nullable=False),
    )
    # Who takes part is learnt by the next listing; what it lists counts as changed, for nobody has followed it yet.
    _for_all_accounts("calendar_syncs", "UPDATE calendar_syncs SET cursor = NULL")
    _for_all_accounts("mirror_events", "UPDATE mirror_events SET etag = NULL")
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_account ON {table} USING ({mine}) WITH CHECK ({mine})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")


def downgrade() -> None:
    op.drop_column("calendar_settings", "drift_policies")
    _for_all_accounts("calendar_writes", "DELETE FROM calendar_writes WHERE booking_id IS NULL")
    op.drop_constraint(op.f("ck_calendar_writes_one_owner"), "calendar_writes")
    for column in (*_OWNERS, "ends_at", "invites", "comes_back", "guest_response", "extra_event_ids"):
        op.drop_column("calendar_writes", column)
    op.alter_column("calendar_writes", "booking_id", nullable=False)
    for table in reversed(_TABLES):
        op.drop_table(table)


def _make_people() -> None:
    op.create_table(
        "mirror_addresses",
        _uuid("account_id"),
        _uuid("calendar_id"),
        _text("event_id"),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        _refers(
            "mirror_addresses", ["account_id", "calendar_id", "event_id"], "mirror_events", key="calendar_id event_id"
        ),
        sa.PrimaryKeyConstraint("account_id", "calendar_id", "event_id", "address_hash", name="pk_mirror_addresses"),
    )
    op.create_index("ix_mirror_addresses_account_id_address_hash", "mirror_addresses", ["account_id", "address_hash"])


def _make_changes() -> None:
    op.create_table(
        "calendar_changes",
        _uuid("account_id"),
        _uuid("calendar_id"),
        _text("event_id"),
        _text("series_id", nullable=True),
        _text("topic"),
        sa.Column("seq", sa.Integer(), server_default="1", nullable=False),
        _instant("changed_at"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _instant("not_before", nullable=True),
        _refers("calendar_changes", ["account_id", "calendar_id"], "calendars"),
        sa.PrimaryKeyConstraint("account_id", "calendar_id", "event_id", name="pk_calendar_changes"),
    )
    op.create_index("ix_calendar_changes_account_id_changed_at", "calendar_changes", ["account_id", "changed_at"])


def _make_contacts() -> None:
    op.create_table(
        "contacts",
        _uuid("account_id"),
        _uuid("id"),
        _text("email"),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        _text("name", nullable=True),
        _text("phone", nullable=True),
        _text("source"),
        *_history(),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_contacts"),
        sa.UniqueConstraint("account_id", "address_hash", name="uq_contacts_account_id_address_hash"),
    )
    op.create_table(
        "erased_contacts",
        _uuid("account_id"),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        _instant("erased_at"),
        sa.PrimaryKeyConstraint("account_id", "address_hash", name="pk_erased_contacts"),
    )


def _make_engagements() -> None:
    op.create_table(
        "engagements",
        _uuid("account_id"),
        _uuid("id"),
        _uuid("owner_id"),
        _text("source"),
        _uuid("booking_id", nullable=True),
        sa.Column("booking_version", sa.Integer(), nullable=True),
        _uuid("calendar_id", nullable=True),
        *(_text(name, nullable=True) for name in ("event_id", "title", "description", "location", "video_url")),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("all_day", sa.Boolean(), server_default="false", nullable=False),
        _text("time_zone"),
        _text("outcome"),
        sa.Column("organized", sa.Boolean(), nullable=False),
        _text("invite_status", nullable=True),
        _text("invite_reason", nullable=True),
        _instant("cancelled_at", nullable=True),
        *_history(),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_engagements_ends_after_start")),
        _refers("engagements", ["account_id", "owner_id"], "users"),
        _refers("engagements", ["account_id", "booking_id"], "bookings"),
        _refers("engagements", ["account_id", "calendar_id"], "calendars", ondelete="SET NULL (calendar_id)"),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_engagements"),
        sa.UniqueConstraint("account_id", "booking_id", name="uq_engagements_account_id_booking_id"),
        sa.UniqueConstraint(
            "account_id", "calendar_id", "event_id", name="uq_engagements_account_id_calendar_id_event_id"
        ),
    )
    op.create_index(
        "ix_engagements_account_id_owner_id_starts_at", "engagements", ["account_id", "owner_id", "starts_at"]
    )
    op.create_table(
        "engagement_contacts",
        _uuid("account_id"),
        _uuid("engagement_id"),
        _uuid("contact_id"),
        _text("role"),
        _text("response"),
        _refers("engagement_contacts", ["account_id", "engagement_id"], "engagements"),
        _refers("engagement_contacts", ["account_id", "contact_id"], "contacts"),
        sa.PrimaryKeyConstraint("account_id", "engagement_id", "contact_id", name="pk_engagement_contacts"),
    )
    op.create_index(
        "ix_engagement_contacts_account_id_contact_id_engagement_id",
        "engagement_contacts",
        ["account_id", "contact_id", "engagement_id"],
    )


def _make_tasks() -> None:
    op.create_table(
        "tasks",
        _uuid("account_id"),
        _uuid("id"),
        _uuid("owner_id"),
        _uuid("contact_id", nullable=True),
        _text("title"),
        _text("notes", nullable=True),
        _instant("due_at"),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        _text("status"),
        _instant("completed_at", nullable=True),
        sa.Column("unplaced", sa.Boolean(), server_default="false", nullable=False),
        _instant("deleted_at", nullable=True),
        *_history(),
        _refers("tasks", ["account_id", "owner_id"], "users"),
        _refers("tasks", ["account_id", "contact_id"], "contacts", ondelete="SET NULL (contact_id)"),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_tasks"),
    )
    op.create_index("ix_tasks_account_id_owner_id_due_at", "tasks", ["account_id", "owner_id", "due_at"])
    op.create_table(
        "task_calendars",
        _uuid("account_id"),
        _uuid("connection_id"),
        _uuid("calendar_id", nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _text("last_error", nullable=True),
        _instant("lease_until", nullable=True),
        _refers("task_calendars", ["account_id", "connection_id"], "connections"),
        _refers("task_calendars", ["account_id", "calendar_id"], "calendars", ondelete="SET NULL (calendar_id)"),
        sa.PrimaryKeyConstraint("account_id", "connection_id", name="pk_task_calendars"),
    )


def _make_drift() -> None:
    op.create_table(
        "drift_entries",
        _uuid("account_id"),
        _uuid("id"),
        _uuid("host_id"),
        _uuid("booking_id"),
        _text("kind"),
        _text("status"),
        *(_text(name, nullable=True) for name in ("reason", "resolution", "resolved_by")),
        _instant("booked_start"),
        _instant("booked_end"),
        _instant("observed_start", nullable=True),
        _instant("observed_end", nullable=True),
        sa.Column("event_ids", sa.dialects.postgresql.ARRAY(sa.Text()), nullable=False),
        _instant("detected_at", server_default=sa.text("now()")),
        _instant("resolved_at", nullable=True),
        _refers("drift_entries", ["account_id", "booking_id"], "bookings"),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_drift_entries"),
    )
    op.create_index("ix_drift_entries_account_id_host_id_id", "drift_entries", ["account_id", "host_id", "id"])
    key = ["account_id", "booking_id", "kind"]
    op.create_index("ix_drift_entries_account_id_booking_id_kind", "drift_entries", key)
    op.create_index(
        "ix_drift_entries_open", "drift_entries", key, unique=True, postgresql_where=sa.text("status = 'open'")
    )


def _open_writes() -> None:
    """Events of meetings and tasks beside those of bookings."""
    op.alter_column("calendar_writes", "booking_id", nullable=True)
    for column, table in _OWNERS.items():
        op.add_column("calendar_writes", _uuid(column, nullable=True))
        op.create_foreign_key(
            f"fk_calendar_writes_account_id_{column}",
            "calendar_writes",
            table,
            ["account_id", column],
            ["account_id", "id"],
            ondelete="CASCADE",
        )
        op.create_unique_constraint(
            f"uq_calendar_writes_account_id_{column}", "calendar_writes", ["account_id", column]
        )
    op.create_check_constraint(
        op.f("ck_calendar_writes_one_owner"), "calendar_writes", "num_nonnulls(booking_id, engagement_id, task_id) = 1"
    )
    op.add_column("calendar_writes", _instant("ends_at", nullable=True))
    op.execute("ALTER TABLE bookings NO FORCE ROW LEVEL SECURITY")
    _for_all_accounts(
        "calendar_writes",
        "UPDATE calendar_writes AS write SET ends_at = booking.ends_at FROM bookings AS booking "
        "WHERE booking.account_id = write.account_id AND booking.id = write.booking_id",
    )
    op.execute("ALTER TABLE bookings FORCE ROW LEVEL SECURITY")
    op.alter_column("calendar_writes", "ends_at", nullable=False)
    op.add_column("calendar_writes", sa.Column("invites", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("calendar_writes", sa.Column("comes_back", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("calendar_writes", _text("guest_response", nullable=True))
    op.add_column(
        "calendar_writes",
        sa.Column("extra_event_ids", sa.dialects.postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )


def _for_all_accounts(table: str, statement: str) -> None:
    """Row-level security is forced: even the owner sees no rows where no account is set, and says nothing."""
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.UUID(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, **options)


def _history() -> tuple[sa.Column[Any], sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _instant("created_at", server_default=sa.text("now()")),
        _instant("updated_at", server_default=sa.text("now()")),
    )


def _refers(
    table: str, columns: Sequence[str], other: str, *, key: str = "id", ondelete: str = "CASCADE"
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        columns,
        [f"{other}.account_id", *(f"{other}.{name}" for name in key.split())],
        name=f"fk_{table}_{'_'.join(columns)}",
        ondelete=ondelete,
    )
