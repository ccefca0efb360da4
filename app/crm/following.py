"""Events of people's primary calendars become meetings on their contacts' timelines, and are kept in step with them
(R20, R23). So are those that we wrote into a calendar that was the primary then.

    pick    events with a known contact, and those that are a meeting already; elsewhere those that we wrote
    apply   event → engagement made, changed, cancelled or taken away: one transaction

The one rule: of an event without a known contact, or a private one, nothing is kept here and nothing is said. Contacts
are people outside: a colleague who is one as well makes no event a meeting.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import find_user
from app.calendar import Attendee, Clock, Event, EventDraft, ProviderName, normalised
from app.calendar_writes.observing import observe, observe_gone
from app.calendar_writes.service import Owner, draft_from_json, find_write
from app.connections.settings import get_settings
from app.crm import repository
from app.crm.colleagues import IS_COLLEAGUE, colleagues_among
from app.crm.event import draft_over_standing, redrafted
from app.crm.news import tell_as_it_is, tell_of_engagement, touch_and_tell
from app.crm.person import person_of
from app.crm.snapshot import KEPT_OUTCOMES, Meeting, Snapshot, meeting_of, outcome_after, snapshot_of
from app.events.repository import redact
from app.events.types import EventType
from app.ids import new_id
from app.models.calendar_writes import CalendarWrite
from app.models.crm import Engagement
from app.providers.base import CalendarSession, Provider
from app.queue import Enqueued
from app.sync.busy import zone_or_utc
from app.sync.changes import Topic
from app.sync.following import FollowedCalendar, Follower, PostponedError
from app.sync.people import AddressBook, addresses_of
from app.sync.rereading import Seen

_FOUND = """
SELECT u.event_id
  FROM unnest($1::text[]) AS u(event_id)
  LEFT JOIN mirror_events m ON m.account_id = $2 AND m.calendar_id = $3 AND m.event_id = u.event_id
 WHERE EXISTS (SELECT FROM calendar_writes w
                WHERE w.account_id = $2 AND w.calendar_id = $3 AND w.engagement_id IS NOT NULL
                  AND (w.event_id = u.event_id OR w.key = m.key)
                  AND (m.event_id IS NULL OR (m.event_id, m.etag) IS DISTINCT FROM (w.event_id, w.etag)))
    OR $4::boolean AND EXISTS (
               SELECT FROM engagements e
                WHERE e.account_id = $2 AND e.calendar_id = $3 AND e.event_id = u.event_id
                  AND NOT EXISTS (SELECT FROM calendar_writes w
                                   WHERE w.account_id = $2 AND w.engagement_id = e.id
                                     AND (w.event_id, w.etag) = (m.event_id, m.etag)))
    OR $4::boolean AND EXISTS (
               SELECT FROM mirror_addresses a
                 JOIN contacts c ON c.account_id = a.account_id AND c.address_hash = a.address_hash
                WHERE a.account_id = $2 AND a.calendar_id = $3 AND a.event_id = u.event_id
                  AND NOT {colleague})
"""
_CONCERNING = _FOUND.format(colleague=IS_COLLEAGUE)
"""Of a calendar that is not the primary ($4), the first alone."""


class MeetingFollower:
    """Runs `follow_meetings`."""

    def __init__(
        self, follower: Follower, people: AddressBook, providers: Mapping[ProviderName, Provider], clock: Clock
    ) -> None:
        self._follower = follower
        self._people = people
        self._providers = providers
        self._clock = clock

    async def run(self, account_id: UUID, calendar_id: UUID) -> None:
        """Follow what waits in the calendar."""
        await self._follower.run(account_id, calendar_id, Topic.MEETING, self)

    async def pick(self, session: AsyncSession, place: FollowedCalendar, event_ids: Sequence[str]) -> set[str]:
        """Events that are, or may be, somebody's meetings with a contact; none while the sync is off."""
        if not await self._is_followed(session, place):
            return set()
        connection, calendar = await session.connection(), place.calendar
        wanted = list(event_ids), calendar.account_id, calendar.id, calendar.is_primary
        return set((await connection.exec_driver_sql(_CONCERNING, wanted)).scalars())

    async def look_further(self, at_provider: CalendarSession, place: FollowedCalendar, seen: Seen) -> Seen:  # noqa: ARG002 - the protocol's
        """It has all that is needed."""
        return seen

    async def apply(self, session: AsyncSession, place: FollowedCalendar, seen: Seen) -> list[Enqueued]:
        """Make the engagement as the event is. Raises: PostponedError."""
        calendar, event = place.calendar, seen.event
        key, now = event.key if event else None, self._clock()
        row = await repository.find_of_event(session, calendar.id, seen.event_id, key=key, now=now)
        write = None if row is None else await find_write(session, Owner("engagement", row.id), lock=True)
        if write is not None and _may_be_old(seen, write, calendar.id):
            raise PostponedError
        if event is None:
            return [] if row is None else await self._cancel(session, row, write)
        if write is not None and (write.event_id, write.etag) == (event.id, event.etag):
            return []  # what stands there is what we wrote, in the provider's words
        ours = write is not None and write.comes_back
        meeting = await self._meeting(session, place, event, row, ours=ours)
        if row is None:
            new = meeting if calendar.is_primary else None  # elsewhere it is somebody's copy of what we wrote
            return [] if new is None else await self._add(session, place, event, new)
        row.calendar_id = calendar.id  # it had none while its person was disconnected
        if write is not None and write.calendar_id is None and not write.comes_back:
            write.calendar_id = calendar.id
        if meeting is None and not ours:  # a person's own event, edited here or not
            if not event.private and (row.ends_at <= self._clock() or row.outcome in KEPT_OUTCOMES):
                return []  # what has been is not undone by an address that was corrected
            return await self._take_away(session, row)
        return await self._change(session, row, write, event, meeting or _alone(place, event, row))

    async def _is_followed(self, session: AsyncSession, place: FollowedCalendar) -> bool:
        """R17, R24, R55: where the sync is on and its person is still there."""
        connection = place.connection
        supported = self._providers[ProviderName(connection.provider)].features.two_way_sync
        if not (supported and "calendar" in connection.purposes):
            return False
        user = await find_user(session, connection.user_id)
        settings = await get_settings(session, connection.account_id, connection.user_id)
        return settings.calendar_sync and user is not None and user.active

    async def _meeting(
        self, session: AsyncSession, place: FollowedCalendar, event: Event, row: Engagement | None, *, ours: bool
    ) -> Meeting | None:
        """The event as a meeting; None: nobody of it is a contact, or only colleagues are. `ours`: made in the CRM."""
        calendar, own = place.calendar, _own_addresses(place)
        addresses = addresses_of(event, own)
        if not ours:
            addresses -= await colleagues_among(session, addresses)
        if not addresses:
            return None
        hasher = await self._people.hasher(session, calendar.account_id)
        hashes = {address: hasher.hash(address) for address in sorted(addresses)}
        known = await repository.contacts_with(session, list(hashes.values()))
        contacts = {address: known[hashed].id for address, hashed in hashes.items() if hashed in known}
        contacts = await self._renamed(session, row, hashes, set(contacts.values())) | contacts
        return meeting_of(event, contacts=contacts, own=own, zone=calendar.time_zone)

    async def _renamed(
        self, session: AsyncSession, row: Engagement | None, hashes: Mapping[str, bytes], known: Collection[UUID]
    ) -> dict[str, UUID]:
        """Who takes part already by an address that somebody has corrected in the CRM since, by that address."""
        parts = [] if row is None else await repository.participants_in(session, row)
        found: dict[str, UUID] = {}
        for contact in (contact for _, contact in parts if contact.id not in known):
            theirs = (await person_of(session, self._people, contact)).hashes
            found |= {address: contact.id for address, hashed in hashes.items() if hashed in theirs}
        return found

    async def _add(
        self, session: AsyncSession, place: FollowedCalendar, event: Event, meeting: Meeting
    ) -> list[Enqueued]:
        now = self._clock()
        row = Engagement(
            account_id=place.calendar.account_id,
            id=new_id(),
            owner_id=place.connection.user_id,
            source="calendar_sync",
            calendar_id=place.calendar.id,
            event_id=event.id,
            invite_status=None,
            version=1,
            created_at=now,
            updated_at=now,
            **asdict(meeting.snapshot),
        )
        session.add(row)
        await session.flush()
        await repository.save_participants(session, row.account_id, row.id, dict(meeting.participants))
        return [await tell_as_it_is(session, EventType.ENGAGEMENT_CREATED, row)]

    async def _change(
        self, session: AsyncSession, row: Engagement, write: CalendarWrite | None, event: Event, meeting: Meeting
    ) -> list[Enqueued]:
        changed = False
        if meeting.participants:
            changed = await repository.save_participants(session, row.account_id, row.id, dict(meeting.participants))
        changed = _take_over(row, meeting.snapshot) or changed
        if row.event_id != event.id and write is not None:
            row.event_id = event.id
        if write is not None:
            _note(write, row, event, await self._drafted(session, row, write, event))
        return [await touch_and_tell(session, EventType.ENGAGEMENT_UPDATED, row, now=self._clock())] if changed else []

    async def _drafted(self, session: AsyncSession, row: Engagement, write: CalendarWrite, event: Event) -> EventDraft:
        """What we would write. An event that was taken away and is back has its guests and its text as they were, but
        for those who are to be forgotten (R54).
        """
        if write.draft is not None:
            return redrafted(draft_from_json(write.draft), row)
        draft = draft_over_standing(row, described=False)
        if not write.comes_back:
            return draft  # a person's own: who is invited is theirs alone
        if event.private:
            return draft  # and of that one nothing is kept
        hasher = await self._people.hasher(session, row.account_id)
        guests = {hasher.hash(guest.email): guest for guest in event.attendees if not guest.is_self}
        forgotten = await repository.erased_among(session, guests)
        known = (Attendee(guest.email, guest.name) for hashed, guest in guests.items() if hashed not in forgotten)
        return replace(draft, attendees=tuple(known))

    async def _cancel(self, session: AsyncSession, row: Engagement, write: CalendarWrite | None) -> list[Enqueued]:
        """Its person has deleted the event: the meeting does not take place. One that is over was only tidied away."""
        now = self._clock()
        if write is not None:
            observe_gone(write)
        if row.outcome == "cancelled" or row.ends_at <= now:
            return []
        row.outcome, row.cancelled_at = "cancelled", now
        return [await touch_and_tell(session, EventType.ENGAGEMENT_CANCELLED, row, now=now)]

    async def _take_away(self, session: AsyncSession, row: Engagement) -> list[Enqueued]:
        await redact(session, row.account_id, row.id)
        told = tell_of_engagement(session, EventType.ENGAGEMENT_DELETED, row, [], now=self._clock())
        await session.delete(row)
        return [told]


def _take_over(row: Engagement, snapshot: Snapshot) -> bool:
    """The engagement as the event is; whether that is news."""
    wanted = asdict(snapshot) | {"outcome": outcome_after(row.outcome, snapshot.outcome)}
    if _same_clock(row, snapshot):
        del wanted["time_zone"]
    changed = [name for name, value in wanted.items() if (getattr(row, name) or None) != (value or None)]
    for name in changed:
        setattr(row, name, wanted[name])
    if row.outcome != "cancelled":
        row.cancelled_at = None  # its person has brought the event back
    return bool(changed)


def _same_clock(row: Engagement, snapshot: Snapshot) -> bool:
    """Another name for a zone that shows the same hours is no news: providers have their own names."""
    first, second = zone_or_utc(row.time_zone), zone_or_utc(snapshot.time_zone)
    ends = (snapshot.starts_at, snapshot.ends_at)
    return all(at.astimezone(first).utcoffset() == at.astimezone(second).utcoffset() for at in ends)


def _note(write: CalendarWrite, row: Engagement, event: Event, draft: EventDraft) -> None:
    """What stands there is what we would write: nothing is to be written."""
    wanted = replace(draft, attendees=_still_there(draft, event))
    observe(write, event.id, event.etag, span=(row.starts_at, row.ends_at), draft=wanted)
    write.video_url = row.video_url


def _still_there(draft: EventDraft, event: Event) -> tuple[Attendee, ...]:
    """Who was taken off the event is not invited again; where its organizer is not told, nor are its guests."""
    if event.organizer is None:
        return draft.attendees
    there = {normalised(guest.email) for guest in event.attendees}
    return tuple(guest for guest in draft.attendees if normalised(guest.email) in there)


def _may_be_old(seen: Seen, write: CalendarWrite, calendar_id: UUID) -> bool:
    """Whether the event was read as it was before we wrote it, or while we do; only writes into its calendar count."""
    begun = (write.calendar_id, write.event_id) == (calendar_id, seen.event_id) and not seen.knew(write.id)
    return begun or write.under_way or seen.is_before(write.id, (write.fence, write.written_seq))


def _alone(place: FollowedCalendar, event: Event, row: Engagement) -> Meeting:
    """A meeting we wrote ourselves whose contact was taken off, or that was made private: it is still the CRM's, with
    the texts that the CRM has. What was written there since is its person's own.
    """
    snapshot = snapshot_of(event, {}, own=_own_addresses(place), zone=place.calendar.time_zone)
    texts = {name: getattr(row, name) for name in ("title", "description", "location", "video_url")}
    return Meeting(replace(snapshot, **texts), {})


def _own_addresses(place: FollowedCalendar) -> set[str]:
    return {normalised(place.connection.email)}
