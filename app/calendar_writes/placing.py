"""One try to write the wanted event to the provider: to put it there, or take it away.

The one rule: a write whose result is unknown is never repeated blindly: `find_by_key` first. What another run may
have written meanwhile is overwritten only after a check that the write is still ours.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

from app.calendar import FIELDS, Attendee, Busy, Event, EventDraft, Field, Notify, Timed, normalised
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, Connection
from app.providers.base import CalendarSession, EditConflict, EventNotFound


class FencedOff(Exception):
    """Another run has claimed the wish; whatever this one wants is old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedWrite:
    """The wish as it was when it was claimed."""

    write: CalendarWrite
    calendar: Calendar
    connection: Connection
    draft: EventDraft | None
    fence: int
    seq: int
    first: bool
    """Nobody has tried before: nothing of ours can stand there yet."""
    looking: bool
    """The wish has come true; what may have landed late is looked for."""
    dates: Collection[str] | None = None
    """Of an event that its person has made a series: the date that we wrote, if it still stands. What is to go is that
    one; the others are theirs. None: it is no series, as far as the mirror knows.
    """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands there now."""

    event: Event | None
    sure: bool = True
    """False: a write of an earlier try, whose end nobody saw, may still land."""
    known: bool = True
    """False: of what we left as it stood somebody may have changed what we have not read."""


class Placing:
    """One try. Raises: FencedOff, ProviderError."""

    def __init__(
        self,
        session: CalendarSession,
        claimed: ClaimedWrite,
        *,
        still_ours: Callable[[], Awaitable[bool]],
        anywhere: Timed,
    ) -> None:
        """`anywhere` is the time in which our events stand."""
        self._session = session
        self._claimed = claimed
        self._still_ours = still_ours
        self._anywhere = anywhere
        self._calendar_id, self._key = claimed.calendar.provider_calendar_id, claimed.write.key
        self._notify = Notify.EVERYBODY if claimed.write.invites else Notify.NOBODY

    async def run(self) -> Outcome:
        """Put the event, or take it away; its copies are taken away in any case."""
        for copy in self._claimed.write.extra_event_ids:
            if copy != self._claimed.write.event_id:
                await self._session.cancel_event(self._calendar_id, copy, notify=Notify.NOBODY)
        if self._claimed.draft is None:
            return await self._remove()
        try:
            return await self._put(self._claimed.draft)
        except EventNotFound:
            if self._claimed.write.comes_back:
                raise
            return Outcome(None)  # its person has deleted it, and that is the end of it

    async def _remove(self) -> Outcome:
        if self._claimed.dates is not None:
            for date in self._claimed.dates:
                await self._session.cancel_event(self._calendar_id, date, notify=self._notify)
            return Outcome(None)
        event_id = self._claimed.write.event_id
        if event_id is None and not self._claimed.first:
            left = await self._session.find_by_key(self._calendar_id, self._key, around=self._anywhere)
            if left is None:
                return Outcome(None, sure=False)
            event_id = left.id
        if event_id is not None:
            await self._session.cancel_event(self._calendar_id, event_id, notify=self._notify)
        return Outcome(None)

    async def _put(self, draft: EventDraft) -> Outcome:
        """The event as drafted: updated where it stands, made where it does not."""
        event_id, etag = self._claimed.write.event_id, self._claimed.write.etag
        if event_id is None and not self._claimed.first:
            left = await self._session.find_by_key(self._calendar_id, self._key, around=draft.when)
            if left is not None and self._claimed.seq == 1 and _same_time(left, draft):
                # it landed, or half of it did: this ends it, and mails nobody twice
                return Outcome(await self._create(draft))
            event_id, etag = (None, None) if left is None else (left.id, left.etag)
        if event_id is not None:
            try:
                return await self._overwrite(draft, event_id, etag)
            except EventNotFound:
                if not self._claimed.write.comes_back:
                    raise
                # somebody deleted it; the booking stands, so the event comes back
        if not (self._claimed.first or await self._still_ours()):
            raise FencedOff  # what we did not find may have been cancelled
        made = await self._create(draft)
        if self._claimed.first or _same_time(made, draft):
            return Outcome(made)
        return await self._overwrite(draft, made.id, made.etag)  # an earlier try's insert landed only now

    async def _create(self, draft: EventDraft) -> Event:
        return await self._session.create_event(self._calendar_id, draft, key=self._key, notify=self._notify)

    async def _overwrite(self, draft: EventDraft, event_id: str, etag: str | None) -> Outcome:
        """Our wish over what we know; somebody else's edit is looked at once, and then overwritten: the booking rules.
        What the draft keeps is theirs.

        The edit may be our own: that of a run which has claimed a newer wish while this one was held up. Whoever
        claims after the look writes after it, and then our etag is not the event's any more.
        """
        whole = not draft.keeps
        try:
            return Outcome(await self._update(draft, event_id, etag), known=whole or etag is not None)
        except EditConflict:
            current = await self._session.get_event(self._calendar_id, event_id)
            if not await self._still_ours():
                raise FencedOff from None
            if current is None or current.cancelled:
                raise EventNotFound(operation="update_event") from None
            if self._is_as_drafted(current, draft):
                return Outcome(current, known=whole)  # an earlier try's update landed, and nobody saw its end
            return Outcome(await self._update(draft, event_id, current.etag), known=whole)

    def _is_as_drafted(self, event: Event, draft: EventDraft) -> bool:
        """Whether writing it would change nothing that can be seen."""
        as_drafted: dict[Field, bool] = {
            "title": event.title == draft.title,
            "when": _same_time(event, draft),
            "description": draft.description is None or (event.description or "") == draft.description,
            "location": (event.location or None) == (draft.location or None),
            "attendees": _addresses(event.attendees) == _addresses(draft.attendees),
        }
        linked = event.video_url is not None or not draft.video
        busy = (event.busy is not Busy.FREE) == draft.busy
        said = all(as_drafted[field] for field in FIELDS - draft.keeps)
        return said and linked and busy and event.key == self._key

    async def _update(self, draft: EventDraft, event_id: str, etag: str | None) -> Event:
        return await self._session.update_event(
            self._calendar_id, event_id, draft, key=self._key, if_match=etag, notify=self._notify
        )


def _addresses(guests: Iterable[Attendee]) -> set[str]:
    return {normalised(guest.email) for guest in guests}


def _same_time(event: Event, draft: EventDraft) -> bool:
    return isinstance(event.when, Timed) and (event.when.start, event.when.end) == (draft.when.start, draft.when.end)
