"""Mails are found by what they are about, and tasks by their contact, without reading all of an account's."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_mails_account_id_subject_id_kind": "mails (account_id, subject_id, kind)",
    "ix_tasks_account_id_contact_id": "tasks (account_id, contact_id)",
}


def upgrade() -> None:
    """Nobody is kept waiting, so this waits for everybody. What a first try left goes."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute("SET lock_timeout = '200ms'")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
