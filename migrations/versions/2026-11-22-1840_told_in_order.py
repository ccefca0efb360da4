"""Mails are told in the order in which they were written, and found by their reader however spelt; our own events in a
mirror by their key.
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_mails_recipient": "mails (account_id, lower(to_email), sent_at)",
    "ix_mirror_events_ours": "mirror_events (account_id, calendar_id, key) WHERE key IS NOT NULL",
}
FORMER = {"ix_mails_account_id_to_email_sent_at": "mails (account_id, to_email, sent_at)"}


def upgrade() -> None:
    """Nobody is kept waiting, so this waits for everybody. What a first try left goes."""
    op.execute("ALTER TABLE mails ALTER created_at SET DEFAULT clock_timestamp()")
    _replace(FORMER, INDEXES)


def downgrade() -> None:
    op.execute("ALTER TABLE mails ALTER created_at SET DEFAULT now()")
    _replace(INDEXES, FORMER)


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, columns in new.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        for name in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute("SET lock_timeout = '200ms'")
