"""Mails about bookings and meeting requests, put in the queue (R49).

The one rule: each reader gets a mail of their own, and one invitation. The visitor's alone has the links that change
the booking; why they changed it is for the hosts alone, for nobody has proved that the other addresses are theirs to
write to. Who organizes needs no invitation, for the event itself is in their calendar. Whether the provider invites
the visitor and the other hosts by itself is read from the booking's own event, wherever its host's bookings go now.

While its connection is broken it tells nobody anything: then we do. Whoever books at such a time is invited by us, and
once it is healed by the provider as well, to an event that bears another UID: one that never comes is missed. Ours is
kept up beside it, so that nothing false stands in anybody's calendar.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.event import is_video
from app.bookings.forms import in_words
from app.bookings.invite import invite_to, with_hosts
from app.calendar import ProviderName, normalised
from app.calendar_writes.service import is_reached
from app.i18n import Language, negotiate
from app.insertion import Rows
from app.models.bookings import Booking, MeetingRequest
from app.models.calendar_writes import CalendarWrite
from app.outbound.ics import Invite
from app.outbound.letters import AppointmentLetter, Occasion, Reader
from app.outbound.links import Links
from app.outbound.post import add_mail
from app.providers.base import Features, Provider
from app.queue import Enqueued
from app.scheduling.availability import Mode, PageTime
from app.scheduling.domains.repository import host_of
from app.scheduling.host_time import Host, HostTime
from app.scheduling.repository import find_page


class BookingPost:
    """Writes to visitors, their guests and hosts. The caller asks for the jobs."""

    def __init__(self, links: Links, providers: Mapping[ProviderName, Provider], *, sender: str) -> None:
        self._links = links
        self._providers = providers
        self._sender = sender

    def confirmed(self, rows: Rows, booking: Booking, page: PageTime, write: CalendarWrite) -> list[Enqueued]:
        """A booking was made."""
        return self._tell_booked(Occasion.CONFIRMED, rows, booking, page, write)

    def requested(self, rows: Rows, request: MeetingRequest, page: PageTime) -> list[Enqueued]:
        """A meeting was asked for; nothing is booked, so there is no invitation."""
        letter = _letter(Occasion.REQUESTED, request, page)
        for_visitor = replace(letter, request_id=request.id)
        for_host = replace(letter, unread=page.mode is not Mode.OFFLINE)
        return [_tell_visitor(rows, request, page, for_visitor), *_tell_host(rows, request, page, for_host, page.host)]

    def accepted(self, rows: Rows, booking: Booking, page: PageTime, write: CalendarWrite) -> list[Enqueued]:
        """What was asked for is booked."""
        return self._tell_booked(Occasion.ACCEPTED, rows, booking, page, write)

    async def declined(self, session: AsyncSession, request: MeetingRequest, page: PageTime) -> list[Enqueued]:
        """What was asked for is refused."""
        return [await self._choose_another(session, Occasion.DECLINED, request, page)]

    async def expired(self, session: AsyncSession, request: MeetingRequest, page: PageTime) -> Enqueued:
        """What was asked for was never answered."""
        return await self._choose_another(session, Occasion.EXPIRED, request, page)

    @staticmethod
    async def withdrawn(session: AsyncSession, request: MeetingRequest, page: PageTime) -> list[Enqueued]:
        """What was asked for is asked for no more."""
        letter = replace(_letter(Occasion.WITHDRAWN, request, page), reason=request.reason)
        return _tell_host(session, request, page, letter, page.host)

    async def rescheduled(
        self,
        session: AsyncSession,
        booking: Booking,
        page: PageTime,
        write: CalendarWrite | None,
        *,
        former: tuple[datetime, datetime],
        reason: str | None,
        by: str,
        organizer: bool = True,
    ) -> list[Enqueued]:
        """A booking has another time; `organizer`: they do not know of it yet. `by`: `host` or `visitor`."""
        features, video_url = await self._features_now(session, write), _video_url(write)
        letter = self._letter(Occasion.RESCHEDULED, booking, page, write, features, video_url=video_url)
        letter = replace(letter, former=former, reason=reason)
        said = by == "host"
        return self._tell_all(session, booking, page, write, letter, features=features, organizer=organizer, said=said)

    async def cancelled(
        self,
        session: AsyncSession,
        booking: Booking,
        page: PageTime,
        write: CalendarWrite | None,
        *,
        reason: str | None,
        organizer: bool = True,
    ) -> list[Enqueued]:
        """A booking was cancelled; `organizer`: they do not know of it yet."""
        features = await self._features_now(session, write)
        letter = replace(self._letter(Occasion.CANCELLED, booking, page, write, features), reason=reason)
        said = booking.cancelled_by == "host"
        return self._tell_all(session, booking, page, write, letter, features=features, organizer=organizer, said=said)

    async def restored(
        self, session: AsyncSession, booking: Booking, page: PageTime, write: CalendarWrite, *, now: datetime
    ) -> list[Enqueued]:
        """Its event is put back, `now`, as it was booked: what else the provider told its guests does not count.

        Where the provider tells them that as well nobody is mailed. The host decided it, and is not told.
        """
        features, video_url = await self._features_now(session, write), _video_url(write)
        letter = self._letter(Occasion.RESTORED, booking, page, write, features, video_url=video_url)
        if letter.invite is None:
            return []
        letter = replace(letter, invite=replace(letter.invite, stamp=now))
        return self._tell_all(session, booking, page, write, letter, features=features, organizer=False)

    def reminded(self, rows: Rows, booking: Booking, page: PageTime, write: CalendarWrite | None) -> list[Enqueued]:
        """A booking is coming up. Nothing has changed, so there is no invitation."""
        features, video_url = self._features(write), _video_url(write)
        letter = self._letter(Occasion.REMINDER, booking, page, write, features, video_url=video_url)
        letter = replace(letter, invite=None)
        told = _tell_visitors(rows, booking, page, letter)
        for item in page.hosts:
            told += _tell_host(rows, booking, page, replace(letter, booking_id=None), item.host)
        return told

    async def _choose_another(
        self, session: AsyncSession, occasion: Occasion, request: MeetingRequest, page: PageTime
    ) -> Enqueued:
        """Nothing comes of it; the visitor is told, and where to choose another time."""
        url = await self._link_to(session, page)
        letter = replace(_letter(occasion, request, page), reason=request.reason, book_url=url)
        return _tell_visitor(session, request, page, letter)

    async def _link_to(self, session: AsyncSession, page: PageTime) -> str | None:
        """The page where its owner's links are now (R37); None once it is deleted."""
        found = await find_page(session, page.page_id)
        if found is None:
            return None
        return self._links.meeting(found.slug, host=await host_of(session, found.owner_id))

    def _letter(
        self,
        occasion: Occasion,
        booking: Booking,
        page: PageTime,
        write: CalendarWrite | None,
        features: Features | None,
        *,
        video_url: str | None = None,
    ) -> AppointmentLetter:
        """One invitation per visitor: none of ours where the provider mails its own and cannot be stopped (R49).

        The video link comes with the event: of what was just booked it is put in when the mail is sent. Links that
        change the booking are for the visitor, while it can be changed.
        """
        kept_up = self._invited_beside(write)
        ours = features is None or features.can_suppress_notifications or kept_up
        changeable = booking.status != "cancelled" and (features is None or features.event_update)
        invite = invite_to(booking, page, write, sender=self._sender, video_url=video_url) if ours else None
        if invite is not None and kept_up:
            invite = replace(invite, uid=booking.ical_uid)
        video = is_video(booking, page.configuration, write) and (features is None or features.video)
        where = booking.location or video_url
        letter = replace(_letter(occasion, booking, page), location=where, video=video, invite=invite)
        return _with_links(letter, booking, page) if changeable else letter

    def _features(self, write: CalendarWrite | None, *, reached: bool = True) -> Features | None:
        """What the calendar can do that the event is in; None: it is in none. One that we do not reach mails nobody,
        and shows nobody that they are invited.
        """
        if write is None or write.calendar_id is None or write.provider is None:
            return None
        provider = self._providers.get(ProviderName(write.provider))
        if provider is None or reached:
            return None if provider is None else provider.features
        return replace(provider.features, can_suppress_notifications=True, shows_invitations=False)

    def _invited_beside(self, write: CalendarWrite | None) -> bool:
        """Whether our own mail invited, where the provider does as well once it is reached."""
        features = self._features(write)
        beside = features is not None and not features.can_suppress_notifications
        return beside and write is not None and not write.invites

    async def _features_now(self, session: AsyncSession, write: CalendarWrite | None) -> Features | None:
        """The same as its connection is now."""
        return self._features(write, reached=await is_reached(session, write))

    def _tell_booked(
        self, occasion: Occasion, rows: Rows, booking: Booking, page: PageTime, write: CalendarWrite
    ) -> list[Enqueued]:
        features = self._features(write, reached=page.hosts[0].reached)
        letter = self._letter(occasion, booking, page, write, features)
        return self._tell_all(rows, booking, page, write, letter, features=features)

    def _tell_all(
        self,
        rows: Rows,
        booking: Booking,
        page: PageTime,
        write: CalendarWrite | None,
        for_visitor: AppointmentLetter,
        *,
        features: Features | None,
        organizer: bool = True,
        said: bool = True,
    ) -> list[Enqueued]:
        """`said`: the reason is the host's, and everybody's; else it is for the hosts alone."""
        told = _tell_visitors(rows, booking, page, for_visitor if said else replace(for_visitor, reason=None))
        letter = _for_others(for_visitor)
        for item in page.hosts:
            if item.host.id != booking.host_id:
                own = replace(
                    letter, invite=_invite_of(item, booking, page, write, features=features, ours=letter.invite)
                )
                told += _tell_host(rows, booking, page, own, item.host)
            elif organizer:
                told += _tell_host(rows, booking, page, replace(letter, invite=None), item.host)
        return told


def _invite_of(
    item: HostTime,
    booking: Booking,
    page: PageTime,
    write: CalendarWrite | None,
    *,
    features: Features | None,
    ours: Invite | None,
) -> Invite | None:
    """The invitation of somebody who hosts with the organizer; None: they have one, or the event, by now."""
    address, place = normalised(item.host.email), item.destination
    if ours is None or address in {normalised(each) for each in (booking.visitor_email, *booking.guests)}:
        return None
    there = write is not None and place is not None and place.provider == write.provider
    shown = features is not None and features.shows_invitations and address == normalised(item.address or "")
    return None if there and shown else with_hosts(ours, booking, page)


def _with_links(letter: AppointmentLetter, booking: Booking, page: PageTime) -> AppointmentLetter:
    """The same for who may change the booking, each way until its cut-off."""
    document = page.configuration
    return replace(
        letter,
        booking_id=booking.id,
        reschedule_until=booking.until(document.reschedule_cutoff_minutes),
        cancel_until=booking.until(document.cancel_cutoff_minutes),
    )


def _video_url(write: CalendarWrite | None) -> str | None:
    return None if write is None else write.video_url


def _letter(occasion: Occasion, made: Booking | MeetingRequest, page: PageTime) -> AppointmentLetter:
    """What every reader is told, as the visitor reads it."""
    return AppointmentLetter(
        occasion=occasion,
        reader=Reader.VISITOR,
        language=Language(made.language),
        time_zone=made.visitor_time_zone,
        page_name=page.name,
        host_name=page.host.name,
        visitor_name=made.visitor_name,
        starts_at=made.starts_at,
        ends_at=made.ends_at,
    )


def _tell_visitor(rows: Rows, made: Booking | MeetingRequest, page: PageTime, letter: AppointmentLetter) -> Enqueued:
    return add_mail(
        rows,
        page.account_id,
        letter,
        kind=_kind(letter),
        subject_id=made.id,
        to=made.visitor_email,
        to_name=made.visitor_name,
        reply_to=_answers_go_to(page),
    )


def _tell_visitors(rows: Rows, booking: Booking, page: PageTime, letter: AppointmentLetter) -> list[Enqueued]:
    """The visitor and the guests."""
    others = _for_others(letter)
    return [
        _tell_visitor(rows, booking, page, letter),
        *(_tell_guest(rows, booking, page, others, guest) for guest in booking.guests),
    ]


def _for_others(letter: AppointmentLetter) -> AppointmentLetter:
    """What those read who have not asked for the meeting, and do not change it by a link."""
    asked = letter.occasion is Occasion.ACCEPTED
    return replace(letter, booking_id=None, occasion=Occasion.CONFIRMED if asked else letter.occasion)


def _tell_guest(rows: Rows, booking: Booking, page: PageTime, letter: AppointmentLetter, guest: str) -> Enqueued:
    letter = replace(letter, reader=Reader.GUEST)
    return add_mail(
        rows,
        page.account_id,
        letter,
        kind=_kind(letter),
        subject_id=booking.id,
        to=guest,
        to_name=None,
        reply_to=_answers_go_to(page),
    )


def _tell_host(
    rows: Rows, made: Booking | MeetingRequest, page: PageTime, letter: AppointmentLetter, host: Host
) -> list[Enqueued]:
    """One who hosts it. Who has left is told no more of anybody (R55)."""
    if not host.active:
        return []
    language = negotiate(host.locale)
    letter = replace(
        letter,
        reader=Reader.HOST,
        language=language,
        time_zone=host.time_zone,
        visitor_email=made.visitor_email or None,
        guests=tuple(made.guests),
        answers=tuple(in_words(made.answers, language)),
    )
    mail = add_mail(
        rows,
        page.account_id,
        letter,
        kind=_kind(letter),
        subject_id=made.id,
        to=host.email,
        to_name=host.name,
        reply_to=made.visitor_email or None,
    )
    return [mail]


def _answers_go_to(page: PageTime) -> str | None:
    """The host's address; None: they have left, and whoever sends our mails has to do."""
    return page.host.email if page.host.active else None


def _kind(letter: AppointmentLetter) -> str:
    return f"{letter.occasion}_{letter.reader}"
