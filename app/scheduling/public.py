"""Pages as visitors reach them: by id or by URL, from no account into the page's own.

The one rule: nobody's account is entered but through the directory; a page that cannot be seen is not there.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import unquote
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.settings import get_settings
from app.database import enter_account
from app.errors import FieldError, NoDefaultPage, NotFound, PageTurnedOff, ValidationFailed
from app.models.directory import Directory
from app.outbound.links import Links
from app.scheduling import repository
from app.scheduling.availability import Mode, PageTime
from app.scheduling.configuration import zone_info
from app.scheduling.reader import PageReader
from app.scheduling.rendering import render_slots
from app.timespan import Span

MOST_DAYS = 62
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


class PublicAddresses:
    """Which page a URL shows, in one session."""

    def __init__(self, session: AsyncSession, links: Links) -> None:
        self._session = session
        self._links = links

    async def resolve(self, host: str, path: str) -> UUID:
        """The page a URL shows. Raises: NotFound, NoDefaultPage."""
        prefix = self._links.base_path + _PREFIX
        if host.lower().split(":")[0] != self._links.host or not path.startswith(prefix):
            raise NotFound
        slug = unquote(path.removeprefix(prefix)).strip("/").lower()
        if not _SLUG.fullmatch(slug):
            raise NotFound
        if (entry := await repository.look_up(self._session, Directory.SLUG, slug)) is not None:
            return await self._not_deleted(entry.target_id)
        owner = await repository.look_up(self._session, Directory.PREFIX, slug)
        if owner is None:
            raise NotFound
        await enter_account(self._session, owner.account_id)
        settings = await get_settings(self._session, owner.account_id, owner.target_id)
        if settings.default_page_id is None:
            raise NoDefaultPage
        return settings.default_page_id

    async def _not_deleted(self, page_id: UUID) -> UUID:
        """An old slug of a page stays known after the page."""
        if await repository.look_up(self._session, Directory.PAGE, page_id.hex) is None:
            raise NotFound
        return page_id


class PublicPages:
    """Pages and their slots, for visitors."""

    def __init__(self, reader: PageReader) -> None:
        self._reader = reader

    async def open(self, page_id: UUID, *, now: datetime) -> PageTime:
        """The page as it is now. Raises: NotFound, PageTurnedOff."""
        second = int(now.timestamp())
        return await self._load(page_id, (second, second + 1))

    async def slots(self, page_id: UUID, query: SlotQuery, *, now: datetime) -> bytes:
        """The answer of `listPublicSlots`, rendered. Raises: NotFound, PageTurnedOff, ValidationFailed."""
        between = query.between()
        page = await self._load(page_id, between)
        if query.duration_minutes not in page.configuration.durations_minutes:
            raise ValidationFailed(errors=[FieldError("/query/duration_minutes", "not_allowed")])
        starts = page.offered(query.duration_minutes, now=int(now.astimezone(UTC).timestamp()), between=between)
        head = msgspec.json.encode(
            {
                "time_zone": query.time_zone,
                "duration_minutes": query.duration_minutes,
                "mode": page.mode.value,
                "host_available": not page.unavailable,
            }
        )
        grade = "confirmable" if page.mode is Mode.ONLINE else "request_only"
        items = render_slots(starts, query.duration_minutes, query.time_zone, grade=grade)
        return head[:-1] + b',"items":' + items + b"}"

    async def _load(self, page_id: UUID, between: Span) -> PageTime:
        page = await self._reader.read(page_id, between)
        if page is None:
            raise NotFound
        if page.turned_off:
            raise PageTurnedOff
        return page
