"""Where we stand in a calendar's changes, as opaque bytes. Pure.

The one rule: a cursor is good only for the folder and the version of the listing it was made for; any other, and any
that cannot be read, has expired. Raise `_VERSION` whenever the way we read changes means another listing.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec

from app.providers.base import CursorExpired

_VERSION = 1


class _Wire(msgspec.Struct, omit_defaults=True):
    version: int
    calendar: str
    state: str
    since: datetime | None = None
    """Set on the pages of a full listing: what was over by then is left out."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a calendar's changes."""

    calendar_id: str
    state: str | None
    since: datetime | None

    @classmethod
    def read(cls, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime) -> Self:
        """Where the caller stands. Raises: CursorExpired."""
        known = page if page is not None else cursor
        if known is None:
            return cls(calendar_id, None, since)
        wire = _decoded(known, calendar_id)
        return cls(calendar_id, wire.state, wire.since if cursor is None else None)

    def after(self, state: str, *, last: bool) -> bytes:
        """The place behind a page: the next page, or the cursor when it was the last."""
        return msgspec.json.encode(_Wire(_VERSION, _mark(self.calendar_id), state, None if last else self.since))


def _decoded(data: bytes, calendar_id: str) -> _Wire:
    try:
        wire = msgspec.json.decode(data, type=_Wire)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CursorExpired("not a cursor of ours", operation="ews.sync_page") from error
    if wire.version != _VERSION or wire.calendar != _mark(calendar_id):
        raise CursorExpired("a cursor of another listing", operation="ews.sync_page")
    return wire


def _mark(calendar_id: str) -> str:
    return hashlib.sha256(calendar_id.encode()).hexdigest()[:16]
