"""Streaming subscriptions: an answer that stays open, what it says, and what ends it."""

import threading

import pytest
from exchangelib.properties import CreatedEvent
from exchangelib.services import GetStreamingEvents

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import AT, UNTIL, get_events, get_streaming_events, subscribe, unsubscribe


def subscribed(exchange, *kinds):
    answer = exchange.soap(subscribe(*(kinds or ("CreatedEvent",)), way="Streaming"))
    assert answer.codes() == ["NoError"]
    assert answer.all("//m:Watermark") == []
    return answer.text("//m:SubscriptionId")


def after(exchange, seconds):
    exchange.control("POST", "/clock", {"advance": seconds})


def status(answer):
    assert answer.codes() == ["NoError"]
    return [node.text for node in answer.all("//m:ConnectionStatus")]


def told(answer):
    return answer.names("//m:Notification/*[local-name() != 'SubscriptionId']")


def test_what_happens_is_told_at_once_until_the_time_is_up(exchange):
    subscription = subscribed(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        assert status(next(answers)) == ["OK"]
        for _ in range(2):
            made(exchange)
            answer = next(answers)
            assert told(answer) == ["CreatedEvent"]
            assert answer.text("//t:SubscriptionId") == subscription
            assert answer.all("//t:Watermark") == []
        after(exchange, 60)
        last = list(answers)
    assert status(last[-1]) == ["Closed"]
    assert [told(answer) for answer in last[:-1]] in ([], [["StatusEvent"]])


def test_what_happened_before_it_was_open_is_told_first(exchange):
    subscription = subscribed(exchange)
    made(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        next(answers)
        assert told(next(answers)) == ["CreatedEvent"]


def test_it_beats_while_nothing_happens(exchange):
    exchange.control("PATCH", "/knobs", {"heartbeat": 20})
    subscription = subscribed(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        next(answers)
        for _ in range(2):
            after(exchange, 21)
            assert told(next(answers)) == ["StatusEvent"]


def test_one_stream_reads_many_subscriptions(exchange):
    first, second = subscribed(exchange), subscribed(exchange, "DeletedEvent", "CreatedEvent")
    with exchange.stream(get_streaming_events(first, second)) as answers:
        next(answers)
        made(exchange)
        answer = next(answers)
    assert [node.text for node in answer.all("//m:Notification/t:SubscriptionId")] == [first, second]


def test_a_stream_goes_on_where_the_last_one_ended(exchange):
    subscription = subscribed(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        next(answers)
        made(exchange)
        assert told(next(answers)) == ["CreatedEvent"]
        after(exchange, 60)
        list(answers)
    made(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        next(answers)
        assert told(next(answers)) == ["CreatedEvent"]


def test_unsubscribing_ends_the_stream(exchange):
    subscription = subscribed(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        next(answers)
        assert exchange.soap(unsubscribe(subscription)).codes() == ["NoError"]
        (last,) = answers
    assert last.codes() == ["ErrorSubscriptionUnsubscribed"]
    assert last.text("//m:ErrorSubscriptionIds/m:SubscriptionId") == subscription
    assert last.text("//m:ConnectionStatus") == "Closed"


def test_another_stream_takes_the_subscription_over(exchange):
    subscription = subscribed(exchange)
    with exchange.stream(get_streaming_events(subscription)) as first:
        next(first)
        with exchange.stream(get_streaming_events(subscription)) as second:
            assert status(next(second)) == ["OK"]
            (last,) = first
            assert last.codes() == ["ErrorNewEventStreamConnectionOpened"]
            made(exchange)
            assert told(next(second)) == ["CreatedEvent"]


def test_one_subscription_that_is_none_refuses_all(exchange):
    good = subscribed(exchange)
    pull = exchange.soap(subscribe()).text("//m:SubscriptionId")
    for bad, code in (("rubbish", "ErrorInvalidSubscription"), (pull, "ErrorInvalidSubscription")):
        answer = exchange.soap(get_streaming_events(good, bad))
        assert answer.codes() == [code]
        assert answer.text("//m:ErrorSubscriptionIds/m:SubscriptionId") == bad
        assert answer.text("//m:ConnectionStatus") == "Closed"
    exchange.account("bo@example.com")
    refused = exchange.soap(get_streaming_events(good), email="bo@example.com")
    assert refused.codes() == ["ErrorSubscriptionAccessDenied"]
    assert exchange.soap(get_events(good, "x")).codes() == ["ErrorInvalidPullSubscriptionId"]


def test_it_stays_open_for_one_minute_to_thirty(exchange):
    for minutes, words in ((0, "MinInclusive"), (31, "MaxInclusive")):
        answer = exchange.soap(get_streaming_events("x", minutes=minutes))
        assert answer.codes() == ["ErrorSchemaValidation"]
        assert words in answer.text("//t:Violation")


def test_an_unread_subscription_ends_after_thirty_minutes(exchange):
    subscription = subscribed(exchange)
    after(exchange, 31 * 60)
    assert exchange.soap(get_streaming_events(subscription)).codes() == ["ErrorSubscriptionNotFound"]


def test_an_account_has_so_many_streams_open_and_calls_beside_them(exchange):
    exchange.control("PATCH", "/knobs", {"max_streams": 1, "max_concurrency": 1})
    subscription = subscribed(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        next(answers)
        refused = exchange.soap(get_streaming_events(subscription))
        assert (refused.status, refused.codes()) == (500, ["ErrorExceededConnectionCount"])
        after(exchange, 60)
        list(answers)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        assert status(next(answers)) == ["OK"]


def test_a_client_that_is_gone_leaves_nothing_behind(exchange):
    exchange.control("PATCH", "/knobs", {"max_streams": 1})
    subscription = subscribed(exchange)
    with exchange.stream(get_streaming_events(subscription)) as answers:
        next(answers)
    codes = ["ErrorExceededConnectionCount"]
    for _ in range(100):
        with exchange.stream(get_streaming_events(subscription)) as answers:
            codes = next(answers).codes()
        if codes == ["NoError"]:
            return
    pytest.fail(f"the stream stays open: {codes}")


def test_a_fault_cuts_a_stream_before_it_begins(exchange):
    subscription = subscribed(exchange)
    exchange.fault("server_busy", match={"query": "op=GetStreamingEvents"})
    assert exchange.soap(get_streaming_events(subscription)).codes() == ["ErrorServerBusy"]
    exchange.fault("item_error", body="ErrorMailboxStoreUnavailable", match={"query": "op=GetStreamingEvents"})
    assert exchange.soap(get_streaming_events(subscription)).codes() == ["ErrorMailboxStoreUnavailable"]
    with exchange.stream(get_streaming_events(subscription)) as answers:
        assert status(next(answers)) == ["OK"]


def test_streaming_came_with_the_first_service_pack_of_2010(exchange):
    for body in (subscribe(way="Streaming"), get_streaming_events("x")):
        assert exchange.soap(body, version="Exchange2010").codes() == ["ErrorSchemaValidation"]


def test_exchangelib_streams(exchange):
    with exchange.client() as account:
        folder = account.calendar
        subscription = folder.subscribe_to_streaming(event_types=["CreatedEvent"])
        exchange.human("ada@example.com", {"subject": "first", "start": AT, "end": UNTIL})
        second = threading.Timer(
            0.2, exchange.human, ("ada@example.com", {"subject": "second", "start": AT, "end": UNTIL})
        )
        second.start()
        notifications = list(folder.get_streaming_events(subscription, max_notifications_returned=2))
        second.join()
        assert [type(event) for each in notifications for event in each.events] == [CreatedEvent] * 2
        assert {each.subscription_id for each in notifications} == {subscription}
        assert folder.unsubscribe(subscription)


def test_exchangelib_reads_a_stream_to_its_end(exchange):
    with exchange.client() as account:
        subscription = account.calendar.subscribe_to_streaming()
        service = GetStreamingEvents(account=account)
        ending = threading.Timer(0.2, after, (exchange, 60))
        ending.start()
        for each in service.call(subscription_ids=[subscription], connection_timeout=1):
            assert [type(event).__name__ for event in each.events] == ["StatusEvent"]
        ending.join()
        assert service.connection_status == service.CLOSED
