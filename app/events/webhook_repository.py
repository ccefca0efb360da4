"""SQL of webhook endpoints and deliveries. Each function is one named query or command.

The one rule: an active endpoint that is behind has a row in `due_webhooks`; it is taken away before the feed is read
for the last time, so that an event that comes meanwhile is either seen or puts the row back.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.directory import DueWebhook
from app.models.events import WebhookDelivery, WebhookEndpoint


async def find_endpoint(session: AsyncSession, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint | None:
    """One endpoint, as it is now."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    query = query.execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if lock else query)


async def list_endpoints(session: AsyncSession) -> Sequence[WebhookEndpoint]:
    """The account's endpoints, oldest first."""
    return (await session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.id))).all()


async def count_endpoints(session: AsyncSession) -> int:
    """How many endpoints the account has."""
    return await session.scalar(select(func.count()).select_from(WebhookEndpoint)) or 0


async def delete_endpoint(session: AsyncSession, endpoint_id: UUID) -> None:
    """The endpoint and what is known of its deliveries."""
    await remove_due(session, endpoint_id)
    await session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))


async def set_all_due(session: AsyncSession, account_id: UUID, *, at: datetime) -> Sequence[UUID]:
    """Have every active endpoint of the account told; which. One that is being told, or waits, keeps its time.

    The rows that are there are locked, not left out: who is about to take one away waits for this commit.
    """
    active = await session.scalars(
        select(WebhookEndpoint.id)
        .where(WebhookEndpoint.account_id == account_id, WebhookEndpoint.status == "active")
        .order_by(WebhookEndpoint.id)
    )
    endpoints = active.all()
    if endpoints:
        rows = [{"endpoint_id": item, "account_id": account_id, "due_at": at} for item in endpoints]
        statement = insert(DueWebhook).values(rows)
        await session.execute(
            statement.on_conflict_do_update(index_elements=["endpoint_id"], set_={"due_at": DueWebhook.due_at})
        )
    return endpoints


async def set_due(session: AsyncSession, account_id: UUID, endpoint_id: UUID, *, at: datetime) -> None:
    """When the endpoint is to be told again."""
    statement = insert(DueWebhook).values(endpoint_id=endpoint_id, account_id=account_id, due_at=at)
    await session.execute(statement.on_conflict_do_update(index_elements=["endpoint_id"], set_={"due_at": at}))


async def remove_due(session: AsyncSession, endpoint_id: UUID) -> None:
    """The endpoint has been told everything, or wants to hear nothing."""
    await session.execute(delete(DueWebhook).where(DueWebhook.endpoint_id == endpoint_id))


async def list_deliveries(
    session: AsyncSession, endpoint_id: UUID, *, status: str | None, after: UUID | None, limit: int
) -> Sequence[WebhookDelivery]:
    """The endpoint's attempts, the newest first, from after the given one."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    if after is not None:
        query = query.where(WebhookDelivery.id < after)
    return (await session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(limit))).all()


async def find_delivery(session: AsyncSession, delivery_id: UUID, *, lock: bool = False) -> WebhookDelivery | None:
    """One attempt."""
    query = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    query = query.execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if lock else query)


async def has_pending_test(session: AsyncSession, endpoint_id: UUID, *, since: datetime) -> bool:
    """Whether a test that was asked for lately has not been sent yet."""
    query = select(WebhookDelivery.id).where(
        WebhookDelivery.endpoint_id == endpoint_id,
        WebhookDelivery.status == "pending",
        WebhookDelivery.created_at > since,
    )
    return await session.scalar(query.limit(1)) is not None
