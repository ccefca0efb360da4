"""Requests that wait heal or lapse by themselves (R26).

The one rule: what is booked without its host is what the host wanted booked, free, and first come; the visitor is told
once, whatever becomes of it.
"""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.queue import Job, Payload
from tests.bookings.requesting import (
    Asked,
    accept,
    ask,
    audited,
    connected,
    decline,
    feed,
    letter,
    mailed,
    read,
)
from tests.support.people import Person
from tests.support.teams import team_page
from tests.support.visitors import fault, our_events
from tests.support.world import World, problem

SAVE = "/v1/calendar-settings"
LATER = timedelta(minutes=6)
CONFIRM = Job.CONFIRM_REQUESTS.value


async def who_confirms(world: World, **claims: Any) -> Person:
    """Somebody who wants free requests booked at once."""
    person = await world.person(**claims)
    saved = await person.patch(SAVE, {"auto_confirm_requests": True})
    assert saved.json()["auto_confirm_requests"] is True
    await world.work()
    return person


async def states(person: Person, *asked: Asked) -> list[str]:
    return [(await read(person, item))["status"] for item in asked]


async def confirming(world: World) -> int:
    """How many jobs that book what was asked for wait, for now or for later."""
    return len(await world.rows("SELECT FROM queue.pgqueuer WHERE entrypoint = $1", CONFIRM))


async def taken(world: World, person: Person, days: int, start: str, end: str) -> None:
    times = [{"dateTime": person.at(days, clock).isoformat()} for clock in (start, end)]
    await world.sandbox.google_account(person.email)
    await world.sandbox.insert_google_event(person.email, {"start": times[0], "end": times[1]})


async def lapse(world: World) -> int:
    """What the worker's clock does."""
    due = await world.services.request_expiry.sweep()
    await world.work()
    return due


async def test_r26_on_connecting_free_requests_are_booked_and_clashing_ones_wait(world: World) -> None:
    person = await who_confirms(world)
    page = await person.make_page()
    clashing, free = await ask(person, page, 3, "10:30"), await ask(person, page, 3, "11:00")
    await taken(world, person, 3, "10:00", "11:00")
    await connected(world, person)
    assert await states(person, clashing, free) == ["pending", "accepted"]
    waiting, booked = await read(person, clashing), await read(person, free)
    assert (waiting["clashes"], len(waiting["alternatives"])) == (True, 5)
    assert (booked["decided_by"], booked["clashes"]) == ("policy", False)
    assert len(await our_events(world, person)) == 1
    assert await mailed(world) == ["accepted_visitor", "confirmed_host"], "the host learns of it"
    assert await audited(world) == [("policy", "meeting_request.accepted"), ("policy", "booking.created")]
    auditor = await world.person(account_id=person.account_id, permissions=["audit:read"])
    told = await auditor.get("/v1/audit-log", action="booking.created")
    assert [entry["actor"]["kind"] for entry in told.json()["items"]] == ["worker"], told.text
    assert (await free.get(free.booking_path)).json()["status"] == "confirmed"


async def test_r26_without_the_hosts_word_nothing_is_booked_on_connecting(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    assert (await person.get(SAVE)).json()["auto_confirm_requests"] is False
    await connected(world, person)
    assert await states(person, asked) == ["pending"]
    assert await our_events(world, person) == []
    await person.patch(SAVE, {"auto_confirm_requests": True})
    await world.work()
    assert await states(person, asked) == ["accepted"], "said later, it counts for what waits"


async def test_r26_r31_what_is_tentative_and_blocks_no_more_lets_a_request_be_booked(world: World) -> None:
    person = await who_confirms(world)
    asked = await ask(person, await person.make_page(), 3, "10:30")
    await world.sandbox.google_account(person.email)
    times = [{"dateTime": person.at(3, clock).isoformat()} for clock in ("10:00", "11:00")]
    guests = [{"email": person.email, "self": True, "responseStatus": "tentative"}, {"email": "o@example.com"}]
    event = {"start": times[0], "end": times[1], "attendees": guests, "organizer": {"email": "o@example.com"}}
    await world.sandbox.insert_google_event(person.email, event)
    await connected(world, person)
    assert await states(person, asked) == ["pending"]
    await person.patch(SAVE, {"tentative_blocks": False})
    await world.work()
    assert await states(person, asked) == ["accepted"]


async def test_r26_of_two_who_asked_for_one_time_the_first_is_booked(world: World) -> None:
    person = await who_confirms(world)
    page = await person.make_page()
    first = await ask(person, page, 3, "10:00")
    second = await ask(person, page, 3, "10:00", email="second@example.com")
    await connected(world, person)
    assert await states(person, first, second) == ["accepted", "pending"]
    assert (await read(person, second))["clashes"] is True


@pytest.mark.parametrize("limit", ["daily_limit", "weekly_limit"])
async def test_r32_what_is_booked_by_itself_keeps_to_the_pages_limits(world: World, limit: str) -> None:
    person = await who_confirms(world)
    page = await person.make_page(**{limit: 2})
    asked = [await ask(person, page, 3, f"1{hour}:00") for hour in range(4)]
    elsewhere = await ask(person, page, 17, "10:00")
    await connected(world, person)
    assert await states(person, *asked) == ["accepted", "accepted", "pending", "pending"]
    assert await states(person, elsewhere) == ["accepted"], "another week has room"
    assert (await read(person, asked[2]))["allowed_actions"] == ["accept", "decline"]
    assert (await accept(person, asked[2])).status_code == 200, "a host who looks may go beyond"


async def test_r41_nothing_is_booked_by_itself_of_pages_that_take_no_bookings(world: World) -> None:
    person = await who_confirms(world)
    gone, page = await person.make_page(), await person.make_page(name="Stays")
    orphan, other = await ask(person, gone, 3, "10:00"), await ask(person, page, 3, "11:00")
    await person.delete(f"/v1/scheduling-pages/{gone['id']}")
    await person.patch(SAVE, {"turned_off": True})
    await connected(world, person)
    assert await states(person, orphan, other) == ["pending", "pending"]
    await person.patch(SAVE, {"turned_off": False})
    await world.work()
    assert await states(person, orphan, other) == ["pending", "accepted"]


async def test_r17_nothing_is_booked_by_itself_without_the_scheduling_pages_tick(world: World) -> None:
    person = await who_confirms(world)
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await person.patch(SAVE, {"scheduling_pages": False})
    await connected(world, person)
    assert await states(person, asked) == ["pending"]


async def test_r26_while_a_calendar_cannot_be_asked_requests_wait_and_are_tried_again(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await connected(world, person)
    await fault(world, person, "backend_error", times=None, path="/freeBusy")
    await world.rows("UPDATE calendar_syncs SET last_succeeded_at = now() - interval '11 minutes'")
    await person.patch(SAVE, {"auto_confirm_requests": True})
    await world.work()
    assert await states(person, asked) == ["pending"], "nobody could tell whether it was free"
    await world.sandbox.clear_google_faults()
    await world.work(until=LATER)
    assert await states(person, asked) == ["accepted"]


async def test_r26_however_often_it_is_asked_for_one_job_tries_again(world: World) -> None:
    person = await who_confirms(world)
    member = await world.person(account_id=person.account_id)
    await member.get("/v1/me")
    page = await team_page([person, member], "group")
    asked = await ask(person, page, 3, "10:00")
    await connected(world, person)
    for blocks in (False, True):
        await person.patch(SAVE, {"tentative_blocks": blocks})
        await world.work()
    assert await states(person, asked) == ["pending"], "of its member nobody knows what is free"
    assert await confirming(world) == 1
    [row] = await world.rows("DELETE FROM queue.pgqueuer WHERE entrypoint = $1 RETURNING payload", CONFIRM)
    payload = msgspec.json.decode(row["payload"], type=Payload)
    await asyncio.gather(*(world.services.request_confirmer.run(payload.account_id, payload.id) for _ in range(4)))
    assert await confirming(world) == 1
    await connected(world, member)
    assert await states(person, asked) == ["accepted"]
    await world.work(until=LATER)
    assert await confirming(world) == 0


async def test_r4_a_save_that_says_nothing_of_requests_has_none_looked_at(world: World) -> None:
    person = await who_confirms(world)
    await person.patch(SAVE, {"drift_policies": {"moved": "ask"}, "meetings_url": None})
    assert await confirming(world) == 0
    await person.patch(SAVE, {"turned_off": True})
    assert await confirming(world) == 0, "turned off, no page takes bookings"
    await person.patch(SAVE, {"turned_off": False})
    assert await confirming(world) == 1


async def test_r26_confirming_twice_at_once_books_once(world: World) -> None:
    person = await who_confirms(world)
    page = await person.make_page()
    asked = [await ask(person, page, 3, f"1{hour}:00") for hour in range(3)]
    await connected(world, person)
    assert await states(person, *asked) == ["accepted"] * 3
    [row] = await world.rows("SELECT DISTINCT account_id, host_id FROM meeting_requests")
    run = world.services.request_confirmer.run
    await asyncio.gather(*(run(row["account_id"], row["host_id"]) for _ in range(4)))
    assert len(await world.rows("SELECT FROM bookings")) == 3


async def test_r26_a_request_that_lapses_is_told_once(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    soon = await ask(person, page, 3, "10:00", language="pl", time_zone="Europe/Warsaw")
    late = await ask(person, page, 30, "10:00")
    assert await lapse(world) == 0
    world.clock.offset = timedelta(days=4)
    assert await lapse(world) == 1
    assert await lapse(world) == 0
    mail = await letter(world, "expired_visitor")
    assert mail["subject"].startswith("Bez odpowiedzi: Intro call")
    assert page["meeting_link"] in mail["text"]
    assert await mailed(world) == ["expired_visitor"]
    assert await audited(world) == [("worker", "meeting_request.expired")]
    assert await states(person, soon, late) == ["expired", "pending"]
    [stored] = await world.rows("SELECT decided_by FROM meeting_requests WHERE status = 'expired'")
    assert stored["decided_by"] is None
    assert (await soon.get()).json()["can_withdraw"] is False
    assert await feed(world) == ["meeting_request.created"] * 2 + ["meeting_request.expired"]
    world.clock.offset = timedelta(days=15)
    await lapse(world)
    assert await states(person, late) == ["expired"], "fourteen days, however far away the time is"


async def test_r26_what_was_answered_does_not_lapse(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    asked = [await ask(person, page, 3, f"1{hour}:00") for hour in range(3)]
    await decline(person, asked[0])
    await asked[1].withdraw()
    await connected(world, person)
    await accept(person, asked[2])
    assert await world.rows("SELECT FROM due_requests") == []
    world.clock.offset = timedelta(days=4)
    assert await lapse(world) == 0
    assert await states(person, *asked) == ["declined", "withdrawn", "accepted"]


async def test_r26_a_job_of_a_request_that_is_answered_or_gone_does_nothing(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    [row] = await world.rows("SELECT account_id, id FROM meeting_requests")
    run = world.services.request_expiry.run
    await run(row["account_id"], row["id"])
    assert await states(person, asked) == ["pending"], "it has time left"
    world.clock.offset = timedelta(days=4)
    await asyncio.gather(*(run(row["account_id"], row["id"]) for _ in range(4)))
    assert await mailed(world) == ["expired_visitor"]
    await world.rows("DELETE FROM meeting_requests")
    await run(row["account_id"], row["id"])


async def test_r26_accepting_in_the_moment_a_request_lapses_has_one_outcome(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await connected(world, person)
    [row] = await world.rows("SELECT account_id, id, expires_at FROM meeting_requests")
    await world.rows("UPDATE meeting_requests SET expires_at = now() + interval '300 milliseconds'")

    async def end() -> None:
        await asyncio.sleep(0.3)
        await world.services.request_expiry.run(row["account_id"], row["id"])

    answer, _ = await asyncio.gather(accept(person, asked), end())
    [ended] = await states(person, asked)
    assert ended == ("accepted" if answer.status_code == 200 else "expired")
    assert len(await world.rows("SELECT FROM bookings")) == (ended == "accepted")
    if ended == "expired":
        problem(answer, 409, "already_processed")
