"""Subscriptions: who wants to hear what happens in a mailbox, and how far each has heard. No HTTP, no XML.

The one rule: a subscription is its creator's, and lives for as long as it is used; an id that was given out and is no
longer alive is not found.
https://learn.microsoft.com/exchange/client-developer/exchange-web-services/notification-subscriptions-mailbox-events-and-ews-in-exchange
"""

import base64
import binascii
import struct
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sandbox.clock import Clock
from sandbox.exchange.errors import Refusal
from sandbox.exchange.events import Event, EventKind, EventTable

Way = Literal["pull", "push", "streaming"]
MOST_EVENTS = 50
# A streaming subscription without a connection.
STREAMING_IDLE = timedelta(minutes=30)
_SERVER = b"exch01.sandbox.example"


@dataclass(eq=False)
class Subscription:
    """`folders` None: all of the mailbox. `position` is how many entries of the table it has passed.

    `watermark` is the last its client was told. `idle` is how long it may go unused; one that is pushed is told
    something then. `failures` counts the pushes in a row that nobody took. `holder` is the stream open on it: while
    there is one it lives. `ended` is the code that says why it is over.
    """

    id: str
    way: Way
    owner: str
    table: EventTable
    folders: frozenset[str] | None
    kinds: frozenset[EventKind]
    idle: timedelta
    position: int
    watermark: str
    used_at: datetime
    url: str = ""
    failures: int = 0
    holder: object = None
    ended: str | None = None
    listeners: set[Callable[[], None]] = field(default_factory=set)

    def wake(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def covers(self, event: Event) -> bool:
        return event.kind in self.kinds and (self.folders is None or event.touches(self.folders))

    def waiting(self, most: int = MOST_EVENTS) -> list[tuple[int, Event]]:
        """The next events it has not heard of, each with the position behind it."""
        entries = enumerate(self.table.entries[self.position :], start=self.position + 1)
        found: list[tuple[int, Event]] = []
        for position, event in entries:
            if self.covers(event):
                found.append((position, event))
                if len(found) == most:
                    break
        return found


class Subscriptions:
    """All that are alive, and how many streams each account has open."""

    def __init__(self, clock: Clock, secret: bytes) -> None:
        self._clock = clock
        self._secret = secret
        self._by_id: dict[str, Subscription] = {}
        self.streams: Counter[str] = Counter()

    def forget(self, owner: str | None = None) -> None:
        """Lose those of an account or all, as when the service is restarted."""
        for subscription in list(self._by_id.values()):
            if owner is None or subscription.owner == owner:
                self.end(subscription)

    def of(self, owner: str) -> list[Subscription]:
        """An account's, alive."""
        return [one for one in list(self._by_id.values()) if one.owner == owner and self._is_alive(one)]

    def add(
        self,
        way: Way,
        *,
        owner: str,
        table: EventTable,
        folders: frozenset[str] | None,
        kinds: frozenset[EventKind],
        idle: timedelta,
        watermark: str | None = None,
        url: str = "",
    ) -> Subscription:
        """From now on, or from a watermark on. Raises Refusal where that is not of the mailbox, or too old."""
        now = self._clock.now()
        position = table.end if watermark is None else table.find(watermark, self._secret, now)
        if position is None:
            raise Refusal("ErrorInvalidWatermark")
        told = table.watermark(position, self._secret)
        subscription = Subscription(_new_id(), way, owner, table, folders, kinds, idle, position, told, now, url)
        self._by_id[subscription.id] = subscription
        return subscription

    def find(self, subscription_id: str, caller: str) -> Subscription:
        """A living one of the caller's. Raises Refusal."""
        if not _is_well_formed(subscription_id):
            raise Refusal("ErrorInvalidSubscription")
        found = self._by_id.get(subscription_id)
        if found is None or not self._is_alive(found):
            raise Refusal("ErrorSubscriptionNotFound")
        if found.owner != caller:
            raise Refusal("ErrorSubscriptionAccessDenied")
        return found

    def advance(self, subscription: Subscription, position: int) -> str:
        """Note what the client was told; returns the watermark of that place."""
        subscription.position = position
        subscription.watermark = self.watermark(subscription, position)
        subscription.used_at = self._clock.now()
        return subscription.watermark

    def watermark(self, subscription: Subscription, position: int) -> str:
        return subscription.table.watermark(position, self._secret)

    def end(self, subscription: Subscription, code: str = "ErrorInvalidSubscription") -> None:
        """It is over; whoever sends for it is woken to see that."""
        subscription.ended = code
        self._by_id.pop(subscription.id, None)
        subscription.wake()

    def _is_alive(self, subscription: Subscription) -> bool:
        unused = self._clock.now() - subscription.used_at > subscription.idle
        if unused and subscription.way != "push" and subscription.holder is None:
            self.end(subscription)
        return subscription.ended is None


def _new_id() -> str:
    unique = uuid.uuid4().bytes
    return base64.b64encode(struct.pack("<H", len(_SERVER)) + _SERVER + struct.pack("<I", 16) + unique).decode()


def _is_well_formed(subscription_id: str) -> bool:
    """Whether this server could have given it out: its name and a GUID."""
    try:
        raw = base64.b64decode(subscription_id, validate=True)
    except (binascii.Error, ValueError):
        return False
    return raw[2 : 2 + len(_SERVER)] == _SERVER and len(raw) == 2 + len(_SERVER) + 4 + 16
