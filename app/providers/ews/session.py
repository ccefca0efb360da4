"""One connection's Exchange calendars: the verbs that write, beside those of `reading`.

The one rule: Exchange makes an event as often as it is asked to, so nothing is made that was not looked for first, and
whatever mails people is a step of its own, behind the one that can be looked for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from app.calendar import AccessRole, CalendarRef, Event, EventDraft, Notify, Response, Timed
from app.providers.base import (
    AmbiguousOutcome,
    CalendarGone,
    EditConflict,
    EventNotFound,
    InvalidRequest,
    ProtocolError,
    ProviderError,
    RateLimited,
    Transient,
)
from app.providers.ews import drafts, marks, questions, wire
from app.providers.ews.client import Mailbox, only
from app.providers.ews.mapping import NOT_THE_GUEST, calendar_of, event_of
from app.providers.ews.reading import Reading
from app.providers.ews.refusals import Call, NameTaken, NoZone
from app.providers.ews.service import Message
from app.providers.ews.soap import Element
from app.providers.ews.wire import Folder, Item
from app.providers.ews.workers import Turns

_AROUND: Final = timedelta(hours=1)
_CONFLICTS_MAX: Final = 3
_NAMES_MAX: Final = 10


class ExchangeSession(Reading):
    """See `app.providers.base.CalendarSession`."""

    def __init__(self, mailbox: Mailbox, keys: Turns) -> None:
        super().__init__(mailbox)
        self._keys = keys
        """One create at a time per mailbox and key: between the look and the create another would slip in."""

    async def create_calendar(self, name: str, *, time_zone: str, key: str) -> CalendarRef:  # noqa: ARG002 - Exchange's have none
        """Look for the folder with the mark of the key, and make what is not there; a taken name gets a number."""
        login, zone = await self._mailbox.login(), await self._usual_zone()
        async with self._keys.of(f"{login.mailbox} calendar {key}"):
            mark = marks.calendar_mark(key)
            for folder in await self._calendars():
                if folder.mark == mark:
                    return calendar_of(folder, time_zone=zone, primary=False)
            return await self._new_calendar(name, zone, key)

    async def _new_calendar(self, name: str, zone: str, key: str) -> CalendarRef:
        for number in range(1, _NAMES_MAX + 1):
            told = name if number == 1 else f"{name} ({number})"
            call = Call("ews.create_calendar", drafts.new_calendar(told, key), write=True)
            try:
                made = await self._mailbox.fetch(call, lambda messages, call=call: _folder(call, messages))  # type: ignore[misc]
            except NameTaken:
                continue
            return CalendarRef(made.id, told, zone, AccessRole.OWNER)
        raise InvalidRequest("too many of this name", operation="ews.create_calendar", provider_code="name_taken")

    async def create_event(self, calendar_id: str, draft: EventDraft, *, key: str, notify: Notify) -> Event:
        """Look, make it without a mail, then invite. A repeat goes on from wherever the one before it ended."""
        login = await self._mailbox.login()
        async with self._keys.of(f"{login.mailbox} {key}"):
            standing = await self._in_slot(calendar_id, key, draft.when)
            event_id = None if standing is None else standing.id
            if event_id is None:
                loud = notify is Notify.EVERYBODY
                guests = () if loud else draft.attendees
                event_id = await self._drafted(
                    "ews.create_event",
                    draft,
                    lambda wanted: drafts.new_event(calendar_id, wanted, key, guests),
                    not_found=CalendarGone,
                )
            made = await self._written(event_id)
            if notify is Notify.EVERYBODY and draft.attendees and not (made.required or made.optional):
                await self._write("ews.create_event", drafts.invitations(made, draft, notify))
                made = await self._written(event_id)
        return self._event(made, login.email)

    async def find_by_key(self, calendar_id: str, key: str, *, around: Timed) -> Event | None:
        """Where it was drafted, which is quick; failing that anywhere in the calendar."""
        found = await self._in_slot(calendar_id, key, around)
        if found is None or found.uid != marks.ical_uid(key):
            pages = self._pages(
                "ews.find_by_key", lambda offset: questions.marked_with(calendar_id, key, offset=offset)
            )
            found = _original([wire.read_item(element) async for element in pages], key) or found
        event = None if found is None else await self.get_event(calendar_id, found.id)
        return None if event is None or event.cancelled else event

    async def update_event(
        self,
        calendar_id: str,  # noqa: ARG002 - an id is the mailbox's
        event_id: str,
        draft: EventDraft,
        *,
        key: str,
        if_match: str | None,
        notify: Notify,
    ) -> Event:
        """Read, merge the guests, write on condition that nothing moved; without `if_match` a race is run again."""
        email = (await self._mailbox.login()).email
        for attempt in range(_CONFLICTS_MAX):
            standing, _ = await self._item(event_id, "ews.update_event")
            if if_match is not None and standing.change_key != if_match:
                raise EditConflict(operation="ews.update_event")
            try:
                written = await self._drafted(
                    "ews.update_event",
                    draft,
                    lambda wanted, standing=standing: drafts.changed_event(standing, wanted, key, notify),  # type: ignore[misc]
                )
            except EditConflict:
                if if_match is not None or attempt == _CONFLICTS_MAX - 1:
                    raise
            else:
                return self._event(await self._written(written), email)
        raise AssertionError("the last attempt returns or raises")

    async def cancel_event(self, calendar_id: str, event_id: str, *, notify: Notify) -> None:  # noqa: ARG002 - an id is the mailbox's
        """Delete; an event already gone is done."""
        call = Call("ews.cancel_event", drafts.removal(event_id, notify), write=True)
        self._announced.forget()
        try:
            await self._mailbox.fetch(call, lambda messages: only(call, messages))
        except EventNotFound:
            return

    async def respond(self, calendar_id: str, event_id: str, response: Response) -> None:  # noqa: ARG002 - an id is the mailbox's
        """Answer and tell the organizer. Raises: InvalidRequest when the person is not invited."""
        standing, _ = await self._item(event_id, "ews.respond")
        body = drafts.reply(standing, response)
        if body is None or standing.my_response in NOT_THE_GUEST:
            raise InvalidRequest("not invited", operation="ews.respond", provider_code="not_an_attendee")
        call = Call("ews.respond", body, write=True)
        self._announced.forget()
        await self._mailbox.fetch(call, lambda messages: only(call, messages))

    async def _in_slot(self, calendar_id: str, key: str, slot: Timed) -> Item | None:
        """The event with this key in or near a slot."""
        window = Timed(slot.start - _AROUND, max(slot.end, slot.start) + _AROUND)
        return _original(await self._view(calendar_id, window), key)

    async def _drafted(
        self,
        operation: str,
        draft: EventDraft,
        body_of: Callable[[EventDraft], Element],
        *,
        not_found: type[ProviderError] = EventNotFound,
    ) -> str:
        """Write what is drafted, in UTC where the server does not know the zone: the id of the event."""
        try:
            return (await self._write(operation, body_of(draft), not_found=not_found))[0].id
        except NoZone:
            plain = replace(draft, when=replace(draft.when, zone=None))
            return (await self._write(operation, body_of(plain), not_found=not_found))[0].id

    async def _write(
        self, operation: str, body: Element, *, not_found: type[ProviderError] = EventNotFound
    ) -> Sequence[Item]:
        """Send a body that has items as its answer: their ids."""
        call = Call(operation, body, write=True, not_found=not_found)

        def read(messages: Sequence[Message]) -> Sequence[Item]:
            items = wire.items_of(only(call, messages))
            if not items:
                raise ValueError("nothing was written")
            return items

        self._announced.forget()
        return await self._mailbox.fetch(call, read)

    async def _written(self, event_id: str) -> Item:
        """What stands there now. If nobody can tell, the write was made all the same: that is ambiguous, not failed."""
        try:
            item, _ = await self._item(event_id, "ews.written")
        except (Transient, RateLimited, ProtocolError, EventNotFound) as error:
            raise AmbiguousOutcome("written, and not read back", operation="ews.written") from error
        return item

    @staticmethod
    def _event(item: Item, email: str) -> Event:
        event = event_of(item, email=email)
        if event is None:
            raise AmbiguousOutcome("written, and not readable", operation="ews.written")
        return event


def _original(items: Iterable[Item | None], key: str) -> Item | None:
    """The item with the key. Who copies one in Outlook copies our property, but not the UID."""
    ours = [item for item in items if item is not None and item.key == key]
    made = (item for item in ours if item.uid == marks.ical_uid(key))
    return next(made, ours[0] if ours else None)


def _folder(call: Call, messages: Sequence[Message]) -> Folder:
    """The only folder in an answer. Raises: LookupError."""
    return wire.folders_of(only(call, messages))[0]
