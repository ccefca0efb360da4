"""Google as somebody else would build it from its documentation: the whole contract, and one by one what we survive."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime

import pytest
from httpx import URL
from pydantic import SecretStr
from starlette.datastructures import Headers

from app.calendar import AccessRole, AllDay, Busy, Notify, Timed, Upsert, utc_now
from app.providers.base import (
    AmbiguousOutcome,
    ConsentRefused,
    CursorExpired,
    Misconfigured,
    PermissionDenied,
    ProtocolError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
)
from app.providers.google.oauth import FREE_BUSY, SCOPES
from app.providers.push import Callback, News, PushUnsupported
from tests.providers.another.google.calendars import ticks
from tests.providers.another.google.refusals import Refused
from tests.providers.another.google.server import another_google, spans_of
from tests.providers.another.google.stage import ADA, REDIRECT, SHARED, granted, returned, settings_of, staged, times
from tests.providers.another.google.wire import Said
from tests.providers.contract import ProviderContract
from tests.providers.contract_setting import GUEST, KEY, WINDOW, assert_in_step, create, draft, local
from tests.providers.contract_setting import follower as follower
from tests.providers.google.stage import GrantTokens
from tests.sandbox.google.live import VERIFIER
from tests.support.database import empty
from tests.support.google import joined, mirrored
from tests.support.world import open_world

DAY = {"start": {"date": "2027-03-03"}, "end": {"date": "2027-03-04"}}
HOUR = {"start": {"dateTime": "2027-03-03T10:00:00Z"}, "end": {"dateTime": "2027-03-03T11:00:00Z"}}


@pytest.fixture
async def stage(request):
    async with another_google(sum(request.node.name.encode())) as google, staged(google) as stage:
        yield stage


def answers(stage, verb, *said):
    """The next requests of a kind are answered like this."""
    stage.google.faults += [(verb, one if isinstance(one, Said | Refused) else Said(200, one)) for one in said]


async def page_of(stage, *, cursor=None, page=None):
    return await stage.session.sync_page(stage.calendar_id, cursor=cursor, page=page, since=WINDOW.start)


async def upserted(stage, *rows, **page):
    """What a listing of these rows tells, by id."""
    body = {"kind": "calendar#events", "items": list(rows), "nextSyncToken": "s=", **page}
    answers(stage, "events.list", body)
    return {one.event.id: one.event for one in (await page_of(stage)).changes if isinstance(one, Upsert)}


class TestContract(ProviderContract):
    """All promises, kept at a server that is not ours."""


class TestListings:
    """Pages in every allowed form."""

    @pytest.mark.parametrize("missing", ["kind", "items", "timeZone", "summary"])
    async def test_a_page_may_leave_out_what_it_has_no_use_for(self, stage, missing):
        body = {"kind": "calendar#events", "timeZone": "UTC", "summary": "x", "items": [], "nextSyncToken": "s"}
        del body[missing]
        answers(stage, "events.list", body)
        told = await page_of(stage)
        assert (told.changes, told.next_page, bool(told.cursor)) == ((), None, True)

    async def test_rows_without_a_word_of_what_they_are_are_rows(self, stage):
        answers(
            stage, "events.list", {"items": [{"id": "one", "status": "confirmed", **HOUR}], "nextPageToken": "p +/="}
        )
        answers(stage, "calendarList.list", {"items": [{"id": ADA, "accessRole": "owner", "primary": True}]})
        told = await page_of(stage)
        assert [change.event.id for change in told.changes] == ["one"]
        assert [calendar.id for calendar in await stage.session.list_calendars()] == [ADA]

    @pytest.mark.parametrize("body", [{}, {"kind": "drive#files", "items": []}, {"error": "login"}, {"items": "none"}])
    async def test_what_is_no_page_is_never_an_empty_calendar(self, stage, body):
        answers(stage, "events.list", body)
        with pytest.raises(ProtocolError):
            await page_of(stage)

    async def test_a_token_that_the_server_does_not_like_any_more_starts_over(self, stage):
        for location in ("pageToken", "syncToken"):
            for reason, message in (
                ("invalid", "Invalid Value"),
                ("invalidParameter", "Bad value"),
                ("badRequest", "No"),
            ):
                refused = Refused(400, reason, message, at=("parameter", location))
                answers(stage, "events.list", refused)
                with pytest.raises(CursorExpired):
                    await page_of(stage)

    async def test_calendars_of_every_role_come_over_empty_pages(self, stage):
        stage.google.calendar("nameless@import", "", "Mars/Phobos", owner="x").roles[ADA] = "writerWithoutPrivateAccess"
        stage.google.calendar("busy@x", "Boss", "GMT", owner="x").roles[ADA] = "freeBusyReader"
        stage.page_size(1)
        listed = {calendar.id: calendar for calendar in await stage.session.list_calendars()}
        assert next(iter(listed)) == ADA
        assert [(one.name, one.role, one.time_zone) for one in listed.values()][1:] == [
            ("Team", AccessRole.READER, "Europe/Berlin"),
            ("nameless@import", AccessRole.WRITER, "UTC"),
            ("Boss", AccessRole.FREE_BUSY_READER, "GMT"),
        ]


class TestEvents:
    """Events in every allowed form."""

    @pytest.mark.parametrize(
        "start",
        [
            {"dateTime": "2027-03-03T10:00:00+00:00"},
            {"dateTime": "2027-03-03t10:00:00z"},
            {"dateTime": "2027-03-03T06:30:00.000-03:30", "timeZone": "America/St_Johns"},
            {"dateTime": "2027-03-03T10:00:00.123456789Z"},
            {"dateTime": "2027-03-03T10:00:00-00:00", "timeZone": "UTC"},
            {"dateTime": "2027-03-03T11:00:00", "timeZone": "Europe/Berlin"},
            {"dateTime": "2027-03-03T11:00:00"},
            {"dateTime": "2027-03-03T15:45:00+05:45", "timeZone": "Asia/Kathmandu"},
            {"dateTime": "2027-03-03T10:00:00Z", "timeZone": "GMT-03:00"},
            {"dateTime": "2027-03-03T10:00:00Z", "timeZone": "America/Argentina"},
        ],
    )
    async def test_an_instant_in_every_way_to_write_it(self, stage, start):
        row = {"id": "one", "start": start, "end": {"dateTime": "2027-03-03T11:00:00Z"}}
        event = (await upserted(stage, row, timeZone="Europe/Berlin"))["one"]
        assert event.when.start.replace(microsecond=0) == datetime(2027, 3, 3, 10, tzinfo=UTC)
        assert (event.when.end, event.quarantined) == (datetime(2027, 3, 3, 11, tzinfo=UTC), False)

    async def test_every_kind_of_event_blocks_as_it_should(self, stage, follower):
        kinds = {
            "default": Busy.BUSY,
            "focusTime": Busy.BUSY,
            "fromGmail": Busy.BUSY,
            "outOfOffice": Busy.OUT_OF_OFFICE,
            "workingLocation": Busy.FREE,
            "birthday": Busy.FREE,
            "inventedTomorrow": Busy.BUSY,
        }
        added = {stage.insert(eventType=kind, **DAY): kind for kind in kinds}
        await assert_in_step(stage, follower)
        assert {added[one.id]: one.busy for one in follower.events.values()} == kinds
        assert {one.when for one in follower.events.values()} == {AllDay(date(2027, 3, 3), date(2027, 3, 4))}

    async def test_people_of_every_kind_take_part(self, stage):
        people = [
            {"id": "1055", "responseStatus": "accepted"},
            {"email": "a@x.example", "asyncOperation": "inProgress", "additionalGuests": 3, "optional": True},
            {"email": "room@resource.calendar.google.com", "resource": True, "responseStatus": "accepted"},
            {"email": ADA, "self": True, "responseStatus": "tentative", "comment": "…"},
            {"email": "b@x.example", "displayName": "Bö \U0001f600", "responseStatus": "perhaps"},
        ]
        row = {"id": "one", **HOUR, "organizer": {"id": "77", "displayName": "Nobody"}, "attendees": people}
        event = (await upserted(stage, row))["one"]
        assert [guest.email for guest in event.attendees] == ["a@x.example", ADA, "b@x.example"]
        assert (event.organizer, event.busy) == (None, Busy.TENTATIVE)

    async def test_of_what_is_gone_no_more_is_needed_than_its_id(self, stage):
        stubs = [
            {"id": "gone", "status": "cancelled"},
            {"id": "date", "status": "cancelled", "recurringEventId": "s", "originalStartTime": {"date": "2027-03-03"}},
        ]
        answers(stage, "events.list", {"kind": "calendar#events", "items": stubs, "nextSyncToken": "s"})
        told = [type(change).__name__ for change in (await page_of(stage)).changes]
        assert told == ["Removed", "SeriesTouched"]

    @pytest.mark.parametrize(
        "rule",
        [
            ["RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2"],
            ["RRULE:FREQ=WEEKLY;WKST=SU;INTERVAL=2;BYDAY=MO,WE;UNTIL=20270401T000000Z"],
            ["RDATE:20270310T090000Z,20270312T090000Z"],
            ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE;TZID=Europe/Berlin:20270304T100000"],
        ],
    )
    async def test_a_series_of_any_rule_is_what_google_says_it_is(self, stage, follower, rule):
        series = stage.insert(summary="x", recurrence=rule, **times(local(3, 3, 10)))
        await assert_in_step(stage, follower)
        assert follower.events.keys() == {one["id"] for one in stage.own.expanded()}
        assert {event.series_id for event in follower.events.values()} == {series}

    async def test_a_description_of_any_length_is_read_and_not_asked_for_in_listings(self, stage, follower):
        one = stage.insert(summary="x", description="ä<b>&amp;" * 20_001, **HOUR)
        await assert_in_step(stage, follower)
        assert follower.events[one].description is None
        assert len((await stage.session.get_event(ADA, one)).description) > 100_000


class TestWriting:
    """What we send is what the reference knows, and what comes back is read for what it is."""

    @pytest.mark.parametrize("reason", ["duplicate", "alreadyExists", "conflict"])
    async def test_an_id_that_is_taken_is_looked_at_whatever_the_server_calls_it(self, stage, reason):
        created = await create(stage)
        answers(stage, "events.insert", Refused(409, reason, "The requested identifier already exists."))
        assert (await create(stage)).id == created.id
        assert len(stage.live_events()) == 1

    async def test_a_video_link_that_is_still_being_made_is_not_asked_for_twice(self, stage):
        stage.google.events.meet_takes = 5
        wanted = replace(draft(), video=True)
        created = await create(stage, wanted)
        assert created.video_url is None
        for title in ("Other", "Another"):
            update = stage.session.update_event
            await update(ADA, created.id, replace(wanted, title=title), key=KEY, if_match=None, notify=Notify.NOBODY)
        asked = [seen.body["conferenceData"] for seen in stage.google.seen if "conferenceData" in (seen.body or {})]
        assert len(asked) == 1
        stage.google.events._pending[created.id] = 0
        assert (await stage.session.get_event(ADA, created.id)).video_url == "https://meet.google.com/abc-defg-hij"

    async def test_a_video_link_that_could_not_be_made_is_asked_for_again(self, stage):
        created = await create(stage, replace(draft(), video=True))
        conference = stage.own.events[created.id]["conferenceData"]
        conference["createRequest"]["status"] = {"statusCode": "failure"}
        wanted = replace(draft(), video=True)
        await stage.session.update_event(ADA, created.id, wanted, key=KEY, if_match=None, notify=Notify.NOBODY)
        asked = [seen.body["conferenceData"] for seen in stage.google.seen if "conferenceData" in (seen.body or {})]
        assert len({one["createRequest"]["requestId"] for one in asked}) == 2

    async def test_a_guest_without_an_address_stays_when_we_add_one(self, stage):
        created = await create(stage)
        stage.own.events[created.id]["attendees"].append({"id": "1055", "responseStatus": "accepted"})
        wanted = draft(local(3, 3, 10), GUEST)
        changed = await stage.session.update_event(
            ADA, created.id, wanted, key=KEY, if_match=None, notify=Notify.NOBODY
        )
        assert [guest.email for guest in changed.attendees] == [GUEST.email]
        assert "1055" in [guest.get("id") for guest in stage.own.events[created.id]["attendees"]]


class TestRefusals:
    """What Google says no with, and what that means."""

    @pytest.mark.parametrize(
        ("status", "reason", "error"),
        [
            (403, "userRateLimitExceeded", RateLimited),
            (403, "rateLimitExceeded", RateLimited),
            (429, "rateLimitExceeded", RateLimited),
            (403, "concurrentLimitExceeded", RateLimited),
            (403, "servingLimitExceeded", RateLimited),
            (403, "quotaExceeded", QuotaExceeded),
            (403, "dailyLimitExceeded", QuotaExceeded),
            (403, "accessNotConfigured", Misconfigured),
            (500, "backendError", Transient),
            (503, "backendError", Transient),
        ],
    )
    async def test_a_limit_is_never_taken_for_a_lost_calendar(self, stage, status, reason, error):
        wait = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)}
        answers(stage, "events.list", Refused(status, reason, "No", domain="usageLimits", headers=wait))
        with pytest.raises(error) as refused:
            await page_of(stage)
        assert 60 < refused.value.retry_after <= 90

    @pytest.mark.parametrize(
        ("info", "error"),
        [
            ("RATE_LIMIT_EXCEEDED", RateLimited),
            ("RESOURCE_QUOTA_EXCEEDED", QuotaExceeded),
            ("SERVICE_DISABLED", Misconfigured),
            ("CONSUMER_SUSPENDED", Misconfigured),
            ("CONSUMER_INVALID", Misconfigured),
            ("BILLING_DISABLED", Misconfigured),
            ("USER_PROJECT_DENIED", Misconfigured),
            ("GCP_SUSPENDED", Misconfigured),
            ("USER_BLOCKED_BY_ADMIN", PermissionDenied),
        ],
    )
    async def test_what_is_wrong_with_our_project_is_not_the_persons_affair(self, stage, info, error):
        answers(stage, "events.list", Refused(403, "forbidden", "Permission denied.", info=info))
        with pytest.raises(error):
            await page_of(stage)

    @pytest.mark.parametrize("status", [403, 404, 410])
    async def test_a_page_for_people_takes_nothing_away(self, stage, status):
        created = await create(stage)
        page = Said(status, "<!DOCTYPE html><html lang=en><title>Error (Not Found)!!1</title>")
        for verb in ("events.list", "calendarList.list", "events.get", "events.delete"):
            answers(stage, verb, page)
        with pytest.raises(ProtocolError):
            await page_of(stage)
        with pytest.raises(ProtocolError):
            await stage.session.list_calendars()
        with pytest.raises(ProtocolError):
            await stage.session.get_event(ADA, created.id)
        with pytest.raises(AmbiguousOutcome):
            await stage.session.cancel_event(ADA, created.id, notify=Notify.NOBODY)
        assert stage.live_events() == [created.id]


class TestBusy:
    """Free and busy, in every allowed form."""

    async def test_a_calendar_that_is_not_told_of_is_unknown(self, stage):
        told = {
            "calendars": {
                "group@x": {"errors": [{"domain": "global", "reason": "groupTooBig"}]},
                "odd@x": {"errors": [{"domain": "calendar", "reason": "inventedTomorrow", "more": 1}], "busy": []},
                "bare@x": {},
                ADA: {"busy": [{"start": "2027-01-31T23:00:00+01:00", "end": "2027-02-02T01:30:00.5+01:30"}]},
            }
        }
        answers(stage, "freebusy.query", told, told)
        found = await stage.session.free_busy(["group@x", "odd@x", "bare@x", "missing@x", ADA], WINDOW)
        assert {one: times.unknown for one, times in found.items()} == {
            "group@x": "groupTooBig",
            "odd@x": "inventedTomorrow",
            "bare@x": None,
            "missing@x": "missing",
            ADA: None,
        }
        assert found[ADA].spans[0].start == datetime(2027, 1, 31, 22, tzinfo=UTC)

    async def test_without_the_scope_the_events_say_the_same(self, stage):
        stage.add(local(3, 3, 10))
        stage.insert(eventType="workingLocation", **DAY)
        stage.insert(**DAY)
        asked = await stage.session.free_busy([ADA, SHARED], WINDOW)
        grant = await granted(stage.google, stage.provider, without=[FREE_BUSY])
        session = stage.provider.open(GrantTokens(stage.provider, grant))
        assert await session.free_busy([ADA, SHARED], WINDOW) == asked
        assert asked[ADA].spans[0].start == datetime(2027, 3, 2, 23, tzinfo=UTC)


class TestSigningIn:
    """OAuth, as the guide for web servers has it."""

    async def test_the_way_in_and_out(self, stage):
        back = returned(stage.google, stage.provider)
        assert back["state"] == "st/a=te +"
        grant = await stage.provider.exchange_code(back["code"], code_verifier=VERIFIER, redirect_uri=REDIRECT)
        assert grant.scopes >= set(SCOPES[2:])
        assert (await stage.provider.identify(grant.access_token)).email == ADA
        again = await stage.provider.refresh(grant.refresh_token)
        assert (again.refresh_token, again.scopes) == (None, grant.scopes)
        await stage.provider.revoke(grant.refresh_token)
        await stage.provider.revoke(grant.refresh_token)
        with pytest.raises(ReauthRequired):
            await stage.provider.refresh(grant.refresh_token)
        with pytest.raises(ConsentRefused):
            await stage.provider.exchange_code(back["code"], code_verifier=VERIFIER, redirect_uri=REDIRECT)

    async def test_an_answer_that_does_not_say_how_long_it_is_good(self, stage):
        stage.google.doors.lifetime = {}
        grant = await granted(stage.google, stage.provider)
        assert grant.expires_at > utc_now()

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (
                400,
                {"error": "invalid_grant", "error_description": "reauth", "error_subtype": "invalid_rapt"},
                ReauthRequired,
            ),
            (401, {"error": "invalid_client", "error_description": "Unauthorized"}, Misconfigured),
            (401, {"error": "deleted_client"}, Misconfigured),
            (403, {"error": "rate_limit_exceeded"}, RateLimited),
            (400, {"error": "temporarily_unavailable"}, Transient),
            (500, {"error": "internal_failure"}, Transient),
            (502, "<html>Bad Gateway", Transient),
        ],
    )
    async def test_a_refusal_to_renew_is_read_for_what_it_is(self, stage, status, body, error):
        stage.google.doors.refuses = (status, body)
        with pytest.raises(error):
            await stage.provider.refresh("1//x")


class TestPushes:
    """Channels and their messages."""

    async def test_a_channel_opens_and_closes_whatever_it_says_of_its_end(self, stage):
        tokens = GrantTokens(stage.provider, await granted(stage.google, stage.provider))
        watches, until = stage.provider.watches(tokens), utc_now() + timedelta(days=7)
        callback = Callback("https://service.example/v1/push", "https://service.example/v1/push", "s=e/c ret+")
        for number in range(8):
            watch = await watches.start(ADA, f"channel-{number}", callback, until=until)
            assert abs(watch.expires_at - until) < timedelta(seconds=5)
            await watches.stop(watch)
            await watches.stop(watch)
        assert not stage.google.channels
        stage.google.calendars[SHARED].can_push = False
        with pytest.raises(PushUnsupported):
            await watches.start(SHARED, "channel-x", callback, until=until)

    async def test_a_message_is_read_whatever_the_case_of_its_names(self, stage):
        for change in (str.lower, str.upper, str.title):
            told = {"x-goog-channel-id": "c", "x-goog-resource-state": "exists", "x-goog-message-number": "7"}
            headers = Headers({change(name): value for name, value in told.items()})
            assert [signal.news for signal in stage.provider.signals(headers, {}, b"")] == [News.CHANGED]


class TestEngine:
    """The sync engine and PostgreSQL behind the same wire: what the mirror says is what the server says."""

    async def test_a_life_is_mirrored_whole_and_then_by_what_changed(self, settings, sandbox):
        await empty(settings.database_url.get_secret_value())
        async with another_google(7) as google, open_world(at(google, settings), sandbox) as world:
            person = await connected(world, google)
            calendar = google.calendars[person.email]
            google.events.page_size = 3
            one, series, days = lived_in(google, calendar, person)
            await read_again(world, person)
            assert await blocked(world, person) == told(calendar, person)
            assert len(told(calendar, person)) > 8

            google.events.patch(calendar, one, {}, {**hours(person, 4, "15:00"), "transparency": None}, None)
            third = list(calendar.instances(calendar.events[series]))[2]
            google.events.delete(calendar, third["id"], {})
            google.events.delete(calendar, days, {})
            before = len(google.seen)
            await read_again(world, person)
            assert await blocked(world, person) == told(calendar, person)
            listed = [seen.query for seen in google.seen[before:] if seen.verb == "events.list"]
            assert all("syncToken" in query for query in listed)

            calendar.expired_before = next(ticks)
            google.events.delete(calendar, series, {})
            await read_again(world, person)
            assert await blocked(world, person) == told(calendar, person)


def at(google, settings):
    """The service, with this server for its Google."""
    there = settings_of(google)
    return settings.model_copy(
        update={
            "google_client_id": there.client_id,
            "google_client_secret": SecretStr(there.client_secret),
            "google_auth_url": there.auth_url,
            "google_token_url": there.token_url,
            "google_revoke_url": there.revoke_url,
            "google_userinfo_url": there.userinfo_url,
            "google_api_url": there.api_url,
        }
    )


async def connected(world, google):
    """Somebody who has signed in there."""
    person = await world.person(zoneinfo="America/St_Johns")
    google.person(person.email, person.time_zone)
    started = (await person.start_connecting()).json()
    back = URL(google.doors.consent(started["authorization_url"], person.email))
    assert (await world.api.get(back.raw_path.decode())).status_code == 303
    done = (await person.get(f"/v1/connection-authorizations/{started['id']}")).json()
    assert done["status"] == "completed", done
    person.connection_id = done["connection_id"]
    await world.work()
    return person


def hours(person, day, clock, *, minutes=45):
    start = person.at(day, clock)
    return times(Timed(start, start + timedelta(minutes=minutes), person.time_zone))


def lived_in(google, calendar, person):
    """A calendar with something of everything; an event that is free, a series, and whole days."""

    def insert(**body):
        return google.events.insert(calendar, {}, body)["id"]

    insert(**hours(person, 2, "08:00"), summary="x" * 5000, description="<p>" * 50_000)
    insert(**hours(person, 2, "08:30"), status="tentative", eventType="focusTime")
    insert(**hours(person, 3, "23:30"), attendees=[{"email": "room@resource.example", "resource": True}])
    insert(**hours(person, 5, "09:00"), attendees=[{"email": person.email, "responseStatus": "declined"}])
    insert(**times(AllDay(person.day(6), person.day(8))), eventType="outOfOffice")
    insert(**times(AllDay(person.day(9), person.day(10))), eventType="workingLocation")
    insert(**hours(person, 10, "12:00"), recurrence=["RRULE:FREQ=WEEKLY;WKST=SU;BYDAY=MO,TH,SA;COUNT=5"])
    insert(**times(AllDay(person.day(20), person.day(21))), recurrence=["RRULE:FREQ=DAILY;INTERVAL=3;COUNT=3"])
    one = insert(**hours(person, 4, "10:00"), transparency="transparent")
    series = insert(**hours(person, 11, "16:00"), recurrence=["RRULE:FREQ=DAILY;COUNT=6"])
    second = list(calendar.instances(calendar.events[series]))[1]
    google.events.patch(calendar, second["id"], {}, hours(person, 12, "19:00"), None)
    return one, series, insert(**times(AllDay(person.day(30), person.day(32))))


async def read_again(world, person):
    """As the person's Sync button does, and the worker after it."""
    assert (await person.post(f"/v1/connections/{person.connection_id}/sync")).status_code == 202
    await world.work()


def window(person):
    return datetime.combine(person.day(0), time(), UTC), datetime.combine(person.day(60), time(), UTC)


def told(calendar, person):
    """What the server itself says of free and busy, in seconds."""
    spans = [
        tuple(map(datetime.fromisoformat, (one["start"], one["end"]))) for one in spans_of(calendar, *window(person))
    ]
    return [(int(start.timestamp()), int(end.timestamp())) for start, end in spans]


async def blocked(world, person):
    """What the mirror says, tentative or not."""
    mirror = await mirrored(world, *window(person), person.email)
    bounds = tuple(int(edge.timestamp()) for edge in window(person))
    return joined([*mirror.busy, *mirror.tentative], bounds)
