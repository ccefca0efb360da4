"""Opening channels: what is asked for, what is answered, what is refused; Google's client and ours."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import googleapiclient.discovery
import pytest
from google.oauth2.credentials import Credentials

from sandbox.client import Sandbox as ControlClient
from tests.sandbox.google import discovery
from tests.sandbox.google.hooks import WEEK, channel, frozen, lived, watch
from tests.sandbox.google.live import ADA, AUTH, BO, meeting


def test_a_channel_is_answered_as_published_and_lives_a_week(google, ada, hook):
    now = frozen(google)
    opened = ada.ok("events.watch", channel(hook), calendarId="primary")
    resource_id = opened.pop("resourceId")
    assert opened == {
        "kind": "api#channel",
        "id": "c-1",
        "resourceUri": "https://www.googleapis.com/calendar/v3/calendars/ada%40example.com/events?alt=json",
        "token": "s3cret",
        "expiration": str(int(now.timestamp()) * 1000 + WEEK * 1000 + 123),
    }
    assert ada.ok("events.watch", channel(hook, "c-2"), calendarId=ADA)["resourceId"] == resource_id
    listed = ada.ok("calendarList.watch", channel(hook, "c-3", token=None))
    assert listed["resourceId"] != resource_id
    assert "token" not in listed


def test_the_first_message_is_sync_with_headers_only(google, ada, hook):
    opened = watch(ada, hook)
    (got,) = hook.quiet(1)
    assert (got.method, got.path, got.body, got.headers["content-length"]) == ("POST", "/google", b"", "0")
    expiration = got.headers["x-goog-channel-expiration"]
    assert {name: value for name, value in got.headers.items() if name.startswith("x-goog-")} == {
        "x-goog-channel-id": "c-1",
        "x-goog-channel-token": "s3cret",
        "x-goog-channel-expiration": expiration,
        "x-goog-message-number": "1",
        "x-goog-resource-id": opened["resourceId"],
        "x-goog-resource-state": "sync",
        "x-goog-resource-uri": opened["resourceUri"],
    }
    assert expiration.endswith(" GMT")
    assert int(parsedate_to_datetime(expiration).timestamp()) == int(opened["expiration"]) // 1000


def test_without_a_token_no_token_is_sent(google, ada, hook):
    watch(ada, hook, token=None)
    assert "x-goog-channel-token" not in hook.messages[0].headers


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"params": {"ttl": "3600"}}, 3600),
        ({"params": {"ttl": "99999999"}}, 30 * 86_400),
        ({"expiration": str(10**13)}, 30 * 86_400),
        ({"params": {}}, WEEK),
    ],
)
def test_a_life_is_what_was_asked_for_up_to_a_limit(google, ada, hook, asked, seconds):
    life = lived(frozen(google), watch(ada, hook, **asked))
    assert life == timedelta(seconds=seconds)


def test_the_earlier_of_two_ends_holds_and_a_number_does_as_well_as_its_text(google, ada, hook):
    soon = int((datetime.now(UTC) + timedelta(hours=2)).timestamp() * 1000)
    body = channel(hook, expiration=soon, params={"ttl": str(WEEK)})
    assert ada.ok("events.watch", body, calendarId="primary", checked=False)["expiration"] == str(soon)


def test_the_lifetimes_are_knobs(google, ada, hook):
    google.control("PATCH", "/knobs", {"channel_lifetime": 60, "channel_lifetime_max": 120})
    now = frozen(google)
    assert lived(now, watch(ada, hook)) == timedelta(seconds=60)
    assert lived(now, watch(ada, hook, "c-2", params={"ttl": "3600"})) == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "required"),
        ({"id": "white space"}, "invalid"),
        ({"id": "x" * 65}, "invalid"),
        ({"type": None}, "required"),
        ({"type": "carrier_pigeon"}, "push.channelTypeNotSupported"),
        ({"address": None}, "required"),
        ({"address": "http://hooks.example.com/google"}, "push.webhookUrlNotHttps"),
        ({"address": "ftp://hooks.example.com/google"}, "push.webhookUrlNoHostOrAddress"),
        ({"address": "https:///google"}, "push.webhookUrlNoHostOrAddress"),
        ({"address": "https://hooks.example.com:port/"}, "push.webhookUrlNoHostOrAddress"),
        ({"token": "x" * 257}, "invalid"),
        ({"expiration": "soon"}, "invalid"),
        ({"expiration": "1000"}, "invalid"),
        ({"expiration": "9" * 20}, "invalid"),
        ({"expiration": True}, "badRequest"),
        ({"params": {"ttl": "-1"}}, "invalid"),
        ({"params": {"ttl": "0"}}, "invalid"),
        ({"params": {"ttl": 60}}, "badRequest"),
        ({"nonsense": 1}, "badRequest"),
    ],
)
def test_what_is_wrong_with_a_channel_is_refused(google, ada, hook, changes, reason):
    body = {name: value for name, value in channel(hook, **changes).items() if value is not None}
    assert ada.refused("events.watch", body, calendarId="primary") == (400, reason)
    assert google.control("GET", "/push/channels") == []


def test_plain_http_on_this_machine_is_a_knob(google, ada, hook):
    google.control("PATCH", "/knobs", {"push_http_to_loopback": False})
    assert ada.refused("events.watch", channel(hook), calendarId="primary") == (400, "push.webhookUrlNotHttps")


def test_an_id_serves_once_even_after_its_channel_ended(google, ada, hook):
    opened = watch(ada, hook)
    assert ada.refused("events.watch", channel(hook), calendarId="primary") == (400, "channelIdNotUnique")
    assert ada.refused("calendarList.watch", channel(hook)) == (400, "channelIdNotUnique")
    ada.ok("channels.stop", {"id": "c-1", "resourceId": opened["resourceId"]})
    assert google.api(BO).refused("events.watch", channel(hook), calendarId="primary") == (400, "channelIdNotUnique")
    hook.quiet(1)


def test_a_calendar_of_nobody_cannot_be_watched_and_a_colleagues_can(google, ada, hook):
    holidays = google.control("POST", f"/accounts/{ADA}/calendars", {"summary": "Holidays", "role": "reader"})["id"]
    refused = (400, "pushNotSupportedForRequestedResource")
    assert ada.refused("events.watch", channel(hook), calendarId=holidays) == refused
    google.account(BO)
    google.control("PUT", f"/calendars/{BO}/access", {"account": ADA, "role": "reader"})
    watch(ada, hook, "c-2", BO)
    google.control("PATCH", "/knobs", {"push_for_public_calendars": True, "push_for_shared_calendars": False})
    watch(ada, hook, "c-3", holidays)
    assert ada.refused("events.watch", channel(hook, "c-4"), calendarId=BO) == refused
    watch(ada, hook, "c-5")


def test_watching_needs_access_and_a_scope_that_may_list(google, ada, hook):
    assert ada.refused("events.watch", channel(hook), calendarId="nobody@example.com") == (404, "notFound")
    freebusy = google.api(BO, f"{AUTH}calendar.freebusy")
    assert freebusy.refused("events.watch", channel(hook), calendarId="primary")[0] == 403
    events = google.api(BO, f"{AUTH}calendar.events")
    assert events.refused("calendarList.watch", channel(hook))[0] == 403
    watch(events, hook)


def test_googles_own_client_watches_and_stops(google, ada, hook):
    credentials = Credentials(ada.token)
    document = discovery.document(f"{google.base_url}/google/")
    with googleapiclient.discovery.build_from_document(document, credentials=credentials) as service:
        opened = service.events().watch(calendarId="primary", body=channel(hook)).execute()
        hook.wait(1)
        ada.insert(meeting())
        hook.wait(2)
        assert service.channels().stop(body={"id": opened["id"], "resourceId": opened["resourceId"]}).execute() == ""
    ada.insert(meeting(hour=14))
    hook.quiet(2)


async def test_the_typed_client_has_a_hand_for_each(google, ada, hook):
    watch(ada, hook, "c/1")
    async with ControlClient(google.base_url) as client:
        (described,) = await client.google_channels(ADA, alive=True)
        assert (described["id"], described["token"], described["ended"]) == ("c/1", "s3cret", None)
        assert described["address"] == f"{hook.url}/google"
        rule = await client.add_google_push_fault("drop", channel_id="c/1")
        assert (rule["kind"], rule["times"], rule["watch"]) == ("drop", 1, "c/1")
        await client.insert_google_event(ADA, meeting())
        assert [each["kinds"] for each in await client.google_deliveries("c/1")] == [["sync"], ["exists"]]
        assert await client.google_deliveries("c-2") == []
        await client.add_google_push_fault("delay", ms=60_000, times=None)
        await client.insert_google_event(ADA, meeting(hour=14))
        await client.cancel_google_deliveries()
        await client.clear_google_push_faults()
        await client.drop_google_channel("c/1")
        assert await client.google_channels(alive=True) == []
        assert len(await client.google_deliveries(since=1)) == 1
    hook.quiet(1)
