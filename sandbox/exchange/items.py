"""A calendar item and its occurrences, as values. No HTTP, no XML.

The one rule: an occurrence is not stored. It is a view of its series at one original start, through whatever was
changed about that one; the series keeps the changes and the days that were deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from sandbox.exchange.recurrence import Recurrence
from sandbox.exchange.zones import UTC_ZONE, Zone

Kind = Literal["Single", "Occurrence", "Exception", "RecurringMaster"]
GUESTS = ("RequiredAttendees", "OptionalAttendees", "Resources")


@dataclass(frozen=True)
class Attendee:
    """`response` is one of Unknown, Tentative, Accept, Decline, NoResponseReceived."""

    email: str
    name: str
    response: str = "Unknown"
    replied: datetime | None = None


@dataclass(frozen=True)
class PropertyPath:
    """An extended (MAPI) property. Equal paths are one property; the type is part of it."""

    type: str
    set_id: str | None = None
    name: str | None = None
    number: int | None = None
    tag: int | None = None

    def __str__(self) -> str:
        where = f"0x{self.tag:04x}" if self.tag is not None else f"{{{self.set_id}}}{self.name or self.number}"
        return f"property:{where}"


Key = str | PropertyPath
Values = dict[Key, Any]


@dataclass
class Item:
    """A single item or a series, in one folder of one mailbox. `values` by element name or extended property.

    Start and End are aware; those of a series are its first occurrence's.
    """

    number: int
    values: Values
    created: datetime
    modified: datetime
    version: int = 0
    exceptions: dict[datetime, Values] = field(default_factory=dict)
    deletions: set[datetime] = field(default_factory=set)
    touched: dict[Key, int] = field(default_factory=dict)

    @property
    def recurrence(self) -> Recurrence | None:
        recurrence: Recurrence | None = self.values.get("Recurrence")
        return recurrence

    @property
    def zone(self) -> Zone:
        zone: Zone = self.values.get("StartTimeZone", UTC_ZONE)
        return zone

    @property
    def length(self) -> timedelta:
        span: timedelta = self.values["End"] - self.values["Start"]
        return span

    @property
    def uid(self) -> str:
        return str(self.values["UID"])

    def starts(self) -> Iterator[datetime]:
        """Original starts of all occurrences, deleted ones too, as UTC and in order."""
        recurrence = self.recurrence
        assert recurrence is not None
        at = self.zone.to_wall(self.values["Start"]).time()
        return (self.zone.to_utc(moment) for moment in recurrence.starts(at))

    def occurrence(self, original: datetime) -> "View | None":
        """The occurrence that starts (or started, before it was moved) at `original`, unless deleted."""
        if self.recurrence is None or original in self.deletions:
            return None
        if original in self.exceptions or self._falls_on(original):
            return View(self, original)
        return None

    def _falls_on(self, original: datetime) -> bool:
        recurrence = self.recurrence
        assert recurrence is not None
        wall = self.zone.to_wall(original)
        for day in recurrence.days_from():
            if day > wall.date() + timedelta(days=1):
                return False
            if day >= wall.date() - timedelta(days=1) and self._start_on(day) == original:
                return True
        return False

    def _start_on(self, day: date) -> datetime:
        at: time = self.zone.to_wall(self.values["Start"]).time()
        return self.zone.to_utc(datetime.combine(day, at))

    def views_between(self, begin: datetime, end: datetime) -> Iterator["View"]:
        """What a calendar shows of it: the item itself, or its occurrences, that overlap the half-open span."""
        if self.recurrence is None:
            view = View(self)
            if view.overlaps(begin, end):
                yield view
            return
        for original in self._originals_between(begin - self.length, end):
            if original not in self.deletions and original not in self.exceptions:
                view = View(self, original)
                if view.overlaps(begin, end):
                    yield view
        for original in sorted(self.exceptions):
            view = View(self, original)
            if view.overlaps(begin, end):
                yield view

    def _originals_between(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Original starts in a span, a day more on either side; days far off are never turned into instants."""
        recurrence = self.recurrence
        assert recurrence is not None
        first, last = begin.date() - timedelta(days=2), end.date() + timedelta(days=1)
        for day in recurrence.days_from():
            if day > last:
                return
            if day >= first:
                yield self._start_on(day)


@dataclass(frozen=True)
class View:
    """An item, or one occurrence of a series by its original start."""

    item: Item
    original: datetime | None = None

    @property
    def kind(self) -> Kind:
        if self.original is not None:
            return "Exception" if self.original in self.item.exceptions else "Occurrence"
        return "Single" if self.item.recurrence is None else "RecurringMaster"

    @property
    def changes(self) -> Values:
        """What an exception has of its own."""
        return {} if self.original is None else self.item.exceptions.get(self.original, {})

    @property
    def start(self) -> datetime:
        if self.original is None:
            value: datetime = self.item.values["Start"]
            return value
        moved: datetime = self.changes.get("Start", self.original)
        return moved

    @property
    def end(self) -> datetime:
        if self.original is None:
            value: datetime = self.item.values["End"]
            return value
        moved: datetime = self.changes.get("End", self.original + self.item.length)
        return moved

    def get(self, key: Key, default: Any = None) -> Any:
        """A stored value, as this occurrence has it."""
        if key == "Start":
            return self.start
        if key == "End":
            return self.end
        changes = self.changes
        if key in changes:
            return changes[key] if changes[key] is not None else default
        value = self.item.values.get(key)
        return default if value is None else value

    def guests(self) -> tuple[Attendee, ...]:
        """Everybody invited, required ones first."""
        return tuple(guest for role in GUESTS for guest in self.get(role, ()))

    def names(self, role: str) -> str:
        """Who is invited in one role, as a table shows it."""
        return "; ".join(guest.name for guest in self.get(role, ()))

    @property
    def is_draft(self) -> bool:
        """A meeting nobody was told about yet."""
        return bool(self.guests()) and not self.get("MeetingRequestWasSent", False)

    @property
    def size(self) -> int:
        """About what the store holds: the text of it and the overhead of a message."""
        return 2048 + 2 * sum(len(str(value)) for value in self.item.values.values())

    def overlaps(self, begin: datetime, end: datetime) -> bool:
        """Whether any of it lies in the half-open span; an item without length counts where it stands."""
        if self.start == self.end:
            return begin <= self.start < end
        return self.start < end and self.end > begin
