"""The one TLS connection under a session of `requests`: where it may go, what it trusts, how long it may take.

    RouteError
    ├── NotSent          nothing was asked, or only of a server that did not know us yet
    │   ├── Untrusted    the server could not prove who it is
    │   └── NoServer     the name is nobody's, or what listens there speaks no TLS of ours
    └── Interrupted      asked, and no whole answer came: what happened is unknown

The one rule: it always tells whether the other side can have acted, and hands on whole answers only. `requests` reads
an answer without an end, takes a packed one that was cut for a whole one, and lets a server drip for ever.
"""

import http.client
import socket
import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from app.providers.ews.addresses import Endpoint, Guard
from app.providers.ews.tls import Deadline, DeadlineSocket

MAX_ANSWER_BYTES = 32 * 1024 * 1024
UNAUTHORIZED: Final = 401
_CONNECT_SECONDS: Final = 5.0
_CHUNK: Final = 64 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
_PACKED: Final = frozenset({"gzip", "x-gzip"})
_NO_SUCH_NAME: Final = (socket.EAI_NONAME, socket.EAI_NODATA)
_NTLM_OPENING: Final = "TlRMTVNTUAAB"
"""How the first of NTLM's three messages begins; it proves nothing yet."""
_NTLM_CHALLENGE: Final = "TlRMTVNTUAAC"
_NTLM_PROOF: Final = "TlRMTVNTUAAD"
_BROKEN: Final = (OSError, HTTPError, http.client.HTTPException, zlib.error)


class RouteError(Exception):
    """The exchange did not end in an answer."""


class NotSent(RouteError):
    """Safe to try again."""


class Untrusted(NotSent):
    """The certificate is not one we trust for this host."""


class NoServer(NotSent):
    """There is nothing that waiting would change."""


class Interrupted(RouteError):
    """Sent, but the answer is missing, cut, or larger than anything we asked for."""


class Unchallenged(Exception):
    """The first of NTLM's messages was answered, and not by the second: that is the answer, whatever it says."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(f"HTTP {answer.status_code}")
        self.answer = answer


@dataclass(slots=True)
class Route:
    """What a connection is made by, and what is known of the one that stands."""

    endpoint: Endpoint
    guard: Guard
    context: ssl.SSLContext
    deadline: Deadline = field(default_factory=Deadline)
    certificate: bytes | None = None
    """The server's, in DER."""
    let_in: bool = False
    """NTLM proves the password once per connection."""
    proving: bool = False
    """A proof is under way: it answers the connection that asked for it, and is of no use on another."""


class RoutedConnection(HTTPSConnection):
    """A connection of urllib3's that asks the guard, and goes to the very addresses it allowed."""

    def __init__(self, *args: Any, route: Route, **more: Any) -> None:
        super().__init__(*args, ssl_context=route.context, **more)
        self._route = route

    def connect(self) -> None:
        """Raises: NotSent, AddressRefused."""
        route = self._route
        if route.proving:
            raise NotSent("hung up in the middle of a proof")
        route.certificate, route.let_in = None, False
        try:
            super().connect()
        except ssl.SSLCertVerificationError as error:
            raise Untrusted from error
        except (ssl.SSLError, socket.gaierror) as error:
            lasting = not isinstance(error, socket.gaierror) or error.errno in _NO_SUCH_NAME
            raise (NoServer if lasting else NotSent)(type(error).__name__) from error
        except (*_BROKEN, UnicodeError) as error:
            raise NotSent(type(error).__name__) from error
        assert isinstance(self.sock, DeadlineSocket)
        self.sock.deadline = route.deadline
        route.certificate = self.sock.getpeercert(binary_form=True)

    def _new_conn(self) -> socket.socket:
        """A connection to the first address that takes one."""
        route = self._route
        failure: OSError = OSError("no address")
        for address in route.guard.addresses(route.endpoint):
            try:
                timeout = min(_CONNECT_SECONDS, route.deadline.remaining())
                raw = socket.create_connection((address, route.endpoint.port), timeout=timeout)
            except OSError as error:
                failure = error
            else:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                raw.settimeout(route.deadline.remaining())  # for all of the handshake
                return raw
        raise failure


class _OneConnection(HTTPSConnectionPool):
    ConnectionCls = RoutedConnection


class RouteAdapter(HTTPAdapter):
    """All that a session can reach: one server, over one connection."""

    def __init__(self, route: Route) -> None:
        super().__init__(max_retries=0)
        self.route = route
        self._pool = _OneConnection(route.endpoint.host, route.endpoint.port, maxsize=1, route=route)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """An answer with its whole body. How long it may take is the route's; the timeout given does not count.

        Raises: RouteError, AddressRefused, Unchallenged.
        """
        route = self.route
        token = str(request.headers.get("Authorization", "")).partition(" ")[2]
        opening, route.proving = token.startswith(_NTLM_OPENING), token.startswith(_NTLM_PROOF)
        try:
            response = super().send(request, stream=True, timeout=route.deadline.remaining())
            response._content = _whole(response.raw)  # noqa: SLF001 - where `requests` keeps a body it has read
        except _BROKEN as error:
            # Exchange does nothing for who has not signed in, so to them a lost answer is no loss.
            kind = Interrupted if route.let_in or (token and not opening) else NotSent
            raise kind(type(error).__name__) from error
        if route.proving or response.status_code == UNAUTHORIZED:
            route.let_in, route.proving = response.status_code != UNAUTHORIZED, False
        if opening and _NTLM_CHALLENGE not in response.headers.get("WWW-Authenticate", ""):
            raise Unchallenged(response)
        return response

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPSConnectionPool:
        """No other host, no proxy."""
        return self._pool

    def cert_verify(self, *_: Any) -> None:
        """The route's context says whom we trust; `requests` would add a bundle of its own."""

    def close(self) -> None:
        """Hang up."""
        super().close()
        self._pool.close()


def _whole(raw: BaseHTTPResponse) -> bytes:
    """The body, unpacked. Raises: one of `_BROKEN` when it is cut, or too large."""
    try:
        return b"".join(_unpacked(raw))
    except BaseException:
        raw.close()
        raise


def _unpacked(raw: BaseHTTPResponse) -> Iterator[bytes]:
    """The chunks of a body. Names of codings know no case, and what is packed may come in members (RFC 9110, 1952)."""
    plain = zlib.decompressobj(_GZIP) if raw.headers.get("Content-Encoding", "").strip().lower() in _PACKED else None
    size, begun = 0, False
    for packed in raw.stream(_CHUNK, decode_content=False):
        begun, rest = True, packed
        while rest:
            if plain is not None and plain.eof:
                plain = zlib.decompressobj(_GZIP)
            chunk = rest if plain is None else plain.decompress(rest, MAX_ANSWER_BYTES + 1 - size)
            rest = b"" if plain is None else plain.unused_data
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise http.client.HTTPException("too large")
            yield chunk
    if plain is not None and begun and not plain.eof:
        raise http.client.HTTPException("cut off")
