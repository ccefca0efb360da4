"""Between which days a page is booked (R31, R32): what a calendar that is leafed through begins and ends with.

The one rule: no slot is outside these days, and they follow from the page's notice and window alone.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.scheduling.slots.hours import LocalInterval, WorkingHours
from app.scheduling.slots.offering import SlotRules, bookable, offered
from app.scheduling.slots.window import DateRange, RollingDays, RollingWeeks
from app.scheduling.slots.zones import day_number, first_instant
from tests.support.people import Person
from tests.support.world import World

DAY = timedelta(days=1)
WALL = [("Europe/Stockholm", "America/New_York"), ("Pacific/Auckland", "Pacific/Honolulu"), ("UTC", "Asia/Kolkata")]
MIDNIGHTS = [
    ("Europe/Stockholm", date(2026, 12, 1), "2026-12-01T00:00:00+01:00"),
    ("Africa/Cairo", date(2026, 4, 24), "2026-04-24T01:00:00+03:00"),  # the clocks skip midnight
    ("Asia/Beirut", date(2026, 10, 25), "2026-10-25T00:00:00+02:00"),  # 23:00 to 24:00 comes twice before it
    ("Pacific/Apia", date(2011, 12, 30), "2011-12-31T00:00:00+14:00"),  # a day that never was
]


async def days(person: Person, page: dict[str, Any], **query: Any) -> tuple[str | None, str | None]:
    listed = (await person.slot_list(page["id"], person.day(3), **query)).json()
    return listed["first_bookable_day"], listed["last_bookable_day"]


@pytest.mark.parametrize(("zone", "day", "expected"), MIDNIGHTS)
def test_a_day_begins_when_the_clocks_first_show_it(zone: str, day: date, expected: str) -> None:
    begins = datetime.fromtimestamp(first_instant(zone, day_number(day)), ZoneInfo(zone))

    assert begins.isoformat() == expected


@pytest.mark.parametrize("window", [RollingDays(9), RollingWeeks(2), DateRange(date(2026, 4, 2), date(2026, 4, 20))])
def test_r32_every_slot_begins_between_them_and_there_are_some_at_both_ends(window: Any) -> None:
    now = int(datetime(2026, 3, 30, 12, 20, tzinfo=UTC).timestamp())
    hours = WorkingHours(zone="Africa/Cairo", weekly=((LocalInterval(0, 1440),),) * 7, overrides={})
    rules = SlotRules(5, 5, hours, window, minimum_notice_minutes=240)

    first, end = bookable(rules, now=now) or (0, 0)
    starts = offered(rules, busy=(), now=now, between=(now - 86_400, now + 40 * 86_400))

    assert first <= starts[0] < first + 300
    assert end - 300 <= starts[-1] < end


@pytest.mark.parametrize(("own", "asked"), WALL)
async def test_r31_the_days_are_those_of_the_asked_zone(world: World, own: str, asked: str) -> None:
    person = await world.person(zoneinfo=own)
    page = await person.make_page(minimum_notice_minutes=120, booking_window={"kind": "rolling_days", "days": 10})
    now = world.clock()
    until = datetime.combine(now.astimezone(ZoneInfo(own)).date() + 11 * DAY, datetime.min.time(), ZoneInfo(own))
    last = (until - timedelta(seconds=1)).astimezone(ZoneInfo(asked)).date()

    first_day, last_day = await days(person, page, time_zone=asked)

    assert first_day in {(at + timedelta(hours=2)).astimezone(ZoneInfo(asked)).date().isoformat()
                         for at in (now, world.clock())}  # fmt: skip
    assert last_day == last.isoformat()
    assert (await person.slots(page["id"], last, last, time_zone=asked))[-1]["start_at"].startswith(last.isoformat())
    assert await person.slots(page["id"], last + DAY, last + 30 * DAY, time_zone=asked) == []


async def test_r32_a_window_that_is_over_or_too_near_has_no_days(world: World) -> None:
    person = await world.person(zoneinfo="UTC")
    past = {"kind": "date_range", "first_day": "2026-01-01", "last_day": "2026-01-31"}
    assert await days(person, await person.make_page(booking_window=past)) == (None, None)
    soon = {"kind": "rolling_days", "days": 1}
    page = await person.make_page(booking_window=soon, minimum_notice_minutes=3 * 1440)
    assert await days(person, page) == (None, None)
    endless = {"kind": "date_range", "first_day": "2026-01-01", "last_day": "9999-12-31"}
    assert (await days(person, await person.make_page(booking_window=endless), time_zone="Asia/Tokyo"))[
        1
    ] == "9999-12-31"


async def test_a_booking_that_moves_is_told_them_too(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(booking_window={"kind": "rolling_days", "days": 10})
    booked = (await person.book(page["id"], person.at(3, "12:00").isoformat())).json()
    query = {"time_zone": person.time_zone, "first_day": str(person.day(3)), "last_day": str(person.day(4))}

    listed = (await person.get(f"/v1/bookings/{booked['id']}/slots", **query)).json()

    assert (listed["first_bookable_day"], listed["last_bookable_day"]) == (str(person.day(0)), str(person.day(10)))
