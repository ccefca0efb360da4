"""Graph's subscriptions: one per mailbox, confirmed by a handshake while they are made.

The one rule: what a notification names is not read; it may be old, repeated or forged.
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from app.providers.base import EventNotFound
from app.providers.graph.graph import Graph
from app.providers.push import Callback, Handshake, News, Signal, Watch

RESOURCE = "me/events"
_LIFECYCLE = {
    "reauthorizationRequired": News.RENEW,
    "subscriptionRemoved": News.ENDED,
    "missed": News.CHANGED,
}
_LONGEST_TOKEN = 4096


class _Subscription(msgspec.Struct, rename="camel"):
    id: str
    expiration_date_time: datetime
    notification_url: str | None = None


class _Notification(msgspec.Struct, rename="camel"):
    subscription_id: str | None = None
    client_state: str | None = None
    lifecycle_event: str | None = None


class _Delivery(msgspec.Struct):
    value: list[_Notification] = []


_SUBSCRIPTION = msgspec.json.Decoder(_Subscription)
_DELIVERY = msgspec.json.Decoder(_Delivery)


class Office365Watches:
    """See `app.providers.push.Watches`."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def start(
        self,
        calendar_id: str,  # noqa: ARG002 - one for the mailbox
        channel_id: str,  # noqa: ARG002 - Graph chooses
        callback: Callback,
        *,
        until: datetime,
    ) -> Watch:
        """Subscribe to the mailbox's events; Graph shakes hands with both URLs before it answers."""
        body = {
            "changeType": "created,updated,deleted",
            "notificationUrl": callback.url,
            "lifecycleNotificationUrl": callback.lifecycle_url,
            "resource": RESOURCE,
            "expirationDateTime": _text(until),
            "clientState": callback.secret,
        }
        return _watch(
            await self._graph.fetch(
                self._graph.write("office365.subscribe", "POST", "/subscriptions", body), _SUBSCRIPTION.decode
            )
        )

    async def extend(self, watch: Watch, url: str, *, until: datetime) -> Watch | None:
        """The subscription for longer; this also shows Graph a good token. None when it is gone, or tells another
        address: that could be changed, but not the one of its lifecycle.
        https://learn.microsoft.com/graph/api/subscription-update
        """
        call = self._graph.write(
            "office365.renew_subscription", "PATCH", _path(watch), {"expirationDateTime": _text(until)}
        )
        try:
            subscription = await self._graph.fetch(call, _SUBSCRIPTION.decode)
        except EventNotFound:
            return None
        return _watch(subscription) if subscription.notification_url in {url, None} else None

    async def stop(self, watch: Watch) -> None:
        """Unsubscribe."""
        try:
            await self._graph.send(self._graph.write("office365.unsubscribe", "DELETE", _path(watch)))
        except EventNotFound:
            return


def signals(query: Mapping[str, str], body: bytes) -> Handshake | Sequence[Signal]:
    """What a delivery says, to either URL."""
    token = query.get("validationToken")
    if token is not None:
        return Handshake(token[:_LONGEST_TOKEN])
    try:
        delivery = _DELIVERY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(
        Signal(item.subscription_id, item.client_state or "", _news(item))
        for item in delivery.value
        if item.subscription_id
    )


def _news(item: _Notification) -> News:
    """An unknown word of the lifecycle is taken for a change: asking once too often does no harm."""
    return News.CHANGED if item.lifecycle_event is None else _LIFECYCLE.get(item.lifecycle_event, News.CHANGED)


def _watch(subscription: _Subscription) -> Watch:
    expires = subscription.expiration_date_time
    return Watch(subscription.id, None, expires if expires.tzinfo else expires.replace(tzinfo=UTC))


def _path(watch: Watch) -> str:
    return f"/subscriptions/{watch.channel_id}"


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
