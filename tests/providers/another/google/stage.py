"""The contract's stage at another Google: the person acts on the server's memory, past every client.

The one rule: the same as of `tests.providers.stage`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from httpx import URL

from app.calendar import AllDay, Busy, Timed, When, utc_now
from app.http import HttpClient
from app.providers.base import Grant
from app.providers.google.oauth import GoogleSettings
from app.providers.google.provider import GoogleProvider
from app.providers.google.session import GoogleSession
from tests.providers.another.google.calendars import Calendar, stamp, ticks
from tests.providers.another.google.server import CLIENT_ID, CLIENT_SECRET, WRITES, AnotherGoogle
from tests.providers.another.google.wire import Json
from tests.providers.google.stage import GrantTokens
from tests.providers.stage import HOME, Fault
from tests.sandbox.google.live import CHALLENGE, VERIFIER

ADA = "ada@example.com"
BOSS = "boss@example.com"
SHARED = "c_188#team@group.calendar.google.com"
REDIRECT = "https://service.example/v1/oauth/google/callback"
READS = ("events.list", "events.instances", "freebusy.query")


def settings_of(google: AnotherGoogle) -> GoogleSettings:
    """Our registration at this server."""
    return GoogleSettings(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        auth_url=f"{google.url}/o/oauth2/v2/auth",
        token_url=f"{google.url}/token",
        revoke_url=f"{google.url}/revoke",
        userinfo_url=f"{google.url}/v1/userinfo",
        api_url=f"{google.url}/calendar/v3",
    )


def returned(google: AnotherGoogle, provider: GoogleProvider, *, without: Sequence[str] = ()) -> dict[str, str]:
    """Sign in in the browser; what the browser brings back."""
    url = provider.authorization_url(state="st/a=te +", code_challenge=CHALLENGE, redirect_uri=REDIRECT, login_hint=ADA)
    return dict(URL(google.doors.consent(url, ADA, without=without)).params)


async def granted(google: AnotherGoogle, provider: GoogleProvider, *, without: Sequence[str] = ()) -> Grant:
    """Sign in, to all but some scopes."""
    code = returned(google, provider, without=without)["code"]
    return await provider.exchange_code(code, code_verifier=VERIFIER, redirect_uri=REDIRECT)


@asynccontextmanager
async def staged(google: AnotherGoogle) -> AsyncIterator["AnotherStage"]:
    """A person, a boss, and a calendar of the boss that the person may read."""
    google.person(ADA, HOME.key)
    google.person(BOSS, HOME.key)
    google.calendar(SHARED, "Team", HOME.key, owner=BOSS).roles[ADA] = "reader"
    async with HttpClient(timeout_seconds=5) as http:
        provider = GoogleProvider(settings_of(google), http, clock=utc_now)
        grant = await granted(google, provider)
        yield AnotherStage(google, provider, provider.open(GrantTokens(provider, grant)))


@dataclass
class AnotherStage:
    """See `tests.providers.stage.Stage`."""

    google: AnotherGoogle
    provider: GoogleProvider
    session: GoogleSession
    calendar_id: str = ADA
    shared_calendar_id: str = SHARED

    @property
    def own(self) -> Calendar:
        return self.google.calendars[ADA]

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
        body: Json = {"summary": title, "attendees": [{"email": guest} for guest in guests], **times(when)}
        if private:
            body["visibility"] = "private"
        if weeks:
            body["recurrence"] = [f"RRULE:FREQ=WEEKLY;COUNT={weeks}"]
        if busy is Busy.FREE:
            body["transparency"] = "transparent"
        elif busy is Busy.TENTATIVE:
            body["status"] = "tentative"
        elif busy is Busy.OUT_OF_OFFICE:
            body |= {"eventType": "outOfOffice", "outOfOfficeProperties": {"autoDeclineMode": "declineNone"}}
        return self.insert(**body)

    def insert(self, **body: Any) -> str:
        """Whatever Google's own apps can make; its id."""
        return str(self.google.events.insert(self.own, {}, body)["id"])

    def free(self, event_id: str) -> None:
        self._patch(event_id, {"transparency": "transparent"})

    def copy(self, event_id: str) -> str:
        kept = ("summary", "start", "end", "extendedProperties", "attendees")
        original = self.own.events[event_id]
        return self.insert(**{name: original[name] for name in kept if name in original})

    def add_to_shared(self, when: When) -> None:
        self.google.events.insert(self.google.calendars[SHARED], {}, {"summary": "x", **times(when)})

    def invite(self, when: When) -> str:
        guests = [{"email": ADA}, {"email": "alan@elsewhere.example", "responseStatus": "accepted"}]
        body = {"summary": "Your presence", "attendees": guests, **times(when)}
        return str(self.google.events.insert(self.google.calendars[BOSS], {}, body)["id"])

    def move(self, event_id: str, when: Timed) -> None:
        self._patch(event_id, times(when))

    def make_all_day(self, event_id: str, days: AllDay) -> None:
        no_time = {"dateTime": None, "timeZone": None}
        self._patch(event_id, {bound: {**day, **no_time} for bound, day in times(days).items()})

    def make_single(self, series_id: str) -> None:
        self._patch(series_id, {"recurrence": None})

    def delete(self, event_id: str) -> None:
        self.google.events.delete(self.own, event_id, {})

    def answers_as_seen_by_organizer(self, event_id: str) -> dict[str, str]:
        event = self.google.calendars[BOSS].events[event_id]
        return {guest["email"]: guest["responseStatus"] for guest in event["attendees"]}

    def guest_answers(self, event_id: str, email: str, answer: str) -> None:
        event = self.own.find(event_id)
        assert event is not None
        guests = event["attendees"]
        changed = [guest | {"responseStatus": answer} if guest["email"] == email else guest for guest in guests]
        self._patch(event_id, {"attendees": changed})

    def own_calendars(self) -> dict[str, str]:
        mine = [one for one in self.google.calendars.values() if one.owner == ADA and not one.deleted]
        return {calendar.id: calendar.name for calendar in mine}

    def rename_calendar(self, calendar_id: str, name: str) -> None:
        self.google.calendars[calendar_id].name = name

    def delete_calendar(self, calendar_id: str) -> None:
        self.google.calendars[calendar_id].deleted = True

    def live_events(self) -> Sequence[str]:
        return [event["id"] for event in self.own.live()]

    def mailed(self, event_id: str) -> Sequence[str]:
        return [to for event, to in self.google.events.mail if event == event_id]

    def page_size(self, rows: int) -> None:
        self.google.events.page_size = rows

    def strike(self, fault: Fault, *, write: bool) -> None:
        self.google.faults += [(verb, fault) for verb in (WRITES if write else READS)]

    def strike_busy(self) -> None:
        self.google.busy_error = "internalError"

    def expire_cursors(self) -> None:
        for calendar in self.google.calendars.values():
            calendar.expired_before = next(ticks)

    def expire_access_token(self) -> None:
        self.google.doors.expire_access()

    def revoke(self) -> None:
        self.google.doors.revoke_all()

    def unshare(self) -> None:
        del self.google.calendars[SHARED].roles[ADA]

    def _patch(self, event_id: str, body: Json) -> None:
        self.google.events.patch(self.own, event_id, {}, body, None)


def times(when: When) -> Json:
    """As the reference writes them."""
    if isinstance(when, AllDay):
        return {"start": {"date": when.start.isoformat()}, "end": {"date": when.end.isoformat()}}
    bounds = (("start", when.start), ("end", when.end))
    return {name: {"dateTime": stamp(moment), "timeZone": when.zone or "UTC"} for name, moment in bounds}
