"""Where we stand in a calendar's changes, as opaque bytes; and the window those changes are told for. Pure.

Graph tells changes of a fixed window of time only. Ours begins where the caller's listing does and ends some while
after everything the caller can want to know; the caller's wish moves on with the days, the window does not. Once the
wish passes the window's end the cursor has expired: a full listing of a new window follows, and because a full
listing names all there is, nothing that happened meanwhile is lost.

The one rule: a cursor is good only for the calendar, the window and the version of the listing it was made for, and
leads nowhere but to the server it came from. Raise `_VERSION` whenever the listing's headers change.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

import msgspec

from app.providers.base import CursorExpired

_VERSION = 1
_ROLLS_EARLIEST = timedelta(days=60)
_ROLLS_SPREAD_DAYS = 60
"""Calendars connected on one day do not all begin anew on one day."""


class _Place(msgspec.Struct, rename={"version": "v"}):
    version: int
    calendar: str
    link: str
    """Relative to the API's root: whatever is stored, our token is never sent elsewhere."""
    since: datetime
    until: datetime


class _Cursor(_Place, tag="cursor", rename={"version": "v"}):
    pass


class _Page(_Place, tag="page", rename={"version": "v"}):
    pass


PlaceT = TypeVar("PlaceT", bound=_Place)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a calendar's changes."""

    calendar_id: str
    since: datetime
    until: datetime
    link: str | None
    """Where Graph told us to go on; None: a new listing of the window."""

    @classmethod
    def read(
        cls, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime, reach: timedelta
    ) -> Self:
        """Where the caller stands, whose interest ends `reach` after `since`. Raises: CursorExpired."""
        if page is not None:
            begun = _decoded(page, _Page, calendar_id)
            return cls(calendar_id, begun.since, begun.until, begun.link)
        if cursor is None:
            return cls(calendar_id, since, since + reach + _slack(calendar_id), None)
        known = _decoded(cursor, _Cursor, calendar_id)
        if since < known.since or since + reach > known.until:
            raise CursorExpired("the window has to move", operation="sync")
        return cls(calendar_id, known.since, known.until, known.link)

    def query(self) -> dict[str, str]:
        """The parameters that begin a listing of the window."""
        return window_query(self.since, self.until)

    def cursor(self, link: str) -> bytes:
        """The cursor that goes on from a deltaLink."""
        return msgspec.json.encode(_Cursor(_VERSION, _calendar_mark(self.calendar_id), link, self.since, self.until))

    def page(self, link: str) -> bytes:
        """The next page, from a nextLink."""
        return msgspec.json.encode(_Page(_VERSION, _calendar_mark(self.calendar_id), link, self.since, self.until))


def window_query(start: datetime, end: datetime) -> dict[str, str]:
    """A window in Graph's parameters."""
    return {"startDateTime": utc_text(start), "endDateTime": utc_text(end)}


def utc_text(instant: datetime) -> str:
    """An instant in UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _decoded(data: bytes, kind: type[PlaceT], calendar_id: str) -> PlaceT:
    try:
        value = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CursorExpired("not a cursor of ours", operation="sync") from error
    if value.version != _VERSION or value.calendar != _calendar_mark(calendar_id) or not value.link.startswith("/"):
        raise CursorExpired("a cursor of another listing", operation="sync")
    return value


def _slack(calendar_id: str) -> timedelta:
    spread = int(_calendar_mark(calendar_id), 16) % _ROLLS_SPREAD_DAYS
    return _ROLLS_EARLIEST + timedelta(days=spread)


def _calendar_mark(calendar_id: str) -> str:
    return hashlib.sha256(calendar_id.encode()).hexdigest()[:16]
