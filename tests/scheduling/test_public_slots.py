"""The times a page offers, through the whole service: calendars, hours, zones, windows and limits (R29, R31, R32).

The one rule: expected times are written as the people on both sides read them from their walls.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.scheduling.reader import PageReader
from tests.support.people import WEEKDAYS, Person
from tests.support.visitors import visit
from tests.support.world import World, problem

NINE_TO_TWELVE = [{"day": day, "start": "09:00", "end": "12:00"} for day in WEEKDAYS]


def timed(person: Person, start: str, end: str, *, days: int = 3, **fields: Any) -> dict[str, Any]:
    times = [{"dateTime": person.at(days, clock).isoformat(), "timeZone": person.time_zone} for clock in (start, end)]
    return {"start": times[0], "end": times[1]} | fields


def all_day(person: Person, *, days: int = 3, **fields: Any) -> dict[str, Any]:
    first = person.day(days)
    return {"start": {"date": first.isoformat()}, "end": {"date": (first + timedelta(days=1)).isoformat()}} | fields


async def clocks(person: Person, page: dict[str, Any], *, days: int = 3, **query: Any) -> list[str]:
    """What the visitor's wall clock shows at each offered start."""
    slots = await person.slots(page["id"], person.day(days), **query)
    return [slot["start_at"][11:16] for slot in slots]


async def with_events(world: World, *events: dict[str, Any]) -> Person:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    for event in events:
        await world.sandbox.insert_google_event(person.email, event, trusted=True)
    await person.connect()
    await world.work()
    return person


BUSY: dict[str, dict[str, Any]] = {
    "opaque": {},
    "out of office": {"eventType": "outOfOffice"},
    "focus time": {"eventType": "focusTime"},
    "private": {"visibility": "private"},
    "not answered yet": {"me": "needsAction"},
    "accepted": {"me": "accepted"},
}
FREE: dict[str, dict[str, Any]] = {
    "transparent": {"transparency": "transparent"},
    "declined": {"me": "declined"},
    "cancelled": {"status": "cancelled"},
    "working location": {"eventType": "workingLocation", "workingLocationProperties": {"type": "homeOffice"}},
}
MAYBE: dict[str, dict[str, Any]] = {"tentative": {"me": "tentative"}}


async def an_event_an_hour(world: World, kinds: dict[str, dict[str, Any]]) -> tuple[Person, dict[str, Any]]:
    """Somebody whose third day from now has one event of each kind, from ten o'clock on, each half an hour."""
    person = await world.person()
    await world.sandbox.google_account(person.email)
    for hour, fields in enumerate(kinds.values(), start=10):
        event = timed(person, f"{hour}:00", f"{hour}:30", summary="Existing") | fields
        if (answer := event.pop("me", None)) is not None:
            guests = [{"email": person.email, "self": True, "responseStatus": answer}, {"email": "o@example.com"}]
            event |= {"attendees": guests, "organizer": {"email": "o@example.com"}}
        await world.sandbox.insert_google_event(person.email, event, trusted=True)
    await person.connect()
    await world.work()
    return person, await person.make_page()


async def test_r31_what_is_busy_is_never_offered(world: World) -> None:
    person, page = await an_event_an_hour(world, BUSY)
    offered = await clocks(person, page)
    for hour, kind in enumerate(BUSY, start=10):
        assert f"{hour}:00" not in offered, kind
        problem(await person.book(page["id"], person.at(3, f"{hour}:00").isoformat()), 409, "slot_unavailable")
    assert len(offered) == 48 - len(BUSY), "and nothing else is taken"


async def test_r31_what_is_free_is_offered_and_can_be_booked(world: World) -> None:
    person, page = await an_event_an_hour(world, FREE)
    assert len(await clocks(person, page)) == 48
    for hour, kind in enumerate(FREE, start=10):
        booked = await person.book(page["id"], person.at(3, f"{hour}:00").isoformat())
        assert booked.status_code == 201, (kind, booked.text)


async def test_r31_tentative_blocks_as_the_person_decides(world: World) -> None:
    person, page = await an_event_an_hour(world, MAYBE)
    maybe = person.at(3, "10:00").isoformat()
    assert "10:00" not in await clocks(person, page)
    problem(await person.book(page["id"], maybe), 409, "slot_unavailable")
    await person.patch("/v1/calendar-settings", {"tentative_blocks": False})
    assert "10:00" in await clocks(person, page)
    assert (await person.book(page["id"], maybe)).status_code == 201


async def test_r31_an_all_day_event_blocks_its_day_when_it_is_busy_only(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    for event in (
        all_day(person, days=3, summary="Conference"),
        all_day(person, days=4, summary="Name day", transparency="transparent"),
        all_day(person, days=5, summary="Birthday", eventType="birthday", transparency="transparent"),
        all_day(person, days=6, summary="Home", eventType="workingLocation", transparency="transparent"),
    ):
        await world.sandbox.insert_google_event(person.email, event, trusted=True)
    await person.connect()
    await world.work()
    page = await person.make_page()
    assert await clocks(person, page, days=3) == []
    for days in (2, 4, 5, 6):
        assert len(await clocks(person, page, days=days)) == 48
    problem(await person.book(page["id"], person.at(3, "00:00").isoformat()), 409, "slot_unavailable")
    problem(await person.book(page["id"], person.at(3, "23:30").isoformat()), 409, "slot_unavailable")
    for days, clock in ((2, "23:30"), (4, "00:00")):
        assert (await person.book(page["id"], person.at(days, clock).isoformat())).status_code == 201


async def test_r31_series_block_every_date_but_the_ones_taken_out(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    series = await world.sandbox.insert_google_event(
        person.email, timed(person, "10:00", "11:00", days=2, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    )
    gone = person.at(3, "10:00").astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    await world.sandbox.delete_google_event(person.email, f"{series['id']}_{gone}")
    await person.connect()
    await world.work()
    page = await person.make_page(weekly_hours=NINE_TO_TWELVE)
    offered = {days: "10:00" in await clocks(person, page, days=days) for days in (1, 2, 3, 4, 5)}
    assert offered == {1: True, 2: False, 3: True, 4: False, 5: True}


async def test_r32_window_notice_and_limits_close_days_for_booking_too(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(
        weekly_hours=NINE_TO_TWELVE, booking_window={"kind": "rolling_days", "days": 4}, daily_limit=2
    )
    assert (len(await clocks(person, page, days=4)), await clocks(person, page, days=5)) == (6, [])
    problem(await person.book(page["id"], person.at(5, "09:00").isoformat()), 422, "outside_booking_window")
    problem(await person.book(page["id"], person.at(-1, "09:00").isoformat()), 422, "outside_booking_window")
    for clock in ("09:00", "11:30"):
        await visit(person, page, person.at(3, clock))
    assert await clocks(person, page, days=3) == []
    full = problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")
    assert full["alternatives"]
    assert not any(item["start_at"].startswith(person.day(3).isoformat()) for item in full["alternatives"])
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"daily_limit": None, "minimum_notice_minutes": 5 * 1440})
    assert await clocks(person, page, days=3) == []
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 422, "outside_booking_window")


async def test_r32_a_cancelled_meeting_makes_room_in_its_day_and_week(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(weekly_hours=NINE_TO_TWELVE, daily_limit=1, weekly_limit=1)
    booking = await visit(person, page, person.at(3, "09:00"))
    assert await clocks(person, page, days=3) == []
    await booking.cancel()
    assert len(await clocks(person, page, days=3)) == 6
    await visit(person, page, person.at(3, "11:00"))


async def test_r32_a_weekly_limit_counts_the_whole_week(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(weekly_hours=NINE_TO_TWELVE, weekly_limit=1)
    monday = 14 - person.day(0).weekday()
    await visit(person, page, person.at(monday + 6, "09:00"))
    open_days = [bool(await clocks(person, page, days=monday + day)) for day in range(-1, 8)]
    assert open_days == [True, *[False] * 7, True]


async def test_r32_a_date_range_is_open_on_both_its_ends(world: World) -> None:
    person = await world.connected()
    window = {"kind": "date_range", "first_day": person.day(3).isoformat(), "last_day": person.day(4).isoformat()}
    page = await person.make_page(weekly_hours=NINE_TO_TWELVE, booking_window=window)
    assert [len(await clocks(person, page, days=days)) for days in (2, 3, 4, 5)] == [0, 6, 6, 0]


async def test_r32_overrides_replace_the_weekly_hours_of_their_day(world: World) -> None:
    person = await world.connected()
    overrides = [
        {"day": person.day(3).isoformat(), "hours": []},
        {"day": person.day(4).isoformat(), "hours": [{"start": "18:00", "end": "19:00"}]},
    ]
    page = await person.make_page(weekly_hours=NINE_TO_TWELVE, date_overrides=overrides)
    assert await clocks(person, page, days=3) == []
    assert await clocks(person, page, days=4) == ["18:00", "18:30"]
    problem(await person.book(page["id"], person.at(4, "09:00").isoformat()), 409, "slot_unavailable")
    assert (await person.book(page["id"], person.at(4, "18:30").isoformat())).status_code == 201


async def test_r32_hours_that_overlap_are_one_and_offer_no_time_twice(world: World) -> None:
    person = await world.connected()
    hours = [{"day": day, "start": start, "end": "12:00"} for day in WEEKDAYS for start in ("09:00", "09:00", "10:00")]
    page = await person.make_page(weekly_hours=hours)
    assert await clocks(person, page) == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]


async def test_r32_increments_durations_and_buffers_shape_the_grid(world: World) -> None:
    person = await with_events(world)
    await world.sandbox.insert_google_event(person.email, timed(person, "10:30", "10:45"))
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    page = await person.make_page(
        weekly_hours=NINE_TO_TWELVE, durations_minutes=[30, 60], increment_minutes=15, buffer_before_minutes=15,
        buffer_after_minutes=10,
    )  # fmt: skip
    assert await clocks(person, page) == ["09:00", "09:15", "09:30", "09:45", "11:00", "11:15", "11:30"]
    assert await clocks(person, page, duration_minutes=60) == ["09:00", "09:15", "11:00"]
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")
    problem(await person.book(page["id"], person.at(3, "09:05").isoformat()), 409, "slot_unavailable")
    assert (await person.book(page["id"], person.at(3, "09:15").isoformat())).status_code == 201
    assert await clocks(person, page) == ["11:00", "11:15", "11:30"]


async def test_r32_a_page_of_the_same_host_takes_the_time_of_all_their_pages(world: World) -> None:
    person = await world.connected()
    first = await person.make_page(weekly_hours=NINE_TO_TWELVE)
    second = await person.make_page(name="Long", weekly_hours=NINE_TO_TWELVE, buffer_before_minutes=30)
    await visit(person, first, person.at(3, "10:00"))
    assert await clocks(person, first) == ["09:00", "09:30", "10:30", "11:00", "11:30"]
    assert await clocks(person, second) == ["09:00", "09:30", "11:00", "11:30"]


HOSTS = ["Africa/Cairo", "Asia/Kolkata", "Pacific/Auckland", "America/New_York", "Europe/London"]
CHANGES = {
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 30)),
    "Asia/Kolkata": (),
    "Pacific/Auckland": (date(2026, 4, 5), date(2026, 9, 27)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
}


@pytest.mark.parametrize("zone", HOSTS)
async def test_r32_office_hours_are_the_hosts_on_every_day_of_the_year_for_every_visitor(
    world: World, zone: str
) -> None:
    person = await world.person(zoneinfo=zone)
    first, last = date(2026, 2, 1), date(2026, 12, 1)
    window = {"kind": "date_range", "first_day": first.isoformat(), "last_day": last.isoformat()}
    page = await person.make_page(weekly_hours=NINE_TO_TWELVE, booking_window=window, durations_minutes=[60])
    world.clock.offset = datetime(2026, 1, 1, tzinfo=UTC) - datetime.now(UTC)
    await person.refresh_token()
    days = [day for change in CHANGES[zone] for day in (change - timedelta(days=1), change, change + timedelta(days=1))]
    for day in [first, *days, last]:
        expected = {datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)) for hour in (9, 10, 11)}
        for visitor in ("Pacific/Honolulu", "Asia/Kathmandu", zone):
            around = day - timedelta(days=1), day + timedelta(days=1)
            slots = await person.slots(page["id"], *around, time_zone=visitor, duration_minutes=60)
            starts = [datetime.fromisoformat(slot["start_at"]) for slot in slots]
            assert {s for s in starts if s.astimezone(ZoneInfo(zone)).date() == day} == expected, (day, visitor)
            assert all(s.utcoffset() == s.astimezone(ZoneInfo(visitor)).utcoffset() for s in starts)
            lengths = {datetime.fromisoformat(slot["end_at"]) - at for slot, at in zip(slots, starts, strict=True)}
            assert lengths == {timedelta(hours=1)}


async def test_r32_a_day_is_the_asking_visitors_day(world: World) -> None:
    person = await world.connected(zoneinfo="Pacific/Auckland")
    page = await person.make_page(weekly_hours=NINE_TO_TWELVE)
    slots = await person.slots(page["id"], person.day(4), time_zone="America/Los_Angeles")
    zone = ZoneInfo("America/Los_Angeles")
    assert slots
    assert {datetime.fromisoformat(slot["start_at"]).astimezone(zone).date() for slot in slots} == {person.day(4)}


@pytest.mark.parametrize(("zone", "day", "hours"), [
    ("Europe/Stockholm", date(2027, 3, 28), 23),
    ("Europe/Stockholm", date(2027, 10, 31), 25),
    ("Africa/Cairo", date(2027, 4, 30), 23),
    ("America/New_York", date(2027, 3, 14), 23),
])  # fmt: skip
async def test_r32_a_day_of_changing_clocks_offers_the_hours_it_has(
    world: World, zone: str, day: date, hours: int
) -> None:
    person = await world.person(zoneinfo=zone)
    window = {"kind": "date_range", "first_day": day.isoformat(), "last_day": day.isoformat()}
    page = await person.make_page(booking_window=window, durations_minutes=[60])
    slots = await person.slots(page["id"], day, duration_minutes=60)
    starts = [datetime.fromisoformat(slot["start_at"]).astimezone(UTC) for slot in slots]
    assert len(starts) == len(set(starts)) == hours
    assert {following - start for start, following in pairwise(starts)} == {timedelta(hours=1)}


async def test_a_crowd_is_told_by_a_few_reads_and_whoever_has_booked_finds_it_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    page = await person.make_page()
    reads, read = count(), PageReader.read

    async def counted(self: PageReader, *asked: Any, **named: Any) -> Any:
        next(reads)
        return await read(self, *asked, **named)

    monkeypatch.setattr(PageReader, "read", counted)
    crowd = [asyncio.create_task(clocks(person, page)) for _ in range(30)]
    told = await asyncio.gather(*crowd)
    assert next(reads) < len(told) / 3
    assert len({tuple(times) for times in told}) == 1
    onlookers = [asyncio.create_task(clocks(person, page)) for _ in range(10)]
    await visit(person, page, person.at(3, "10:00"))
    assert "10:00" in told[0]
    assert "10:00" not in await clocks(person, page)
    await asyncio.gather(*onlookers)
