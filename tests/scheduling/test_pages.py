"""Pages of a person: made, listed, changed, taken away (R25, R32, R33, R53).

The one rule: what a test proves is seen through the API; somebody else's page is a page that never was.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from app.database import transaction
from app.ids import decode_id, encode_id, new_id
from app.models.scheduling import SchedulingPage
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.people import ALWAYS_OPEN, Person
from tests.support.world import World, problem

PATH = "/v1/scheduling-pages"
PER_REQUEST = {"instance", "request_id"}


async def create(person: Person, **fields: Any) -> dict[str, Any]:
    made = await person.post(PATH, {"type": "personal", "name": "Intro call"} | fields)
    assert made.status_code == 201, made.text
    page: dict[str, Any] = made.json()
    return page


def without_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in PER_REQUEST}


async def test_r25_a_page_is_deleted_once_and_who_came_second_finds_it_gone(world: World) -> None:
    person = await world.person()
    await create(person)
    page = await create(person, name="Other")
    path = f"{PATH}/{page['id']}"
    async with transaction(world.services.sessions, decode_id("acct", person.account_id)) as session:
        await session.execute(
            select(SchedulingPage.id).where(SchedulingPage.id == decode_id("page", page["id"])).with_for_update()
        )
        asked = []
        for change in (person.delete(path), person.delete(path), person.patch(path, {"name": "Renamed"})):
            asked.append(asyncio.create_task(change))
            while await waiting_for_locks(world) < len(asked):  # noqa: ASYNC110 - the database's own record
                await asyncio.sleep(0.01)
    first, second, changed = await asyncio.gather(*asked)
    assert first.status_code == 204
    problem(second, 404, "not_found")
    problem(changed, 404, "not_found")
    told = await world.rows("SELECT type FROM feed_events WHERE type LIKE 'scheduling_page.%' ORDER BY arrival")
    assert [row["type"].partition(".")[2] for row in told] == ["created", "created", "deleted"]


async def test_r25_a_page_is_made_read_and_changed_without_a_calendar(world: World) -> None:
    person = await world.person(zoneinfo="Europe/Stockholm")
    made = await person.post(PATH, {"type": "personal", "name": "  Möte på måndag "})
    assert made.status_code == 201, made.text
    page = made.json()
    assert made.headers["Location"] == f"{PATH}/{page['id']}"
    assert made.headers["ETag"] == '"1"'
    assert (page["name"], page["slug"], page["mode"]) == ("Möte på måndag", "mote-pa-mandag", "offline")
    assert page["meeting_link"] == "http://127.0.0.1:8000/meetings/mote-pa-mandag"
    read = await person.get(f"{PATH}/{page['id']}")
    assert read.json() == page
    assert read.headers["ETag"] == '"1"'
    changed = await person.patch(f"{PATH}/{page['id']}", {"description": "Half an hour"})
    assert (changed.json()["description"], changed.json()["version"]) == ("Half an hour", 2)


async def test_r32_a_page_that_says_nothing_has_office_hours_in_its_owners_zone(world: World) -> None:
    person = await world.person(zoneinfo="Asia/Kolkata")
    page = await create(person)
    assert page["time_zone"] == "Asia/Kolkata"
    assert page["durations_minutes"] == [30]
    assert {(hours["start"], hours["end"]) for hours in page["weekly_hours"]} == {("09:00", "17:00")}
    assert [hours["day"] for hours in page["weekly_hours"]] == ["monday", "tuesday", "wednesday", "thursday", "friday"]
    assert page["booking_window"] == {"kind": "rolling_days", "days": 30}
    assert (page["minimum_notice_minutes"], page["daily_limit"], page["redirect_url"]) == (240, None, None)


async def test_r25_null_in_a_new_page_is_the_default_too(world: World) -> None:
    person = await world.person()
    absent = await create(person, name="One")
    null = await create(
        person, name="Two", description=None, weekly_hours=None, time_zone=None, durations_minutes=None,
        booking_window=None, location=None, language=None, max_guests=None, slug=None, form_fields=None,
    )  # fmt: skip
    differ = {name for name in absent if absent[name] != null[name]}
    assert differ == {"id", "name", "slug", "meeting_link", "created_at", "updated_at"}


async def test_r25_an_owner_whose_zone_is_unknown_gets_a_page_that_can_be_used(world: World) -> None:
    person = await world.person(zoneinfo="Mars/Olympus_Mons")
    page = await create(person)
    slots = await person.slot_list(page["id"], world.clock().date(), time_zone="UTC")
    assert slots.status_code == 200, slots.text


async def test_lists_show_every_page_once_over_many_cursors(world: World) -> None:
    person = await world.person()
    made = [(await create(person, name=f"Page {number}"))["id"] for number in range(25)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    sizes = []
    while True:
        answer = (await person.get(PATH, limit=10, **cursor)).json()
        seen += [page["id"] for page in answer["items"]]
        sizes.append(len(answer["items"]))
        if answer["next_cursor"] is None:
            break
        cursor = {"cursor": answer["next_cursor"]}
    assert (seen, sizes) == (made, [10, 10, 5])
    assert len((await person.get(PATH)).json()["items"]) == 20
    exact = (await person.get(PATH, limit=25)).json()
    assert (len(exact["items"]), exact["next_cursor"]) == (25, None)


async def test_a_cursor_is_good_for_its_own_list_and_its_own_reader_only(world: World) -> None:
    person = await world.person()
    colleague = await world.person(account_id=person.account_id)
    for someone in (person, colleague):
        await create(someone)
        await create(someone)
    cursor = (await person.get(PATH, limit=1)).json()["next_cursor"]
    problem(await colleague.get(PATH, limit=1, cursor=cursor), 400, "invalid_cursor")
    problem(await person.get("/v1/bookings", cursor=cursor), 400, "invalid_cursor")
    problem(await person.get("/v1/bookings", cursor=cursor, status="confirmed"), 400, "invalid_cursor")
    for broken in ("", "x", "é", "a" * 200, cursor[:-1], cursor[::-1], cursor + "a"):
        problem(await person.get(PATH, cursor=broken), 400, "invalid_cursor")
    problem(await person.get(PATH, cursor="a" * 201), 422, "validation_failed")
    for limit in (0, 101, "many"):
        problem(await person.get(PATH, limit=limit), 422, "validation_failed")


async def test_r32_absent_keeps_and_null_goes_back_to_the_default(world: World) -> None:
    person = await world.person()
    page = await create(
        person, description="Text", durations_minutes=[15, 60], increment_minutes=20, daily_limit=3, max_guests=2,
        redirect_url="https://example.com/thanks", consent_text="May we?", weekly_hours=ALWAYS_OPEN,
        time_zone="Africa/Cairo", form_fields=[{"id": "a", "label": "A", "kind": "text", "required": False}],
    )  # fmt: skip
    kept = (await person.patch(f"{PATH}/{page['id']}", {})).json()
    assert without_version(kept) == without_version(page)
    cleared = (
        await person.patch(
            f"{PATH}/{page['id']}",
            dict.fromkeys(
                ("description", "durations_minutes", "increment_minutes", "daily_limit", "max_guests", "redirect_url",
                 "consent_text", "weekly_hours", "form_fields")
            ),
        )
    ).json()  # fmt: skip
    assert (cleared["description"], cleared["durations_minutes"], cleared["increment_minutes"]) == ("", [30], None)
    assert (cleared["daily_limit"], cleared["max_guests"], cleared["redirect_url"]) == (None, 0, None)
    assert (cleared["consent_text"], cleared["form_fields"]) == (None, [])
    assert cleared["weekly_hours"][0] == {"day": "monday", "start": "09:00", "end": "17:00"}
    assert cleared["time_zone"] == "Africa/Cairo"


def without_version(page: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name not in {"version", "updated_at"}}


async def test_a_page_cannot_lose_its_name_or_its_link(world: World) -> None:
    person = await world.person()
    page = await create(person)
    for field in ("name", "slug"):
        refused = problem(await person.patch(f"{PATH}/{page['id']}", {field: None}), 422, "validation_failed")
        assert [error["pointer"] for error in refused["errors"]] == [f"/{field}"]
    assert (await person.get(f"{PATH}/{page['id']}")).json() == page


async def test_if_match_lets_only_the_version_that_was_read_be_changed(world: World) -> None:
    person = await world.person()
    page = await create(person)
    path = f"{PATH}/{page['id']}"
    first = await person.patch(path, {"name": "A"}, **{"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    stale = problem(await person.patch(path, {"name": "B"}, **{"If-Match": '"1"'}), 412, "version_mismatch")
    assert stale["version"] == 2
    for odd in ("W/1", "abc", '"01x"', '""'):
        problem(await person.patch(path, {"name": "B"}, **{"If-Match": odd}), 412, "version_mismatch")
    assert (await person.get(path)).json()["name"] == "A"
    assert (await person.patch(path, {"name": "C"}, **{"If-Match": "*"})).status_code == 200


async def test_r53_a_strangers_page_answers_like_one_that_never_was(world: World) -> None:
    owner = await world.person()
    page = await create(owner)
    colleague = await world.person(account_id=owner.account_id)
    stranger = await world.person()
    for caller in (colleague, stranger):
        for method, body in ((caller.get, ()), (caller.delete, ()), (caller.patch, ({"name": "Mine"},))):
            theirs = await method(f"{PATH}/{page['id']}", *body)
            missing = await method(f"{PATH}/{encode_id('page', new_id())}", *body)
            malformed = await method(f"{PATH}/page_zzz", *body)
            assert (theirs.status_code, missing.status_code, malformed.status_code) == (404, 404, 404)
            assert without_ids(theirs.json()) == without_ids(missing.json()) == without_ids(malformed.json())
            assert set(theirs.headers) == set(missing.headers)
        assert (await caller.get(PATH)).json()["items"] == []
        problem(await caller.patch("/v1/calendar-settings", {"default_page_id": page["id"]}), 404, "not_found")
    assert (await owner.get(f"{PATH}/{page['id']}")).json() == page


async def test_r25_a_deleted_page_is_gone_everywhere_and_its_slug_stays_its_accounts(world: World) -> None:
    person, other = await world.person(), await world.person()
    page = await create(person, slug="intro")
    assert (await person.delete(f"{PATH}/{page['id']}")).status_code == 204
    problem(await person.get(f"{PATH}/{page['id']}"), 404, "not_found")
    problem(await person.patch(f"{PATH}/{page['id']}", {"name": "A"}), 404, "not_found")
    problem(await person.delete(f"{PATH}/{page['id']}"), 404, "not_found")
    problem(await world.api.get(f"/v1/public/scheduling-pages/{page['id']}"), 404, "not_found")
    problem(await person.slot_list(page["id"], person.day()), 404, "not_found")
    problem(await person.book(page["id"], person.at(3, "09:00").isoformat()), 404, "not_found")
    assert (await person.get(PATH)).json()["items"] == []
    resolve = {"host": urlsplit(page["meeting_link"]).hostname, "path": "/meetings/intro"}
    problem(await world.api.get("/v1/public/resolve", params=resolve), 404, "not_found")
    problem(await other.post(PATH, {"type": "personal", "name": "Intro", "slug": "intro"}), 409, "slug_taken")
    assert (await create(person, slug="intro"))["slug"] == "intro"


async def test_r36_the_default_page_and_the_chats_page_cannot_be_deleted(world: World) -> None:
    person = await world.person()
    first, second = await create(person, name="One"), await create(person, name="Two")
    chat = {"enabled": True, "page_id": second["id"]}
    saved = await person.patch("/v1/calendar-settings", {"default_page_id": first["id"], "chat_profile": chat})
    assert saved.status_code == 200, saved.text
    for page, code in ((first, "default_page_in_use"), (second, "chat_page_in_use")):
        problem(await person.delete(f"{PATH}/{page['id']}"), 409, code)
    released = {"default_page_id": None, "chat_profile": {"enabled": False, "page_id": None}}
    assert (await person.patch("/v1/calendar-settings", released)).status_code == 200
    assert (await person.delete(f"{PATH}/{first['id']}")).status_code == 204
