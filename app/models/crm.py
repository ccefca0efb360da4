"""What the CRM keeps: contacts, the meetings on their timelines, and tasks.

The one rule: an engagement is somebody's meeting with a contact, or it is not there at all (R20).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, InAccount


def _to_user(column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["account_id", column], ["users.account_id", "users.id"], ondelete="CASCADE")


class Contact(HasId, Base):
    """A person the account knows."""

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("account_id", "address_hash"),)

    email: Mapped[str]
    address_hash: Mapped[bytes]
    """The account's keyed hash of the address: how events that name the person are found."""
    name: Mapped[str | None]
    phone: Mapped[str | None]
    source: Mapped[str]
    """crm scheduling_page"""
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class ErasedContact(InAccount, Base):
    """Somebody was erased: what they booked before does not bring them back."""

    __tablename__ = "erased_contacts"

    address_hash: Mapped[bytes] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime]


class Engagement(HasId, Base):
    """A meeting on a contact's timeline."""

    __tablename__ = "engagements"
    __table_args__ = (
        _to_user("owner_id"),
        ForeignKeyConstraint(["account_id", "booking_id"], ["bookings.account_id", "bookings.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            ondelete="SET NULL (calendar_id)",
        ),
        UniqueConstraint("account_id", "booking_id"),
        UniqueConstraint("account_id", "calendar_id", "event_id"),
        Index(None, "account_id", "owner_id", "starts_at"),
        CheckConstraint("starts_at <= ends_at", name="ends_after_start"),
    )

    owner_id: Mapped[UUID]
    source: Mapped[str]
    """scheduling_page crm_record calendar_sync integration"""
    booking_id: Mapped[UUID | None]
    booking_version: Mapped[int | None]
    """The booking as it is recorded here."""
    calendar_id: Mapped[UUID | None]
    """Where its event stands; None without one, or when its connection is gone."""
    event_id: Mapped[str | None]
    title: Mapped[str | None]
    description: Mapped[str | None]
    location: Mapped[str | None]
    video_url: Mapped[str | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    all_day: Mapped[bool] = mapped_column(server_default="false")
    time_zone: Mapped[str]
    outcome: Mapped[str]
    """scheduled completed cancelled declined no_show"""
    organized: Mapped[bool]
    """The owner invites; else somebody invited the owner, and only they can move it."""
    invite_status: Mapped[str | None]
    """pending sent not_sent failed; None: not ours to send."""
    invite_reason: Mapped[str | None]
    """Why not: calendar_sync_off no_connection provider_unsupported integration_source, or what failed."""
    version: Mapped[int] = mapped_column(server_default="1")
    cancelled_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class EngagementContact(InAccount, Base):
    """A contact takes part in a meeting."""

    __tablename__ = "engagement_contacts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "engagement_id"], ["engagements.account_id", "engagements.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["account_id", "contact_id"], ["contacts.account_id", "contacts.id"], ondelete="CASCADE"),
        Index(None, "account_id", "contact_id", "engagement_id"),
    )

    engagement_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]
    """organizer attendee"""
    response: Mapped[str]
    """needs_action accepted tentative declined"""


class Task(HasId, Base):
    """Something to do, due at a time."""

    __tablename__ = "tasks"
    __table_args__ = (
        _to_user("owner_id"),
        ForeignKeyConstraint(
            ["account_id", "contact_id"], ["contacts.account_id", "contacts.id"], ondelete="SET NULL (contact_id)"
        ),
        Index(None, "account_id", "owner_id", "due_at"),
        Index(None, "account_id", "contact_id"),
    )

    owner_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    title: Mapped[str]
    notes: Mapped[str | None]
    due_at: Mapped[datetime]
    duration_minutes: Mapped[int]
    status: Mapped[str]
    """not_started in_progress completed"""
    completed_at: Mapped[datetime | None]
    unplaced: Mapped[bool] = mapped_column(server_default="false")
    """Its person has deleted its event: it is not put back before the task is changed."""
    deleted_at: Mapped[datetime | None]
    """It is gone for everybody but the job that takes its event away."""
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class TaskCalendar(InAccount, Base):
    """The calendar that was made for the tasks of a connection's person (R22)."""

    __tablename__ = "task_calendars"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"], ["connections.account_id", "connections.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            ondelete="SET NULL (calendar_id)",
        ),
    )

    connection_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    calendar_id: Mapped[UUID | None]
    """None: it is still to be made, or its person has deleted it."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """Somebody is making it."""
