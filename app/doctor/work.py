"""The work: whether somebody does it, and what lies undone.

The one rule: the doctor runs no job and moves none.
"""

from typing import Final

import asyncpg

from app.doctor.deployment import Deployment, take_role
from app.doctor.findings import Code, Finding, Seen
from app.models.base import Base
from app.models.directory import Due
from app.queue import QUEUE

_OLD_SECONDS: Final = 300
_ABANDONED_SECONDS: Final = 60
_OVERDUE_SECONDS: Final = 900
_FAILURES: Final = 5
_WORKERS: Final = """
SELECT count(DISTINCT (client_addr, client_port)) FROM pg_stat_activity
 WHERE application_name = 'calendar-connect worker' AND datname = current_database()
"""
_JOBS: Final = f"""
SELECT count(*) AS jobs,
       count(*) FILTER (WHERE waits AND age > $1) AS old,
       coalesce(max(age) FILTER (WHERE waits), 0)::int AS oldest,
       count(*) FILTER (WHERE status = 'picked' AND heartbeat < now() - make_interval(secs => $2)) AS abandoned,
       count(*) FILTER (WHERE attempts >= $3) AS failing,
       coalesce(string_agg(DISTINCT entrypoint, ', ') FILTER (WHERE attempts >= $3), '') AS which
  FROM (SELECT status, heartbeat, attempts, entrypoint, status = 'queued' AS waits,
               extract(epoch FROM now() - execute_after) AS age
          FROM {QUEUE.db_schema}.pgqueuer) AS queue
"""  # noqa: S608 - our own schema


async def examine_work(deployment: Deployment) -> Seen:
    """Whether jobs run, and rows that are due are taken."""
    async with deployment.connected() as connection:
        workers = await connection.fetchval(_WORKERS)  # as the login: in its role one sees nobody's connections
        await take_role(connection)
        jobs = await connection.fetchrow(_JOBS, float(_OLD_SECONDS), float(_ABANDONED_SECONDS), _FAILURES)
        overdue = await _overdue(connection)
    findings = [*_of_queue(jobs), *overdue]
    if not workers:
        findings.insert(0, Finding(Code.WORKER_SILENT, "no worker is connected by this login"))
    facts = f"{workers} connections of workers, {jobs['jobs']} jobs, the oldest waits {max(0, jobs['oldest'])} s"
    return Seen(facts, tuple(findings))


def _of_queue(jobs: asyncpg.Record) -> list[Finding]:
    findings = []
    if jobs["old"]:
        waiting = f"{jobs['old']} jobs wait for more than {_OLD_SECONDS} s, the oldest {jobs['oldest']} s"
        findings.append(Finding(Code.QUEUE_OLD, waiting))
    if jobs["abandoned"]:
        left = f"{jobs['abandoned']} jobs were taken and are not worked on for {_ABANDONED_SECONDS} s"
        findings.append(Finding(Code.QUEUE_ABANDONED, left))
    if jobs["failing"]:
        findings.append(
            Finding(Code.QUEUE_FAILING, f"{jobs['failing']} jobs failed {_FAILURES} times: {jobs['which']}")
        )
    return findings


async def _overdue(connection: asyncpg.Connection) -> list[Finding]:
    findings = []
    for table in due_tables():
        late = await connection.fetchval(
            f"SELECT extract(epoch FROM now() - min(due_at))::int FROM {table}"  # noqa: S608 - our own models
        )
        if late is not None and late > _OVERDUE_SECONDS:
            findings.append(Finding(Code.WORK_OVERDUE, f"{table}: due for {late} s"))
    return findings


def due_tables() -> list[str]:
    """Every table whose rows say when they want doing."""
    due = (mapper for mapper in Base.registry.mappers if issubclass(mapper.class_, Due))
    return sorted(str(mapper.local_table) for mapper in due)
