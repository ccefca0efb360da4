"""A booking and a meeting request keep what their visitor agreed to, in the page's words of then."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bookings", sa.Column("consent_text", sa.Text(), nullable=True))
    op.add_column("meeting_requests", sa.Column("consent_text", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("meeting_requests", "consent_text")
    op.drop_column("bookings", "consent_text")
