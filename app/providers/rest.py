"""JSON over HTTPS on behalf of one connection; shared by the providers that speak it.

    answer                        a read raises        a write raises
    no connection was made        Transient            Transient (it cannot have happened)
    cut off, 408, 5xx             Transient            AmbiguousOutcome
    2xx or 3xx we cannot read     ProtocolError        AmbiguousOutcome
    403, 404, 410 with a page     ProtocolError        AmbiguousOutcome
    401, and again once renewed   AuthExpired          AuthExpired
    any other 4xx                 what the provider's own `Refusal` makes of it

The one rule: a write whose result is unknown is never called a failure, and nothing but a 401 is tried twice here.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import msgspec

from app.calendar import Clock
from app.http import Answer, HttpClient, Interrupted, NotSent
from app.providers.base import (
    AmbiguousOutcome,
    AuthExpired,
    EventNotFound,
    ProtocolError,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    TokenSource,
    Transient,
)
from app.providers.calls import provider_call
from app.waits import asked_for

_REDIRECTION = 300
_REFUSED = 400
_UNAUTHORIZED = 401
_REQUEST_TIMEOUT = 408
_FAILED = 500
_NO_ROOM: Final = {507: QuotaExceeded, 509: RateLimited}
"""Full, and over its bandwidth: these come from the far end like 4xx, and nothing has happened.
https://learn.microsoft.com/graph/errors
"""
_TAKES_AWAY: Final = frozenset({403, 404, 410})
_REQUEST_ID_HEADERS = ("request-id", "x-request-id")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what its refusals mean."""

    operation: str
    """A stable name for logs and errors; never built from data."""
    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    """Sent as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    write: bool = False
    """It changes something, so a lost answer is ambiguous. A POST may well be a read."""
    not_found: type[ProviderError] = EventNotFound
    """What 404 means here."""
    gone: type[ProviderError] = EventNotFound
    """What 410 means here."""

    def asking(self, **query: str) -> "Call":
        """The same call with these parameters as well."""
        return replace(self, query={**self.query, **query})


Refusal = Callable[[Call, Answer, float | None], ProviderError]
"""A provider's reading of its own 4xx answers; the number is how many seconds it asked us to wait."""


class MailboxSlots:
    """How many requests may be under way in one mailbox at once, over all its sessions in this process."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._slots: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, mailbox: str | None) -> asyncio.Semaphore:
        """The mailbox's; somebody's own who names none."""
        slots = asyncio.Semaphore(self._at_once)
        return slots if mailbox is None else self._slots.setdefault(mailbox, slots)


class RestSession:
    """One connection's calls: bearer token, one renewal, a cap on concurrency, errors in our words."""

    def __init__(
        self,
        http: HttpClient,
        tokens: TokenSource,
        *,
        refusal: Refusal,
        clock: Clock,
        slots: asyncio.Semaphore,
    ) -> None:
        """`slots` limit what is under way at once; sessions of one mailbox share them."""
        self._http = http
        self._tokens = tokens
        self._refusal = refusal
        self._clock = clock
        self._slots = slots

    async def send(self, call: Call) -> Answer:
        """The answer of a call that went well (2xx). Raises: ProviderError."""
        async with self._slots:
            with provider_call(call.operation):
                return self._checked(call, await self._authorized(call))

    def _checked(self, call: Call, answer: Answer) -> Answer:
        if answer.status < _REDIRECTION:
            if call.method == "DELETE" and answer.content:  # no API of ours says a word there: a proxy's login page
                raise unreadable(call, answer)
            return answer
        if answer.status < _REFUSED:
            raise unreadable(call, answer)  # we follow nothing, and no API of ours redirects: a proxy's login page
        raise self._refused(call, answer)

    async def fetch(self, call: Call, decode: Callable[[bytes], T]) -> T:
        """The decoded answer of a call that went well. Raises: ProviderError."""
        answer = await self.send(call)
        try:
            return decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise unreadable(call, answer) from error

    async def _authorized(self, call: Call) -> Answer:
        content = None if call.body is None else msgspec.json.encode(call.body)
        token = await self._tokens.token()
        answer = await self._with_token(call, content, token)
        if answer.status != _UNAUTHORIZED:
            return answer
        return await self._with_token(call, content, await self._tokens.renew(token))

    async def _with_token(self, call: Call, content: bytes | None, token: str) -> Answer:
        headers = {**call.headers, "Authorization": f"Bearer {token}", "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return await deliver(self._http, call, headers=headers, content=content)

    def _refused(self, call: Call, answer: Answer) -> ProviderError:
        wait = retry_after(answer.headers, self._clock())
        if answer.status in _NO_ROOM:
            kind = _NO_ROOM[answer.status]
            return kind(_said(call, answer), operation=call.operation, retry_after=wait, request_id=request_id(answer))
        if answer.status >= _FAILED or answer.status == _REQUEST_TIMEOUT:
            return failed(call, answer, wait)
        if answer.status == _UNAUTHORIZED:
            return AuthExpired(_said(call, answer), operation=call.operation, request_id=request_id(answer))
        if answer.status in _TAKES_AWAY and answer.content.lstrip().startswith(b"<"):
            return unreadable(call, answer)  # a page for people takes nothing away: it is a proxy's, or a front door's
        return self._refusal(call, answer, wait)


async def deliver(http: HttpClient, call: Call, *, headers: Mapping[str, str], content: bytes | None) -> Answer:
    """Send a call as it is; any status is an answer. Raises: Transient, AmbiguousOutcome."""
    try:
        return await http.send(call.method, call.url, query=call.query or None, headers=headers, content=content)
    except NotSent as error:
        raise Transient(f"{call.operation}: no connection", operation=call.operation) from error
    except Interrupted as error:
        raise _unknown(call)(f"{call.operation}: no whole answer", operation=call.operation) from error


def failed(call: Call, answer: Answer, wait: float | None) -> ProviderError:
    """The other side broke: a read may be tried again, a write may have happened."""
    return _unknown(call)(
        _said(call, answer), operation=call.operation, retry_after=wait, request_id=request_id(answer)
    )


def unreadable(call: Call, answer: Answer) -> ProviderError:
    """An answer that is none: a login page, a cut body, another API's JSON."""
    kind = AmbiguousOutcome if call.write else ProtocolError
    return kind(f"{_said(call, answer)}, unreadable", operation=call.operation, request_id=request_id(answer))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """How many seconds the other side wants to be left alone; None when it does not say."""
    return asked_for(headers.get("retry-after", ""), now)


def request_id(answer: Answer) -> str | None:
    """What the provider calls this exchange in its own logs."""
    return next((answer.headers[name] for name in _REQUEST_ID_HEADERS if name in answer.headers), None)


async def together(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results in order; the first failure ends the rest and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _unknown(call: Call) -> type[ProviderError]:
    return AmbiguousOutcome if call.write else Transient


def _said(call: Call, answer: Answer) -> str:
    return f"{call.operation}: HTTP {answer.status}"
