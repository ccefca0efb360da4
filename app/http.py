"""The one outbound HTTP client. The only module that names the library behind it.

    HttpError
    ├── NotSent       no connection was made: the other side cannot have acted on it
    ├── Interrupted   it was sent and the answer never came whole: what happened is unknown
    └── AnswerTooLarge   the decoded answer passed the cap

The one rule: every call has a total deadline and a size cap, follows no redirect, and fails as one of these.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

DEFAULT_TIMEOUT_SECONDS = 20.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_POOL_SIZE = 20  # httpx's pool slows down past about twenty requests at once

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, codes and tokens included, at INFO


class HttpError(Exception):
    """The call did not end in an answer."""


class NotSent(HttpError):
    """No connection: safe to try again."""


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
    """A pool of connections for one provider; open it once per process."""

    def __init__(self, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        self._timeout = timeout_seconds
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            timeout=httpx.Timeout(timeout_seconds, connect=5.0, pool=timeout_seconds),
            limits=httpx.Limits(max_connections=_POOL_SIZE, max_keepalive_connections=_POOL_SIZE),
            headers={"User-Agent": "calendar-connect"},
            trust_env=False,
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
    ) -> Answer:
        """Send one request; any status is an Answer.

        Raises: NotSent, Interrupted, AnswerTooLarge.
        """
        request = self._client.build_request(method, url, params=query, headers=headers, content=content)
        try:
            async with asyncio.timeout(timeout_seconds or self._timeout):
                return await self._read(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(type(error).__name__) from error
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise Interrupted(type(error).__name__) from error

    async def _read(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            chunks, size = [], 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    raise AnswerTooLarge(str(size))
                chunks.append(chunk)
            return Answer(response.status_code, response.headers, b"".join(chunks))
        finally:
            await response.aclose()
