"""A journey of the demo: who takes part, what was learnt on the way, and how a step checks.

The one rule: what a step says has been looked at; what cannot be seen in time ends the journey.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from sandbox.client import Sandbox
from sandbox.houses import House, Span
from sandbox.identity import new_id
from sandbox.webhook_receiver import WebhookReceiver

Json = dict[str, Any]
T = TypeVar("T")
Look = Callable[[], Awaitable[Any]]
HOST_ZONE, VISITOR_ZONE = "Europe/Stockholm", "America/New_York"
PATIENCE = 30.0  # seconds: how long a thing that happens in the background may take
SOON = 20.0  # seconds: how long the CRM may take to follow what a person does in the calendar
QUIET = 2.0  # seconds: several times what the CRM takes where it follows; who is silent so long does not follow
EACH = 0.1  # seconds from one look to the next
MEETING = timedelta(minutes=30)


class DemoError(Exception):
    """Something is not as the step says."""


def expect(truth: object, what: str) -> None:
    """Raises DemoError, naming what should have been so."""
    if not truth:
        raise DemoError(what)


async def eventually(look: Look, what: str, *, seconds: float = PATIENCE) -> Any:
    """What `look` finds, once it finds something. Raises DemoError."""
    found = await _look_until(time.monotonic() + seconds, look)
    expect(found, f"within {seconds:.0f} s: {what}")
    return found


async def never(look: Look, what: str) -> None:
    """Raises DemoError as soon as `look` finds something, which it does not for a while."""
    found = await _look_until(time.monotonic() + QUIET, look)
    expect(not found, what)


async def _look_until(deadline: float, look: Look) -> Any:
    while True:
        found = await look()
        if found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(EACH)


@dataclass
class Host:
    """A user of the CRM with a calendar at one provider, and what they do through the API."""

    api: httpx.AsyncClient
    sandbox: Sandbox
    house: House
    user_id: str = field(default_factory=lambda: new_id("usr"), kw_only=True)
    headers: dict[str, str] = field(default_factory=dict, kw_only=True)
    """What the host's requests carry."""
    connection_id: str = field(default="", kw_only=True)
    page_id: str = field(default="", kw_only=True)

    async def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A call that must answer this status."""
        answer = await self.api.request(method, path, json=body, headers=headers)
        expect(answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    async def read(self, path: str) -> Any:
        """What the host reads there."""
        return (await self.call("GET", path, headers=self.headers)).json()

    async def send(self, method: str, path: str, body: Json | None = None, *, status: int = 200) -> Any:
        """What the host is answered, which must be this status."""
        return (await self.call(method, path, body, status=status, headers=self.headers)).json()

    async def take_token(self, account_id: str, **claims: Any) -> None:
        """The host signs in at the CRM: a user of this account who may connect a calendar, unless `claims` differ."""
        token = await self.sandbox.issue_token(
            **{
                "sub": self.user_id,
                "account_id": account_id,
                "email": self.house.email,
                "permissions": ["personal_email_access"],
                "seats": [{"product": "sales_hub", "tier": "professional"}],
                "zoneinfo": HOST_ZONE,
            }
            | claims
        )
        self.headers = {"Authorization": f"Bearer {token}"}


@dataclass
class Demo(Host):
    """The main journey at one provider, step by step; what a step learns is kept for the next."""

    receiver: WebhookReceiver
    service: dict[str, str] = field(default_factory=dict)
    """What the CRM's own requests carry."""
    endpoint_id: str = ""
    slots: list[Json] = field(default_factory=list)
    booking: Json = field(default_factory=dict)
    contact_id: str = ""
    moved_to: Span | None = None
    acted_at: float = 0.0
    """When the host last did something in the calendar, in seconds of the monotonic clock."""
    notified_before: int = 0
    """How many notifications the provider had sent by then."""

    @property
    def label(self) -> Json:
        """What is on each of the journey's lines."""
        return {"journey": "main", "provider": self.house.provider}

    @property
    def visitor(self) -> str:
        """Whoever books at this provider."""
        return f"vera.{self.house.provider}@example.com"

    def free(self, fifth: int) -> Span:
        """A time that was offered, so many fifths down the list: steps that take different ones do not meet."""
        start = datetime.fromisoformat(self.slots[len(self.slots) * fifth // 5]["start_at"])
        return start, start + MEETING

    async def host_acts(self, act: Awaitable[T]) -> T:
        """What the host does in the calendar; from its beginning the seconds count."""
        self.notified_before = await self.house.notified()
        self.acted_at = time.monotonic()
        return await act

    async def follows(self, look: Look, what: str) -> tuple[Any, float]:
        """What follows the host's act in the calendar, and the seconds it was seen after it. Raises DemoError."""
        found = await _look_until(self.acted_at + SOON, look)
        seconds = self.seconds_since_act()
        expect(found and seconds <= SOON, f"{SOON:.0f} s after the host's act: {what} (looked for {seconds} s)")
        return found, seconds

    def seconds_since_act(self, at: float | None = None) -> float:
        """How long ago the host's act was, or how long before `at`."""
        return round((time.monotonic() if at is None else at) - self.acted_at, 2)
