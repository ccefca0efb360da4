"""Pages as visitors reach them: by id or by URL, from no account into the page's own.

The one rule: an account is entered only through the directory; a page that may not be seen is as if not there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import unquote
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import Clock
from app.connections.settings import get_settings
from app.database import enter_account
from app.errors import FieldError, NoDefaultPage, NotFound, PageTurnedOff, ValidationFailed
from app.models.directory import Directory, DirectoryEntry
from app.models.scheduling import SchedulingPage
from app.outbound.links import Links
from app.scheduling import repository
from app.scheduling.availability import PageTime
from app.scheduling.coalescing import Coalescer
from app.scheduling.configuration import zone_info
from app.scheduling.domains.names import host_in
from app.scheduling.domains.repository import host_of, whose_host
from app.scheduling.meeting_links import default_page
from app.scheduling.reader import PageReader
from app.scheduling.rendering import render_graded
from app.scheduling.slots.offering import bookable
from app.scheduling.slots.zones import civil_date, civil_day, day_number
from app.timespan import Span

MOST_DAYS = 62
_LAST_DAY = day_number(date.max)
_PREFIX = "/meetings/"
_SLUG = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """Which slots are asked for."""

    time_zone: str
    first_day: date
    last_day: date
    duration_minutes: int

    def between(self) -> Span:
        """From the first day's midnight to the one after the last, in the asked zone. Raises: ValidationFailed."""
        if not timedelta() <= self.last_day - self.first_day < timedelta(days=MOST_DAYS):
            raise ValidationFailed(errors=[FieldError("/query/last_day", "out_of_range")])
        if not 1970 <= self.first_day.year <= 2100:  # noqa: PLR2004
            raise ValidationFailed(errors=[FieldError("/query/first_day", "out_of_range")])
        zone = zone_info(self.time_zone)
        end = self.last_day + timedelta(days=1)
        return _midnight(self.first_day, zone), _midnight(end, zone)


def _midnight(day: date, zone: object) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PageAddress:
    """What is found behind a URL."""

    page_id: UUID
    link: str
    """The page's URL as it is now."""
    moved: bool
    """Another one was asked for."""


class PublicAddresses:
    """Which page a URL shows, in one session."""

    def __init__(self, session: AsyncSession, links: Links) -> None:
        self._session = session
        self._links = links

    async def resolve(self, host: str, path: str) -> PageAddress:
        """The page a URL shows, and its URL now. Raises: NotFound, NoDefaultPage."""
        asked = host_in(host)
        slug, account_id = await self._slug_in(asked, path)
        entry = await repository.look_up(self._session, Directory.SLUG, slug)
        if entry is None:
            entry = await repository.look_up(self._session, Directory.PREFIX, slug)
        if entry is None or account_id not in {None, entry.account_id}:
            raise NotFound
        await enter_account(self._session, entry.account_id)
        bare = entry.kind == Directory.PREFIX
        page = await (self._default(entry) if bare else repository.find_page(self._session, entry.target_id))
        if page is None:  # an old slug of a page stays known after the page
            raise NotFound
        return await self._address(page, asked, slug, bare=bare)

    async def _slug_in(self, host: str, path: str) -> tuple[str, UUID | None]:
        """What a path names at a host, and whose pages the host shows: everybody's or one account's."""
        account_id, before = None, ""
        if host == self._links.host:
            before = self._links.base_path
        elif (entry := await whose_host(self._session, host)) is not None:
            account_id = entry.account_id  # another account's pages on it would be as if they were this one's
        else:
            raise NotFound
        slug = unquote(path.removeprefix(before + _PREFIX)).strip("/").lower()
        if not path.startswith(before + _PREFIX) or not _SLUG.fullmatch(slug):
            raise NotFound
        return slug, account_id

    async def _default(self, entry: DirectoryEntry) -> SchedulingPage:
        settings = await get_settings(self._session, entry.account_id, entry.target_id)
        page = await default_page(self._session, settings)
        if page is None:
            raise NoDefaultPage
        return page

    async def _address(self, page: SchedulingPage, asked: str, slug: str, *, bare: bool) -> PageAddress:
        """Where the page is now; who asked for a bare meetings URL is led to one, while there is one."""
        settings = await get_settings(self._session, page.account_id, page.owner_id)
        host = await host_of(self._session, page.owner_id)
        current = settings.meetings_url or page.slug if bare else page.slug
        moved = (host or self._links.host, current) != (asked, slug)
        return PageAddress(page.id, self._links.meeting(current, host=host), moved)


class PublicPages:
    """Pages and their slots, for visitors."""

    def __init__(self, reader: PageReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._slots = Coalescer(self._list_slots)

    async def open(self, page_id: UUID) -> PageTime:
        """The page as it is now. Raises: NotFound, PageTurnedOff."""
        second = int(self._clock().timestamp())
        return await self._load(page_id, (second, second + 1))

    async def slots(self, page_id: UUID, query: SlotQuery) -> bytes:
        """The answer of `listPublicSlots`, rendered. Raises: NotFound, PageTurnedOff, ValidationFailed."""
        return await self._slots.get((page_id, query))

    async def _list_slots(self, asked: tuple[UUID, SlotQuery]) -> bytes:
        page_id, query = asked
        return slot_list(await self._load(page_id, query.between()), query, now=self._clock())

    async def _load(self, page_id: UUID, between: Span) -> PageTime:
        page = await self._reader.read(page_id, between)
        if page is None:
            raise NotFound
        if page.turned_off:
            raise PageTurnedOff
        return page


def check_duration(page: PageTime, query: SlotQuery) -> None:
    """Raises: ValidationFailed when the page has no meetings of that length."""
    if query.duration_minutes not in page.configuration.durations_minutes:
        raise ValidationFailed(errors=[FieldError("/query/duration_minutes", "not_allowed")])


def slot_list(page: PageTime, query: SlotQuery, *, now: datetime) -> bytes:
    """The slots that the page offers, rendered, to whoever asks. Raises: ValidationFailed."""
    check_duration(page, query)
    second, between = int(now.astimezone(UTC).timestamp()), query.between()
    starts = page.offered(query.duration_minutes, now=second, between=between)
    firm = page.confirmable(query.duration_minutes, starts, now=second, between=between)
    return rendered(page, query, starts, firm, now=second)


def rendered(page: PageTime, query: SlotQuery, starts: Sequence[int], firm: set[int], *, now: int) -> bytes:
    """These times as an answer; `firm` are those that can be had at once."""
    first, last = _bookable_days(page, query, now)
    head = msgspec.json.encode(
        {
            "time_zone": query.time_zone,
            "duration_minutes": query.duration_minutes,
            "mode": page.mode.value,
            "host_available": not page.unavailable,
            "first_bookable_day": first,
            "last_bookable_day": last,
        }
    )
    items = render_graded(starts, firm, query.duration_minutes, query.time_zone)
    return head[:-1] + b',"items":' + items + b',"next_cursor":null}'


def _bookable_days(page: PageTime, query: SlotQuery, now: int) -> tuple[date, date] | tuple[None, None]:
    """Between which days of the asked zone a calendar is worth leafing through."""
    between = bookable(page.rules(query.duration_minutes), now=now)
    if between is None:
        return None, None
    first, last = (min(civil_day(query.time_zone, at), _LAST_DAY) for at in (between[0], between[1] - 1))
    return civil_date(first), civil_date(last)
