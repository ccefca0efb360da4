"""Webhook endpoints: created, changed, given another secret, tested, replayed, deleted.

The one rule: whatever is changed about an endpoint, what it has not got is still delivered to it; only a replay moves
its place in the feed, and only to where the caller says.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.addresses import AddressRefused, Guard
from app.calendar import Clock
from app.errors import (
    AddressNotAllowed,
    EventsExpired,
    FieldError,
    NotFound,
    RequestInProgress,
    ValidationFailed,
    WebhookEndpointLimitReached,
    require_version,
)
from app.events import repository, webhook_repository
from app.events.schemas import WebhookEndpointCreate, WebhookEndpointUpdate
from app.events.signing import new_secret
from app.events.types import TEST_EVENT
from app.ids import new_id
from app.models.events import WebhookDelivery, WebhookEndpoint
from app.queue import Enqueued, Job, enqueue
from app.vault import SecretPlace, Vault

MOST_ENDPOINTS: Final = 20
"""Of one account."""
OVERLAP: Final = timedelta(hours=24)
"""How long a former secret signs as well."""
_ONE_TEST_PER: Final = timedelta(minutes=1)
_SWEPT_AFTER: Final = timedelta(seconds=2)
_FIRST_PRUNING: Final = timedelta(days=1)


class WebhookEndpoints:
    """What an account does with its endpoints."""

    def __init__(self, vault: Vault, guard: Guard, clock: Clock) -> None:
        self._vault = vault
        self._guard = guard
        self._clock = clock

    async def create(
        self, session: AsyncSession, principal: Principal, body: WebhookEndpointCreate
    ) -> tuple[WebhookEndpoint, str]:
        """Make an endpoint, which is told what happens from now on; and its secret.

        Raises: AddressNotAllowed, WebhookEndpointLimitReached.
        """
        self._check(body.url)
        now, endpoint_id, secret = self._clock(), new_id(), new_secret()
        feed = await repository.lock_feed(session, principal.account_id, prune_at=now + _FIRST_PRUNING)
        if await webhook_repository.count_endpoints(session) >= MOST_ENDPOINTS:
            raise WebhookEndpointLimitReached
        place = secret_place(principal.account_id, endpoint_id)
        endpoint = WebhookEndpoint(
            account_id=principal.account_id,
            id=endpoint_id,
            url=body.url,
            description=body.description,
            event_types=body.event_types,
            status="active",
            secret=await self._vault.seal(session, place, secret),
            delivered_through=feed.last_sequence,
            failures=0,
            version=1,
            created_at=now,
            updated_at=now,
        )
        session.add(endpoint)
        self._write_down(session, principal, endpoint, "created")
        await session.flush()
        return endpoint, secret

    async def get(self, session: AsyncSession, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint:
        """One of the account's endpoints. Raises: NotFound."""
        endpoint = await webhook_repository.find_endpoint(session, endpoint_id, lock=lock)
        if endpoint is None:
            raise NotFound
        return endpoint

    async def update(
        self,
        session: AsyncSession,
        principal: Principal,
        endpoint_id: UUID,
        body: WebhookEndpointUpdate,
        *,
        if_match: int | None,
    ) -> WebhookEndpoint:
        """Change an endpoint. Raises: NotFound, VersionMismatch, AddressNotAllowed, ValidationFailed, EventsExpired."""
        given = body.model_fields_set
        if cleared := [name for name in ("status", "url") if name in given and getattr(body, name) is None]:
            raise ValidationFailed(errors=[FieldError(f"/{name}", "not_allowed") for name in cleared])
        endpoint = await self.get(session, endpoint_id, lock=True)
        require_version(if_match, endpoint.version)
        if body.url is not None:
            self._check(body.url)
            endpoint.url = body.url
        if "description" in given:
            endpoint.description = body.description
        if "event_types" in given:
            endpoint.event_types = body.event_types
        if body.status is not None:
            if body.status == "active" != endpoint.status:
                await _refuse_a_gap(session, endpoint)
            endpoint.status, endpoint.status_reason = body.status, None if body.status == "active" else "requested"
        self._touch(endpoint)
        self._write_down(session, principal, endpoint, "updated", fields=sorted(given))
        await self._try_now(session, endpoint)
        return endpoint

    async def delete(
        self, session: AsyncSession, principal: Principal, endpoint_id: UUID, *, if_match: int | None
    ) -> None:
        """Take an endpoint away, with what is known of its deliveries. Raises: NotFound, VersionMismatch."""
        endpoint = await self.get(session, endpoint_id, lock=True)
        require_version(if_match, endpoint.version)
        self._write_down(session, principal, endpoint, "deleted")
        await session.flush()
        await webhook_repository.delete_endpoint(session, endpoint_id)

    async def rotate_secret(
        self, session: AsyncSession, principal: Principal, endpoint_id: UUID
    ) -> tuple[WebhookEndpoint, str]:
        """Another secret; the former signs as well for a day, one before it no more. Raises: NotFound."""
        endpoint = await self.get(session, endpoint_id, lock=True)
        place, former_place = secret_place(endpoint.account_id, endpoint.id), former_secret_place(endpoint)
        former, secret = await self._vault.open(session, place, endpoint.secret), new_secret()
        endpoint.previous_secret = await self._vault.seal(session, former_place, former)
        endpoint.previous_secret_until = self._clock() + OVERLAP
        endpoint.secret = await self._vault.seal(session, place, secret)
        self._touch(endpoint)
        self._write_down(session, principal, endpoint, "secret_rotated")
        await session.flush()
        return endpoint, secret

    async def replay(
        self, session: AsyncSession, principal: Principal, endpoint_id: UUID, *, after: int
    ) -> WebhookEndpoint:
        """Tell everything after a number again. Raises: NotFound, EventsExpired, ValidationFailed."""
        endpoint = await self.get(session, endpoint_id, lock=True)
        feed = await repository.read(session, endpoint.account_id, after=after, types=None, limit=1)
        if after > feed.last_sequence:
            raise ValidationFailed(errors=[FieldError("/after", "out_of_range")])
        if 0 < after < feed.pruned_through:
            raise EventsExpired(extra={"oldest_sequence": feed.pruned_through + 1})
        endpoint.delivered_through = max(after, feed.pruned_through)
        self._touch(endpoint)
        self._write_down(session, principal, endpoint, "replayed", after=after)
        await self._try_now(session, endpoint)
        return endpoint

    async def test(self, session: AsyncSession, principal: Principal, endpoint_id: UUID) -> WebhookDelivery:
        """Have an event sent that never happened, whatever the endpoint's status.

        Raises: NotFound, RequestInProgress.
        """
        endpoint = await self.get(session, endpoint_id, lock=True)
        now = self._clock()
        if await webhook_repository.has_pending_test(session, endpoint_id, since=now - _ONE_TEST_PER):
            raise RequestInProgress(retry_after=1)
        delivery = WebhookDelivery(
            account_id=endpoint.account_id,
            id=new_id(),
            endpoint_id=endpoint.id,
            event_id=new_id(),
            event_type=TEST_EVENT,
            sequence=0,
            attempt=1,
            status="pending",
            created_at=now,
        )
        session.add(delivery)
        self._write_down(session, principal, endpoint, "tested")
        await enqueue(session, [Enqueued(Job.TEST_WEBHOOK, delivery.account_id, delivery.id)])
        return delivery

    async def _try_now(self, session: AsyncSession, endpoint: WebhookEndpoint) -> None:
        """Whatever was wrong, somebody looked after it: forget the failures and go on at once."""
        endpoint.failures, endpoint.failing_since, endpoint.next_attempt_at = 0, None, None
        await session.flush()
        if endpoint.status != "active":
            await webhook_repository.remove_due(session, endpoint.id)
            return
        where = endpoint.account_id, endpoint.id
        await webhook_repository.set_due(session, *where, at=self._clock() + _SWEPT_AFTER)
        await enqueue(session, [Enqueued(Job.DELIVER_WEBHOOKS, *where)])

    def _check(self, url: str) -> None:
        try:
            self._guard.check(url)
        except AddressRefused as refused:
            raise AddressNotAllowed(errors=[FieldError("/url", "not_allowed")]) from refused

    def _touch(self, endpoint: WebhookEndpoint) -> None:
        endpoint.version += 1
        endpoint.updated_at = self._clock()

    @staticmethod
    def _write_down(
        session: AsyncSession, principal: Principal, endpoint: WebhookEndpoint, what: str, **data: object
    ) -> None:
        action = f"webhook_endpoint.{what}"
        add_audit_entry(
            session, endpoint.account_id, actor=principal.actor, action=action, subject_id=endpoint.id, **data
        )


async def _refuse_a_gap(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """Whoever goes on behind events that went meanwhile says so, by a replay. Raises: EventsExpired."""
    feed = await repository.read(session, endpoint.account_id, after=None, types=None, limit=1)
    if endpoint.delivered_through < feed.pruned_through:
        raise EventsExpired(extra={"oldest_sequence": feed.pruned_through + 1})


async def signing_keys(vault: Vault, session: AsyncSession, endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """The secrets that sign now; a former one whose time is over is erased on the way. The endpoint is locked by the
    caller.
    """
    keys = [await vault.open(session, secret_place(endpoint.account_id, endpoint.id), endpoint.secret)]
    if endpoint.previous_secret is None or endpoint.previous_secret_until is None:
        return keys
    if endpoint.previous_secret_until <= now:
        endpoint.previous_secret = endpoint.previous_secret_until = None
        return keys
    return [*keys, await vault.open(session, former_secret_place(endpoint), endpoint.previous_secret)]


def secret_place(account_id: UUID, endpoint_id: UUID) -> SecretPlace:
    """Where the secret is sealed."""
    return SecretPlace("webhook_endpoints", "secret", account_id, endpoint_id)


def former_secret_place(endpoint: WebhookEndpoint) -> SecretPlace:
    """Where the former secret is sealed."""
    return SecretPlace("webhook_endpoints", "previous_secret", endpoint.account_id, endpoint.id)
