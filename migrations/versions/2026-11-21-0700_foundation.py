"""The foundation: the service's role, every first table under row-level security, and the job queue."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import AdaptedConnection

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLE = "calendar_app"
GLOBAL_TABLES = ("directory", "due_calendars")
QUEUE_TABLES = ("pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics")


def upgrade() -> None:
    _make_role()
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    _make_tables()
    _isolate_accounts()
    _make_queue()


def downgrade() -> None:
    op.execute("DROP SCHEMA queue CASCADE")
    for table in _tables():
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute(f"REVOKE ALL ON SCHEMA public FROM {ROLE}")


def _make_role() -> None:
    """Roles belong to the cluster: another database may have made it. A login without CREATEROLE needs it made.

    Who makes a role is a member since PostgreSQL 16, and may not become it before they have granted it to themselves.
    """
    op.execute(f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN NOBYPASSRLS;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database made it just now
        END $$""")
    op.execute(f"""
        DO $$ BEGIN
            IF NOT pg_has_role(session_user, '{ROLE}', CASE WHEN current_setting('server_version_num')::int >= 160000
                                                            THEN 'SET' ELSE 'MEMBER' END) THEN
                EXECUTE format('GRANT {ROLE} TO %I', session_user);
            END IF;
        END $$""")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")


def _tables() -> list[str]:
    inspector = sa.inspect(op.get_bind())
    return [name for name in inspector.get_table_names() if name != "alembic_version"]


def _isolate_accounts() -> None:
    for table in _tables():
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")
        if table in GLOBAL_TABLES:
            continue
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
        op.execute(f"CREATE POLICY own_account ON {table} USING ({mine}) WITH CHECK ({mine})")


def _make_queue() -> None:
    """Pgqueuer's own installation, frozen. asyncpg refuses several statements at once but on the raw connection."""
    script = (Path(__file__).parents[1] / "sql" / "queue.sql").read_text()
    connection = op.get_bind().connection.dbapi_connection
    assert isinstance(connection, AdaptedConnection)
    connection.run_async(lambda raw: raw.execute(script))
    op.execute(f"GRANT USAGE ON SCHEMA queue TO {ROLE}")
    for table in QUEUE_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON queue.{table} TO {ROLE}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA queue TO {ROLE}")


def _make_tables() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("subscriptions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_audit_entries")),
    )
    op.create_index(
        op.f("ix_audit_entries_account_id_subject_id"), "audit_entries", ["account_id", "subject_id"], unique=False
    )
    op.create_table(
        "data_keys",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("master_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_data_keys")),
    )
    op.create_table(
        "directory",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("target_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_directory")),
    )
    op.create_table(
        "disclosure_acceptances",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_disclosure_acceptances")),
    )
    op.create_index(
        op.f("ix_disclosure_acceptances_account_id_user_id_provider"),
        "disclosure_acceptances",
        ["account_id", "user_id", "provider"],
        unique=False,
    )
    op.create_table(
        "due_calendars",
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("calendar_id", name=op.f("pk_due_calendars")),
    )
    op.create_index(op.f("ix_due_calendars_due_at"), "due_calendars", ["due_at"], unique=False)
    op.create_table(
        "idempotent_answers",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "scope", "key", name=op.f("pk_idempotent_answers")),
    )
    op.create_table(
        "mails",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("to_email", sa.Text(), nullable=False),
        sa.Column("to_name", sa.Text(), nullable=True),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("letter", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_mails")),
    )
    op.create_table(
        "users",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("seats", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("connection_limit_used", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_users_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_users")),
    )
    op.create_table(
        "calendar_settings",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("calendar_sync", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("task_sync", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("scheduling_pages", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("turned_off", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("tentative_blocks", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("meetings_url", sa.Text(), nullable=True),
        sa.Column("default_page_id", sa.UUID(), nullable=True),
        sa.Column("chat_page_id", sa.UUID(), nullable=True),
        sa.Column("chat_enabled", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_calendar_settings_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "user_id", name=op.f("pk_calendar_settings")),
    )
    op.create_table(
        "connection_authorizations",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("state_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("code_verifier", postgresql.BYTEA(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("login_hint", sa.Text(), nullable=True),
        sa.Column("disclosure_version", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_connection_authorizations_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_connection_authorizations")),
    )
    op.create_table(
        "connections",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("purposes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_connections_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_connections")),
    )
    op.create_index(op.f("ix_connections_account_id_user_id"), "connections", ["account_id", "user_id"], unique=False)
    op.create_table(
        "scheduling_pages",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("configuration", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "owner_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_scheduling_pages_account_id_owner_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_scheduling_pages")),
    )
    op.create_index(
        op.f("ix_scheduling_pages_account_id_owner_id"), "scheduling_pages", ["account_id", "owner_id"], unique=False
    )
    op.create_table(
        "bookings",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("video_url", sa.Text(), nullable=True),
        sa.Column("ical_uid", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_id", sa.UUID(), nullable=False),
        sa.Column("host_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor_name", sa.Text(), nullable=False),
        sa.Column("visitor_email", sa.Text(), nullable=False),
        sa.Column("visitor_time_zone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("guests", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("token_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_bookings_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["account_id", "page_id"],
            ["scheduling_pages.account_id", "scheduling_pages.id"],
            name=op.f("fk_bookings_account_id_page_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_bookings")),
    )
    op.create_index(
        op.f("ix_bookings_account_id_host_id_starts_at"),
        "bookings",
        ["account_id", "host_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_bookings_account_id_page_id_starts_at"),
        "bookings",
        ["account_id", "page_id", "starts_at"],
        unique=False,
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    op.create_table(
        "calendars",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("provider_calendar_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("checked", sa.Boolean(), nullable=False),
        sa.Column("inactive_reason", sa.Text(), nullable=True),
        sa.Column("unreachable_policy", sa.Text(), server_default="block", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("NOT is_primary OR checked", name=op.f("ck_calendars_primary_is_checked")),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_calendars_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_calendars")),
        sa.UniqueConstraint(
            "account_id",
            "connection_id",
            "provider_calendar_id",
            name=op.f("uq_calendars_account_id_connection_id_provider_calendar_id"),
        ),
    )
    op.create_index(
        "ix_calendars_primary",
        "calendars",
        ["account_id", "connection_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "connection_tokens",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("refresh_token", postgresql.BYTEA(), nullable=True),
        sa.Column("access_token", postgresql.BYTEA(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_connection_tokens_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "connection_id", name=op.f("pk_connection_tokens")),
    )
    op.create_table(
        "meeting_requests",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("clashes", sa.Boolean(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("page_id", sa.UUID(), nullable=False),
        sa.Column("host_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor_name", sa.Text(), nullable=False),
        sa.Column("visitor_email", sa.Text(), nullable=False),
        sa.Column("visitor_time_zone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("guests", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("token_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "page_id"],
            ["scheduling_pages.account_id", "scheduling_pages.id"],
            name=op.f("fk_meeting_requests_account_id_page_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_meeting_requests")),
    )
    op.create_index(
        op.f("ix_meeting_requests_account_id_host_id_status"),
        "meeting_requests",
        ["account_id", "host_id", "status"],
        unique=False,
    )
    op.create_table(
        "busy_months",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("busy", postgresql.BYTEA(), nullable=False),
        sa.Column("tentative", postgresql.BYTEA(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            name=op.f("fk_busy_months_account_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "calendar_id", "month", name=op.f("pk_busy_months")),
    )
    op.create_table(
        "calendar_syncs",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cursor", postgresql.BYTEA(), nullable=True),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("dirty_seq", sa.Integer(), server_default="1", nullable=False),
        sa.Column("synced_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expanded_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            name=op.f("fk_calendar_syncs_account_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "calendar_id", name=op.f("pk_calendar_syncs")),
    )
    op.create_table(
        "calendar_writes",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("booking_id", sa.UUID(), nullable=False),
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("desired_seq", sa.Integer(), server_default="1", nullable=False),
        sa.Column("written_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("written_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("video_url", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            name=op.f("fk_calendar_writes_account_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_calendar_writes")),
        sa.UniqueConstraint("account_id", "booking_id", name=op.f("uq_calendar_writes_account_id_booking_id")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_calendar_writes_account_id_key")),
    )
    op.create_table(
        "mirror_events",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("series_id", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("busy", sa.SmallInteger(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            name=op.f("fk_mirror_events_account_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "calendar_id", "event_id", name=op.f("pk_mirror_events")),
    )
    op.create_index(
        op.f("ix_mirror_events_account_id_calendar_id_series_id"),
        "mirror_events",
        ["account_id", "calendar_id", "series_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_mirror_events_account_id_calendar_id_start_date"),
        "mirror_events",
        ["account_id", "calendar_id", "start_date"],
        unique=False,
    )
    op.create_index(
        op.f("ix_mirror_events_account_id_calendar_id_starts_at"),
        "mirror_events",
        ["account_id", "calendar_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "mirror_series",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("calendar_id", sa.UUID(), nullable=False),
        sa.Column("series_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            name=op.f("fk_mirror_series_account_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "calendar_id", "series_id", name=op.f("pk_mirror_series")),
    )
    op.create_table(
        "reservations",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("host_id", sa.UUID(), nullable=False),
        sa.Column("booking_id", sa.UUID(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("account_id"), "="),
            (sa.column("host_id"), "="),
            (sa.column("during"), "&&"),
            using="gist",
            name="reservations_no_overlap",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "booking_id"],
            ["bookings.account_id", "bookings.id"],
            name=op.f("fk_reservations_account_id_booking_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_reservations")),
        sa.UniqueConstraint(
            "account_id", "booking_id", "host_id", name=op.f("uq_reservations_account_id_booking_id_host_id")
        ),
    )
