"""What stands in the canned calendars, whatever the provider. Pure.

The one rule: an event is a function of its number and of how often it was moved. So the server need not remember what
it said, and whoever measures knows every row that must stand in the mirror afterwards.

    a calendar   its id begins with how many events it has: `2500.eight-3`
    a listing    its events from number 0 on, as they were at first
    a change     three of its events at a time: two are moved; the third is removed, or comes back the next time round

Events lie apart, so that merging them makes no month any smaller; they come in no order of time.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final

ZONE: Final = "Europe/Stockholm"
CAPACITY: Final = 50_000
"""The most events of a calendar: that many lie apart inside a horizon of 400 days."""
BEHIND_DAYS: Final = 30
CHANGES: Final = 3
_APART: Final = timedelta(minutes=12)
_STRIDE: Final = 19_391  # without a common divisor with CAPACITY: every number has a place of its own
_FIRST_NAMES: Final = ("Ada", "Björn", "Chloé", "Dmitri", "Eva", "Farid", "Grace", "Hiroko", "İpek", "Jürgen", "Karin")
_LAST_NAMES: Final = ("Andersson", "Okafor", "Lindqvist", "Müller", "Nakamura", "O'Brien", "Papadopoulos", "Silva")
_SUBJECTS: Final = (
    "Weekly sync",
    "1:1",
    "Interview: senior backend engineer (second round)",
    "Möte om budgeten för nästa år",
    "Customer call: renewal & roadmap",
    "Focus time",
    "Design review: availability of shared calendars",
    "Dentist",
    "Quarterly planning with the whole department, please read the agenda first",
    "Lunch",
    "Onboarding",
)
_PLACES: Final = (None, "Room 4.12 (Söder)", None, "https://meet.example.com/room", "Kungsgatan 12, 3tr, Stockholm")
_GUESTS: Final = (0, 0, 1, 2, 3, 4, 6, 12)


@dataclass(frozen=True)
class Person:
    """Somebody who is invited."""

    name: str
    email: str


@dataclass(frozen=True)
class CannedEvent:
    """A single event of half an hour at most."""

    number: int
    moved: int
    """How often; 0 as listed at first."""
    first_day: date
    """Where the horizon begins: the same for all who speak of the same calendars."""

    @cached_property
    def start(self) -> datetime:
        """In UTC."""
        begin = datetime.combine(self.first_day, time(), UTC)
        return begin + _APART * (self.number * _STRIDE % CAPACITY) + timedelta(minutes=self.moved % 2)

    @cached_property
    def end(self) -> datetime:
        """In UTC."""
        return self.start + timedelta(minutes=5 + self.number % 6)

    @property
    def subject(self) -> str:
        """The title."""
        return _SUBJECTS[self.number % len(_SUBJECTS)]

    @property
    def place(self) -> str | None:
        """Where."""
        return _PLACES[self.number % len(_PLACES)]

    @property
    def is_online(self) -> bool:
        """Whether it has a video meeting."""
        return self.number % 3 == 0

    @property
    def guests(self) -> tuple[Person, ...]:
        """Who is invited."""
        count = _GUESTS[self.number % len(_GUESTS)]
        return tuple(person(self.number + 5 * each) for each in range(count))

    @property
    def changed_at(self) -> datetime:
        """When somebody touched it last, in UTC."""
        created = datetime.combine(self.first_day, time(), UTC) - timedelta(minutes=7 * (self.number % 9973))
        return created + timedelta(seconds=self.moved)


@dataclass(frozen=True, slots=True)
class CannedChange:
    """One of the three things that happened; the event as it is now, or as it was when it was removed."""

    event: CannedEvent
    removed: bool


def person(number: int) -> Person:
    """One of the people in these calendars."""
    first, last = _FIRST_NAMES[number % len(_FIRST_NAMES)], _LAST_NAMES[number // 3 % len(_LAST_NAMES)]
    return Person(f"{first} {last}", f"person.{number % 997}@customer-{number % 31}.example.com")


def first_day(today: date) -> date:
    """Where the calendars begin."""
    return today - timedelta(days=BEHIND_DAYS)


def calendar_id(size: int, name: str) -> str:
    """A calendar with so many events."""
    if not 0 < size <= CAPACITY:
        raise ValueError(f"a calendar of {size}")
    return f"{size}.{name}"


def size_of(calendar: str) -> int:
    """How many events a calendar has. Raises: ValueError for one that is not canned."""
    return int(calendar.partition(".")[0])


def changes(size: int, after: int, first: date) -> tuple[CannedChange, ...]:
    """What happens in a calendar when so many changes have happened before."""
    numbers = [(CHANGES * after + each) % size for each in range(CHANGES)]
    removed = _is_removal(size, after)
    return tuple(
        CannedChange(CannedEvent(number, after + 1, first), removed and number == numbers[-1]) for number in numbers
    )


def calendar_after(size: int, count: int, first: date) -> dict[int, CannedEvent]:
    """What stands in a calendar when so many changes have happened."""
    standing = {number: CannedEvent(number, 0, first) for number in range(size)}
    for after in range(count):
        for change in changes(size, after, first):
            if change.removed:
                standing.pop(change.event.number, None)
            else:
                standing[change.event.number] = change.event
    return standing


def _is_removal(size: int, after: int) -> bool:
    """Whether the third event goes, or comes back: on every other way through the calendar."""
    return CHANGES * after // size % 2 == 0
