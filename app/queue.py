"""Jobs: their names, and how to ask for one inside a transaction.

The one rule: a job is a hint that a row needs attention. It carries ids only, commits or vanishes with the data, and
may run twice; the row says what is left to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.settings import DBSettings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.telemetry.traces import job_headers

QUEUE = DBSettings(db_schema="queue")
"""The queue lives in a schema of its own; its tables come with a migration."""

_FAILURES_KEPT = timedelta(days=14)
_ENQUEUE = QueryQueueBuilder(QUEUE).build_enqueue_query(on_conflict="skip")
_WAITING = (
    f"SELECT 1 FROM {QUEUE.db_schema}.pgqueuer "  # noqa: S608 - our own schema
    "WHERE status = 'queued' AND entrypoint = $1 AND payload = $2 LIMIT 1"
)


class Job(StrEnum):
    """Every job there is."""

    SYNC_CALENDAR = "sync_calendar"
    WATCH_CALENDAR = "watch_calendar"
    """See that the provider tells us of the calendar's changes."""
    FOLLOW_BOOKINGS = "follow_bookings"
    """Events of bookings are otherwise than they were, in the calendar with this id."""
    FOLLOW_REFUSED = "follow_refused"
    """The time that the event of the booking with this id was moved to may be free by now."""
    FOLLOW_MEETINGS = "follow_meetings"
    """Events that may be somebody's meetings are otherwise, in the calendar with this id."""
    FOLLOW_TASKS = "follow_tasks"
    """Events of tasks are otherwise, in the calendar with this id."""
    MATCH_CALENDAR = "match_calendar"
    """A calendar is kept in step with the CRM again: meetings may stand in it already."""
    RECORD_BOOKING = "record_booking"
    """A booking is to be on its contacts' timelines as it is now; who only asked for one is to be a contact."""
    MATCH_CONTACT = "match_contact"
    """A contact became known: meetings with it may stand in calendars already."""
    REPACK_WRITE = "repack_write"
    """A booking has followed its event: the mirror is to know that its time is the reservation's."""
    RECORD_WRITE = "record_write"
    """A meeting's or task's event was written, or will never be: what it is the event of is to show it."""
    PLACE_TASK = "place_task"
    """A task's event is to be as the task is now."""
    PLACE_TASKS = "place_tasks"
    """All tasks of the user with this id are to stand in the calendar made for them."""
    WRITE_EVENT = "write_event"
    SEND_MAIL = "send_mail"
    CLOSE_CONNECTION = "close_connection"
    REFRESH_CALENDARS = "refresh_calendars"
    CONNECTION_READY = "connection_ready"
    """A connection was made or healed, or a calendar of it can be read (again): go on with what waited for it."""
    NUMBER_EVENTS = "number_events"
    """Events were written down in the account, whose id is the job's as well."""
    SEAL_AUDIT = "seal_audit"
    """Entries of the account's audit log wait for their seals."""
    PRUNE_EVENTS = "prune_events"
    """An account's old events shall go; the id is the account's."""
    DELIVER_WEBHOOKS = "deliver_webhooks"
    """A webhook endpoint has something to be told."""
    EXPIRE_REQUEST = "expire_request"
    """A meeting request's time has come."""
    REMIND = "remind"
    """Those who meet by a booking are to be reminded of it."""
    CHECK_DOMAIN = "check_domain"
    """A domain's records are to be looked up."""
    CONFIRM_REQUESTS = "confirm_requests"
    """What was asked for on the pages of the user with this id may be booked at once, where they want that."""
    EXPORT_ACCOUNT = "export_account"
    """Everything an account holds is to be written down, or what was is to go again."""
    ERASE_ACCOUNT = "erase_account"
    """An account is to be erased, a stage further."""
    TEST_WEBHOOK = "test_webhook"
    """A test was asked for; the id is the delivery's."""


class Payload(msgspec.Struct, frozen=True):
    """Which row needs attention, and in which account."""

    account_id: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A job to be asked for."""

    job: Job
    account_id: UUID
    id: UUID
    delay: timedelta = timedelta()
    once: bool = False
    """Skipped while an equal job is queued, running or just finished. For polls and sweeps, which come again; a sweep
    would otherwise add a job to what keeps failing with each round. Never for a signal: one that arrives during a run
    would be lost."""

    @property
    def dedupe_key(self) -> str | None:
        """What no two jobs in the queue share."""
        return f"{self.job}:{self.id}" if self.once else None


async def enqueue(session: AsyncSession, jobs: Sequence[Enqueued]) -> None:
    """Ask for jobs in the session's own transaction, after what they are about was written. Do it last: whoever asks
    for the same `once` job waits until this transaction ends.
    """
    await session.flush()
    if not jobs:
        return
    connection = await session.connection()
    await connection.exec_driver_sql(*enqueuing(jobs))


def enqueuing(jobs: Sequence[Enqueued]) -> tuple[str, tuple[list[Any], ...]]:
    """The statement of `enqueue` and its parameters."""
    ordered = sorted(jobs, key=lambda item: (item.job, item.id))
    return _ENQUEUE, (
        [0] * len(ordered),
        [item.job.value for item in ordered],
        [msgspec.json.encode(Payload(item.account_id, item.id)) for item in ordered],
        [item.delay for item in ordered],
        [item.dedupe_key for item in ordered],
        [job_headers(item.job.value) for item in ordered],
    )


async def is_queued(session: AsyncSession, job: Job, account_id: UUID, row_id: UUID) -> bool:
    """Whether such a job waits, be it for later; one that runs does not."""
    connection = await session.connection()
    found = await connection.exec_driver_sql(_WAITING, (job.value, msgspec.json.encode(Payload(account_id, row_id))))
    return found.first() is not None


async def forget_failures(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
    """Why jobs failed is kept two weeks, to be looked into; what went well is never written down (migration 0006)."""
    async with transaction(sessions, None) as session:
        await session.execute(
            text(f"DELETE FROM {QUEUE.db_schema}.pgqueuer_log WHERE created < :before"),  # noqa: S608 - our own schema
            {"before": clock() - _FAILURES_KEPT},
        )


async def cancel_jobs(session: AsyncSession, account_id: UUID, *, but: Job) -> None:
    """Nobody needs an account's jobs any more, except those of one kind; what runs already is left to end."""
    await session.execute(
        text(
            f"DELETE FROM {QUEUE.db_schema}.pgqueuer WHERE status = 'queued' AND entrypoint <> :kept "  # noqa: S608
            "AND position(convert_to(:account, 'UTF8') IN payload) > 0"
        ),
        {"kept": but.value, "account": str(account_id)},
    )
