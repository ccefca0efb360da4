"""What is in a mailbox: calendars, events, and what changed when. Times are UTC, words are Graph's.

The one rule: it knows no HTTP and no form; how a thing is told is for `forms.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

Window = tuple[datetime, datetime]
HOME_ADDRESS = "Zoë.O'Brien@contoso.example"


def person(address: str | None, name: str | None = None) -> dict[str, Any]:
    """A `recipient`; a name or an address nobody knows is not there."""
    known = {"name": name, "address": address}
    return {"emailAddress": {word: value for word, value in known.items() if value is not None}}


@dataclass
class Item:
    """A single event, a series, or one date of a series."""

    id: str
    calendar: str
    start: datetime
    end: datetime
    type: str = "singleInstance"
    members: dict[str, Any] = field(default_factory=dict)
    master: str | None = None
    dates: dict[str, "Item"] = field(default_factory=dict)
    """Of a series: what is left of its dates."""
    marks: dict[str, str] = field(default_factory=dict)
    """Extended properties by their id."""
    version: int = 0

    def touches(self, window: Window) -> bool:
        """Also an event without length."""
        return self.start < window[1] and (self.end > window[0] or self.start >= window[0])

    def parts(self) -> list["Item"]:
        """What a view shows of it."""
        return list(self.dates.values()) if self.type == "seriesMaster" else [self]


class Mailbox:
    """One person's."""

    def __init__(self, die: Random, address: str = HOME_ADDRESS) -> None:
        self._die = die
        self.address = address
        self.calendars: dict[str, dict[str, Any]] = {}
        self.items: dict[str, Item] = {}
        self.log: list[tuple[str, str]] = []
        """Calendar and id, in the order things changed."""
        self.home = self.add_calendar("Kalender", isDefaultCalendar=True)

    def new_id(self) -> str:
        """Opaque and exact to the letter; some with what a URL has to escape."""
        letters = "ABCDEFabcdef0123456789-_"
        return "AAMk" + "".join(self._die.choices(letters, k=24)) + self._die.choice(("=", "A+/w==", "AAA="))

    def add_calendar(self, name: str, **members: Any) -> str:
        """The person's own, unless told otherwise."""
        own = {"isDefaultCalendar": False, "canEdit": True, "canShare": True, "canViewPrivateItems": True}
        owner = {"name": "Zoë O'Brien", "address": self.address}
        calendar_id = self.new_id()
        made = {"id": calendar_id, "name": name, "owner": owner, "isRemovable": True, "isTallyingResponses": True}
        self.calendars[calendar_id] = made | own | {"hexColor": "", "color": "auto"} | members
        return calendar_id

    def add(
        self, start: datetime, minutes: float = 30, *, calendar: str | None = None, marks: Any = None, **members: Any
    ) -> Item:
        """Somebody makes an event."""
        end = start + timedelta(minutes=minutes)
        made = Item(self.new_id(), calendar or self.home, start, end, members=members, marks=marks or {})
        self.items[made.id] = made
        self._note(made)
        return made

    def add_series(
        self, starts: Sequence[datetime], pattern: dict[str, Any], minutes: int = 30, **members: Any
    ) -> Item:
        """Somebody makes a series; its dates are told beside the pattern that would make them."""
        span = {"type": "numbered", "startDate": starts[0].date().isoformat(), "numberOfOccurrences": len(starts)}
        series = self.add(starts[0], minutes, recurrence={"pattern": pattern, "range": span}, **members)
        series.type = "seriesMaster"
        for start in starts:
            date = Item(self.new_id(), series.calendar, start, start + timedelta(minutes=minutes), "occurrence")
            date.master = series.id
            series.dates[date.id] = date
        return series

    def find(self, item_id: str) -> Item | None:
        """By its id: an event, a series, a date of one."""
        for item in self.items.values():
            if item.id == item_id or item_id in item.dates:
                return item.dates.get(item_id, item)
        return None

    def change(self, item: Item, **members: Any) -> None:
        """Somebody changes an event; a date of a series becomes an exception."""
        if "calendar" in members:
            self._note(item)
        for word, value in members.items():
            if word in {"start", "end", "calendar"}:
                setattr(item, word, value)
            else:
                item.members[word] = value
        if item.master:
            item.type = "exception"
        self._note(item)

    def remove(self, item: Item) -> None:
        """Somebody deletes it."""
        if item.master:
            self.items[item.master].dates.pop(item.id)
        else:
            self.items.pop(item.id)
        self._note(item)

    def view(self, calendar: str, window: Window) -> list[Item]:
        """What a calendar shows in a window, as it is expanded; in no order."""
        inside = [item for item in self.items.values() if item.calendar == calendar]
        return [part for item in inside for part in item.parts() if part.touches(window)]

    def changed(self, calendar: str, since: int, window: Window) -> Iterator[tuple[str, Item | None]]:
        """Ids of what changed, and what stands there now; nothing, where it is not in the window any more."""
        for changed_id in dict.fromkeys(item for where, item in self.log[since:] if where == calendar):
            item = self.items.get(changed_id)
            seen = item and item.calendar == calendar and any(part.touches(window) for part in item.parts())
            yield changed_id, item if seen else None

    def _note(self, item: Item) -> None:
        item.version += 1
        self.log.append((item.calendar, item.master or item.id))
