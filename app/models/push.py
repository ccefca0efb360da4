"""Watches: that a provider tells us of a calendar's changes.

The one rule: a watch belongs to the calendar that asked for it; one of a whole mailbox to its primary calendar.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from app.models.base import Base, Created, HasId


class PushChannel(HasId, Base):
    """One watch at the provider. A calendar has two for a moment, while one takes over from the other."""

    __tablename__ = "push_channels"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "calendar_id"], ["calendars.account_id", "calendars.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "calendar_id"),
    )

    calendar_id: Mapped[UUID]
    channel_id: Mapped[str]
    """What its signals call it."""
    resource_id: Mapped[str | None]
    whole_mailbox: Mapped[bool]
    """It tells of every calendar of the connection."""
    secret_hash: Mapped[bytes]
    expires_at: Mapped[datetime]
    created_at: Mapped[Created]
