"""Idle lines, kept for the next request to the same mailbox.

The one rule: how many sockets are open does not grow with the number of mailboxes: the line that lay longest goes.
"""

import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from app.providers.ews.addresses import Endpoint, Guard
from app.providers.ews.line import Line
from app.providers.ews.login import Login
from app.providers.ews.route import Route, Untrusted
from app.providers.ews.tls import context_for

_IDLE_SECONDS = 50.0
"""Exchange's own front ends hang up after a minute or two."""
_IDLE_MAX = 64


class Lines:
    """All lines of this process. Called by threads."""

    def __init__(self, guard: Guard, *, minimum: ssl.TLSVersion, idle_max: int = _IDLE_MAX) -> None:
        self._guard = guard
        self._minimum = minimum
        self._idle_max = idle_max
        self._lock = threading.Lock()
        self._idle: OrderedDict[int, tuple[str, Line]] = OrderedDict()
        self._closed = False

    @contextmanager
    def to(self, login: Login) -> Iterator[Line]:
        """A line for one request with this login, password and certificate included. Raises: AddressRefused."""
        key = login.digest
        line = self._taken(key) or self.fresh(Endpoint.of(login.url), login.certificate, login)
        try:
            yield line
        except BaseException:
            line.close()
            raise
        self._put(key, line)

    def fresh(self, endpoint: Endpoint, certificate: str | None, login: Login | None = None) -> Line:
        """A line that nobody else has; without a login it is a stranger's. Raises: Untrusted: no such certificate."""
        try:
            context = context_for(certificate, self._minimum)
        except (ssl.SSLError, TypeError) as error:  # no PEM; no ASCII
            raise Untrusted from error
        return Line(Route(endpoint, self._guard, context), login)

    def close(self) -> None:
        """Hang up all idle lines; those in use are hung up when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, OrderedDict()
        for _, line in idle.values():
            line.close()

    def _taken(self, key: str) -> Line | None:
        with self._lock:
            known = next((number for number in reversed(self._idle) if self._idle[number][0] == key), None)
            line = None if known is None else self._idle.pop(known)[1]
        if line is None or time.monotonic() - line.idle_since <= _IDLE_SECONDS:
            return line
        line.close()
        return None

    def _put(self, key: str, line: Line) -> None:
        line.idle_since = time.monotonic()
        with self._lock:
            surplus = [line] if self._closed else []
            if not self._closed:
                self._idle[id(line)] = (key, line)
            while len(self._idle) > self._idle_max or self._has_old():
                surplus.append(self._idle.popitem(last=False)[1][1])
        for old in surplus:
            old.close()

    def _has_old(self) -> bool:
        oldest = next(iter(self._idle.values()), None)
        return oldest is not None and time.monotonic() - oldest[1].idle_since > _IDLE_SECONDS
