"""People with a connected, synced calendar and a page, for benches to look at and to book.

The one rule: they come to be as anybody does, through the API; only what is in their calendars goes straight into the
mirror, by the code that fills it otherwise, since no provider is waited for.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Busy, Event, Timed
from app.database import create_engine, create_sessions, transaction
from app.ids import encode_id, new_id
from app.models.connections import Calendar, CalendarSync
from app.sync.batch import Batch
from app.sync.mirror import Mirror
from app.timespan import Span, to_moment, to_seconds
from sandbox.client import Sandbox

DAYS = 30
ZONE = "Europe/Stockholm"
VISITOR_ZONE = "America/New_York"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OFFICE = [
    {"day": day, "start": start, "end": end}
    for day in WEEKDAYS[:5]
    for start, end in (("09:00", "12:00"), ("13:00", "17:00"))
]
ALWAYS = [{"day": day, "start": "00:00", "end": "24:00"} for day in WEEKDAYS]
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Opening:
    """When a page can be booked, and how finely."""

    hours: Sequence[dict[str, str]]
    duration_minutes: int
    increment_minutes: int = 15


TYPICAL = Opening(OFFICE, 30)
ENDLESS = Opening(ALWAYS, 15)
"""So many slots that none needs to be booked twice."""


@dataclass(frozen=True, slots=True)
class Host:
    """Somebody whose page can be booked."""

    page_id: str
    opening: Opening
    bearer: Mapping[str, str]
    """What the owner shows."""
    days: int = DAYS
    """For how many days slots are asked for."""

    @property
    def slots_path(self) -> str:
        """The path and query for the slots from tomorrow on."""
        return f"/v1/public/scheduling-pages/{self.page_id}/slots?{self._query}"

    @property
    def own_slots_path(self) -> str:
        """The same, as the owner asks."""
        return f"/v1/scheduling-pages/{self.page_id}/slots?{self._query}"

    @property
    def report_path(self) -> str:
        """Why these slots are those."""
        return f"/v1/scheduling-pages/{self.page_id}/availability-report?{self._query}"

    @property
    def _query(self) -> str:
        first = first_day()
        last = first + timedelta(days=self.days - 1)
        minutes = self.opening.duration_minutes
        return f"time_zone={VISITOR_ZONE}&first_day={first}&last_day={last}&duration_minutes={minutes}"

    @property
    def bookings_path(self) -> str:
        """Where to book."""
        return f"/v1/public/scheduling-pages/{self.page_id}/bookings"

    def wish(self, start_at: str) -> dict[str, object]:
        """What a visitor sends to book the slot."""
        return {
            "start_at": start_at,
            "duration_minutes": self.opening.duration_minutes,
            "name": "Vera Visitor",
            "email": "vera@example.com",
            "time_zone": VISITOR_ZONE,
        }


def first_day() -> date:
    """Tomorrow: no slot of it goes by while a bench runs."""
    return datetime.now(UTC).date() + timedelta(days=1)


def busy_spans(count: int) -> list[Span]:
    """So many spans on every other one of the days, apart from each other, so that merging does not lessen them."""
    rng = random.Random(count)
    midnight = to_seconds(datetime.combine(first_day(), time(), UTC))
    room = DAYS // 2 * 86_400 // count
    spans = []
    for number in range(count):
        day, second = divmod(number * room, 86_400)
        start = midnight + 2 * day * 86_400 + second + rng.randrange(room // 3)
        spans.append((start, start + rng.randrange(60, min(3600, room // 2))))
    return spans


class HostMaker:
    """Makes hosts at a running API and its database."""

    def __init__(self, api: httpx.AsyncClient, sandbox: Sandbox, database_url: str) -> None:
        self._api = api
        self._sandbox = sandbox
        self._database_url = database_url

    async def make(self, openings: Sequence[tuple[Opening, int]]) -> list[Host]:
        """A host for each opening, with so many busy spans in the calendar."""
        engine = create_engine(self._database_url)
        sessions, gate = create_sessions(engine), asyncio.Semaphore(_AT_ONCE)

        async def one(opening: Opening, busy: int) -> Host:
            async with gate:
                return await self._one(sessions, opening, busy)

        try:
            return await asyncio.gather(*(one(opening, busy) for opening, busy in openings))
        finally:
            await engine.dispose()

    async def make_team(self, opening: Opening, *, people: int, calendars: int, busy: int) -> tuple[Host, Host]:
        """So many colleagues, each with so many calendars of so many busy spans: the first one's own page, and a round
        robin of them all.
        """
        engine = create_engine(self._database_url)
        account_id, sessions = new_id(), create_sessions(engine)
        members = [await self._colleague(account_id, calendars) for _ in range(people)]
        try:
            async with transaction(sessions, account_id) as session:
                for calendar in await session.scalars(select(Calendar).where(Calendar.checked)):
                    await _fill(session, calendar, busy_spans(busy))
        finally:
            await engine.dispose()
        (_, bearer), *others = members
        team = {"type": "round_robin", "member_ids": [user for user, _ in others]}
        own = await self._call("POST", "/v1/scheduling-pages", bearer, _page(opening))
        shared = await self._call("POST", "/v1/scheduling-pages", bearer, _page(opening) | team)
        return Host(own["id"], opening, bearer), Host(shared["id"], opening, bearer)

    async def _colleague(self, account_id: UUID, calendars: int) -> tuple[str, dict[str, str]]:
        """Somebody with so many calendars, all of them checked; their id, and what they show."""
        user_id = new_id()
        email = f"host-{user_id.hex}@example.com"
        bearer = await self._bearer(account_id, user_id, email)
        for number in range(1, calendars):
            await self._sandbox.google_calendar(email, f"Project {number}")
        await self._connect(email, bearer)
        connections = await self._call("GET", "/v1/connections", bearer)
        listed = await self._call("GET", f"/v1/connections/{connections['items'][0]['id']}/calendars", bearer)
        checked = {"availability_calendar_ids": [calendar["id"] for calendar in listed["items"]]}
        await self._call("PATCH", "/v1/calendar-settings", bearer, checked)
        return encode_id("usr", user_id), bearer

    async def _one(self, sessions: async_sessionmaker[AsyncSession], opening: Opening, busy: int) -> Host:
        account_id, user_id = new_id(), new_id()
        email = f"host-{user_id.hex}@example.com"
        bearer = await self._bearer(account_id, user_id, email)
        await self._connect(email, bearer)
        page = await self._call("POST", "/v1/scheduling-pages", bearer, _page(opening))
        async with transaction(sessions, account_id) as session:
            calendar = (await session.scalars(select(Calendar).where(Calendar.is_primary))).one()
            await _fill(session, calendar, busy_spans(busy))
        return Host(page["id"], opening, bearer)

    async def _bearer(self, account_id: UUID, user_id: UUID, email: str) -> dict[str, str]:
        """Somebody with a Google account, as the CRM knows them."""
        await self._sandbox.google_account(email, time_zone=ZONE)
        token = await self._sandbox.issue_token(
            sub=encode_id("usr", user_id),
            account_id=encode_id("acct", account_id),
            email=email,
            seats=[{"product": "sales_hub", "tier": "professional"}],
            zoneinfo=ZONE,
        )
        return {"Authorization": f"Bearer {token}"}

    async def _connect(self, email: str, bearer: dict[str, str]) -> None:
        disclosure = await self._call("GET", "/v1/providers/google/disclosure", bearer)
        body = {"provider": "google", "client": "web", "disclosure_version": disclosure["version"]}
        started = await self._call("POST", "/v1/connection-authorizations", bearer, body)
        callback = urlsplit(await self._sandbox.consent(started["authorization_url"], email=email))
        await self._call("GET", f"{callback.path}?{callback.query}", {})

    async def _call(self, method: str, path: str, headers: dict[str, str], body: object = None) -> dict[str, Any]:
        answer = await self._api.request(method, path, json=body, headers=headers)
        if answer.is_error:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return dict(answer.json()) if answer.content else {}


def _page(opening: Opening) -> dict[str, object]:
    return {
        "type": "personal",
        "name": "Intro call",
        "time_zone": ZONE,
        "durations_minutes": [opening.duration_minutes],
        "increment_minutes": opening.increment_minutes,
        "weekly_hours": opening.hours,
        "minimum_notice_minutes": 0,
        "booking_window": {"kind": "rolling_days", "days": 2 * DAYS},
    }


async def _fill(session: AsyncSession, calendar: Calendar, busy: Sequence[Span]) -> None:
    """Put the spans into the calendar, as a finished sync leaves them."""
    now = datetime.now(UTC)
    horizon = Timed(now - timedelta(days=DAYS), now + timedelta(days=4 * DAYS))
    mirror = Mirror(session, calendar, generation=1, horizon=horizon)
    events = [
        Event(id=f"event{number}", when=Timed(to_moment(start), to_moment(end)), busy=Busy.BUSY)
        for number, (start, end) in enumerate(busy)
    ]
    await mirror.save(Batch(events={event.id: event for event in events}))
    await mirror.pack()
    await session.execute(
        update(CalendarSync)
        .where(CalendarSync.calendar_id == calendar.id)
        .values(state="idle", generation=1, last_succeeded_at=now)
    )
