"""Opaque, signed list cursors.

The one rule: a cursor is good for the list and the filters it came from, and for nothing else.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic.json_schema import SkipJsonSchema

from app.errors import InvalidCursor

_MAC_BYTES = 16
Limit = Annotated[int, Query(ge=1, le=100, description="The most items to answer.")]
CursorParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(max_length=200, description="Where to go on: the `next_cursor` of the answer before."),
]


class Cursor:
    """Makes and reads the cursors of one list."""

    def __init__(self, request: Request) -> None:
        self._key: bytes = request.app.state.services.settings.signing_key.get_secret_value()
        parameters = sorted((k, v) for k, v in request.query_params.multi_items() if k not in {"cursor", "limit"})
        caller = request.scope.get("state", {}).get("caller", "")
        self._list = hashlib.sha256(repr((request.scope["path"], parameters, caller)).encode()).digest()

    def read(self, cursor: str | None) -> UUID | None:
        """The id to go on after. Raises: InvalidCursor."""
        if cursor is None:
            return None
        try:
            raw = base64.b32decode(cursor.upper() + "=" * (-len(cursor) % 8))
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor from error
        mac, value = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if len(value) != 16 or not hmac.compare_digest(mac, self._mac(value)):  # noqa: PLR2004 - a UUID
            raise InvalidCursor
        return UUID(bytes=value)

    def after(self, last: UUID) -> str:
        """The cursor that goes on after this id."""
        raw = self._mac(last.bytes) + last.bytes
        return base64.b32encode(raw).decode().rstrip("=").lower()

    def _mac(self, value: bytes) -> bytes:
        return hmac.digest(self._key, b"cursor|" + self._list + value, "sha256")[:_MAC_BYTES]
