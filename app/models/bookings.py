"""Appointments: what was booked, what was asked for, and the time they hold.

The one rule: time is held by `reservations` alone, whose exclusion constraint refuses any overlap of one host (R45).
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, During, HasId, InAccount, Json, JsonList
from app.timespan import Span

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
    """`[{"field_id", "label", "kind", "value"}]`, as the form was when it was filled in; old ones have no kind."""
    consent_text: Mapped[str | None]
    """What the visitor agreed to, in the page's words of then; None: nothing was asked."""
    token_hash: Mapped[bytes]
    """SHA-256 of the token in the visitor's links."""
    proposal_id: Mapped[UUID | None]
    """The proposed times it answers (R43), which may have been forgotten since."""
    created_at: Mapped[Created]
    updated_at: Mapped[Created]

    @property
    def host_ids(self) -> list[UUID]:
        """Everybody who hosts it, first the one who organizes."""
        return [self.host_id]

    @property
    def span(self) -> Span:
        """When it is, in UTC seconds."""
        return int(self.starts_at.timestamp()), int(self.ends_at.timestamp())

    @property
    def start(self) -> int:
        """When it begins, in UTC seconds."""
        return self.span[0]

    @property
    def duration_minutes(self) -> int:
        """How long it lasts: a minute at least, though a person may have drawn its event shorter."""
        start, end = self.span
        return max(1, (end - start) // 60)


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
        Index(
            "ix_bookings_counted", "account_id", "page_id", "starts_at", postgresql_where=text("status <> 'cancelled'")
        ),
        Index(None, "account_id", "page_id", "created_at"),
        Index(None, "account_id", "proposal_id", postgresql_where=text("proposal_id IS NOT NULL")),
        Index(None, "account_id", "starts_at", "id"),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
    )

    title: Mapped[str]
    location: Mapped[str | None]
    video_url: Mapped[str | None]
    ical_uid: Mapped[str]
    sequence: Mapped[int] = mapped_column(server_default="0")
    """Of the invitation: rises with every change (RFC 5545)."""
    version: Mapped[int] = mapped_column(server_default="1")
    co_hosts: Mapped[JsonList] = mapped_column(server_default="[]")
    """Who hosts beside the one who organizes: `[{"user_id", "name", "email"}]`."""
    assignment: Mapped[Json | None]
    """Why a round robin chose its host."""
    cancelled_by: Mapped[str | None]
    """host visitor"""
    cancel_reason: Mapped[str | None]
    cancelled_at: Mapped[datetime | None]

    def until(self, cutoff_minutes: int) -> datetime:
        """When it can be changed the last time."""
        return self.starts_at - timedelta(minutes=cutoff_minutes)

    @property
    def host_ids(self) -> list[UUID]:
        """Everybody who hosts it, first the one who organizes."""
        return [self.host_id, *(UUID(host["user_id"]) for host in self.co_hosts)]


class BookingUser(InAccount, Base):
    """Whose a booking is: a row for each who hosts it, and for who made its page; kept by the database (migration
    0026).
    """

    __tablename__ = "booking_users"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "booking_id"], ["bookings.account_id", "bookings.id"], ondelete="CASCADE"),
        Index(None, "account_id", "user_id", "booking_id"),
        Index(None, "account_id", "user_id", "starts_at", "booking_id"),
    )

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime]


class SlotHold(HasId, Base):
    """A slot kept for a visitor while the form is filled in (R48); its time stands in `reservations`."""

    __tablename__ = "slot_holds"
    __table_args__ = (_to_page(), Index(None, "account_id", "page_id"))

    page_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    token_hash: Mapped[bytes]
    """SHA-256 of the token that was told when it was made."""
    network_hash: Mapped[bytes]
    """A keyed hash of the network it was asked from: nobody keeps too many."""
    expires_at: Mapped[datetime]
    created_at: Mapped[Created]


class Reservation(HasId, Base):
    """A host's time, buffers included, that nothing else may take: a booking's for good, a hold's for a while."""

    __tablename__ = "reservations"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "booking_id"], ["bookings.account_id", "bookings.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["account_id", "hold_id"], ["slot_holds.account_id", "slot_holds.id"], ondelete="CASCADE"),
        UniqueConstraint("account_id", "booking_id", "host_id"),
        UniqueConstraint("account_id", "hold_id", "host_id"),
        CheckConstraint("(booking_id IS NULL) <> (hold_id IS NULL)", name="one_owner"),
        CheckConstraint("(hold_id IS NULL) = (expires_at IS NULL)", name="holds_expire"),
        ExcludeConstraint(("account_id", "="), ("host_id", "="), ("during", "&&"), using="gist", name=NO_OVERLAP),
        Index(None, "account_id", "host_id", "until"),
    )

    host_id: Mapped[UUID]
    booking_id: Mapped[UUID | None]
    hold_id: Mapped[UUID | None]
    during: Mapped[During]
    expires_at: Mapped[datetime | None]
    """Of a hold. Past it the row blocks nothing: whoever takes the time has it deleted first (migration 0013)."""
    until: Mapped[datetime]
    """The end of `during`, kept by the database: under row-level security a range finds nothing by an index, a time
    does (migration 0025).
    """


class MeetingRequest(_Appointment, Base):
    """An appointment asked for while the host had no calendar (R26). Accepted, it is the booking of the same id."""

    __tablename__ = "meeting_requests"
    __table_args__ = (
        _to_page(),
        Index(None, "account_id", "host_id", "status"),
        Index(None, "account_id", "page_id"),
    )

    clashes: Mapped[bool | None]
    """After a calendar was connected: whether the time is taken; None while nobody could tell."""
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    """host visitor policy; None while it waits, and when it lapsed."""
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """What the one who declined or withdrew it said."""


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
