"""A team as a random case has it: which calendars can be read, what they say, what is kept; and its way into tables.

The one rule: a case is a plain value. What is put into the tables for it is gone when it has been answered.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from app.ids import decode_id
from app.scheduling.availability import PageTime
from app.scheduling.configuration import WEEKDAYS
from app.scheduling.reader import read_page_time
from app.scheduling.slots.hours import LocalInterval
from app.scheduling.slots.offering import SlotRules
from app.scheduling.slots.window import BookingWindow, DateRange, RollingDays, RollingWeeks
from app.sync.busy import Blocking, month_spans, months_of
from app.timespan import Span, pack
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.world import World

KINDS = ("personal", "group", "round_robin")
HOSTS = 3
CALENDARS = 2
"""Of each host; the first is the primary."""
_MORE_CALENDARS = """
WITH more AS (
    INSERT INTO calendars
           (account_id, id, connection_id, provider_calendar_id, name, time_zone, role, is_primary, checked)
    SELECT account_id, gen_random_uuid(), connection_id, n::text, n::text, time_zone, role, false, true
      FROM calendars, generate_series(2, $1) n RETURNING account_id, id)
INSERT INTO calendar_syncs (account_id, calendar_id, state) SELECT account_id, id, 'idle' FROM more
"""


@dataclass(frozen=True, slots=True)
class CalendarCase:
    """A calendar of a host."""

    checked: bool
    accessible: bool
    ever_read: bool
    policy: str
    expanded_until: int | None
    busy: Sequence[Span]
    tentative: Sequence[Span]


@dataclass(frozen=True, slots=True)
class HostCase:
    """Somebody who hosts."""

    link: str
    """active broken none"""
    tentative_blocks: bool
    calendars: Sequence[CalendarCase]


@dataclass(frozen=True, slots=True)
class HoldCase:
    """Time that is kept for a visitor, with its buffers."""

    reserved: Span
    starts: int
    hosts: frozenset[int]
    this_page: bool
    lapsed: bool


@dataclass(frozen=True, slots=True)
class Case:
    """A page, its hosts, and what is asked."""

    kind: str
    rules: SlotRules
    hosts: Sequence[HostCase]
    holds: Sequence[HoldCase]
    now: int
    between: Span


class Stage:
    """Three people with two calendars each, a page of each kind, and another page beside them."""

    def __init__(
        self, connection: asyncpg.Connection, people: Sequence[UUID], calendars: Sequence[Sequence[UUID]],
        pages: Mapping[str, UUID], account_id: UUID,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._people = people
        self._calendars = calendars
        self._pages = pages
        self._account_id = account_id

    def __repr__(self) -> str:
        return "a stage"

    @classmethod
    async def built(cls, world: World, connection: asyncpg.Connection) -> "Stage":
        people = await colleagues(world, HOSTS)
        made = {kind: await _page(people, kind) for kind in (*KINDS, "other")}
        await connection.execute(_MORE_CALENDARS, CALENDARS)
        await connection.execute("DELETE FROM busy_months")
        rows = await connection.fetch(
            "SELECT user_id, array_agg(cal.id ORDER BY NOT is_primary, name) AS calendars"
            " FROM calendars cal JOIN connections c ON c.id = connection_id GROUP BY user_id"
        )
        calendars = {row["user_id"]: row["calendars"] for row in rows}
        users = [decode_id("usr", person.user_id) for person in people]
        account_id = decode_id("acct", people[0].account_id)
        return cls(connection, users, [calendars[user] for user in users], made, account_id)

    async def page_time(self, case: Case) -> PageTime:
        """What the service finds in the tables."""
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            page_id = self._pages[case.kind]
            document = json.dumps(configuration(case.rules))
            await self._connection.execute(
                "UPDATE scheduling_pages SET configuration = $2::text::jsonb WHERE id = $1", page_id, document
            )
            for number, host in enumerate(case.hosts):
                await self._set_host(number, host)
            for hold in case.holds:
                await self._keep(page_id if hold.this_page else self._pages["other"], hold)
            found = await read_page_time(self._connection, page_id, case.between)
        finally:
            await transaction.rollback()
        assert found is not None
        return found

    async def _set_host(self, number: int, host: HostCase) -> None:
        await self._connection.execute(
            "UPDATE connections SET status = $2, disconnected_at = CASE WHEN $3 THEN now() END WHERE user_id = $1",
            self._people[number],
            "active" if host.link != "broken" else "reauthorization_required",
            host.link == "none",
        )
        await self._connection.execute(
            "INSERT INTO calendar_settings (account_id, user_id, tentative_blocks) VALUES ($1, $2, $3)"
            " ON CONFLICT (account_id, user_id) DO UPDATE SET tentative_blocks = excluded.tentative_blocks",
            self._account_id,
            self._people[number],
            host.tentative_blocks,
        )
        named = list(zip(self._calendars[number], host.calendars, strict=True))
        await self._connection.executemany(
            "UPDATE calendars SET checked = $2, inactive_reason = $3, unreachable_policy = $4 WHERE id = $1",
            [(key, it.checked, None if it.accessible else "access_lost", it.policy) for key, it in named],
        )
        await self._connection.executemany(
            "UPDATE calendar_syncs SET last_succeeded_at = $2, expanded_until = $3 WHERE calendar_id = $1",
            [(key, moment(0) if it.ever_read else None, _maybe(it.expanded_until)) for key, it in named],
        )
        months = [(self._account_id, key, *month) for key, it in named for month in _months(it)]
        await self._connection.executemany(
            "INSERT INTO busy_months (account_id, calendar_id, month, busy, tentative) VALUES ($1, $2, $3, $4, $5)",
            months,
        )

    async def _keep(self, page_id: UUID, hold: HoldCase) -> None:
        hold_id, minutes_left = uuid4(), -1 if hold.lapsed else 60
        await self._connection.execute(
            "INSERT INTO slot_holds (account_id, id, page_id, starts_at, ends_at, token_hash, network_hash, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, '', '', now() + $6 * interval '1 minute')",
            self._account_id, hold_id, page_id, moment(hold.starts), moment(hold.reserved[1]), minutes_left,
        )  # fmt: skip
        await self._connection.executemany(
            "INSERT INTO reservations (account_id, id, host_id, hold_id, during, expires_at)"
            " VALUES ($1, $2, $3, $4, tstzrange($5, $6), now() + $7 * interval '1 minute')",
            [
                (self._account_id, uuid4(), self._people[host], hold_id, *map(moment, hold.reserved), minutes_left)
                for host in hold.hosts
            ],
        )


def configuration(rules: SlotRules) -> dict[str, Any]:
    """The rules as a page's owner would state them."""
    return {
        "time_zone": rules.hours.zone,
        "durations_minutes": [rules.duration_minutes],
        "increment_minutes": None if rules.increment_minutes == rules.duration_minutes else rules.increment_minutes,
        "buffer_before_minutes": rules.buffer_before_minutes,
        "buffer_after_minutes": rules.buffer_after_minutes,
        "minimum_notice_minutes": rules.minimum_notice_minutes,
        "booking_window": _window(rules.window),
        "weekly_hours": [
            {"day": day} | hours
            for day, some in zip(WEEKDAYS, rules.hours.weekly, strict=True)
            for hours in _clocks(some)
        ],
        "date_overrides": [
            {"day": day.isoformat(), "hours": _clocks(some)} for day, some in rules.hours.overrides.items()
        ],
        "daily_limit": rules.daily_cap,
        "weekly_limit": rules.weekly_cap,
    }


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _maybe(second: int | None) -> datetime | None:
    return None if second is None else moment(second)


def _clocks(intervals: Iterable[LocalInterval]) -> list[dict[str, str]]:
    return [{"start": _clock(each.start_minute), "end": _clock(each.end_minute)} for each in intervals]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _window(window: BookingWindow) -> dict[str, Any]:
    match window:
        case RollingDays(count):
            return {"kind": "rolling_days", "days": count}
        case RollingWeeks(count):
            return {"kind": "rolling_weeks", "weeks": count}
        case DateRange(first, last):
            return {"kind": "date_range", "first_day": first.isoformat(), "last_day": last.isoformat()}


def _months(calendar: CalendarCase) -> Iterable[tuple[Any, ...]]:
    """The months that a sync would have written."""
    busy, tentative = ([span for span in spans if span[0] < span[1]] for spans in (calendar.busy, calendar.tentative))
    touched = {month for start, end in [*busy, *tentative] for month in months_of(moment(start), moment(end))}
    for month in sorted(touched):
        made = month_spans(month, *(Blocking(*zip(*spans, strict=True)) for spans in (busy, tentative)), UTC)
        yield month, pack(made.busy), pack(made.tentative)


async def _page(people: list[Person], kind: str) -> UUID:
    page = await (team_page(people, kind) if kind in {"group", "round_robin"} else people[0].make_page())
    return decode_id("page", page["id"])
