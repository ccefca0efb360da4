"""The mirror: the least of a calendar that slots and matching need.

The one rule: no titles, no people, no texts. Ids, spans, how busy, etags, keyed hashes of addresses; all-day events
keep their dates and are expanded in the calendar's zone when the busy months are made.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, InAccount


class _OfCalendar(InAccount):
    calendar_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


def _to_calendar() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["account_id", "calendar_id"], ["calendars.account_id", "calendars.id"], ondelete="CASCADE"
    )


class MirrorEvent(_OfCalendar, Base):
    """An event, or one instance of a series."""

    __tablename__ = "mirror_events"
    __table_args__ = (
        _to_calendar(),
        Index(None, "account_id", "calendar_id", "series_id"),
        Index(None, "account_id", "calendar_id", "starts_at"),
        Index(None, "account_id", "calendar_id", "start_date"),
        Index("ix_mirror_events_ours", "account_id", "calendar_id", "key", postgresql_where=text("key IS NOT NULL")),
        Index("ix_mirror_events_untold", "account_id", "calendar_id", postgresql_where=text("generation < 0")),
    )

    event_id: Mapped[str] = mapped_column(primary_key=True)
    series_id: Mapped[str | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    busy: Mapped[int] = mapped_column(SmallInteger)
    """0 free, 1 tentative, 2 busy, 3 out of office."""
    etag: Mapped[str | None]
    key: Mapped[str | None]
    """The idempotency key when the event is ours."""
    generation: Mapped[int]
    """Of the listing that has told of it last; below 0: we wrote it, and none has yet."""


class MirrorAddress(_OfCalendar, Base):
    """Somebody takes part in an event of a primary calendar: who, only the account's own key can tell (R20).

    An event its author calls private has none, so that it can never be found by its people.
    """

    __tablename__ = "mirror_addresses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "calendar_id", "event_id"],
            ["mirror_events.account_id", "mirror_events.calendar_id", "mirror_events.event_id"],
            ondelete="CASCADE",
        ),
        Index(None, "account_id", "address_hash"),
    )

    event_id: Mapped[str] = mapped_column(primary_key=True)
    address_hash: Mapped[bytes] = mapped_column(primary_key=True)


class CalendarChange(_OfCalendar, Base):
    """An event is otherwise than it was, and somebody may have to follow. The row goes when that is done."""

    __tablename__ = "calendar_changes"
    __table_args__ = (_to_calendar(), Index(None, "account_id", "changed_at"))

    event_id: Mapped[str] = mapped_column(primary_key=True)
    series_id: Mapped[str | None]
    """Many dates of one series are read together."""
    topic: Mapped[str]
    """Whose affair it is: booking meeting task."""
    seq: Mapped[int] = mapped_column(server_default="1")
    """Raised when it changes again; what was read before that is old."""
    changed_at: Mapped[datetime]
    """Since when it waits."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime | None]
    """After a failure: not to be read before then."""


class MirrorSeries(_OfCalendar, Base):
    """A series we have expanded, so that it can be expanded again as time goes on."""

    __tablename__ = "mirror_series"
    __table_args__ = (_to_calendar(),)

    series_id: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int]


class BusyMonth(_OfCalendar, Base):
    """A calendar's merged busy spans of one UTC month, packed: what slots read, however many events there are."""

    __tablename__ = "busy_months"
    __table_args__ = (_to_calendar(),)

    month: Mapped[date] = mapped_column(primary_key=True)
    busy: Mapped[bytes]
    """`timespan.pack` of busy and out-of-office time."""
    tentative: Mapped[bytes]
    """`timespan.pack` of time that is tentative and nothing more."""
