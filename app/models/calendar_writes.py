"""Events we own: what shall stand in a calendar, and what does.

The one rule: `desired_seq` rises with every wish, `written_seq` follows when the provider has it; a row where they
differ is work.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, Json


class CalendarWrite(HasId, Base):
    """The event of one booking, meeting or task in one calendar."""

    __tablename__ = "calendar_writes"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "booking_id"], ["bookings.account_id", "bookings.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["account_id", "calendar_id"],
            ["calendars.account_id", "calendars.id"],
            ondelete="SET NULL (calendar_id)",
        ),
        ForeignKeyConstraint(
            ["account_id", "engagement_id"], ["engagements.account_id", "engagements.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["account_id", "task_id"], ["tasks.account_id", "tasks.id"], ondelete="CASCADE"),
        CheckConstraint("num_nonnulls(booking_id, engagement_id, task_id) = 1", name="one_owner"),
        UniqueConstraint("account_id", "booking_id"),
        UniqueConstraint("account_id", "engagement_id"),
        UniqueConstraint("account_id", "task_id"),
        UniqueConstraint("account_id", "key"),
        Index(None, "account_id", "calendar_id", "event_id"),
        Index("ix_calendar_writes_unfinished", "account_id", postgresql_where=text("written_seq < desired_seq")),
        Index("ix_calendar_writes_look_again", "account_id", postgresql_where=text("look_again_at IS NOT NULL")),
    )

    booking_id: Mapped[UUID | None]
    engagement_id: Mapped[UUID | None]
    task_id: Mapped[UUID | None]
    """What it is the event of: one of the three."""
    calendar_id: Mapped[UUID | None]
    """None once its connection is gone; the three below find it again when the account is connected anew."""
    provider: Mapped[str | None]
    subject: Mapped[str | None]
    """The provider's id of the account whose calendar it is."""
    provider_calendar_id: Mapped[str | None]
    key: Mapped[str]
    """Our idempotency key; the provider's event carries it."""
    draft: Mapped[Json | None]
    """The event as it shall be; None: it shall not be."""
    ends_at: Mapped[datetime]
    """When what it is the event of is over: then nobody needs the event any more."""
    invites: Mapped[bool] = mapped_column(server_default="false")
    """Its guests are invited by the provider, which mails them of every write; else by our own mail, or not at all."""
    comes_back: Mapped[bool] = mapped_column(server_default="true")
    """Deleted by a person it is made anew; else that is the end of it."""
    desired_seq: Mapped[int] = mapped_column(server_default="1")
    written_seq: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[str] = mapped_column(server_default="pending")
    """pending written failed"""
    event_id: Mapped[str | None]
    etag: Mapped[str | None]
    ical_uid: Mapped[str | None]
    """Under which calendars know it, as the provider has told."""
    extra_event_ids: Mapped[list[str]] = mapped_column(server_default="{}")
    """Copies of it that are to be taken away with the next write."""
    written_start: Mapped[datetime | None]
    written_end: Mapped[datetime | None]
    """What stands in the calendar by our hand: such an event blocks nothing, its reservation does."""
    guest_response: Mapped[str | None]
    """What the booking's visitor had answered when we last looked."""
    video_url: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    """Starts since the last success, crashes included."""
    last_error: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    """Since when it has failed without a success between."""
    look_again_at: Mapped[datetime | None]
    """A write whose end nobody saw may still land: the calendar is looked at once more, at this time."""
    fence: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    created_at: Mapped[Created]

    @property
    def under_way(self) -> bool:
        """A write of ours is still to land: what stands there will not stand there for long."""
        return self.status != "failed" and self.written_seq < self.desired_seq
