"""Exports of accounts, and their erasure: the tombstone, and the one way in which audit entries go."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROLE = "calendar_app"
MOVES_ON = ("stage", "deleted_rows", "last_sequence", "last_seal", "look_again_at", "finished_at")
"""What of a tombstone may change; that it is there, never."""


def upgrade() -> None:
    _index_directory()
    op.add_column("accounts", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    _make_exports()
    _make_erasures()
    for table in ("account_exports", "account_export_parts", "account_erasures"):
        _protect(table)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON account_exports, account_export_parts TO {ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ({', '.join(MOVES_ON)}) ON account_erasures TO {ROLE}")
    _let_audit_entries_go()


def _index_directory() -> None:
    """Every booking writes there: nobody is kept waiting, so this waits for everybody. What a first try left goes."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_directory_account_id")
        op.execute("CREATE INDEX CONCURRENTLY ix_directory_account_id ON directory (account_id)")
        op.execute("SET lock_timeout = '200ms'")


def downgrade() -> None:
    op.execute("DROP FUNCTION erase_audit_entries(integer)")
    op.drop_table("account_erasures")
    op.drop_table("account_export_parts")
    op.drop_table("account_exports")
    op.drop_index("ix_directory_account_id", "directory")
    op.drop_column("accounts", "closed_at")


def _protect(table: str) -> None:
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON {table} USING ({mine}) WITH CHECK ({mine})")


def _make_exports() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "account_exports",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=True),
        sa.Column("after", sa.dialects.postgresql.JSONB(), nullable=True),
        sa.Column("parts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("records", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("requested_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", instant, nullable=True),
        sa.Column("expires_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_account_exports"),
    )
    op.create_index("ix_account_exports_account_id_requested_at", "account_exports", ["account_id", "requested_at"])
    op.create_table(
        "account_export_parts",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("export_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "export_id"],
            ["account_exports.account_id", "account_exports.id"],
            name="fk_account_export_parts_account_id_export_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_account_export_parts"),
        sa.UniqueConstraint(
            "account_id", "export_id", "number", name="uq_account_export_parts_account_id_export_id_number"
        ),
    )


def _make_erasures() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "account_erasures",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", instant, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("deleted_rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_seal", sa.LargeBinary(), server_default=sa.text("''::bytea"), nullable=False),
        sa.Column("look_again_at", instant, nullable=True),
        sa.Column("finished_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_account_erasures"),
    )
    op.create_index(
        "uq_account_erasures_open",
        "account_erasures",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _let_audit_entries_go() -> None:
    """The service may not delete entries. This does it for the account it works in, while that one is being erased.

    It runs as the tables' owner, who is under row-level security as well: another account's entries are out of reach.
    """
    op.execute("""
        CREATE FUNCTION erase_audit_entries(most integer) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
            mine uuid := nullif(current_setting('app.account_id', true), '')::uuid;
            gone bigint;
        BEGIN
            IF NOT EXISTS (
                SELECT FROM account_erasures e JOIN accounts a USING (account_id)
                 WHERE account_id = mine AND e.finished_at IS NULL AND a.closed_at IS NOT NULL
            ) THEN
                RAISE EXCEPTION 'audit entries go with their account alone' USING ERRCODE = 'insufficient_privilege';
            END IF;
            DELETE FROM audit_entries WHERE account_id = mine AND id IN (
                SELECT id FROM audit_entries WHERE account_id = mine ORDER BY id LIMIT most);
            GET DIAGNOSTICS gone = ROW_COUNT;
            RETURN gone;
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION erase_audit_entries(integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_audit_entries(integer) TO {ROLE}")
