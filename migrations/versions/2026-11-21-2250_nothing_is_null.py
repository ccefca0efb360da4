"""Where there is no document there is NULL, not the JSON word for it: what looks for one finds one."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

COLUMNS = (("calendar_writes", "draft"), ("bookings", "assignment"))


def upgrade() -> None:
    """Each statement by itself, and all of it can be done twice: the table's lock is not held while rows are written.

    Row-level security is lifted for the owner alone; the service is never its tables' owner.
    """
    with op.get_context().autocommit_block():
        for table, column in COLUMNS:
            op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            op.execute(f"UPDATE {table} SET {column} = NULL WHERE {column} = 'null'")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Nothing: whoever reads them takes one for the other."""
