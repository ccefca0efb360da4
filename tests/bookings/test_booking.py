"""Booking a slot: what it makes, and what it refuses (R28, R34, R44, R45).

The one rule: a booking answered 201 is one reservation, one event on the primary calendar, and one row.
"""

from datetime import datetime, timedelta
from typing import Any

from app.ids import decode_id
from tests.support.people import Person
from tests.support.visitors import KEY, held, our_events, our_writes, visit
from tests.support.world import World, problem


async def host(world: World, **page: Any) -> tuple[Person, dict[str, Any]]:
    person = await world.connected()
    return person, await person.make_page(**page)


async def test_r44_a_booking_is_answered_whole_and_can_be_read_where_it_says(world: World) -> None:
    person, page = await host(world, location={"kind": "text", "text": "Room 4"})
    start = person.at(3, "10:00")
    booked = await person.book(page["id"], start.isoformat())
    assert booked.status_code == 201, booked.text
    body = booked.json()
    assert booked.headers["Location"] == f"/v1/public/bookings/{body['id']}"
    assert (body["kind"], body["status"], body["page_id"]) == ("booking", "confirmed", page["id"])
    assert datetime.fromisoformat(body["start_at"]) == start
    assert datetime.fromisoformat(body["end_at"]) == start + timedelta(minutes=30)
    assert (body["name"], body["email"], body["time_zone"]) == ("Vera Visitor", "vera@example.com", "America/New_York")
    assert (body["location"], body["calendar_event"]) == ("Room 4", {"status": "pending", "error": None})
    read = await world.api.get(booked.headers["Location"], headers={"Booking-Token": body["booking_token"]})
    assert read.json() == body | {"booking_token": None}
    own = (await person.get(f"/v1/bookings/{body['id']}")).json()
    assert (own["visitor_email"], own["start_at"], own["allowed_actions"]) == (
        "vera@example.com", body["start_at"], ["reschedule", "cancel"],
    )  # fmt: skip


async def test_r28_the_event_is_written_once_and_to_the_primary_calendar_only(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    other = await world.sandbox.google_calendar(person.email, "Other")
    await person.connect()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    await person.patch("/v1/calendar-settings", {"availability_calendar_ids": [item["id"] for item in listed]})
    await world.work()
    page = await person.make_page(time_zone="Asia/Kolkata")
    start = person.at(3, "10:00")
    booking = await visit(person, page, start, guests=[])
    assert await our_events(world, person) == [], "nothing is written inside the answer"
    await world.work()
    await world.work()
    [event] = await our_events(world, person)
    assert event["extendedProperties"]["private"][KEY] == f"booking:{decode_id('bkg', booking.id)}"
    assert datetime.fromisoformat(event["start"]["dateTime"]) == start
    assert datetime.fromisoformat(event["end"]["dateTime"]) == start + timedelta(minutes=30)
    assert event["summary"] == "Intro call: Vera Visitor"
    assert [guest["email"] for guest in event["attendees"]] == ["vera@example.com"]
    assert await our_writes(world, person) == ["insert"]
    ledger = await world.sandbox.google_ledger(actor="api", account=person.email)
    assert {entry["calendar"] for entry in ledger} == {person.email}
    assert await world.sandbox.google_events(person.email, other["id"]) == []
    assert (await booking.read())["calendar_event"] == {"status": "written", "error": None}
    assert (await person.get(f"/v1/bookings/{booking.id}")).json()["calendar_event"]["status"] == "written"


async def test_r49_the_provider_mails_nobody_of_its_own(world: World) -> None:
    person, page = await host(world)
    booking = await visit(person, page, person.at(3, "10:00"))
    await world.work()
    await booking.reschedule(person.at(3, "12:00"))
    await world.work()
    await booking.cancel()
    await world.work()
    assert await our_writes(world, person) == ["insert", "update", "delete"]
    assert [mail for mail in await world.sandbox.google_outbox() if mail["calendar"] == person.email] == []


async def test_r44_a_slot_that_went_is_refused_with_others_that_can_be_booked(world: World) -> None:
    person, page = await host(world)
    taken = person.at(3, "10:00")
    await visit(person, page, taken)
    for start in (taken, taken.astimezone(tz=None)):
        refused = problem(await person.book(page["id"], start.isoformat()), 409, "slot_unavailable")
    alternatives = [datetime.fromisoformat(item["start_at"]) for item in refused["alternatives"]]
    assert alternatives == sorted(alternatives)
    assert [other - taken for other in alternatives] == [timedelta(minutes=30 * step) for step in (-3, -2, -1, 1, 2)]
    for other in alternatives:
        assert (await person.book(page["id"], other.isoformat())).status_code == 201
    assert len((await person.get("/v1/bookings", limit=100)).json()["items"]) == 6
    assert len(await world.rows("SELECT FROM reservations")) == 6


async def test_r45_a_failed_booking_leaves_nothing_behind(world: World) -> None:
    person, page = await host(world)
    await visit(person, page, person.at(3, "10:00"))
    tables = ("bookings", "reservations", "calendar_writes", "directory", "mails", "idempotent_answers")

    async def rows() -> list[int]:
        return [len(await world.rows(f"SELECT FROM {table}")) for table in tables]

    before = await rows()
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")
    problem(await person.book(page["id"], person.at(90, "10:00").isoformat()), 422, "outside_booking_window")
    assert await rows() == before


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"end_at": "2027-01-01T10:00:00Z"}, "/end_at"),
    ({"host_id": "usr_01k9qj5v3mfb9t2z8h4c6x7wdn"}, "/host_id"),
    ({"status": "confirmed"}, "/status"),
    ({"duration_minutes": 45}, "/duration_minutes"),
    ({"duration_minutes": 0}, "/duration_minutes"),
    ({"duration_minutes": 1441}, "/duration_minutes"),
    ({"name": ""}, "/name"),
    ({"name": "   "}, "/name"),
    ({"name": "A\nBcc: x@example.com"}, "/name"),
    ({"name": "x" * 201}, "/name"),
    ({"email": "vera"}, "/email"),
    ({"email": "a@example.com, b@example.com"}, "/email"),
    ({"email": "vera@example.com\r\nBcc: x@example.com"}, "/email"),
    ({"email": None}, "/email"),
    ({"start_at": "2027-01-01T10:00:00"}, "/start_at"),
    ({"start_at": "tomorrow"}, "/start_at"),
    ({"start_at": "9999-12-31T23:59:00Z"}, "/start_at"),
    ({"start_at": "9999-12-31T23:59:00-12:00"}, "/start_at"),
    ({"start_at": "0001-01-01T00:00:00Z"}, "/start_at"),
    ({"start_at": "0001-01-01T00:00:00+14:00"}, "/start_at"),
    ({"start_at": 1e300}, "/start_at"),
    ({"language": "fr"}, "/language"),
    ({"guests": ["nobody"]}, "/guests/0"),
    ({"answers": {"nickname": "V"}}, "/answers/nickname"),
    ({"answers": {"nick": None}}, "/answers/nick"),
]


async def test_r34_a_wish_that_says_too_much_or_nonsense_is_refused(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    for wish, pointer in NONSENSE:
        answer = await person.book(page["id"], **({"start_at": person.at(3, "10:00").isoformat()} | wish))
        refused = problem(answer, 422, "validation_failed")
        assert [error["pointer"] for error in refused["errors"]] == [pointer], wish
    assert await world.rows("SELECT FROM meeting_requests") == []


async def test_r34_an_unknown_zone_of_the_visitor_is_named_as_such(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    answer = await person.book(page["id"], person.at(3, "10:00").isoformat(), time_zone="Mars/Olympus_Mons")
    problem(answer, 422, "time_zone_unknown")


async def test_r44_a_page_that_never_was_and_a_turned_around_id_are_not_found(world: World) -> None:
    person, page = await host(world)
    start = person.at(3, "10:00").isoformat()
    for page_id in ("page_01k9qj5v3mfb9t2z8h4c6x7wdn", page["id"].replace("page_", "bkg_"), "x", "%00"):
        problem(await person.book(page_id, start), 404, "not_found")


async def test_r45_the_time_is_whole_minutes_of_the_offered_grid(world: World) -> None:
    person, page = await host(world)
    start = person.at(3, "10:00")
    problem(await person.book(page["id"], (start + timedelta(milliseconds=500)).isoformat()), 422, "validation_failed")
    for odd in (timedelta(seconds=1), timedelta(minutes=1)):
        problem(await person.book(page["id"], (start + odd).isoformat()), 409, "slot_unavailable")
    assert (await person.book(page["id"], start.isoformat())).status_code == 201


async def test_r33_guests_are_invited_once_each(world: World) -> None:
    person, page = await host(world, max_guests=5)
    booked = await person.book(
        page["id"], person.at(3, "10:00").isoformat(),
        guests=["a@example.com", "A@example.com", "b@example.com", "a@example.com", "Vera@example.com"],
    )  # fmt: skip
    assert booked.status_code == 201, booked.text
    assert booked.json()["guests"] == ["a@example.com", "b@example.com"]
    await world.work()
    [event] = await our_events(world, person)
    assert [guest["email"] for guest in event["attendees"]] == ["vera@example.com", "a@example.com", "b@example.com"]


async def test_r53_a_host_sees_their_own_bookings_only(world: World) -> None:
    person, page = await host(world)
    colleague = await world.person(account_id=person.account_id)
    stranger = await world.person()
    booking = await visit(person, page, person.at(3, "10:00"))
    for caller in (colleague, stranger):
        assert (await caller.get("/v1/bookings")).json()["items"] == []
        problem(await caller.get(f"/v1/bookings/{booking.id}"), 404, "not_found")
        problem(await caller.post(f"/v1/bookings/{booking.id}/cancel", {}), 404, "not_found")
        move = {"start_at": person.at(3, "12:00").isoformat()}
        problem(await caller.post(f"/v1/bookings/{booking.id}/reschedule", move), 404, "not_found")
    assert (await booking.read())["status"] == "confirmed"


async def test_bookings_are_listed_by_their_starts_forwards_and_backwards(world: World) -> None:
    person, page = await host(world)
    hours = (10, 8, 12, 9)
    made = {hour: (await visit(person, page, person.at(3, f"{hour:02}:00"))).id for hour in hours}

    async def listed(**query: Any) -> list[str]:
        found, cursor = [], {}
        while cursor is not None:
            part = (await person.get("/v1/bookings", limit=1, **query, **cursor)).json()
            found += [item["id"] for item in part["items"]]
            cursor = {"cursor": part["next_cursor"]} if part["next_cursor"] else None
        return found

    assert await listed() == await listed(order="created_at") == [made[hour] for hour in hours]
    assert await listed(order="start_at") == [made[hour] for hour in sorted(hours)]
    assert await listed(order="-start_at") == [made[hour] for hour in sorted(hours, reverse=True)]
    middle = {"starts_from": person.at(3, "09:00").isoformat(), "starts_before": person.at(3, "12:00").isoformat()}
    assert await listed(order="-start_at", **middle) == [made[10], made[9]]
    half = (await person.get("/v1/bookings", limit=1, order="start_at")).json()
    problem(await person.get("/v1/bookings", cursor=half["next_cursor"]), 400, "invalid_cursor")
    problem(await person.get("/v1/bookings", order="title"), 422, "validation_failed")


async def test_bookings_are_listed_by_state_and_time_over_cursors(world: World) -> None:
    person, page = await host(world)
    starts = [person.at(3, f"{hour:02}:00") for hour in range(8, 15)]
    visits = [await visit(person, page, start) for start in starts]
    for gone in visits[:2]:
        assert (await gone.cancel()).status_code == 200

    async def ids(**query: Any) -> list[str]:
        answer = await person.get("/v1/bookings", **query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await ids() == [item.id for item in visits]
    assert await ids(status="cancelled") == [item.id for item in visits[:2]]
    assert await ids(status="confirmed") == [item.id for item in visits[2:]]
    assert await ids(starts_from=starts[3].isoformat(), starts_before=starts[5].isoformat()) == [
        item.id for item in visits[3:5]
    ]
    assert (await visits[3].reschedule(person.at(4, "09:00"))).status_code == 200
    assert await ids(starts_from=starts[3].isoformat(), starts_before=starts[5].isoformat()) == [visits[4].id]
    assert await ids(starts_from=person.at(4, "00:00").isoformat()) == [visits[3].id]
    first = (await person.get("/v1/bookings", limit=2, status="confirmed")).json()
    rest = await ids(limit=100, status="confirmed", cursor=first["next_cursor"])
    assert [item["id"] for item in first["items"]] + rest == [item.id for item in visits[2:]]
    problem(await person.get("/v1/bookings", limit=2, cursor=first["next_cursor"]), 400, "invalid_cursor")
    problem(await person.get("/v1/bookings", status="lost"), 422, "validation_failed")
    problem(await person.get("/v1/bookings", starts_from="2027-01-01T00:00:00"), 422, "validation_failed")
    for edge in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        for name in ("starts_from", "starts_before"):
            refused = problem(await person.get("/v1/bookings", **{name: edge}), 422, "validation_failed")
            assert [(item["pointer"], item["code"]) for item in refused["errors"]] == [
                (f"/query/{name}", "out_of_range")
            ]


async def test_r44_too_many_attempts_are_held_off_by_page_and_address(world: World) -> None:
    person, page = await host(world)
    other = await person.make_page(name="Other")
    limit = world.services.settings.bookings_per_minute
    async with world.visitor_at("198.51.100.7") as flooder, world.visitor_at("198.51.100.8") as visitor:
        for _ in range(limit):
            answer = await flooder.post(f"/v1/public/scheduling-pages/{page['id']}/bookings", json={})
            problem(answer, 422, "validation_failed")
        path = f"/v1/public/scheduling-pages/{page['id']}/bookings"
        held_off = await flooder.post(path, json={})
        problem(held_off, 429, "rate_limited")
        assert int(held_off.headers["Retry-After"]) > 0
        assert (await visitor.post(path, json={})).status_code == 422
        assert (await flooder.post(path.replace(page["id"], other["id"]), json={})).status_code == 422


async def test_r46_a_held_booking_reads_the_same_for_whoever_has_the_link(world: World) -> None:
    person, page = await host(world)
    booked = await person.book(page["id"], person.at(3, "10:00").isoformat(), language="sv")
    async with world.visitor_at("203.0.113.9") as elsewhere:
        assert (await held(elsewhere, booked).read())["language"] == "sv"
