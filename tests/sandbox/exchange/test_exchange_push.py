"""Push subscriptions: what is posted, what the listener may answer, and how often it is tried. Over real sockets."""

from itertools import pairwise

import httpx
import pytest
from exchangelib.services import SendNotification

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.live import MESSAGES, SOAP, read_answer
from tests.sandbox.exchange.soap_bodies import AT, UNTIL, get_events, pushed_to, subscribe, unsubscribe

OK, UNSUBSCRIBE = "OK", "Unsubscribe"


@pytest.fixture
def exchange(exchange):
    exchange.control("PATCH", "/knobs", {"push_backoff": 0.01})
    return exchange


@pytest.fixture
def hook(exchange, hook):
    """It agrees; and when it closes, Exchange has nothing left to tell it."""
    answers(hook, OK)
    yield hook
    exchange.control("POST", "/reset")


def answers(hook, *results):
    """What the listener says, one after the other; the last one for good. A number is a status, None is silence."""
    waiting = list(results)

    def answer(_):
        result = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(result, int):
            return result, "text/plain", b""
        told = f"<SendNotificationResult xmlns='{MESSAGES}'><SubscriptionStatus>{result}</SubscriptionStatus>"
        body = f"<s:Envelope xmlns:s='{SOAP}'><s:Body>{told}</SendNotificationResult></s:Body></s:Envelope>"
        return 200, "text/xml; charset=utf-8", (body if result is not None else "").encode()

    hook.answer = answer


def subscribed(exchange, hook, *, minutes=30):
    answer = exchange.soap(subscribe("CreatedEvent", way="Push", tail=pushed_to(f"{hook.url}/ews", minutes)))
    assert answer.codes() == ["NoError"]
    return answer.text("//m:SubscriptionId"), answer.text("//m:Watermark")


def read(got):
    return read_answer(200, httpx.Headers(got.headers), got.body)


def told(got):
    """The kinds of events of a notification."""
    return read(got).names("//m:Notification/*[substring(local-name(), string-length(local-name()) - 4) = 'Event']")


def deliveries(exchange, subscription):
    return exchange.control("GET", "/push/deliveries", watch=subscription, settled="true")


def test_the_listener_hears_at_once_that_nothing_happened_and_then_what_does(exchange, hook):
    subscription, watermark = subscribed(exchange, hook)
    (first,) = hook.wait(1)
    assert (first.path, first.headers["content-type"]) == ("/ews", "text/xml; charset=utf-8")
    assert first.headers["soapaction"] == f'"{MESSAGES}/SendNotification"'
    answer = read(first)
    assert answer.one("//s:Header/t:RequestServerVersion").get("Version") == "Exchange2010_SP2"
    assert answer.text("//m:SendNotification//t:SubscriptionId") == subscription
    assert answer.text("//t:PreviousWatermark") == answer.text("//t:StatusEvent/t:Watermark") == watermark
    deliveries(exchange, subscription)
    made(exchange)
    second = hook.wait(2)[1]
    assert told(second) == ["CreatedEvent"]
    assert read(second).text("//t:PreviousWatermark") == watermark
    deliveries(exchange, subscription)
    made(exchange)
    third = hook.quiet(3)[2]
    assert read(third).text("//t:PreviousWatermark") == read(second).text("//t:CreatedEvent/t:Watermark")


def test_what_comes_while_the_listener_thinks_is_told_behind(exchange, hook):
    subscription, _ = subscribed(exchange, hook)
    deliveries(exchange, subscription)
    hook.sleep = 0.1
    for _ in range(3):
        made(exchange)
    deliveries(exchange, subscription)
    assert sum(told(got).count("CreatedEvent") for got in hook.got) == 3


def test_unsubscribe_ends_it(exchange, hook):
    subscription, watermark = subscribed(exchange, hook)
    deliveries(exchange, subscription)
    answers(hook, UNSUBSCRIBE)
    made(exchange)
    hook.wait(2)
    deliveries(exchange, subscription)
    made(exchange)
    hook.quiet(2)
    assert exchange.soap(get_events(subscription, watermark)).codes() == ["ErrorSubscriptionNotFound"]


@pytest.mark.parametrize("trouble", [500, 204, None, "Maybe"])
def test_what_is_not_taken_is_sent_again(exchange, hook, trouble):
    answers(hook, trouble, trouble, OK)
    subscription, _ = subscribed(exchange, hook)
    hook.quiet(3)
    log = deliveries(exchange, subscription)
    assert [(each["number"], each["status"] == 200) for each in log] == [(1, False), (2, False), (3, True)]


def test_the_wait_doubles(exchange, hook):
    exchange.control("PATCH", "/knobs", {"push_backoff": 0.05})
    answers(hook, 500, 500, 500, OK)
    subscribed(exchange, hook)
    times = [got.at for got in hook.wait(4)]
    waits = [after - before for before, after in pairwise(times)]
    assert [wait >= 0.05 * 2**number for number, wait in enumerate(waits)] == [True] * 3


@pytest.mark.parametrize(("minutes", "retries"), [(1, 2), (5, 4), (30, 6)])
def test_it_is_tried_for_as_long_as_the_status_frequency_says(exchange, hook, minutes, retries):
    exchange.control("PATCH", "/knobs", {"push_backoff": 0.001})
    answers(hook, 500)
    subscription, watermark = subscribed(exchange, hook, minutes=minutes)
    hook.quiet(1 + retries)
    deliveries(exchange, subscription)
    assert exchange.soap(get_events(subscription, watermark)).codes() == ["ErrorSubscriptionNotFound"]


def test_a_retry_brings_what_came_since(exchange, hook):
    subscription, watermark = subscribed(exchange, hook)
    deliveries(exchange, subscription)
    exchange.control("PATCH", "/knobs", {"push_backoff": 0.2})
    answers(hook, 500, OK)
    made(exchange)
    hook.wait(2)
    made(exchange)
    last = hook.quiet(3)[2]
    assert told(last) == ["CreatedEvent"] * 2
    assert read(last).text("//t:PreviousWatermark") == watermark


def test_the_listener_is_told_now_and_then_that_nothing_happens(exchange, hook):
    subscription, _ = subscribed(exchange, hook, minutes=5)
    deliveries(exchange, subscription)
    exchange.control("POST", "/clock", {"advance": 290})
    hook.quiet(1)
    exchange.control("POST", "/clock", {"advance": 10})
    assert told(hook.wait(2)[1]) == ["StatusEvent"]


def test_a_lost_push_is_made_up_for(exchange, hook):
    subscription, _ = subscribed(exchange, hook)
    deliveries(exchange, subscription)
    exchange.control("POST", "/push/faults", {"kind": "drop"})
    made(exchange)
    deliveries(exchange, subscription)
    hook.quiet(1)
    made(exchange)
    assert told(hook.wait(2)[1]) == ["CreatedEvent"] * 2


def test_a_push_subscription_is_neither_asked_nor_ended(exchange, hook):
    subscription, watermark = subscribed(exchange, hook)
    for body in (get_events(subscription, watermark), unsubscribe(subscription)):
        assert exchange.soap(body).codes() == ["ErrorInvalidPullSubscriptionId"]


@pytest.mark.parametrize(
    "url", ["", "nowhere", "ftp://host.example/", "http://", "http://host:port/", f"http://host/{'x' * 2083}"]
)
def test_an_address_that_is_none_is_refused(exchange, url):
    refused = exchange.soap(subscribe(way="Push", tail=pushed_to(url)))
    assert refused.codes() == ["ErrorInvalidPushSubscriptionUrl"]


@pytest.mark.parametrize("minutes", [0, 1441])
def test_the_status_frequency_is_a_minute_to_a_day(exchange, minutes):
    refused = exchange.soap(subscribe(way="Push", tail=pushed_to("http://host/", minutes)))
    assert refused.codes() == ["ErrorSchemaValidation"]


def test_exchangelib_is_pushed_to(exchange, hook):
    with exchange.client() as account:
        service = SendNotification(protocol=None)
        payloads = iter([service.ok_payload(), service.unsubscribe_payload()])
        hook.answer = lambda _: (200, "text/xml; charset=utf-8", next(payloads))
        subscription, watermark = account.calendar.subscribe_to_push(f"{hook.url}/ews")
        hook.wait(1)
        exchange.human("ada@example.com", {"subject": "x", "start": AT, "end": UNTIL})
        hook.wait(2)
        deliveries(exchange, subscription)
        notifications = [each for got in hook.got for each in service.parse(got.body)]
        assert [each.subscription_id for each in notifications] == [subscription] * 2
        assert notifications[0].previous_watermark == watermark
        assert type(notifications[1].events[0]).__name__ == "CreatedEvent"
        assert exchange.soap(unsubscribe(subscription)).codes() == ["ErrorSubscriptionNotFound"]
