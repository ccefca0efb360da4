"""Faults on the wire, for any simulator: rules and the middleware that obeys them.

The one rule: a fault changes what the client sees, never what the provider did. `lost_after_commit` handles the
request in full and then drops the connection: the write has happened and the client cannot know.

A rule matches on method, path and query (regular expressions), account and count, and acts so many times:

    {"match": {"method": "POST", "path": "/events$", "account": "ada@example.com", "nth": 2},
     "action": {"kind": "lost_after_commit"}, "times": 1}

Actions on the wire: latency, reset_before, lost_after_commit, truncate, html_error, status. Any other kind is the
simulator's own (an empty page, say): it finds it in `scope["sandbox.fault"]`, or a preset turns it into a status.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCOPE_KEY = "sandbox.fault"
WIRE_ACTIONS = frozenset({"latency", "reset_before", "lost_after_commit", "truncate", "html_error", "status"})

_HTML = (
    b"<!DOCTYPE html><html><head><title>Error</title></head>"
    b"<body><h1>Error</h1><p>That's an error. That's all we know.</p></body></html>"
)


class Dropped(ConnectionResetError):
    """Raised where there is no connection to close: a call inside a batch, or an app called without a server."""


@dataclass(frozen=True)
class Match:
    """Which requests a rule is about. `nth` counts matching requests from 1; `after` skips that many."""

    method: str | None = None
    path: str | None = None
    query: str | None = None
    account: str | None = None
    nth: int | None = None
    after: int = 0

    def covers(self, method: str, path: str, query: str, account: str | None) -> bool:
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.query is None or re.search(self.query, query) is not None)
            and (self.account is None or self.account == account)
        )


@dataclass(frozen=True)
class Action:
    """What happens. `retry_after` is seconds; `retry_after_date` sends it as an HTTP date instead."""

    kind: str
    ms: int = 0
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    retry_after: int | None = None
    retry_after_date: bool = False
    preset: str | None = None


@dataclass
class Rule:
    id: int
    match: Match
    action: Action
    times: int | None = 1
    seen: int = 0
    fired: int = 0

    def claim(self) -> bool:
        """Count a matching request; whether the rule acts on it."""
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        if self.seen <= self.match.after or (
            self.match.nth is not None and self.seen - self.match.after != self.match.nth
        ):
            return False
        self.fired += 1
        return True


class FaultPlan:
    """The rules in force, first match wins."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._next_id = 1

    def add(self, match: Match, action: Action, times: int | None = 1) -> Rule:
        rule = Rule(self._next_id, match, action, times)
        self._next_id += 1
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> bool:
        kept = [rule for rule in self.rules if rule.id != rule_id]
        removed = len(kept) < len(self.rules)
        self.rules = kept
        return removed

    def clear(self) -> None:
        self.rules = []

    def claim(self, method: str, path: str, query: str, account: str | None) -> Action | None:
        for rule in self.rules:
            if rule.match.covers(method, path, query, account) and rule.claim():
                return rule.action
        return None


Identify = Callable[[Scope, bytes], str | None]
Observe = Callable[[Scope, str | None, str | None, int | None], None]
Preset = Callable[[Action], Action]


class FaultMiddleware:
    """Reads the request, asks the plan, and does to the answer what the rule says.

    `identify` names the account of a request; `preset` turns a simulator's own kind into a `status` where it is one;
    `observe` is told every request with its account, fault and status (None: no answer was sent).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        plan: Callable[[], FaultPlan],
        identify: Identify,
        preset: Preset,
        observe: Observe,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._plan = plan
        self._identify = identify
        self._preset = preset
        self._observe = observe
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        account = self._identify(scope, body)
        query = scope["query_string"].decode("latin-1")
        action = self._plan().claim(scope["method"], scope["path"], query, account)
        answer = _Answer()
        if action is not None:
            action = self._preset(action)
        try:
            await self._obey(action, scope, _replay(body, receive), answer)
        except Dropped:
            answer.cut = "all"  # a call inside a batch was dropped, so the batch is
        finally:
            sent = None if answer.cut else answer.status
            self._observe(scope, account, action.kind if action else None, sent)
        await answer.deliver(receive, send)

    async def _obey(self, action: Action | None, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        kind = action.kind if action else None
        if action is None or kind not in WIRE_ACTIONS:
            scope[SCOPE_KEY] = action
            await self._app(scope, receive, answer.collect)
        elif kind in {"status", "html_error"}:
            answer.replace_with(*_refusal(action, self._now()))
        elif kind == "reset_before":
            answer.cut = "all"
        else:
            if kind == "latency":
                await asyncio.sleep(action.ms / 1000)
            await self._app(scope, receive, answer.collect)
            answer.cut = {"lost_after_commit": "all", "truncate": "half"}.get(action.kind)


class _Answer:
    """An answer held back until it is known what becomes of it."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.cut: str | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    def replace_with(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._headers.append((b"content-length", str(len(body)).encode()))
        self._body = body

    async def deliver(self, receive: Receive, send: Send) -> None:
        if self.cut != "all":
            await send({"type": "http.response.start", "status": self.status, "headers": self._headers})
        if self.cut is None:
            await send({"type": "http.response.body", "body": self._body})
            return
        if self.cut == "half":
            half = self._body[: max(len(self._body) // 2, 1)]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            # Let the half leave the socket before it closes.
            await asyncio.sleep(0.02)
        await _hang_up(receive)


async def _hang_up(receive: Receive) -> None:
    """Close the connection without another byte.

    ASGI has no word for this. A raised error makes the server answer 500, so the transport is taken from the server's
    own request object, which `receive` is a method of.
    """
    original = receive
    while hasattr(original, "original"):
        original = original.original
    transport: asyncio.Transport | None = getattr(getattr(original, "__self__", None), "transport", None)
    if transport is None:
        raise Dropped("the connection was closed by a fault rule")
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


class _replay:  # noqa: N801 - reads as a function: it is a `receive`
    """A `receive` that gives the body again, and knows the one it stands for."""

    def __init__(self, body: bytes, original: Receive) -> None:
        self.original = original
        self._pending: Message | None = {"type": "http.request", "body": body, "more_body": False}

    def __call__(self) -> Awaitable[MutableMapping[str, Any]]:
        return self._next()

    async def _next(self) -> Message:
        if self._pending is not None:
            message, self._pending = self._pending, None
            return message
        return await self.original()


def _refusal(action: Action, now: datetime) -> tuple[int, dict[str, str], bytes]:
    headers = dict(action.headers)
    if action.retry_after is not None:
        at = now + timedelta(seconds=action.retry_after)
        headers["retry-after"] = (
            format_datetime(at, usegmt=True) if action.retry_after_date else str(action.retry_after)
        )
    if action.kind == "html_error":
        return action.status, {"content-type": "text/html; charset=UTF-8", **headers}, _HTML
    return action.status, {"content-type": "application/json; charset=UTF-8", **headers}, (action.body or "").encode()


def as_status(action: Action, status: int, body: str, headers: dict[str, str] | None = None) -> Action:
    """A preset's answer: `action` as a plain status that keeps its own headers and Retry-After."""
    return replace(
        action,
        kind="status",
        status=status,
        body=body,
        headers={**(headers or {}), **action.headers},
        preset=action.kind,
    )
