"""A request's body, from its bytes to JSON.

The one rule: what is packed, too big, no JSON, or could not be written back as JSON reaches no handler.
"""

import json
import zlib
from typing import Any

from starlette.requests import Request

from sandbox.microsoft import errors

# "The maximum request length supported is 4MB", packed or not.
BODY_MAX = 4 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


async def read_bytes(request: Request) -> bytes:
    """The body as its sender wrote it, before it was packed for the wire. Raises GraphError."""
    raw = await request.body()
    if len(raw) > BODY_MAX:
        raise errors.too_large()
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return raw
    if encoding not in {"gzip", "x-gzip"}:
        raise errors.unsupported_media()
    return _unpacked(raw) if raw else raw


def _unpacked(raw: bytes) -> bytes:
    """What was packed; never more of it in memory than one byte over the limit."""
    packed = zlib.decompressobj(_GZIP)
    try:
        content = packed.decompress(raw, BODY_MAX + 1)
    except zlib.error:
        raise errors.bad_json() from None
    if len(content) > BODY_MAX:
        raise errors.too_large()
    if not packed.eof or packed.unused_data:
        raise errors.bad_json()
    return content


def parse_json(raw: bytes) -> Any:
    """JSON that can be written again: half a surrogate pair and numbers out of all bounds cannot. Raises GraphError."""
    try:
        parsed = json.loads(raw)
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise errors.bad_json() from None
    return parsed
