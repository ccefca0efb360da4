"""GetStreamingEvents: an answer that stays open, an envelope for everything there is to tell.

The one rule: the world's clock says when a stream beats and ends; so that a test can move it, it is looked at often.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from sandbox.exchange.call import Call, fail_if_told, response
from sandbox.exchange.errors import Refusal
from sandbox.exchange.markup import SOAP, XSD, XSI, Markup, element
from sandbox.exchange.notifications import streamed
from sandbox.exchange.subscriptions import Subscription

_LOOK = 0.05


def get_streaming_events(call: Call) -> "Markup | Stream":
    """A stream; or what is wrong with one of its subscriptions, and then none is read."""
    named = call.body.find("m:SubscriptionIds")
    assert named is not None
    found: dict[str, Subscription] = {}
    refused: dict[str, Refusal] = {}
    for node in named:
        try:
            fail_if_told(call)
            found[node.text] = _find(call, node.text)
        except Refusal as refusal:
            refused[node.text] = refusal
    if refused:
        return _answer(_error(next(iter(refused.values())), *refused))
    limit = call.world.knobs.max_streams
    if limit is not None and call.world.subscriptions.streams[call.mailbox.email] >= limit:
        raise Refusal("ErrorExceededConnectionCount")
    return Stream(call, list(found.values()))


def _find(call: Call, subscription_id: str) -> Subscription:
    subscription = call.world.subscriptions.find(subscription_id, call.mailbox.email)
    if subscription.way != "streaming":
        raise Refusal("ErrorInvalidSubscription")
    return subscription


class Stream:
    """An answer under way. `close` ends it without another word, as when the client is gone."""

    def __init__(self, call: Call, subscriptions: list[Subscription]) -> None:
        self._call = call
        self._subscriptions = subscriptions
        self._minutes = timedelta(minutes=int(call.body.text_of("m:ConnectionTimeout") or 1))
        self._news = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        self._closed = True
        self._news.set()

    async def documents(self) -> AsyncGenerator[bytes]:
        """Envelopes, one after the other: first that it is open, last that it is closed."""
        with self._held():
            now = self._call.world.clock.now
            end = now() + self._minutes
            yield self._write(_success(_status("OK")))
            beat = self._next_beat()
            while not self._closed:
                self._news.clear()
                if (lost := self._lost()) is not None:
                    yield self._write(lost)
                    return
                told = self._told(beat=now() >= beat)
                if told:
                    yield self._write(_success(element("m:Notifications", *told)))
                    beat = self._next_beat()
                elif now() >= end:
                    yield self._write(_success(_status("Closed")))
                    return
                else:
                    await self._wait()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """While it is open its subscriptions are alive, and are told to nobody else."""
        streams, owner = self._call.world.subscriptions.streams, self._call.mailbox.email
        streams[owner] += 1
        for one in self._subscriptions:
            one.holder = self
            one.wake()
            one.listeners.add(self._news.set)
            one.table.listeners.add(self._news.set)
        try:
            yield
        finally:
            streams[owner] -= 1
            for one in self._subscriptions:
                one.listeners.discard(self._news.set)
                one.table.listeners.discard(self._news.set)
                if one.holder is self:
                    one.holder, one.used_at = None, self._call.world.clock.now()

    def _next_beat(self) -> datetime:
        return self._call.world.clock.now() + self._call.world.knobs.heartbeat

    def _lost(self) -> Markup | None:
        """The error that ends the stream, where a subscription is over or another stream took it."""
        over = {one.id: one.ended for one in self._subscriptions if one.ended is not None}
        taken = {one.id: "ErrorNewEventStreamConnectionOpened" for one in self._subscriptions if one.holder is not self}
        lost = {**taken, **over}
        return _error(Refusal(next(iter(lost.values()))), *lost) if lost else None

    def _told(self, *, beat: bool) -> list[Markup]:
        """What there is to tell of each subscription; to show a `beat`, that nothing happened too."""
        told = []
        for one in self._subscriptions:
            waiting = one.waiting()
            if waiting or beat:
                told.append(streamed(one, [event for _, event in waiting]))
            one.position = waiting[-1][0] if waiting else one.table.end
        return told

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await self._news.wait()

    def _write(self, message: Markup) -> bytes:
        """One envelope of several: its prefixes are other ones, and clients look for `<Envelope`.
        https://github.com/nmarus/node-ews/issues/56
        """
        header = element("soap11:Header", self._call.server.header(), xmlns_soap11=SOAP)
        body = element("soap11:Body", _answer(message), xmlns_soap11=SOAP, xmlns_xsi=XSI, xmlns_xsd=XSD)
        return str(element("Envelope", header, body, xmlns=SOAP)).encode()


# what it says -------------------------------------------------------------------------------------


def _answer(message: Markup) -> Markup:
    return response("GetStreamingEvents", element("m:ResponseMessages", message))


def _success(content: Markup) -> Markup:
    code = element("m:ResponseCode", "NoError")
    return element("m:GetStreamingEventsResponseMessage", code, content, ResponseClass="Success")


def _error(refusal: Refusal, *subscriptions: str) -> Markup:
    ids = (element("m:SubscriptionId", one) for one in subscriptions)
    return element(
        "m:GetStreamingEventsResponseMessage",
        *refusal.parts(),
        element("m:ErrorSubscriptionIds", *ids),
        _status("Closed"),
        ResponseClass="Error",
    )


def _status(status: str) -> Markup:
    return element("m:ConnectionStatus", status)
