"""What channels carry, and how often it is tried: messages without bodies, bursts, retries. Over real sockets."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.sandbox.google.hooks import channel, deliveries, numbers, states, watch
from tests.sandbox.google.live import ADA, BO, meeting
from tests.sandbox.receiver import receiving


def test_every_change_is_told_with_a_rising_number(google, ada, hook):
    watch(ada, hook)
    event = ada.insert(meeting())
    hook.quiet(2)
    ada.patch(event["id"], {"summary": "Moved"})
    hook.quiet(3)
    google.human("PATCH", ADA, f"/{event['id']}", {"location": "Here"})
    hook.quiet(4)
    ada.delete(event["id"])
    hook.quiet(5)
    assert states(hook) == ["sync", "exists", "exists", "exists", "exists"]
    assert numbers(hook) == sorted(set(numbers(hook)))
    assert numbers(hook) != list(range(1, 6)), "they are not contiguous"
    assert all(got.body == b"" for got in hook.messages)


def test_a_refused_write_and_a_read_tell_nothing(google, ada, hook):
    watch(ada, hook)
    ada.page()
    ada.refused("events.insert", meeting(day="nonsense"), calendarId="primary")
    hook.quiet(1)


def test_an_invitation_tells_the_guests_channel_too(google, ada, hook):
    watch(google.api(BO), hook)
    ada.insert(meeting(attendees=[{"email": BO}]))
    assert [got.headers["x-goog-channel-id"] for got in hook.quiet(2)] == ["c-1", "c-1"]


def test_a_calendar_tells_its_own_channels_only(google, ada, hook):
    other = google.control("POST", f"/accounts/{ADA}/calendars", {"summary": "Other"})["id"]
    watch(ada, hook, "c-1")
    watch(ada, hook, "c-2", other)
    ada.insert(meeting(), other)
    assert [got.headers["x-goog-channel-id"] for got in hook.quiet(3)] == ["c-1", "c-2", "c-2"]


def test_a_list_tells_of_calendars_that_come_change_and_go(google, ada, hook):
    ada.ok("calendarList.watch", channel(hook))
    hook.wait(1)
    other = google.control("POST", f"/accounts/{ADA}/calendars", {"summary": "Other"})["id"]
    hook.quiet(2)
    ada.ok("calendarList.patch", {"summaryOverride": "Mine"}, calendarId=other)
    hook.quiet(3)
    google.control("DELETE", f"/calendars/{other}")
    hook.quiet(4)
    ada.insert(meeting())
    hook.quiet(4)
    assert states(hook) == ["sync", "exists", "exists", "exists"]


def test_a_burst_becomes_one_message(google, ada, hook):
    google.control("PATCH", "/knobs", {"push_settle": 0.3})
    ada.ok("events.watch", channel(hook), calendarId="primary")
    hook.wait(1)
    for hour in range(8, 14):
        google.human("POST", ADA, "", meeting(hour=hour))
    hook.quiet(2)
    assert numbers(hook)[1] > 6, "each change took a number"


def test_a_message_is_there_within_twenty_milliseconds(google, ada, hook):
    watch(ada, hook)
    waits = []
    for count in range(2, 9):
        google.human("POST", ADA, "", meeting())
        answered = time.monotonic()
        waits.append(hook.wait(count)[-1].at - answered)
    assert min(waits) < 0.020, f"undisturbed by others on this machine: {waits}"


def test_nobody_waits_for_a_slow_receiver(google, ada, hook):
    watch(ada, hook)
    hook.sleep = 0.5
    began = time.monotonic()
    ada.insert(meeting())
    assert time.monotonic() - began < 0.4
    hook.wait(2)


def test_many_channels_on_one_address_all_hear(google, ada, hook):
    for number in range(60):
        ada.ok("events.watch", channel(hook, f"c-{number}"), calendarId="primary")
    hook.wait(60)
    ada.insert(meeting())
    told = hook.quiet(120)[60:]
    assert sorted(got.headers["x-goog-channel-id"] for got in told) == sorted(f"c-{number}" for number in range(60))


def test_writes_from_many_sides_all_reach_the_channel(google, ada, hook):
    watch(ada, hook)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda hour: google.human("POST", ADA, "", meeting(hour=hour)), range(6, 18)))
    deliveries(google)
    assert numbers(hook) == sorted(set(numbers(hook))), "undisturbed, a channel keeps its order"
    assert 2 <= len(hook.messages) <= 13


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_receiver_is_tried_again_with_the_same_message(google, ada, hook, status):
    watch(ada, hook)
    hook.statuses = [status, status]
    ada.insert(meeting())
    told = hook.quiet(4)[1:]
    assert len({got.headers["x-goog-message-number"] for got in told}) == 1
    waits = [after.at - before.at for before, after in pairwise(told)]
    assert waits[0] >= 0.05
    assert waits[1] >= 0.1, "it backs off"
    log = deliveries(google)[1:]
    assert [(each["number"], each["status"]) for each in log] == [(1, status), (2, status), (3, 200)]
    assert all(each["ms"] > 0 for each in log)


def test_it_gives_up_after_some_attempts(google, ada, hook):
    google.control("PATCH", "/knobs", {"push_attempts": 3, "push_backoff": 0.01})
    watch(ada, hook)
    hook.status = 503
    ada.insert(meeting())
    hook.quiet(4)
    hook.status = 200
    ada.insert(meeting(hour=14))
    hook.quiet(5)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 429, 501])
def test_any_other_answer_is_final(google, ada, hook, status):
    watch(ada, hook)
    hook.statuses = [status]
    ada.insert(meeting())
    hook.quiet(2)
    assert [each["status"] for each in deliveries(google)] == [200, status]


def test_a_receiver_that_is_away_or_too_slow_is_tried_again(google, ada, hook):
    google.control("PATCH", "/knobs", {"push_timeout": 0.1, "push_attempts": 2, "push_backoff": 0.01})
    with receiving() as other:
        gone = other.url
    ada.ok("events.watch", channel(hook, address=f"{gone}/google"), calendarId="primary")
    log = deliveries(google)
    assert [(each["number"], each["status"]) for each in log] == [(1, None), (2, None)]
    assert log[0]["error"].startswith("ConnectError")
    hook.sleep = 0.3
    ada.ok("calendarList.watch", channel(hook, "c-2"))
    hook.wait(2)
    late = deliveries(google, watch="c-2")
    assert [each["error"] for each in late] == ["TimeoutError", "TimeoutError"]
