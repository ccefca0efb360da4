"""Times somebody proposes in a mail.

The one rule: a proposal reserves nothing; it remembers what was proposed, and for how long.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId


class TimeProposal(HasId, Base):
    """A few times of one page, all of one length."""

    __tablename__ = "time_proposals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "page_id"], ["scheduling_pages.account_id", "scheduling_pages.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["account_id", "owner_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
        CheckConstraint("cardinality(starts_at) > 0", name="some_times"),
        Index(None, "account_id", "owner_id", "expires_at"),
        Index(None, "account_id", "page_id"),
    )

    owner_id: Mapped[UUID]
    page_id: Mapped[UUID]
    duration_minutes: Mapped[int]
    starts_at: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    """Rising."""
    time_zone: Mapped[str]
    """The recipient's."""
    expires_at: Mapped[datetime]
    created_at: Mapped[Created]
