"""The other side at the simulated Microsoft cloud.

The one rule: the truth is what Outlook shows the person between two instants.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.client import Sandbox
from tests.support.people import Person
from tests.sync.machine.side import HOME, Answer, Invitation, Level, Mishap, Rule, Standing, Target, Write
from tests.sync.machine.wire import booking_of, possible, seconds, sent

BOSS = "boss@example.com"
_WINDOWS = {
    "Europe/Berlin": "W. Europe Standard Time",
    "America/New_York": "Eastern Standard Time",
    "Pacific/Auckland": "New Zealand Standard Time",
    "Asia/Kolkata": "India Standard Time",
}
_SHOW_AS = {Level.FREE: "free", Level.TENTATIVE: "tentative", Level.BUSY: "busy", Level.AWAY: "oof"}
_LEVELS = {shown: level for level, shown in _SHOW_AS.items()} | {"workingElsewhere": Level.FREE}
_ANSWERS = {
    Answer.ACCEPTED: "accepted",
    Answer.TENTATIVE: "tentativelyAccepted",
    Answer.DECLINED: "declined",
}
_PATHS = {Target.CHANGES: "/calendarView/delta", Target.DATES: "/(instances|calendarView)$"}
_KINDS: dict[Mishap, dict[str, Any]] = {
    Mishap.LOST_ANSWER: {"kind": "lost_after_commit"},
    Mishap.LOST_REQUEST: {"kind": "reset_before"},
    Mishap.TRUNCATED: {"kind": "truncate"},
    Mishap.UNAVAILABLE: {"kind": "unavailable"},
    Mishap.THROTTLED: {"kind": "mailbox_concurrency", "retry_after": 1},
    Mishap.LOGIN_PAGE: {"kind": "html_error", "status": 200},
    Mishap.UNAUTHORIZED: {"kind": "unauthorized"},
    Mishap.FORBIDDEN: {"kind": "access_denied"},
    Mishap.CURSOR_GONE: {"kind": "gone"},
    Mishap.EMPTY_PAGE: {"kind": "empty_page"},
    Mishap.DUPLICATED: {"kind": "duplicate"},
    Mishap.REORDERED: {"kind": "reordered"},
    Mishap.REPLAYED: {"kind": "replay_changes"},
}


class Office365Side:
    """See `tests.sync.machine.side.Side`."""

    zones = tuple(_WINDOWS)
    changes_bookings = True
    mishaps = possible(_KINDS)

    def __init__(self, sandbox: Sandbox, person: Person) -> None:
        self.person = person
        self._microsoft = sandbox.microsoft
        self._calendar = ""

    async def begin(self) -> None:
        await self._microsoft.reset()
        for email in (self.person.email, BOSS):
            await self._microsoft.account(email, time_zone=_WINDOWS[HOME.key])
        [calendar] = (await self._microsoft.describe(self.person.email))["calendars"]
        self._calendar = calendar["id"]
        assert (await self.person.connect("office365"))["status"] == "completed"

    async def heal(self) -> None:
        assert (await self.person.reauthorize())["status"] == "completed"

    async def close(self) -> None:
        await self._microsoft.reset()

    # what people do ------------------------------------------------------------------------------

    async def add(self, start: datetime, minutes: int, level: Level) -> str:
        return await self._create({**_times(start, minutes), "showAs": _SHOW_AS[level]})

    async def add_days(self, first: date, after: date, level: Level) -> str:
        start, end = ({"dateTime": f"{day}T00:00:00", "timeZone": _WINDOWS[HOME.key]} for day in (first, after))
        return await self._create({"isAllDay": True, "start": start, "end": end, "showAs": _SHOW_AS[level]})

    async def add_series(self, start: datetime, minutes: int, rule: Rule, level: Level) -> str:
        body = {**_times(start, minutes), "recurrence": _recurrence(start, rule), "showAs": _SHOW_AS[level]}
        return await self._create(body)

    async def _create(self, body: dict[str, Any]) -> str:
        made = await sent(self._microsoft.create_event(self.person.email, {"subject": "By hand", **body}))
        return str(made["id"])

    async def move(self, event_id: str, start: datetime, minutes: int) -> None:
        await self._edit(event_id, {**_times(start, minutes), "isAllDay": False})

    async def move_series(self, series_id: str, start: datetime, minutes: int, rule: Rule) -> None:
        await self._edit(series_id, {**_times(start, minutes), "recurrence": _recurrence(start, rule)})

    async def make_single(self, series_id: str) -> None:
        await self._edit(series_id, {"recurrence": None})

    async def block(self, event_id: str, level: Level) -> None:
        await self._edit(event_id, {"showAs": _SHOW_AS[level]})

    async def _edit(self, event_id: str, changes: dict[str, Any]) -> None:
        await sent(self._microsoft.edit_event(self.person.email, event_id, changes))

    async def delete(self, event_id: str) -> None:
        await sent(self._microsoft.delete_event(self.person.email, event_id))

    async def invite(self, start: datetime, minutes: int) -> Invitation:
        guest = {"emailAddress": {"address": self.person.email}, "type": "required"}
        made = await sent(
            self._microsoft.create_event(BOSS, {"subject": "You", "attendees": [guest], **_times(start, minutes)})
        )
        own = await self._microsoft.events(self.person.email)
        [copy] = [event["id"] for event in own if event["iCalUId"] == made["iCalUId"]]
        return Invitation(copy, made["id"])

    async def answer(self, invitation: Invitation, answer: Answer) -> None:
        email = self.person.email
        await sent(self._microsoft.answer_invitation(email, invitation.copy, attendee=email, response=_ANSWERS[answer]))

    async def move_invitation(self, invitation: Invitation, start: datetime, minutes: int) -> None:
        await sent(self._microsoft.edit_event(BOSS, invitation.original, _times(start, minutes)))

    async def call_off(self, invitation: Invitation) -> None:
        await sent(self._microsoft.delete_event(BOSS, invitation.original))

    # what goes wrong -----------------------------------------------------------------------------

    async def strike(self, mishap: Mishap, target: Target, *, nth: int, times: int) -> None:
        matches = [{"method": "GET", "path": _PATHS[target]}] if target in _PATHS else [
            {"method": method, "path": "/events(/[^/]+)?$"} for method in ("POST", "PATCH", "DELETE")
        ]  # fmt: skip
        for match in matches:
            await self._microsoft.add_fault(
                _KINDS[mishap], times=times, account=self.person.email, after=nth - 1, **match
            )

    async def clear(self) -> None:
        await self._microsoft.clear_faults()

    async def forget_cursors(self) -> None:
        await self._microsoft.expire_delta_tokens(self.person.email)

    async def expire_access(self) -> None:
        await self._microsoft.expire_access_tokens(self.person.email)

    async def page_size(self, rows: int | None) -> None:
        await self._microsoft.turn_knobs(page_size_cap=rows, repeat_across_pages=rows is not None)

    # what is true --------------------------------------------------------------------------------

    async def standing(self, start: datetime, end: datetime) -> list[Standing]:
        shown = await self._microsoft.view(self.person.email, start=start, end=end)
        return [_standing(event) for event in shown if not event["isCancelled"]]

    async def writes(self, since: int = 0) -> list[Write]:
        ledger = await self._microsoft.ledger(actor="api", calendar=self._calendar)
        return [Write(entry["operation"], entry["event_id"], booking_of(entry["key"])) for entry in ledger[since:]]


def _times(start: datetime, minutes: int) -> dict[str, Any]:
    zone = start.tzinfo
    assert isinstance(zone, ZoneInfo)
    end = (start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zone)
    return {
        name: {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": _WINDOWS[zone.key]}
        for name, moment in (("start", start), ("end", end))
    }


def _recurrence(start: datetime, rule: Rule) -> dict[str, Any]:
    pattern: dict[str, Any] = {"type": "weekly" if rule.weekly else "daily", "interval": rule.interval}
    if rule.weekly:
        pattern["daysOfWeek"] = [f"{start:%A}".lower()]
    first = {"startDate": start.date().isoformat()}
    if rule.count is None:
        return {"pattern": pattern, "range": {"type": "noEnd", **first}}
    return {"pattern": pattern, "range": {"type": "numbered", "numberOfOccurrences": rule.count, **first}}


def _standing(event: dict[str, Any]) -> Standing:
    zone = HOME if event["isAllDay"] else UTC  # whole days are told as midnights of whatever zone is asked for
    start, end = (
        seconds(datetime.fromisoformat(event[name]["dateTime"][:19]).replace(tzinfo=zone)) for name in ("start", "end")
    )
    declined = event["responseStatus"]["response"] == "declined"
    level = Level.FREE if declined else _LEVELS[event["showAs"]]
    return Standing(event["id"], event["seriesMasterId"], start, end, level)
