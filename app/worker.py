"""The worker process: runs jobs, and the few things that happen by the clock.

The one rule: a job that fails comes back, later and later; none is ever dropped. What it carries is ids. A mail server
that says nothing keeps no calendar waiting, and no calendar's server the mails.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg
import msgspec
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutor
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import PgqException, RetryRequested
from pgqueuer.domain.types import JobId, QueueEntrypoint
from pgqueuer.models import Context
from pgqueuer.models import Job as QueuedJob

from app.background import Place
from app.bare import open_bare_pool
from app.bootstrap import Services, open_services
from app.connections.housekeeping import forget_old_states
from app.memory import settle
from app.queue import QUEUE, Job, Payload, forget_failures
from app.settings import Settings
from app.stranded import ask_again_for_stranded
from app.sync.schedule import enqueue_due_syncs, enqueue_due_watches
from app.telemetry.listener import metrics_listener
from app.telemetry.metrics import JOB_RUNS, JOB_SECONDS, JOB_WAIT_SECONDS, SWEEP_FAILURES, timed
from app.telemetry.traces import job_span
from app.waits import doubled

_POLL = timedelta(seconds=1)
_DEAD_AFTER = timedelta(seconds=3)
_BATCH = 10
_CONCURRENT = 40
_MAIL = QueueEntrypoint(Job.SEND_MAIL.value)
_MAILS = 10
"""With so many under way no more mails are taken: fewer than twenty, for a look at the queue takes one batch."""
_QUEUE_CONNECTIONS = 4
_COME_BACK_SECONDS = 1.0
_SWEEPS_END_SECONDS = 3.0
_STOCK_SECONDS = 30.0
_FIRST_RETRY = timedelta(seconds=1)
_LAST_RETRY = timedelta(minutes=10)

_LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, PgqException, RuntimeError)
"""How the queue's manager ends when the database went away, or when it no longer hears of new jobs."""

Run = Callable[[UUID, UUID], Awaitable[None]]

log = structlog.get_logger(__name__)


class JobFailedError(Exception):
    """A job failed in a way nobody foresaw. It names the kind of error alone: the queue keeps it in a table that knows
    no accounts, and an error's own text may tell of people."""


def jobs_of(services: Services) -> dict[Job, Run]:
    """What each job runs."""
    return {
        Job.SYNC_CALENDAR: services.sync.run,
        Job.WATCH_CALENDAR: services.watcher.run,
        Job.FOLLOW_BOOKINGS: services.booking_follower.run,
        Job.FOLLOW_REFUSED: services.booking_follower.follow_refused,
        Job.FOLLOW_MEETINGS: services.meeting_follower.run,
        Job.MATCH_CONTACT: services.matching.contact,
        Job.MATCH_CALENDAR: services.matching.calendar,
        Job.RECORD_BOOKING: services.booking_recorder.run,
        Job.FOLLOW_TASKS: services.task_follower.run,
        Job.PLACE_TASK: services.task_placer.one,
        Job.PLACE_TASKS: services.task_placer.all,
        Job.RECORD_WRITE: services.write_recorder.run,
        Job.WRITE_EVENT: services.writer.run,
        Job.REPACK_WRITE: services.writer.repack,
        Job.SEND_MAIL: services.mail.run,
        Job.CLOSE_CONNECTION: services.closer.run,
        Job.REFRESH_CALENDARS: services.refresher.run,
        Job.CONNECTION_READY: services.connection_ready.run,
        Job.EXPIRE_REQUEST: services.request_expiry.run,
        Job.REMIND: services.reminders.run,
        Job.CHECK_DOMAIN: services.domain_checks.run,
        Job.CONFIRM_REQUESTS: services.request_confirmer.run,
        Job.NUMBER_EVENTS: services.sequencer.run,
        Job.SEAL_AUDIT: services.audit_seals.run,
        Job.PRUNE_EVENTS: services.pruner.run,
        Job.DELIVER_WEBHOOKS: services.courier.run,
        Job.TEST_WEBHOOK: services.webhook_trial.run,
        Job.EXPORT_ACCOUNT: services.account_exports.run,
        Job.ERASE_ACCOUNT: services.account_erasures.run,
    }


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what runs then is finished first. A lost database is waited for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        place = Place(settings.worker_niceness)
        sweeps = [*sweeps_of(services), Sweep("place", 1, place.take), *_tell_figures(services, stack)]
        sweepers = [asyncio.create_task(_again_and_again(sweep, stop)) for sweep in sweeps]
        settle()
        log.info("worker.started")
        while not stop.is_set():
            try:
                await _work(services, stop, place)
            except _LOST as error:
                log.warning("worker.interrupted", error=type(error).__name__)
                await asyncio.sleep(_COME_BACK_SECONDS)
        _, late = await asyncio.wait(sweepers, timeout=_SWEEPS_END_SECONDS)
        for sweeper in late:
            sweeper.cancel()  # each step of it is a transaction: what it had not reached is found by the next worker
        await asyncio.gather(*late, return_exceptions=True)
    log.info("worker.stopped")


def _tell_figures(services: Services, stack: AsyncExitStack) -> "list[Sweep]":
    """Answer scrapes, where a port was given for it, and see to what they are told."""
    settings = services.settings
    if settings.metrics_port is None or settings.metrics_token is None:
        return []
    token = settings.metrics_token.get_secret_value()
    stack.enter_context(metrics_listener(settings.metrics_host, settings.metrics_port, token))
    return [Sweep("stock", _STOCK_SECONDS, services.stock.sweep)]


async def _work(services: Services, stop: asyncio.Event, place: Place) -> None:
    """Run jobs until told to stop, or until the database is lost."""
    url = services.settings.database_url.get_secret_value()
    async with open_bare_pool(url, name="worker", size=_QUEUE_CONNECTIONS) as pool:
        manager = queue_manager(services, pool, place)
        stopper = asyncio.create_task(_pass_on(stop, manager.shutdown))
        try:
            await manager.run(
                dequeue_timeout=_POLL,
                heartbeat_timeout=_DEAD_AFTER,
                batch_size=_BATCH,
                max_concurrent_tasks=_CONCURRENT,
                shutdown_on_listener_failure=True,
            )
        finally:
            stopper.cancel()


async def _pass_on(stop: asyncio.Event, shutdown: asyncio.Event) -> None:
    await stop.wait()
    shutdown.set()


def queue_manager(services: Services, pool: asyncpg.pool.Pool, place: Place) -> QueueManager:
    """The queue's manager with every job registered."""
    queries = Queries(
        AsyncpgPoolDriver(pool),
        qbe=qb.QueryBuilderEnvironment(QUEUE),
        qbq=qb.QueryQueueBuilder(QUEUE),
        qbs=qb.QuerySchedulerBuilder(QUEUE),
    )
    manager = _Manager(queries, place)
    for job, run in jobs_of(services).items():
        manager.entrypoint(job.value, on_failure="hold", executor_factory=_ComesBack)(_entrypoint(job, run))
    return manager


class _Manager(QueueManager):
    """Waits to be told of new jobs, and looks once a second for those whose time has come.

    The library asks the queue three questions more before each wait, for jobs its last look has just missed. Here that
    look is a second away at most; only a manager whose hands were full has left work lying.

    And it would set aside for good what fails and, as the database takes nothing just then, cannot be put back. Here
    such a job stays as it is, and is taken again by whoever misses its heartbeat.

    All mails go through one server. While it is silent they keep to their share of the places, and wait in the queue in
    their order; while everything else fills its places, mails have their share all the same. What is not asked for is
    not counted by the library either: all but the mails have all the places then, or the mails.
    """

    def __init__(self, queries: Queries, place: Place) -> None:
        super().__init__(queries)
        self._place = place
        self._mails: set[JobId] = set()
        """Those under way, and some that have ended."""

    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[QueuedJob, None]:
        async for job in super().fetch_jobs(batch_size, global_concurrency_limit, heartbeat_timeout):
            if job.entrypoint == _MAIL:
                self._mails.add(job.id)  # their server may keep them waiting: that says nothing of us
            else:
                self._place.waited(_waited(job))
            yield job

    def entrypoints_below_capacity_limits(self) -> set[QueueEntrypoint]:
        """What to look for in the queue."""
        self._mails &= self.job_context.keys()
        if len(self._mails) >= _MAILS:
            return self.entrypoint_registry.keys() - {_MAIL}
        full = len(self.job_context) - len(self._mails) >= _CONCURRENT
        return {_MAIL} if full else set(self.entrypoint_registry)

    async def _effective_dequeue_timeout(self, dequeue_timeout: timedelta) -> timedelta:
        full = len(self.job_context) > _CONCURRENT - _BATCH
        return self.min_dequeue_poll_interval if full else dequeue_timeout

    async def log_failure(
        self,
        job: QueuedJob,
        executor: AbstractEntrypointExecutor,  # noqa: ARG002 - theirs
        exc: Exception,
        jbuff: JobStatusLogBuffer,  # noqa: ARG002 - theirs
    ) -> None:
        """The job failed, and so did putting it back."""
        log.error("job.not_put_back", job=job.entrypoint, error=type(exc).__name__)


class _ComesBack(EntrypointExecutor):
    """A failure nobody foresaw: again after seconds, then minutes, until it is mended."""

    async def execute(self, job: QueuedJob, context: Context) -> None:
        try:
            await super().execute(job, context)
        except Exception as error:
            raise RetryRequested(delay=retry_wait(job.attempts), reason=str(error)) from error


def retry_wait(attempts: int) -> timedelta:
    """How long a job waits that has failed this many times before."""
    return doubled(_FIRST_RETRY, _LAST_RETRY, attempts)


def _entrypoint(job: Job, run: Run) -> Callable[[QueuedJob], Awaitable[None]]:
    async def work(queued: QueuedJob) -> None:
        payload = msgspec.json.decode(queued.payload or b"", type=Payload)
        structlog.contextvars.bind_contextvars(job=job.value, account_id=str(payload.account_id), id=str(payload.id))
        JOB_WAIT_SECONDS.labels(job.value).observe(_waited(queued))
        with job_span(job.value, queued.headers), timed(JOB_SECONDS.labels(job.value)):
            try:
                await run(payload.account_id, payload.id)
            except Exception as error:
                JOB_RUNS.labels(job.value, "failed").inc()
                log.exception("job.failed", error=type(error).__name__)
                raise JobFailedError(type(error).__name__) from None
        JOB_RUNS.labels(job.value, "ok").inc()

    return work


def _waited(job: QueuedJob) -> float:
    """For how many seconds it has been due."""
    return max(0.0, (datetime.now(UTC) - job.execute_after).total_seconds())


@dataclass(frozen=True, slots=True)
class Sweep:
    """Something that happens by the clock, whatever became of the last time."""

    name: str
    seconds: float
    act: Callable[[], Awaitable[object]]


def sweeps_of(services: Services) -> list[Sweep]:
    """Everything that happens by the clock. Each has a round of its own: a long one keeps no other waiting."""
    sessions, clock = services.sessions, services.clock
    return [
        Sweep("due_syncs", 1, partial(enqueue_due_syncs, sessions, clock)),
        Sweep("due_watches", 5, partial(enqueue_due_watches, sessions, clock)),
        Sweep("old_states", 60, partial(forget_old_states, sessions, clock)),
        Sweep("old_failures", 3600, partial(forget_failures, sessions, clock)),
        Sweep("lapsed_holds", 60, services.holds.sweep),
        Sweep("stranded", 60, partial(ask_again_for_stranded, sessions, clock)),
        Sweep("unnumbered_events", 1, services.sequencer.sweep),
        Sweep("unsealed_audit", 5, services.audit_seals.sweep),
        Sweep("due_webhooks", 1, services.courier.sweep),
        Sweep("old_events", 600, services.pruner.sweep),
        Sweep("due_requests", 5, services.request_expiry.sweep),
        Sweep("due_domains", 10, services.domain_checks.sweep),
        Sweep("due_reminders", 5, services.reminders.sweep),
    ]


async def _again_and_again(sweep: Sweep, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await sweep.act()
        except Exception as error:  # noqa: BLE001 - a database restart must not end the sweeping
            SWEEP_FAILURES.labels(sweep.name).inc()
            log.warning("worker.sweep_failed", sweep=sweep.name, error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), sweep.seconds)
