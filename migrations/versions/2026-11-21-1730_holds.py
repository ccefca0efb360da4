"""Slots kept while a form is filled in: holds, and the time they take for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROLE = "calendar_app"

# The exclusion constraint knows no clock. Whoever takes time has what lapsed there deleted first, in the same
# transaction and by whatever way the reservation comes; it is the database's clock that says what has lapsed.
_FORGET_LAPSED = """
CREATE FUNCTION forget_lapsed_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    DELETE FROM slot_holds h USING reservations r
     WHERE r.account_id = NEW.account_id AND r.host_id = NEW.host_id AND r.during && NEW.during
       AND r.expires_at <= now() AND h.account_id = r.account_id AND h.id = r.hold_id;
    RETURN NEW;
END
$$"""


def upgrade() -> None:
    _make_holds()
    _make_due()
    op.alter_column("reservations", "booking_id", nullable=True)
    op.add_column("reservations", sa.Column("hold_id", sa.UUID(), nullable=True))
    op.add_column("reservations", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        "fk_reservations_account_id_hold_id",
        "reservations",
        "slot_holds",
        ["account_id", "hold_id"],
        ["account_id", "id"],
        ondelete="CASCADE",
    )
    op.create_unique_constraint(
        "uq_reservations_account_id_hold_id_host_id", "reservations", ["account_id", "hold_id", "host_id"]
    )
    op.create_check_constraint(
        op.f("ck_reservations_one_owner"), "reservations", "(booking_id IS NULL) <> (hold_id IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_reservations_holds_expire"), "reservations", "(hold_id IS NULL) = (expires_at IS NULL)"
    )
    op.execute(_FORGET_LAPSED)
    op.execute(
        "CREATE TRIGGER forget_lapsed_holds BEFORE INSERT OR UPDATE OF during, host_id ON reservations "
        "FOR EACH ROW EXECUTE FUNCTION forget_lapsed_holds()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER forget_lapsed_holds ON reservations")
    op.execute("DROP FUNCTION forget_lapsed_holds()")
    op.execute("ALTER TABLE reservations NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM reservations WHERE booking_id IS NULL")
    op.execute("ALTER TABLE reservations FORCE ROW LEVEL SECURITY")
    op.drop_constraint(op.f("ck_reservations_holds_expire"), "reservations")
    op.drop_constraint(op.f("ck_reservations_one_owner"), "reservations")
    op.drop_column("reservations", "expires_at")
    op.drop_column("reservations", "hold_id")
    op.alter_column("reservations", "booking_id", nullable=False)
    op.drop_table("due_holds")
    op.drop_table("slot_holds")


def _make_holds() -> None:
    op.create_table(
        "slot_holds",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("page_id", sa.UUID(), nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("network_hash", sa.LargeBinary(), nullable=False),
        _instant("expires_at"),
        _instant("created_at", server_default=sa.text("now()")),
        sa.ForeignKeyConstraint(
            ["account_id", "page_id"],
            ["scheduling_pages.account_id", "scheduling_pages.id"],
            name="fk_slot_holds_account_id_page_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_slot_holds"),
    )
    op.create_index("ix_slot_holds_account_id_page_id", "slot_holds", ["account_id", "page_id"])
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute("ALTER TABLE slot_holds ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE slot_holds FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON slot_holds USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON slot_holds TO {ROLE}")


def _make_due() -> None:
    op.create_table(
        "due_holds",
        sa.Column("hold_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        _instant("due_at"),
        sa.PrimaryKeyConstraint("hold_id", name="pk_due_holds"),
    )
    op.create_index("ix_due_holds_due_at", "due_holds", ["due_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON due_holds TO {ROLE}")


def _instant(name: str, *, nullable: bool = False, **more: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, **more)  # type: ignore[arg-type]
