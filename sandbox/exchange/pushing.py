"""Push subscriptions: SendNotification, posted to whoever listens, and what the listener answers.

The one rule: a subscription goes on from what its listener took. What nobody took is sent again with what came since,
for as long as the subscription's StatusFrequency says; then the subscription is over.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/statusfrequency
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from sandbox.clock import Clock
from sandbox.exchange.errors import envelope
from sandbox.exchange.markup import MESSAGES, TYPES, element
from sandbox.exchange.notifications import notification
from sandbox.exchange.reading import NotXml, read
from sandbox.exchange.subscriptions import Subscription, Subscriptions
from sandbox.push import Courier, Message, Note, PushKnobs, Reply

_FIRST_RETRY = timedelta(seconds=30)
_OK = 200
# The world's clock says when nothing was told for long enough; a test can move it, so it is looked at often.
_LOOK = 0.05
_HEADERS = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{MESSAGES}/SendNotification"'}


@dataclass(frozen=True, kw_only=True)
class Letter(Message):
    """A message that knows whom it is for, and how far its receiver has heard then."""

    subscription: Subscription
    position: int


class Pusher(Courier):
    """A courier that reads the answers."""

    def __init__(
        self,
        clock: Clock,
        subscriptions: Subscriptions,
        *,
        knobs: Callable[[], PushKnobs],
        version: Callable[[], str],
    ) -> None:
        super().__init__(now=clock.now, knobs=knobs, render=self._write, retries=lambda status: status != _OK)
        self._subscriptions = subscriptions
        self._version = version
        self._clock = clock
        self._followed: set[Subscription] = set()
        self._watching: asyncio.Task[None] | None = None

    def follow(self, subscription: Subscription) -> None:
        """Push what happens from now on, and first that nothing did."""
        news = partial(self._push_news, subscription)
        subscription.table.listeners.add(news)
        subscription.listeners.add(partial(self._leave, subscription, news))
        self._followed.add(subscription)
        self._push_status(subscription)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    def cancel(self) -> int:
        """What is under way never arrives; the next news or status goes out anew."""
        for subscription in self._followed:
            subscription.failures = 0
        return super().cancel()

    async def aclose(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await super().aclose()

    def _leave(self, subscription: Subscription, news: Callable[[], None]) -> None:
        subscription.table.listeners.discard(news)
        self._followed.discard(subscription)

    async def _watch(self) -> None:
        while self._followed:
            await asyncio.sleep(_LOOK)
            for subscription in tuple(self._followed):
                if not subscription.failures and self._clock.now() - subscription.used_at >= subscription.idle:
                    self._push_status(subscription)

    # what is sent -----------------------------------------------------------------------------

    def _push_status(self, subscription: Subscription) -> None:
        subscription.used_at = self._clock.now()
        self.submit(self._note(subscription, "status", lambda: self._still_tries(subscription)))

    def _push_news(self, subscription: Subscription) -> None:
        """Nothing goes out beside a message under way: its answer, or the next attempt, brings what came meanwhile."""
        turn = self._turns.get(subscription.id)
        under_way = subscription.failures or (turn is not None and turn.locked())
        if subscription.waiting(1) and not under_way:
            wanted = partial(self._still_has_news, subscription)
            self.submit(self._note(subscription, "events", wanted))

    @staticmethod
    def _note(subscription: Subscription, kind: str, wanted: Callable[[], bool]) -> Note:
        content = {"subscription": subscription}
        return Note(subscription.id, subscription.id, subscription.url, kind, content, coalesces=True, wanted=wanted)

    def _still_has_news(self, subscription: Subscription) -> bool:
        return self._still_tries(subscription) and bool(subscription.waiting(1))

    def _still_tries(self, subscription: Subscription) -> bool:
        """Whether another attempt is made. The wait before it doubles; one longer than StatusFrequency is the end."""
        if subscription.failures and _FIRST_RETRY * 2 ** (subscription.failures - 1) > subscription.idle:
            self._subscriptions.end(subscription)
        return subscription.ended is None

    def _write(self, notes: Sequence[Note]) -> Letter:
        subscription: Subscription = notes[0].content["subscription"]
        told, position = notification(self._subscriptions, subscription)
        message = element(
            "m:SendNotificationResponseMessage", element("m:ResponseCode", "NoError"), told, ResponseClass="Success"
        )
        sent = element("m:SendNotification", element("m:ResponseMessages", message), xmlns_m=MESSAGES, xmlns_t=TYPES)
        version = element("t:RequestServerVersion", Version=self._version(), xmlns_t=TYPES)
        body = envelope(element("s:Body", sent), version)
        return Letter(_HEADERS, body, subscription=subscription, position=position)

    # what comes back --------------------------------------------------------------------------

    async def post(self, url: str, message: Message, within: timedelta) -> Reply:
        """Of a letter the answer counts, not only its status."""
        reply = await super().post(url, message, within)
        return self._hear(message, reply) if isinstance(message, Letter) else reply

    def _hear(self, letter: Letter, reply: Reply) -> Reply:
        subscription, answer = letter.subscription, _read_answer(reply)
        if answer == "Unsubscribe":
            self._subscriptions.end(subscription, "ErrorSubscriptionUnsubscribed")
        elif answer == "OK":
            subscription.failures = 0
            self._subscriptions.advance(subscription, letter.position)
            asyncio.get_running_loop().call_soon(self._push_news, subscription)
        else:
            subscription.failures += 1
            if reply.status == _OK:
                return replace(reply, status=None, error="The answer has no SubscriptionStatus.")
        return reply


def _read_answer(reply: Reply) -> str | None:
    """The SubscriptionStatus of an answer, where it is one."""
    if reply.status != _OK:
        return None
    try:
        status = read(reply.text.encode()).at("s:Body", "m:SendNotificationResult", "m:SubscriptionStatus")
    except NotXml:
        return None
    return status.text.strip() if status is not None else None
