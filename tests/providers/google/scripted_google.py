"""A session of ours at a Google whose every answer a test wrote down, and the answers Google gives.

The one rule: requests are judged by the discovery document before they are sent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from app.calendar import (
    Attendee,
    EventDraft,
    Timed,
)
from app.providers.google.drafts import event_id
from app.providers.google.oauth import GoogleSettings
from app.providers.google.provider import GoogleProvider
from app.providers.google.session import GoogleSession
from tests.providers.google.judged import JudgedHttp
from tests.providers.google.payloads import single
from tests.providers.scripted import Reply, ScriptedServer
from tests.providers.tokens import Tokens

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CALENDAR = "en.german#holiday@group.v.calendar.google.com"
EVENTS = f"/calendar/v3/calendars/{CALENDAR}/events"
KEY = "booking-1"
MINE = event_id(KEY)
WINDOW = Timed(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
DRAFT = EventDraft(
    "Intro call",
    Timed(datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "Europe/Berlin"),
    description="Hello",
    attendees=(Attendee("grace@example.com", "Grace"),),
)


@asynccontextmanager
async def scripted_google() -> AsyncIterator[ScriptedServer]:
    """The server; a test that leaves answers unused has not done what it says."""
    async with ScriptedServer() as server:
        yield server
        assert server.left == 0


@asynccontextmanager
async def session_at(server: ScriptedServer) -> AsyncIterator[GoogleSession]:
    """A session of a connected person."""
    async with provider_at(server) as provider:
        yield provider.open(Tokens())


@asynccontextmanager
async def provider_at(server: ScriptedServer) -> AsyncIterator[GoogleProvider]:
    """The provider whose addresses are all the scripted server's."""
    settings = GoogleSettings(
        client_id="client",
        client_secret="secret",
        auth_url=f"{server.url}/auth",
        token_url=f"{server.url}/token",
        revoke_url=f"{server.url}/revoke",
        userinfo_url=f"{server.url}/userinfo",
        api_url=f"{server.url}/calendar/v3/",
    )
    async with JudgedHttp(timeout_seconds=3) as http:
        yield GoogleProvider(settings, http, clock=lambda: NOW)


def refused(code, reason, message="No.", **more):
    body = {"error": {"errors": [{"domain": "global", "reason": reason, "message": message}], "code": code, **more}}
    body["error"]["message"] = message
    return Reply(code, body)


def mine(**changes):
    return Reply(body=single(id=MINE, **changes))


SCOPE = refused(
    403,
    "insufficientPermissions",
    status="PERMISSION_DENIED",
    details=[{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}],
)
