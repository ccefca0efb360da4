"""What an operator watches: how old the mirrors are, what is overdue, what waits in the queue (P3).

The one rule: only the global tables are asked. They know no names, so a figure can tell of nobody.
"""

from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.queue import QUEUE

_BOUNDS: Final = (60, 300, 900, 3600, 21600)
"""Seconds; a calendar older than five minutes is one an operator may want to know of."""
_STALENESS = text("""
SELECT count(*) AS calendars, count(*) FILTER (WHERE synced_at IS NULL) AS never,
       coalesce(extract(epoch FROM :now - min(synced_at)), 0) AS oldest,
       coalesce(extract(epoch FROM percentile_disc(0.99) WITHIN GROUP (ORDER BY :now - synced_at)), 0) AS p99,
       ARRAY(SELECT (SELECT count(*) FROM due_calendars WHERE synced_at < :now - make_interval(secs => bound))
               FROM unnest(CAST(:bounds AS int[])) AS bound) AS older
  FROM due_calendars
""")
_DUE: Final = {"syncs": "due_calendars", "watches": "due_watches", "events": "due_events", "webhooks": "due_webhooks"}
_OVERDUE: Final = """
SELECT count(*) AS waiting, coalesce(extract(epoch FROM :now - min(due_at)), 0) AS oldest FROM {table}
 WHERE due_at <= :now
"""
_JOBS = text(f"SELECT entrypoint, status::text, count(*) FROM {QUEUE.db_schema}.pgqueuer GROUP BY 1, 2")  # noqa: S608 - our own schema


async def read_gauges(session: AsyncSession, *, now: datetime) -> bytes:
    """All of it, in the text format of Prometheus."""
    registry = CollectorRegistry()
    await _staleness(session, registry, now)
    await _overdue(session, registry, now)
    jobs = _gauge(registry, "jobs", "Jobs in the queue.", "job", "status")
    for job, status, count in await session.execute(_JOBS):
        jobs.labels(job, status).set(count)
    return generate_latest(registry)


async def _staleness(session: AsyncSession, registry: CollectorRegistry, now: datetime) -> None:
    row = (await session.execute(_STALENESS, {"now": now, "bounds": list(_BOUNDS)})).one()
    _gauge(registry, "calendars", "Calendars that are mirrored.").set(row.calendars)
    _gauge(registry, "calendars_never_synced", "Calendars that have never been read whole.").set(row.never)
    _gauge(registry, "staleness_seconds_max", "How long ago the oldest mirror was true.").set(row.oldest)
    _gauge(registry, "staleness_seconds_p99", "The same for 99 of 100 mirrors.").set(row.p99)
    older = _gauge(registry, "calendars_older_than", "Mirrors that were true longer ago than this.", "seconds")
    for bound, count in zip(_BOUNDS, row.older, strict=True):
        older.labels(str(bound)).set(count)


async def _overdue(session: AsyncSession, registry: CollectorRegistry, now: datetime) -> None:
    waiting = _gauge(registry, "overdue", "Work that is due and not taken.", "kind")
    oldest = _gauge(registry, "overdue_seconds_max", "How long the longest of it has been due.", "kind")
    for kind, table in _DUE.items():
        row = (await session.execute(text(_OVERDUE.format(table=table)), {"now": now})).one()
        waiting.labels(kind).set(row.waiting)
        oldest.labels(kind).set(row.oldest)


def _gauge(registry: CollectorRegistry, name: str, what: str, *labels: str) -> Gauge:
    return Gauge(f"calendar_connect_{name}", what, labels, registry=registry)
