"""The verbs of a session that read.

The one rule: what Exchange cuts short is asked for again in smaller parts, never taken for the whole.
"""

from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from exchangelib.errors import ErrorExceededFindCountLimit  # type: ignore[import-untyped]

from app.calendar import BusyTimes, CalendarRef, Event, SyncPage, Timed
from app.providers.base import (
    CalendarGone,
    EventNotFound,
    InvalidRequest,
    PermissionDenied,
    ProtocolError,
    readable,
)
from app.providers.ews import questions, wire
from app.providers.ews.busy_times import busy_times
from app.providers.ews.client import Mailbox, checked, lasting, only
from app.providers.ews.cursor import Position
from app.providers.ews.mapping import (
    NOT_THE_GUEST,
    calendar_of,
    changes_of,
    event_of,
    series_is_over,
    single_is_over,
    span_of,
)
from app.providers.ews.refusals import Call
from app.providers.ews.series import Announced, Dates, dates_of, peopled, shared_uids
from app.providers.ews.service import Message
from app.providers.ews.soap import Element
from app.providers.ews.wire import EXCEPTION, MASTER, OCCURRENCES, Change, ChangesPage, Folder, Item, Page
from app.providers.rest import together
from app.providers.zones import iana_name

DAYS_MAX: Final = 730
"""Exchange refuses a calendar view of more than two years."""
_ITEMS_AT_ONCE: Final = 50
_SMALLEST_VIEW: Final = timedelta(minutes=1)
_ZONE_SAMPLE: Final = 10
_ZONE_PAGE: Final = 50
_ZONE_PAGES_MAX: Final = 4
"""Who has nothing of their own among so many is looked for no further."""


class Reading:
    """One connection's calendars, read."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._announced = Announced()

    async def list_calendars(self) -> Sequence[CalendarRef]:
        """The calendars of the person's own mailbox; the default one first."""
        default, *others = await self._calendars()
        zone = await self._usual_zone()
        return [
            calendar_of(default, time_zone=zone, primary=True),
            *(calendar_of(folder, time_zone=zone, primary=False) for folder in others),
        ]

    async def free_busy(self, calendar_ids: Sequence[str], window: Timed) -> Mapping[str, BusyTimes]:
        """Busy spans as the calendars show them: Exchange's own free/busy knows the default calendar only."""
        distinct = list(dict.fromkeys(calendar_ids))
        told = await together([self._busy(calendar_id, window) for calendar_id in distinct])
        return dict(zip(distinct, told, strict=True))

    async def list_instances(
        self, calendar_id: str, window: Timed, *, series_id: str | None = None
    ) -> AsyncIterator[Event]:
        """What the calendar shows; the dates of one series are those among them with the UID of its master."""
        email = (await self._mailbox.login()).email
        if series_id is not None:
            dates = await self._dates(calendar_id, window, series_id)
        else:
            dates = await self._everything(calendar_id, window)
        for item in dates.items:
            zone, series = dates.of(item)
            whole = dates.peopled(item)
            event = None if item.cancelled else event_of(whole, email=email, series_id=series, zone=zone)
            if event is not None:
                yield event

    async def get_event(self, calendar_id: str, event_id: str) -> Event | None:  # noqa: ARG002 - an id is the mailbox's
        """The event as it is now, with its description, and its series when it is a date of one."""
        try:
            item, series_id = await self._item(event_id, "ews.get_event")
        except EventNotFound:
            return None
        event = event_of(item, email=(await self._mailbox.login()).email, series_id=series_id)
        return readable(event, gone=item.cancelled, operation="ews.get_event")

    async def sync_page(
        self, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime
    ) -> SyncPage:
        """One page of what changed in the folder: singles as they are, series only by name.

        Who takes part in the meetings among them is read besides, fifty at a time.
        """
        here = Position.read(calendar_id, cursor=cursor, page=page, since=since)
        email = (await self._mailbox.login()).email
        call = Call("ews.sync_page", questions.changes(calendar_id, here.state), not_found=CalendarGone)
        answer = await self._changes(call)
        if not answer.last and answer.state == here.state:
            raise ProtocolError("a page that follows itself", operation=call.operation)
        rows, over = await self._completed(answer.changes, here.since)
        changes = changes_of(rows, email=email, since=here.since, over=over)
        self._announced.add(calendar_id, [row for row in rows if row.id not in over])
        place = here.after(answer.state, last=answer.last)
        return SyncPage(
            changes,
            next_page=None if answer.last else place,
            cursor=place if answer.last else None,
            full=cursor is None,
        )

    async def _item(self, event_id: str, operation: str) -> tuple[Item, str | None]:
        """An item with all we read of one, and the id of its series where the server tells it. Raises: EventNotFound.

        Gromox answers nothing for a series that is named by one of its dates.
        """
        asked = [questions.item(event_id), questions.master_of(event_id)]
        call = Call(operation, questions.items(asked))

        def read(messages: Sequence[Message]) -> tuple[Item, str | None]:
            found = wire.items_of(checked(call, messages[0]))
            if not found:
                raise EventNotFound(operation=operation)  # an item, but none of a calendar
            told = lasting(call, messages[1]) if found[0].kind in OCCURRENCES and len(messages) > 1 else None
            master = () if told is None else wire.items_of(told)
            return found[0], master[0].id if master else None

        return await self._mailbox.fetch(call, read)

    async def _calendars(self) -> Sequence[Folder]:
        """The default calendar, and the others that are not in the bin."""
        call = Call(
            "ews.default_calendar",
            questions.folders(questions.own_calendar(), questions.deleted_items()),
            not_found=CalendarGone,
        )
        default, bin_ = await self._mailbox.fetch(
            call, lambda messages: [wire.folders_of(checked(call, message))[0] for message in messages]
        )
        found = self._pages("ews.list_calendars", lambda offset: questions.calendars(offset=offset))
        others = [folder async for element in found if (folder := wire.read_folder(element)).id != default.id]
        gone = {bin_.id}
        while below := {folder.id for folder in others if folder.parent_id in gone} - gone:
            gone |= below
        return [default, *(folder for folder in others if folder.id not in gone)]

    async def _pages(self, operation: str, question: Callable[[int], Element]) -> AsyncIterator[Element]:
        """What is found, page by page; `question` is told the offset."""
        offset: int | None = 0
        while offset is not None:
            call = Call(operation, question(offset), not_found=CalendarGone)
            page = await self._mailbox.fetch(call, lambda messages, call=call: wire.read_page(only(call, messages)))  # type: ignore[misc]
            for element in page.elements:
                yield element
            # An Exchange 2010 may name an offset again and again. https://github.com/ecederstrand/exchangelib/issues/294
            offset = page.next_offset if page.next_offset is not None and page.next_offset > offset else None

    async def _usual_zone(self) -> str:
        """The zone most of the newest events were made in: Exchange keeps the person's own where we may not look.

        An invitation has its organizer's zone, and what we wrote that of whoever drafted it: they count where there is
        nothing else.
        """
        items = await self._zoned(await self._newest())
        others = [item for item in items if item.key is None]
        for some in ([item for item in others if item.my_response in NOT_THE_GUEST], others, items):
            names = [name for item in some if (name := iana_name(item.zone))]
            if names:
                return max(names, key=names.count)
        return "UTC"

    async def _newest(self) -> Sequence[Item]:
        """The newest items, as far as a few pages go: what is not ours comes first."""
        found: list[Item] = []
        state = None
        for _ in range(_ZONE_PAGES_MAX):
            call = Call("ews.usual_zone", questions.newest(questions.own_calendar(), state, limit=_ZONE_PAGE))
            answer = await self._changes(call)
            found += [change.item for change in answer.changes if change.item]
            if answer.last or sum(item.key is None for item in found) >= _ZONE_SAMPLE:
                break
            state = answer.state
        return sorted(found, key=lambda item: item.key is not None)[:_ZONE_SAMPLE]

    async def _changes(self, call: Call) -> ChangesPage:
        return await self._mailbox.fetch(call, lambda messages: wire.read_changes(only(call, messages)))

    async def _zoned(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items with their zones, where the server's listings tell no more than a summary."""
        if any(item.zone for item in items):
            return items
        known = {item.id: item for item in await self._some(questions.beside_view, _named(items))}
        return [peopled(item, known.get(item.id)) for item in items]

    async def _busy(self, calendar_id: str, window: Timed) -> BusyTimes:
        """A calendar that may not be read is unknown; a failed request raises."""
        try:
            return busy_times(await self._view(calendar_id, window, busy_only=True), window)
        except (PermissionDenied, CalendarGone) as refusal:
            return BusyTimes(unknown=refusal.provider_code or refusal.code, refused=True)

    async def _everything(self, calendar_id: str, window: Timed) -> Dates:
        """All that the calendar shows; the folder's table has neither the series of a date, nor people, nor zones."""
        items = await self._view(calendar_id, window)
        first_of = {item.uid: item for item in reversed(items) if item.kind in OCCURRENCES and item.uid}
        masters = [questions.master_of(item.id) for item in first_of.values()]
        others = _named(item for item in items if item.kind not in OCCURRENCES or _has_own_people(item))
        known, whole = await self._asked(questions.beside_view, [*masters, *others])
        if not whole:
            known += await self._stored_series(calendar_id, first_of)
        shared = shared_uids(items)
        return Dates(
            items,
            masters=[item for item in known if item.kind == MASTER],
            beside={item.id: item for item in known},
            owners=await self._owners([item for item in items if item.uid in shared and item.kind in OCCURRENCES]),
        )

    async def _stored_series(self, calendar_id: str, uids: Container[str | None]) -> list[Item]:
        """The series with these UIDs, looked for in the folder: the server knows none by its dates."""
        pages = self._pages("ews.stored_series", lambda offset: questions.stored(calendar_id, offset=offset))
        stored = [item async for element in pages if (item := wire.read_item(element)) is not None]
        series = _named(item for item in stored if item.kind == MASTER and item.uid in uids)
        return await self._some(questions.beside_view, series)

    async def _dates(self, calendar_id: str, window: Timed, series_id: str) -> Dates:
        """The dates of one series. One that a page of changes named is served from a view they all share."""
        known = self._announced.take(calendar_id, series_id)
        if known is not None:
            items = await self._announced.view(calendar_id, window, self._peopled_view)
            return Dates.of_series(known, await self._own(known, dates_of(known, items)))
        try:
            master, _ = await self._item(series_id, "ews.list_instances")
        except EventNotFound:
            return Dates(())
        if master.kind == MASTER:
            dates = await self._own(master, dates_of(master, await self._view(calendar_id, window)))
            return Dates.of_series(master, await self._peopled(dates))
        span = span_of(master)  # it became a single event
        inside = span is not None and span.start < window.end and span.end > window.start
        return Dates((master,) if inside else ())

    async def _own(self, master: Item, dates: tuple[Item, ...]) -> tuple[Item, ...]:
        """Those of the dates with its UID that are this series' own."""
        if not shared_uids(dates):
            return dates
        owners = await self._owners(dates)
        return tuple(date for date in dates if owners.get(date.id, master).id == master.id)

    async def _owners(self, dates: Sequence[Item]) -> dict[str, Item]:
        """The series of each date, as Exchange itself tells."""
        found: dict[str, Item] = {}
        for first in range(0, len(dates), _ITEMS_AT_ONCE):
            some = dates[first : first + _ITEMS_AT_ONCE]
            call = Call("ews.some_items", questions.beside_view([questions.master_of(date.id) for date in some]))
            found |= await self._mailbox.fetch(call, partial(_masters, call, some))
        return found

    async def _completed(
        self, changes: Sequence[Change], since: datetime | None
    ) -> tuple[Sequence[Change], frozenset[str]]:
        """A page with the people in it, and the ids of the series in it that had ended.

        A page of a full listing may name ten years of series that are over, and each would be read in vain.
        """
        asked = dict.fromkeys(row.id for row in changes if row.item is not None and _is_asked_about(row.item, since))
        read = await self._some(questions.beside_changes, [questions.item(item_id) for item_id in asked])
        known = {item.id: item for item in read}
        rows = [
            row
            if row.item is None or row.id not in known
            else Change(row.kind, row.id, peopled(row.item, known[row.id]))
            for row in changes
        ]
        over = (item.id for item in read if since is not None and series_is_over(item, since))
        return rows, frozenset(over)

    async def _peopled_view(self, calendar_id: str, window: Timed) -> tuple[Item, ...]:
        return await self._peopled(await self._view(calendar_id, window))

    async def _peopled(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """With the people of the dates that deviate from their series; the others have those of the series."""
        asked = _named(item for item in items if _has_own_people(item))
        known = {item.id: item for item in await self._some(questions.beside_view, asked)}
        return tuple(peopled(item, known.get(item.id)) for item in items)

    async def _some(self, question: Callable[[Sequence[Element]], Element], ids: Sequence[Element]) -> list[Item]:
        """Items as far as a question goes; those that are gone meanwhile are left out."""
        return (await self._asked(question, ids))[0]

    async def _asked(
        self, question: Callable[[Sequence[Element]], Element], ids: Sequence[Element]
    ) -> tuple[list[Item], bool]:
        """The same, and whether the server had a word on every one of them."""
        found: list[Item] = []
        words = 0
        for first in range(0, len(ids), _ITEMS_AT_ONCE):
            call = Call("ews.some_items", question(ids[first : first + _ITEMS_AT_ONCE]))
            told = await self._mailbox.fetch(
                call,
                lambda messages, call=call: [_told(call, one) for one in messages],  # type: ignore[misc]
            )
            words += len(told)
            found += [item for one in told for item in one]
        return found, words >= len(ids)

    async def _view(self, calendar_id: str, window: Timed, *, busy_only: bool = False) -> tuple[Item, ...]:
        """Everything in the window, once each: cut where Exchange's limits are, halved where it cuts."""
        found: dict[str, Item] = {}
        waiting = list(_parts(window))
        while waiting:
            part = waiting.pop()
            page, items = await self._part_of_view(calendar_id, part, busy_only=busy_only)
            if page.whole:
                found.update((item.id, item) for item in items)
                continue
            middle = part.start + (part.end - part.start) / 2
            if part.end - part.start < _SMALLEST_VIEW:
                raise ProtocolError("a view that is never whole", operation="ews.view")
            waiting += [Timed(part.start, middle), Timed(middle, part.end)]
        return tuple(sorted(found.values(), key=lambda item: (item.start is None, item.start)))

    async def _part_of_view(self, calendar_id: str, part: Timed, *, busy_only: bool) -> tuple[Page, Sequence[Item]]:
        question = questions.view(calendar_id, part.start, part.end, busy_only=busy_only)
        call = Call("ews.view", question, not_found=CalendarGone)

        def read(messages: Sequence[Message]) -> tuple[Page, Sequence[Item]]:
            if any(
                isinstance(message.error, ErrorExceededFindCountLimit) for message in messages
            ):  # lower than we believe
                return Page((), whole=False), ()
            page = wire.read_page(only(call, messages))
            return page, [item for element in page.elements if (item := wire.read_item(element)) is not None]

        return await self._mailbox.fetch(call, read)


def _named(items: Iterable[Item]) -> list[Element]:
    return [questions.item(item.id) for item in items]


def _told(call: Call, message: Message) -> tuple[Item, ...]:
    """The items of a part; none where it is gone meanwhile, or damaged for good."""
    element = lasting(call, message)
    return () if element is None else wire.items_of(element)


def _masters(call: Call, dates: Sequence[Item], messages: Sequence[Message]) -> dict[str, Item]:
    """The series that is told of each date, by the date's id; of one that is gone meanwhile nothing is.

    Nor of any, where the server leaves out of its answer what it does not know: whose it would be cannot be said.
    """
    if len(messages) < len(dates):
        return {}
    return {date.id: item for date, one in zip(dates, messages, strict=True) for item in _told(call, one)}


def _has_own_people(item: Item) -> bool:
    return item.kind == EXCEPTION and item.meeting


def _is_asked_about(item: Item, since: datetime | None) -> bool:
    """Whether an item of a page of changes tells less of itself than there is to know."""
    begun = since is not None and item.kind == MASTER and item.start is not None and item.start < since
    unplaced = item.all_day and item.zone is None
    return begun or ((item.meeting or unplaced) and (since is None or not single_is_over(item, since)))


def _parts(window: Timed) -> list[Timed]:
    """The window in parts that are short enough."""
    if window.start > window.end:
        raise InvalidRequest("a window that ends before it starts", operation="ews.view")
    parts, start = [], window.start
    while start < window.end:
        end = min(window.end, start + timedelta(days=DAYS_MAX))
        parts.append(Timed(start, end))
        start = end
    return parts
