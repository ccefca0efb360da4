"""What a calendar's event means for the CRM (R20). Pure.

The one rule: an event without a known contact, or one its author calls private, means nothing at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from app.calendar import AllDay, Event, Response, normalised

KEPT_OUTCOMES = frozenset({"completed", "no_show"})
"""What a person has said about a meeting is not unsaid by its event."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A meeting, as its event tells of it."""

    title: str | None
    description: str | None
    location: str | None
    video_url: str | None
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    time_zone: str
    organized: bool
    """By the calendar's own person."""
    outcome: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """A snapshot and the contacts who take part: their role and response."""

    snapshot: Snapshot
    participants: Mapping[UUID, tuple[str, str]]


def meeting_of(event: Event, *, contacts: Mapping[str, UUID], own: Collection[str], zone: str) -> Meeting | None:
    """The meeting an event is; None: it is none of the CRM's business.

    `contacts` are the known ones by address, `own` the addresses of the calendar's person, both normalised; `zone` is
    the calendar's.
    """
    if event.private:
        return None
    participants = _participants(event, contacts)
    return None if not participants else Meeting(snapshot_of(event, participants, own=own, zone=zone), participants)


def snapshot_of(
    event: Event, participants: Mapping[UUID, tuple[str, str]], *, own: Collection[str], zone: str
) -> Snapshot:
    """The event without its people."""
    mine = {normalised(guest.email) for guest in event.attendees if guest.is_self} | set(own)
    starts_at, ends_at, all_day = _span(event, zone)
    return Snapshot(
        title=text_of(event.title),
        description=text_of(event.description),
        location=text_of(event.location),
        video_url=event.video_url,
        starts_at=starts_at,
        ends_at=ends_at,
        all_day=all_day,
        time_zone=zone if isinstance(event.when, AllDay) else event.when.zone or zone,
        organized=event.organizer is None or normalised(event.organizer) in mine,
        outcome=_outcome(event, mine, participants),
    )


def text_of(text: str | None) -> str | None:
    """A text that can be stored: PostgreSQL takes no NUL, and providers pass on what somebody has pasted."""
    return None if text is None else text.replace("\0", "")


def outcome_after(former: str, now: str) -> str:
    """The outcome of a meeting whose event tells `now`."""
    return former if former in KEPT_OUTCOMES and now != "cancelled" else now


def _participants(event: Event, contacts: Mapping[str, UUID]) -> dict[UUID, tuple[str, str]]:
    found = {}
    if event.organizer is not None and (organizer := contacts.get(normalised(event.organizer))) is not None:
        found[organizer] = ("organizer", Response.ACCEPTED.value)
    for guest in event.attendees:
        contact = contacts.get(normalised(guest.email))
        if contact is not None and contact not in found:
            found[contact] = ("attendee", guest.response.value)
    return found


def _outcome(event: Event, mine: Collection[str], participants: Mapping[UUID, tuple[str, str]]) -> str:
    """Declined: by its own person, or by every contact."""
    answers = [guest.response for guest in event.attendees if guest.is_self or normalised(guest.email) in mine]
    theirs = {response for _, response in participants.values()}
    declined = Response.DECLINED in answers or theirs == {Response.DECLINED.value}
    return "declined" if declined else "scheduled"


def _span(event: Event, zone: str) -> tuple[datetime, datetime, bool]:
    if isinstance(event.when, AllDay):
        there = ZoneInfo(zone)
        # In UTC at once: a midnight that does not exist equals nothing in its own zone, itself included.
        days = (event.when.start, event.when.end)
        start, end = (datetime.combine(day, time(), there).astimezone(UTC) for day in days)
        return start, end, True
    return event.when.start, event.when.end, False
