"""The visitor did not come (R47): the host says so, and everybody who asks is told.

The one rule: only what has begun can be missed, and saying so changes nothing else.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.ids import encode_id, new_id
from tests.events.crm import crm_of
from tests.support.people import Person
from tests.support.visitors import Visit, our_events, our_writes, visit
from tests.support.world import World, problem


async def booked(world: World) -> tuple[Person, Visit]:
    person = await world.connected()
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    return person, booking


async def begin(world: World, booking: Visit, *, minutes: int = 1) -> None:
    """The meeting has been going on for so long."""
    world.clock.offset += booking.start_at - world.clock() + timedelta(minutes=minutes)


async def mark(caller: Person, booking: Visit, **headers: str) -> Any:
    return await caller.post(f"/v1/bookings/{booking.id}/no-show", None, **headers)


async def test_r47_a_host_says_that_nobody_came(world: World) -> None:
    person, booking = await booked(world)
    before = (await person.get(f"/v1/bookings/{booking.id}")).json()
    mails = await world.rows("SELECT FROM mails")
    await begin(world, booking)
    assert (await person.get(f"/v1/bookings/{booking.id}")).json()["allowed_actions"] == ["no_show"]
    answer = await mark(person, booking)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["status"], body["allowed_actions"], body["version"]) == ("no_show", [], before["version"] + 1)
    assert answer.headers["ETag"] == f'"{body["version"]}"'
    assert (body["start_at"], body["calendar_event"]) == (before["start_at"], before["calendar_event"])
    assert (await booking.read())["status"] == "no_show"
    assert [row["id"] for row in (await person.get("/v1/bookings", status="no_show")).json()["items"]] == [booking.id]
    await world.work()
    assert await our_writes(world, person) == ["insert"], "the event stays as it is"
    assert await world.rows("SELECT FROM mails") == mails, "nobody is mailed"
    [entry] = await world.rows("SELECT actor FROM audit_entries WHERE action = 'booking.no_show'")
    assert entry["actor"].startswith("user:")


async def test_r52_a_no_show_is_told_and_stands_on_the_timeline(world: World) -> None:
    person, booking = await booked(world)
    crm = await crm_of(world, person)
    await begin(world, booking)
    await mark(person, booking)
    await world.work()
    [event] = [item for item in (await crm.feed(limit=100))["items"] if item["type"] == "booking.no_show"]
    assert (event["data"]["id"], event["data"]["status"]) == (booking.id, "no_show")
    [engagement] = (await person.get("/v1/engagements")).json()["items"]
    assert engagement["outcome"] == "no_show"


async def test_r47_what_became_of_a_booking_is_said_once_it_has_begun_and_a_no_show_by_the_booking(
    world: World,
) -> None:
    person, booking = await booked(world)
    [meeting] = (await person.get("/v1/engagements")).json()["items"]
    path = f"/v1/engagements/{meeting['id']}"
    assert meeting["allowed_actions"] == []
    for outcome in ("no_show", "completed"):
        problem(await person.patch(path, {"outcome": outcome}), 409, "booking_not_begun")
    await begin(world, booking)
    assert (await person.get(path)).json()["allowed_actions"] == ["set_outcome"]
    refused = await person.patch(path, {"outcome": "no_show"})
    assert problem(refused, 409, "capability_not_supported")["reason"] == "booking"
    assert (await person.patch(path, {"outcome": "completed"})).json()["outcome"] == "completed"
    assert (await mark(person, booking)).status_code == 200
    await world.work()
    missed = (await person.get(path)).json()
    assert (missed["outcome"], missed["allowed_actions"]) == ("no_show", [])
    refused = await person.patch(path, {"outcome": None})
    assert problem(refused, 409, "capability_not_supported")["reason"] == "booking"


async def test_r23_a_meeting_that_was_completed_and_is_put_off_is_still_to_come(world: World) -> None:
    person, booking = await booked(world)
    await begin(world, booking)
    [meeting] = (await person.get("/v1/engagements")).json()["items"]
    path = f"/v1/engagements/{meeting['id']}"
    assert (await person.patch(path, {"outcome": "completed"})).json()["outcome"] == "completed"
    [event] = await our_events(world, person)
    later = person.at(5, "10:00")
    times = {"start": {"dateTime": later.isoformat()}, "end": {"dateTime": (later + timedelta(hours=1)).isoformat()}}
    await world.sandbox.patch_google_event(person.email, event["id"], times)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    put_off = (await person.get(path)).json()
    assert (datetime.fromisoformat(put_off["start_at"]), put_off["outcome"]) == (later, "scheduled")


async def test_r32_r47_a_meeting_that_was_missed_counts_for_its_day(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(daily_limit=1)
    booking = await visit(person, page, person.at(3, "10:00"))
    await begin(world, booking)
    assert (await mark(person, booking)).status_code == 200
    later = await person.book(page["id"], person.at(3, "15:00").isoformat(), email="next@example.com")
    problem(later, 409, "slot_unavailable")


async def test_r47_nobody_is_missing_before_the_meeting_begins(world: World) -> None:
    person, booking = await booked(world)
    problem(await mark(person, booking), 409, "booking_not_begun")
    await begin(world, booking, minutes=-1)
    problem(await mark(person, booking), 409, "booking_not_begun")
    await begin(world, booking, minutes=0)
    assert (await mark(person, booking)).status_code == 200


async def test_r47_a_cancelled_meeting_is_missed_by_nobody(world: World) -> None:
    person, booking = await booked(world)
    assert (await booking.cancel()).status_code == 200
    await begin(world, booking)
    problem(await mark(person, booking), 409, "already_cancelled")


async def test_r47_who_did_not_come_cannot_change_the_booking_any_more(world: World) -> None:
    person, booking = await booked(world)
    await begin(world, booking)
    await mark(person, booking)
    problem(await booking.cancel(), 422, "cutoff_passed")
    problem(await booking.reschedule(person.at(9, "10:00")), 422, "cutoff_passed")
    problem(await person.post(f"/v1/bookings/{booking.id}/cancel", {}), 422, "cutoff_passed")
    assert (await booking.read())["status"] == "no_show"


async def test_r47_the_version_guards_and_saying_it_twice_changes_nothing(world: World) -> None:
    person, booking = await booked(world)
    await begin(world, booking)
    problem(await mark(person, booking, **{"If-Match": '"7"'}), 412, "version_mismatch")
    first = await mark(person, booking, **{"If-Match": '"1"'})
    assert (first.status_code, first.json()["version"]) == (200, 2)
    problem(await mark(person, booking, **{"If-Match": '"1"'}), 412, "version_mismatch")
    answers = await asyncio.gather(*(mark(person, booking) for _ in range(5)))
    assert {answer.json()["version"] for answer in answers} == {2}
    assert len(await world.rows("SELECT FROM audit_entries WHERE action = 'booking.no_show'")) == 1


async def test_r53_only_the_host_says_so(world: World) -> None:
    person, booking = await booked(world)
    colleague, stranger = await world.person(account_id=person.account_id), await world.person()
    await begin(world, booking)
    for caller in (colleague, stranger):
        await caller.refresh_token()
        theirs = problem(await mark(caller, booking), 404, "not_found")
        never = Visit(world.api, encode_id("bkg", new_id()), "", "", booking.start_at)
        missing = problem(await mark(caller, never), 404, "not_found")
        assert {**theirs, "instance": "", "request_id": ""} == {**missing, "instance": "", "request_id": ""}
    service = await world.service(person.account_id)
    problem(await mark(service, booking), 403, "forbidden")
    problem(await world.api.post(f"/v1/bookings/{booking.id}/no-show"), 401, "unauthenticated")
    assert (await booking.read())["status"] == "confirmed"


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "moved"])
async def test_r23_what_becomes_of_the_event_of_a_no_show_changes_nothing(world: World, gone: bool) -> None:
    person, booking = await booked(world)
    await begin(world, booking)
    await mark(person, booking)
    [event] = await our_events(world, person)
    if gone:
        await world.sandbox.delete_google_event(person.email, event["id"])
    else:
        later = {"dateTime": person.at(5, "10:00").isoformat()}, {"dateTime": person.at(5, "10:30").isoformat()}
        await world.sandbox.patch_google_event(person.email, event["id"], {"start": later[0], "end": later[1]})
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert (await booking.read())["status"] == "no_show"
    assert await our_writes(world, person) == ["insert"]
    assert (await person.get("/v1/drift-entries")).json()["items"] == []
