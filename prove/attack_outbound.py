"""Everything a caller can have the service connect to: webhooks, Exchange servers, mail domains.

The one rule: each URL is put in by the API, and followed as far as the service is willing to go; whoever watches the
service's connections is the judge.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from prove.attack_addresses import Attempt, forbidden, names
from prove.attack_watch import Where
from sandbox.client import Sandbox
from sandbox.identity import new_id

_ENDPOINTS: Final = 20
"""Of one account, at most."""
_SERVICE: Final = {"service": True, "sub": "service:crm", "permissions": ["events:read", "webhooks:write"]}
_TLS_PORT: Final = 443
_BROKEN: Final = frozenset({"pending", "delivered", "reached", "internal_error"})


@dataclass(frozen=True, slots=True)
class Target:
    """A running service."""

    api: httpx.AsyncClient
    sandbox: Sandbox
    settle: Callable[[], Awaitable[Any]]
    """Until what was asked for has been done."""

    async def token(self, **claims: Any) -> dict[str, str]:
        """The headers of a caller, of a new account unless the claims say which."""
        token = await self.sandbox.issue_token(**{"account_id": new_id("acct")} | claims)
        return {"Authorization": f"Bearer {token}"}

    async def person(self, **claims: Any) -> dict[str, str]:
        """The headers of a person who may connect calendars."""
        email = f"{new_id('usr')[4:]}@example.com"
        may = {"sub": new_id("usr"), "email": email, "permissions": ["personal_email_access"]}
        return await self.token(**may | {"zoneinfo": "Europe/Stockholm", "locale": "en"} | claims)


@dataclass(slots=True)
class Tried:
    """What became of the URLs at one way out."""

    answers: dict[str, str] = field(default_factory=dict)
    """By URL: the code it was refused with, or how the attempt to go there ended."""

    @property
    def broken(self) -> list[str]:
        """URLs at which the service failed, or that it says it has reached."""
        return [url for url, end in self.answers.items() if end in _BROKEN]

    @property
    def ends(self) -> dict[str, int]:
        """How often each end was met."""
        return dict(Counter(self.answers.values()))


def strayed(seen: Sequence[Where]) -> list[Where]:
    """The connections that must not have been tried."""
    return [where for where in seen if where[1] != _TLS_PORT or forbidden(where[0])]


async def webhooks(target: Target, attempts: Sequence[Attempt]) -> Tried:
    """Make an endpoint of each, have an event sent to those that were taken."""
    tried, waiting = Tried(), list[tuple[str, str, dict[str, str]]]()
    caller = await target.token(**_SERVICE)
    for attempt in attempts:
        if len(waiting) == _ENDPOINTS:
            await _read_deliveries(target, tried, waiting)
            caller = await target.token(**_SERVICE)
        made = await target.api.post("/v1/webhook-endpoints", json={"url": attempt.url}, headers=caller)
        tried.answers[attempt.url] = _end(made)
        if made.status_code == httpx.codes.CREATED:
            path = f"/v1/webhook-endpoints/{made.json()['id']}"
            (await target.api.post(f"{path}/test", headers=caller)).raise_for_status()
            waiting.append((attempt.url, path, caller))
    await _read_deliveries(target, tried, waiting)
    return tried


async def _read_deliveries(target: Target, tried: Tried, waiting: list[tuple[str, str, dict[str, str]]]) -> None:
    await target.settle()
    for url, path, caller in waiting:
        [delivery] = (await target.api.get(f"{path}/deliveries", headers=caller)).json()["items"]
        tried.answers[url] = delivery["error"] or delivery["status"]
    waiting.clear()


async def exchange(target: Target, attempts: Sequence[Attempt]) -> Tried:
    """Say that the mailbox is there: when connecting, which has the password sent to whoever asks for it."""
    tried, caller = Tried(), await target.person()
    version = (await target.api.get("/v1/providers/exchange/disclosure", headers=caller)).json()["version"]
    body = {
        "provider": "exchange",
        "client": "web",
        "disclosure_version": version,
        "email": "ada@corp.attack.example",
        "password": "correct horse",
    }
    for attempt in attempts:
        answer = await target.api.post("/v1/connections", json=body | {"ews_url": attempt.url}, headers=caller)
        tried.answers[attempt.url] = "reached" if answer.is_success else _end(answer)
    return tried


async def discovery(target: Target, attempts: Sequence[Attempt]) -> Tried:
    """Say that the mail domain is there: its own hosts are asked where the mailbox is."""
    tried, caller = Tried(), await target.person()
    for domain in (*names(), *_domains(attempts)):
        body = {"client": "web", "email": f"ada@{domain}", "password": "correct horse"}
        answer = await target.api.post("/v1/exchange-discoveries", json=body, headers=caller)
        found = answer.is_success and answer.json()["ews_url"] is not None
        tried.answers[domain] = "reached" if found else _end(answer)
    return tried


def _domains(attempts: Sequence[Attempt]) -> Iterable[str]:
    """What stands after the @ goes into a URL as well."""
    for attempt in attempts:
        yield attempt.url.partition("//")[2].removesuffix("/")


async def every_way_out(target: Target, attempts: Sequence[Attempt]) -> dict[str, Tried]:
    """All of them, one after another."""
    return {
        "webhook endpoint": await webhooks(target, attempts),
        "Exchange server": await exchange(target, attempts),
        "mail domain": await discovery(target, attempts),
    }


def _end(answer: httpx.Response) -> str:
    """A refusal by its code."""
    return "taken" if answer.is_success else str(answer.json()["code"])


async def eventually(true: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    """Look until it is so. Raises: TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - what happens elsewhere tells in no other way
            await asyncio.sleep(0.1)
