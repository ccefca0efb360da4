"""Where we stand in a calendar's changes, as opaque bytes; and the window those changes are told for. Pure.

Graph tells changes of a fixed window of time only. Ours begins where the caller's listing does and ends some while
after everything the caller can want to know; the caller's wish moves on with the days, the window does not. Once the
wish passes the window's end the cursor has expired: a full listing of a new window follows, and because a full
listing names all there is, nothing that happened meanwhile is lost.

Some calendars have no delta that works: a later page of it is refused or never comes, there is always another one, or
the last says nothing of how to go on. Such a calendar is listed plainly, which leaves a cursor that leads to the next
plain listing, and for an hour only: then a delta is tried again.
https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/3997
https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3082
https://github.com/microsoftgraph/msgraph-sdk-java/issues/555

The one rule: a cursor is good only for the calendar, the window and the version of the listing it was made for, and
leads nowhere but to the server it came from. Raise `_VERSION` whenever the listing's headers change.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import msgspec

from app.providers.base import CursorExpired
from app.providers.graph.graph import BrokenListing, calendar_path

_VERSION = 1
_ROLLS_EARLIEST = timedelta(days=60)
_ROLLS_SPREAD_DAYS = 60
"""Calendars connected on one day do not all begin anew on one day."""
_PLAIN = "/"
"""The link of a cursor that a plain listing leaves."""
_PLAIN_FOR = timedelta(hours=1)
"""How long a calendar is listed plainly before a delta is tried again."""
_REPEATS_MAX = 3
_EMPTY_MAX = 200
"""Pages without rows are no sign that nothing will come; many in a row are usual.
https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/1316"""
_PAGES_MAX = 5000


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
    plain: bool = False
    rows: str = ""
    """A mark of the rows of the page before."""
    repeats: int = 0
    pages: int = 0


PlaceT = TypeVar("PlaceT", bound=_Place)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a calendar's changes."""

    calendar_id: str
    since: datetime
    until: datetime
    link: str | None
    """Where Graph told us to go on; None: a new listing of the window, with a delta or plainly."""
    plain: bool = False
    """It is listed without a delta."""
    rows: str = ""
    repeats: int = 0
    pages: int = 0

    @classmethod
    def read(
        cls, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime, reach: timedelta
    ) -> Self:
        """Where the caller stands, whose interest ends `reach` after `since`. Raises: CursorExpired."""
        if page is not None:
            begun = _decoded(page, _Page, calendar_id)
            place = (calendar_id, begun.since, begun.until, begun.link)
            return cls(*place, begun.plain, begun.rows, begun.repeats, begun.pages)
        if cursor is None:
            return cls(calendar_id, since, since + reach + _slack(calendar_id), None)
        known = _decoded(cursor, _Cursor, calendar_id)
        if since < known.since or since + reach > known.until:
            raise CursorExpired("the window has to move", operation="sync")
        if known.link == _PLAIN:
            if since - known.since >= _PLAIN_FOR:
                raise CursorExpired("a delta is to be tried again", operation="sync")
            return cls(calendar_id, known.since, known.until, None, plain=True)
        return cls(calendar_id, known.since, known.until, known.link)

    def query(self) -> dict[str, str]:
        """The parameters that begin a listing of the window."""
        return window_query(self.since, self.until)

    def cursor(self, link: str) -> bytes:
        """The cursor that goes on from a deltaLink."""
        return msgspec.json.encode(_Cursor(_VERSION, _calendar_mark(self.calendar_id), link, self.since, self.until))

    def plain_cursor(self) -> bytes:
        """The cursor after a plain listing: the next one lists the same window, as plainly."""
        return self.cursor(_PLAIN)

    def page(self, link: str, ids: Iterable[str]) -> bytes:
        """The next page, from a nextLink; `ids` are those on this one. Raises: BrokenListing."""
        told = sorted(ids)
        rows = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
        repeats = self.repeats + 1 if rows == self.rows else 0
        if repeats >= (_REPEATS_MAX if told else _EMPTY_MAX) or self.pages >= _PAGES_MAX:
            raise BrokenListing("always another page", operation="sync")
        return self._page(link, plain=self.plain, rows=rows, repeats=repeats, pages=self.pages + 1)

    def plainly(self, wanted: Mapping[str, str]) -> bytes:
        """The first page of a listing of the same window without a delta, which takes more parameters than one."""
        query = urlencode({**self.query(), **wanted}, safe="$,:")
        return self._page(f"{calendar_path(self.calendar_id)}/calendarView?{query}", plain=True)

    def _page(self, link: str, **more: Any) -> bytes:
        place = (_VERSION, _calendar_mark(self.calendar_id), link, self.since, self.until)
        return msgspec.json.encode(_Page(*place, **more))


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
