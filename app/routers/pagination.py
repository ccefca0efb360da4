"""Opaque, signed list cursors.

The one rule: a cursor is good for the list, the order and the filters it came from, and for nothing else.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query, Request
from pydantic.json_schema import SkipJsonSchema

from app.errors import InvalidCursor

_MAC_BYTES = 16
_ID_BYTES = 16
_TIME_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
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
        return None if cursor is None else UUID(bytes=self._value(cursor, _ID_BYTES))

    def read_timed(self, cursor: str | None) -> tuple[datetime, UUID] | None:
        """The time and the id to go on after. Raises: InvalidCursor."""
        if cursor is None:
            return None
        value = self._value(cursor, _TIME_BYTES + _ID_BYTES)
        passed = int.from_bytes(value[:_TIME_BYTES], "big", signed=True) * _MICROSECOND
        return _EPOCH + passed, UUID(bytes=value[_TIME_BYTES:])

    def _value(self, cursor: str, size: int) -> bytes:
        try:
            raw = base64.b32decode(cursor.upper() + "=" * (-len(cursor) % 8))
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor from error
        mac, value = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if len(value) != size or not hmac.compare_digest(mac, self._mac(value)):
            raise InvalidCursor
        if self._cursor(value) != cursor:  # the last letter has bits to spare, and so have capitals
            raise InvalidCursor
        return value

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
        return self._cursor(last.bytes)

    def after_timed(self, at: datetime, last: UUID) -> str:
        """The cursor of a list in the order of times, which goes on after this one."""
        passed = (at - _EPOCH) // _MICROSECOND
        return self._cursor(passed.to_bytes(_TIME_BYTES, "big", signed=True) + last.bytes)

    def _cursor(self, value: bytes) -> str:
        raw = self._mac(value) + value
        return base64.b32encode(raw).decode().rstrip("=").lower()

    def _mac(self, value: bytes) -> bytes:
        return hmac.digest(self._key, b"cursor|" + self._list + value, "sha256")[:_MAC_BYTES]
