"""One host's time: what is known of it, and where their bookings land.

The one rule: a host without a calendar, or with one that cannot be read, is never taken for free (R27, R30).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.timespan import Span, Spans, merge, subtract, unpack


@dataclass(frozen=True, slots=True)
class Host:
    """Whose time it is."""

    id: UUID
    name: str | None
    email: str
    locale: str
    time_zone: str
    active: bool


@dataclass(frozen=True, slots=True)
class Destination:
    """The primary calendar of the connection that takes bookings (R28)."""

    calendar_id: UUID
    provider: str
    subject: str
    """The provider's id of the account whose calendar it is."""
    provider_calendar_id: str


@dataclass(frozen=True, slots=True)
class WatchedCalendar:
    """An availability calendar of a host, and when its mirror was last true."""

    account_id: UUID
    connection_id: UUID
    provider: str
    calendar_id: UUID
    provider_calendar_id: str
    time_zone: str
    synced_at: datetime | None
    policy: str
    """What to do while it cannot be read: block request_only last_known ignore."""
    gap: str | None
    """It cannot be read now, and this is done about it; None: it can."""
    tentative_blocks: bool
    """Whether its tentative events count, as its person has said."""


@dataclass(frozen=True, slots=True)
class HostTime:
    """A host, and what is taken of their time around a span."""

    host: Host
    destination: Destination | None
    """Where bookings land; None: not known yet, or no calendar is connected."""
    connected: bool
    readable: bool
    """Every calendar that is checked can be read and has been, or its policy does without that."""
    asks_only: bool
    """The policy of a calendar that cannot be read lets times be asked for, and no more."""
    known_until: int | None
    """Series are expanded up to here, in UTC seconds; what lies beyond is not known to be free."""
    tentative_blocks: bool
    packed: Sequence[bytes]
    """What is busy in each calendar and month; opened when somebody asks."""
    reserved: Spans
    watched_document: str | None
    """The availability calendars as JSON."""
    own: Sequence[Span] = ()
    """When the meeting is that shall move, and nothing else: what stands there is its own invitation."""
    address: str | None = None
    """Of the account whose calendar takes their bookings."""
    reached: bool = True
    """That account lets us in: what is booked gets there."""

    @property
    def bookable(self) -> bool:
        """Whether it is known when they are free."""
        return self.connected and self.readable

    def is_lost(self, unread: Collection[UUID]) -> bool:
        """Whether nobody knows when they are free: as far as the mirror tells, or for one of these calendars."""
        unknown = any(calendar.calendar_id in unread for calendar in self.watched) if unread else False
        return self.connected and (unknown or not self.readable)

    @property
    def busy(self) -> Spans:
        """What is busy in any of their calendars."""
        busy = merge(*map(unpack, self.packed))
        return subtract(busy, self.own) if self.own else busy

    @property
    def watched(self) -> list[WatchedCalendar]:
        """The calendars that are checked for them."""
        return msgspec.json.decode(self.watched_document or "[]", type=list[WatchedCalendar])


def host_time_of(row: Mapping[str, Any]) -> HostTime:
    """What `PAGE_TIME` answers of one host."""
    reserved = row["reserved"]
    return HostTime(
        host=Host(
            id=row["host_id"],
            name=row["host_name"],
            email=row["host_email"],
            locale=row["host_locale"],
            time_zone=row["host_time_zone"],
            active=row["host_active"],
        ),
        destination=None if row["calendar_id"] is None else _destination(row),
        connected=row["connected"],
        readable=bool(row["readable"]),
        asks_only=row["asks_only"],
        known_until=row["known_until"],
        tentative_blocks=row["tentative_blocks"],
        packed=row["busy"] + row["tentative"] if row["tentative_blocks"] else row["busy"],
        reserved=merge(zip(reserved[::2], reserved[1::2], strict=True)),
        watched_document=row["watched"],
        address=row["address"],
        reached=row["reached"],
    )


def _destination(row: Mapping[str, Any]) -> Destination:
    return Destination(row["calendar_id"], row["provider"], row["subject"], row["provider_calendar_id"])
