"""The invitation to a booking. Pure.

The one rule: the mail and the download are the same invitation, made from the booking and its page; for a video
call with its link, as soon as that is known.
"""

from dataclasses import replace
from email.utils import parseaddr

from app.calendar import normalised
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.outbound.ics import Invite, Method, Person, invite
from app.scheduling.availability import PageTime


def invite_to(
    booking: Booking, page: PageTime, write: CalendarWrite | None, *, sender: str, video_url: str | None
) -> Invite:
    """The invitation, in the visitor's zone (R47); a withdrawal once the booking is cancelled. We organize, in the
    host's name.

    In a calendar that has the provider's own already it is the same event.
    """
    configuration = page.configuration
    return Invite(
        method=Method.CANCEL if booking.status == "cancelled" else Method.REQUEST,
        uid=(None if write is None else write.ical_uid) or booking.ical_uid,
        sequence=booking.sequence,
        stamp=booking.updated_at,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        time_zone=booking.visitor_time_zone,
        summary=booking.title,
        description=configuration.description,
        location=booking.location or video_url,
        organizer=Person(parseaddr(sender)[1], page.host.name or page.name),
        visitor=Person(booking.visitor_email, booking.visitor_name),
        guests=tuple(Person(guest) for guest in booking.guests),
    )


def with_hosts(meeting: Invite, booking: Booking, page: PageTime) -> Invite:
    """The same as those read it who host the meeting with its organizer: they are asked to come, too."""
    known = {normalised(person.email) for person in (meeting.visitor, *meeting.guests)}
    others = (item.host for item in page.hosts if item.host.id != booking.host_id)
    hosts = (Person(host.email, host.name) for host in others if normalised(host.email) not in known)
    return replace(meeting, guests=(*meeting.guests, *hosts))


def invite_of(
    booking: Booking, page: PageTime, write: CalendarWrite | None, *, sender: str, for_hosts: bool = False
) -> bytes:
    """The invitation as an iCalendar file."""
    video_url = None if write is None else write.video_url
    meeting = invite_to(booking, page, write, sender=sender, video_url=video_url)
    return invite(with_hosts(meeting, booking, page) if for_hosts else meeting)
