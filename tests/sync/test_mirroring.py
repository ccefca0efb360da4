"""The mirror is the provider's truth: full listings, changes, series, all-day events, zones (P3, R31)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from app.ids import decode_id
from tests.crm.scene import VERA, invite, make_contact, timeline
from tests.support.google import GoogleReader, turned
from tests.support.hands import ExchangeHands
from tests.support.world import World
from tests.sync.scene import Scene, wire

WEEKLY = ["RRULE:FREQ=WEEKLY;COUNT=6"]
SERIES = 24
"""So many that they are read together."""


async def seeded(world: World, **claims: str) -> Scene:
    """A person with a working life, damage included, connected and synced."""
    person = await world.person(**claims)
    await world.sandbox.google_account(person.email, time_zone=person.time_zone)
    await world.sandbox.seed_google(person.email, around=person.day(7), with_damage=True)
    await person.connect()
    await world.work()
    return await Scene.of(world, person)


async def empty(world: World, **claims: str) -> Scene:
    """A person with an empty calendar, connected and synced."""
    return await Scene.of(world, await world.connected(**claims))


async def test_r31_a_full_sync_of_a_working_life_mirrors_exactly_what_google_says(world: World) -> None:
    scene = await seeded(world)
    truth = await scene.truth()
    assert len(truth.busy) > 60
    assert truth.tentative
    assert await scene.mirror() == truth
    whole_year = timedelta(days=390)
    assert await scene.mirror(whole_year) == await scene.truth(whole_year)


async def test_p3_a_listing_of_many_pages_mirrors_the_same(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    scene = await Scene.of(world, person)
    for number in range(24):
        await scene.insert(person.at(1 + number, "06:00"))
    async with turned(world.sandbox, page_size_cap=5):
        await person.connect()
        await world.work()
        await scene.agrees(spans=24)
        for number in range(24):
            await scene.insert(person.at(1 + number, "16:00"))
        series = await scene.insert(person.at(2, "20:00"), recurrence=["RRULE:FREQ=DAILY;COUNT=12"])
        await scene.sync()
    await scene.agrees(spans=60)
    assert len(await scene.instances(series)) == 12
    pages = [r for r in await world.sandbox.google_requests(account=person.email) if "pageToken" in r["query"]]
    assert len(pages) > 10


@pytest.mark.parametrize("zone", ["Africa/Cairo", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"])
async def test_r31_a_calendar_of_any_zone_is_mirrored(world: World, zone: str) -> None:
    scene = await empty(world, zoneinfo=zone)
    await scene.insert_days(5, 7)
    await scene.insert(scene.person.at(9, "23:30"), minutes=90)
    await scene.insert(scene.person.at(10, "10:00"), recurrence=WEEKLY)
    await scene.sync()
    await scene.agrees(spans=8)


async def test_r31_only_what_blocks_is_busy(world: World) -> None:
    scene = await empty(world)
    at = scene.person.at
    guest = {"email": scene.person.email, "self": True}
    await scene.insert(at(3, "09:00"))
    await scene.insert(at(3, "10:00"), transparency="transparent")
    await scene.insert(at(3, "11:00"), status="tentative")
    host = {"organizer": {"email": "host@example.com"}}
    declined = {"attendees": [{**guest, "responseStatus": "declined"}]} | host
    await scene.insert(at(3, "12:00"), **declined)
    maybe = {"attendees": [{**guest, "responseStatus": "tentative"}]} | host
    await scene.insert(at(3, "13:00"), **maybe)
    await scene.insert(at(3, "14:00"), eventType="outOfOffice", outOfOfficeProperties={})
    await scene.insert_days(4, 5, transparency="transparent")
    await scene.sync()
    mirror = await scene.mirror()
    hours = [int(at(3, clock).timestamp()) for clock in ("09:00", "11:00", "13:00", "14:00")]
    half = 1800
    assert mirror.busy == [(hours[0], hours[0] + half), (hours[3], hours[3] + half)]
    assert mirror.tentative == [(hours[1], hours[1] + half), (hours[2], hours[2] + half)]
    await scene.agrees()


async def test_p3_an_event_made_moved_freed_and_deleted_is_followed(world: World) -> None:
    scene = await empty(world)
    start = scene.person.at(4, "10:00")
    event = await scene.insert(start)
    await scene.sync()
    await scene.agrees(spans=1)
    later = start + timedelta(days=40)
    await scene.patch(event, start=wire(later), end=wire(later + timedelta(hours=2)))
    await scene.sync()
    await scene.agrees(spans=1)
    await scene.patch(event, transparency="transparent")
    await scene.sync()
    await scene.agrees(spans=0)
    await scene.patch(event, transparency="opaque")
    await scene.sync()
    await scene.agrees(spans=1)
    await scene.delete(event)
    await scene.sync()
    await scene.agrees(spans=0)


async def test_p3_an_edit_has_only_the_months_packed_whose_time_it_changes(world: World) -> None:
    scene = await empty(world)
    series = await scene.insert(scene.person.at(4, "10:00"), recurrence=["RRULE:FREQ=WEEKLY;INTERVAL=5;COUNT=4"])
    await scene.sync()
    packed = await packings(world)
    await scene.patch(series, summary="Another title", attendees=[{"email": "new@example.com"}])
    await scene.sync()
    assert await packings(world) == packed
    last = (await scene.instances(series))[-1]
    await scene.patch(last["event_id"], transparency="transparent")
    await scene.sync()
    now = await packings(world)
    assert [month for month in now if now[month] != packed[month]] == [last["starts_at"].date().replace(day=1)]
    half_a_year = timedelta(days=180)
    assert len((truth := await scene.truth(half_a_year)).busy) == 3
    assert await scene.mirror(half_a_year) == truth


async def packings(world: World) -> dict[Any, Any]:
    """Which transaction has packed each month."""
    rows = await world.rows("SELECT month, xmin::text AS packed_by FROM busy_months ORDER BY month")
    return {row["month"]: row["packed_by"] for row in rows}


async def test_p3_one_instance_of_a_series_moved_or_deleted_leaves_the_others(world: World) -> None:
    scene = await empty(world)
    series = await scene.insert(scene.person.at(2, "10:00"), recurrence=WEEKLY)
    await scene.sync()
    await scene.agrees(spans=6)
    rows = await scene.instances(series)
    moved = rows[2]["starts_at"] + timedelta(hours=25)
    await scene.patch(rows[2]["event_id"], start=wire(moved), end=wire(moved + timedelta(hours=1)))
    await scene.sync()
    await scene.agrees(spans=6)
    await scene.delete(rows[4]["event_id"])
    await scene.sync()
    await scene.agrees(spans=5)
    await scene.patch(rows[4]["event_id"], status="confirmed")
    await scene.sync()
    await scene.agrees(spans=6)


async def test_p3_a_series_changed_shortened_and_deleted_is_followed(world: World) -> None:
    scene = await empty(world)
    start = scene.person.at(2, "10:00")
    series = await scene.insert(start, recurrence=WEEKLY)
    await scene.sync()
    other = start + timedelta(hours=3)
    await scene.patch(series, start=wire(other), end=wire(other + timedelta(minutes=45)))
    await scene.sync()
    await scene.agrees(spans=6)
    await scene.patch(series, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    await scene.sync()
    await scene.agrees(spans=3)
    await scene.delete(series)
    await scene.sync()
    await scene.agrees(spans=0)
    assert await world.rows("SELECT * FROM mirror_events") == []
    assert await world.rows("SELECT * FROM mirror_series") == []


async def test_p3_an_event_becomes_a_series_and_a_series_an_event(world: World) -> None:
    scene = await empty(world)
    event = await scene.insert(scene.person.at(2, "10:00"))
    await scene.sync()
    await scene.patch(event, recurrence=WEEKLY)
    await scene.sync()
    await scene.agrees(spans=6)
    await scene.patch(event, recurrence=[])
    await scene.sync()
    await scene.agrees(spans=1)
    await scene.delete(event)
    await scene.sync()
    await scene.agrees(spans=0)


async def test_p3_an_event_becomes_all_day_and_back(world: World) -> None:
    scene = await empty(world)
    start = scene.person.at(6, "10:00")
    event = await scene.insert(start)
    await scene.sync()
    first, after = scene.person.day(6).isoformat(), scene.person.day(8).isoformat()
    nothing = {"dateTime": None, "timeZone": None}
    await scene.patch(event, start={"date": first, **nothing}, end={"date": after, **nothing})
    await scene.sync()
    await scene.agrees(spans=1)
    end = start + timedelta(hours=1)
    await scene.patch(event, start={**wire(start), "date": None}, end={**wire(end), "date": None})
    await scene.sync()
    await scene.agrees(spans=1)


async def test_p3_many_series_and_events_at_once_are_followed(world: World) -> None:
    scene = await empty(world)
    for number in range(9):
        start = scene.person.at(2 + number, "07:00") + timedelta(minutes=40 * number)
        await scene.insert(start, recurrence=WEEKLY)
        await scene.insert(start + timedelta(hours=4))
    await scene.sync()
    await scene.agrees()
    assert len(await world.rows("SELECT * FROM mirror_series")) == 9


async def test_p1_an_event_beyond_the_horizon_blocks_once_the_horizon_reaches_it(world: World) -> None:
    scene = await empty(world)
    await scene.insert(scene.person.at(425, "10:00"))
    await scene.sync()
    assert (await scene.mirror(timedelta(days=439))).busy == []
    world.clock.offset = timedelta(days=40)
    await scene.sync()
    truth = await scene.truth(timedelta(days=439))
    assert len(truth.busy) == 1
    assert await scene.mirror(timedelta(days=439)) == truth


async def test_p1_a_series_without_end_is_expanded_again_as_time_goes_on(world: World) -> None:
    scene = await empty(world)
    series = await scene.insert(scene.person.at(50, "15:00"), recurrence=["RRULE:FREQ=WEEKLY"])
    await scene.sync()
    before = await scene.instances(series)
    world.clock.offset = timedelta(days=40)
    await scene.sync()
    after = await scene.instances(series)
    assert after[-1]["starts_at"] > before[-1]["starts_at"] + timedelta(days=30)
    assert await scene.mirror(timedelta(days=439)) == await scene.truth(timedelta(days=439))


async def test_p3_many_series_are_expanded_again_by_one_listing(world: World) -> None:
    scene = await empty(world)
    for number in range(SERIES):
        start = scene.person.at(60, "06:00") + timedelta(minutes=30 * number)
        series = await scene.insert(start, recurrence=["RRULE:FREQ=DAILY;INTERVAL=120"])
    await scene.sync()
    assert await series_rows(world) == {3: SERIES}
    await scene.delete((await scene.instances(series))[1]["event_id"])
    await scene.insert(scene.person.at(70, "10:00"))
    world.clock.offset = timedelta(days=40)
    before = len(await world.sandbox.google_requests(account=scene.person.email))
    await scene.sync()
    assert await series_rows(world) == {4: SERIES - 1, 3: 1}
    assert await scene.mirror(timedelta(days=439)) == await scene.truth(timedelta(days=439))
    assert len(await world.sandbox.google_requests(account=scene.person.email)) - before < SERIES / 2


async def test_p3_a_first_listing_with_many_series_reads_them_together(world: World) -> None:
    """Google allows a person 600 requests a minute."""
    person = await world.person()
    await world.sandbox.google_account(person.email)
    scene = await Scene.of(world, person)
    for number in range(SERIES):
        start = scene.person.at(20, "06:00") + timedelta(minutes=30 * number)
        await scene.insert(start, recurrence=["RRULE:FREQ=DAILY;INTERVAL=7;COUNT=3"])
    before = len(await world.sandbox.google_requests(account=person.email))
    await person.connect()
    await world.work()
    assert await series_rows(world) == {3: SERIES}
    assert len(await world.sandbox.google_requests(account=person.email)) - before < SERIES / 2
    await scene.agrees(spans=3)


async def test_p3_exchange_reads_a_calendar_once_for_many_series(world: World) -> None:
    person, hands = await world.person(), ExchangeHands(world.sandbox)
    await hands.account(person)
    for number in range(SERIES):
        start = person.at(60, "06:00") + timedelta(minutes=30 * number)
        item = {"subject": "x", "start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
        item["recurrence"] = {"pattern": "DailyRecurrence", "interval": 120, "count": 10}
        await world.sandbox.exchange.create_item(person.email, item)
    await hands.connect(person)
    await world.work()
    assert await series_rows(world) == {3: SERIES}
    world.clock.offset = timedelta(days=40)
    before = len(await world.sandbox.exchange.requests())
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert await series_rows(world) == {4: SERIES}
    asked = [request["query"] for request in (await world.sandbox.exchange.requests())[before:]]
    assert sum("op=FindItem" in query for query in asked) == 1
    assert len(asked) < SERIES / 2


@pytest.mark.parametrize("apart", [0, 3], ids=["at once", "hours apart"])
@pytest.mark.parametrize("many", [False, True], ids=["each by itself", "many together"])
async def test_r24_two_series_of_one_uid_block_their_times_and_one_of_them_may_go(
    world: World, *, many: bool, apart: int
) -> None:
    """A series that was imported twice: Exchange lets the copy keep its UID."""
    person, hands = await world.person(), ExchangeHands(world.sandbox)
    await hands.account(person)
    start = person.at(45, "10:00")
    item: dict[str, Any] = {
        "subject": "Weekly",
        "uid": "0123456789@elsewhere",
        "recurrence": {"pattern": "DailyRecurrence", "interval": 1, "count": 5},
    }

    def ends(hours: int) -> dict[str, str]:
        begin = start + timedelta(hours=hours)
        return {"start": begin.isoformat(), "end": (begin + timedelta(hours=1)).isoformat()}

    copies = [await world.sandbox.exchange.create_item(person.email, item | ends(hours)) for hours in (0, apart)]
    await hands.connect(person)
    page = await person.make_page()
    await world.work()
    if many:
        world.clock.offset = timedelta(days=40)
        await person.post(f"/v1/connections/{person.connection_id}/sync")
        await world.work()
        world.clock.offset = timedelta()
    assert await series_rows(world) == {5: 2}
    await world.sandbox.exchange.delete_item(person.email, copies[1]["id"])
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert await series_rows(world) == {5: 1}
    offered = {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(45))}
    assert {"09:00", "13:00", "13:30"} <= offered
    assert not {"10:00", "10:30"} & offered


async def series_rows(world: World) -> Counter[int]:
    """How many series have so many dates."""
    rows = await world.rows(
        "SELECT count(*) AS dates FROM mirror_events WHERE series_id IS NOT NULL GROUP BY series_id"
    )
    return Counter(row["dates"] for row in rows)


async def test_p3_the_mirror_keeps_no_title_no_guest_and_no_text(world: World) -> None:
    scene = await empty(world)
    await scene.insert(
        scene.person.at(2, "10:00"),
        summary="Secret merger",
        description="with Umbrella",
        location="Vault 7",
        attendees=[{"email": "spy@example.com"}],
    )
    await scene.sync()
    await scene.agrees(spans=1)
    dump = repr(await world.rows("SELECT m::text FROM mirror_events m"))
    assert not any(word in dump for word in ("merger", "Umbrella", "Vault", "spy@example.com"))


async def test_p5_what_lies_behind_is_forgotten_as_time_goes_on_and_the_timeline_keeps_it(world: World) -> None:
    scene = await empty(world)
    contact = await make_contact(scene.person)
    past = await invite(world, scene.person, scene.person.at(1, "10:00"), VERA, summary="Renewal")
    await scene.insert_days(2, 3)
    lasting = await scene.insert(scene.person.at(10, "10:00"))
    series = await scene.insert(scene.person.at(3, "15:00"), recurrence=["RRULE:FREQ=WEEKLY"])
    await scene.sync()
    world.clock.offset = timedelta(days=42)
    await scene.sync()
    start = world.clock() - timedelta(days=35)
    kept = await world.rows("SELECT event_id, starts_at FROM mirror_events WHERE series_id IS DISTINCT FROM $1", series)
    assert [row["event_id"] for row in kept] == [lasting]
    assert (await scene.instances(series))[0]["starts_at"] > start
    assert await world.rows("SELECT FROM mirror_addresses") == []
    months = await world.rows("SELECT month FROM busy_months ORDER BY month")
    assert months[0]["month"] == start.date().replace(day=1)
    assert [meeting["title"] for meeting in await timeline(scene.person, contact)] == ["Renewal"]
    await scene.patch(past, summary="Renewal, signed")
    await scene.sync()
    assert [meeting["title"] for meeting in await timeline(scene.person, contact)] == ["Renewal, signed"]


async def test_p5_what_lies_behind_is_forgotten_although_nobody_heals_the_connection(world: World) -> None:
    scene = await empty(world)
    await make_contact(scene.person)
    await invite(world, scene.person, scene.person.at(1, "10:00"), VERA)
    await scene.insert_days(2, 3)
    lasting = await scene.insert(scene.person.at(40, "10:00"))
    await scene.sync()
    await world.sandbox.revoke_google(scene.person.email)
    await world.rows("UPDATE connections SET status = 'reauthorization_required'")
    account_id = decode_id("acct", scene.person.account_id)
    for days, left in ((20, 3), (22, 1)):
        world.clock.offset += timedelta(days=days)
        await world.services.pruner.run(account_id, account_id)
        assert len(await world.rows("SELECT FROM mirror_events")) == left
    assert [row["event_id"] for row in await world.rows("SELECT event_id FROM mirror_events ORDER BY event_id")] == [
        lasting
    ]
    assert await world.rows("SELECT FROM mirror_addresses") == []


async def test_r29_every_ticked_calendar_has_a_mirror_of_its_own(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    other = (await world.sandbox.google_calendar(person.email, "Project", time_zone="America/New_York"))["id"]
    await person.connect()
    await world.work()
    calendars = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    saved = await person.patch(
        "/v1/calendar-settings", {"availability_calendar_ids": [calendar["id"] for calendar in calendars]}
    )
    assert saved.status_code == 200, saved.text
    primary = Scene(world, person, await GoogleReader.of(world.sandbox, person.email), person.email)
    project = Scene(world, person, primary.reader, other)
    await primary.insert(person.at(3, "10:00"))
    await project.insert_days(5, 6)
    await primary.sync()
    await primary.agrees(spans=1)
    await project.agrees(spans=1)
