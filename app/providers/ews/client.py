"""Requests to Exchange: from a call to what its answer says, in threads, and errors in our words.

    answer                               a read raises        a write raises
    no connection was made               Transient            Transient (it cannot have happened)
    cut off, 408, 5xx without SOAP       Transient            AmbiguousOutcome
    200 that is no SOAP                  ProtocolError        AmbiguousOutcome
    a redirect                           Misconfigured        AmbiguousOutcome
    401 to the password                  what `TokenSource.renew` raises; AuthExpired if it knows no other password
    a code of Exchange's own             see `refusals`

The one rule: a password the server refused is not sent again by anybody in this process until it is proved good anew.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from app.addresses import AddressRefused
from app.calendar import Clock
from app.providers.base import (
    AmbiguousOutcome,
    AuthExpired,
    Misconfigured,
    ProtocolError,
    ProviderError,
    TokenSource,
    Transient,
)
from app.providers.calls import provider_call
from app.providers.ews.addresses import Endpoint
from app.providers.ews.line import is_lost_behind
from app.providers.ews.lines import Lines
from app.providers.ews.login import Login
from app.providers.ews.refusals import Call, refusal, refused, unknown
from app.providers.ews.route import Interrupted, NotSent, Untrusted
from app.providers.ews.service import Answer, Message, Unanswered
from app.providers.ews.signon import PasswordRefused
from app.providers.ews.soap import Element
from app.providers.ews.workers import Turns, Workers
from app.waits import asked_for

MAX_CONCURRENCY: Final = 2
"""Requests at once per mailbox. Exchange 2010 allows ten, shared with the person's Outlook and telephone."""
_REMEMBERED: Final = 10_000
_OK: Final = 200
_FAILED: Final = 500

T = TypeVar("T")
Decode = Callable[[Sequence[Message]], T]
"""Reads the messages of an answer, in the thread that asked: a page of events is work for a processor, too."""


@dataclass(frozen=True, slots=True)
class Client:
    """All that the sessions of this process share."""

    lines: Lines
    workers: Workers
    mailboxes: Turns
    servers: Turns
    """A server that answers nobody must not hold up the mailboxes of others."""
    refused: "RefusedLogins"
    clock: Clock
    timeout_seconds: float

    def ask(self, login: Login, call: Call, decode: Decode[T]) -> T:
        """What the answer says. Blocks. Raises: PasswordRefused, ProviderError."""
        answer = self._answer(login, call)
        try:
            return decode(messages_of(call, answer))
        except (AttributeError, LookupError, ValueError) as error:
            raise unreadable(call) from error

    def _answer(self, login: Login, call: Call) -> Answer:
        deadline = time.monotonic() + self.timeout_seconds
        try:
            with self.lines.to(login) as line:
                return line.ask(call.body, deadline)
        except AddressRefused as error:
            raise Misconfigured(f"{call.operation}: address not allowed", operation=call.operation) from error
        except Untrusted as error:
            raise Misconfigured(f"{call.operation}: certificate not trusted", operation=call.operation) from error
        except NotSent as error:
            raise Transient(f"{call.operation}: no connection", operation=call.operation) from error
        except Interrupted as error:
            raise unknown(call)(f"{call.operation}: no whole answer", operation=call.operation) from error
        except Unanswered as answer:
            reply = answer.reply
            wait = asked_for(reply.headers.get("Retry-After", ""), self.clock())
            raise refused(call, reply.status_code, wait=wait, unclear=is_lost_behind(reply)) from answer


class Mailbox:
    """One connection's way to Exchange."""

    def __init__(self, client: Client, tokens: TokenSource) -> None:
        self._client = client
        self._tokens = tokens

    async def login(self) -> Login:
        """Who we are. Raises: ReauthRequired, Transient, Misconfigured."""
        return Login.read(await self._tokens.token())

    async def fetch(self, call: Call, decode: Decode[T]) -> T:
        """What the answer of a call says. Raises: ProviderError."""
        with provider_call(call.operation):
            return await self._fetched(call, decode)

    async def _fetched(self, call: Call, decode: Decode[T]) -> T:
        secret = await self._tokens.token()
        try:
            return await self._with(secret, call, decode)
        except PasswordRefused:
            renewed = await self._tokens.renew(secret)
        if renewed != secret:
            try:
                return await self._with(renewed, call, decode)
            except PasswordRefused:
                pass
        raise AuthExpired(f"{call.operation}: 401", operation=call.operation)

    async def _with(self, secret: str, call: Call, decode: Decode[T]) -> T:
        login = Login.read(secret)
        client = self._client
        if login.digest in client.refused:
            raise PasswordRefused(second_factor=False)
        turns = (client.mailboxes.of(login.mailbox), client.servers.of(Endpoint.of(login.url).host))
        work = partial(client.ask, login, call, decode)
        try:
            return await client.workers.run(work, turns=turns, to_the_end=call.write)
        except PasswordRefused:
            client.refused.add(login.digest)
            raise


class RefusedLogins:
    """Logins that a server refused: a directory locks accounts that are tried often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, digest: object) -> bool:
        return digest in self._known

    def add(self, digest: str) -> None:
        """Remember one; the oldest is forgotten when there are very many."""
        with self._lock:
            self._known[digest] = None
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def messages_of(call: Call, answer: Answer) -> tuple[Message, ...]:
    """The messages of an answer that is no fault. Raises: ProviderError."""
    if answer.fault is not None:
        raise refusal(call, answer.fault)
    return answer.messages


def unreadable(call: Call) -> ProviderError:
    """An answer that is SOAP and yet none."""
    kind = AmbiguousOutcome if call.write else ProtocolError
    return kind(f"{call.operation}: unreadable", operation=call.operation)


def checked(call: Call, message: Message) -> Element:
    """The element of a part that went well. Raises: ProviderError."""
    if message.error is not None:
        raise refusal(call, message.error)
    return message.element


def lasting(call: Call, message: Message) -> Element | None:
    """The element of a part; None where it was refused for good. Raises: ProviderError, where the refusal passes."""
    if message.error is None:
        return message.element
    error = refusal(call, message.error)
    if error.retryable:
        raise error
    return None


def only(call: Call, messages: Sequence[Message]) -> Element:
    """The element of a request with one part. Raises: ProviderError."""
    if len(messages) != 1:
        raise unreadable(call)
    return checked(call, messages[0])
