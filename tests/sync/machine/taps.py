"""Workers that die, and workers that are overtaken: the service's own engine over sessions that tell of every answer.

The one rule: only who hears an answer is changed, never what is asked or answered. What was committed at the provider
stays committed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from app.calendar_writes.writer import EventWriter
from app.crm.permits import CrmPermits
from app.sync.engine import SyncEngine
from tests.support.engines import engine_of
from tests.support.world import World

Heard = Callable[[], Awaitable[None]]


class TappedAccess:
    """Opens sessions like the service's own access does, with a tap on each."""

    def __init__(self, world: World, heard: Heard) -> None:
        self._access = world.services.sync._access
        self._heard = heard

    def one_service(self, provider: str) -> bool:
        return self._access.one_service(provider)

    def mails_guests(self, provider: str) -> bool:
        return self._access.mails_guests(provider)

    async def open_in(self, *where: Any) -> "TappedSession":
        return TappedSession(await self._access.open_in(*where), self._heard)

    def open(self, *where: Any) -> "TappedSession":
        return TappedSession(self._access.open(*where), self._heard)


class TappedSession:
    """A session whose answers are told of before whoever asked has them."""

    def __init__(self, session: Any, heard: Heard) -> None:
        self._session = session
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._session, name)

        async def told(*positional: Any, **named: Any) -> Any:
            answer = await verb(*positional, **named)
            await self._heard()
            return answer

        return told

    async def list_instances(self, *positional: Any, **named: Any) -> AsyncIterator[Any]:
        dates = [date async for date in self._session.list_instances(*positional, **named)]
        await self._heard()
        for date in dates:
            yield date


def tapped_engine(world: World, heard: Heard) -> SyncEngine:
    """The sync engine of another worker."""
    return engine_of(world, access=TappedAccess(world, heard))  # type: ignore[arg-type]


def writer_of(world: World, heard: Heard) -> EventWriter:
    """The event writer of another worker."""
    services, access = world.services, TappedAccess(world, heard)
    permits, horizon = CrmPermits(services.overview), services.settings.sync_horizon_days
    return EventWriter(services.sessions, access, world.clock, permits, horizon_days=horizon)  # type: ignore[arg-type]


class Death:
    """A worker ends when it has heard so many answers: behind the fetch, before anything of it is saved."""

    def __init__(self, answers: int) -> None:
        self._left = answers
        self._doomed: asyncio.Task[None] | None = None

    async def heard(self) -> None:
        self._left -= 1
        if self._left > 0:
            return
        assert self._doomed is not None
        self._doomed.cancel()
        await asyncio.Event().wait()

    async def of(self, run: Awaitable[None]) -> bool:
        """Whether the run died; it may end before it hears so much."""
        self._doomed = asyncio.ensure_future(run)
        [ended] = await asyncio.gather(self._doomed, return_exceptions=True)
        if isinstance(ended, asyncio.CancelledError):
            return True
        if ended is not None:
            raise ended
        return False


class Pause:
    """A worker that stands still when it has heard so many answers, until it is let go."""

    def __init__(self, answers: int) -> None:
        self._left = answers
        self._paused, self._let_go = asyncio.Event(), asyncio.Event()

    async def heard(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._paused.set()
            await self._let_go.wait()

    async def over(self, run: Awaitable[None], meanwhile: Callable[[], Awaitable[None]]) -> bool:
        """Do something while the run stands still; whether it ever did."""
        running = asyncio.ensure_future(run)
        standing = asyncio.ensure_future(self._paused.wait())
        await asyncio.wait({running, standing}, return_when=asyncio.FIRST_COMPLETED)
        stood = standing.done()
        standing.cancel()
        try:
            if stood:
                await meanwhile()
        finally:
            self._let_go.set()
            await running
        return stood
