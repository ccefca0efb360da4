"""The contract's stage at the simulated Microsoft, over real sockets; it refuses what Graph does not know."""

import base64
import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from app.calendar import AllDay, Busy, Timed, When
from app.providers.base import Grant
from app.providers.graph.oauth import Office365Settings
from app.providers.graph.provider import Office365Provider
from app.providers.graph.session import Office365Session
from sandbox.clock import Clock
from sandbox.microsoft.app import create_microsoft
from sandbox.microsoft.control import create_control
from sandbox.microsoft.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sandbox.microsoft.world import MicrosoftWorld
from tests.providers.stage import HOME, Fault

ADA = "ada@example.com"
BOSS = "boss@example.com"
REDIRECT = "http://127.0.0.1:9/callback"
VERIFIER = "a-code-verifier-of-some-forty-three-characters-at-least"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
_WINDOWS = {"Europe/Berlin": "W. Europe Standard Time", None: "UTC", "UTC": "UTC"}
_SHOW_AS = {Busy.FREE: "free", Busy.TENTATIVE: "tentative", Busy.BUSY: "busy", Busy.OUT_OF_OFFICE: "oof"}
_FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.LOST_ANSWER: {"kind": "lost_after_commit"},
    Fault.LOST_REQUEST: {"kind": "reset_before"},
    Fault.UNAVAILABLE: {"kind": "unavailable"},
    Fault.THROTTLED: {"kind": "mailbox_concurrency", "retry_after": 7},
    Fault.LOGIN_PAGE: {"kind": "html_error", "status": 200},
    Fault.TRUNCATED: {"kind": "truncate"},
}
_REFUSED_BY_OUTLOOK = 400


@dataclass(frozen=True)
class Sandbox:
    """Microsoft, and the hands of whoever runs the experiment."""

    base_url: str
    http: httpx.Client

    def control(self, verb: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.send(verb, path, body, **query)
        assert answer.is_success, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def send(self, verb: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return self.http.request(verb, f"/control/microsoft{path}", json=body, params=query)

    def human(self, verb: str, email: str, path: str = "", body: Any = None) -> Any:
        """What a person does in Outlook, on the default calendar."""
        return self.control(verb, f"/accounts/{email}/calendars/default/events{path}", body)

    def fault(self, kind: str, *, match: dict[str, Any], **action: Any) -> None:
        self.control("POST", "/faults", {"match": match, "action": {"kind": kind, **action}, "times": 1})

    def code(self, authorization_url: str, email: str) -> str:
        """The person picks the account on the consent page, and accepts."""
        fields = dict(parse_qsl(urlsplit(authorization_url).query))
        page = authorization_url.partition("?")[0]
        answer = self.http.post(f"{page}/decision", data={**fields, "account": email, "decision": "allow"})
        assert answer.is_redirect, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


@contextmanager
def running_microsoft() -> Iterator[Sandbox]:
    """Microsoft and its control API on a free port of this machine."""
    world = MicrosoftWorld(Clock())
    routes = [Mount("/control/microsoft", create_control(world)), Mount("/microsoft", create_microsoft(world))]
    config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, log_level="error", loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server did not start"
    base_url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        with httpx.Client(base_url=base_url, timeout=10) as http:
            yield Sandbox(base_url, http)
    finally:
        server.should_exit = True
        thread.join(10)


def office365_settings(base_url: str) -> Office365Settings:
    """Our registration at the simulated Microsoft."""
    return Office365Settings(
        client_id=SANDBOX_CLIENT_ID,
        client_secret=SANDBOX_CLIENT_SECRET,
        authority_url=f"{base_url}/microsoft/common",
        api_url=f"{base_url}/microsoft/v1.0",
        horizon_days=400,
    )


class GrantTokens:
    """A `TokenSource` over a grant, renewed at the provider; it keeps the newest refresh token, as everybody must."""

    def __init__(self, provider: Office365Provider, grant: Grant) -> None:
        self._provider = provider
        self._grant = grant

    async def token(self) -> str:
        return self._grant.access_token

    async def renew(self, rejected: str) -> str:
        if rejected == self._grant.access_token:
            assert self._grant.refresh_token is not None
            self._grant = await self._provider.refresh(self._grant.refresh_token)
        return self._grant.access_token


@dataclass
class Office365Stage:
    """See `tests.providers.stage.Stage`."""

    sandbox: Sandbox
    provider: Office365Provider
    session: Office365Session
    calendar_id: str
    shared_calendar_id: str
    _team: str
    """The shared calendar's id in its owner's mailbox."""

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
        body: dict[str, Any] = {"subject": title, "showAs": _SHOW_AS[busy], **_times(when)}
        body["attendees"] = [_guest(guest) for guest in guests]
        body["sensitivity"] = "private" if private else "normal"
        if weeks:
            body["recurrence"] = _weekly(when, weeks)
        return str(self.sandbox.human("POST", ADA, "", body)["id"])

    def free(self, event_id: str) -> None:
        self.sandbox.human("PATCH", ADA, f"/{event_id}", {"showAs": "free"})

    def copy(self, event_id: str) -> str:
        return str(self.sandbox.human("POST", ADA, f"/{event_id}/copy")["id"])

    def add_to_shared(self, when: When) -> None:
        path = f"/accounts/{BOSS}/calendars/{self._team}/events"
        self.sandbox.control("POST", path, {"subject": "x", **_times(when)})

    def invite(self, when: When) -> str:
        guests = [_guest(ADA), {**_guest("alan@elsewhere.example"), "status": {"response": "accepted"}}]
        invitation = self.sandbox.human("POST", BOSS, "", {"subject": "You", "attendees": guests, **_times(when)})
        return self._copy(ADA, invitation["iCalUId"])["id"]

    def move(self, event_id: str, when: Timed) -> None:
        """Outlook lets nobody put one date of a series past another: then it stays where it is."""
        event = self.sandbox.human("GET", ADA, f"/{event_id}")
        body = _times(when)
        if event["type"] == "seriesMaster":
            body["recurrence"] = _weekly(when, event["recurrence"]["range"]["numberOfOccurrences"])
        answer = self.sandbox.send("PATCH", f"/accounts/{ADA}/calendars/default/events/{event_id}", body)
        if answer.status_code == _REFUSED_BY_OUTLOOK:
            assert answer.json()["error"]["code"] == "ErrorOccurrenceCrossingBoundary", answer.text
        else:
            assert answer.is_success, answer.text

    def make_all_day(self, event_id: str, days: AllDay) -> None:
        self.sandbox.human("PATCH", ADA, f"/{event_id}", _times(days))

    def make_single(self, series_id: str) -> None:
        self.sandbox.human("PATCH", ADA, f"/{series_id}", {"recurrence": None})

    def delete(self, event_id: str) -> None:
        self.sandbox.human("DELETE", ADA, f"/{event_id}")

    def answers_as_seen_by_organizer(self, event_id: str) -> dict[str, str]:
        del event_id  # what one declines is gone, but the boss has invited to nothing else
        [event] = self.sandbox.human("GET", BOSS)
        return {guest["emailAddress"]["address"]: guest["status"]["response"] for guest in event["attendees"]}

    def guest_answers(self, event_id: str, email: str, answer: str) -> None:
        body = {"event": event_id, "attendee": email, "response": answer}
        self.sandbox.control("POST", f"/accounts/{ADA}/rsvp", body)

    def own_calendars(self) -> dict[str, str]:
        calendars = self.sandbox.control("GET", f"/accounts/{ADA}")["calendars"]
        return {calendar["id"]: calendar["name"] for calendar in calendars if calendar["role"] == "owner"}

    def rename_calendar(self, calendar_id: str, name: str) -> None:
        self.sandbox.control("PATCH", f"/accounts/{ADA}/calendars/{calendar_id}", {"name": name})

    def delete_calendar(self, calendar_id: str) -> None:
        self.sandbox.control("DELETE", f"/accounts/{ADA}/calendars/{calendar_id}")

    def live_events(self) -> Sequence[str]:
        return [event["id"] for event in self.sandbox.human("GET", ADA)]

    def mailed(self, event_id: str) -> Sequence[str]:
        return [mail["to"] for mail in self.sandbox.control("GET", "/outbox", event_id=event_id)]

    def page_size(self, rows: int) -> None:
        self.sandbox.control("PATCH", "/knobs", {"page_size_cap": rows})

    def strike(self, fault: Fault, *, write: bool) -> None:
        if write:
            for method in ("POST", "PATCH", "DELETE"):
                self.sandbox.fault(match={"method": method, "path": "/(events(/[^/]+)?|calendars)$"}, **_FAULTS[fault])
            return
        self.sandbox.fault(match={"method": "GET", "path": "/(calendarView|instances|delta)$"}, **_FAULTS[fault])

    def strike_busy(self) -> None:
        self.sandbox.fault("access_denied", match={"path": "/calendarView$"})

    def expire_cursors(self) -> None:
        self.sandbox.control("POST", "/expire-delta-tokens", account=ADA)

    def expire_access_token(self) -> None:
        self.sandbox.control("POST", "/expire-access-tokens", account=ADA)

    def revoke(self) -> None:
        """The access token would live on for its hour."""
        self.sandbox.control("POST", f"/accounts/{ADA}/trouble", {"kind": "revoked"})
        self.expire_access_token()

    def unshare(self) -> None:
        path = f"/accounts/{BOSS}/calendars/{self._team}/access"
        self.sandbox.control("PUT", path, {"account": ADA, "role": "none"})

    def _copy(self, email: str, uid: str) -> dict[str, Any]:
        found = [event for event in self.sandbox.human("GET", email) if event["iCalUId"] == uid]
        assert len(found) == 1
        return dict(found[0])


async def set_the_stage(sandbox: Sandbox, provider: Office365Provider) -> Office365Stage:
    """A person who is connected, a boss, and a calendar of the boss that the person may read."""
    sandbox.control("POST", "/reset")
    accounts = [
        sandbox.control("POST", "/accounts", {"email": email, "name": email.partition("@")[0], "time_zone": HOME.key})
        for email in (ADA, BOSS)
    ]
    team = sandbox.control("POST", f"/accounts/{BOSS}/calendars", {"name": "Team"})["id"]
    share = {"account": ADA, "role": "read"}
    shared = sandbox.control("PUT", f"/accounts/{BOSS}/calendars/{team}/access", share)["id"]
    url = provider.authorization_url(state="s", code_challenge=CHALLENGE, redirect_uri=REDIRECT, login_hint=ADA)
    grant = await provider.exchange_code(sandbox.code(url, ADA), code_verifier=VERIFIER, redirect_uri=REDIRECT)
    session = provider.open(GrantTokens(provider, grant))
    return Office365Stage(sandbox, provider, session, accounts[0]["calendars"][0]["id"], shared, team)


def _guest(email: str) -> dict[str, Any]:
    return {"emailAddress": {"address": email}, "type": "required"}


def _times(when: When) -> dict[str, Any]:
    if isinstance(when, AllDay):
        start, end = (
            {"dateTime": f"{day.isoformat()}T00:00:00", "timeZone": _WINDOWS[HOME.key]}
            for day in (when.start, when.end)
        )
        return {"isAllDay": True, "start": start, "end": end}
    zone = ZoneInfo(when.zone or "UTC")
    return {"start": _wall(when.start, zone), "end": _wall(when.end, zone)}


def _wall(instant: datetime, zone: ZoneInfo) -> dict[str, str]:
    return {"dateTime": f"{instant.astimezone(zone):%Y-%m-%dT%H:%M:%S}", "timeZone": _WINDOWS[zone.key]}


def _weekly(when: When, weeks: int) -> dict[str, Any]:
    first: date = when.start if isinstance(when, AllDay) else when.start.astimezone(HOME).date()
    return {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [f"{first:%A}".lower()]},
        "range": {"type": "numbered", "startDate": first.isoformat(), "numberOfOccurrences": weeks},
    }
