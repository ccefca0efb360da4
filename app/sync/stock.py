"""Taking stock: how things stand in all accounts, for whoever runs the service (P3).

    lead  [a lock of one connection]   only one of all workers looks; should it die, another takes over
    walk  [a transaction an account]   what stands there, under row-level security as everything else
    tell                               sums over all accounts, in the memory of this process

The one rule: every account is entered by itself and only counts leave it, so no figure can give anybody away.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import ARRAY, Float, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.models.directory import Directory, DirectoryEntry
from app.telemetry import stock
from app.telemetry.stock import Figures, Gauged, forget_stock, tell_stock

_LOCK: Final = 0x63616C5F73746F63
"""Any number that nobody else locks."""
_CONNECT_SECONDS: Final = 5.0
_NEVER: Final = "never"
_BOUNDS: Final = (15, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1800, 3600, 7200, 21600, 86400, 604800)
"""Seconds: how exactly the lag of 99 of 100 is told."""
_LOOK: Final = text("""
WITH linked AS (
  SELECT id, provider, status FROM connections WHERE account_id = :account AND disconnected_at IS NULL
), kept AS (
  SELECT linked.provider, calendars.id FROM linked JOIN calendars ON calendars.connection_id = linked.id
   WHERE calendars.account_id = :account AND linked.status = 'active'
), mirrors AS (
  SELECT kept.provider, calendar_syncs.state, extract(epoch FROM :now - last_succeeded_at)::float AS lag
    FROM kept JOIN calendar_syncs ON calendar_syncs.calendar_id = kept.id
   WHERE calendar_syncs.account_id = :account AND calendar_syncs.state <> 'disabled'
), aging AS (
  SELECT provider, lag FROM mirrors WHERE state NOT IN ('failed', 'paused')
), watched AS (
  SELECT kept.provider, max(push_channels.expires_at) AS ends
    FROM kept JOIN push_channels ON push_channels.calendar_id = kept.id
   WHERE push_channels.account_id = :account GROUP BY kept.provider, kept.id
), unwritten AS (
  SELECT CASE WHEN wish.status = 'failed' THEN 'given_up'
              WHEN linked.status IS DISTINCT FROM 'active' THEN 'disconnected'
              WHEN wish.failing_since IS NOT NULL THEN 'failing' ELSE 'pending' END AS state, wish.failing_since
    FROM calendar_writes AS wish
    LEFT JOIN calendars ON calendars.account_id = wish.account_id AND calendars.id = wish.calendar_id
    LEFT JOIN linked ON linked.id = calendars.connection_id
   WHERE wish.account_id = :account AND wish.written_seq < wish.desired_seq
     AND (wish.status <> 'failed' OR wish.failing_since IS NOT NULL)
     AND (wish.ends_at > :now - interval '1 day' OR (wish.status <> 'failed' AND wish.calendar_id IS NOT NULL))
), unsent AS (
  SELECT CASE WHEN attempts > 0 THEN 'failing' ELSE 'pending' END AS state, created_at
    FROM mails WHERE account_id = :account AND status = 'queued'
)
SELECT 'connections' AS figure, provider AS one, status AS two, count(*)::float AS value FROM linked GROUP BY 2, 3
UNION ALL SELECT 'mirrors', provider, state, count(*) FROM mirrors GROUP BY 2, 3
UNION ALL SELECT 'lag', provider, coalesce(width_bucket(lag, :bounds)::text, 'never'), count(*)
            FROM aging GROUP BY 2, 3
UNION ALL SELECT 'oldest', provider, '', max(lag) FROM aging GROUP BY 2
UNION ALL SELECT 'watches', provider, CASE WHEN ends <= :now THEN 'expired'
                 WHEN ends <= :now + interval '6 hours' THEN 'within_6h'
                 WHEN ends <= :now + interval '24 hours' THEN 'within_24h' ELSE 'later' END, count(*)
            FROM watched GROUP BY 2, 3
UNION ALL SELECT 'unwritten', state, '', count(*) FROM unwritten GROUP BY 2
UNION ALL SELECT 'failing', '', '', extract(epoch FROM :now - min(failing_since)) FROM unwritten WHERE state = 'failing'
UNION ALL SELECT 'drift', d.kind, '', count(*)
            FROM drift_entries d JOIN bookings b ON b.account_id = d.account_id AND b.id = d.booking_id
           WHERE d.account_id = :account AND d.status = 'open' AND b.ends_at > :now GROUP BY 2
UNION ALL SELECT 'unsent', state, '', count(*) FROM unsent GROUP BY 2
UNION ALL SELECT 'unsent_age', '', '', extract(epoch FROM :now - min(created_at)) FROM unsent
""").bindparams(bindparam("bounds", type_=ARRAY(Float)))
_SUMS: Final = {
    "connections": stock.CONNECTIONS,
    "mirrors": stock.MIRRORS,
    "watches": stock.WATCHES,
    "unwritten": stock.UNWRITTEN,
    "drift": stock.DRIFT,
    "unsent": stock.UNSENT,
}
_MOST: Final = {"oldest": stock.LAG, "failing": stock.FAILING, "unsent_age": stock.UNSENT_AGE}

log = structlog.get_logger(__name__)


class StockTaker:
    """Takes stock while it leads; see the module."""

    def __init__(self, url: str, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
        self._url = url
        self._sessions = sessions
        self._clock = clock
        self._lead: asyncpg.Connection | None = None

    async def sweep(self) -> bool:
        """Look, if it is ours to look; whether it was."""
        try:
            if not await self._leads():
                forget_stock()
                return False
            now = self._clock()
            tell_stock(await self._walk(now), taken_at=now)
        except BaseException:
            forget_stock()  # what nobody could look at is not told as it was; another may be leading by now
            raise
        return True

    async def aclose(self) -> None:
        """Let another one look."""
        forget_stock()
        lead, self._lead = self._lead, None
        if lead is not None:
            await lead.close(timeout=_CONNECT_SECONDS)

    async def _leads(self) -> bool:
        """Whether the lock is ours. It is the connection's: with it, it is gone."""
        if self._lead is not None:
            try:
                await self._lead.execute("SELECT 1", timeout=_CONNECT_SECONDS)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._lead.terminate()
                self._lead = None
        if self._lead is None:
            await self._stand()
        return self._lead is not None

    async def _stand(self) -> None:
        settings = {"application_name": "calendar-connect stock"}
        lead = await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS, server_settings=settings)
        try:
            if await lead.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self._lead = lead
        finally:
            if self._lead is None:
                await lead.close(timeout=_CONNECT_SECONDS)

    async def _walk(self, now: datetime) -> Figures:
        async with transaction(self._sessions, None) as session:
            accounts = (
                await session.scalars(
                    select(DirectoryEntry.account_id).where(DirectoryEntry.kind == Directory.DATA_KEY)
                )
            ).all()
        found = _Sums()
        for account_id in accounts:
            async with transaction(self._sessions, account_id) as session:
                rows = await session.execute(_LOOK, _asked(account_id, now))
                for figure, one, two, value in rows:
                    found.add(figure, tuple(label for label in (one, two) if label), value)
        return found.figures()


def _asked(account_id: UUID, now: datetime) -> dict[str, Any]:
    return {"account": account_id, "now": now, "bounds": list(_BOUNDS)}


class _Sums:
    """What was found so far, over all accounts."""

    def __init__(self) -> None:
        self._sums: defaultdict[Gauged, defaultdict[tuple[str, ...], float]] = defaultdict(lambda: defaultdict(float))
        self._lags: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, figure: str, labels: tuple[str, ...], value: float | None) -> None:
        """One account's share. No value: there was nothing to be measured."""
        if figure == "lag":
            provider, bucket = labels
            self._lags[provider][bucket] += value or 0
        elif figure in _SUMS:
            self._sums[_SUMS[figure]][labels] += value or 0
        elif value is not None:
            most = self._sums[_MOST[figure]]
            most[labels] = max(most[labels], value)

    def figures(self) -> Figures:
        """All of it. What nobody has is nought, so that an alert can tell none from unknown."""
        for gauged in (stock.FAILING, stock.UNSENT_AGE):
            self._sums[gauged][()] += 0
        for gauged, states in ((stock.UNWRITTEN, ("pending", "failing")), (stock.UNSENT, ("pending", "failing"))):
            for state in states:
                self._sums[gauged][(state,)] += 0
        p99: dict[tuple[str, ...], float] = {(name,): _p99(buckets) for name, buckets in self._lags.items()}
        return {**self._sums, stock.LAG_P99: p99}


def _p99(buckets: dict[str, float]) -> float:
    """The bound that 99 of 100 are within; one that was never read has no age, and is left out."""
    told = {int(bucket): count for bucket, count in buckets.items() if bucket != _NEVER}
    left = 0.99 * sum(told.values())
    for bucket in sorted(told):
        left -= told[bucket]
        if left <= 0:
            return float(_BOUNDS[min(bucket, len(_BOUNDS) - 1)])
    return 0.0
