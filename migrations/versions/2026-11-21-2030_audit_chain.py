"""The audit log is only ever appended to, and every entry seals the one before it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROLE = "calendar_app"


def upgrade() -> None:
    op.add_column("audit_entries", sa.Column("sequence", sa.BigInteger(), nullable=True))
    op.add_column("audit_entries", sa.Column("seal", sa.LargeBinary(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_audit_entries_account_id_sequence"), "audit_entries", ["account_id", "sequence"]
    )
    op.create_index(
        "ix_audit_entries_unsealed", "audit_entries", ["account_id"], postgresql_where=sa.text("sequence IS NULL")
    )
    _make_chains()
    _make_due()
    _only_append()
    op.execute("ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY")
    op.execute("INSERT INTO due_audits (entry_id, account_id, due_at) SELECT id, account_id, now() FROM audit_entries")
    op.execute("ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_entries_wait ON audit_entries")
    op.execute("DROP TRIGGER audit_entries_stay ON audit_entries")
    op.execute("DROP FUNCTION seal_audit_entry_later()")
    op.execute("DROP FUNCTION keep_audit_entry()")
    op.execute(f"GRANT UPDATE, DELETE ON audit_entries TO {ROLE}")
    op.drop_table("due_audits")
    op.drop_table("audit_chains")
    op.drop_index("ix_audit_entries_unsealed", "audit_entries")
    op.drop_constraint(op.f("uq_audit_entries_account_id_sequence"), "audit_entries", type_="unique")
    op.drop_column("audit_entries", "seal")
    op.drop_column("audit_entries", "sequence")


def _make_chains() -> None:
    op.create_table(
        "audit_chains",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_seal", sa.LargeBinary(), server_default=sa.text("''::bytea"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_audit_chains")),
    )
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute("ALTER TABLE audit_chains ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_chains FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON audit_chains USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON audit_chains TO {ROLE}")


def _make_due() -> None:
    op.create_table(
        "due_audits",
        sa.Column("entry_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_due_audits")),
    )
    op.create_index(op.f("ix_due_audits_due_at"), "due_audits", ["due_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON due_audits TO {ROLE}")
    op.execute("""
        CREATE FUNCTION seal_audit_entry_later() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO due_audits (entry_id, account_id, due_at) VALUES (NEW.id, NEW.account_id, now());
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_entries_wait AFTER INSERT ON audit_entries
        FOR EACH ROW EXECUTE FUNCTION seal_audit_entry_later()
    """)


def _only_append() -> None:
    op.execute(f"REVOKE UPDATE, DELETE ON audit_entries FROM {ROLE}")
    op.execute(f"GRANT UPDATE (sequence, seal) ON audit_entries TO {ROLE}")
    op.execute("""
        CREATE FUNCTION keep_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'what the audit log says is never changed' USING ERRCODE = 'insufficient_privilege';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
        FOR EACH ROW WHEN (OLD.sequence IS NOT NULL) EXECUTE FUNCTION keep_audit_entry()
    """)
