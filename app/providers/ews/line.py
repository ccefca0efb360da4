"""One TLS connection to one server: requests in, answers out, one at a time. It blocks; only threads hold one.

    LineError
    ├── NotSent          no connection was made: nothing was asked
    │   ├── Untrusted    the server could not prove who it is
    │   └── NoServer     the name is nobody's, or what listens there speaks no TLS of ours
    └── Interrupted      asked, and no whole answer came: what happened is unknown

The one rule: it always tells whether the other side can have acted. An idle connection that the server has closed
meanwhile is found out before a request is entrusted to it.
"""

import http.client
import select
import socket
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from app.providers.ews.addresses import AddressRefused as AddressRefused
from app.providers.ews.addresses import Endpoint, Guard
from app.providers.ews.tls import DeadlineSocket, remaining

MAX_ANSWER_BYTES = 32 * 1024 * 1024
_CONNECT_SECONDS = 5.0
_CHUNK = 64 * 1024
_NO_SUCH_NAME = (socket.EAI_NONAME, socket.EAI_NODATA)
_GZIP = 16 + zlib.MAX_WBITS
_HEADERS = {"Accept": "text/xml", "Accept-Encoding": "gzip", "User-Agent": "calendar-connect"}


class LineError(Exception):
    """The exchange did not end in an answer."""


class NotSent(LineError):
    """No connection: safe to try again."""


class Untrusted(NotSent):
    """The certificate is not one we trust for this host."""


class NoServer(NotSent):
    """There is nothing that waiting would change."""


class Interrupted(LineError):
    """Sent, but the answer is missing, cut, or larger than anything we asked for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever the status."""

    status: int
    headers: Message
    """Names in any case."""
    content: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [str(value) for value in self.headers.get_all(name, [])]


class Line:
    """A connection, made when it is first needed."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext, guard: Guard) -> None:
        self.endpoint = endpoint
        self.authenticated = False
        """NTLM proves the password once per connection."""
        self.idle_since = 0.0
        """By `time.monotonic()`, while it lies in a pool."""
        self._context = context
        self._guard = guard
        self._connection: http.client.HTTPSConnection | None = None
        self._socket: DeadlineSocket | None = None

    @property
    def certificate(self) -> bytes | None:
        """The server's, in DER; None while there is no connection."""
        return None if self._socket is None else self._socket.getpeercert(binary_form=True)

    def open(self, deadline: float) -> None:
        """Connect, unless connected. Raises: NotSent, Untrusted, AddressRefused."""
        if self._connection is not None and not self._is_stale():
            return
        self.close()
        try:
            self._connect(deadline)
        except ssl.SSLCertVerificationError as error:
            raise Untrusted from error
        except (ssl.SSLError, socket.gaierror) as error:
            lasting = not isinstance(error, socket.gaierror) or error.errno in _NO_SUCH_NAME
            raise (NoServer if lasting else NotSent)(type(error).__name__) from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise NotSent(type(error).__name__) from error

    def post(self, body: bytes, headers: Mapping[str, str], deadline: float) -> Reply:
        """One request to the endpoint. Raises: LineError, AddressRefused."""
        self.open(deadline)
        assert self._connection is not None
        assert self._socket is not None
        self._socket.deadline = deadline
        try:
            self._connection.request("POST", self.endpoint.path, body=body, headers={**_HEADERS, **headers})
            return self._read(self._connection.getresponse())
        except (OSError, http.client.HTTPException, zlib.error) as error:
            self.close()
            raise Interrupted(type(error).__name__) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        connection, self._connection, self._socket = self._connection, None, None
        self.authenticated = False
        if connection is not None:
            connection.close()

    def _connect(self, deadline: float) -> None:
        addresses = self._guard.addresses(self.endpoint)
        raw = self._reach(addresses, deadline)
        try:
            raw.settimeout(remaining(deadline))
            secured = self._context.wrap_socket(raw, server_hostname=self.endpoint.host)
        except BaseException:
            raw.close()
            raise
        assert isinstance(secured, DeadlineSocket)
        connection = http.client.HTTPSConnection(self.endpoint.host, self.endpoint.port, context=self._context)
        connection.auto_open = 0  # only `open` connects: it asks the guard
        connection.sock = secured
        self._connection, self._socket = connection, secured

    def _reach(self, addresses: list[str], deadline: float) -> socket.socket:
        """A connection to the first address that takes one."""
        failure: OSError = OSError("no address")
        for address in addresses:
            try:
                timeout = min(_CONNECT_SECONDS, remaining(deadline))
                raw = socket.create_connection((address, self.endpoint.port), timeout=timeout)
            except OSError as error:
                failure = error
            else:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return raw
        raise failure

    def _is_stale(self) -> bool:
        """Between requests the server has nothing to say; if it does, it is goodbye."""
        if self._socket is None:
            return True
        poll = select.poll()  # not select(), which cannot look at descriptors past 1,023
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def _read(self, response: http.client.HTTPResponse) -> Reply:
        plain = zlib.decompressobj(_GZIP) if response.headers.get("Content-Encoding") == "gzip" else None
        chunks, size = [], 0
        while raw := response.read(_CHUNK):
            chunk = raw if plain is None else plain.decompress(raw, MAX_ANSWER_BYTES + 1 - size)
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise http.client.HTTPException("too large")
            chunks.append(chunk)
        if response.length or (plain is not None and chunks and not plain.eof):
            raise http.client.HTTPException("cut off")  # http.client only notices when it reads all at once
        if response.will_close:
            self.close()
        return Reply(response.status, response.headers, b"".join(chunks))
