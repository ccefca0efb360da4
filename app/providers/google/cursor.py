"""Where we stand in a calendar's changes, as opaque bytes. Pure.

The one rule: a cursor is good only for the calendar and the version of the listing it was made for; any other, and any
that cannot be read, has expired. Raise `_VERSION` whenever the parameters of the listing change: Google promises
nothing for a sync token that is used with others than it was made with.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

import msgspec

from app.providers.base import CursorExpired
from app.providers.google.drafts import rfc3339

_VERSION = 1


class _Bound(msgspec.Struct, rename={"version": "v"}):
    version: int
    calendar: str


class _Cursor(_Bound, rename={"version": "v"}):
    token: str


class _Page(_Bound, rename={"version": "v"}, omit_defaults=True):
    token: str
    since: str | None = None
    """The `timeMin` of a full listing: every page repeats it as the first one said it."""


StructT = TypeVar("StructT", bound=_Bound)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a calendar's changes."""

    calendar_id: str
    sync_token: str | None
    page_token: str | None
    since: str | None

    @classmethod
    def read(cls, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime) -> Self:
        """Where the caller stands. Raises: CursorExpired."""
        known = None if cursor is None else _decoded(cursor, _Cursor, calendar_id)
        begun = None if page is None else _decoded(page, _Page, calendar_id)
        if known is not None:
            return cls(calendar_id, known.token, begun.token if begun else None, None)
        if begun is not None:
            return cls(calendar_id, None, begun.token, begun.since)
        return cls(calendar_id, None, None, rfc3339(since))

    def query(self) -> dict[str, str]:
        """The parameters that say so to Google."""
        named = {"syncToken": self.sync_token, "pageToken": self.page_token, "timeMin": self.since}
        return {name: value for name, value in named.items() if value is not None}

    def cursor(self, token: str) -> bytes:
        """The cursor that goes on from Google's sync token."""
        return msgspec.json.encode(_Cursor(_VERSION, _calendar_mark(self.calendar_id), token))

    def page(self, token: str) -> bytes:
        """The next page."""
        return msgspec.json.encode(_Page(_VERSION, _calendar_mark(self.calendar_id), token, self.since))


def _decoded(data: bytes, kind: type[StructT], calendar_id: str) -> StructT:
    try:
        value = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CursorExpired("not a cursor of ours", operation="sync") from error
    if value.version != _VERSION or value.calendar != _calendar_mark(calendar_id):
        raise CursorExpired("a cursor of another listing", operation="sync")
    return value


def _calendar_mark(calendar_id: str) -> str:
    return hashlib.sha256(calendar_id.encode()).hexdigest()[:16]
