"""Booking for a visitor (R50): the page's owner, or a service of the account.

The one rule: it is a booking like any other; what a visitor could not book cannot be booked on their behalf.
"""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.ids import decode_id, encode_id, new_id
from tests.bookings.test_concurrency import assert_consistent
from tests.support.people import Person
from tests.support.visitors import our_events
from tests.support.world import World, problem


def wish(page: dict[str, Any], start: datetime, **changes: Any) -> dict[str, Any]:
    return {
        "page_id": page["id"],
        "start_at": start.isoformat(),
        "duration_minutes": 30,
        "name": "Vera Visitor",
        "email": "vera@example.com",
        "time_zone": "America/New_York",
    } | changes


async def booked(caller: Person, page: dict[str, Any], start: datetime, **changes: Any) -> dict[str, Any]:
    answer = await caller.post("/v1/bookings", wish(page, start, **changes))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def integration(world: World, account_id: str, *permissions: str) -> Person:
    service = await world.service(account_id)
    await service.refresh_token(permissions=list(permissions or ("bookings:write",)))
    return service


async def audited(world: World, subject: str) -> list[tuple[str, str, str]]:
    rows = await world.rows(
        "SELECT actor, action, data->>'source' AS source FROM audit_entries WHERE subject_id = $1 ORDER BY id",
        decode_id("bkg", subject),
    )
    return [(row["actor"], row["action"], row["source"]) for row in rows]


async def test_r50_a_host_books_for_a_visitor_who_gets_the_same_mails(world: World) -> None:
    person = await world.connected()
    page, start = await person.make_page(), person.at(3, "10:00")
    answer = await person.post("/v1/bookings", wish(page, start, language="sv"))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["kind"], body["status"], body["language"]) == ("booking", "confirmed", "sv")
    assert datetime.fromisoformat(body["end_at"]) == start + timedelta(minutes=30)
    assert "booking_token" not in body, "the visitor's alone"
    assert answer.headers["Location"] == f"/v1/bookings/{body['id']}"
    read = (await person.get(answer.headers["Location"])).json()
    assert {**read, "kind": "booking"} == body
    assert await audited(world, body["id"]) == [
        (f"user:{decode_id('usr', person.user_id)}", "booking.created", "on_behalf")
    ]
    own = await person.book(page["id"], person.at(4, "10:00").isoformat(), language="sv")
    assert await audited(world, own.json()["id"]) == [("visitor", "booking.created", "scheduling_page")]
    await world.work()
    kinds = Counter(row["kind"] for row in await world.rows("SELECT kind FROM mails"))
    assert kinds == {"confirmed_visitor": 2, "confirmed_host": 2}
    assert len(await our_events(world, person)) == 2


async def test_r50_a_service_books_any_page_of_its_account_and_of_no_other(world: World) -> None:
    person, stranger = await world.connected(), await world.connected()
    page, theirs = await person.make_page(), await stranger.make_page()
    service = await integration(world, person.account_id)
    body = await booked(service, page, person.at(3, "10:00"))
    assert await audited(world, body["id"]) == [("service", "booking.created", "on_behalf")]
    assert (await person.get(f"/v1/bookings/{body['id']}")).json()["visitor_name"] == "Vera Visitor"
    problem(await service.post("/v1/bookings", wish(theirs, person.at(3, "11:00"))), 404, "not_found")
    weak = await integration(world, person.account_id, "users:write", "events:read", "webhooks:write")
    problem(await weak.post("/v1/bookings", wish(page, person.at(3, "11:00"))), 403, "forbidden")
    assert len(await world.rows("SELECT FROM bookings")) == 1


async def test_r53_nobody_books_on_somebody_elses_page(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    colleague, stranger = await world.person(account_id=person.account_id), await world.person()
    for caller in (colleague, stranger):
        theirs = problem(await caller.post("/v1/bookings", wish(page, person.at(3, "10:00"))), 404, "not_found")
        never = wish({"id": encode_id("page", new_id())}, person.at(3, "10:00"))
        missing = problem(await caller.post("/v1/bookings", never), 404, "not_found")
        assert {**theirs, "instance": "", "request_id": ""} == {**missing, "instance": "", "request_id": ""}
    problem(await world.api.post("/v1/bookings", json=wish(page, person.at(3, "10:00"))), 401, "unauthenticated")
    assert await world.rows("SELECT FROM bookings") == []


async def test_r50_what_a_visitor_could_not_book_is_not_booked_for_them(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(consent_text="I agree.", max_guests=1)
    start, agreed = person.at(3, "10:00"), {"consent": True}

    async def refused(status: int, code: str, **changes: Any) -> dict[str, Any]:
        return problem(await person.post("/v1/bookings", wish(page, start, **agreed | changes)), status, code)

    await refused(422, "consent_required", consent=False)
    await refused(422, "outside_booking_window", start_at=person.at(90, "10:00").isoformat())
    await refused(422, "validation_failed", duration_minutes=45)
    await refused(422, "validation_failed", guests=["a@example.com", "b@example.com"])
    await refused(422, "validation_failed", email="vera")
    await refused(422, "validation_failed", end_at=start.isoformat())
    await refused(422, "validation_failed", page_id=None)
    begin, end = ({"dateTime": at.isoformat()} for at in (start, start + timedelta(minutes=30)))
    await world.sandbox.insert_google_event(person.email, {"start": begin, "end": end})
    assert (await refused(409, "slot_unavailable"))["alternatives"], "the calendar itself was asked"
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    await refused(404, "page_turned_off")
    assert await world.rows("SELECT FROM bookings") == []


async def test_r50_without_a_calendar_it_is_a_request_like_any_other(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    answer = await person.post("/v1/bookings", wish(page, person.at(3, "10:00")))
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["kind"], body["status"]) == ("meeting_request", "pending")
    read = await person.get(answer.headers["Location"])
    assert read.json()["id"] == body["id"]
    again = await person.post("/v1/bookings", wish(page, person.at(3, "10:00")))
    problem(again, 409, "already_processed")


@pytest.mark.parametrize("connected", [True, False], ids=["online", "offline"])
async def test_r50_the_same_request_twice_is_one_booking(world: World, connected: bool) -> None:
    person = await world.connected() if connected else await world.person()
    page, key = await person.make_page(), {"Idempotency-Key": "one"}
    body = wish(page, person.at(3, "10:00"))
    answers = [await person.post("/v1/bookings", body, **key) for _ in range(2)]
    assert {answer.status_code for answer in answers} == ({201} if connected else {202})
    assert answers[0].json() == answers[1].json()
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true"]
    other = await person.post("/v1/bookings", body | {"name": "Other"}, **key)
    problem(other, 422, "idempotency_key_reused")
    if connected:
        service = await integration(world, person.account_id)
        theirs = await service.post("/v1/bookings", body | {"start_at": person.at(3, "11:00").isoformat()}, **key)
        assert (theirs.status_code, "Idempotent-Replayed" in theirs.headers) == (201, False), "another caller's key"


async def test_r50_hosts_and_visitors_who_want_one_slot_get_it_once(world: World) -> None:
    person = await world.connected()
    page, start = await person.make_page(), person.at(3, "10:00")

    async def visitor(number: int) -> httpx.Response:
        async with world.visitor_at(f"198.51.100.{number}") as api:
            body = {name: value for name, value in wish(page, start).items() if name != "page_id"}
            return await api.post(f"/v1/public/scheduling-pages/{page['id']}/bookings", json=body)

    hosts = (person.post("/v1/bookings", wish(page, start)) for _ in range(20))
    answers = await asyncio.gather(*hosts, *(visitor(number) for number in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 39}
    assert await assert_consistent(world) == 1


async def test_r50_a_host_books_the_slot_that_is_held_for_the_visitor(world: World) -> None:
    person = await world.connected()
    page, start = await person.make_page(), person.at(3, "10:00")
    body = {"start_at": start.isoformat(), "duration_minutes": 30}
    hold = (await world.api.post(f"/v1/public/scheduling-pages/{page['id']}/holds", json=body)).json()
    problem(await person.post("/v1/bookings", wish(page, start)), 409, "slot_unavailable")
    await booked(person, page, start, hold_id=hold["id"], hold_token=hold["token"])
    assert await assert_consistent(world) == 1
