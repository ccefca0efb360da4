"""What providers tell us: written down at once, looked into later.

The one rule: a signal with the right secret marks its calendars dirty and asks for a sync, and one without it does
nothing; the sender cannot tell the two apart.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.connections import channels as repository
from app.connections.mirroring import ask_for_syncs
from app.database import enter_by_link, is_plain, transaction
from app.failpoints import Failpoint, reached
from app.models.directory import Directory
from app.models.push import PushChannel
from app.providers.push import News, Signal
from app.queue import Enqueued, Job, enqueue
from app.sync.watches import hash_secret
from app.telemetry.metrics import PUSHES

_NOBODYS = bytes(32)
_MOST = 1000
_SOON = timedelta(minutes=10)

log = structlog.get_logger(__name__)


class SignalInbox:
    """Takes signals in."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def receive(self, signals: Sequence[Signal]) -> None:
        """Persist what they mean. One that repeats another changes nothing.

        Those of watches that nobody knows cost one look-up together: anybody may send a thousand of them.
        """
        told = [signal for signal in list(dict.fromkeys(signals))[:_MOST] if signal.news is not News.STARTED]
        for signal in told if len(told) == 1 else await self._known(told):
            await self._receive(signal)

    async def _known(self, told: Sequence[Signal]) -> list[Signal]:
        async with transaction(self._sessions, None) as session:
            known = await repository.known_channels(session, {signal.channel_id for signal in told})
        if unknown := len(told) - sum(signal.channel_id in known for signal in told):
            _turned_away("unknown", known=False, count=unknown)
        return [signal for signal in told if signal.channel_id in known]

    async def _receive(self, signal: Signal) -> None:
        """Its account is found with the transaction's BEGIN: most signals come alone, and somebody waits for them."""
        reached(Failpoint.PUSH_BEFORE_PERSIST)
        if not is_plain(signal.channel_id):  # ours are, and Microsoft's
            _turned_away("unknown", known=False)
            return
        async with transaction(self._sessions, None) as session:
            enter_by_link(session, Directory.CHANNEL, signal.channel_id)
            channel = await repository.find_channel(session, signal.channel_id)
            right = hmac.compare_digest(
                hash_secret(signal.secret), _NOBODYS if channel is None else channel.secret_hash
            )
            if channel is None or not right:
                _turned_away("unknown" if channel is None else "forged", known=channel is not None)
                return
            await _act(session, channel, signal.news, now=self._clock())
        PUSHES.labels("accepted").inc()


def _turned_away(why: str, *, known: bool, count: int = 1) -> None:
    PUSHES.labels(why).inc(count)
    log.info("signal.unknown", known=known, count=count)


async def _act(session: AsyncSession, channel: PushChannel, news: News, *, now: datetime) -> None:
    jobs: list[Enqueued] = []
    if news in {News.RENEW, News.ENDED}:
        if news is News.RENEW:
            channel.expires_at = min(channel.expires_at, now + _SOON)  # whoever looks next renews it
        else:
            await repository.delete_channel(session, channel)
        await repository.set_watch_due(session, channel.account_id, channel.calendar_id, at=now)
        jobs.append(Enqueued(Job.WATCH_CALENDAR, channel.account_id, channel.calendar_id))
    if news is not News.RENEW:
        covered = await repository.covered_calendars(session, channel.calendar_id, whole_mailbox=channel.whole_mailbox)
        works = channel if news is News.CHANGED else None
        jobs += await ask_for_syncs(session, channel.account_id, covered, now=now, told_by=works)
        if news is not News.CHANGED:
            await repository.set_watched_until(session, channel.calendar_id, None)
    await enqueue(session, jobs)
