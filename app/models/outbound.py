"""Mail on its way out.

The one rule: the letter is kept until it is sent or given up, and no longer.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId, Json


class Mail(HasId, Base):
    """One mail to one recipient."""

    __tablename__ = "mails"
    __table_args__ = (
        Index(None, "account_id", "reader", "sent_at"),
        Index(None, "account_id", "subject_id", "kind"),
        Index("ix_mails_queued", "account_id", postgresql_where=text("status = 'queued'")),
    )

    subject_id: Mapped[UUID]
    """The booking, meeting request or connection it is about."""
    kind: Mapped[str]
    to_email: Mapped[str]
    reader: Mapped[str]
    """The address in lower case, kept by the database: what is compared (migration 0025)."""
    to_name: Mapped[str | None]
    reply_to: Mapped[str | None]
    letter: Mapped[Json | None]
    """What it says (`outbound/letters.py`); erased when sent or given up."""
    status: Mapped[str] = mapped_column(server_default="queued")
    """queued sent failed"""
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    """Somebody is sending it until then."""
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """In the order in which things happened, as far as whoever wrote held the same lock: a transaction that waited for
    another began before it.
    """
