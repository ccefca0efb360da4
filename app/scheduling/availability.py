"""What a page can offer right now: one query, then pure arithmetic.

The one rule: time is offered only where it is known to be free. No connection: offline, requests only (R26). One
availability calendar that cannot be read, or was never read: the host is unavailable (R30).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.scheduling.configuration import Configuration
from app.scheduling.rules import configuration_of, slot_rules
from app.scheduling.slots import Refusal, SlotRules, offered, refusal
from app.timespan import Span, Spans, merge, unpack

_WEEK = timedelta(days=8)
PAGE_TIME = """
WITH mine AS MATERIALIZED (
    SELECT cal.account_id, cal.id, cal.inactive_reason, cal.connection_id, cal.provider_calendar_id, cal.time_zone,
           c.provider
      FROM calendars cal
      JOIN connections c ON c.account_id = cal.account_id AND c.id = cal.connection_id
      JOIN scheduling_pages p ON p.account_id = c.account_id AND p.owner_id = c.user_id
     WHERE p.id = $1 AND cal.checked AND c.disconnected_at IS NULL)
SELECT p.account_id, p.id, p.owner_id, p.type, p.name, p.slug, p.configuration::text, p.version,
       u.name AS host_name, u.email AS host_email, u.active AS host_active, u.locale AS host_locale,
       u.time_zone AS host_time_zone,
       coalesce(s.turned_off, false) OR NOT coalesce(s.scheduling_pages, true) AS turned_off,
       coalesce(s.tentative_blocks, true) AS tentative_blocks,
       link.status = 'active' AS connected, link.provider, link.subject, link.calendar_id, link.provider_calendar_id,
       EXISTS (SELECT FROM mine LEFT JOIN calendar_syncs y
                  ON y.account_id = mine.account_id AND y.calendar_id = mine.id
                WHERE mine.inactive_reason IS NOT NULL OR y.last_succeeded_at IS NULL) AS unreadable,
       (SELECT extract(epoch FROM min(y.expanded_until))::bigint FROM mine JOIN calendar_syncs y
            ON y.account_id = mine.account_id AND y.calendar_id = mine.id) AS known_until,
       (SELECT jsonb_agg(jsonb_build_object(
                   'account_id', mine.account_id, 'connection_id', mine.connection_id, 'provider', mine.provider,
                   'calendar_id', mine.id, 'provider_calendar_id', mine.provider_calendar_id,
                   'time_zone', mine.time_zone, 'synced_at', y.last_succeeded_at))::text
          FROM mine LEFT JOIN calendar_syncs y
            ON y.account_id = mine.account_id AND y.calendar_id = mine.id) AS watched,
       ARRAY(SELECT b.busy FROM busy_months b JOIN mine ON b.account_id = mine.account_id AND b.calendar_id = mine.id
              WHERE b.month BETWEEN $2 AND $3) AS busy,
       ARRAY(SELECT b.tentative FROM busy_months b
               JOIN mine ON b.account_id = mine.account_id AND b.calendar_id = mine.id
              WHERE b.month BETWEEN $2 AND $3) AS tentative,
       ARRAY(SELECT unnest(ARRAY[extract(epoch FROM lower(r.during)), extract(epoch FROM upper(r.during))])::bigint
               FROM reservations r
              WHERE r.account_id = p.account_id AND r.host_id = p.owner_id AND r.during && tstzrange($4, $5)
                AND r.booking_id IS DISTINCT FROM $6) AS reserved,
       ARRAY(SELECT extract(epoch FROM b.starts_at)::bigint FROM bookings b
              WHERE b.account_id = p.account_id AND b.page_id = p.id AND b.status = 'confirmed'
                AND b.starts_at >= $4 AND b.starts_at < $5 AND b.id IS DISTINCT FROM $6) AS booked
  FROM scheduling_pages p
  JOIN users u ON u.account_id = p.account_id AND u.id = p.owner_id
  LEFT JOIN calendar_settings s ON s.account_id = p.account_id AND s.user_id = p.owner_id
  LEFT JOIN LATERAL (
      SELECT c.status, c.provider, c.subject, cal.id AS calendar_id, cal.provider_calendar_id
        FROM connections c
        LEFT JOIN calendars cal ON cal.account_id = c.account_id AND cal.connection_id = c.id AND cal.is_primary
       WHERE c.account_id = p.account_id AND c.user_id = p.owner_id AND c.disconnected_at IS NULL
         AND 'meetings' = ANY (c.purposes)
       LIMIT 1) link ON true
 WHERE p.id = $1 AND (p.deleted_at IS NULL OR $6::uuid IS NOT NULL)
"""
"""A page and all that bears on its slots, in one row."""


class Mode(StrEnum):
    """Whether a calendar is connected."""

    ONLINE = "online"
    OFFLINE = "offline"


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
    """An availability calendar of the host, and when its mirror was last true."""

    account_id: UUID
    connection_id: UUID
    provider: str
    calendar_id: UUID
    provider_calendar_id: str
    time_zone: str
    synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class PageTime:
    """A page and its host's time around a span."""

    account_id: UUID
    page_id: UUID
    name: str
    slug: str
    type: str
    version: int
    document: str
    """The configuration as JSON."""
    host: Host
    destination: Destination | None
    """Where bookings land; None: offline."""
    turned_off: bool
    tentative_blocks: bool
    mode: Mode
    unavailable: bool
    """A calendar of the host cannot be read: nothing is offered."""
    known_until: int | None
    """Series are expanded up to here, in UTC seconds; what lies beyond is not known to be free. None: offline."""
    busy: Spans
    reserved: Spans
    booked_starts: tuple[int, ...]
    watched_document: str | None
    """The host's availability calendars as JSON."""

    @property
    def configuration(self) -> Configuration:
        """What the owner decided."""
        return configuration_of(self.document)

    @property
    def watched(self) -> list[WatchedCalendar]:
        """The calendars that are checked for the host."""
        return msgspec.json.decode(self.watched_document or "[]", type=list[WatchedCalendar])

    def rules(self, duration_minutes: int) -> SlotRules:
        """The rules of one of the page's durations."""
        return slot_rules(self.document, duration_minutes)

    def offered(self, duration_minutes: int, *, now: int, between: Span) -> list[int]:
        """Starts of slots in UTC seconds, rising; none while the host is unavailable."""
        last = self._last_start(duration_minutes, default=between[1])
        between = between[0], min(between[1], last + 1)
        if self.unavailable or between[0] >= between[1]:
            return []
        return offered(
            self.rules(duration_minutes),
            busy=self.busy,
            reserved=self.reserved,
            booked_starts=self.booked_starts,
            now=now,
            between=between,
        )

    def refusal(self, duration_minutes: int, *, start: int, now: int) -> Refusal | None:
        """Why the slot is not offered; None when it is. Says nothing of the host's availability."""
        if start > self._last_start(duration_minutes, default=start):
            return Refusal.OUTSIDE_BOOKING_WINDOW
        return refusal(
            self.rules(duration_minutes),
            start=start,
            busy=self.busy,
            reserved=self.reserved,
            booked_starts=self.booked_starts,
            now=now,
        )

    def _last_start(self, duration_minutes: int, *, default: int) -> int:
        """The last start whose whole meeting lies in what is known."""
        return default if self.known_until is None else self.known_until - duration_minutes * 60


async def load_page_time(
    session: AsyncSession, page_id: UUID, between: Span, *, excluding: UUID | None = None
) -> PageTime | None:
    """The page and everything that bears on its slots in `between`; without one booking, when that one shall move."""
    connection = await session.connection()
    result = await connection.exec_driver_sql(PAGE_TIME, page_time_parameters(page_id, between, excluding=excluding))
    row = result.mappings().one_or_none()
    return None if row is None else page_time_of(dict(row))


def page_time_parameters(page_id: UUID, between: Span, *, excluding: UUID | None = None) -> tuple[object, ...]:
    """What `PAGE_TIME` asks for."""
    start, end = (datetime.fromtimestamp(second, UTC) for second in between)
    early, late = start - _WEEK, end + _WEEK  # a weekly cap counts whole weeks
    return page_id, early.date().replace(day=1), late.date().replace(day=1), early, late, excluding


def _destination(row: Mapping[str, Any]) -> Destination:
    return Destination(row["calendar_id"], row["provider"], row["subject"], row["provider_calendar_id"])


def page_time_of(row: Mapping[str, Any]) -> PageTime:
    """What `PAGE_TIME` answers."""
    packed = row["busy"] + row["tentative"] if row["tentative_blocks"] else row["busy"]
    reserved = row["reserved"]
    return PageTime(
        account_id=row["account_id"],
        page_id=row["id"],
        name=row["name"],
        slug=row["slug"],
        type=row["type"],
        version=row["version"],
        document=row["configuration"],
        host=Host(
            id=row["owner_id"],
            name=row["host_name"],
            email=row["host_email"],
            locale=row["host_locale"],
            time_zone=row["host_time_zone"],
            active=row["host_active"],
        ),
        destination=None if row["calendar_id"] is None else _destination(row),
        turned_off=row["turned_off"] or not row["host_active"],
        tentative_blocks=row["tentative_blocks"],
        mode=Mode.OFFLINE if row["connected"] is None else Mode.ONLINE,
        known_until=row["known_until"],
        unavailable=row["connected"] is False or (row["connected"] is True and row["unreadable"]),
        busy=merge(*map(unpack, packed)),
        reserved=merge(zip(reserved[::2], reserved[1::2], strict=True)),
        booked_starts=tuple(row["booked"]),
        watched_document=row["watched"],
    )
