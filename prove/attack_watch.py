"""Sees every connection of its process before it is made, and is its resolver.

    blocking sockets, asyncio   the interpreter's audit events `socket.connect` and `socket.sendto`
    uvloop                      its own `create_connection`: libuv connects without telling the interpreter

The one rule: nothing leaves the machine. What is not one of the addresses we need is written down and refused before
a packet is sent; so a corpus may name the open internet, too.
"""

import asyncio
import errno
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop

from prove.attack_addresses import Name

Where = tuple[str, int]


@dataclass(slots=True)
class Watch:
    """What was tried, while it watches."""

    ours: frozenset[Where]
    """Addresses and ports that the process lives by: its database, the simulators."""
    names: Mapping[str, Name]
    """What names are resolved to; others are nobody's, but `ours`."""
    seen: list[Where] = field(default_factory=list)
    """Everything else it tried to connect to, whether it was forbidden or not."""
    tell: Callable[[Where], None] | None = None
    """Is told of each as it is tried."""
    asked: Counter[str] = field(default_factory=Counter)

    def judge(self, host: str, port: int) -> None:
        """Raises: ConnectionRefusedError, for whatever is not ours."""
        if (host, port) in self.ours:
            return
        self.seen.append((host, port))
        if self.tell is not None:
            self.tell((host, port))
        raise ConnectionRefusedError(errno.ECONNREFUSED, "not from here")

    def resolve(self, host: str, port: int) -> list[Any]:
        """As `getaddrinfo` would, by our names; numbers are read as the system reads them. Raises: socket.gaierror."""
        plain = host.lower().rstrip(".")
        known = self.names.get(plain)
        if known is None:
            return _numeric(host, port)
        answer = known.answer(self.asked[plain])
        self.asked[plain] += 1
        return [row for address in answer for row in _numeric(address, port)]


_real_getaddrinfo = socket.getaddrinfo
_watching: list[Watch] = []
_hooked = False


def _numeric(host: str, port: int) -> list[Any]:
    """Without asking anybody. Raises: socket.gaierror."""
    return _real_getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST)


def _getaddrinfo(host: Any, port: Any, *arguments: Any, **named: Any) -> list[Any]:
    if not _watching or host is None:
        return _real_getaddrinfo(host, port, *arguments, **named)
    text = host.decode() if isinstance(host, bytes) else str(host)
    return _watching[-1].resolve(text, int(port or 0))


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """A hook cannot be taken away: it does nothing while nobody watches."""
    if not _watching or event not in {"socket.connect", "socket.sendto"}:
        return
    target = arguments[1]
    if isinstance(target, tuple):  # anything else is a socket file
        _watching[-1].judge(str(target[0]), int(target[1]))


class WatchedLoop(uvloop.Loop):
    """uvloop, whose connections are looked at as well."""

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **more: Any) -> Any:
        """A name that comes so far would be resolved again behind our back: every answer to it counts."""
        if _watching and host is not None:
            for row in _watching[-1].resolve(str(host), int(port)):
                _watching[-1].judge(str(row[4][0]), int(row[4][1]))
        return await super().create_connection(protocol_factory, host, port, **more)

    async def sock_connect(self, sock: socket.socket, address: Any) -> Any:
        """See `asyncio.loop.sock_connect`."""
        if _watching and isinstance(address, tuple):
            _watching[-1].judge(str(address[0]), int(address[1]))
        return await super().sock_connect(sock, address)

    async def getaddrinfo(self, host: Any, port: Any, **more: Any) -> Any:
        """libuv has a resolver of its own."""
        if not _watching:
            return await super().getaddrinfo(host, port, **more)
        return await asyncio.to_thread(_getaddrinfo, host, port)


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    """Every connection of this process is looked at while the block runs."""
    global _hooked  # noqa: PLW0603 - a process has one set of hooks
    if not _hooked:
        sys.addaudithook(_audit)
        _hooked = True
    _watching.append(watch)
    socket.getaddrinfo = _getaddrinfo
    try:
        yield watch
    finally:
        _watching.pop()
        if not _watching:
            socket.getaddrinfo = _real_getaddrinfo
