"""The other side at the simulated Exchange.

The one rule: the truth is what Outlook shows the person between two instants.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD
from tests.support.people import Person
from tests.sync.machine.side import HOME, Answer, Invitation, Level, Mishap, Rule, Standing, Target, Write
from tests.sync.machine.wire import booking_of, possible, seconds, sent

BOSS = "boss@example.com"
_BUSY = {Level.FREE: "Free", Level.TENTATIVE: "Tentative", Level.BUSY: "Busy", Level.AWAY: "OOF"}
_LEVELS = {shown: level for level, shown in _BUSY.items()} | {"WorkingElsewhere": Level.FREE}
_ANSWERS = {Answer.ACCEPTED: "Accept", Answer.TENTATIVE: "Tentative", Answer.DECLINED: "Decline"}
_OPERATIONS = {
    Target.CHANGES: "SyncFolderItems",
    Target.DATES: "FindItem|GetItem",
    Target.WRITES: "CreateItem|UpdateItem|DeleteItem",
}
_KINDS: dict[Mishap, dict[str, Any]] = {
    Mishap.LOST_ANSWER: {"kind": "lost_after_commit"},
    Mishap.LOST_REQUEST: {"kind": "reset_before"},
    Mishap.TRUNCATED: {"kind": "truncate"},
    Mishap.UNAVAILABLE: {"kind": "unavailable"},
    Mishap.THROTTLED: {"kind": "server_busy", "back_off_ms": 900},
    Mishap.LOGIN_PAGE: {"kind": "login_page"},
    Mishap.UNAUTHORIZED: {"kind": "unauthorized"},
    Mishap.FORBIDDEN: {"kind": "item_error", "code": "ErrorAccessDenied"},
    Mishap.CURSOR_GONE: {"kind": "item_error", "code": "ErrorInvalidSyncStateData"},
    Mishap.DUPLICATED: {"kind": "duplicate"},
    Mishap.REORDERED: {"kind": "reordered"},
}
_FIND_LIMIT, _CHANGES_CAP = 1000, 512


class ExchangeSide:
    """See `tests.sync.machine.side.Side`."""

    zones = (HOME.key, HOME.key, HOME.key, "America/New_York")
    """Mostly home: Exchange tells a calendar's zone to nobody, so it is taken to be that of most of its events."""
    changes_bookings = False
    mishaps = possible(_KINDS)
    """Not the simulator's empty pages and replays: their sync states leave changes out for good, and no client could
    know."""

    def __init__(self, sandbox: Sandbox, person: Person) -> None:
        self.person = person
        self._exchange = sandbox.exchange
        self._calendar = ""
        self._passwords = 0

    async def begin(self) -> None:
        await self._exchange.reset()
        # Not NTLM: it vouches for a whole connection, and a password changed meanwhile would not be noticed at once.
        await self._exchange.turn_knobs(authentication=["basic"])
        for email in (self.person.email, BOSS):
            await self._exchange.account(email, time_zone=HOME.key)
        [calendar] = (await self._exchange.show_account(self.person.email))["calendars"]
        self._calendar = calendar["id"]
        for day in range(1, 4):
            start = datetime.combine(self.person.day(-day), datetime.min.time(), HOME)
            await self.add(start, 60, Level.BUSY)
        answer = await self.person.connect_with_password(PASSWORD)
        assert answer.status_code == 201, answer.text

    async def heal(self) -> None:
        self._passwords += 1
        password = f"password-{self._passwords}"
        await self._exchange.change_account(self.person.email, password=password)
        answer = await self.person.patch(f"/v1/connections/{self.person.connection_id}", {"password": password})
        assert answer.status_code == 200, answer.text

    async def close(self) -> None:
        await self._exchange.reset()

    # what people do ------------------------------------------------------------------------------

    async def add(self, start: datetime, minutes: int, level: Level) -> str:
        return await self._create({**_times(start, minutes), "busy": _BUSY[level]})

    async def add_days(self, first: date, after: date, level: Level) -> str:
        days = {"start": f"{first}T00:00:00", "end": f"{after}T00:00:00", "zone": HOME.key, "all_day": True}
        return await self._create({**days, "busy": _BUSY[level]})

    async def add_series(self, start: datetime, minutes: int, rule: Rule, level: Level) -> str:
        body = {**_times(start, minutes), "recurrence": _recurrence(start, rule), "busy": _BUSY[level]}
        return await self._create(body)

    async def _create(self, item: dict[str, Any]) -> str:
        made = await sent(self._exchange.create_item(self.person.email, {"subject": "By hand", **item}))
        return str(made["id"])

    async def move(self, event_id: str, start: datetime, minutes: int) -> None:
        await self._change(event_id, {**_times(start, minutes), "all_day": False})

    async def move_series(self, series_id: str, start: datetime, minutes: int, rule: Rule) -> None:
        await self._change(series_id, {**_times(start, minutes), "recurrence": _recurrence(start, rule)})

    async def make_single(self, series_id: str) -> None:
        await self._change(series_id, {"recurrence": None})

    async def block(self, event_id: str, level: Level) -> None:
        await self._change(event_id, {"busy": _BUSY[level]})

    async def _change(self, event_id: str, changes: dict[str, Any]) -> None:
        await sent(self._exchange.change_item(self.person.email, event_id, changes))

    async def delete(self, event_id: str) -> None:
        await sent(self._exchange.delete_item(self.person.email, event_id))

    async def invite(self, start: datetime, minutes: int) -> Invitation:
        item = {"subject": "You", "required": [self.person.email], **_times(start, minutes)}
        made = await sent(self._exchange.create_item(BOSS, item, send=True))
        copy = await self._exchange.copy(self.person.email, made["uid"])
        return Invitation(copy["id"], made["id"])

    async def answer(self, invitation: Invitation, answer: Answer) -> None:
        await sent(self._exchange.respond(self.person.email, invitation.copy, _ANSWERS[answer]))

    async def move_invitation(self, invitation: Invitation, start: datetime, minutes: int) -> None:
        await sent(self._exchange.change_item(BOSS, invitation.original, _times(start, minutes), send=True))

    async def call_off(self, invitation: Invitation) -> None:
        await sent(self._exchange.cancel_meeting(BOSS, invitation.original))

    # what goes wrong -----------------------------------------------------------------------------

    async def strike(self, mishap: Mishap, target: Target, *, nth: int, times: int) -> None:
        match = {
            "query": f"^op=({_OPERATIONS[target]})(&|$)",
            "account": self.person.email,
            "after": nth - 1,
        }
        await self._exchange.add_fault(match=match, times=times, **_KINDS[mishap])

    async def clear(self) -> None:
        await self._exchange.clear_faults()

    async def forget_cursors(self) -> None:
        await self._exchange.expire_sync_states(self.person.email)

    async def expire_access(self) -> None:
        """The person has changed the password, and told us; whatever ran meanwhile had the old one."""
        await self.heal()

    async def page_size(self, rows: int | None) -> None:
        find = _FIND_LIMIT if rows is None else rows * 10
        await self._exchange.turn_knobs(sync_changes_cap=rows or _CHANGES_CAP, find_count_limit=find)

    # what is true --------------------------------------------------------------------------------

    async def standing(self, start: datetime, end: datetime) -> list[Standing]:
        shown = await self._exchange.view(self.person.email, start, end)
        return [_standing(item) for item in shown if not item["is_cancelled"]]

    async def writes(self, since: int = 0) -> list[Write]:
        ledger = await self._exchange.ledger(actor="api", calendar=self._calendar)
        return [Write(entry["operation"], entry["event_id"], booking_of(entry["key"])) for entry in ledger[since:]]


def _times(start: datetime, minutes: int) -> dict[str, Any]:
    zone = start.tzinfo
    assert isinstance(zone, ZoneInfo)
    end = (start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zone)
    return {"start": start.isoformat(), "end": end.isoformat(), "zone": zone.key}


def _recurrence(start: datetime, rule: Rule) -> dict[str, Any]:
    pattern: dict[str, Any] = {"pattern": "DailyRecurrence", "interval": rule.interval}
    if rule.weekly:
        pattern |= {"pattern": "WeeklyRecurrence", "days": [f"{start:%A}"]}
    return {**pattern, "start": start.date().isoformat(), "count": rule.count}


def _standing(item: dict[str, Any]) -> Standing:
    start, end = (seconds(datetime.fromisoformat(item[name])) for name in ("start", "end"))
    level = Level.FREE if item["my_response"] == "Decline" else _LEVELS[item["busy"]]
    series = item["uid"] if item["original_start"] is not None else None
    return Standing(item["id"], series, start, end, level)
