"""What an operator watches: how old the mirrors are, what is overdue, what waits in the queue (P3).

The one rule: only the global tables are asked. They hold no names, so no figure can give anybody away.
"""

from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.queue import QUEUE
from app.telemetry.metrics import PREFIX
from app.telemetry.stock import Gauged

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
_DUE: Final = {
    "syncs": "due_calendars",
    "watches": "due_watches",
    "events": "due_events",
    "audit_seals": "due_audits",
    "webhooks": "due_webhooks",
    "requests": "due_requests",
    "reminders": "due_reminders",
    "domains": "due_domains",
}
_OVERDUE: Final = """
SELECT count(*) AS waiting, coalesce(extract(epoch FROM :now - min(due_at)), 0) AS oldest FROM {table}
 WHERE due_at <= :now
"""
_JOBS = text(f"""
SELECT entrypoint, status::text, count(*) AS jobs, count(*) FILTER (WHERE attempts > 0) AS retrying,
       coalesce(extract(epoch FROM now() - min(execute_after)), 0) AS oldest
  FROM {QUEUE.db_schema}.pgqueuer GROUP BY 1, 2
""")  # noqa: S608 - our own schema

UP: Final = Gauged("database_up", "Whether the database answered this scrape.")
CALENDARS: Final = Gauged("calendars", "Calendars that are mirrored.")
NEVER: Final = Gauged("calendars_never_synced", "Calendars that have never been read whole.")
OLDEST: Final = Gauged("staleness_seconds_max", "How long ago the oldest mirror was true.")
P99: Final = Gauged("staleness_seconds_p99", "The same for 99 of 100 mirrors.")
OLDER: Final = Gauged("calendars_older_than", "Mirrors that were true longer ago than this.", ("seconds",))
WAITING: Final = Gauged("overdue", "Work that is due and not taken.", ("kind",))
LONGEST: Final = Gauged("overdue_seconds_max", "How long the longest of it has been due.", ("kind",))
JOBS: Final = Gauged("jobs", "Jobs in the queue.", ("job", "status"))
RETRYING: Final = Gauged("jobs_retrying", "Those of them that have failed before.", ("job",))
JOB_AGE: Final = Gauged("job_queue_seconds_max", "How long ago the time of the oldest waiting job came.", ("job",))


class _Page:
    """One scrape's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[Gauged, Gauge] = {}

    def set(self, gauged: Gauged, value: float, *labels: str) -> None:
        gauge = self._gauges.get(gauged)
        if gauge is None:
            gauge = Gauge(f"{PREFIX}_{gauged.name}", gauged.what, gauged.labels, registry=self.registry)
            self._gauges[gauged] = gauge
        (gauge.labels(*labels) if labels else gauge).set(value)


async def read_gauges(session: AsyncSession, *, now: datetime) -> bytes:
    """All of it, in the text format of Prometheus."""
    page = _Page()
    page.set(UP, 1)
    await _staleness(session, page, now)
    await _overdue(session, page, now)
    await _queue(session, page)
    return generate_latest(page.registry)


def no_gauges() -> bytes:
    """What is told while the database does not answer."""
    page = _Page()
    page.set(UP, 0)
    return generate_latest(page.registry)


async def _staleness(session: AsyncSession, page: _Page, now: datetime) -> None:
    row = (await session.execute(_STALENESS, {"now": now, "bounds": list(_BOUNDS)})).one()
    page.set(CALENDARS, row.calendars)
    page.set(NEVER, row.never)
    page.set(OLDEST, row.oldest)
    page.set(P99, row.p99)
    for bound, count in zip(_BOUNDS, row.older, strict=True):
        page.set(OLDER, count, str(bound))


async def _overdue(session: AsyncSession, page: _Page, now: datetime) -> None:
    for kind, table in _DUE.items():
        row = (await session.execute(text(_OVERDUE.format(table=table)), {"now": now})).one()
        page.set(WAITING, row.waiting, kind)
        page.set(LONGEST, row.oldest, kind)


async def _queue(session: AsyncSession, page: _Page) -> None:
    for job, status, jobs, retrying, oldest in await session.execute(_JOBS):
        page.set(JOBS, jobs, job, status)
        if status == "queued":
            page.set(RETRYING, retrying, job)
            page.set(JOB_AGE, max(0.0, oldest), job)
