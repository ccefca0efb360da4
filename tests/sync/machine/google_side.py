"""The other side at the simulated Google.

The one rule: the truth is Google's own expansion, asked for by an app the person has also let in.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from sandbox.client import Sandbox
from tests.support.google import GoogleReader
from tests.support.people import Person
from tests.sync.machine.side import HOME, Answer, Invitation, Level, Mishap, Rule, Standing, Target, Write
from tests.sync.machine.wire import booking_of, possible, seconds, sent

BOSS = "boss@example.com"
_NO_DAY = {"date": None}
_READS = {Target.CHANGES: {"method": "GET", "path": "/events$"}, Target.DATES: {"method": "GET", "path": "/instances$"}}
_KINDS: dict[Mishap, dict[str, Any]] = {
    Mishap.LOST_ANSWER: {"kind": "lost_after_commit"},
    Mishap.LOST_REQUEST: {"kind": "reset_before"},
    Mishap.TRUNCATED: {"kind": "truncate"},
    Mishap.UNAVAILABLE: {"kind": "backend_error"},
    Mishap.THROTTLED: {"kind": "user_rate_limit", "retry_after": 1},
    Mishap.LOGIN_PAGE: {"kind": "html_error", "status": 200},
    Mishap.UNAUTHORIZED: {"kind": "unauthorized"},
    Mishap.FORBIDDEN: {"kind": "forbidden"},
    Mishap.CURSOR_GONE: {"kind": "gone"},
    Mishap.EMPTY_PAGE: {"kind": "empty_page"},
    Mishap.DUPLICATED: {"kind": "duplicate"},
    Mishap.REORDERED: {"kind": "reordered"},
    Mishap.REPLAYED: {"kind": "replay_changes"},
}
_NEVER_BUSY = {"workingLocation", "birthday"}


class GoogleSide:
    """See `tests.sync.machine.side.Side`."""

    zones = (HOME.key, "America/New_York", "Pacific/Auckland", "Asia/Kolkata")
    changes_bookings = True
    mishaps = possible(_KINDS)

    def __init__(self, sandbox: Sandbox, person: Person) -> None:
        self.person = person
        self._sandbox = sandbox
        self._http = httpx.AsyncClient(base_url=sandbox.http_url)
        self._token: str | None = None
        self._rows: int | None = None

    async def begin(self) -> None:
        await self._sandbox.reset_google()
        for email in (self.person.email, BOSS):
            await self._sandbox.google_account(email, time_zone=HOME.key)
        assert (await self.person.connect("google"))["status"] == "completed"

    async def heal(self) -> None:
        assert (await self.person.reauthorize())["status"] == "completed"

    async def close(self) -> None:
        await self._http.aclose()
        await self._sandbox.reset_google()

    # what people do ------------------------------------------------------------------------------

    async def add(self, start: datetime, minutes: int, level: Level) -> str:
        return await self._insert({**_times(start, minutes), **_blocking(level, new=True)})

    async def add_days(self, first: date, after: date, level: Level) -> str:
        level = min(level, Level.BUSY)  # Google has whole days out of office only by the hour
        days = {"start": {"date": first.isoformat()}, "end": {"date": after.isoformat()}}
        return await self._insert({**days, **_blocking(level)})

    async def add_series(self, start: datetime, minutes: int, rule: Rule, level: Level) -> str:
        level = min(level, Level.BUSY)
        return await self._insert({**_times(start, minutes), **_blocking(level), "recurrence": [_rrule(rule)]})

    async def _insert(self, body: dict[str, Any]) -> str:
        made = await sent(self._sandbox.insert_google_event(self.person.email, {"summary": "By hand", **body}))
        return str(made["id"])

    async def move(self, event_id: str, start: datetime, minutes: int) -> None:
        await self._patch(event_id, _times(start, minutes))

    async def move_series(self, series_id: str, start: datetime, minutes: int, rule: Rule) -> None:
        await self._patch(series_id, {**_times(start, minutes), "recurrence": [_rrule(rule)]})

    async def make_single(self, series_id: str) -> None:
        await self._patch(series_id, {"recurrence": []})

    async def block(self, event_id: str, level: Level) -> None:
        await self._patch(event_id, _blocking(min(level, Level.BUSY)))

    async def _patch(self, event_id: str, changes: dict[str, Any]) -> None:
        await sent(self._sandbox.patch_google_event(self.person.email, event_id, changes))

    async def delete(self, event_id: str) -> None:
        await sent(self._sandbox.delete_google_event(self.person.email, event_id))

    async def invite(self, start: datetime, minutes: int) -> Invitation:
        body = {"summary": "You", "attendees": [{"email": self.person.email}], **_times(start, minutes)}
        made = await sent(self._sandbox.insert_google_event(BOSS, body))
        return Invitation(made["id"], made["id"])

    async def answer(self, invitation: Invitation, answer: Answer) -> None:
        email = self.person.email
        await sent(
            self._sandbox.answer_google_invitation(email, invitation.copy, attendee=email, response=answer.value)
        )

    async def move_invitation(self, invitation: Invitation, start: datetime, minutes: int) -> None:
        await sent(self._sandbox.patch_google_event(BOSS, invitation.original, _times(start, minutes)))

    async def call_off(self, invitation: Invitation) -> None:
        await sent(self._sandbox.delete_google_event(BOSS, invitation.original))

    # what goes wrong -----------------------------------------------------------------------------

    async def strike(self, mishap: Mishap, target: Target, *, nth: int, times: int) -> None:
        matches = [_READS[target]] if target in _READS else [
            {"method": method, "path": "/events(/[^/]+)?$"} for method in ("POST", "PATCH", "DELETE")
        ]  # fmt: skip
        for match in matches:
            await self._sandbox.add_google_fault(
                _KINDS[mishap], times=times, account=self.person.email, after=nth - 1, **match
            )

    async def clear(self) -> None:
        await self._sandbox.clear_google_faults()

    async def forget_cursors(self) -> None:
        await self._sandbox.expire_google_sync_tokens(self.person.email)

    async def expire_access(self) -> None:
        await self._sandbox.expire_google_access_tokens(self.person.email)
        self._token = None

    async def page_size(self, rows: int | None) -> None:
        self._rows = rows
        await self._sandbox.turn_google_knobs(page_size_cap=rows)

    # what is true --------------------------------------------------------------------------------

    async def standing(self, start: datetime, end: datetime) -> list[Standing]:
        if self._rows is None:
            return await self._listed(start, end)
        await self._sandbox.turn_google_knobs(page_size_cap=None)  # a year by twos would take hundreds of pages
        try:
            return await self._listed(start, end)
        finally:
            await self._sandbox.turn_google_knobs(page_size_cap=self._rows)

    async def _listed(self, start: datetime, end: datetime) -> list[Standing]:
        if self._token is None:
            self._token = (await GoogleReader.of(self._sandbox, self.person.email))._token
        query = {"singleEvents": "true", "timeMin": start.isoformat(), "timeMax": end.isoformat(), "maxResults": "2500"}
        found: list[Standing] = []
        while True:
            answer = await self._http.get(
                "/google/calendar/v3/calendars/primary/events",
                params=query,
                headers={"Authorization": f"Bearer {self._token}"},
            )
            page = answer.raise_for_status().json()
            zone = ZoneInfo(page["timeZone"])
            found += [_standing(event, zone) for event in page["items"] if event["status"] != "cancelled"]
            if "nextPageToken" not in page:
                return found
            query["pageToken"] = page["nextPageToken"]

    async def writes(self, since: int = 0) -> list[Write]:
        ledger = await self._sandbox.google_ledger(actor="api", calendar=self.person.email)
        return [Write(entry["operation"], entry["event_id"], booking_of(entry["key"])) for entry in ledger[since:]]


def _times(start: datetime, minutes: int) -> dict[str, Any]:
    zone = start.tzinfo
    assert isinstance(zone, ZoneInfo)
    end = (start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zone)
    return {
        name: {"dateTime": moment.isoformat(), "timeZone": zone.key, **_NO_DAY}
        for name, moment in (("start", start), ("end", end))
    }


def _blocking(level: Level, *, new: bool = False) -> dict[str, Any]:
    if level is Level.AWAY and new:
        return {"eventType": "outOfOffice", "outOfOfficeProperties": {"autoDeclineMode": "declineNone"}}
    return {
        "transparency": "transparent" if level is Level.FREE else "opaque",
        "status": "tentative" if level is Level.TENTATIVE else "confirmed",
    }


def _rrule(rule: Rule) -> str:
    ends = "" if rule.count is None else f";COUNT={rule.count}"
    return f"RRULE:FREQ={'WEEKLY' if rule.weekly else 'DAILY'};INTERVAL={rule.interval}{ends}"


def _standing(event: dict[str, Any], zone: ZoneInfo) -> Standing:
    start, end = (_second(event[name], zone) for name in ("start", "end"))
    return Standing(event["id"], event.get("recurringEventId"), start, end, _level(event))


def _second(time: dict[str, str], zone: ZoneInfo) -> int:
    if "date" in time:
        return seconds(datetime.fromisoformat(time["date"]).replace(tzinfo=zone))
    return seconds(datetime.fromisoformat(time["dateTime"]))


def _level(event: dict[str, Any]) -> Level:
    said = next((guest["responseStatus"] for guest in event.get("attendees", ()) if guest.get("self")), None)
    if event.get("transparency") == "transparent" or event.get("eventType") in _NEVER_BUSY or said == "declined":
        return Level.FREE
    if event.get("eventType") == "outOfOffice":
        return Level.AWAY
    return Level.TENTATIVE if "tentative" in {event["status"], said} else Level.BUSY
