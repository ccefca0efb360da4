"""Rows that are made once, and the requests and replies that a canned provider is asked and gives. Pure.

The one rule: what a provider was asked can be asked again, to the letter: so whoever only counts bytes fetches the very
pages that the service fetched, whatever the service comes to ask for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec

_OF_THE_CONNECTION: Final = frozenset(
    {"host", "connection", "content-length", "accept-encoding", "user-agent", "transfer-encoding"}
)


class Asked(msgspec.Struct, frozen=True):
    """A request."""

    method: str
    target: str
    """The path with its query."""
    headers: dict[str, str]
    """By names in lower case, without those that belong to the connection."""
    body: str

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> Mapping[str, str]:
        """Of each parameter the last value."""
        return dict(parse_qsl(urlsplit(self.target).query))


class Remembered(msgspec.Struct, frozen=True):
    """A request, and how many events its answer held."""

    asked: Asked
    events: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what it was about."""

    status: int
    body: bytes
    events: int = 0
    """How many it holds."""
    calendar: str | None = None
    """None: nothing worth remembering."""
    listing: bool = True
    """A page of a full listing, rather than of changes."""
    begins: bool = False
    """The first page."""


class CannedProvider(Protocol):
    """Whatever answers."""

    def answer(self, asked: Asked) -> Reply:
        """Any status is an answer."""
        ...


class Rows:
    """Rows by number, made when they are first wanted."""

    def __init__(self, make: Callable[[int], bytes]) -> None:
        self._make = make
        self._made: list[bytes] = []

    def part(self, begin: int, end: int) -> list[bytes]:
        """These rows; the end is exclusive."""
        self._made.extend(self._make(number) for number in range(len(self._made), end))
        return self._made[begin:end]


@dataclass(slots=True)
class Memory:
    """What was asked about each calendar: the latest full listing, and the latest question for changes."""

    _listings: dict[str, list[Remembered]] = field(default_factory=dict)
    _changes: dict[str, Remembered] = field(default_factory=dict)

    def keep(self, asked: Asked, reply: Reply) -> None:
        """Remember a request."""
        if reply.calendar is None:
            return
        remembered = Remembered(asked, reply.events)
        if not reply.listing:
            self._changes[reply.calendar] = remembered
        elif reply.begins:
            self._listings[reply.calendar] = [remembered]
        else:
            self._listings[reply.calendar].append(remembered)

    def listing(self, calendar: str) -> list[Remembered]:
        """The requests of the latest full listing, in order."""
        return self._listings.get(calendar, [])

    def change(self, calendar: str) -> list[Remembered]:
        """The latest request for changes, if there was one."""
        return [self._changes[calendar]] if calendar in self._changes else []


def asked_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """A request as it came."""
    kept = {name: value for name, value in headers.items() if name not in _OF_THE_CONNECTION}
    return Asked(method, target, kept, body.decode())
