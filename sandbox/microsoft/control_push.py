"""Subscriptions by remote control. The one rule: only a lifecycle notification tells the app what was done here."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from sandbox.microsoft.subscriptions import CHANGE_TYPES, Lifecycle, Subscription
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import MicrosoftWorld


class LifecycleBody(BaseModel):
    """`pause` is for `reauthorizationRequired`: nothing is delivered until the app authorizes the subscription."""

    model_config = ConfigDict(extra="forbid")
    event: Lifecycle
    pause: bool = True


def create_subscriptions_router(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(prefix="/push/subscriptions", tags=["push"])

    @router.get("")
    async def list_subscriptions(account: str | None = None, alive: bool | None = None) -> list[Json]:
        """All subscriptions ever made, oldest first; `ended` says how one came to its end."""
        return [
            _show(each)
            for each in world.subscriptions.all()
            if account in {None, each.account} and alive in {None, each.ended is None}
        ]

    @router.post("/{subscription_id}/drop", status_code=204)
    async def drop(subscription_id: str) -> Response:
        """Graph loses the subscription and says nothing."""
        _living(world, subscription_id).ended = "dropped"
        return Response(status_code=204)

    @router.post("/{subscription_id}/lifecycle")
    async def send_lifecycle(subscription_id: str, body: LifecycleBody) -> Json:
        """What Graph says of the subscription itself; `subscriptionRemoved` also removes it."""
        subscription = _living(world, subscription_id)
        return {"sent": world.subscriptions.tell_lifecycle(subscription, body.event, pause=body.pause)}

    return router


def _living(world: MicrosoftWorld, subscription_id: str) -> Subscription:
    found = world.subscriptions.find(subscription_id)
    if found is None:
        raise HTTPException(404, f"no living subscription {subscription_id}")
    return found


def _show(subscription: Subscription) -> Json:
    return {
        "id": subscription.id,
        "account": subscription.account,
        "client_id": subscription.grant.client_id,
        "resource": subscription.resource,
        "change_types": [each for each in CHANGE_TYPES if each in subscription.changes],
        "notification_url": subscription.url,
        "lifecycle_url": subscription.lifecycle_url,
        "client_state": subscription.client_state,
        "immutable_ids": subscription.immutable_ids,
        "created_at": subscription.created_at.isoformat(),
        "expires_at": subscription.expires_at.isoformat(),
        "paused": subscription.paused,
        "ended": subscription.ended,
    }
