"""Microsoft Graph's addresses, headers and pages, under one connection's `RestSession`.

The one rule: our token follows a link only as far as the link stays under the API's root.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote, urlsplit

from app.providers.base import EventNotFound, ProtocolError, ProviderError
from app.providers.rest import Call, RestSession

_PREFER = 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'
"""Ids that survive a move between folders, instants in UTC, bodies without HTML; in one header, as Graph wants it."""
_DEFAULT_PORTS = {"https": 443, "http": 80}

T = TypeVar("T")


class BrokenListing(ProtocolError):
    """It never ends: page follows page and none brings anything new, or its links do not lead on."""


class Page(Protocol):
    """A page of any listing."""

    @property
    def next_link(self) -> str | None:
        """Where the listing goes on; None on the last page."""
        ...


PageT = TypeVar("PageT", bound=Page)


def calendar_path(calendar_id: str) -> str:
    """A calendar of the person's, or one shared with the person."""
    return f"/me/calendars/{quote(calendar_id, safe='')}"


def event_path(calendar_id: str, event_id: str) -> str:
    """An event inside its calendar: without it, an event of a shared calendar is not found."""
    return f"{calendar_path(calendar_id)}/events/{quote(event_id, safe='')}"


class Graph:
    """Makes calls, sends them, and follows what they answer."""

    def __init__(self, rest: RestSession, api_url: str) -> None:
        self._rest = rest
        self._api_url = api_url.rstrip("/")

    def read(
        self,
        operation: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        not_found: type[ProviderError] = EventNotFound,
        gone: type[ProviderError] = EventNotFound,
        page_size: int | None = None,
    ) -> Call:
        """A call that changes nothing. `path` may be a link of `inside`; only a delta takes a page size."""
        prefer = _PREFER if page_size is None else f"{_PREFER}, odata.maxpagesize={page_size}"
        url = f"{self._api_url}{path}"
        return Call(operation, "GET", url, query or {}, headers={"Prefer": prefer}, not_found=not_found, gone=gone)

    def write(
        self,
        operation: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: str | None = None,
        not_found: type[ProviderError] = EventNotFound,
    ) -> Call:
        """A call that changes something."""
        condition = {} if if_match is None else {"If-Match": if_match}
        headers = {"Prefer": _PREFER, **condition}
        url = f"{self._api_url}{path}"
        return Call(operation, method, url, body=body, headers=headers, write=True, not_found=not_found)

    async def send(self, call: Call) -> None:
        """Send a call whose answer says nothing more than that it went well. Raises: ProviderError."""
        await self._rest.send(call)

    async def fetch(self, call: Call, decode: Callable[[bytes], T]) -> T:
        """The decoded answer of a call. Raises: ProviderError."""
        return await self._rest.fetch(call, decode)

    async def pages(self, call: Call, decode: Callable[[bytes], PageT]) -> AsyncIterator[PageT]:
        """A listing, page by page. Raises: ProviderError."""
        while True:
            page = await self._rest.fetch(call, decode)
            yield page
            if not page.next_link:
                return
            call = replace(call, url=f"{self._api_url}{self.onward(call, page.next_link)}", query={})

    def onward(self, call: Call, link: str) -> str:
        """The next page's link, for `read`. Raises: BrokenListing when it is the page we are on: that has no end."""
        following = self.inside(call, link)
        if f"{self._api_url}{following}" == call.url:
            raise BrokenListing("a page that follows itself", operation=call.operation)
        return following

    def inside(self, call: Call, link: str) -> str:
        """What of a link follows the API's root, for `read`. Raises: ProtocolError for one that leads out of it."""
        there, here = _parts(link), _parts(self._api_url)
        if there is None or here is None or there.origin != here.origin or not there.path.startswith(f"{here.path}/"):
            raise ProtocolError("a link that leads elsewhere", operation=call.operation)
        path = there.path.removeprefix(here.path)
        return f"{path}?{there.query}" if there.query else path


class _Parts(NamedTuple):
    origin: tuple[str, str, int | None]
    path: str
    query: str


def _parts(url: str) -> _Parts | None:
    """Origin, path and query; None for what is no address of a server, or brings a name and password along."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.hostname is None or "@" in parts.netloc:
        return None
    return _Parts((parts.scheme, parts.hostname, port), parts.path, parts.query)
