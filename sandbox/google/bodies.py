"""The bytes of a request's body, unpacked. The one rule: what grows past Google's limit is refused, not unpacked.

Google's Java and .NET clients compress every body unless told otherwise.
https://github.com/googleapis/google-api-dotnet-client/issues/41
"""

import gzip
import io
import zlib

from starlette.requests import Request

from sandbox.google import errors

# As Google's front end words it: "Request payload size exceeds the limit: 10485760 bytes."
BODY_MAX = 10 * 1024 * 1024
_PLAIN = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})


async def read_body(request: Request) -> bytes:
    """The body as the client meant it, or Google's 400."""
    raw = await request.body()
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _PLAIN | _GZIP:
        raise errors.content_encoding(encoding)
    body = _unpack(raw) if encoding in _GZIP and raw else raw
    if len(body) > BODY_MAX:
        raise errors.payload_too_large(BODY_MAX)
    return body


def _unpack(raw: bytes) -> bytes:
    """At most one byte more than is allowed."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            return packed.read(BODY_MAX + 1)
    except (OSError, EOFError, zlib.error):
        raise errors.bad_request() from None
