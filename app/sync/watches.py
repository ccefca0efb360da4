"""The job `watch_calendar`: has the provider tell us of a calendar's changes, and keeps it telling.

    look  [transaction]  is it to be watched? is there a watch that lasts?
    ask   [none open]    the provider, for a longer watch or another one
    save  [transaction]  the new watch, and a sync for what changed before it
    stop  [none open]    what it replaces

The one rule: a watch only makes things faster. Without one the calendar is polled, and nothing is lost but minutes.
"""

import hashlib
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.connections import channels as repository
from app.connections.access import CalendarAccess
from app.connections.health import mark_broken
from app.connections.mirroring import ask_for_syncs
from app.database import transaction
from app.ids import new_id
from app.models.connections import Calendar, Connection
from app.models.push import PushChannel
from app.providers.base import ProviderError, RateLimited, ReauthRequired, Transient
from app.providers.push import Callback, PushScope, PushUnsupported, SupportsPush, Watch, Watches
from app.queue import enqueue

_RENEW_WITHIN = 8
"""A watch is renewed in the last eighth of its life."""
_UNSUPPORTED_FOR = timedelta(days=7)
_REFUSED_FOR = timedelta(hours=6)
_ASK_AGAIN = timedelta(minutes=5)
_PATH = "/v1/provider-notifications"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be done for one calendar."""

    calendar: Calendar
    connection: Connection
    provider: SupportsPush
    watches: Watches
    current: PushChannel | None
    """The watch that lasts longest."""
    old: Sequence[PushChannel]
    kept: bool = True
    """The calendar is to be watched; else its watches are only stopped."""

    @property
    def whole_mailbox(self) -> bool:
        return self.provider.push_scope is PushScope.MAILBOX


class Watcher:
    """Runs `watch_calendar`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        access: CalendarAccess,
        clock: Clock,
        *,
        push_url: str | None,
    ) -> None:
        """`push_url` is where providers reach us; None: they cannot."""
        self._sessions = sessions
        self._access = access
        self._clock = clock
        self._push_url = push_url.rstrip("/") + _PATH if push_url else None

    async def run(self, account_id: UUID, calendar_id: UUID) -> None:
        """See that the calendar is watched, if it can be."""
        task = await self._look(account_id, calendar_id)
        if task is None:
            return
        try:
            if task.kept and (task.current is None or not self._lasts(task, task.current)):
                task = await self._renew(task)
            await self._stop(task)
        except ProviderError as error:
            await self._fail(task, error)

    async def _look(self, account_id: UUID, calendar_id: UUID) -> _Task | None:
        async with transaction(self._sessions, account_id) as session:
            found = await repository.find_watched(session, calendar_id)
            if found is None or found.connection.status != "active" or found.connection.disconnected_at is not None:
                await repository.remove_watch_due(session, calendar_id)
                return None  # a healed connection asks anew; a closed one stops its watches itself
            connection = found.connection
            way = self._access.watches(account_id, connection.id, connection.provider)
            if way is None:
                await repository.remove_watch_due(session, calendar_id)
                return None
            provider, watches = way
            channels = list(await repository.channels_of(session, calendar_id))
            alone = provider.push_scope is PushScope.CALENDAR or found.calendar.is_primary
            if self._push_url is None or not found.mirrored or not alone:
                await repository.set_watched_until(session, calendar_id, None)
                await repository.remove_watch_due(session, calendar_id)
                task = _Task(found.calendar, connection, provider, watches, None, channels, kept=False)
                return task if channels else None
            current = channels[0] if channels else None
            return _Task(found.calendar, connection, provider, watches, current, channels[1:])

    def _lasts(self, task: _Task, channel: PushChannel) -> bool:
        return channel.expires_at - self._clock() > task.provider.push_lifetime / _RENEW_WITHIN

    async def _renew(self, task: _Task) -> _Task:
        """The task with a watch that lasts."""
        if not await self._wanted(task):
            return task
        url = f"{self._push_url}/{task.connection.provider}"
        until = self._clock() + task.provider.push_lifetime
        if task.current is not None and task.current.expires_at > self._clock():
            longer = await task.watches.extend(_watch(task.current), url, until=until)
            if longer is not None:
                return await self._save_longer(task, task.current, longer)
        secret = secrets.token_urlsafe(32)
        callback = Callback(url=url, lifecycle_url=f"{url}/lifecycle", secret=secret)
        row_id = new_id()
        watch = await task.watches.start(task.calendar.provider_calendar_id, row_id.hex, callback, until=until)
        channel = PushChannel(
            account_id=task.calendar.account_id,
            id=row_id,
            calendar_id=task.calendar.id,
            channel_id=watch.channel_id,
            resource_id=watch.resource_id,
            whole_mailbox=task.whole_mailbox,
            secret_hash=hash_secret(secret),
            expires_at=watch.expires_at,
            created_at=self._clock(),
        )
        return await self._save_new(task, channel)

    async def _wanted(self, task: _Task) -> bool:
        async with transaction(self._sessions, task.calendar.account_id) as session:
            found = await repository.find_watched(session, task.calendar.id)
            return found is not None and found.mirrored

    async def _save_longer(self, task: _Task, channel: PushChannel, watch: Watch) -> _Task:
        async with transaction(self._sessions, channel.account_id) as session:
            channel = await session.merge(channel, load=False)
            channel.expires_at = watch.expires_at
            await self._note(session, task, channel)
        return task

    async def _save_new(self, task: _Task, channel: PushChannel) -> _Task:
        """Remember the watch; what changed before it began is asked for once."""
        async with transaction(self._sessions, channel.account_id) as session:
            await repository.add_channel(session, channel)
            covered = await repository.covered_calendars(session, task.calendar.id, whole_mailbox=task.whole_mailbox)
            jobs = await ask_for_syncs(session, channel.account_id, covered, now=self._clock())
            await self._note(session, task, channel)
            await enqueue(session, jobs)
        log.info("watch.started", calendar_id=str(task.calendar.id), until=channel.expires_at.isoformat())
        former = [*task.old] if task.current is None else [task.current, *task.old]
        return _Task(task.calendar, task.connection, task.provider, task.watches, channel, former)

    async def _note(self, session: AsyncSession, task: _Task, channel: PushChannel) -> None:
        """When to look again, and how long the calendar is told of."""
        await repository.set_watched_until(session, task.calendar.id, channel.expires_at)
        early = task.provider.push_lifetime / _RENEW_WITHIN * (1 + random.random() / 4)  # noqa: S311 - jitter
        at = max(channel.expires_at - early, self._clock() + _ASK_AGAIN)
        await repository.set_watch_due(session, channel.account_id, task.calendar.id, at=at)

    async def _stop(self, task: _Task) -> None:
        for channel in task.old:
            await task.watches.stop(_watch(channel))
            async with transaction(self._sessions, channel.account_id) as session:
                await repository.delete_channel(session, channel)

    async def _fail(self, task: _Task, error: ProviderError) -> None:
        calendar, now = task.calendar, self._clock()
        async with transaction(self._sessions, calendar.account_id) as session:
            reason = error.provider_code or "token_revoked"
            dead = isinstance(error, ReauthRequired)
            if dead and await mark_broken(session, task.connection, reason=reason, now=now):
                await repository.remove_watch_due(session, calendar.id)
            else:
                await repository.set_watch_due(session, calendar.account_id, calendar.id, at=now + _pause(error))
        log.warning("watch.failed", calendar_id=str(calendar.id), error=error.code, operation=error.operation)


def hash_secret(secret: str) -> bytes:
    """What is stored of a watch's secret."""
    return hashlib.sha256(secret.encode()).digest()


def _watch(channel: PushChannel) -> Watch:
    return Watch(channel.channel_id, channel.resource_id, channel.expires_at)


def _pause(error: ProviderError) -> timedelta:
    if isinstance(error, PushUnsupported):
        return _UNSUPPORTED_FOR
    # What is dead has been healed meanwhile, else nobody would ask again.
    passes = isinstance(error, Transient | RateLimited | ReauthRequired) or error.code == "ambiguous_outcome"
    longest = _ASK_AGAIN if passes else _REFUSED_FOR
    jittered: timedelta = longest * (0.75 + random.random() / 2)  # noqa: S311 - jitter
    return max(jittered, timedelta(seconds=error.retry_after or 0))
