"""The other side of the wire, in the same words for every provider: what people do to a calendar, what may go wrong
there, and what truly stands in it.

The one rule: nothing here goes through the service. The truth is read past it, by other code than the service's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from tests.support.people import Person

HOME = ZoneInfo("Europe/Berlin")
"""Where the person lives; whole days begin at its midnight."""


class Level(IntEnum):
    """How an event blocks its time; the numbers are those of the mirror."""

    FREE = 0
    TENTATIVE = 1
    BUSY = 2
    AWAY = 3


class Answer(StrEnum):
    """What a guest says."""

    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


class Mishap(StrEnum):
    """What befalls a request or its answer."""

    LOST_ANSWER = "lost answer"
    """It is done, and the connection drops before the answer."""
    LOST_REQUEST = "lost request"
    TRUNCATED = "truncated"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    LOGIN_PAGE = "login page"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    CURSOR_GONE = "cursor gone"
    EMPTY_PAGE = "empty page"
    """Nothing on it, and more to come."""
    DUPLICATED = "duplicated rows"
    REORDERED = "reordered rows"
    REPLAYED = "replayed changes"


OF_A_LIST = frozenset({Mishap.CURSOR_GONE, Mishap.EMPTY_PAGE, Mishap.DUPLICATED, Mishap.REORDERED, Mishap.REPLAYED})


class Target(StrEnum):
    """Which requests."""

    CHANGES = "changes"
    """Pages of the listing and of what changed since."""
    DATES = "dates"
    """The dates of a series."""
    WRITES = "writes"


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence: every so many days or weeks, so many times or for ever."""

    weekly: bool
    interval: int
    count: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the calendar: an event, or one date of a series. In UTC seconds."""

    id: str
    series: str | None
    """Set on the dates of a series."""
    start: int
    end: int
    level: Level


@dataclass(frozen=True, slots=True)
class Write:
    """A write an application made, as the provider's ledger has it."""

    operation: str
    event_id: str
    booking: str | None
    """The booking whose key the event carries."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """An event somebody else has organised: the person's own copy, and the organizer's."""

    copy: str
    original: str


class Refused(Exception):
    """The provider's own rules hold for people too."""


class Side(Protocol):
    """One person's calendar at one provider. People's verbs raise Refused."""

    person: Person
    changes_bookings: bool
    """Whether bookings can be moved and called off there (R24)."""
    mishaps: frozenset[tuple[Mishap, Target]]
    """What can go wrong there, and with what."""

    @property
    def zones(self) -> Sequence[str]:
        """In which people make timed events."""

    async def begin(self) -> None:
        """An empty provider, the person's account and somebody who invites, and a connection."""

    async def heal(self) -> None:
        """The person heals a broken connection."""

    async def close(self) -> None: ...

    # what people do

    async def add(self, start: datetime, minutes: int, level: Level) -> str: ...
    async def add_days(self, first: date, after: date, level: Level) -> str: ...
    async def add_series(self, start: datetime, minutes: int, rule: Rule, level: Level) -> str: ...
    async def move(self, event_id: str, start: datetime, minutes: int) -> None:
        """A single event, or one date of a series."""

    async def move_series(self, series_id: str, start: datetime, minutes: int, rule: Rule) -> None: ...
    async def make_single(self, series_id: str) -> None: ...
    async def block(self, event_id: str, level: Level) -> None:
        """Have the event block its time so; a level the provider lets nobody change to is BUSY."""

    async def delete(self, event_id: str) -> None:
        """An event, a series or one date of it."""

    async def invite(self, start: datetime, minutes: int) -> Invitation: ...
    async def answer(self, invitation: Invitation, answer: Answer) -> None: ...
    async def move_invitation(self, invitation: Invitation, start: datetime, minutes: int) -> None: ...
    async def call_off(self, invitation: Invitation) -> None: ...

    # what goes wrong

    async def strike(self, mishap: Mishap, target: Target, *, nth: int, times: int) -> None:
        """The nth request from now is struck, and those behind it up to `times`."""

    async def clear(self) -> None:
        """Nothing goes wrong any more."""

    async def forget_cursors(self) -> None: ...
    async def expire_access(self) -> None:
        """The access token ends; where there is a password, it is changed."""

    async def page_size(self, rows: int | None) -> None:
        """No more rows at once than these; None: as many as usual."""

    # what is true

    async def standing(self, start: datetime, end: datetime) -> list[Standing]:
        """All that stands in the person's calendar between two instants, free time too."""

    async def writes(self, since: int = 0) -> list[Write]:
        """What applications wrote into the person's calendar, oldest first; the first `since` left out."""
