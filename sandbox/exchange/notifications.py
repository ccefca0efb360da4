"""How notifications are written: what a subscription has not heard of yet, event by event.

The one rule: where nothing happened that is said too, with the watermark the client has.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/notification-ex15websvcsotherref
"""

from sandbox.exchange.events import Event, Subject
from sandbox.exchange.ids import bare_change_key
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.subscriptions import MOST_EVENTS, Subscription, Subscriptions
from sandbox.exchange.times import utc


def notification(subscriptions: Subscriptions, subscription: Subscription) -> tuple[Markup, int]:
    """The next events of a subscription, and the position behind them."""
    waiting = subscription.waiting(MOST_EVENTS + 1)
    page = waiting[:MOST_EVENTS]
    told = [_event(event, subscriptions.watermark(subscription, position)) for position, event in page]
    if not told:
        told = [element("t:StatusEvent", element("t:Watermark", subscription.watermark))]
    written = element(
        "m:Notification",
        element("t:SubscriptionId", subscription.id),
        element("t:PreviousWatermark", subscription.watermark),
        element("t:MoreEvents", boolean(len(waiting) > MOST_EVENTS)),
        *told,
    )
    return written, page[-1][0] if page else subscription.position


def streamed(subscription: Subscription, events: list[Event]) -> Markup:
    """The same in a stream, which has no watermarks."""
    told = [_event(event, None) for event in events] or [element("t:StatusEvent")]
    return element("m:Notification", element("t:SubscriptionId", subscription.id), *told)


def _event(event: Event, watermark: str | None) -> Markup:
    old = _subject(event.old, "Old") if event.old is not None else ()
    counted = event.kind == "ModifiedEvent" and event.subject.is_folder
    return element(
        f"t:{event.kind}",
        element("t:Watermark", watermark) if watermark is not None else None,
        element("t:TimeStamp", utc(event.at)),
        *_subject(event.subject),
        *old,
        element("t:UnreadCount", "0") if counted else None,
    )


def _subject(subject: Subject, prefix: str = "") -> tuple[Markup, Markup]:
    kind = "FolderId" if subject.is_folder else "ItemId"
    return (
        element(f"t:{prefix}{kind}", Id=subject.id, ChangeKey=bare_change_key(folder=subject.is_folder)),
        element(f"t:{prefix}ParentFolderId", Id=subject.parent, ChangeKey=bare_change_key(folder=True)),
    )
