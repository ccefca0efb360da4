"""A CRM that receives webhooks, on a real socket, and does with them what a test says.

The one rule: it verifies by its own reading of Standard Webhooks; it shares no code with the sender.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def signatures(self) -> list[str]:
        return self.headers["webhook-signature"].split(" ")

    def signed_by(self, secret: str) -> bool:
        """Whether one of the signatures is made with the secret."""
        key = base64.b64decode(secret.split("_", 1)[1])
        content = b".".join([self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        made = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return f"v1,{made}" in self.signatures


@dataclass(frozen=True, slots=True)
class Reply:
    """How to answer; `cut`: not at all, after it was taken."""

    status: int = 204
    headers: str = ""
    body: bytes = b""
    cut: bool = False


Behaviour = Callable[[Received], Awaitable[Reply]]


async def accept(_: Received) -> Reply:
    return Reply()


@dataclass(slots=True)
class Receiver:
    """What came, and how to answer."""

    url: str = ""
    behave: Behaviour = accept
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    under_way: int = 0
    most_at_once: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [item.event for item in self.received]

    @property
    def sequences(self) -> list[int]:
        return [event["sequence"] for event in self.events]

    def answers(self, *statuses: int) -> None:
        """These, one after the other, then 204."""
        left = list(statuses)

        async def answer(_: Received) -> Reply:
            return Reply(left.pop(0) if left else 204)

        self.behave = answer

    async def until(self, count: int, *, seconds: float = 10) -> list[Received]:
        """Wait until so many have come."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                self.under_way += 1
                self.most_at_once = max(self.most_at_once, self.under_way)
                try:
                    self.received.append(request)
                    self.changed.set()
                    reply = await self.behave(request)
                finally:
                    self.under_way -= 1
                if reply.cut:
                    return
                head = f"HTTP/1.1 {reply.status} X\r\n{reply.headers}Content-Length: {len(reply.body)}\r\n\r\n"
                writer.write(head.encode() + reply.body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    line = await reader.readline()
    if not line:
        return None
    headers = {}
    while (header := (await reader.readline()).decode().strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(line.decode().split(" ")[1], headers, body)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
