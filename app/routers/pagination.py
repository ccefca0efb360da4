"""Opaque, signed list cursors.

The one rule: a cursor is good for the list and the filters it came from, and for nothing else.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query, Request
from pydantic.json_schema import SkipJsonSchema

from app.errors import InvalidCursor

_MAC_BYTES = 16
Item = TypeVar("Item")
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
        last = UUID(bytes=value)
        if self.after(last) != cursor:  # the last letter has bits to spare, and so have capitals
            raise InvalidCursor
        return last

    def cut(
        self, items: Sequence[Item], *, cursor: str | None, limit: int, key: Callable[[Item], UUID]
    ) -> tuple[Sequence[Item], str | None]:
        """A portion of a list that is short enough to be read whole, and the cursor to the next one.

        Raises: InvalidCursor, also when what it went on after is gone.
        """
        last, begin = self.read(cursor), 0
        if last is not None:
            begin = next((place for place, item in enumerate(items, 1) if key(item) == last), 0)
            if begin == 0:
                raise InvalidCursor
        portion = items[begin : begin + limit]
        return portion, self.after(key(portion[-1])) if begin + limit < len(items) else None

    def after(self, last: UUID) -> str:
        """The cursor that goes on after this id."""
        raw = self._mac(last.bytes) + last.bytes
        return base64.b32encode(raw).decode().rstrip("=").lower()

    def _mac(self, value: bytes) -> bytes:
        return hmac.digest(self._key, b"cursor|" + self._list + value, "sha256")[:_MAC_BYTES]
