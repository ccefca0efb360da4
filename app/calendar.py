"""The vocabulary in which the service speaks about calendars, whatever the provider. No I/O.

The one rule: what stands here is true for every provider. A provider's own words end in its `mapping.py`.
Instants are aware and in UTC; zones are IANA names; the end of a span is exclusive.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, Literal


class ProviderName(StrEnum):
    """The providers as the API names them."""

    GOOGLE = "google"
    OFFICE365 = "office365"
    EXCHANGE = "exchange"


class AccessRole(StrEnum):
    """What the connected person may do with a calendar, in falling order of power."""

    OWNER = "owner"
    WRITER = "writer"
    READER = "reader"
    FREE_BUSY_READER = "free_busy_reader"


class Busy(StrEnum):
    """How an event blocks its time (R31). Declined, transparent, cancelled, working location: FREE."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OUT_OF_OFFICE = "out_of_office"


class Response(StrEnum):
    """An attendee's answer to an invitation."""

    NEEDS_ACTION = "needs_action"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


class Notify(StrEnum):
    """Whom the provider itself shall mail about a write."""

    NOBODY = "nobody"
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Timed:
    """A span of instants (UTC), and the zone its author thought in when the provider tells it."""

    start: datetime
    end: datetime
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class AllDay:
    """Whole civil days in the calendar's zone; `end` is the day after the last one."""

    start: date
    end: date


When = Timed | AllDay


@dataclass(frozen=True, slots=True)
class CalendarRef:
    """A calendar the connected person can reach."""

    id: str
    """The provider's id."""
    name: str
    time_zone: str
    """IANA name; `UTC` when the provider's is unknown to us."""
    role: AccessRole
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Attendee:
    """A person invited to an event."""

    email: str
    name: str | None = None
    response: Response = Response.NEEDS_ACTION
    is_self: bool = False
    """This is the calendar's own person."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event or one instance of a series, as the provider shows it now. Series masters are never Events."""

    id: str
    when: When
    busy: Busy
    etag: str | None = None
    ical_uid: str | None = None
    series_id: str | None = None
    """The master's id when this is an instance of a series."""
    cancelled: bool = False
    title: str | None = None
    description: str | None = None
    """May be left out of listings (`sync_page`, `list_instances`); `get_event` and the writes have it."""
    location: str | None = None
    organizer: str | None = None
    """The address; None where the provider does not tell it: of others' private events, of damaged ones."""
    attendees: tuple[Attendee, ...] = ()
    """The people invited and their answers, in listings as well; rooms are left out, and so may be names. Nobody where
    the organizer is not told either. A date of a series has those of its series, unless it has guests or answers of
    its own."""
    private: bool = False
    """In listings as well."""
    video_url: str | None = None
    key: str | None = None
    """The idempotency key we marked it with, when it is ours. A copy that a person made may carry it too: what tells
    them apart is the id, and that `find_by_key` answers the original."""
    updated_at: datetime | None = None
    quarantined: bool = False
    """The provider sent something we cannot read in full; its time stays busy (PROVIDERS.md 1.1)."""


Field = Literal["title", "when", "description", "location", "attendees"]
FIELDS: Final[frozenset[Field]] = frozenset({"title", "when", "description", "location", "attendees"})
"""What an update may leave as it stands."""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event as we want it to be: the whole desired state of a create or an update."""

    title: str
    when: Timed
    description: str | None = ""
    """Plain text. None, in an update: it stays as it is."""
    location: str | None = None
    attendees: tuple[Attendee, ...] = ()
    video: bool = False
    """Ask for the provider's own video link (Meet, Teams)."""
    busy: bool = True
    """False: the event blocks no time."""
    keeps: frozenset[Field] = field(default=frozenset(), compare=False)
    """In an update: these stay as they stand, whatever the draft says; of guests, nobody is added."""


@dataclass(frozen=True, slots=True)
class Upsert:
    """A single event exists like this now."""

    event: Event


@dataclass(frozen=True, slots=True)
class Removed:
    """The event (or the whole series) with this id is gone; unknown ids are harmless."""

    id: str


@dataclass(frozen=True, slots=True)
class SeriesTouched:
    """Something about this series changed: re-read all its instances inside the horizon and replace them."""

    series_id: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A single event exists, but its time cannot be read: whoever knew it keeps what they knew."""

    id: str


Change = Upsert | Removed | SeriesTouched | Unreadable


@dataclass(frozen=True, slots=True)
class SyncPage:
    """One page of what changed since a cursor."""

    changes: tuple[Change, ...]
    next_page: bytes | None = None
    """Where to go on; None on the last page."""
    cursor: bytes | None = None
    """The state to keep; only on the last page."""
    full: bool = False
    """This is a full listing: whatever no page names is gone. A cursor may lead to one, where no changes are told."""
    time_zone: str | None = None
    """The calendar's zone as it is now (IANA); None when the provider's listing does not tell it or it is unknown."""


@dataclass(frozen=True, slots=True)
class BusyTimes:
    """A calendar's busy spans in a window, or that they are unknown. Unknown is never free."""

    spans: tuple[Timed, ...] = ()
    unknown: str | None = None
    """Why the provider would not say (its own code); None when `spans` is the truth."""
    refused: bool = False
    """The calendar is gone, or not for us any more: asking again would not help."""

    @property
    def known(self) -> bool:
        """Whether `spans` can be believed."""
        return self.unknown is None


@dataclass(frozen=True, slots=True)
class Identity:
    """The account at the provider that was connected."""

    subject: str
    """The provider's stable id of the account."""
    email: str
    aliases: frozenset[str] = frozenset()
    """Other names the account signs in by, the one that was typed in among them."""


Clock = Callable[[], datetime]
"""What time it is: aware, UTC. Only edges own one; everything below is told the time."""


def normalised(address: str) -> str:
    """The same mailbox, spelt the same: by this two addresses are compared. What was stored or hashed otherwise before
    stays as it is, and says so.
    """
    return address.strip().casefold()


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)
