"""Live checks in doubt (R29-R31, P1): busy is believed until events that do not count explain every bit of it."""

from datetime import datetime, timedelta

import httpx

from sandbox.client import LOOPBACK, SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World, problem

CALENDAR = "https://www.googleapis.com/auth/calendar"


def by_hand(person: Person, start: str, end: str, **fields: object) -> dict[str, object]:
    span = [{"dateTime": person.at(3, clock).isoformat()} for clock in (start, end)]
    return {"summary": "By hand", "start": span[0], "end": span[1]} | fields


async def offered(person: Person, page: dict[str, str]) -> set[str]:
    return {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}


async def move_calendar(world: World, person: Person, zone: str) -> None:
    """The person changes the primary calendar's zone in another application."""
    asked = {"response_type": "code", "client_id": SANDBOX_CLIENT_ID, "redirect_uri": LOOPBACK, "scope": CALENDAR}
    consent = httpx.URL(f"{world.sandbox.http_url}/google/o/oauth2/v2/auth", params=asked)
    returned = httpx.URL(await world.sandbox.consent(str(consent), email=person.email))
    form = {"grant_type": "authorization_code", "code": returned.params["code"], "redirect_uri": LOOPBACK}
    secret = {"client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET}
    async with httpx.AsyncClient(base_url=world.sandbox.http_url) as google:
        grant = (await google.post("/google/token", data=form | secret)).json()
        answer = await google.patch(
            "/google/calendar/v3/calendars/primary",
            json={"timeZone": zone},
            headers={"Authorization": f"Bearer {grant['access_token']}"},
        )
        assert answer.status_code == 200, answer.text


async def test_r29_a_colleagues_booked_meeting_blocks_like_any_event_of_theirs(world: World) -> None:
    boss = await world.connected()
    aide = await world.person(account_id=boss.account_id)
    await world.sandbox.google_account(aide.email)
    await world.sandbox.share_google_calendar(boss.email, account=aide.email, role="writer")
    await aide.connect()
    await world.work()
    listed = (await aide.get(f"/v1/connections/{aide.connection_id}/calendars")).json()["items"]
    ticked = {"availability_calendar_ids": [item["id"] for item in listed]}
    assert (await aide.patch("/v1/calendar-settings", ticked)).status_code == 200
    await world.work()
    page = await aide.make_page(name="Aide")
    await visit(boss, await boss.make_page(), boss.at(3, "10:00"))
    await world.work()  # the boss's event is written; the aide's mirror does not know it yet
    problem(await aide.book(page["id"], aide.at(3, "10:00").isoformat()), 409, "slot_unavailable")
    await aide.post(f"/v1/connections/{aide.connection_id}/sync")
    await world.work()
    assert "10:00" not in await offered(aide, page)


async def test_r31_a_calendar_that_moved_to_another_zone_blocks_what_the_provider_says(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    day = person.day(3)
    span = {"start": {"date": day.isoformat()}, "end": {"date": (day + timedelta(days=1)).isoformat()}}
    await move_calendar(world, person, "Pacific/Auckland")
    await world.sandbox.insert_google_event(person.email, {"summary": "Off", **span})
    evening_before = person.at(2, "16:00")  # the day has begun in Auckland, and not in Stockholm
    problem(await person.book(page["id"], evening_before.isoformat()), 409, "slot_unavailable")


async def test_r32_the_live_check_asks_for_the_buffers_too(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(buffer_after_minutes=30)
    await world.sandbox.insert_google_event(person.email, by_hand(person, "10:30", "11:00"))
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")


async def test_r30_a_calendar_that_is_gone_for_us_stops_bookings_however_young_the_mirror(world: World) -> None:
    owner = await world.connected()
    person = await world.person(account_id=owner.account_id)
    await world.sandbox.google_account(person.email)
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="reader")
    await person.connect()
    await world.work()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    ticked = {"availability_calendar_ids": [item["id"] for item in listed]}
    assert (await person.patch("/v1/calendar-settings", ticked)).status_code == 200
    await world.work()
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "12:00"))
    assert "10:00" in await offered(person, page)
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="none")
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "booking_unavailable")
    problem(await booking.reschedule(person.at(3, "10:00")), 409, "booking_unavailable")
    assert datetime.fromisoformat((await booking.read())["start_at"]) == person.at(3, "12:00")


async def test_p1_a_doubt_has_the_calendars_looked_at_again_even_while_a_run_is_under_way(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    before = await world.rows("SELECT dirty_seq FROM calendar_syncs")
    await world.sandbox.insert_google_event(person.email, by_hand(person, "10:00", "11:00"))
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")
    after = await world.rows("SELECT dirty_seq FROM calendar_syncs")
    assert after[0]["dirty_seq"] == before[0]["dirty_seq"] + 1
