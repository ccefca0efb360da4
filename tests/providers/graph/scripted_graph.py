"""A session of ours at a Graph whose every answer a test wrote down, and the answers Graph gives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from app.calendar import Attendee, EventDraft, Timed
from app.http import HttpClient
from app.providers.graph.oauth import Office365Settings
from app.providers.graph.provider import Office365Provider
from app.providers.graph.session import Office365Session
from tests.providers.graph.payloads import single
from tests.providers.scripted import Reply, ScriptedServer
from tests.providers.tokens import Tokens

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CALENDAR = "AAMkAGI2TGuLAAA="
ROOT = f"/v1.0/me/calendars/{CALENDAR}"
EVENTS = f"{ROOT}/events"
VIEW = f"{ROOT}/calendarView"
DELTA = f"{VIEW}/delta"
WINDOW = Timed(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
DRAFT = EventDraft(
    "Intro call",
    Timed(datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "Europe/Stockholm"),
    description="Hello",
    attendees=(Attendee("grace@example.com", "Grace"),),
)


@asynccontextmanager
async def scripted_graph() -> AsyncIterator[ScriptedServer]:
    """The server; a test that leaves answers unused has not done what it says."""
    async with ScriptedServer() as server:
        yield server
        assert server.left == 0


def settings_at(url: str) -> Office365Settings:
    return Office365Settings(
        client_id="client-id",
        client_secret="s&cret",
        authority_url=f"{url}/common",
        api_url=f"{url}/v1.0",
        horizon_days=400,
    )


@asynccontextmanager
async def session_at(server: ScriptedServer) -> AsyncIterator[Office365Session]:
    """A session of a connected person."""
    async with HttpClient(timeout_seconds=3) as http:
        yield Office365Provider(settings_at(server.url), http, clock=lambda: NOW).open(Tokens())


def refused(status: int, code: str, message: str = "No.", **headers: str) -> Reply:
    inner = {"date": "2026-03-01T12:00:00", "request-id": "r-1", "client-request-id": "r-1"}
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return Reply(status, body, {"request-id": "r-1", **headers})


def mine(**changes: object) -> Reply:
    return Reply(body=single(**changes))


GONE = refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")
NO_SUCH_ID = refused(400, "ErrorInvalidIdMalformed", "Id is malformed.")
DENIED = refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
UNDELETABLE = refused(403, "ErrorCannotDeleteObject", "Object cannot be deleted.")
TAKEN = refused(409, "ErrorDuplicateTransactionId", "The TransactionId specified has already been used.")
