"""Sending a test: the job `test_webhook`.

The one rule: a test leaves the endpoint as it is: it moves no number, counts as no failure, and is sent
whatever the endpoint's status is.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.events import webhook_repository
from app.events.endpoints import signing_keys
from app.events.lanes import Lanes
from app.events.posting import Destination, WebhookPost
from app.events.repository import Entry
from app.ids import encode_id
from app.queue import Enqueued, Job, enqueue
from app.vault import Vault

_LANE_FULL: Final = timedelta(seconds=1)


class WebhookTrial:
    """Runs `test_webhook`."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], vault: Vault, post: WebhookPost, lanes: Lanes, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._vault = vault
        self._post = post
        self._lanes = lanes
        self._clock = clock

    async def run(self, account_id: UUID, delivery_id: UUID) -> None:
        """Send the test, unless it was; nobody knows who answers there, so it goes where the slow ones go."""
        found = await self._find(account_id, delivery_id)
        if found is None:
            return
        if not self._lanes.enter(slow=True):
            async with transaction(self._sessions, account_id) as session:
                await enqueue(session, [Enqueued(Job.TEST_WEBHOOK, account_id, delivery_id, delay=_LANE_FULL)])
            return
        try:
            attempt = await self._post.send(*found)
        finally:
            self._lanes.leave(slow=True)
        async with transaction(self._sessions, account_id) as session:
            delivery = await webhook_repository.find_delivery(session, delivery_id, lock=True)
            if delivery is not None and delivery.status == "pending":
                delivery.status = "succeeded" if attempt.succeeded else "failed"
                delivery.status_code, delivery.error = attempt.status_code, attempt.error
                delivery.duration_ms = attempt.duration_ms

    async def _find(self, account_id: UUID, delivery_id: UUID) -> tuple[Entry, Destination] | None:
        """What to send where; None when it was sent, or there is nowhere to."""
        async with transaction(self._sessions, account_id) as session:
            delivery = await webhook_repository.find_delivery(session, delivery_id)
            if delivery is None or delivery.status != "pending":
                return None
            endpoint = await webhook_repository.find_endpoint(session, delivery.endpoint_id, lock=True)
            if endpoint is None:
                return None
            keys = await signing_keys(self._vault, session, endpoint, now=self._clock())
            entry = Entry(
                account_id=account_id,
                id=delivery.event_id,
                sequence=0,
                type=delivery.event_type,
                occurred_at=delivery.created_at,
                data={"webhook_endpoint_id": encode_id("whe", endpoint.id)},
            )
            return entry, Destination(endpoint.url, keys)
