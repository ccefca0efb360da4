"""Settings that bear on pages: turned off and on, unticked, and the calendars that are asked (R17, R29, R41).

The one rule: nothing a switch does is more than the switch.
"""

import asyncio
from typing import Any

import asyncpg

from app.ids import decode_id, encode_id, new_id
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.people import Person
from tests.support.world import World, problem

SETTINGS = "/v1/calendar-settings"
PAGES = "/v1/scheduling-pages"


async def public(world: World, person: Person, page: dict[str, Any]) -> list[Any]:
    """Everything a visitor can read of a page."""
    shown = await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")
    slots = await person.slot_list(page["id"], person.day(2), person.day(4))
    assert (shown.status_code, slots.status_code) == (200, 200)
    return [shown.json(), slots.json()]


async def test_r41_pages_turned_off_answer_so_and_come_back_exactly(world: World) -> None:
    person = await world.connected()
    pages = [await person.make_page(name=name) for name in ("One", "Two")]
    before = [await public(world, person, page) for page in pages]
    own = [(await person.get(f"{PAGES}/{page['id']}")).json() for page in pages]
    assert (await person.patch(SETTINGS, {"turned_off": True})).json()["turned_off"] is True
    for page in pages:
        problem(await world.api.get(f"/v1/public/scheduling-pages/{page['id']}"), 404, "page_turned_off")
        problem(await person.slot_list(page["id"], person.day()), 404, "page_turned_off")
        problem(await person.book(page["id"], person.at(3, "09:00").isoformat()), 404, "page_turned_off")
        read = (await person.get(f"{PAGES}/{page['id']}")).json()
        assert read == own[pages.index(page)] | {"turned_off": True}
    assert (await person.patch(SETTINGS, {"turned_off": False})).json()["turned_off"] is False
    assert [await public(world, person, page) for page in pages] == before
    assert [(await person.get(f"{PAGES}/{page['id']}")).json() for page in pages] == own


async def test_r17_without_the_scheduling_pages_tick_none_is_made_or_served(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    assert (await person.patch(SETTINGS, {"scheduling_pages": False})).status_code == 200
    refused = problem(await person.post(PAGES, {"type": "personal", "name": "A"}), 409, "capability_not_supported")
    assert refused["capability"] == "scheduling_pages"
    problem(await world.api.get(f"/v1/public/scheduling-pages/{page['id']}"), 404, "page_turned_off")
    problem(await person.book(page["id"], person.at(3, "09:00").isoformat()), 404, "page_turned_off")
    own = await person.get(f"{PAGES}/{page['id']}")
    assert (own.status_code, own.json()["turned_off"]) == (200, True), "its owner is told what visitors are"
    await person.patch(SETTINGS, {"scheduling_pages": True})
    assert (await person.get(f"{PAGES}/{page['id']}")).json() == page
    assert (await person.book(page["id"], person.at(3, "09:00").isoformat())).status_code == 201


async def test_r55_the_pages_of_somebody_who_left_are_turned_off(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.rows("UPDATE users SET active = false WHERE email = $1", person.email)
    problem(await world.api.get(f"/v1/public/scheduling-pages/{page['id']}"), 404, "page_turned_off")
    problem(await person.book(page["id"], person.at(3, "09:00").isoformat()), 404, "page_turned_off")


async def test_r41_one_persons_switch_is_nobody_elses(world: World) -> None:
    person = await world.person()
    colleague = await world.person(account_id=person.account_id)
    page = await colleague.make_page()
    await person.patch(SETTINGS, {"turned_off": True})
    assert (await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")).status_code == 200


async def test_r4_one_save_is_all_or_nothing(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    before = (await person.get(SETTINGS)).json()
    good = {"turned_off": True, "tentative_blocks": False, "default_page_id": page["id"], "meetings_url": "ada"}
    for bad in (
        {"default_page_id": encode_id("page", new_id())},
        {"chat_profile": {"enabled": True, "page_id": encode_id("page", new_id())}},
        {"availability_calendar_ids": []},
        {"availability_calendar_ids": [encode_id("cal", new_id())]},
        {"domain_id": encode_id("dom", new_id())},
        {"turned_off": "maybe"},
        {"nonsense": 1},
    ):
        refused = await person.patch(SETTINGS, good | bad)
        assert refused.status_code in {404, 409, 422}, (bad, refused.text)
        assert (await person.get(SETTINGS)).json() == before, bad
    saved = await person.patch(SETTINGS, good, **{"If-Match": f'"{before["version"]}"'})
    assert saved.status_code == 200, saved.text
    assert {name: saved.json()[name] for name in good} == good
    problem(await person.patch(SETTINGS, {}, **{"If-Match": f'"{before["version"]}"'}), 412, "version_mismatch")


async def test_r29_a_ticked_calendar_is_asked_and_the_primary_always(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    family = await world.sandbox.google_calendar(person.email, "Family")
    await person.connect()
    await world.work()
    event = {
        "start": {"dateTime": person.at(3, "10:00").isoformat()},
        "end": {"dateTime": person.at(3, "11:00").isoformat()},
    }
    await world.sandbox.insert_google_event(person.email, event, family["id"])
    page = await person.make_page()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    ids = {item["name"]: item["id"] for item in listed}
    primary = next(item["id"] for item in listed if item["is_primary"])
    start = person.at(3, "10:00").isoformat()

    async def starts() -> set[str]:
        return {slot["start_at"] for slot in await person.slots(page["id"], person.day(3))}

    assert start in await starts()
    problem(
        await person.patch(SETTINGS, {"availability_calendar_ids": [ids["Family"]]}), 409, "primary_calendar_required"
    )
    saved = await person.patch(SETTINGS, {"availability_calendar_ids": [primary, ids["Family"]]})
    assert [item["calendar_id"] for item in saved.json()["availability_calendars"]] == [primary, ids["Family"]]
    assert await starts() == set(), "a calendar that was never read is not known to be free"
    await world.work()
    offered = await starts()
    assert start not in offered
    assert person.at(3, "10:30").isoformat() not in offered
    assert person.at(3, "11:00").isoformat() in offered
    problem(await person.book(page["id"], start), 409, "slot_unavailable")
    await person.patch(SETTINGS, {"availability_calendar_ids": [primary]})
    assert start in await starts()


async def test_r29_a_free_busy_share_cannot_be_ticked_and_says_why(world: World) -> None:
    person = await world.person()
    boss = f"boss-of-{person.email}"
    for email in (person.email, boss):
        await world.sandbox.google_account(email)
    shared = await world.sandbox.google_calendar(boss, "Boss")
    await world.sandbox.share_google_calendar(shared["id"], account=person.email, role="freeBusyReader")
    await person.connect()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    limited = next(item for item in listed if not item["is_primary"])
    assert (limited["access_role"], limited["eligible_for_availability"]) == ("free_busy_reader", False)
    assert limited["ineligible_reason"] == "missing_event_details_permission"
    wish = {"availability_calendar_ids": [item["id"] for item in listed]}
    refused = problem(await person.patch(SETTINGS, wish), 422, "calendar_not_eligible")
    assert refused["reason"] == "missing_event_details_permission"


async def test_r29_nobody_ticks_a_strangers_calendar(world: World) -> None:
    person = await world.connected()
    colleague = await world.connected(account_id=person.account_id)
    stranger = await world.connected()
    mine = [item["calendar_id"] for item in (await person.get("/v1/availability-calendars")).json()["items"]]
    for other in (colleague, stranger):
        theirs = [item["calendar_id"] for item in (await other.get("/v1/availability-calendars")).json()["items"]]
        problem(await person.patch(SETTINGS, {"availability_calendar_ids": mine + theirs}), 404, "not_found")
    assert [item["calendar_id"] for item in (await person.get("/v1/availability-calendars")).json()["items"]] == mine


async def test_r29_a_calendar_is_unticked_while_its_sync_ends(world: World) -> None:
    """A run holds how far the calendar is, and says when to look again at last: whoever unticks it waits for that."""
    person = await world.person()
    await world.sandbox.google_account(person.email)
    await world.sandbox.google_calendar(person.email, "Family")
    await person.connect()
    await world.work()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    [primary] = [item["id"] for item in listed if item["is_primary"]]
    [family] = [item["id"] for item in listed if item["name"] == "Family"]
    assert (await person.patch(SETTINGS, {"availability_calendar_ids": [primary, family]})).status_code == 200
    await world.work()
    run = await asyncpg.connect(world.database_url)
    try:
        async with run.transaction():
            calendar = decode_id("cal", family)
            await run.execute("SELECT FROM calendar_syncs WHERE calendar_id = $1 FOR UPDATE", calendar)
            unticking = asyncio.create_task(person.patch(SETTINGS, {"availability_calendar_ids": [primary]}))
            async with asyncio.timeout(20):
                while not await waiting_for_locks(world):  # noqa: ASYNC110 - the database's own record
                    await asyncio.sleep(0.01)
            await run.execute("UPDATE due_calendars SET due_at = now() WHERE calendar_id = $1", calendar)
        assert (await unticking).status_code == 200
    finally:
        await run.close()
    assert await world.rows("SELECT FROM due_calendars WHERE calendar_id = $1", calendar) == []
