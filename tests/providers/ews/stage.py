"""The contract's stage at the simulated Exchange, over real TLS; it refuses what Exchange's schema does not know."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.calendar import AllDay, Busy, Timed, When, utc_now
from app.providers.base import ReauthRequired
from app.providers.credentials import Credentials
from app.providers.ews.provider import ExchangeProvider, ExchangeSettings
from app.providers.ews.session import ExchangeSession
from tests.providers.stage import HOME, Fault
from tests.sandbox.exchange.live import PASSWORD, Sandbox

ADA = "ada@example.com"
BOSS = "boss@example.com"
_BUSY = {Busy.FREE: "Free", Busy.TENTATIVE: "Tentative", Busy.BUSY: "Busy", Busy.OUT_OF_OFFICE: "OOF"}
_FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.LOST_ANSWER: {"kind": "lost_after_commit"},
    Fault.LOST_REQUEST: {"kind": "reset_before"},
    Fault.UNAVAILABLE: {"kind": "unavailable"},
    Fault.THROTTLED: {"kind": "server_busy", "back_off_ms": 7000},
    Fault.LOGIN_PAGE: {"kind": "login_page"},
    Fault.TRUNCATED: {"kind": "truncate"},
}
_RESPONSES = {"accepted": "Accept", "declined": "Decline", "tentative": "Tentative"}
_REFUSED_BY_OUTLOOK = 409


def exchange_provider(**settings: Any) -> ExchangeProvider:
    """Exchange, with this machine among the operator's own hosts."""
    return ExchangeProvider(ExchangeSettings(allowed_hosts=("127.0.0.1",), **settings), clock=utc_now)


def credentials(sandbox: Sandbox, email: str = ADA, **changes: Any) -> Credentials:
    """What a person of the sandbox types in."""
    typed = {
        "email": email,
        "password": PASSWORD,
        "url": f"{sandbox.base_url}/EWS/Exchange.asmx",
        "certificate": sandbox.certificates.authority.read_text(),
    }
    return Credentials(**{**typed, **changes})


class PasswordTokens:
    """A `TokenSource` over a password: a renewal gives what the person has typed in since."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.newer: str | None = None
        self.renewals = 0

    async def token(self) -> str:
        return self.secret

    async def renew(self, rejected: str) -> str:
        self.renewals += 1
        if self.newer is None:
            raise ReauthRequired(provider_code="password_changed")
        self.secret, self.newer = self.newer, None
        return self.secret


@dataclass
class ExchangeStage:
    """See `tests.providers.stage.Stage`."""

    sandbox: Sandbox
    provider: ExchangeProvider
    session: ExchangeSession
    tokens: PasswordTokens
    calendar_id: str
    shared_calendar_id: str
    _invited: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        when: When,
        *,
        busy: Busy = Busy.BUSY,
        weeks: int = 0,
        title: str = "Private",
        guests: Sequence[str] = (),
        private: bool = False,
    ) -> str:
        item = {"subject": title, "busy": _BUSY[busy], "required": list(guests), **_times(when)}
        if private:
            item["sensitivity"] = "Private"
        if weeks:
            item["recurrence"] = _weekly(when, weeks)
        return str(self.sandbox.human(ADA, item)["id"])

    def free(self, event_id: str) -> None:
        self.sandbox.change(ADA, event_id, busy="Free")

    def copy(self, event_id: str) -> str:
        return str(self.sandbox.control("POST", f"/accounts/{ADA}/items/copy", {"id": event_id})["id"])

    def add_to_shared(self, when: When) -> None:
        self.sandbox.human(BOSS, {"subject": "x", **_times(when)}, self.shared_calendar_id)

    def invite(self, when: When) -> str:
        item = {"subject": "You", "required": [ADA, "alan@elsewhere.example"], **_times(when)}
        uid = self.sandbox.human(BOSS, item, send=True)["uid"]
        event_id = str(self.sandbox.control("GET", f"/accounts/{ADA}/copy", uid=uid)["id"])
        self._invited[event_id] = uid
        return event_id

    def move(self, event_id: str, when: Timed) -> None:
        """Outlook lets nobody put one date of a series past another: then it stays where it is."""
        known = self.sandbox.control("GET", f"/accounts/{ADA}/item", id=event_id)
        changes = _times(when)
        if known["kind"] == "RecurringMaster":
            changes["recurrence"] = _weekly(when, known["recurrence"]["count"])
        body = {"id": event_id, "changes": changes}
        answer = self.sandbox.http.request("PATCH", f"/control/exchange/accounts/{ADA}/items", json=body)
        if answer.status_code == _REFUSED_BY_OUTLOOK:
            assert answer.json()["code"] == "ErrorOccurrenceCrossingBoundary", answer.text
        else:
            assert answer.is_success, answer.text

    def make_all_day(self, event_id: str, days: AllDay) -> None:
        self.sandbox.change(ADA, event_id, **_times(days))

    def make_single(self, series_id: str) -> None:
        self.sandbox.change(ADA, series_id, recurrence=None)

    def delete(self, event_id: str) -> None:
        self.sandbox.control("POST", f"/accounts/{ADA}/items/delete", {"id": event_id})

    def answers_as_seen_by_organizer(self, event_id: str) -> dict[str, str]:
        meeting = self.sandbox.control("GET", f"/accounts/{BOSS}/copy", uid=self._invited[event_id])
        return {guest["email"]: guest["response"] for guest in meeting["attendees"]}

    def guest_answers(self, event_id: str, email: str, answer: str) -> None:
        body = {"id": event_id, "attendee": email, "response": _RESPONSES[answer]}
        self.sandbox.control("POST", f"/accounts/{ADA}/rsvp", body)

    def own_calendars(self) -> dict[str, str]:
        calendars = self.sandbox.control("GET", f"/accounts/{ADA}")["calendars"]
        return {calendar["id"]: calendar["name"] for calendar in calendars if not calendar["in_bin"]}

    def rename_calendar(self, calendar_id: str, name: str) -> None:
        self.sandbox.control("PATCH", f"/accounts/{ADA}/calendars", calendar=calendar_id, name=name)

    def delete_calendar(self, calendar_id: str) -> None:
        """As Outlook does it."""
        self.sandbox.control("DELETE", f"/accounts/{ADA}/calendars", calendar=calendar_id, to_bin=True)

    def live_events(self) -> Sequence[str]:
        return [item["id"] for item in self.sandbox.control("GET", f"/accounts/{ADA}/items")]

    def mailed(self, event_id: str) -> Sequence[str]:
        return [mail["to"] for mail in self.sandbox.control("GET", "/outbox", event_id=event_id)]

    def page_size(self, rows: int) -> None:
        self.sandbox.control("PATCH", "/knobs", {"sync_changes_cap": rows, "find_count_limit": rows})

    def strike(self, fault: Fault, *, write: bool) -> None:
        operations = "CreateItem|UpdateItem|DeleteItem|CreateFolder" if write else "SyncFolderItems|FindItem"
        self.sandbox.fault(match={"query": f"^op=({operations})(&|$)"}, **_FAULTS[fault])

    def strike_busy(self) -> None:
        self.sandbox.fault("item_error", code="ErrorAccessDenied", match={"operation": "FindItem"})

    def expire_cursors(self) -> None:
        self.sandbox.control("POST", "/expire-sync-states", account=ADA)

    def expire_access_token(self) -> None:
        """The person has another password, and has told us."""
        self._change_password("a-new-password")
        self.tokens.newer = self.tokens.secret.replace(PASSWORD, "a-new-password")

    def revoke(self) -> None:
        self._change_password("untold")

    def _change_password(self, password: str) -> None:
        self.sandbox.control("PATCH", f"/accounts/{ADA}", {"password": password})

    def unshare(self) -> None:
        self._share("None")

    def _share(self, level: str) -> None:
        path = f"/accounts/{BOSS}/calendars/permissions"
        self.sandbox.control("PUT", path, {"account": ADA, "level": level}, calendar=self.shared_calendar_id)


async def set_the_stage(sandbox: Sandbox, provider: ExchangeProvider) -> ExchangeStage:
    """A person who is connected, a boss, and a calendar of the boss that the person may read."""
    sandbox.control("POST", "/reset")
    # A connection that NTLM has let in stays in, whatever becomes of the password.
    sandbox.control("PATCH", "/knobs", {"authentication": ["basic"]})
    for email in (ADA, BOSS):
        sandbox.account(email, time_zone=HOME.key)
    team = sandbox.control("POST", f"/accounts/{BOSS}/calendars", {"name": "Team"})["id"]
    own = sandbox.control("GET", f"/accounts/{ADA}")["calendars"][0]["id"]
    tokens = PasswordTokens((await provider.verify(credentials(sandbox))).secret)
    stage = ExchangeStage(sandbox, provider, provider.open(tokens), tokens, own, team)
    stage._share("Reviewer")
    return stage


def _times(when: When) -> dict[str, Any]:
    if isinstance(when, AllDay):
        days = {name: f"{day.isoformat()}T00:00:00" for name, day in (("start", when.start), ("end", when.end))}
        return {**days, "zone": HOME.key, "all_day": True}
    zone = ZoneInfo(when.zone or "UTC")
    return {"start": _wall(when.start, zone), "end": _wall(when.end, zone), "zone": zone.key}


def _wall(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).isoformat()


def _weekly(when: When, weeks: int) -> dict[str, Any]:
    first: date = when.start if isinstance(when, AllDay) else when.start.astimezone(HOME).date()
    pattern = {"pattern": "WeeklyRecurrence", "interval": 1, "days": [f"{first:%A}"]}
    return {**pattern, "start": first.isoformat(), "count": weeks}
