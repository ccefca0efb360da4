"""What was looked for by `&&` and `lower()` is looked for by columns that compare plainly, and the queue tells of new jobs
alone.

Row-level security lets only operators that can tell nothing of other rows use an index: those of times, texts and ids
can, ranges and functions cannot. So every booking a host ever had was read for each look at a page, and every mail of
an account for each mail to a stranger.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

NEW = {
    "ix_reservations_account_id_host_id_until": "reservations (account_id, host_id, until)",
    "ix_mails_account_id_reader_sent_at": "mails (account_id, reader, sent_at)",
    "ix_bookings_account_id_page_id_created_at": "bookings (account_id, page_id, created_at)",
}
FORMER = {
    "ix_mails_recipient": "mails (account_id, lower(to_email), sent_at)",
    "ix_bookings_account_id_page_id": "bookings (account_id, page_id)",
}
FILLED = {"reservations": ("until", "upper(during)"), "mails": ("reader", "lower(to_email)")}
_AT_ONCE = 500

_UNTIL = "NEW.until := upper(NEW.during);\n    "
_FORGET_LAPSED = """
CREATE OR REPLACE FUNCTION forget_lapsed_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    {fill}DELETE FROM slot_holds h USING reservations r
     WHERE r.account_id = NEW.account_id AND r.host_id = NEW.host_id AND r.during && NEW.during{narrow}
       AND r.expires_at <= now() AND h.account_id = r.account_id AND h.id = r.hold_id;
    RETURN NEW;
END
$$"""
_READER = """
CREATE OR REPLACE FUNCTION name_reader() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    NEW.reader := lower(NEW.to_email);
    RETURN NEW;
END
$$"""
_FILL = """
WITH part AS (
    SELECT account_id, id FROM {table} WHERE (account_id, id) > (:account_id, :id) ORDER BY account_id, id LIMIT {most}),
filled AS (
    UPDATE {table} t SET {column} = {value} FROM part
     WHERE t.account_id = part.account_id AND t.id = part.id AND t.{column} IS NULL)
SELECT account_id, id FROM part ORDER BY account_id DESC, id DESC LIMIT 1"""
_FIRST = {"account_id": UUID(int=0), "id": UUID(int=0)}


def upgrade() -> None:
    """Columns first, which the database fills; then what stands there, in portions; then the indexes. Nobody is kept
    waiting, so this waits for everybody; all of it can be done twice.
    """
    op.execute("ALTER TABLE reservations ADD COLUMN IF NOT EXISTS until timestamptz")
    op.execute("ALTER TABLE mails ADD COLUMN IF NOT EXISTS reader text")
    op.execute(_FORGET_LAPSED.format(fill=_UNTIL, narrow=" AND r.until > lower(NEW.during)"))
    op.execute(_READER)
    op.execute(
        "CREATE OR REPLACE TRIGGER name_reader BEFORE INSERT OR UPDATE OF to_email ON mails "
        "FOR EACH ROW EXECUTE FUNCTION name_reader()"
    )
    _tell_of("INSERT")  # and of no more: each notice is a turn at a lock that all of a server's commits share
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for table, (column, value) in FILLED.items():
            _fill(table, column, value)
        _replace(FORMER, NEW)
        op.execute("SET lock_timeout = '200ms'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        _replace(NEW, FORMER)
        op.execute("SET lock_timeout = '200ms'")
    _tell_of("INSERT OR UPDATE OR DELETE OR TRUNCATE")
    op.execute("DROP TRIGGER name_reader ON mails")
    op.execute("DROP FUNCTION name_reader()")
    op.execute(_FORGET_LAPSED.format(fill="", narrow=""))
    op.drop_column("mails", "reader")
    op.drop_column("reservations", "until")


def _tell_of(events: str) -> None:
    op.execute(
        f"CREATE OR REPLACE TRIGGER tg_pgqueuer_changed AFTER {events} ON queue.pgqueuer "
        "EXECUTE FUNCTION queue.fn_pgqueuer_changed()"
    )


def _fill(table: str, column: str, value: str) -> None:
    """Row-level security is lifted for the owner alone; the service is never its tables' owner."""
    statement = sa.text(_FILL.format(table=table, column=column, value=value, most=_AT_ONCE))
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    last = _FIRST
    while (row := op.get_bind().execute(statement, last).one_or_none()) is not None:
        last = {"account_id": row.account_id, "id": row.id}
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    # Looked over beside everybody: then nothing is left to be looked over under the lock of SET NOT NULL.
    op.execute("SET lock_timeout = '200ms'")
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {column}_is_there")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {column}_is_there CHECK ({column} IS NOT NULL) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {column}_is_there")
    op.execute(f"ALTER TABLE {table} ALTER {column} SET NOT NULL")
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {column}_is_there")
    op.execute("SET lock_timeout = 0")


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    for name, columns in new.items():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
    for name in old:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
