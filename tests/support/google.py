"""Simulated Google as a test sees it: faults and knobs for the length of a block, and the truth of a calendar.

The one rule: the truth is worked out from Google's own expansion (`events.list` with `singleEvents=true`), by other
code than the service's, so that the two can disagree.
"""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx

from app.timespan import unpack
from sandbox.client import LOOPBACK, Sandbox
from sandbox.environment import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from tests.support.world import World

READ_EVENTS = "https://www.googleapis.com/auth/calendar.events.readonly"
FREE_KINDS = {"workingLocation", "birthday"}
_DEFAULTS: dict[str, Any] = {
    "page_size_cap": None,
    "access_token_lifetime": 3599,
    "sync_token_max_changes": None,
    "conferences_pending": False,
}

Spans = list[tuple[int, int]]


@asynccontextmanager
async def failing(
    sandbox: Sandbox, action: str | dict[str, Any], *, times: int | None = None, **match: Any
) -> AsyncIterator[None]:
    """Requests that match fail inside the block."""
    await sandbox.add_google_fault(action, times=times, **match)
    try:
        yield
    finally:
        await sandbox.clear_google_faults()


@asynccontextmanager
async def turned(sandbox: Sandbox, **knobs: Any) -> AsyncIterator[None]:
    """Google with other limits inside the block."""
    await sandbox.turn_google_knobs(**knobs)
    try:
        yield
    finally:
        await sandbox.turn_google_knobs(**{name: _DEFAULTS[name] for name in knobs})


@dataclass(frozen=True, slots=True)
class BusyTruth:
    """What blocks in a window, in UTC seconds; `tentative` is what is tentative and nothing more."""

    busy: Spans
    tentative: Spans


class GoogleReader:
    """Somebody else's app with a consent of its own: reads a person's events as Google expands them."""

    def __init__(self, sandbox: Sandbox, token: str) -> None:
        self._sandbox = sandbox
        self._token = token

    @classmethod
    async def of(cls, sandbox: Sandbox, email: str) -> "GoogleReader":
        """Ask the person for consent."""
        query = {
            "response_type": "code",
            "client_id": SANDBOX_CLIENT_ID,
            "redirect_uri": LOOPBACK,
            "scope": READ_EVENTS,
        }
        page = httpx.URL(f"{sandbox.http_url}/google/o/oauth2/v2/auth", params=query)
        callback = httpx.URL(await sandbox.consent(str(page), email=email))
        form = {
            "grant_type": "authorization_code",
            "code": callback.params["code"],
            "redirect_uri": LOOPBACK,
            "client_id": SANDBOX_CLIENT_ID,
            "client_secret": SANDBOX_CLIENT_SECRET,
        }
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{sandbox.http_url}/google/token", data=form)
        answer.raise_for_status()
        return cls(sandbox, str(answer.json()["access_token"]))

    async def busy(self, start: datetime, end: datetime, calendar_id: str = "primary") -> BusyTruth:
        """What blocks in the window (R31)."""
        solid: Spans = []
        tentative: Spans = []
        async for event, zone in self._events(start, end, calendar_id):
            level = _level(event)
            span = _span(event, zone)
            if level and span:
                (tentative if level == "tentative" else solid).append(span)
        window = int(start.timestamp()), int(end.timestamp())
        busy = joined(solid, window)
        return BusyTruth(busy, without(joined(tentative, window), busy))

    async def _events(
        self, start: datetime, end: datetime, calendar_id: str
    ) -> AsyncIterator[tuple[dict[str, Any], ZoneInfo]]:
        url = f"{self._sandbox.http_url}/google/calendar/v3/calendars/{quote(calendar_id, safe='')}/events"
        query = {"singleEvents": "true", "timeMin": start.isoformat(), "timeMax": end.isoformat(), "maxResults": "2500"}
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {self._token}"}) as http:
            while True:
                answer = await http.get(url, params=query)
                answer.raise_for_status()
                page = answer.json()
                for event in page["items"]:
                    yield event, ZoneInfo(page["timeZone"])
                if "nextPageToken" not in page:
                    return
                query["pageToken"] = page["nextPageToken"]


async def mirrored(world: World, start: datetime, end: datetime, calendar_id: str) -> BusyTruth:
    """What the mirror of a calendar (by its id at the provider) says of the window."""
    rows = await world.rows(
        "SELECT b.busy, b.tentative FROM busy_months b JOIN calendars c ON c.id = b.calendar_id "
        "WHERE c.provider_calendar_id = $1",
        calendar_id,
    )
    window = int(start.timestamp()), int(end.timestamp())
    busy = joined([span for row in rows for span in unpack(row["busy"])], window)
    tentative = joined([span for row in rows for span in unpack(row["tentative"])], window)
    return BusyTruth(busy, without(tentative, busy))


def joined(spans: Iterable[tuple[int, int]], window: tuple[int, int]) -> Spans:
    """Sorted, clipped to the window, overlapping and touching ones made one."""
    result: Spans = []
    for start, end in sorted((max(start, window[0]), min(end, window[1])) for start, end in spans):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        else:
            result.append((start, end))
    return result


def without(spans: Spans, taken: Collection[tuple[int, int]]) -> Spans:
    """What of `spans` no span of `taken` covers."""
    for start, end in taken:
        spans = [
            piece
            for left, right in spans
            for piece in ((left, min(right, start)), (max(left, end), right))
            if piece[0] < piece[1]
        ]
    return spans


def _level(event: dict[str, Any]) -> str | None:
    answers = [guest.get("responseStatus") for guest in event.get("attendees", []) if guest.get("self")]
    free = (
        event["status"] == "cancelled"
        or event.get("transparency") == "transparent"
        or event.get("eventType") in FREE_KINDS
        or "declined" in answers
    )
    if free:
        return None
    out = event.get("eventType") == "outOfOffice"
    return "tentative" if not out and (event["status"] == "tentative" or "tentative" in answers) else "busy"


def _span(event: dict[str, Any], zone: ZoneInfo) -> tuple[int, int] | None:
    start, end = event.get("start", {}), event.get("end", {})
    if "date" in start:
        first, last = date.fromisoformat(start["date"]), date.fromisoformat(end["date"])
        last = max(last, first + timedelta(days=1))  # an end that is not after its start still blocks its day
        return _midnight(first, zone), _midnight(last, zone)
    if "dateTime" in start:
        times = sorted(int(datetime.fromisoformat(side["dateTime"]).timestamp()) for side in (start, end))
        return times[0], times[1]
    return None


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
