"""What a page can offer right now: one query, then pure arithmetic.

    personal      its owner's time
    group         everybody's at once: a time that one of them has taken is taken (R27)
    round robin   anybody's: a time is offered when one of them is free

The one rule: time is offered only where it is known to be free. No connection, or one that was imported and has never
been authorized: offline, requests only (R26). One availability calendar that cannot be read, or was never read: its
host cannot be booked (R30), unless they have said otherwise for this calendar: `last_known` goes by what was last read,
`ignore` does without it, `request_only` offers times that can be asked for. A connection that takes no bookings closes
nothing by being broken (R12): what was last read of it counts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.scheduling.configuration import Configuration
from app.scheduling.host_time import Destination, Host, HostTime, WatchedCalendar, host_time_of
from app.scheduling.slots.offering import Refusal, SlotRules, offered, refusal
from app.scheduling.slots.rules import configuration_of, slot_rules
from app.timespan import Span, Spans, merge, subtract

_WEEK = timedelta(days=8)
CHOSEN_POLICY = """
CROSS JOIN LATERAL (
    SELECT CASE WHEN cal.unreachable_policy = 'block' AND c.status <> 'active' AND NOT 'meetings' = ANY (c.purposes)
                THEN 'last_known' ELSE cal.unreachable_policy END AS policy) chosen
"""
"""What is done without a calendar `cal` of a connection `c`: a connection that takes no bookings blocks none (R12)."""
GAP = """
CASE WHEN cal.inactive_reason IS NULL AND c.status = 'active' AND y.last_succeeded_at IS NOT NULL THEN NULL
     WHEN chosen.policy = 'last_known' AND y.last_succeeded_at IS NULL THEN 'block'
     ELSE chosen.policy END
"""
"""What comes of it that a calendar cannot be read, or never was; null: it can be."""
PAGE_TIME = f"""
WITH page AS MATERIALIZED (
    SELECT * FROM scheduling_pages p WHERE p.id = $1 AND (p.deleted_at IS NULL OR $7)),
engaged AS MATERIALIZED (
    SELECT b.host_id AS user_id, 0 AS position FROM bookings b WHERE b.id = $6 AND b.page_id = $1
    UNION ALL
    SELECT r.host_id, 1
      FROM reservations r
      JOIN bookings b ON b.account_id = r.account_id AND b.id = r.booking_id
      JOIN users u ON u.account_id = r.account_id AND u.id = r.host_id AND u.active
     WHERE r.booking_id = $6 AND r.host_id <> b.host_id AND b.page_id = $1),
hosts AS MATERIALIZED (
    SELECT user_id, position FROM engaged
    UNION ALL
    SELECT page.owner_id, 0 FROM page WHERE NOT EXISTS (SELECT FROM engaged)
    UNION ALL
    SELECT m.user_id, m.position
      FROM page
      JOIN scheduling_page_members m ON m.account_id = page.account_id AND m.page_id = page.id
      JOIN users u ON u.account_id = m.account_id AND u.id = m.user_id AND u.active
     WHERE page.type <> 'personal' AND NOT EXISTS (SELECT FROM engaged)),
mine AS MATERIALIZED (
    SELECT c.user_id, cal.account_id, cal.id, cal.connection_id, cal.provider_calendar_id, cal.time_zone, c.provider,
           chosen.policy, y.last_succeeded_at, y.expanded_until, {GAP} AS gap
      FROM page
      JOIN connections c ON c.account_id = page.account_id AND c.user_id IN (SELECT user_id FROM hosts)
      JOIN calendars cal ON cal.account_id = c.account_id AND cal.connection_id = c.id
      LEFT JOIN calendar_syncs y ON y.account_id = cal.account_id AND y.calendar_id = cal.id
      {CHOSEN_POLICY}
     WHERE cal.checked AND c.disconnected_at IS NULL)
SELECT p.account_id, p.id, p.type, p.name, p.slug, p.configuration::text, p.version,
       h.user_id AS host_id, u.name AS host_name, u.email AS host_email, u.active AS host_active,
       u.locale AS host_locale, u.time_zone AS host_time_zone,
       coalesce(s.turned_off, false) OR NOT coalesce(s.scheduling_pages, true) AS turned_off,
       coalesce(s.tentative_blocks, true) AS tentative_blocks,
       link.status IS NOT NULL AS connected, link.provider, link.subject, link.calendar_id, link.provider_calendar_id,
       link.email AS address, coalesce(link.status = 'active', false) AS reached,
       coalesce((SELECT bool_and(mine.gap IS DISTINCT FROM 'block') FROM mine WHERE mine.user_id = h.user_id),
                link.status = 'active') AS readable,
       EXISTS (SELECT FROM mine WHERE mine.user_id = h.user_id AND mine.gap = 'request_only') AS asks_only,
       (SELECT extract(epoch FROM min(mine.expanded_until))::bigint FROM mine
         WHERE mine.user_id = h.user_id AND mine.gap IS DISTINCT FROM 'ignore') AS known_until,
       (SELECT jsonb_agg(jsonb_build_object(
                   'account_id', mine.account_id, 'connection_id', mine.connection_id, 'provider', mine.provider,
                   'calendar_id', mine.id, 'provider_calendar_id', mine.provider_calendar_id,
                   'time_zone', mine.time_zone, 'synced_at', mine.last_succeeded_at, 'policy', mine.policy,
                   'gap', mine.gap, 'tentative_blocks', coalesce(s.tentative_blocks, true)))::text
          FROM mine WHERE mine.user_id = h.user_id) AS watched,
       ARRAY(SELECT b.busy FROM busy_months b JOIN mine ON b.account_id = mine.account_id AND b.calendar_id = mine.id
              WHERE mine.user_id = h.user_id AND mine.gap IS DISTINCT FROM 'ignore'
                AND b.month BETWEEN $2 AND $3) AS busy,
       ARRAY(SELECT b.tentative FROM busy_months b
               JOIN mine ON b.account_id = mine.account_id AND b.calendar_id = mine.id
              WHERE mine.user_id = h.user_id AND mine.gap IS DISTINCT FROM 'ignore'
                AND b.month BETWEEN $2 AND $3) AS tentative,
       ARRAY(SELECT unnest(ARRAY[extract(epoch FROM lower(r.during)), extract(epoch FROM upper(r.during))])::bigint
               FROM reservations r
              WHERE r.account_id = p.account_id AND r.host_id = h.user_id
                AND r.until > $4 AND r.during && tstzrange($4, $5)
                AND coalesce(r.booking_id, r.hold_id) IS DISTINCT FROM $6
                AND (r.expires_at IS NULL OR r.expires_at > now())) AS reserved,
       CASE WHEN h.position = 0 THEN
       ARRAY(SELECT extract(epoch FROM b.starts_at)::bigint FROM bookings b
              WHERE b.account_id = p.account_id AND b.page_id = p.id AND b.status <> 'cancelled'
                AND b.starts_at >= $4 AND b.starts_at < $5 AND b.id IS DISTINCT FROM $6
              UNION ALL
             SELECT extract(epoch FROM k.starts_at)::bigint FROM slot_holds k
              WHERE k.account_id = p.account_id AND k.page_id = p.id AND k.expires_at > now()
                AND k.starts_at >= $4 AND k.starts_at < $5 AND k.id IS DISTINCT FROM $6) END AS booked
  FROM page p
 CROSS JOIN hosts h
  JOIN users u ON u.account_id = p.account_id AND u.id = h.user_id
  LEFT JOIN calendar_settings s ON s.account_id = p.account_id AND s.user_id = h.user_id
  LEFT JOIN LATERAL (
      SELECT c.status, c.provider, c.subject, c.email, cal.id AS calendar_id, cal.provider_calendar_id
        FROM connections c
        LEFT JOIN calendars cal ON cal.account_id = c.account_id AND cal.connection_id = c.id AND cal.is_primary
       WHERE c.account_id = p.account_id AND c.user_id = h.user_id AND c.disconnected_at IS NULL
         AND 'meetings' = ANY (c.purposes) AND c.subject <> ''
       LIMIT 1) link ON true
 ORDER BY h.position, h.user_id
"""  # noqa: S608 - our own words
"""A page and all that bears on its slots: a row for each host, first the one who organizes.

$6 is a booking or a hold whose time does not count, for it is about to be used otherwise. Of a booking the hosts are
those it has; who has left is not waited for. $7: also of a page that was deleted.
"""


class PageType(StrEnum):
    """How a page's hosts share its meetings (R27)."""

    PERSONAL = "personal"
    GROUP = "group"
    ROUND_ROBIN = "round_robin"


class Mode(StrEnum):
    """Whether a calendar is connected."""

    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class PageTime:
    """A page and its hosts' time around a span."""

    account_id: UUID
    page_id: UUID
    name: str
    slug: str
    type: PageType
    version: int
    document: str
    """The configuration as JSON."""
    turned_off: bool
    booked_starts: tuple[int, ...]
    hosts: tuple[HostTime, ...]
    """First the one who organizes; of a round robin everybody whose turn it may be."""

    @property
    def is_round_robin(self) -> bool:
        """Whether its hosts take turns."""
        return self.type is PageType.ROUND_ROBIN

    @property
    def host(self) -> Host:
        """Who organizes."""
        return self.hosts[0].host

    @property
    def public_host_name(self) -> str | None:
        """Who a visitor is told to meet; of a round robin nobody is named (R34)."""
        return None if self.is_round_robin else self.host.name

    @property
    def destination(self) -> Destination | None:
        """Where bookings land: in the calendar of who organizes (R28). None: offline."""
        return self.hosts[0].destination

    @property
    def mode(self) -> Mode:
        """Offline while none of the hosts has a calendar."""
        return Mode.ONLINE if any(host.connected for host in self.hosts) else Mode.OFFLINE

    @property
    def takes_moves(self) -> bool:
        """Whether a booking may be moved to another of its times: it is known what is free, and its host would come."""
        known = not (self.unavailable or self.asks_only or self.mode is Mode.OFFLINE)
        return known and self.host.active

    @property
    def unavailable(self) -> bool:
        """Nobody knows when the hosts are free: nothing is offered."""
        if self.mode is Mode.OFFLINE:
            return False
        enough = any if self.is_round_robin else all
        return not enough(host.bookable for host in self.hosts)

    @property
    def asks_only(self) -> bool:
        """A time may be asked for and is not booked: of somebody a calendar cannot be read, and that is their wish."""
        return any(host.asks_only for host in self.hosts)

    @property
    def busy(self) -> Spans:
        """What is taken in anybody's calendars."""
        return self.hosts[0].busy if len(self.hosts) == 1 else merge(*(host.busy for host in self.hosts))

    @property
    def reserved(self) -> Spans:
        """What anybody is booked for."""
        return self.hosts[0].reserved if len(self.hosts) == 1 else merge(*(host.reserved for host in self.hosts))

    @property
    def configuration(self) -> Configuration:
        """What the owner decided."""
        return configuration_of(self.document)

    @property
    def watched(self) -> list[WatchedCalendar]:
        """The calendars that are checked."""
        return [calendar for host in self.hosts for calendar in host.watched]

    def rules(self, duration_minutes: int) -> SlotRules:
        """The rules of one of the page's durations."""
        return slot_rules(self.document, duration_minutes)

    def seatings(self) -> "list[Seating]":
        """Who could host a meeting: all together or, of a round robin, each who is to be had alone."""
        if not self.is_round_robin or self.mode is Mode.OFFLINE:
            return [self._seating(self.hosts)]
        return [self._seating((host,)) for host in self.hosts if host.bookable]

    def seated(self, host_ids: Collection[UUID]) -> "Seating | None":
        """The seating of these hosts, if it is still one."""
        found = (seating for seating in self.seatings() if {host.host.id for host in seating.hosts} == set(host_ids))
        return next(found, None)

    def less(self, taken: Sequence[Span]) -> Self:
        """The page when its hosts are engaged then, too."""
        hosts = (replace(host, reserved=merge(host.reserved, taken)) for host in self.hosts)
        return replace(self, hosts=tuple(hosts))

    def moving(self, span: Span, *, beside: Sequence[Span] = ()) -> Self:
        """The page for a meeting of several that is then, and shall move: its invitations stand in nobody's way, and
        what the hosts have `beside` it does.
        """
        own = subtract([span], beside)
        return replace(self, hosts=tuple(replace(host, own=own) for host in self.hosts))

    def offered(self, duration_minutes: int, *, now: int, between: Span) -> Sequence[int]:
        """Starts of slots in UTC seconds, rising; none while the hosts are unavailable."""
        starts = [seating.offered(duration_minutes, now=now, between=between) for seating in self.seatings()]
        return starts[0] if len(starts) == 1 else sorted(set().union(*starts))

    def confirmable(self, duration_minutes: int, starts: Sequence[int], *, now: int, between: Span) -> set[int]:
        """Those of the offered starts that can be booked at once; the others are asked for (R26, R30)."""
        if self.mode is Mode.OFFLINE:
            return set()
        if not self.asks_only:
            return set(starts)
        firm = [seating for seating in self.seatings() if not seating.asks_only]
        return set().union(*(seating.offered(duration_minutes, now=now, between=between) for seating in firm))

    def refusal(self, duration_minutes: int, *, start: int, now: int) -> Refusal | None:
        """Why the slot is not offered; None when it is. Says nothing of the hosts' availability."""
        refusals = [seating.refusal(duration_minutes, start=start, now=now) for seating in self.seatings()]
        if None in refusals:
            return None
        return Refusal.SLOT_UNAVAILABLE if Refusal.SLOT_UNAVAILABLE in refusals else Refusal.OUTSIDE_BOOKING_WINDOW

    def _seating(self, hosts: tuple[HostTime, ...]) -> "Seating":
        page = {each.name: getattr(self, each.name) for each in fields(self)}
        return Seating(**page | {"hosts": hosts})


@dataclass(frozen=True, slots=True)
class Seating(PageTime):
    """The page with those of its hosts who would take one meeting, all of them together: what is booked is a seating's.

    Of a round robin it is one person, of any other page everybody.
    """

    @property
    def unavailable(self) -> bool:
        """Nobody knows when one of them is free."""
        return self.mode is Mode.ONLINE and not all(host.bookable for host in self.hosts)

    def seatings(self) -> "list[Seating]":
        """Itself."""
        return [self]

    def offered(self, duration_minutes: int, *, now: int, between: Span) -> Sequence[int]:
        """Where all of them are free."""
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
        """Why they do not offer the slot; None when they do."""
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
        """The last start whose whole meeting lies in what is known of all."""
        known = [host.known_until for host in self.hosts if host.known_until is not None]
        return min(known) - duration_minutes * 60 if known else default


async def load_page_time(
    session: AsyncSession, page_id: UUID, between: Span, *, excluding: UUID | None = None, deleted_too: bool = False
) -> PageTime | None:
    """The page and everything that bears on its slots in `between`; without one booking, when that one shall move."""
    connection = await session.connection()
    asked = page_time_parameters(page_id, between, excluding=excluding, deleted_too=deleted_too)
    result = await connection.exec_driver_sql(PAGE_TIME, asked)
    return page_time_of([dict(row) for row in result.mappings()])


def page_time_parameters(
    page_id: UUID, between: Span, *, excluding: UUID | None = None, deleted_too: bool = False
) -> tuple[object, ...]:
    """What `PAGE_TIME` asks for."""
    start, end = (datetime.fromtimestamp(second, UTC) for second in between)
    early, late = start - _WEEK, end + _WEEK  # a weekly cap counts whole weeks
    return page_id, early.date().replace(day=1), late.date().replace(day=1), early, late, excluding, deleted_too


def page_time_of(rows: Sequence[Mapping[str, Any]]) -> PageTime | None:
    """What `PAGE_TIME` answers; None: there is no such page."""
    if not rows:
        return None
    page = rows[0]
    return PageTime(
        account_id=page["account_id"],
        page_id=page["id"],
        name=page["name"],
        slug=page["slug"],
        type=PageType(page["type"]),
        version=page["version"],
        document=page["configuration"],
        turned_off=page["turned_off"] or not page["host_active"],
        booked_starts=tuple(page["booked"]),
        hosts=tuple(map(host_time_of, rows)),
    )
