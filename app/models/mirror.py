"""The mirror: the least of a calendar that slots and matching need.

The one rule: no titles, no people, no texts. Ids, spans, how busy, etags; all-day events keep their dates and are
expanded in the calendar's zone when the busy months are made.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, SmallInteger
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
