"""A proxy on loopback between the service and whoever it speaks to, where things go wrong by rule.

    HttpDoor    understands requests: what is called, in whose name, what becomes of the answer
    ByteDoor    understands nothing, as where TLS or SMTP goes by: only bytes are late, lost or cut

The one rule: without a rule that applies, every byte arrives as it was sent.
"""

import asyncio
import json
import random
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import parse_qs

import h11

from prove.faults_wire import Answer, Fault, Headers, Kind, cut_at, instead_of
from sandbox.ports import HOST

_CHUNK: Final = 64 * 1024
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""Linger for no time: a close is a reset."""
_GRANTS: Final = ("code", "refresh_token")
_GIVEN: Final = ("access_token", "refresh_token")


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole request."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes:
        """The header's value; empty without one."""
        return next((value for key, value in self.headers if key.lower() == name), b"")


@dataclass(frozen=True, slots=True)
class Call:
    """A kind of call, known by method and path."""

    name: str
    method: str
    path: str
    """A regular expression, found in the path."""
    write: bool = False

    def covers(self, asked: Asked) -> bool:
        """Whether the request is such a call."""
        return asked.method == self.method and re.search(self.path, asked.target.partition("?")[0]) is not None


@dataclass(slots=True)
class Rule:
    """When a fault happens: to calls of this name and of this person, so many times or by chance."""

    fault: Fault
    call: str | None = None
    who: str | None = None
    times: int | None = 1
    share: float = 1.0
    """Of those that fit, how many it happens to."""
    seeing: bytes = b""
    """Only where these bytes go by."""
    or_else: tuple[Fault, ...] = ()
    """By chance one of these instead."""
    fired: list[datetime] = field(default_factory=list)
    """When it happened."""

    def claim(self, call: str | None, who: str | None, seen: bytes, chance: random.Random) -> Fault | None:
        """What happens now, if it does; noted."""
        used_up = self.times is not None and len(self.fired) >= self.times
        fits = self.call in {None, call} and self.who in {None, who} and self.seeing in seen
        if used_up or not fits or chance.random() >= self.share:
            return None
        self.fired.append(datetime.now(UTC))
        return chance.choice((self.fault, *self.or_else))


@dataclass(slots=True)
class Names:
    """Whose a request is, learnt from the tokens that went by: a code, once told, leads to all it was given for."""

    _owners: dict[str, str] = field(default_factory=dict)

    def learn(self, secret: str, who: str) -> None:
        """Whoever shows this is that person."""
        self._owners[secret] = who

    def of(self, asked: Asked) -> str | None:
        """Whose request it is, if that is known."""
        bearer = asked.header(b"authorization").decode("latin-1").removeprefix("Bearer ")
        return self._owners.get(bearer) or next(
            (self._owners[shown] for shown in _fields(asked) if shown in self._owners), None
        )

    def heard(self, asked: Asked, answer: Answer) -> None:
        """What a known person was given is that person's."""
        who = self.of(asked)
        if who is None or not _fields(asked):
            return
        with suppress(ValueError, AttributeError):
            given = json.loads(answer.body)
            for name in _GIVEN:
                if given.get(name):
                    self.learn(given[name], who)


def _fields(asked: Asked) -> list[str]:
    """The grants that a form shows."""
    if b"form-urlencoded" not in asked.header(b"content-type"):
        return []
    form = parse_qs(asked.body.decode("latin-1"))
    return [value for name in _GRANTS for value in form.get(name, ())]


class Door:
    """A listener in front of one server. Use it as `async with`; `to` may be told later than it opens."""

    def __init__(self, chance: random.Random, to: int | None = None) -> None:
        self.to = to
        self.rules: list[Rule] = []
        self.chance = chance
        self._closing = asyncio.Event()
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._enter, HOST, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        self._server.close()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    @property
    def url(self) -> str:
        """Its address for whoever speaks HTTP."""
        return f"http://{HOST}:{self.port}"

    def claim(self, call: str | None, who: str | None, seen: bytes = b"") -> Fault | None:
        """What happens to this one: the first rule that fits."""
        claims = (rule.claim(call, who, seen, self.chance) for rule in self.rules)
        return next((fault for fault in claims if fault is not None), None)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, h11.ProtocolError, EOFError, asyncio.CancelledError):
            pass  # one side went, or we close: the visit is over
        finally:
            self._visits.discard(task)
            await _leave(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def _silence(self, reader: asyncio.StreamReader) -> None:
        """Say nothing until the other side has had enough."""
        while await reader.read(_CHUNK):
            pass


class HttpDoor(Door):
    """In front of an HTTP/1.1 server."""

    def __init__(
        self, chance: random.Random, calls: Sequence[Call] = (), *, trap: str = "", to: int | None = None
    ) -> None:
        """`trap` is where redirects lead."""
        super().__init__(chance, to)
        self.names = Names()
        self.seen: Counter[tuple[str | None, str | None]] = Counter()
        """How often each call was made, and by whom."""
        self._calls = calls
        self._trap = trap

    async def forward(self, asked: Asked) -> Answer:
        """The other side's own answer. Raises: OSError."""
        return await exchange(asked, self.to or 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        while True:
            asked, rest = await _read_request(reader, rest)
            if asked is None or not await self._treat(asked, reader, writer):
                return

    async def _treat(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        call = next((call.name for call in self._calls if call.covers(asked)), None)
        who = self.names.of(asked)
        self.seen[call, who] += 1
        fault = self.claim(call, who)
        if fault is None:
            writer.write((await self._ask(asked)).to_bytes())
            await writer.drain()
            return asked.header(b"connection").lower() != b"close"
        if fault.kind is Kind.LATENCY:
            await asyncio.sleep(fault.seconds)
        answer = await self._ask(asked) if fault.asks else None
        if fault.kind is Kind.HALF_OPEN:
            await self._silence(reader)
        elif fault.kind is Kind.RESET:
            reset(writer)
        elif fault.kind is Kind.TRUNCATED and answer is not None:
            writer.write(cut_at(fault, answer.to_bytes(), self.chance.random()))
            await writer.drain()
        elif fault.kind is Kind.LATENCY and answer is not None:
            writer.write(answer.to_bytes())
            return True
        else:
            writer.write(instead_of(fault, trap=self._trap).to_bytes())
            await writer.drain()
            return True
        return False

    async def _ask(self, asked: Asked) -> Answer:
        answer = await self.forward(asked)
        self.names.heard(asked, answer)
        return answer


class ByteDoor(Door):
    """In front of anything. A fault happens when the client says something, on whatever connection."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, back = await asyncio.open_connection(HOST, self.to or 0)
        allowed = _Allowance()
        answers = asyncio.create_task(_pump(theirs, writer, allowed))
        try:
            while data := await reader.read(_CHUNK):
                fault = self.claim(None, None, data)
                if fault is None or await self._treat(fault, allowed, reader, writer):
                    back.write(data)
                    await back.drain()
                else:
                    return
        finally:
            answers.cancel()
            await _leave(back)
            await asyncio.gather(answers, return_exceptions=True)

    async def _treat(
        self, fault: Fault, allowed: "_Allowance", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the bytes go on to the other side."""
        if fault.kind is Kind.LATENCY:
            await asyncio.sleep(fault.seconds)
        elif fault.kind is Kind.TRUNCATED:
            allowed.left = fault.cut
        elif fault.kind is Kind.HALF_OPEN:
            await self._silence(reader)
            return False
        else:
            reset(writer)
            return False
        return True


@dataclass(slots=True)
class _Allowance:
    """How many bytes of the answer may still pass; None: all."""

    left: int | None = None


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, allowed: _Allowance) -> None:
    """Pass on what comes, until it ends or the allowance does."""
    with suppress(OSError):
        while data := await source.read(_CHUNK):
            passing = data if allowed.left is None else data[: allowed.left]
            sink.write(passing)
            await sink.drain()
            if allowed.left is not None:
                allowed.left -= len(passing)
                if allowed.left == 0 or len(passing) < len(data):
                    break
        sink.close()


class Trap(Door):
    """A server nobody has any business with; it counts who comes."""

    visits = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG002
        self.visits += 1


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a crash of the machine would: no goodbye."""
    held: socket.socket | None = writer.get_extra_info("socket")
    if held is not None:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()


async def _leave(writer: asyncio.StreamWriter) -> None:
    """Close, however the connection is."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def exchange(asked: Asked, port: int) -> Answer:
    """One request to a server of this machine, on a connection of its own. Raises: OSError, EOFError."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        wire = h11.Connection(h11.CLIENT)
        headers = [(name, value) for name, value in asked.headers if name.lower() not in _ABOUT_THE_BODY]
        headers += [(b"content-length", str(len(asked.body)).encode()), (b"connection", b"close")]
        request = h11.Request(method=asked.method, target=asked.target, headers=headers)
        for event in (request, h11.Data(data=asked.body), h11.EndOfMessage()):
            writer.write(wire.send(event) or b"")
        return await _read_answer(wire, reader)
    finally:
        await _leave(writer)


_ABOUT_THE_BODY: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})


async def _read_answer(wire: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    status, headers, body = 0, Headers(), bytearray()
    async for event in _events(wire, reader.read):
        if isinstance(event, h11.Response):
            status, headers = event.status_code, list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
    if not status:
        raise EOFError("the other side went without an answer")
    return Answer(status, headers, bytes(body))


async def _read_request(reader: asyncio.StreamReader, rest: bytes) -> tuple[Asked | None, bytes]:
    """The next request and what came behind it; None: there is none."""
    wire, head, body = h11.Connection(h11.SERVER), None, bytearray()
    wire.receive_data(rest) if rest else None
    async for event in _events(wire, reader.read):
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
    if head is None:
        return None, b""
    asked = Asked(head.method.decode(), head.target.decode("latin-1"), list(head.headers), bytes(body))
    return asked, wire.trailing_data[0]


async def _events(wire: h11.Connection, read: Callable[[int], Awaitable[bytes]]) -> AsyncIterator[Any]:
    """What h11 makes of the bytes, up to the end of the message or of the connection."""
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await read(_CHUNK))
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
            return
        else:
            yield event
