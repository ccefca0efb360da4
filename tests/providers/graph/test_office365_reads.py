"""Instances, single events, calendars and busy times, against a server that says what we tell it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import AccessRole, AllDay, BusyTimes, Timed
from app.http import HttpClient
from app.providers.base import CalendarGone, PermissionDenied, ProtocolError, RateLimited, Transient, UnreadableEvent
from app.providers.graph.provider import Office365Provider
from tests.providers.graph.payloads import SERIES, at, marked, occurrence, page, single
from tests.providers.graph.scripted_graph import (
    CALENDAR,
    DENIED,
    EVENTS,
    GONE,
    NO_SUCH_ID,
    NOW,
    VIEW,
    WINDOW,
    refused,
    scripted_graph,
    session_at,
    settings_at,
)
from tests.providers.scripted import Drop, Reply
from tests.providers.tokens import Tokens


@pytest.fixture
async def server():
    async with scripted_graph() as server:
        yield server


@pytest.fixture
async def session(server):
    async with session_at(server) as session:
        yield session


async def listed(session, **query):
    return [event async for event in session.list_instances(CALENDAR, WINDOW, **query)]


ZONE = Reply(body={"timeZone": "W. Europe Standard Time", "language": {"locale": "sv-SE"}})


# instances --------------------------------------------------------------------------------------------------------


async def test_instances_of_a_series_without_the_cancelled_ones_and_each_once(session, server):
    following = {"@odata.nextLink": f"{server.url}/v1.0/me/calendars/x/events/y/instances?$skip=2"}
    second = occurrence("2026-03-16", type="exception")
    server.script(
        Reply(body=page(occurrence("2026-03-09"), second, **following)),
        Reply(body=page(second, occurrence("2026-03-30", isCancelled=True), occurrence("2026-03-23"))),
    )
    found = await listed(session, series_id=SERIES)
    assert [event.id for event in found] == [f"{SERIES}2026-03-{day}" for day in ("09", "16", "23")]
    assert {event.series_id for event in found} == {SERIES}
    first, last = server.seen
    assert first.path == f"{EVENTS}/{SERIES}/instances"
    assert first.query["startDateTime"] == "2026-03-01T00:00:00Z"
    assert first.query["endDateTime"] == "2026-04-01T00:00:00Z"
    assert "transactionId" in first.query["$select"].split(",")
    assert "body" not in first.query["$select"].split(",")
    assert last.query == {"$skip": "2"}
    assert 'IdType="ImmutableId"' in last.headers["prefer"]


@pytest.mark.parametrize("ending", [GONE, NO_SUCH_ID, refused(400, "ErrorInvalidRequest", "Not a series.")])
async def test_dates_without_their_series_and_a_series_that_became_one_event_are_still_found(session, server, ending):
    rows = [single(), occurrence(), occurrence(seriesMasterId="other", id="o1"), single(id=SERIES)]
    server.script(ending, Reply(body=page(*rows)))
    found = await listed(session, series_id=SERIES)
    assert [event.id for event in found] == [f"{SERIES}2026-03-09", SERIES]
    assert server.seen[1].path == VIEW


async def test_a_series_of_a_calendar_that_is_gone_is_no_empty_series(session, server):
    server.script(GONE, GONE)
    with pytest.raises(CalendarGone):
        await listed(session, series_id=SERIES)


async def test_a_listing_without_end_is_cut(session, server):
    url = f"{server.url}/v1.0/me/calendars/x/calendarView?$skip=1"
    server.script(*[Reply(body=page(**{"@odata.nextLink": url}))] * 2)
    with pytest.raises(ProtocolError):
        await listed(session)


async def test_a_long_window_is_asked_in_parts_that_graph_allows(session, server):
    server.script(Reply(body=page(single())), Reply(body=page(single())))
    window = Timed(WINDOW.start, WINDOW.start + timedelta(days=2000))
    found = [event async for event in session.list_instances(CALENDAR, window)]
    assert len(found) == 1, "an event over the cut is told once"
    assert server.seen[0].query["endDateTime"] == server.seen[1].query["startDateTime"] == "2031-02-03T00:00:00Z"


# reading ----------------------------------------------------------------------------------------------------------


async def test_an_event_is_read_inside_its_calendar_with_its_mark_and_description(session, server):
    server.script(Reply(body=single(transactionId=None, singleValueExtendedProperties=marked("k"))))
    event = await session.get_event(CALENDAR, "a/b=")
    assert (event.description, event.key) == ("Agenda\nReview", "k")
    (seen,) = server.seen
    assert seen.raw_path.endswith("/me/calendars/AAMkAGI2TGuLAAA%3D/events/a%2Fb%3D")
    assert "body" in seen.query["$select"].split(",")
    assert "calendar_connect_key" in seen.query["$expand"]
    assert 'outlook.timezone="UTC"' in seen.headers["prefer"]


@pytest.mark.parametrize("answer", [GONE, NO_SUCH_ID])
async def test_an_unknown_event_is_none(session, server, answer):
    server.script(answer)
    assert await session.get_event(CALENDAR, "x") is None


async def test_an_event_that_stands_and_cannot_be_read_is_not_gone(session, server):
    server.script(Reply(body=single(start=None)), Reply(body=single(start=None, isCancelled=True)))
    with pytest.raises(UnreadableEvent):
        await session.get_event(CALENDAR, "x")
    assert await session.get_event(CALENDAR, "x") is None


async def test_calendars_come_from_all_pages_in_the_mailboxes_zone_with_the_primary_first(session, server):
    following = {"@odata.nextLink": f"{server.url}/v1.0/me/calendars?$skip=1"}
    shared = {"id": "b", "name": "Team", "canEdit": False, "canShare": False, "owner": {"address": "boss@example.com"}}
    server.script(
        ZONE,
        Reply(body={"value": [shared], **following}),
        Reply(body={"value": [{"id": "a", "name": "Calendar", "isDefaultCalendar": True}]}),
    )
    first, second = await session.list_calendars()
    assert (first.id, first.time_zone, first.role, first.primary) == ("a", "Europe/Berlin", AccessRole.OWNER, True)
    assert (second.id, second.name, second.role, second.primary) == ("b", "Team", AccessRole.READER, False)


async def test_a_zone_one_may_not_see_is_utc_and_asked_for_once(session, server):
    calendars = Reply(body={"value": [{"id": "a", "isDefaultCalendar": True}]})
    server.script(DENIED, calendars, calendars)
    assert (await session.list_calendars())[0].time_zone == "UTC"
    await session.list_calendars()


# busy times -------------------------------------------------------------------------------------------------------


def when(hour, minute=0, day=2):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def meeting(start, end, **more):
    return single(id=f"{start}{end}", start=at(f"2026-03-{start}:00"), end=at(f"2026-03-{end}:00"), **more)


async def test_busy_times_of_calendars_are_those_of_their_events(session, server):
    rows = [
        meeting("02T09:30", "02T10:00"),
        meeting("02T09:45", "02T11:00", showAs="tentative"),
        meeting("02T12:00", "02T13:00", showAs="workingElsewhere"),
        meeting("02T14:00", "02T15:00", isCancelled=True),
        meeting("29T00:00", "30T00:00", isAllDay=True, showAs="oof"),
    ]
    rows.append(single(id="before", start=at("2026-02-28T23:00:00"), end=at("2026-03-01T00:30:00")))
    server.script(Reply(body=page(*rows)), ZONE)
    assert await session.free_busy([CALENDAR, CALENDAR], WINDOW) == {
        CALENDAR: BusyTimes(
            (
                Timed(when(0, day=1), when(0, 30, day=1)),
                Timed(when(9, 30), when(11)),
                Timed(when(23, day=28), when(22, day=29)),  # 23 hours: clocks go forward in Berlin
            )
        )
    }
    assert "subject" not in server.seen[0].query["$select"]


async def test_a_calendar_that_cannot_be_read_is_unknown_and_not_free(session, server):
    session._graph._rest._slots = asyncio.Semaphore(1)  # the script has one order
    damaged = single(start={"dateTime": "?"})
    server.script(GONE, NO_SUCH_ID, DENIED, Reply(body=page(damaged)), Reply(body=page()))
    assert await session.free_busy(["a", "b", "c", "d", "e"], WINDOW) == {
        "a": BusyTimes(unknown="ErrorItemNotFound", refused=True),
        "b": BusyTimes(unknown="ErrorInvalidIdMalformed", refused=True),
        "c": BusyTimes(unknown="ErrorAccessDenied", refused=True),
        "d": BusyTimes(unknown="unreadable"),
        "e": BusyTimes(()),
    }


@pytest.mark.parametrize("target", [CALENDAR, "grace@example.com"])
async def test_a_request_that_fails_raises(session, server, target):
    server.script(Reply(503), Drop(), refused(429, "ApplicationThrottled"))
    for error in (Transient, Transient, RateLimited):
        with pytest.raises(error):
            await session.free_busy([target], WINDOW)


def schedule(address, *items, **more):
    return {"scheduleId": address, "availabilityView": "", "scheduleItems": list(items), "workingHours": {}, **more}


def item(status, start, end):
    return {"status": status, "start": at(f"2026-03-{start}:00"), "end": at(f"2026-03-{end}:00"), "isPrivate": False}


async def test_other_peoples_schedules(session, server):
    day = Timed(when(0), when(0, day=3))
    failure = {"responseCode": "ErrorMailRecipientNotFound", "message": "Unable to resolve e-mail address x"}
    server.script(
        Reply(
            body={
                "value": [
                    schedule(
                        "Grace@Example.com",
                        item("Busy", "02T09:00", "02T10:00"),
                        item("tentative", "02T10:00", "02T11:00"),
                        item("free", "02T12:00", "02T13:00"),
                        item("workingElsewhere", "02T13:00", "02T14:00"),
                        item("oof", "02T23:00", "03T09:00"),
                    ),
                    schedule("nobody@example.com", error=failure),
                    schedule("outline@example.com", scheduleItems=None, availabilityView="0" * 18 + "1234" + "0" * 26),
                    schedule("odd@example.com", {"status": "busy"}),
                    {"scheduleId": 7},
                    schedule("quiet@example.com"),
                ]
            }
        )
    )
    names = ["grace", "nobody", "outline", "odd", "missing", "quiet"]
    found = await session.free_busy([f"{name}@example.com" for name in names], day)
    assert found == {
        "grace@example.com": BusyTimes((Timed(when(9), when(11)), Timed(when(23), when(0, day=3)))),
        "nobody@example.com": BusyTimes(unknown="ErrorMailRecipientNotFound", refused=True),
        "outline@example.com": BusyTimes((Timed(when(9), when(10, 30)),)),
        "odd@example.com": BusyTimes(unknown="unreadable"),
        "missing@example.com": BusyTimes(unknown="missing"),
        "quiet@example.com": BusyTimes(()),
    }
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/v1.0/me/calendar/getSchedule")
    assert seen.json["startTime"] == {"dateTime": "2026-03-02T00:00:00", "timeZone": "UTC"}
    assert seen.json["availabilityViewInterval"] == 30


async def test_many_people_and_long_windows_are_asked_in_parts_and_joined(session, server):
    names = [f"p{number}@example.com" for number in range(25)]
    window = Timed(when(0), when(0) + timedelta(days=100))

    def part(people, **more):
        rows = [schedule(name, item("busy", "02T09:00", "02T10:00"), **more) for name in people]
        return Reply(body={"value": rows})

    session._graph._rest._slots = asyncio.Semaphore(1)
    failing = part(names[20:], error={"responseCode": "ErrorInternalServerError"})
    server.script(part(names[:20]), Reply(body={"value": [schedule(name) for name in names[:20]]}))
    server.script(failing, part(names[20:]))
    found = await session.free_busy(names, window)
    assert found["p0@example.com"] == BusyTimes((Timed(when(9), when(10)),))
    assert found["p24@example.com"] == BusyTimes(unknown="ErrorInternalServerError"), "unknown in one part is unknown"
    bodies = [seen.json for seen in server.seen]
    assert [len(body["schedules"]) for body in bodies] == [20, 20, 5, 5]
    assert bodies[0]["endTime"] == bodies[1]["startTime"] == {"dateTime": "2026-05-01T00:00:00", "timeZone": "UTC"}


async def test_a_personal_account_has_no_schedules_to_ask(session, server):
    server.script(refused(400, "ErrorUnsupportedOperation"))
    (times,) = (await session.free_busy(["grace@example.com"], WINDOW)).values()
    assert (times.known, times.refused) == (False, True)


# one mailbox, few requests ----------------------------------------------------------------------------------------


async def test_all_sessions_of_a_mailbox_share_its_three_requests_at_once(server):
    server.delay = 0.05
    server.script(*[Reply(body=page())] * 8)
    async with HttpClient(timeout_seconds=3) as http:
        provider = Office365Provider(settings_at(server.url), http, clock=lambda: NOW)
        sessions = [provider.open(Tokens(), mailbox="ada") for _ in range(2)]
        targets = ["a", "b", "c", "d"]
        await asyncio.gather(*(session.free_busy(targets, WINDOW) for session in sessions))
    assert server.at_once == 3


async def test_whole_days_stay_days_in_a_listing(session, server):
    server.script(Reply(body=page(meeting("29T00:00", "30T00:00", isAllDay=True))))
    (found,) = await listed(session)
    assert isinstance(found.when, AllDay)


async def test_a_listing_that_is_closed_is_denied(session, server):
    server.script(DENIED)
    with pytest.raises(PermissionDenied):
        await listed(session)


def told_zone(name, of_the_hours):
    return Reply(body={"timeZone": name, "workingHours": {"timeZone": {"name": of_the_hours}}})


@pytest.mark.parametrize(
    ("settings", "zone"),
    [
        (told_zone("", "Pacific Standard Time"), "America/Los_Angeles"),
        (told_zone("Customized Time Zone", "Europe/Oslo"), "Europe/Oslo"),
        (Reply(body={"timeZone": None, "workingHours": None}), "UTC"),
        (refused(404, "ResourceNotFound"), "UTC"),
        (refused(400, "BadRequest"), "UTC"),
    ],
)
async def test_the_mailbox_s_zone_is_found_wherever_it_is_told_and_costs_no_calendar(session, server, settings, zone):
    server.script(settings, Reply(body={"value": [{"id": "AAMk0", "name": "Calendar", "isDefaultCalendar": True}]}))
    assert [calendar.time_zone for calendar in await session.list_calendars()] == [zone]
