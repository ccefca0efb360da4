"""Pages of several people: who they are, whose turn it is, and who comes along to a booking."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROLE = "calendar_app"


def upgrade() -> None:
    op.create_table(
        "scheduling_page_members",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("position > 0", name=op.f("ck_scheduling_page_members_after_the_owner")),
        sa.ForeignKeyConstraint(
            ["account_id", "page_id"],
            ["scheduling_pages.account_id", "scheduling_pages.id"],
            name=op.f("fk_scheduling_page_members_account_id_page_id_scheduling_pages"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_scheduling_page_members_account_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "page_id", "user_id", name=op.f("pk_scheduling_page_members")),
    )
    op.create_index(
        "ix_scheduling_page_members_account_id_user_id", "scheduling_page_members", ["account_id", "user_id"]
    )
    mine = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
    op.execute("ALTER TABLE scheduling_page_members ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE scheduling_page_members FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON scheduling_page_members USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON scheduling_page_members TO {ROLE}")
    op.add_column("scheduling_pages", sa.Column("team_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "bookings", sa.Column("co_hosts", sa.dialects.postgresql.JSONB(), server_default="[]", nullable=False)
    )
    op.add_column("bookings", sa.Column("assignment", sa.dialects.postgresql.JSONB(), nullable=True))
    op.create_index(
        "ix_bookings_co_hosts",
        "bookings",
        ["co_hosts"],
        postgresql_using="gin",
        postgresql_ops={"co_hosts": "jsonb_path_ops"},
    )


def downgrade() -> None:
    op.drop_index("ix_bookings_co_hosts", "bookings")
    op.drop_column("bookings", "assignment")
    op.drop_column("bookings", "co_hosts")
    op.drop_column("scheduling_pages", "team_since")
    op.drop_table("scheduling_page_members")
