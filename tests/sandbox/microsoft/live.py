"""A simulated Microsoft on a real socket, for tests: a server in a thread, its control API, and signed-in clients.

The one rule: tests talk to it over HTTP only.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.clock import Clock
from sandbox.forms import read_form
from sandbox.microsoft.app import create_microsoft
from sandbox.microsoft.control import create_control
from sandbox.microsoft.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sandbox.microsoft.world import MicrosoftWorld
from tests.sandbox.consent import CHALLENGE, REDIRECT, VERIFIER, answer_of
from tests.sandbox.simulator import Json, Simulator, serving

SCOPES = (
    "openid",
    "profile",
    "email",
    "offline_access",
    "User.Read",
    "Calendars.ReadWrite",
    "Calendars.ReadWrite.Shared",
    "MailboxSettings.Read",
)
ADA, BO, CLEO = "ada@contoso.example", "bo@contoso.example", "cleo@contoso.example"
WEST = "W. Europe Standard Time"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId", outlook.timezone="UTC"'}


@dataclass(frozen=True)
class Api:
    """Calls Graph with one person's token."""

    http: httpx.Client
    token: str
    headers: dict[str, str] = field(default_factory=lambda: dict(IMMUTABLE))

    def call(
        self, verb: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """`path` is below /v1.0, or a whole address; `query` names may start with `S_` for a dollar sign."""
        params = {name.replace("S_", "$"): str(value) for name, value in query.items()}
        url = path if path.startswith("http") else f"/microsoft/v1.0{path}"
        sent = {"Authorization": f"Bearer {self.token}", **self.headers, **(headers or {})}
        return self.http.request(verb, url, params=params or None, json=body, headers=sent)

    def ok(self, verb: str, path: str, body: Any = None, **more: Any) -> Json:
        """The body of an answer that must be a success."""
        answer = self.call(verb, path, body, **more)
        assert answer.is_success, f"{verb} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json() if answer.content else {}
        return found

    def refused(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """Status and code of an answer that must be a refusal in Graph's shape."""
        answer = self.call(verb, path, body, **more)
        assert answer.is_error, f"{verb} {path} was not refused: {answer.text}"
        error = answer.json()["error"]
        assert error.keys() == {"code", "message", "innerError"}
        assert error["innerError"].keys() == {"date", "request-id", "client-request-id"}
        assert answer.headers["request-id"] == error["innerError"]["request-id"]
        return answer.status_code, error["code"]

    # the calls tests make all the time ------------------------------------------------------

    def create(self, body: Json, calendar: str | None = None, **more: Any) -> Json:
        return self.ok("POST", f"{_place(calendar)}/events", body, **more)

    def get(self, event_id: str, **more: Any) -> Json:
        return self.ok("GET", f"/me/events/{event_id}", **more)

    def patch(self, event_id: str, body: Json, **more: Any) -> Json:
        return self.ok("PATCH", f"/me/events/{event_id}", body, **more)

    def delete(self, event_id: str, **more: Any) -> None:
        self.ok("DELETE", f"/me/events/{event_id}", **more)

    def view(self, start: str, end: str, calendar: str | None = None, **more: Any) -> list[Json]:
        path = f"{_place(calendar)}/calendarView"
        found: list[Json] = self.ok("GET", path, startDateTime=start, endDateTime=end, S_top=999, **more)["value"]
        return found

    def sync(
        self, link: str | None = None, *, window: tuple[str, str] = ("2026-11-01T00:00:00Z", "2027-03-01T00:00:00Z")
    ) -> tuple[list[Json], str]:
        """All rows of a round and the deltaLink that ends it."""
        if link is None:
            query = {"startDateTime": window[0], "endDateTime": window[1]}
            page = self.ok("GET", "/me/calendarView/delta", **query)
        else:
            page = self.ok("GET", link)
        rows = page["value"]
        while "@odata.nextLink" in page:
            page = self.ok("GET", page["@odata.nextLink"])
            rows += page["value"]
        return rows, page["@odata.deltaLink"]


def only(api: Api) -> Json:
    """The one event of a mailbox."""
    rows: list[Json] = api.ok("GET", "/me/events")["value"]
    assert len(rows) == 1
    return rows[0]


def _place(calendar: str | None) -> str:
    return "/me" if calendar is None else f"/me/calendars/{calendar}"


@dataclass(frozen=True)
class Sandbox(Simulator):
    provider: ClassVar[str] = "microsoft"

    def human(self, verb: str, email: str, path: str = "", body: Any = None, **query: Any) -> Any:
        """What the person does on their default calendar."""
        return self.control(verb, f"/accounts/{email}/calendars/default/events{path}", body, **query)

    def outbox(self, **equal: Any) -> list[tuple[str, str]]:
        """Kind and recipient of every mail."""
        return [(mail["kind"], mail["to"]) for mail in self.control("GET", "/outbox", **equal)]

    # signing in -----------------------------------------------------------------------------

    def authorization_query(self, scopes: Sequence[str] = SCOPES, **more: str) -> dict[str, str]:
        return {
            "client_id": SANDBOX_CLIENT_ID,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "response_mode": "query",
            "scope": " ".join(scopes),
            "state": "the-state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "prompt": "select_account",
            **more,
        }

    def open_page(self, tenant: str = "common", **more: Any) -> httpx.Response:
        query = {name: value for name, value in self.authorization_query(**more).items() if value}
        return self.http.get(f"/microsoft/{tenant}/oauth2/v2.0/authorize", params=query)

    def press(self, page: httpx.Response, email: str, button: str = "allow") -> httpx.Response:
        form = read_form(page.text, str(page.url))
        return self.http.post(form.action, data=dict(form.submission(choose=email, untick=(), press=button)))

    def code(self, email: str, **more: Any) -> str:
        answer = self.press(self.open_page(**more), email)
        assert answer.status_code == 302, answer.text
        return answer_of(answer)["code"]

    def token(self, tenant: str = "common", **form: str) -> httpx.Response:
        client = {"client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET}
        return self.http.post(f"/microsoft/{tenant}/oauth2/v2.0/token", data={**client, **form})

    def redeem(self, code: str, **more: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        return self.token(code=code, **{**form, **more})

    def refresh(self, refresh_token: str, **more: str) -> httpx.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **more)

    def sign_in(self, email: str, scopes: Sequence[str] = SCOPES) -> Json:
        """The token endpoint's answer."""
        answer = self.redeem(self.code(email, scopes=scopes))
        assert answer.status_code == 200, answer.text
        tokens: Json = answer.json()
        return tokens

    def api(self, email: str, *scopes: str, **more: Any) -> Api:
        """A signed-in client; creates the account if need be."""
        self.account(email, **more)
        return Api(self.http, self.sign_in(email, scopes or SCOPES)["access_token"])


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """Microsoft and its control API on a free port of this machine."""
    world = MicrosoftWorld(Clock())
    app = Starlette(
        routes=[Mount("/control/microsoft", create_control(world)), Mount("/microsoft", create_microsoft(world))]
    )
    with serving(app) as port:
        base_url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base_url, timeout=10) as http:
            yield Sandbox(base_url, http)


def at(moment: str, zone: str = WEST) -> Json:
    return {"dateTime": moment, "timeZone": zone}


def meeting(day: str = "2026-12-01", hour: int = 10, *, zone: str = WEST, **more: Any) -> Json:
    """An hour on a day, as wall time of a zone."""
    times = {"start": at(f"{day}T{hour:02}:00:00", zone), "end": at(f"{day}T{hour + 1:02}:00:00", zone)}
    return {"subject": "Meeting", **times, **more}


def weekly(day: str = "2026-12-01", *days: str, **limits: Any) -> Json:
    """A recurrence on the weekday of 2026-12-01 (a Tuesday), or on others."""
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": list(days) or ["tuesday"], "firstDayOfWeek": "monday"}
    return {"pattern": pattern, "range": {"type": "noEnd", "startDate": day, **limits}}


def guest(email: str, kind: str = "required") -> Json:
    return {"emailAddress": {"address": email, "name": email.partition("@")[0].title()}, "type": kind}


def quoted(value: str) -> str:
    return quote(value, safe="")
