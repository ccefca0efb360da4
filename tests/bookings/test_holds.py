"""A slot is kept while the form is filled in (R48).

The one rule: while a hold lasts nobody else gets the slot, and once it has lapsed it stands in nobody's way.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.ids import decode_id, encode_id, new_id
from tests.bookings.test_concurrency import assert_consistent
from tests.support.people import Person
from tests.support.teams import busy, colleagues
from tests.support.visitors import held, our_events, visit
from tests.support.world import World, problem

LAPSE = """
UPDATE slot_holds SET expires_at = now() - interval '1 second';
UPDATE due_holds SET due_at = now() - interval '1 second';
UPDATE reservations SET expires_at = now() - interval '1 second' WHERE hold_id IS NOT NULL
"""


async def keep(
    api: httpx.AsyncClient,
    page: dict[str, Any],
    start: datetime | str,
    headers: dict[str, str] | None = None,
    **wish: Any,
) -> httpx.Response:
    begin = start if isinstance(start, str) else start.isoformat()
    body = {"start_at": begin, "duration_minutes": 30} | wish
    return await api.post(f"/v1/public/scheduling-pages/{page['id']}/holds", json=body, headers=headers or {})


async def kept(api: httpx.AsyncClient, page: dict[str, Any], start: datetime, **wish: Any) -> dict[str, Any]:
    answer = await keep(api, page, start, **wish)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def by(hold: dict[str, Any]) -> dict[str, str]:
    """What a booking says of its hold."""
    return {"hold_id": hold["id"], "hold_token": hold["token"]}


async def release(world: World, hold: dict[str, Any], token: str | None = None) -> httpx.Response:
    headers = {"Hold-Token": hold["token"] if token is None else token}
    return await world.api.delete(f"/v1/public/holds/{hold['id']}", headers=headers)


async def lapse(world: World) -> None:
    """Five minutes are over, for every hold there is."""
    connection = await asyncpg.connect(world.database_url)
    try:
        await connection.execute(LAPSE)
    finally:
        await connection.close()


async def offered(person: Person, page: dict[str, Any], start: datetime) -> bool:
    slots = await person.slots(page["id"], start.date())
    return start in {datetime.fromisoformat(slot["start_at"]) for slot in slots}


async def traces(world: World) -> list[int]:
    """What is left of holds."""
    queries = ("slot_holds", "due_holds", "reservations WHERE hold_id IS NOT NULL")
    return [len(await world.rows(f"SELECT FROM {query}")) for query in queries]


async def host(world: World, **page: Any) -> tuple[Person, dict[str, Any], datetime]:
    person = await world.connected()
    return person, await person.make_page(**page), person.at(3, "10:00")


async def test_r48_a_hold_keeps_the_slot_for_five_minutes_and_becomes_the_booking(world: World) -> None:
    person, page, start = await host(world)
    hold = await kept(world.api, page, start)
    assert datetime.fromisoformat(hold["start_at"]) == start
    assert datetime.fromisoformat(hold["end_at"]) == start + timedelta(minutes=30)
    left = datetime.fromisoformat(hold["expires_at"]) - world.clock()
    assert timedelta(minutes=4, seconds=50) < left <= timedelta(minutes=5)
    assert not await offered(person, page, start)
    refused = problem(await person.book(page["id"], start.isoformat()), 409, "slot_unavailable")
    assert start.isoformat() not in {item["start_at"] for item in refused["alternatives"]}
    problem(await keep(world.api, page, start), 409, "slot_unavailable")
    booked = await person.book(page["id"], start.isoformat(), **by(hold))
    assert booked.status_code == 201, booked.text
    assert await traces(world) == [0, 0, 0]
    assert await assert_consistent(world) == 1
    await world.work()
    assert len(await our_events(world, person)) == 1
    assert (await held(world.api, booked).read())["calendar_event"]["status"] == "written"


async def test_r48_what_was_kept_in_time_is_in_time_while_the_form_is_filled_in(world: World) -> None:
    """The notice is judged when the slot is kept; the slot itself has to lie ahead."""
    person, page, start = await host(world, minimum_notice_minutes=240)
    world.clock.offset = start - timedelta(hours=4, seconds=5) - datetime.now(UTC)
    hold = await kept(world.api, page, start)
    world.clock.offset += timedelta(minutes=4)
    problem(await person.book(page["id"], start.isoformat()), 422, "outside_booking_window")
    booked = await person.book(page["id"], start.isoformat(), **by(hold))
    assert booked.status_code == 201, booked.text


async def test_r48_a_hold_is_booked_by_the_moment_it_was_judged_by(world: World) -> None:
    """The database's clock, ahead here by minutes, is read a moment later, and that moment may end the notice."""
    person, page, _ = await host(world, minimum_notice_minutes=240, increment_minutes=5)
    world.clock.offset = -timedelta(minutes=10)
    latest = (datetime.now(UTC) + timedelta(hours=4)).replace(second=0, microsecond=0)
    start = latest - timedelta(minutes=latest.minute % 5)
    hold = await kept(world.api, page, start)
    world.clock.offset = timedelta()
    problem(await person.book(page["id"], start.isoformat()), 422, "outside_booking_window")
    booked = await person.book(page["id"], start.isoformat(), **by(hold))
    assert booked.status_code == 201, booked.text


async def test_r48_what_has_begun_is_not_booked_however_long_it_was_kept(world: World) -> None:
    person, page, start = await host(world, minimum_notice_minutes=0)
    world.clock.offset = start - timedelta(minutes=2) - datetime.now(UTC)
    hold = await kept(world.api, page, start)
    world.clock.offset += timedelta(minutes=3)
    problem(await person.book(page["id"], start.isoformat(), **by(hold)), 422, "outside_booking_window")


async def test_r48_the_buffers_are_kept_too_on_every_page_of_the_host(world: World) -> None:
    person, page, start = await host(world, buffer_before_minutes=15, buffer_after_minutes=30, increment_minutes=15)
    other = await person.make_page(name="Other", increment_minutes=15)
    await kept(world.api, page, start)
    taken = {-45: False, -30: True, 0: True, 45: True, 60: False}
    for minutes, refused in taken.items():
        at = start + timedelta(minutes=minutes)
        assert await offered(person, other, at) is not refused, minutes


async def test_r48_a_hold_that_lapsed_blocks_nothing(world: World) -> None:
    person, page, start = await host(world)
    await kept(world.api, page, start)
    await lapse(world)
    assert await offered(person, page, start)
    assert (await person.book(page["id"], start.isoformat())).status_code == 201
    assert await assert_consistent(world) == 1
    assert (await traces(world))[2] == 0


async def test_r32_r48_what_is_kept_counts_for_the_limit_of_its_day_while_it_lasts(world: World) -> None:
    person, page, start = await host(world, daily_limit=1)
    later = start + timedelta(hours=2)
    await kept(world.api, page, start)
    assert not await offered(person, page, later)
    problem(await person.book(page["id"], later.isoformat()), 409, "slot_unavailable")
    await lapse(world)
    assert await offered(person, page, later), "also before it is swept"
    assert (await person.book(page["id"], later.isoformat())).status_code == 201


async def test_r48_a_hold_that_lapsed_gives_way_to_another_and_to_a_booking_that_moves(world: World) -> None:
    person, page, start = await host(world)
    booking = held(world.api, await person.book(page["id"], (start + timedelta(hours=2)).isoformat()))
    await kept(world.api, page, start)
    await lapse(world)
    await kept(world.api, page, start)
    problem(await booking.reschedule(start), 409, "slot_unavailable")
    await lapse(world)
    assert (await booking.reschedule(start)).status_code == 200
    assert await assert_consistent(world) == 1


@pytest.mark.parametrize("swept", [False, True])
async def test_r48_a_lapsed_hold_books_nothing_and_offers_the_slot_anew(world: World, swept: bool) -> None:
    person, page, start = await host(world)
    hold, lasting = await kept(world.api, page, start), await kept(world.api, page, start + timedelta(hours=1))
    await release(world, lasting)
    await lapse(world)
    if swept:
        await world.services.holds.sweep()
    for gone in (hold, lasting):
        late = problem(await person.book(page["id"], gone["start_at"], **by(gone)), 409, "hold_expired")
        assert len(late["alternatives"]) == 5
        again = [item for item in late["alternatives"] if item["start_at"] == gone["start_at"]]
        assert again == [{name: gone[name] for name in ("start_at", "end_at")}], "it is free still"
    assert await world.rows("SELECT FROM bookings") == []
    assert (await person.book(page["id"], hold["start_at"])).status_code == 201


async def test_r48_a_hold_books_once(world: World) -> None:
    person, page, start = await host(world)
    hold = await kept(world.api, page, start)
    assert (await person.book(page["id"], start.isoformat(), **by(hold))).status_code == 201
    for at in (start, start + timedelta(hours=2)):
        late = problem(await person.book(page["id"], at.isoformat(), **by(hold)), 409, "hold_expired")
        offered_again = at in {datetime.fromisoformat(item["start_at"]) for item in late["alternatives"]}
        assert offered_again is (at != start)
    assert await assert_consistent(world) == 1


async def test_r48_the_same_booking_sent_twice_at_once_is_one_also_with_a_hold(world: World) -> None:
    person, page, start = await host(world)
    hold = await kept(world.api, page, start)
    key = {"Idempotency-Key": "one"}
    answers = await asyncio.gather(*(person.book(page["id"], start.isoformat(), key, **by(hold)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_r48_a_lapsed_hold_whose_slot_went_says_so_with_others(world: World) -> None:
    person, page, start = await host(world)
    hold = await kept(world.api, page, start)
    await lapse(world)
    assert (await person.book(page["id"], start.isoformat())).status_code == 201
    late = problem(await person.book(page["id"], start.isoformat(), **by(hold)), 409, "hold_expired")
    assert len(late["alternatives"]) == 5
    assert await assert_consistent(world) == 1


async def test_r48_a_refused_booking_leaves_the_hold(world: World) -> None:
    person, page, start = await host(world)
    hold = await kept(world.api, page, start)
    problem(await person.book(page["id"], start.isoformat(), name="", **by(hold)), 422, "validation_failed")
    begin, end = ({"dateTime": at.isoformat()} for at in (start, start + timedelta(minutes=30)))
    await world.sandbox.insert_google_event(person.email, {"start": begin, "end": end})
    problem(await person.book(page["id"], start.isoformat(), **by(hold)), 409, "slot_unavailable")
    assert await traces(world) == [1, 1, 1]


async def test_r48_only_who_holds_the_token_books_with_the_hold(world: World) -> None:
    person, page, start = await host(world)
    hold, other = await kept(world.api, page, start), await kept(world.api, page, start + timedelta(hours=1))
    at = start.isoformat()
    for wrong in ({"hold_id": hold["id"]}, by(hold) | {"hold_token": other["token"]}, by(hold) | {"hold_token": "x"}):
        refused = problem(await person.book(page["id"], at, **wrong), 422, "validation_failed")
        assert [error["pointer"] for error in refused["errors"]] == ["/hold_token"]
    invented = {"hold_id": encode_id("hold", new_id()), "hold_token": hold["token"]}
    refused = problem(await person.book(page["id"], at, **invented), 422, "validation_failed")
    assert [error["pointer"] for error in refused["errors"]] == ["/hold_token"], "as if it were somebody else's"
    assert await traces(world) == [2, 2, 2]


async def test_r48_a_hold_is_good_for_its_own_slot_only(world: World) -> None:
    person, page, start = await host(world, durations_minutes=[30, 60])
    elsewhere = await person.make_page(name="Other")
    hold = await kept(world.api, page, start)
    for page_id, at, more in (
        (page["id"], start + timedelta(hours=1), {}),
        (page["id"], start, {"duration_minutes": 60}),
        (elsewhere["id"], start, {}),
    ):
        answer = await person.book(page_id, at.isoformat(), **by(hold), **more)
        refused = problem(answer, 422, "validation_failed")
        assert [error["pointer"] for error in refused["errors"]] == ["/hold_id"]
    assert await traces(world) == [1, 1, 1]


async def test_r48_a_hold_is_let_go_by_its_token_as_often_as_one_likes(world: World) -> None:
    person, page, start = await host(world)
    hold, other = await kept(world.api, page, start), await kept(world.api, page, start + timedelta(hours=1))
    for token in ("x", other["token"]):
        problem(await release(world, hold, token), 404, "not_found")
    never = {"id": encode_id("hold", new_id()), "token": hold["token"]}
    problem(await release(world, never), 404, "not_found")
    assert not await offered(person, page, start)
    for _ in range(2):
        assert (await release(world, hold)).status_code == 204
    assert await offered(person, page, start)
    assert await traces(world) == [1, 1, 1]
    assert (await person.book(page["id"], other["start_at"], **by(other))).status_code == 201
    assert (await release(world, other)).status_code == 204, "booked: there is nothing left to let go"
    assert await assert_consistent(world) == 1


async def test_r48_what_is_offered_to_nobody_is_kept_for_nobody(world: World) -> None:
    person, page, start = await host(world)
    assert (await person.book(page["id"], start.isoformat())).status_code == 201
    problem(await keep(world.api, page, start), 409, "slot_unavailable")
    problem(await keep(world.api, page, person.at(90, "10:00")), 422, "outside_booking_window")
    problem(await keep(world.api, page, start, duration_minutes=45), 422, "validation_failed")
    problem(await keep(world.api, page, "tomorrow"), 422, "validation_failed")
    problem(await keep(world.api, page, start, end_at=start.isoformat()), 422, "validation_failed")
    problem(await keep(world.api, {"id": encode_id("page", new_id())}, start), 404, "not_found")
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    problem(await keep(world.api, page, start + timedelta(hours=1)), 404, "page_turned_off")
    assert await traces(world) == [0, 0, 0]


async def test_r48_an_offline_page_and_one_that_cannot_be_read_keep_nothing(world: World) -> None:
    offline = await world.person()
    problem(await keep(world.api, await offline.make_page(), offline.at(3, "10:00")), 409, "calendar_not_connected")
    _, page, start = await host(world)
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost' WHERE checked")
    problem(await keep(world.api, page, start), 409, "booking_unavailable")
    assert await traces(world) == [0, 0, 0]


async def test_r48_holds_do_not_close_a_page(world: World) -> None:
    person, page, start = await host(world)
    times = [start + timedelta(minutes=30 * step) for step in range(22)]
    for at in times[:5]:
        await kept(world.api, page, at)
    full = await keep(world.api, page, times[5])
    problem(full, 429, "rate_limited")
    assert 0 < int(full.headers["Retry-After"]) <= 301
    for number, at in enumerate(times[5:20]):
        async with world.visitor_at(f"198.51.100.{number}") as visitor:
            await kept(visitor, page, at)
    async with world.visitor_at("203.0.113.7") as visitor:
        problem(await keep(visitor, page, times[20]), 429, "rate_limited")
        other = await person.make_page(name="Other")
        await kept(visitor, other, times[20])
        await lapse(world)
        await kept(visitor, page, times[21])
    assert (await person.book(page["id"], times[0].isoformat())).status_code == 201


async def test_r48_asking_over_and_over_is_limited(world: World) -> None:
    person, page, start = await host(world)
    for _ in range(world.services.settings.bookings_per_minute):
        await keep(world.api, page, person.at(90, "10:00"))
    problem(await keep(world.api, page, start), 429, "rate_limited")
    assert (await person.book(page["id"], start.isoformat())).status_code == 201, "bookings are counted apart"


async def test_r48_the_same_wish_twice_is_one_hold(world: World) -> None:
    person, page, start = await host(world)
    key = {"Idempotency-Key": "one"}
    first = await keep(world.api, page, start, key)
    again = await keep(world.api, page, start, key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    problem(await keep(world.api, page, start + timedelta(hours=1), key), 422, "idempotency_key_reused")
    assert await traces(world) == [1, 1, 1]
    assert (await person.book(page["id"], start.isoformat(), **by(first.json()))).status_code == 201
    problem(await keep(world.api, page, start, key), 409, "hold_expired")


@pytest.mark.parametrize("swept", [False, True])
async def test_r48_a_repeat_that_comes_after_the_hold_has_lapsed_keeps_nothing(world: World, swept: bool) -> None:
    person, page, start = await host(world)
    key = {"Idempotency-Key": "one"}
    assert (await keep(world.api, page, start, key)).status_code == 201
    await lapse(world)
    if swept:
        await world.services.holds.sweep()
    late = problem(await keep(world.api, page, start, key), 409, "hold_expired")
    starts = [datetime.fromisoformat(other["start_at"]) for other in late["alternatives"]]
    assert start in starts, "it is free, and may be kept anew"
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    problem(await keep(world.api, page, start, key), 404, "page_turned_off")
    await person.patch("/v1/calendar-settings", {"turned_off": False})
    assert (await person.book(page["id"], start.isoformat())).status_code == 201


async def test_r48_a_repeated_booking_finds_its_answer_though_the_hold_is_gone(world: World) -> None:
    person, page, start = await host(world)
    hold = await kept(world.api, page, start)
    first, again = [
        await person.book(page["id"], start.isoformat(), {"Idempotency-Key": "one"}, **by(hold)) for _ in range(2)
    ]
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json() == again.json()


async def test_r48_what_has_lapsed_is_swept_and_what_lasts_is_not(world: World) -> None:
    _, page, start = await host(world)
    stranger, theirs, _ = await host(world)
    await kept(world.api, page, start)
    await kept(world.api, theirs, stranger.at(3, "11:00"))
    assert await world.services.holds.sweep() == 0
    await lapse(world)
    lasting = await kept(world.api, page, start + timedelta(hours=1))
    assert await world.services.holds.sweep() == 2
    assert await traces(world) == [1, 1, 1]
    [row] = await world.rows("SELECT id FROM slot_holds")
    assert row["id"] == decode_id("hold", lasting["id"])


async def test_r53_what_is_stored_of_a_hold_tells_nobody_who_asked(world: World) -> None:
    _, page, start = await host(world)
    async with world.visitor_at("203.0.113.77") as visitor:
        hold = await kept(visitor, page, start)
    [row] = await world.rows("SELECT h.*, encode(h.token_hash, 'escape') AS t FROM slot_holds h")
    assert "203.0.113.77" not in repr(row)
    assert hold["token"] not in repr(row)
    assert set(hold) == {"id", "page_id", "start_at", "end_at", "expires_at", "token"}, "R34: nothing else"


async def team(world: World, kind: str) -> tuple[list[Person], dict[str, Any], datetime]:
    """A page of two people who are both free, and what the first of them would be booked for."""
    owner = await world.connected()
    other = await world.connected(account_id=owner.account_id)
    page = await owner.make_page(type=kind, name="Team", member_ids=[owner.user_id, other.user_id])
    return [owner, other], page, owner.at(3, "10:00")


async def test_r27_a_hold_of_a_group_keeps_everybodys_time(world: World) -> None:
    people, page, start = await team(world, "group")
    own = await people[1].make_page(name="Own")
    hold = await kept(world.api, page, start)
    assert await traces(world) == [1, 1, 2]
    assert not await offered(people[1], own, start)
    problem(await people[1].book(own["id"], start.isoformat()), 409, "slot_unavailable")
    assert (await people[0].book(page["id"], start.isoformat(), **by(hold))).status_code == 201
    assert await traces(world) == [0, 0, 0]
    assert len(await world.rows("SELECT FROM reservations")) == 2


async def test_r27_a_hold_of_a_round_robin_keeps_one_persons_time(world: World) -> None:
    people, page, start = await team(world, "round_robin")
    first = await kept(world.api, page, start)
    assert await traces(world) == [1, 1, 1]
    assert await offered(people[0], page, start), "the other is free"
    second = await kept(world.api, page, start)
    assert not await offered(people[0], page, start)
    problem(await people[0].book(page["id"], start.isoformat()), 409, "slot_unavailable")
    for hold in (first, second):
        assert (await people[0].book(page["id"], start.isoformat(), **by(hold))).status_code == 201
    assert {row["host_id"] for row in await world.rows("SELECT host_id FROM bookings")} == {
        decode_id("usr", person.user_id) for person in people
    }
    assert await traces(world) == [0, 0, 0]


async def test_r34_a_booking_is_no_hold_and_its_token_opens_nobody_elses_time(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    narrow = await ada.make_page(booking_window={"kind": "rolling_days", "days": 4})
    booking = await visit(ada, narrow, ada.at(3, "09:00"))
    wide = await ben.make_page()
    await busy(world, ada, ada.at(5, "20:00"), 120)
    await busy(world, ben, ada.at(5, "23:00"), 30)
    start = ada.at(5, "23:00").isoformat()
    plain = problem(await ben.book(wide["id"], start), 409, "slot_unavailable")
    named = {"hold_id": booking.id.replace("bkg_", "hold_"), "hold_token": booking.token}
    problem(await ben.book(wide["id"], start, **named), 422, "validation_failed")
    signed = named | {"hold_token": world.services.tokens.of_holds().token(decode_id("bkg", booking.id))}
    told = problem(await ben.book(wide["id"], start, **signed), 409, "hold_expired")
    assert told["alternatives"] == plain["alternatives"], "they are Ben's, whosever id is named"


@pytest.mark.parametrize("real", [True, False])
async def test_r48_a_page_that_was_deleted_is_not_there_for_a_hold_either(world: World, real: bool) -> None:
    person = await world.connected()
    page, start = await person.make_page(), person.at(3, "10:00")
    hold = await kept(world.api, page, start) if real else {"id": encode_id("hold", new_id()), "token": "x" * 43}
    assert (await person.delete(f"/v1/scheduling-pages/{page['id']}")).status_code == 204
    problem(await person.book(page["id"], start.isoformat(), **by(hold)), 404, "not_found")
