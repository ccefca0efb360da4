"""Subscriptions: who wants to hear what changes in a mailbox. No HTTP but what the courier does.

The one rule: a notification names the event in the format its subscription was made in, and carries nothing else of it.
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args
from uuid import uuid4

from sandbox.clock import Clock
from sandbox.microsoft.grants import Grant
from sandbox.microsoft.ids import EventId, immutable_id, mutable_id
from sandbox.microsoft.knobs import Knobs
from sandbox.microsoft.times import Json, utc_text
from sandbox.push import Courier, Message, Note

ChangeType = Literal["created", "updated", "deleted"]
CHANGE_TYPES: tuple[ChangeType, ...] = get_args(ChangeType)
Lifecycle = Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]
# How a subscription came to its end. `dropped`: Graph forgot it without a word; `removed`: it said so.
Ending = Literal["deleted", "expired", "dropped", "removed"]


@dataclass(frozen=True)
class Touch:
    """What happened to one event or occurrence of a mailbox."""

    change: ChangeType
    where: EventId
    calendar: bytes
    etag: str


@dataclass
class Subscription:
    """One webhook for one calendar of a mailbox. `paused` until the app authorizes it again."""

    id: str
    account: str
    oid: str
    tenant: str
    grant: Grant
    resource: str
    calendar: bytes
    changes: frozenset[ChangeType]
    url: str
    lifecycle_url: str | None
    client_state: str | None
    immutable_ids: bool
    tls: str
    created_at: datetime
    expires_at: datetime
    paused: bool = False
    ended: Ending | None = None

    def covers(self, touch: Touch) -> bool:
        return touch.change in self.changes and self.calendar == touch.calendar


class Subscriptions:
    """All subscriptions, living and ended."""

    def __init__(self, clock: Clock, knobs: Callable[[], Knobs]) -> None:
        self._clock = clock
        self.courier = Courier(now=clock.now, knobs=knobs, render=_render, retries=_is_failure)
        self._by_id: dict[str, Subscription] = {}
        self._by_account: dict[str, list[Subscription]] = {}

    def reset(self) -> None:
        """Forget all subscriptions and end what is on its way."""
        self._by_id.clear()
        self._by_account.clear()
        self.courier.reset()

    def add(self, subscription: Subscription) -> None:
        self._by_id[subscription.id] = subscription
        self._by_account.setdefault(subscription.account, []).append(subscription)

    def find(self, subscription_id: str) -> Subscription | None:
        """A living one."""
        found = self._by_id.get(subscription_id.lower())
        return found if found is not None and self.is_alive(found) else None

    def all(self) -> list[Subscription]:
        """In the order they were made, with `ended` as it is now."""
        for subscription in self._by_id.values():
            self.is_alive(subscription)
        return list(self._by_id.values())

    def watch(self, account: str) -> bool:
        """Whether anybody ever subscribed to a mailbox."""
        return account in self._by_account

    def of(self, account: str) -> list[Subscription]:
        """The living ones of a mailbox, whichever app made them."""
        return [each for each in self._by_account.get(account, ()) if self.is_alive(each)]

    def is_alive(self, subscription: Subscription) -> bool:
        """Whether Graph still knows it; notes down its expiry."""
        if subscription.ended is None and subscription.expires_at <= self._clock.now():
            subscription.ended = "expired"
        return subscription.ended is None

    def delivers(self, subscription: Subscription) -> bool:
        """Alive, and the app still may read the mailbox. What happens otherwise is lost, not kept."""
        return self.is_alive(subscription) and not subscription.paused and not subscription.grant.over

    # what happens -------------------------------------------------------------------------------

    def changed(self, account: str, touch: Touch) -> None:
        """An event of a mailbox is not as it was."""
        for subscription in self._by_account.get(account, ()):
            if not subscription.covers(touch):
                continue
            if self.delivers(subscription):
                self._tell(subscription, touch)
            elif subscription.ended is not None and self.courier.faults.claim("after_stop", subscription.id):
                self._tell(subscription, touch, posthumous=True)

    def _tell(self, subscription: Subscription, touch: Touch, *, posthumous: bool = False) -> None:
        folder = None if subscription.immutable_ids else touch.calendar
        where = replace(touch.where, folder=folder)
        event_id = immutable_id(where) if folder is None else mutable_id(where)
        path = f"Users/{subscription.oid}/Events/{event_id}"
        content: Json = {
            **_head(subscription),
            "changeType": touch.change,
            "resource": path,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Event",
                "@odata.id": path,
                "@odata.etag": touch.etag,
                "id": event_id,
            },
        }
        self.courier.submit(
            Note(
                watch=subscription.id,
                lane=f"changes {subscription.url}",
                url=subscription.url,
                kind=touch.change,
                content=content,
                secret=subscription.client_state,
                wanted=lambda: posthumous or self.delivers(subscription),
            )
        )

    def tell_lifecycle(self, subscription: Subscription, event: Lifecycle, *, pause: bool) -> bool:
        """Send a lifecycle notification; False where the subscription has no address for those.

        A removal ends the subscription either way; `pause` holds it until it is authorized again.
        """
        if event == "subscriptionRemoved":
            subscription.ended = "removed"
        elif event == "reauthorizationRequired":
            subscription.paused = pause
        if subscription.lifecycle_url is None:
            return False
        self.courier.submit(
            Note(
                watch=subscription.id,
                lane=f"lifecycle {subscription.lifecycle_url}",
                url=subscription.lifecycle_url,
                kind=event,
                content={**_head(subscription), "lifecycleEvent": event},
                secret=subscription.client_state,
            )
        )
        return True


def _head(subscription: Subscription) -> Json:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": utc_text(subscription.expires_at),
        "tenantId": subscription.tenant,
    }


def _render(notes: Sequence[Note]) -> Message:
    """All notes of one address in one request."""
    value = [{**note.content, "clientState": note.secret} for note in notes]
    headers = {"Content-Type": "application/json; charset=utf-8", "client-request-id": str(uuid4())}
    return Message(headers, json.dumps({"value": value}, separators=(",", ":")).encode())


def _is_failure(status: int | None) -> bool:
    return status is None or not 200 <= status < 300
