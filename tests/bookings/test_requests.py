"""Without a calendar a page takes requests, and promises nothing (R26).

The one rule: a request holds no time and reaches no calendar; once a calendar is there it learns whether it clashes.
"""

from datetime import timedelta
from typing import Any

from app.ids import encode_id, new_id
from tests.support.people import Person
from tests.support.visitors import our_events
from tests.support.world import World, problem


async def ask(person: Person, page: dict[str, Any], days: int, clock: str) -> str:
    answer = await person.book(page["id"], person.at(days, clock).isoformat())
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_r26_an_offline_page_takes_a_request_and_writes_nothing(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    slots = (await person.slot_list(page["id"], person.day(3))).json()
    assert (slots["mode"], {slot["grade"] for slot in slots["items"]}) == ("offline", {"request_only"})
    answer = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["kind"], body["status"]) == ("meeting_request", "pending")
    assert answer.headers["Location"] == f"/v1/public/meeting-requests/{body['id']}"
    for table in ("bookings", "reservations", "calendar_writes"):
        assert await world.rows(f"SELECT FROM {table}") == []
    same = await person.book(page["id"], person.at(3, "10:00").isoformat(), email="second@example.com")
    assert same.status_code == 202, "nothing is held, so a second person may ask for the same time"
    listed = (await person.get("/v1/meeting-requests")).json()["items"]
    assert [item["id"] for item in listed] == [body["id"], same.json()["id"]]
    assert (listed[0]["clashes"], listed[0]["visitor_email"]) == (None, "vera@example.com")
    assert listed[0]["host_id"] == person.user_id
    assert (await person.get(f"/v1/meeting-requests/{body['id']}")).json() == listed[0]
    problem(await person.book(page["id"], person.at(90, "10:00").isoformat()), 422, "outside_booking_window")


async def test_r26_after_connecting_requests_learn_whether_they_clash(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    await world.sandbox.google_account(person.email)
    times = [{"dateTime": person.at(3, clock).isoformat()} for clock in ("10:00", "11:00")]
    await world.sandbox.insert_google_event(person.email, {"start": times[0], "end": times[1]})
    taken, free = await ask(person, page, 3, "10:30"), await ask(person, page, 3, "11:00")
    await person.connect()
    for _ in range(3):
        await world.work()
    clashes = {item["id"]: item["clashes"] for item in (await person.get("/v1/meeting-requests")).json()["items"]}
    assert clashes == {taken: True, free: False}
    assert await our_events(world, person) == [], "nothing is written before the host accepts"
    slots = {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}
    assert "11:00" in slots, "a request holds no time"


async def test_r26_a_request_clashes_with_what_is_taken_and_with_nothing_else(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    await world.sandbox.google_account(person.email)
    free = await ask(person, page, 3, "10:00")
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"minimum_notice_minutes": 30 * 1440, "weekly_hours": []})
    await person.connect()
    for _ in range(3):
        await world.work()
    assert (await person.get(f"/v1/meeting-requests/{free}")).json()["clashes"] is False


async def test_r26_a_request_on_a_page_that_is_gone_holds_up_nothing(world: World) -> None:
    person = await world.person()
    gone, page = await person.make_page(), await person.make_page(name="Stays")
    await world.sandbox.google_account(person.email)
    orphan, other = await ask(person, gone, 3, "10:00"), await ask(person, page, 3, "11:00")
    assert (await person.delete(f"/v1/scheduling-pages/{gone['id']}")).status_code == 204
    await person.connect()
    for _ in range(3):
        await world.work()
    for request in (orphan, other):
        assert (await person.get(f"/v1/meeting-requests/{request}")).json()["clashes"] is False


async def test_r26_a_request_lapses_unanswered(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    soon, late = await ask(person, page, 3, "10:00"), await ask(person, page, 30, "10:00")
    read = (await person.get(f"/v1/meeting-requests/{soon}")).json()
    assert read["expires_at"] == read["start_at"]
    world.clock.offset = timedelta(days=4)

    async def ids(status: str) -> list[str]:
        return [item["id"] for item in (await person.get("/v1/meeting-requests", status=status)).json()["items"]]

    assert (await ids("pending"), await ids("expired")) == ([late], [soon])
    assert (await person.get(f"/v1/meeting-requests/{soon}")).json()["status"] == "expired"
    world.clock.offset = timedelta(days=15)
    assert (await ids("pending"), await ids("expired")) == ([], [soon, late])


async def test_r53_somebody_elses_request_is_one_that_never_was(world: World) -> None:
    person = await world.person()
    colleague = await world.person(account_id=person.account_id)
    stranger = await world.person()
    request = await ask(person, await person.make_page(), 3, "10:00")
    for caller in (colleague, stranger):
        assert (await caller.get("/v1/meeting-requests")).json()["items"] == []
        theirs = problem(await caller.get(f"/v1/meeting-requests/{request}"), 404, "not_found")
        missing = problem(await caller.get(f"/v1/meeting-requests/{encode_id('mreq', new_id())}"), 404, "not_found")
        assert {**theirs, "instance": "", "request_id": ""} == {**missing, "instance": "", "request_id": ""}


async def test_r26_requests_are_listed_over_cursors(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    asked = [await ask(person, page, 3, f"{hour:02}:00") for hour in range(5)]
    first = (await person.get("/v1/meeting-requests", limit=3)).json()
    rest = (await person.get("/v1/meeting-requests", limit=3, cursor=first["next_cursor"])).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == asked
    assert rest["next_cursor"] is None


async def test_r26_the_same_wish_is_asked_for_once_and_mailed_once(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    assert (await person.book(page["id"], start, email="vera@example.com")).status_code == 202
    refused = problem(await person.book(page["id"], start, email="Vera@Example.com"), 409, "already_processed")
    assert "already" in refused["detail"]
    assert (await person.book(page["id"], start, email="other@example.com")).status_code == 202
    assert len(await world.rows("SELECT kind FROM mails")) == 4
