"""Whose a booking is stands in rows: a list of one's bookings is found by an index, and comes in its order.

`co_hosts @>` finds nothing by an index under row-level security (revision 0025), so a list of one's own read the whole
account's bookings. What a page's caps count is found by an index as well: every meeting that was not cancelled.
And a visitor token has what it shows beside it.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NEW = {
    "ix_bookings_account_id_starts_at_id": "(account_id, starts_at, id)",
    "ix_bookings_counted": "(account_id, page_id, starts_at) WHERE status <> 'cancelled'",
}
FORMER = {
    "ix_bookings_co_hosts": "USING gin (co_hosts jsonb_path_ops)",
    "ix_bookings_account_id_page_id_starts_at": "(account_id, page_id, starts_at) WHERE status = 'confirmed'",
}
ROLE = "calendar_app"
_AT_ONCE = 500
_PEOPLE = """
SELECT {booking}.host_id AS user_id
UNION
SELECT (host ->> 'user_id')::uuid FROM jsonb_array_elements({booking}.co_hosts) AS host
 WHERE host ->> 'user_id' IS NOT NULL
UNION
SELECT p.owner_id FROM scheduling_pages p
 WHERE p.account_id = {booking}.account_id AND p.id = {booking}.page_id"""
_TRIGGER = f"""
CREATE OR REPLACE FUNCTION name_users_of_booking() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    people uuid[] := ARRAY({_PEOPLE.format(booking="NEW")});
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM booking_users u
         WHERE u.account_id = NEW.account_id AND u.booking_id = NEW.id AND u.user_id <> ALL (people);
    END IF;
    INSERT INTO booking_users (account_id, booking_id, user_id, starts_at)
    SELECT NEW.account_id, NEW.id, person, NEW.starts_at FROM unnest(people) AS person
        ON CONFLICT (account_id, booking_id, user_id) DO UPDATE SET starts_at = excluded.starts_at;
    RETURN NULL;
END
$$"""
_FILL = f"""
WITH part AS (
    SELECT * FROM bookings WHERE (account_id, id) > (:account_id, :id) ORDER BY account_id, id LIMIT {_AT_ONCE}),
named AS (
    INSERT INTO booking_users (account_id, booking_id, user_id, starts_at)
    SELECT part.account_id, part.id, person.user_id, part.starts_at
      FROM part CROSS JOIN LATERAL ({_PEOPLE.format(booking="part")}) AS person
        ON CONFLICT DO NOTHING)
SELECT account_id, id FROM part ORDER BY account_id DESC, id DESC LIMIT 1"""
_LIFTED = ("bookings", "scheduling_pages", "booking_users")


def upgrade() -> None:
    """First what the database keeps by itself from now on, then what stands there, in portions; all of it can be done
    twice. What is moved meanwhile is right already, and left alone.
    """
    if not sa.inspect(op.get_bind()).has_table("booking_users"):
        _create()
    op.execute("ALTER TABLE visitor_tokens ADD COLUMN IF NOT EXISTS content bytea")
    op.execute(_TRIGGER)
    op.execute(
        "CREATE OR REPLACE TRIGGER name_users_of_booking AFTER INSERT OR UPDATE OF host_id, co_hosts, page_id, "
        "starts_at ON bookings FOR EACH ROW EXECUTE FUNCTION name_users_of_booking()"
    )
    with op.get_context().autocommit_block():
        _fill()
        _replace(FORMER, NEW)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _replace(NEW, FORMER)
    op.execute("DROP TRIGGER name_users_of_booking ON bookings")
    op.execute("DROP FUNCTION name_users_of_booking()")
    op.drop_table("booking_users")
    op.drop_column("visitor_tokens", "content")


def _create() -> None:
    op.create_table(
        "booking_users",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "booking_id"],
            ["bookings.account_id", "bookings.id"],
            name=op.f("fk_booking_users_account_id_booking_id_bookings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "booking_id", "user_id", name=op.f("pk_booking_users")),
    )
    op.create_index(
        "ix_booking_users_account_id_user_id_booking_id", "booking_users", ["account_id", "user_id", "booking_id"]
    )
    op.create_index(
        "ix_booking_users_account_id_user_id_starts_at_booking_id",
        "booking_users",
        ["account_id", "user_id", "starts_at", "booking_id"],
    )
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute("ALTER TABLE booking_users ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE booking_users FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON booking_users USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON booking_users TO {ROLE}")


def _fill() -> None:
    """Row-level security is lifted for the owner alone; the service is never its tables' owner."""
    for table in _LIFTED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    last = {"account_id": UUID(int=0), "id": UUID(int=0)}
    while (row := op.get_bind().execute(sa.text(_FILL), last).one_or_none()) is not None:
        last = {"account_id": row.account_id, "id": row.id}
    for table in _LIFTED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    """Beside everybody: it waits for all, and keeps nobody waiting."""
    op.execute("SET lock_timeout = 0")
    for name, columns in new.items():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON bookings {columns}")
    for name in old:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute("SET lock_timeout = '200ms'")
