"""The queue's log keeps failures alone: every job would leave three rows, and nobody reads that it went well."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEEP_FAILURES = """
CREATE FUNCTION queue.keep_failures_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN NEW.traceback IS NULL THEN NULL ELSE NEW END;
END
$$"""


def upgrade() -> None:
    op.execute(_KEEP_FAILURES)
    op.execute(
        "CREATE TRIGGER keep_failures_alone BEFORE INSERT ON queue.pgqueuer_log "
        "FOR EACH ROW EXECUTE FUNCTION queue.keep_failures_alone()"
    )
    op.execute("DELETE FROM queue.pgqueuer_log WHERE traceback IS NULL")


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_failures_alone ON queue.pgqueuer_log")
    op.execute("DROP FUNCTION queue.keep_failures_alone()")
