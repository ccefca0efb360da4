"""A simulated Google on a real socket, for tests: a server in a thread, its control API, and signed-in clients.

The one rule: tests talk to it over HTTP only, and every good call is checked against the discovery document.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.clock import Clock
from sandbox.google.app import create_google
from sandbox.google.control import create_control
from sandbox.google.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sandbox.google.world import GoogleWorld
from tests.sandbox.consent import CHALLENGE, REDIRECT, VERIFIER, answer_of
from tests.sandbox.google.discovery import Json, method, validate, validate_request
from tests.sandbox.simulator import Simulator, serving

AUTH = "https://www.googleapis.com/auth/"
CALENDAR = f"{AUTH}calendar"
STOCKHOLM = "Europe/Stockholm"
ADA, BO = "ada@example.com", "bo@example.com"


@dataclass(frozen=True)
class Api:
    """Calls methods by their discovery id with one person's token."""

    http: httpx.Client
    token: str

    def call(
        self,
        method_id: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        checked: bool = True,
        query: Json | None = None,
        **path: str,
    ) -> httpx.Response:
        """`path` names the path parameters; `checked=False` lets a bad request through to the server."""
        described, query = method(method_id), query or {}
        if checked:
            validate_request(method_id, query, body)
        place = described["path"]
        for name, value in path.items():
            place = place.replace("{" + name + "}", quote(value, safe=""))
        plain = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
        answer = self.http.request(
            described["httpMethod"],
            f"/google/calendar/v3/{place}",
            params=plain,
            json=body,
            headers={"Authorization": f"Bearer {self.token}", **(headers or {})},
        )
        if answer.status_code == 200 and "fields" not in query:
            validate(described["response"]["$ref"], answer.json())
        return answer

    def ok(self, method_id: str, body: Any = None, **more: Any) -> Json:
        """The body of an answer that must be a success."""
        answer = self.call(method_id, body, **more)
        assert answer.is_success, f"{method_id}: {answer.status_code} {answer.text}"
        found: Json = answer.json() if answer.content else {}
        return found

    def refused(self, method_id: str, body: Any = None, *, checked: bool = False, **more: Any) -> tuple[int, str]:
        """Status and reason of an answer that must be a refusal in Google's shape."""
        answer = self.call(method_id, body, checked=checked, **more)
        assert answer.is_error, f"{method_id} was not refused: {answer.text}"
        error = answer.json()["error"]
        assert error["code"] == answer.status_code
        assert {"domain", "reason", "message"} <= error["errors"][0].keys()
        return answer.status_code, error["errors"][0]["reason"]

    # the calls tests make all the time ------------------------------------------------------

    def insert(self, body: Json, calendar: str = "primary", **query: Any) -> Json:
        return self.ok("events.insert", body, calendarId=calendar, query=query)

    def patch(self, event_id: str, body: Json, calendar: str = "primary", **query: Any) -> Json:
        return self.ok("events.patch", body, calendarId=calendar, eventId=event_id, query=query)

    def get(self, event_id: str, calendar: str = "primary", **query: Any) -> Json:
        return self.ok("events.get", calendarId=calendar, eventId=event_id, query=query)

    def delete(self, event_id: str, calendar: str = "primary", **query: Any) -> None:
        self.ok("events.delete", calendarId=calendar, eventId=event_id, query=query)

    def page(self, calendar: str = "primary", **query: Any) -> Json:
        return self.ok("events.list", calendarId=calendar, query=query)

    def pages(self, calendar: str = "primary", **query: Any) -> Iterator[Json]:
        token: Json = {}
        while True:
            page = self.page(calendar, **query, **token)
            yield page
            if "nextPageToken" not in page:
                return
            token = {"pageToken": page["nextPageToken"]}

    def sync(self, calendar: str = "primary", **query: Any) -> tuple[list[Json], str]:
        """All rows and the sync token that follows."""
        pages = list(self.pages(calendar, **query))
        return [row for page in pages for row in page["items"]], pages[-1]["nextSyncToken"]


@dataclass(frozen=True)
class Sandbox(Simulator):
    provider: ClassVar[str] = "google"

    def human(self, verb: str, email: str, path: str = "", body: Any = None, **query: Any) -> Any:
        """What the person does on their primary calendar."""
        return self.control(verb, f"/accounts/{email}/calendars/primary/events{path}", body, **query)

    def authorize(self, email: str, scopes: Sequence[str], **more: str) -> httpx.Response:
        """Press "Continue" on the consent screen; `granted` in `more` names the ticked scopes, space separated."""
        granted = more.pop("granted", " ".join(scopes)).split()
        form = {
            "client_id": SANDBOX_CLIENT_ID,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": " ".join(scopes),
            "access_type": "offline",
            "prompt": "consent",
            "state": "the-state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "account": email,
            "decision": "allow",
            **more,
        }
        return self.http.post("/google/o/oauth2/v2/auth/decision", data={**form, "granted_scope": granted})

    def code(self, email: str, scopes: Sequence[str], **more: str) -> str:
        answer = self.authorize(email, scopes, **more)
        assert answer.status_code == 302, answer.text
        return answer_of(answer)["code"]

    def token(self, **form: str) -> httpx.Response:
        client = {"client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET}
        return self.http.post("/google/token", data={**client, **form})

    def redeem(self, code: str, **more: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        return self.token(code=code, **{**form, **more})

    def sign_in(self, email: str, scopes: Sequence[str] = ("openid", "email", CALENDAR)) -> Json:
        """The token endpoint's answer."""
        answer = self.redeem(self.code(email, scopes))
        assert answer.status_code == 200, answer.text
        tokens: Json = answer.json()
        return tokens

    def api(self, email: str, *scopes: str) -> Api:
        """A signed-in client; creates the account if need be."""
        self.account(email)
        tokens = self.sign_in(email, scopes or (CALENDAR,))
        return Api(self.http, tokens["access_token"])


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """Google and its control API on a free port of this machine."""
    world = GoogleWorld(Clock())
    app = Starlette(routes=[Mount("/control/google", create_control(world)), Mount("/google", create_google(world))])
    with serving(app) as port:
        base_url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base_url, timeout=10) as http:
            yield Sandbox(base_url, http)


def timed(start: str, end: str, *, zone: str = STOCKHOLM, **more: Any) -> Json:
    """An event body with wall times."""
    return {"start": {"dateTime": start, "timeZone": zone}, "end": {"dateTime": end, "timeZone": zone}, **more}


def meeting(day: str = "2026-12-01", hour: int = 10, **more: Any) -> Json:
    return timed(f"{day}T{hour:02}:00:00", f"{day}T{hour + 1:02}:00:00", **{"summary": "Meeting", **more})
