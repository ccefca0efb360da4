"""The contract's stage at the simulated Google, over real sockets; every request of ours is held against the
discovery document by the simulator's strict mode."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.calendar import AllDay, Busy, Timed, When
from app.providers.base import Grant
from app.providers.google.drafts import rfc3339
from app.providers.google.oauth import GoogleSettings
from app.providers.google.provider import GoogleProvider
from app.providers.google.session import GoogleSession
from sandbox.google.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from tests.providers.stage import HOME, Fault
from tests.sandbox.google.live import Sandbox

ADA = "ada@example.com"
BOSS = "boss@example.com"
SHARED = "team@group.calendar.google.com"
_FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.LOST_ANSWER: {"kind": "lost_after_commit"},
    Fault.LOST_REQUEST: {"kind": "reset_before"},
    Fault.UNAVAILABLE: {"kind": "unavailable"},
    Fault.THROTTLED: {"kind": "user_rate_limit", "retry_after": 7},
    Fault.LOGIN_PAGE: {"kind": "html_error", "status": 200},
    Fault.TRUNCATED: {"kind": "truncate"},
}


def google_settings(base_url: str) -> GoogleSettings:
    """Our registration at the simulated Google."""
    return GoogleSettings(
        client_id=SANDBOX_CLIENT_ID,
        client_secret=SANDBOX_CLIENT_SECRET,
        auth_url=f"{base_url}/google/o/oauth2/v2/auth",
        token_url=f"{base_url}/google/token",
        revoke_url=f"{base_url}/google/revoke",
        userinfo_url=f"{base_url}/google/v1/userinfo",
        api_url=f"{base_url}/google/calendar/v3",
    )


class GrantTokens:
    """A `TokenSource` over a grant, renewed at the provider."""

    def __init__(self, provider: GoogleProvider, grant: Grant) -> None:
        self._provider = provider
        self._access = grant.access_token
        self._refresh = grant.refresh_token

    async def token(self) -> str:
        return self._access

    async def renew(self, rejected: str) -> str:
        if rejected == self._access:
            assert self._refresh is not None
            self._access = (await self._provider.refresh(self._refresh)).access_token
        return self._access


@dataclass
class GoogleStage:
    """See `tests.providers.stage.Stage`."""

    sandbox: Sandbox
    provider: GoogleProvider
    session: GoogleSession
    calendar_id: str = ADA
    shared_calendar_id: str = SHARED
    _home: dict[str, str] = field(default_factory=dict)

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
        body: dict[str, Any] = {"summary": title, "attendees": [{"email": guest} for guest in guests], **_times(when)}
        if private:
            body["visibility"] = "private"
        if weeks:
            body["recurrence"] = [f"RRULE:FREQ=WEEKLY;COUNT={weeks}"]
        if busy is Busy.FREE:
            body["transparency"] = "transparent"
        elif busy is Busy.TENTATIVE:
            body["status"] = "tentative"
        elif busy is Busy.OUT_OF_OFFICE:
            body["eventType"] = "outOfOffice"
            body["outOfOfficeProperties"] = {"autoDeclineMode": "declineNone"}
        return str(self.sandbox.human("POST", ADA, "", body)["id"])

    def free(self, event_id: str) -> None:
        self.sandbox.human("PATCH", ADA, f"/{event_id}", {"transparency": "transparent"})

    def copy(self, event_id: str) -> str:
        return str(self.sandbox.human("POST", ADA, f"/{event_id}/copy")["id"])

    def add_to_shared(self, when: When) -> None:
        self.sandbox.control("POST", f"/accounts/{BOSS}/calendars/{SHARED}/events", {"summary": "x", **_times(when)})

    def invite(self, when: When) -> str:
        guests = [{"email": ADA}, {"email": "alan@elsewhere.example", "responseStatus": "accepted"}]
        body = {"summary": "Your presence", "attendees": guests, **_times(when)}
        return str(self.sandbox.human("POST", BOSS, "", body)["id"])

    def move(self, event_id: str, when: Timed) -> None:
        self.sandbox.human("PATCH", ADA, f"/{event_id}", _times(when))

    def make_all_day(self, event_id: str, days: AllDay) -> None:
        no_time = {"dateTime": None, "timeZone": None}
        body = {bound: {**day, **no_time} for bound, day in _times(days).items()}
        self.sandbox.human("PATCH", ADA, f"/{event_id}", body)

    def make_single(self, series_id: str) -> None:
        self.sandbox.human("PATCH", ADA, f"/{series_id}", {"recurrence": None})

    def delete(self, event_id: str) -> None:
        self.sandbox.human("DELETE", ADA, f"/{event_id}")

    def answers_as_seen_by_organizer(self, event_id: str) -> dict[str, str]:
        event = self.sandbox.human("GET", BOSS, f"/{event_id}")
        return {guest["email"]: guest["responseStatus"] for guest in event["attendees"]}

    def guest_answers(self, event_id: str, email: str, answer: str) -> None:
        body = {"event": event_id, "attendee": email, "response": answer}
        self.sandbox.control("POST", f"/accounts/{ADA}/rsvp", body)

    def own_calendars(self) -> dict[str, str]:
        calendars = self.sandbox.control("GET", f"/accounts/{ADA}")["calendars"]
        return {calendar["id"]: calendar["summary"] for calendar in calendars if calendar["role"] == "owner"}

    def rename_calendar(self, calendar_id: str, name: str) -> None:
        self.sandbox.control("PATCH", f"/calendars/{calendar_id}", {"summary": name})

    def delete_calendar(self, calendar_id: str) -> None:
        self.sandbox.control("DELETE", f"/calendars/{calendar_id}")

    def live_events(self) -> Sequence[str]:
        return [event["id"] for event in self.sandbox.human("GET", ADA)]

    def mailed(self, event_id: str) -> Sequence[str]:
        return [mail["to"] for mail in self.sandbox.control("GET", "/outbox", event_id=event_id)]

    def page_size(self, rows: int) -> None:
        self.sandbox.control("PATCH", "/knobs", {"page_size_cap": rows})

    def strike(self, fault: Fault, *, write: bool) -> None:
        action = _FAULTS[fault]
        if write:
            for method in ("POST", "PATCH", "DELETE"):
                self._strike_once(action, {"method": method, "path": "/(events(/[^/]+)?|calendars)$"})
            return
        self._strike_once(action, {"method": "GET", "path": "/(events|instances)$"})
        self._strike_once(action, {"method": "POST", "path": "/freeBusy$"})

    def _strike_once(self, action: dict[str, Any], match: dict[str, Any]) -> None:
        self.sandbox.fault(match=match, **action)

    def strike_busy(self) -> None:
        self.sandbox.fault("calendar_internal_error", match={"path": "/freeBusy$"})

    def expire_cursors(self) -> None:
        self.sandbox.control("POST", "/expire-sync-tokens", account=ADA)

    def expire_access_token(self) -> None:
        self.sandbox.control("POST", "/expire-access-tokens", account=ADA)

    def revoke(self) -> None:
        self.sandbox.control("POST", f"/accounts/{ADA}/revoke")

    def unshare(self) -> None:
        self.sandbox.control("PUT", f"/calendars/{SHARED}/access", {"account": ADA, "role": "none"})


def set_up(sandbox: Sandbox) -> None:
    """A person, a boss, and a calendar of the boss that the person may read."""
    sandbox.control("POST", "/reset")
    for email in (ADA, BOSS):
        sandbox.account(email, time_zone=HOME.key)
    sandbox.control("POST", f"/accounts/{BOSS}/calendars", {"summary": "Team", "id": SHARED})
    sandbox.control("PUT", f"/calendars/{SHARED}/access", {"account": ADA, "role": "reader"})


def _times(when: When) -> dict[str, Any]:
    if isinstance(when, AllDay):
        return {"start": {"date": when.start.isoformat()}, "end": {"date": when.end.isoformat()}}
    return {
        name: {"dateTime": rfc3339(instant), "timeZone": when.zone or "UTC"}
        for name, instant in (("start", when.start), ("end", when.end))
    }
