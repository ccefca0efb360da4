"""Whether calendars are as promised: our events once each, at no point twice, and the mirror true. Pure.

The one rule: a calendar is what its provider says; the service's word is only held against it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from uuid import UUID

from prove.evidence import Evidence, Row
from prove.truth import Calendar, Standing


def events_are_there_once(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """P2: one live event for an active booking or meeting, at its time; none for what has ended; no stray of ours."""
    bookings = {row["id"]: row for row in evidence.tables["bookings"]}
    calendars = {calendar.email: calendar for calendar in evidence.calendars}
    writes = evidence.tables["writes"]

    def broken() -> Iterator[str]:
        for write in writes:
            yield from _event(write, bookings, calendars[write["email"]])
        known = {write["key"] for write in writes}
        for calendar in evidence.calendars:
            for event in calendar.standing:
                if event.key is not None and event.key not in known:
                    yield f"{event.id} of {calendar.email} is ours, and nobody knows of it"

    return len(writes), broken()


def _event(write: Row, bookings: Mapping[UUID, Row], calendar: Calendar) -> Iterator[str]:
    booking = bookings.get(write["booking_id"])
    active = booking["status"] == "confirmed" if booking is not None else not write["removed"]
    standing = [event for event in calendar.standing if event.key == write["key"]]
    what = f"{write['key']} in {calendar.email}"
    if len(standing) != int(active):
        yield f"{what} stands there {len(standing)} times, and should {int(active)}"
    elif active and booking is not None and calendar.provider != "exchange":
        [event] = standing
        if (event.start, event.end) != (booking["starts_at"], booking["ends_at"]):
            yield f"{what} stands at {event.start}, and is booked at {booking['starts_at']}"


def never_two(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """P2: played again from the ledger, no key of ours was ever on two live events at once."""
    deeds = sum(len(calendar.ledger) for calendar in evidence.calendars)
    return deeds, (fault for calendar in evidence.calendars for fault in _played(calendar))


def _played(calendar: Calendar) -> Iterator[str]:
    live: defaultdict[str, set[str]] = defaultdict(set)
    keys: dict[str, str] = {}
    for deed in sorted(calendar.ledger, key=lambda deed: deed.seq):
        key = deed.key or keys.get(deed.event_id)
        if key is None:
            continue
        keys[deed.event_id] = key
        if deed.operation == "delete":
            live[key].discard(deed.event_id)
        else:
            live[key].add(deed.event_id)
        if len(live[key]) > 1:
            yield f"{key} stood {len(live[key])} times in {calendar.email} at {deed.at}"


def mirrors_are_true(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """P3: event by event, the version included."""
    mirrored: defaultdict[str, Counter[Standing]] = defaultdict(Counter)
    for row in evidence.tables["mirror"]:
        event = Standing(row["event_id"], row["etag"], row["key"], row["starts_at"], row["ends_at"])
        mirrored[row["email"]][event] += 1

    def broken() -> Iterator[str]:
        for calendar in evidence.calendars:
            stands = Counter(calendar.standing)
            yield from (f"{calendar.email}: only in the mirror: {event}" for event in mirrored[calendar.email] - stands)
            yield from (
                f"{calendar.email}: only in the calendar: {event}" for event in stands - mirrored[calendar.email]
            )

    return sum(len(calendar.standing) for calendar in evidence.calendars), broken()
