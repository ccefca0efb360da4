"""The stories: what happened before, and what happens while workers die.

The one rule: a story is told again and again in one scene, each time about something new, or about the same thing
that it has left as it found it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from app.ids import decode_id, encode_id
from tests.crash.hands import MINUTES
from tests.crash.scene import HOURS, LATER, Scene, Subject

_MOST_MOVES: Final = 40
"""Of one thing: nobody is sent more than fifty mails a day."""


@dataclass(frozen=True, slots=True)
class Becomes:
    """What others are to see of it when nobody dies; each thing once."""

    mails: tuple[str, ...] = ()
    """In our name."""
    news: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """In the feed, by what they tell of."""
    ledger: tuple[str, ...] = ()
    """Of drift: what was adopted."""
    written: tuple[str, ...] = ()
    """By us, at the provider."""


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happens to somebody's meeting."""

    name: str
    given: Callable[[Scene], Awaitable[Subject]]
    """What it is about, and what happened before; nobody dies."""
    act: Callable[[Scene, Subject], Awaitable[None]]
    """What a person does, at the provider or in the CRM."""
    becomes: Becomes

    def __str__(self) -> str:
        return self.name


# bookings -----------------------------------------------------------------------------------------


async def _nothing(scene: Scene) -> Subject:
    return scene.subject()


async def _book(scene: Scene, subject: Subject) -> None:
    await scene.book(subject)


async def _a_booking(scene: Scene) -> Subject:
    subject = scene.subject()
    await scene.book(subject)
    await scene.settled()
    await scene.find_event(subject)
    return subject


async def _the_same_booking(scene: Scene) -> Subject:
    return await _again(scene, "booking", _a_booking)


async def _move(scene: Scene, subject: Subject) -> None:
    assert subject.event is not None
    await scene.hands.move(subject.event, subject.start + LATER)


async def _delete(scene: Scene, subject: Subject) -> None:
    assert subject.event is not None
    await scene.hands.delete(subject.event)


async def _decline(scene: Scene, subject: Subject) -> None:
    assert subject.event is not None
    await scene.hands.decline(subject.event, subject.address)


# meetings found in the calendar -------------------------------------------------------------------


async def _a_contact(scene: Scene) -> Subject:
    subject = scene.subject()
    await scene.make_contact(subject)
    await scene.settled()
    return subject


async def _meet(scene: Scene, subject: Subject) -> None:
    subject.event = await scene.hands.meet(subject.start, subject.address)


async def _a_meeting(scene: Scene) -> Subject:
    subject = await _a_contact(scene)
    await _meet(scene, subject)
    await scene.settled()
    return subject


async def _the_same_meeting(scene: Scene) -> Subject:
    return await _again(scene, "meeting", _a_meeting)


async def _a_strangers_event(scene: Scene) -> Subject:
    subject = scene.subject()
    await _meet(scene, subject)
    await scene.settled()
    return subject


async def _become_known(scene: Scene, subject: Subject) -> None:
    await scene.make_contact(subject)


# meetings made on a record ------------------------------------------------------------------------


async def _record(scene: Scene, subject: Subject) -> None:
    body = {
        "title": "Demo",
        "start_at": subject.start.isoformat(),
        "end_at": (subject.start + timedelta(minutes=MINUTES)).isoformat(),
        "time_zone": scene.person.time_zone,
    }
    with _no_further_than_the_commit(scene):
        answer = await scene.person.post(f"/v1/contacts/{subject.contact}/meetings", body)
    assert answer.status_code == 201, answer.text
    subject.engagement = decode_id("eng", answer.json()["id"])


async def _a_record(scene: Scene) -> Subject:
    subject = await _a_contact(scene)
    await _record(scene, subject)
    await scene.settled()
    await scene.find_event(subject)
    return subject


async def _the_same_record(scene: Scene) -> Subject:
    return await _again(scene, "record", _a_record)


async def _edit(scene: Scene, subject: Subject) -> None:
    await edit_to(scene, subject, subject.start + LATER)


async def edit_to(scene: Scene, subject: Subject, start: datetime) -> None:
    """The meeting's owner moves it in the CRM."""
    body = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=MINUTES)).isoformat()}
    with _no_further_than_the_commit(scene):
        answer = await scene.person.patch(f"/v1/engagements/{_spelt(subject)}", body)
    assert answer.status_code == 200, answer.text


async def _call_off(scene: Scene, subject: Subject) -> None:
    with _no_further_than_the_commit(scene):
        answer = await scene.person.post(f"/v1/engagements/{_spelt(subject)}/cancel", {})
    assert answer.status_code == 200, answer.text


def _spelt(subject: Subject) -> str:
    assert subject.engagement is not None
    return encode_id("eng", subject.engagement)


@contextmanager
def _no_further_than_the_commit(scene: Scene) -> Iterator[None]:
    """The API's process ends before it comes to trying the write itself: it is all the workers'."""

    class Gone:
        async def run(self, *_: Any) -> None: ...

    meetings = scene.world.services.meetings
    writer = meetings._writer
    meetings._writer = Gone()  # type: ignore[assignment]
    try:
        yield
    finally:
        meetings._writer = writer


async def _again(scene: Scene, name: str, first: Callable[[Scene], Awaitable[Subject]]) -> Subject:
    """What the story was about before, where that has left it; it moves on to other hours."""
    subject = scene.kept.get(name)
    if subject is None or subject.moves == _MOST_MOVES:
        subject = scene.kept[name] = await first(scene)
        stands = subject.start
    else:
        stands = subject.start + LATER
    subject.start = stands + HOURS - LATER
    subject.moves += 1
    scene.told += 1
    return subject


_CANCELLED = {"booking": ("cancelled",), "engagement": ("cancelled",), "drift_entry": ("created",)}

BOOKED = Story(
    "a booking is made",
    _nothing,
    _book,
    Becomes(
        mails=("confirmed_host", "confirmed_visitor"),
        news={"booking": ("created",), "contact": ("created",), "engagement": ("created",)},
        written=("insert",),
    ),
)
MOVED = Story(
    "the host moves a booked event",
    _the_same_booking,
    _move,
    Becomes(
        mails=("rescheduled_visitor",),
        news={"booking": ("rescheduled",), "engagement": ("updated",), "drift_entry": ("created",)},
        ledger=("moved",),
    ),
)
DELETED = Story(
    "the host deletes a booked event",
    _a_booking,
    _delete,
    Becomes(mails=("cancelled_visitor",), news=_CANCELLED, ledger=("deleted",)),
)
DECLINED = Story(
    "the visitor declines a booked event",
    _a_booking,
    _decline,
    Becomes(mails=("cancelled_host", "cancelled_visitor"), news=_CANCELLED, ledger=("declined",), written=("delete",)),
)
ARRIVED = Story("an event with a contact is made", _a_contact, _meet, Becomes(news={"engagement": ("created",)}))
EDITED = Story("an event with a contact is moved", _the_same_meeting, _move, Becomes(news={"engagement": ("updated",)}))
TAKEN_AWAY = Story(
    "an event with a contact is deleted", _a_meeting, _delete, Becomes(news={"engagement": ("cancelled",)})
)
KNOWN = Story(
    "somebody becomes a contact",
    _a_strangers_event,
    _become_known,
    Becomes(news={"contact": ("created",), "engagement": ("created",)}),
)
RECORDED = Story(
    "a meeting is made on a record",
    _a_contact,
    _record,
    Becomes(news={"engagement": ("created", "updated")}, written=("insert",)),
)
REWRITTEN = Story(
    "a meeting on a record is moved there",
    _the_same_record,
    _edit,
    Becomes(news={"engagement": ("updated",)}, written=("update",)),
)
CALLED_OFF = Story(
    "a meeting on a record is called off there",
    _a_record,
    _call_off,
    Becomes(news={"engagement": ("cancelled",)}, written=("delete",)),
)

STORIES = (
    BOOKED, MOVED, DELETED, DECLINED, ARRIVED, EDITED, TAKEN_AWAY, KNOWN, RECORDED, REWRITTEN, CALLED_OFF,
)  # fmt: skip
