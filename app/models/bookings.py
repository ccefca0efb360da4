"""Appointments: what was booked, what was asked for, and the time they hold.

The one rule: time is held by `reservations` alone, whose exclusion constraint refuses any overlap of one host (R45).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, During, HasId, InAccount, JsonList

NO_OVERLAP = "reservations_no_overlap"


class _Appointment(HasId):
    """What a booking and a meeting request have in common."""

    page_id: Mapped[UUID]
    host_id: Mapped[UUID]
    status: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    visitor_name: Mapped[str]
    visitor_email: Mapped[str]
    visitor_time_zone: Mapped[str]
    language: Mapped[str]
    guests: Mapped[list[str]]
    answers: Mapped[JsonList]
    """`[{"field_id", "label", "value"}]`, as the form was when it was filled in."""
    token_hash: Mapped[bytes]
    """SHA-256 of the token in the visitor's links."""
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


def _to_page() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["account_id", "page_id"], ["scheduling_pages.account_id", "scheduling_pages.id"], ondelete="CASCADE"
    )


class Booking(_Appointment, Base):
    """A confirmed appointment."""

    __tablename__ = "bookings"
    __table_args__ = (
        _to_page(),
        Index(None, "account_id", "host_id", "starts_at"),
        Index(None, "account_id", "page_id", "starts_at", postgresql_where=text("status = 'confirmed'")),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
    )

    title: Mapped[str]
    location: Mapped[str | None]
    video_url: Mapped[str | None]
    ical_uid: Mapped[str]
    sequence: Mapped[int] = mapped_column(server_default="0")
    """Of the invitation: rises with every change (RFC 5545)."""
    version: Mapped[int] = mapped_column(server_default="1")
    cancelled_by: Mapped[str | None]
    """host visitor"""
    cancel_reason: Mapped[str | None]
    cancelled_at: Mapped[datetime | None]


class Reservation(HasId, Base):
    """A host's time, buffers included, that nothing else may take."""

    __tablename__ = "reservations"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "booking_id"], ["bookings.account_id", "bookings.id"], ondelete="CASCADE"),
        UniqueConstraint("account_id", "booking_id", "host_id"),
        ExcludeConstraint(("account_id", "="), ("host_id", "="), ("during", "&&"), using="gist", name=NO_OVERLAP),
    )

    host_id: Mapped[UUID]
    booking_id: Mapped[UUID]
    during: Mapped[During]


class MeetingRequest(_Appointment, Base):
    """An appointment asked for while the host had no calendar (R26)."""

    __tablename__ = "meeting_requests"
    __table_args__ = (_to_page(), Index(None, "account_id", "host_id", "status"))

    clashes: Mapped[bool | None]
    """After a calendar was connected: whether the time is taken; None while nobody could tell."""
    expires_at: Mapped[datetime]


class IdempotentAnswer(InAccount, Base):
    """What a creating POST answered, to be answered again for the same Idempotency-Key."""

    __tablename__ = "idempotent_answers"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status_code: Mapped[int]
    subject_id: Mapped[UUID]
    """What was made; the answer is told from it again, for a token in it is stored nowhere."""
    created_at: Mapped[Created]
