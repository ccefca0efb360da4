"""The one outbound HTTP client. The only module that names the library behind it.

    HttpError
    ├── NotSent       no connection was made: the other side cannot have acted on it
    │   └── NotAllowed   the guard would not let us go there
    ├── Interrupted   it was sent and the answer never came whole: what happened is unknown
    └── AnswerTooLarge   the decoded answer passed the cap

The one rule: every call has a total deadline and a size cap, follows no redirect, and fails as one of these.
"""

import asyncio
import logging
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from app.addresses import AddressRefused, Guard

DEFAULT_TIMEOUT_SECONDS = 20.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_DRAINED_BYTES = 64 * 1024
_DRAIN_SECONDS = 1.0
_PACKED = "gzip"
_GZIP = zlib.MAX_WBITS | 16
_POOL_SIZE = 20  # httpx's pool slows down past about twenty requests at once

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, codes and tokens included, at INFO


class HttpError(Exception):
    """The call did not end in an answer."""


class NotSent(HttpError):
    """No connection: safe to try again."""


class NotAllowed(NotSent):
    """The URL, or what its name leads to, is not where we go."""


class Interrupted(HttpError):
    """Sent, but the answer is missing or cut: a write may have been applied."""


class AnswerTooLarge(Interrupted):
    """The decoded answer is larger than anything we asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever the status."""

    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    content: bytes


class HttpClient:
    """A pool of connections for one provider; open it once per process. It keeps no cookies: its callers are many.

    With a guard it goes to URLs that strangers gave us: the guard is asked of the URL, and again inside connect.
    """

    def __init__(self, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS, guard: Guard | None = None) -> None:
        self._timeout = timeout_seconds
        self._guard = guard
        limits = httpx.Limits(max_connections=_POOL_SIZE, max_keepalive_connections=_POOL_SIZE)
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            timeout=httpx.Timeout(timeout_seconds, connect=5.0, pool=timeout_seconds),
            limits=limits,
            headers={"User-Agent": "calendar-connect (gzip)", "Accept-Encoding": _PACKED},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
            transport=None if guard is None else _GuardedTransport(guard),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float | None = None,
        status_only: bool = False,
    ) -> Answer:
        """Send one request; any status is an Answer. `status_only`: what the body says is nothing to us.

        The time is for the whole answer, or for the status where that is all.
        Raises: NotSent, NotAllowed, Interrupted, AnswerTooLarge.
        """
        try:
            if self._guard is not None:
                self._guard.check(url)
            request = self._client.build_request(method, url, params=query, headers=headers, content=content)
            async with asyncio.timeout(timeout_seconds or self._timeout):
                response = await self._client.send(request, stream=True)
                if not status_only:
                    return await _read(response)
            return await _read_status(response)
        except (AddressRefused, httpx.InvalidURL) as error:
            raise NotAllowed(type(error).__name__) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(type(error).__name__) from error
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise Interrupted(type(error).__name__) from error


async def _read(response: httpx.Response) -> Answer:
    try:
        body = _Body(response.headers.get("content-encoding", "identity"))
        async for chunk in response.aiter_raw():
            body.add(chunk)
        return Answer(response.status_code, response.headers, body.whole())
    finally:
        await response.aclose()


async def _read_status(response: httpx.Response) -> Answer:
    """A short body is read, so that the connection can be used again; what is long, slow or cut is left where it is."""
    size = 0
    try:
        with suppress(httpx.TransportError, TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for chunk in response.aiter_raw():
                    size += len(chunk)
                    if size > _DRAINED_BYTES:
                        break
        return Answer(response.status_code, response.headers, b"")
    finally:
        await response.aclose()


class _Body:
    """A body as it comes in, unpacked no further than it may be long: the library would unpack a piece of it whole, and
    a thousand times its size."""

    def __init__(self, encoding: str) -> None:
        """Raises: httpx.DecodingError, for a packing we have not offered to read."""
        self._parts: list[bytes] = []
        self._left = MAX_ANSWER_BYTES
        packing = encoding.strip().lower()
        if packing not in {"", "identity", _PACKED}:
            raise httpx.DecodingError("a packing that we did not ask for")
        self._unpacker = zlib.decompressobj(_GZIP) if packing == _PACKED else None

    def add(self, chunk: bytes) -> None:
        """Raises: AnswerTooLarge, httpx.DecodingError."""
        while chunk:
            part, chunk = (chunk, b"") if self._unpacker is None else self._unpacked(self._unpacker, chunk)
            self._left -= len(part)
            if self._left < 0:
                raise AnswerTooLarge(f"more than {MAX_ANSWER_BYTES}")
            self._parts.append(part)

    def whole(self) -> bytes:
        """All of it. Raises: httpx.DecodingError, when its packing does not come to its end."""
        if self._parts and self._unpacker is not None and not self._unpacker.eof:
            raise httpx.DecodingError("cut off")
        return b"".join(self._parts)

    def _unpacked(self, unpacker: "zlib._Decompress", chunk: bytes) -> tuple[bytes, bytes]:
        """What a piece holds, and what of it follows the end of a packing: another (RFC 1952, 2.2)."""
        if unpacker.eof:
            self._unpacker = unpacker = zlib.decompressobj(_GZIP)
        try:
            return unpacker.decompress(chunk, self._left + 1), unpacker.unused_data
        except zlib.error as error:
            raise httpx.DecodingError("not what it says it is") from error


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """The library's own transport over a network that asks the guard. Its pool is made anew, for there is no other way
    in: connections are kept by the name that was certified, and opened to the addresses that were allowed."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=_POOL_SIZE,
            max_keepalive_connections=_POOL_SIZE,
            keepalive_expiry=5.0,
            network_backend=_GuardedNetwork(guard),
        )


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name once and connects to one of these very addresses."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises: AddressRefused, httpcore.ConnectError, httpcore.ConnectTimeout."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._guard.addresses(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(type(error).__name__) from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(type(error).__name__) from error
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """See `httpcore.AsyncNetworkBackend`."""
        await self._network.sleep(seconds)
