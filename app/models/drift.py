"""What people did to booked events in their calendars, and what was done about it.

The one rule: an entry is written with what was done; one that is open waits for the host.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped

from app.models.base import Base, Created, HasId


class DriftEntry(HasId, Base):
    """One booked event was found otherwise than booked."""

    __tablename__ = "drift_entries"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "booking_id"], ["bookings.account_id", "bookings.id"], ondelete="CASCADE"),
        Index(None, "account_id", "host_id", "id"),
        Index(None, "account_id", "booking_id", "kind"),
        Index(
            "ix_drift_entries_open",
            "account_id",
            "booking_id",
            "kind",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
    )

    host_id: Mapped[UUID]
    booking_id: Mapped[UUID]
    kind: Mapped[str]
    """moved resized deleted declined duplicated"""
    status: Mapped[str]
    """open resolved superseded"""
    reason: Mapped[str | None]
    """Why it is open: policy slot_taken in_the_past all_day no_length write_budget other_calendar."""
    resolution: Mapped[str | None]
    """adopt restore"""
    resolved_by: Mapped[str | None]
    """policy host"""
    booked_start: Mapped[datetime]
    booked_end: Mapped[datetime]
    observed_start: Mapped[datetime | None]
    observed_end: Mapped[datetime | None]
    """None: it was deleted, or all-day."""
    event_ids: Mapped[list[str]]
    """The events it is about: with `duplicated` the copies."""
    detected_at: Mapped[Created]
    resolved_at: Mapped[datetime | None]
