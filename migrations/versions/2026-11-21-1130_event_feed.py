"""The event feed, webhook endpoints and their deliveries, and what is due of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = "calendar_app"
_OF_ACCOUNTS = ("feed_events", "event_feeds", "webhook_endpoints", "webhook_deliveries")
_DUE = {"due_events": "event_id", "due_feeds": None, "due_webhooks": "endpoint_id"}

# Runs as its owner: the service needs no right on the sequence, so it cannot move it either.
_ARRIVE = """
CREATE FUNCTION feed_event_arrives() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    NEW.arrival := nextval('feed_events_arrival_seq');
    RETURN NEW;
END
$$"""


def upgrade() -> None:
    _make_feed()
    _make_endpoints()
    _make_deliveries()
    for table, key in _DUE.items():
        _make_due(table, key)
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    for table in _OF_ACCOUNTS:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_account ON {table} USING ({mine}) WITH CHECK ({mine})")
    for table in (*_OF_ACCOUNTS, *_DUE):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")


def downgrade() -> None:
    for table in (*_DUE, "webhook_deliveries", "webhook_endpoints", "event_feeds", "feed_events"):
        op.drop_table(table)
    op.execute("DROP FUNCTION feed_event_arrives()")


def _make_feed() -> None:
    op.create_table(
        "feed_events",
        *_key(),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("data", sa.dialects.postgresql.JSONB(), nullable=False),
        _instant("occurred_at"),
        _instant("numbered_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_feed_events"),
        sa.UniqueConstraint("account_id", "sequence", name="uq_feed_events_account_id_sequence"),
    )
    op.create_index(
        "ix_feed_events_unnumbered",
        "feed_events",
        ["account_id", "arrival"],
        postgresql_where=sa.text("sequence IS NULL"),
    )
    op.create_index("ix_feed_events_account_id_subject_id", "feed_events", ["account_id", "subject_id"])
    op.execute("CREATE SEQUENCE feed_events_arrival_seq OWNED BY feed_events.arrival")
    op.execute(_ARRIVE)
    op.execute(
        "CREATE TRIGGER feed_event_arrives BEFORE INSERT ON feed_events "
        "FOR EACH ROW EXECUTE FUNCTION feed_event_arrives()"
    )
    op.create_table(
        "event_feeds",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pruned_through", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_event_feeds"),
    )


def _make_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        *_key(),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("event_types", sa.dialects.postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        _instant("previous_secret_until", nullable=True),
        sa.Column("delivered_through", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        _instant("failing_since", nullable=True),
        _instant("next_attempt_at", nullable=True),
        sa.Column("slow", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        _instant("lease_until", nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _instant("created_at", server_default=sa.text("now()")),
        _instant("updated_at", server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_webhook_endpoints"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        *_key(),
        sa.Column("endpoint_id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        _instant("created_at", server_default=sa.text("now()")),
        sa.ForeignKeyConstraint(
            ["account_id", "endpoint_id"],
            ["webhook_endpoints.account_id", "webhook_endpoints.id"],
            name="fk_webhook_deliveries_account_id_endpoint_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_webhook_deliveries"),
    )
    op.create_index(
        "ix_webhook_deliveries_account_id_endpoint_id_id",
        "webhook_deliveries",
        ["account_id", "endpoint_id", "id"],
    )


def _make_due(table: str, key: str | None) -> None:
    """Beside the key the account; an account's own row has it as its key."""
    own = [] if key is None else [sa.Column(key, sa.UUID(), nullable=False)]
    op.create_table(
        table,
        *own,
        sa.Column("account_id", sa.UUID(), nullable=False),
        _instant("due_at"),
        sa.PrimaryKeyConstraint(key or "account_id", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_due_at", table, ["due_at"])


def _key() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column("account_id", sa.UUID(), nullable=False), sa.Column("id", sa.UUID(), nullable=False)


def _instant(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, **options)
