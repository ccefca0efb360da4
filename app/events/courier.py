"""Telling an endpoint what happened: the job `deliver_webhooks`.

    claim   [transaction]  lease, fence, the next event it wants
    send    [none open]    ten seconds at most
    settle  [transaction]  the attempt written down; on to the next event, or again later

The one rule: an endpoint gets its events one by one, by rising number, each until it has accepted it: at least once,
and with the same `webhook-id` every time. Whoever holds the lease sends; if they die, the row in `due_webhooks` brings
another worker.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.due import take_due_rows
from app.events import repository, webhook_repository
from app.events.endpoints import signing_keys
from app.events.feed import add_event
from app.events.lanes import Lanes
from app.events.posting import DEADLINE_SECONDS, Destination, WebhookPost
from app.events.repository import Entry
from app.events.retry import Attempt, Verdict, back_off, verdict
from app.events.types import EventType
from app.ids import encode_id, new_id
from app.models.directory import DueWebhook
from app.models.events import WebhookDelivery, WebhookEndpoint
from app.queue import Enqueued, Job, enqueue
from app.vault import Vault

LEASE: Final = timedelta(seconds=DEADLINE_SECONDS * 2)
_TURN_SECONDS: Final = 5.0
"""Then it is the next one's turn."""
_SWEPT_AFTER: Final = timedelta(seconds=1)
_COMES_UP_AGAIN: Final = timedelta(seconds=30)
_AT_ONCE: Final = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Turn:
    """An endpoint that is ours until the lease ends, and what to send next."""

    account_id: UUID
    endpoint_id: UUID
    fence: int
    slow: bool
    """The lane it is in."""
    to: Destination
    event: Entry
    behind: int
    """The endpoint's `delivered_through` from which the event follows."""
    version: int
    """The endpoint's: another may have another address, or other secrets."""


class Courier:
    """Runs `deliver_webhooks`."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], vault: Vault, post: WebhookPost, lanes: Lanes, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._vault = vault
        self._post = post
        self._lanes = lanes
        self._clock = clock

    async def run(self, account_id: UUID, endpoint_id: UUID) -> None:
        """Send what the endpoint has not got, for a turn, unless somebody else is at it."""
        began = time.monotonic()
        turn = await self._claim(account_id, endpoint_id)
        if turn is None:
            return
        try:
            following: _Turn | None = turn
            while following is not None:
                attempt = await self._post.send(following.event, following.to)
                over = attempt.slow or time.monotonic() - began > _TURN_SECONDS
                following = await self._settle(following, attempt, turn_over=over)
        finally:
            self._lanes.leave(slow=turn.slow)

    async def sweep(self) -> int:
        """Ask for a turn of every endpoint that is due; how many."""
        async with transaction(self._sessions, None) as session:
            now = self._clock()
            due = await take_due_rows(session, DueWebhook, now=now, again=_COMES_UP_AGAIN, limit=_AT_ONCE)
            await enqueue(session, [_poll(row) for row in due])
            return len(due)

    async def _claim(self, account_id: UUID, endpoint_id: UUID) -> _Turn | None:
        now, entered, slow = self._clock(), False, False
        try:
            async with transaction(self._sessions, account_id) as session:
                endpoint = await webhook_repository.find_endpoint(session, endpoint_id, lock=True)
                if endpoint is None:  # deleted; who gave numbers just then may have made it due all the same
                    await webhook_repository.remove_due(session, endpoint_id)
                    return None
                if not await self._is_free(session, endpoint, now):
                    return None
                event = await self._next(session, endpoint, now)
                if event is None:
                    return None
                slow = endpoint.slow
                entered = self._lanes.enter(slow=slow)
                if not entered:
                    await webhook_repository.set_due(
                        session, account_id, endpoint_id, at=self._lanes.comes_up(slow=slow, now=now)
                    )
                    return None
                endpoint.fence += 1
                endpoint.lease_until = now + LEASE
                keys = await signing_keys(self._vault, session, endpoint, now=now)
                turn = _turn(endpoint, slow, keys, event)
        except BaseException:
            if entered:
                self._lanes.leave(slow=slow)
            raise
        return turn

    @staticmethod
    async def _is_free(session: AsyncSession, endpoint: WebhookEndpoint, now: datetime) -> bool:
        """Whether it may be told something now; when not, and nobody else sees to it, when to look again."""
        if endpoint.status != "active":
            await webhook_repository.remove_due(session, endpoint.id)
            return False
        waits = [at for at in (endpoint.lease_until, endpoint.next_attempt_at) if at is not None and at > now]
        if waits:
            await webhook_repository.set_due(session, endpoint.account_id, endpoint.id, at=max(waits))
        return not waits

    @staticmethod
    async def _next(session: AsyncSession, endpoint: WebhookEndpoint, now: datetime) -> Entry | None:
        """The next event it wants; when there is none, it has been told everything and is due no more.

        First the due row goes: whoever numbers events right now holds it, so we wait and see theirs; whoever comes
        after us puts it back.
        """
        await webhook_repository.remove_due(session, endpoint.id)
        reading = await repository.read(
            session,
            endpoint.account_id,
            after=endpoint.delivered_through,
            types=endpoint.event_types,
            limit=1,
        )
        if not reading.entries:
            endpoint.delivered_through = max(endpoint.delivered_through, reading.last_sequence)
            return None
        if endpoint.delivered_through < reading.pruned_through:
            log.warning("webhook.events_expired", endpoint_id=str(endpoint.id))
        await webhook_repository.set_due(session, endpoint.account_id, endpoint.id, at=now + LEASE)
        return reading.entries[0]

    async def _settle(self, turn: _Turn, attempt: Attempt, *, turn_over: bool) -> _Turn | None:
        """Write down what became of it; the turn with the next event, or None when it is over."""
        now = self._clock()
        async with transaction(self._sessions, turn.account_id) as session:
            endpoint = await webhook_repository.find_endpoint(session, turn.endpoint_id, lock=True)
            if endpoint is None:
                return None
            ours = endpoint.fence == turn.fence
            session.add(_delivery(turn, attempt, number=endpoint.failures + 1 if ours else 1, now=now))
            if not ours:
                return None  # our lease ran out, and what happens next is another's to say
            endpoint.lease_until = None
            await self._judge(session, endpoint, turn, attempt, now)
            if endpoint.status != "active" or not attempt.succeeded:
                return None
            event = await self._next(session, endpoint, now)
            if event is None:
                return None
            if turn_over or endpoint.version != turn.version:
                await self._again(session, endpoint, now)
                return None
            endpoint.lease_until = now + LEASE
            return replace(turn, event=event, behind=endpoint.delivered_through)

    async def _judge(
        self, session: AsyncSession, endpoint: WebhookEndpoint, turn: _Turn, attempt: Attempt, now: datetime
    ) -> None:
        """What the attempt means for the endpoint. A failure means nothing where the endpoint is not what it was:
        another address, or other secrets, may do."""
        if endpoint.version != turn.version and not attempt.succeeded:
            if endpoint.status == "active":
                await self._again(session, endpoint, now)
            return
        endpoint.slow = attempt.slow
        match verdict(attempt, failures=endpoint.failures, failing_since=endpoint.failing_since, now=now):
            case Verdict.DELIVERED:
                endpoint.failures, endpoint.failing_since, endpoint.next_attempt_at = 0, None, None
                if endpoint.delivered_through == turn.behind:  # else a replay moved it meanwhile
                    endpoint.delivered_through = turn.event.sequence
            case Verdict.AGAIN:
                _count_failure(endpoint, now)
                wait = back_off(endpoint.failures, chance=random.random(), retry_after=attempt.retry_after)  # noqa: S311 - jitter
                endpoint.next_attempt_at = now + wait
                await webhook_repository.set_due(session, turn.account_id, turn.endpoint_id, at=now + wait)
            case Verdict.PAUSE:
                await self._stop(session, endpoint, "paused", "failing", now)
            case Verdict.DISABLE:
                await self._stop(session, endpoint, "disabled", "gone", now)

    @staticmethod
    async def _stop(session: AsyncSession, endpoint: WebhookEndpoint, status: str, reason: str, now: datetime) -> None:
        """Send nothing more; what is not delivered is kept. The CRM is told by the feed and its other endpoints."""
        _count_failure(endpoint, now)
        endpoint.status, endpoint.status_reason, endpoint.next_attempt_at = status, reason, None
        endpoint.version += 1
        endpoint.updated_at = now
        event = EventType.WEBHOOK_ENDPOINT_PAUSED if status == "paused" else EventType.WEBHOOK_ENDPOINT_DISABLED
        data = {"id": encode_id("whe", endpoint.id), "url": endpoint.url, "status": status, "status_reason": reason}
        told = add_event(session, endpoint.account_id, event, subject_id=endpoint.id, data=data, now=now)
        await webhook_repository.remove_due(session, endpoint.id)
        await enqueue(session, [told])
        log.warning("webhook.stopped", endpoint_id=str(endpoint.id), status=status, reason=reason)

    async def _again(self, session: AsyncSession, endpoint: WebhookEndpoint, now: datetime) -> None:
        """Another turn, after everybody who waits for one in the lane it is in by now."""
        behind = self._lanes.behind_others(slow=endpoint.slow, now=now)
        await webhook_repository.set_due(session, endpoint.account_id, endpoint.id, at=behind or now + _SWEPT_AFTER)
        if behind is None:
            await enqueue(session, [Enqueued(Job.DELIVER_WEBHOOKS, endpoint.account_id, endpoint.id)])


def _poll(row: DueWebhook) -> Enqueued:
    return Enqueued(Job.DELIVER_WEBHOOKS, row.account_id, row.endpoint_id, once=True)


def _turn(endpoint: WebhookEndpoint, slow: bool, keys: Sequence[str], event: Entry) -> _Turn:
    return _Turn(
        account_id=endpoint.account_id,
        endpoint_id=endpoint.id,
        fence=endpoint.fence,
        slow=slow,
        to=Destination(endpoint.url, keys),
        event=event,
        behind=endpoint.delivered_through,
        version=endpoint.version,
    )


def _count_failure(endpoint: WebhookEndpoint, now: datetime) -> None:
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now


def _delivery(turn: _Turn, attempt: Attempt, *, number: int, now: datetime) -> WebhookDelivery:
    return WebhookDelivery(
        account_id=turn.account_id,
        id=new_id(),
        endpoint_id=turn.endpoint_id,
        event_id=turn.event.id,
        event_type=turn.event.type,
        sequence=turn.event.sequence,
        attempt=number,
        status="succeeded" if attempt.succeeded else "failed",
        status_code=attempt.status_code,
        error=attempt.error,
        duration_ms=attempt.duration_ms,
        created_at=now,
    )
