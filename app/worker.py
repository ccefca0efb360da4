"""The worker process: runs jobs, and the few things that happen by the clock.

The one rule: a job that fails comes back, later and later; none is ever dropped. What it carries is ids.
"""

import asyncio
import itertools
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.core.qm import QueueManager
from pgqueuer.models import Job as QueuedJob

from app.bootstrap import Services, open_services
from app.connections.housekeeping import forget_old_states
from app.database import APP_ROLE
from app.queue import QUEUE, Job, Payload
from app.settings import Settings
from app.sync.schedule import enqueue_due_syncs

_POLL = timedelta(seconds=1)
_DEAD_AFTER = timedelta(seconds=3)
_BATCH = 10
_CONCURRENT = 40
_SWEEP_SECONDS = 1.0
_CLEAR_AWAY_EVERY = 60
_COME_BACK_SECONDS = 1.0

Run = Callable[[UUID, UUID], Awaitable[None]]

log = structlog.get_logger(__name__)


def jobs_of(services: Services) -> dict[Job, Run]:
    """What each job runs."""
    return {
        Job.SYNC_CALENDAR: services.sync.run,
        Job.WRITE_EVENT: services.writer.run,
        Job.SEND_MAIL: services.mail.run,
        Job.CLOSE_CONNECTION: services.closer.run,
        Job.CONNECTION_READY: services.connection_ready.run,
    }


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what runs then is finished first. A lost database is waited for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_services(settings) as services:
        sweeper = asyncio.create_task(_sweep(services, stop))
        log.info("worker.started")
        while not stop.is_set():
            try:
                await _work(services, stop)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError) as error:
                log.warning("worker.interrupted", error=type(error).__name__)
                await asyncio.sleep(_COME_BACK_SECONDS)
        await sweeper
    log.info("worker.stopped")


async def _work(services: Services, stop: asyncio.Event) -> None:
    """Run jobs until told to stop, or until the database is lost."""
    async with _pool(services.settings) as pool:
        manager = queue_manager(services, pool)
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


def _pool(settings: Settings) -> asyncpg.pool.Pool:
    return asyncpg.create_pool(
        settings.database_url.get_secret_value(),
        min_size=2,
        max_size=4,
        server_settings={"role": APP_ROLE, "application_name": "calendar-connect worker"},
    )


def queue_manager(services: Services, pool: asyncpg.pool.Pool) -> QueueManager:
    """The queue's manager with every job registered."""
    queries = Queries(
        AsyncpgPoolDriver(pool),
        qbe=qb.QueryBuilderEnvironment(QUEUE),
        qbq=qb.QueryQueueBuilder(QUEUE),
        qbs=qb.QuerySchedulerBuilder(QUEUE),
    )
    manager = QueueManager(queries)
    for job, run in jobs_of(services).items():
        manager.entrypoint(job.value, on_failure="hold", executor_factory=_comes_back)(_entrypoint(job, run))
    return manager


def _comes_back(parameters: object) -> DatabaseRetryEntrypointExecutor:
    """A failure nobody foresaw: again after seconds, then minutes, until it is mended."""
    return DatabaseRetryEntrypointExecutor(
        parameters,  # type: ignore[arg-type]
        max_attempts=1000,
        initial_delay=timedelta(seconds=1),
        max_delay=timedelta(minutes=10),
    )


def _entrypoint(job: Job, run: Run) -> Callable[[QueuedJob], Awaitable[None]]:
    async def work(queued: QueuedJob) -> None:
        payload = msgspec.json.decode(queued.payload or b"", type=Payload)
        structlog.contextvars.bind_contextvars(job=job.value, account_id=str(payload.account_id), id=str(payload.id))
        await run(payload.account_id, payload.id)

    return work


async def _sweep(services: Services, stop: asyncio.Event) -> None:
    """Hand out what is due, every second, and clear away once a minute, whatever happened to the last round."""
    for round_number in itertools.count():
        try:
            await enqueue_due_syncs(services.sessions, services.clock)
            if round_number % _CLEAR_AWAY_EVERY == 0:
                await forget_old_states(services.sessions, services.clock)
        except Exception as error:  # noqa: BLE001 - a database restart must not end the sweeping
            log.warning("worker.sweep_failed", error=type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), _SWEEP_SECONDS)
        except TimeoutError:
            continue
        return
