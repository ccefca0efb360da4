"""Subscribe, GetEvents and Unsubscribe.

The one rule: who hears what happens in a mailbox is its owner, and each subscription is read by its creator alone.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from sandbox.exchange.call import Call, answer
from sandbox.exchange.errors import Refusal
from sandbox.exchange.events import EventKind
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.notifications import notification
from sandbox.exchange.reading import Node
from sandbox.exchange.subscriptions import STREAMING_IDLE, Subscription, Way

_WAYS: Mapping[str, Way] = {
    "m:PullSubscriptionRequest": "pull",
    "m:PushSubscriptionRequest": "push",
    "m:StreamingSubscriptionRequest": "streaming",
}
_LONGEST_URL = 2083


def subscribe(call: Call) -> Markup:
    def run() -> list[Markup]:
        subscription = _create(call, call.body.children[0])
        named = element("m:SubscriptionId", subscription.id)
        if subscription.way == "streaming":
            return [named]
        return [named, element("m:Watermark", subscription.watermark)]

    return answer(call, "Subscribe", [run])


def _create(call: Call, request: Node) -> Subscription:
    folders = _folders(call, request)
    subscriptions, owner = call.world.subscriptions, call.mailbox.email
    limit = call.world.knobs.max_subscriptions
    if limit is not None and len(subscriptions.of(owner)) >= limit:
        raise Refusal("ErrorExceededSubscriptionCount")
    kinds: list[EventKind] = [node.text for node in request.find("t:EventTypes") or ()]  # type: ignore[misc]
    subscription = subscriptions.add(
        _WAYS[request.name],
        owner=owner,
        table=call.mailbox.events,
        folders=folders,
        kinds=frozenset(kinds),
        idle=_idle(request),
        watermark=request.text_of("t:Watermark"),
        url=_url(request),
    )
    if subscription.way == "push":
        call.world.pusher.follow(subscription)
    return subscription


def _idle(request: Node) -> timedelta:
    minutes = request.text_of("t:Timeout") or request.text_of("t:StatusFrequency")
    return timedelta(minutes=int(minutes)) if minutes is not None else STREAMING_IDLE


def _url(request: Node) -> str:
    """Where notifications are pushed to: any address of the web."""
    url = (request.text_of("t:URL") or "").strip()
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and len(url) < _LONGEST_URL
        valid = valid and (parts.port or 1) > 0 and url.isprintable()
    except ValueError:
        valid = False
    if request.name == "m:PushSubscriptionRequest" and not valid:
        raise Refusal("ErrorInvalidPushSubscriptionUrl")
    return url


def _folders(call: Call, request: Node) -> frozenset[str] | None:
    """The folders to watch, by id; None: all of the caller's mailbox."""
    everything = request.attributes.get("SubscribeToAllFolders") in {"true", "1"}
    named = request.find("t:FolderIds")
    if everything == (named is not None):
        raise Refusal("ErrorInvalidSubscriptionRequest")
    if named is None:
        if not call.mailbox.enabled:
            raise Refusal("ErrorMissingEmailAddress")
        return None
    folders = [call.folder(node) for node in named]
    if any(folder.mailbox is not call.mailbox for folder in folders):
        raise Refusal("ErrorSubscriptionDelegateAccessNotSupported")
    return frozenset(folder.id for folder in folders)


def get_events(call: Call) -> Markup:
    def run() -> list[Markup]:
        subscription = _find_pull(call)
        if call.body.text_of("m:Watermark") != subscription.watermark:
            raise Refusal("ErrorInvalidWatermark")
        subscriptions = call.world.subscriptions
        told, position = notification(subscriptions, subscription)
        subscriptions.advance(subscription, position)
        return [told]

    return answer(call, "GetEvents", [run])


def unsubscribe(call: Call) -> Markup:
    def run() -> list[Markup]:
        subscription = _find(call)
        if subscription.way == "push":
            raise Refusal("ErrorInvalidPullSubscriptionId")
        call.world.subscriptions.end(subscription, "ErrorSubscriptionUnsubscribed")
        return []

    return answer(call, "Unsubscribe", [run])


def _find(call: Call) -> Subscription:
    return call.world.subscriptions.find(call.body.text_of("m:SubscriptionId") or "", call.mailbox.email)


def _find_pull(call: Call) -> Subscription:
    subscription = _find(call)
    if subscription.way != "pull":
        raise Refusal("ErrorInvalidPullSubscriptionId")
    return subscription
