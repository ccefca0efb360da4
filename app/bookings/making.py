"""Making a booking and all that belongs to it: its hosts' time, its reminders, its event in the organizer's calendar.

The one rule: a visitor's booking and an accepted request are made by the same code, so that neither lacks a guard that
the other has. The hosts are locked by the caller.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from app.bookings import repository
from app.bookings.event import event_draft, event_key, location_text, owner_of_event
from app.bookings.reminders import remind
from app.calendar_writes.service import EventPlace, wish_event
from app.insertion import Rows
from app.models.base import Json
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.models.directory import Directory, DirectoryEntry
from app.providers.base import Provider
from app.scheduling.availability import Seating


def new_booking(
    seating: Seating, booking_id: UUID, appointment: Mapping[str, Any], provider: Provider, why: Json | None
) -> Booking:
    """A confirmed booking of the page's hosts; `why` it is theirs, of a round robin."""
    assignment = {} if why is None else {"assignment": why}
    return Booking(
        id=booking_id,
        status="confirmed",
        title=f"{seating.name}: {appointment['visitor_name']}",
        location=location_text(seating.configuration),
        ical_uid=provider.ical_uid(event_key(booking_id)) or f"{booking_id}@calendar-connect",
        sequence=0,
        version=1,
        co_hosts=[
            {"user_id": str(item.host.id), "name": item.host.name, "email": item.host.email}
            for item in seating.hosts[1:]
        ],
        **assignment,
        **appointment,
    )


def reserve_and_wish(rows: Rows, booking: Booking, seating: Seating, provider: Provider) -> CalendarWrite:
    """The booking's reservations, its reminders, the wish for its event, and the way to it. It is inserted first.

    Who invites is settled with it: the provider, if its mails cannot be stopped and it is reached; else our own mail.
    """
    assert seating.destination is not None
    hosts = [item.host.id for item in seating.hosts]
    repository.take_time(rows, booking, hosts, seating.rules(booking.duration_minutes).buffered(booking.start))
    remind(rows, booking, seating)
    rows.add(
        DirectoryEntry(kind=Directory.BOOKING, key=booking.id.hex, account_id=booking.account_id, target_id=booking.id)
    )
    return wish_event(
        rows,
        seating.account_id,
        owner_of_event(booking.id),
        EventPlace(**asdict(seating.destination)),
        key=event_key(booking.id),
        draft=event_draft(booking, seating.configuration, None),
        invites=seating.hosts[0].reached and not provider.features.can_suppress_notifications,
    )
