"""The CRM's inboxes: addresses whose mail somebody reads there.

The one rule: an address that several people read is shared, and a shared inbox's calendar is nobody's to connect (R10).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped

from app.models.base import Base, Created, HasId


class Inbox(HasId, Base):
    """One address registered in the CRM."""

    __tablename__ = "inboxes"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
        CheckConstraint("kind = 'shared' OR user_id IS NOT NULL", name="personal_has_a_user"),
        Index(
            "uq_inboxes_address",
            "account_id",
            "address",
            unique=True,
            postgresql_where=text("disconnected_at IS NULL"),
        ),
    )

    kind: Mapped[str]
    """personal shared"""
    email: Mapped[str]
    """As it was written."""
    address: Mapped[str]
    """Casefolded: what is compared."""
    user_id: Mapped[UUID | None]
    """Whose it is; None for a shared one."""
    connection_id: Mapped[UUID | None]
    """The calendar connection it came with (R11); it may outlive it."""
    created_at: Mapped[Created]
    disconnected_at: Mapped[datetime | None]
