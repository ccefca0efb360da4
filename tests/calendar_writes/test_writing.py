"""Writing events: exactly once, whatever the provider, the network and the person do meanwhile (R46, P2).

The one rule: Google's own ledger is counted; a repeated insert of the same event is a failure even if one survives.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.gate import Gate
from tests.support.google import turned
from tests.support.people import Person
from tests.support.visitors import Visit, fault, our_events, our_writes, visit
from tests.support.world import World, problem

SLOW = {"kind": "latency", "ms": 400}
LATER = timedelta(hours=1)


async def booked(world: World) -> tuple[Person, Visit]:
    """A booking whose event nobody has written yet."""
    person = await world.connected()
    page = await person.make_page()
    return person, await visit(person, page, person.at(3, "10:00"))


async def the_write(world: World) -> tuple[UUID, UUID]:
    [row] = await world.rows("SELECT account_id, id FROM calendar_writes")
    return row["account_id"], row["id"]


async def state(person: Person, booking: Visit) -> tuple[str, str | None]:
    """As the host reads it; the visitor reads the same status, and no reason (R34)."""
    event = (await person.get(f"/v1/bookings/{booking.id}")).json()["calendar_event"]
    assert (await booking.read())["calendar_event"] == {"status": event["status"], "error": None}
    return event["status"], event["error"]


async def is_written(person: Person, booking: Visit) -> bool:
    """Whether the event is in the calendar, while a worker may be at it."""
    event = (await person.get(f"/v1/bookings/{booking.id}")).json()["calendar_event"]
    return (event["status"], event["error"]) == ("written", None)


async def the_event(world: World, person: Person) -> dict[str, Any]:
    [event] = await our_events(world, person)
    return event


async def assert_made_once(world: World, person: Person) -> None:
    """One insert; a writer that cannot know that its insert arrived may lay the same wish over it."""
    writes = await our_writes(world, person)
    assert (writes[0], writes.count("insert"), set(writes[1:]) <= {"update"}) == ("insert", 1, True)
    assert len(await our_events(world, person, deleted=True)) == 1


def start_of(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["start"]["dateTime"])


FAULTS: list[Any] = [
    "lost_after_commit", "truncate", "reset_before", "backend_error", "unavailable", "too_many_requests",
    "user_rate_limit", "quota_exceeded", "html_error", {"kind": "too_many_requests", "retry_after": 30},
]  # fmt: skip


async def test_r46_an_event_is_made_once_whatever_becomes_of_the_first_answers(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    visits = []
    for hour, kind in enumerate(FAULTS, start=8):
        visits.append(await visit(person, page, person.at(3, f"{hour:02}:00")))
        await fault(world, person, kind, times=2, method="POST", path="/events$")
        await world.work(until=3 * LATER if kind == "quota_exceeded" else LATER)
        assert await state(person, visits[-1]) == ("written", None), kind
        await world.sandbox.clear_google_faults()
    assert sorted(start_of(event) for event in await our_events(world, person)) == [item.start_at for item in visits]
    assert (await our_writes(world, person)).count("insert") == len(visits)
    assert set(await our_writes(world, person)) <= {"insert", "update"}


async def test_r46_an_event_is_moved_and_deleted_whatever_becomes_of_the_answers(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    kinds = ["lost_after_commit", "reset_before", "backend_error", "too_many_requests"]
    for hour, kind in enumerate(kinds, start=8):
        booking = await visit(person, page, person.at(3, f"{hour:02}:00"))
        await world.work()
        before = await the_event(world, person)
        to = person.at(4, f"{hour:02}:00")
        await fault(world, person, kind, times=2, method="PATCH")
        assert (await booking.reschedule(to)).status_code == 200
        await world.work(until=LATER)
        after = await the_event(world, person)
        assert (after["id"], start_of(after)) == (before["id"], to), kind
        assert await state(person, booking) == ("written", None), kind
        await fault(world, person, kind, times=2, method="DELETE")
        assert (await booking.cancel()).status_code == 200
        await world.work(until=LATER)
        assert await our_events(world, person) == [], kind
        assert await state(person, booking) == ("written", None), kind
    writes = await our_writes(world, person)
    assert (writes.count("insert"), writes.count("delete")) == (len(kinds), len(kinds))


async def test_r46_while_google_fails_the_booking_says_so_and_goes_on_when_it_heals(world: World) -> None:
    person, booking = await booked(world)
    await fault(world, person, "backend_error", times=None, method="POST", path="/events$")
    await world.work()
    status, error = await state(person, booking)
    assert status == "pending"
    assert error is not None
    assert (await booking.read())["status"] == "confirmed"
    await world.sandbox.clear_google_faults()
    await world.work(until=LATER)
    assert await state(person, booking) == ("written", None)
    assert await our_writes(world, person) == ["insert"]


async def test_r46_a_refused_write_says_why_and_the_next_change_tries_at_once(world: World) -> None:
    person, booking = await booked(world)
    await fault(world, person, "forbidden", times=1, method="POST", path="/events$")
    await world.work()
    own = (await person.get(f"/v1/bookings/{booking.id}")).json()
    assert (own["status"], own["calendar_event"]) == ("confirmed", {"status": "pending", "error": "permission_denied"})
    assert await our_events(world, person) == []
    assert (await booking.reschedule(person.at(3, "14:00"))).status_code == 200
    await world.work()
    assert await state(person, booking) == ("written", None)
    assert start_of(await the_event(world, person)) == person.at(3, "14:00")


async def test_r16_a_write_waits_for_the_person_and_goes_on_after_reconnecting(world: World) -> None:
    person, booking = await booked(world)
    await world.sandbox.revoke_google(person.email)
    await world.work(until=LATER)
    assert (await state(person, booking))[0] == "pending"
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "reauthorization_required"
    assert await our_events(world, person) == []
    await person.connect()
    await world.work(until=LATER)
    assert await state(person, booking) == ("written", None)
    assert await our_writes(world, person) == ["insert"]


async def test_r16_a_write_that_was_refused_goes_on_after_reconnecting(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    assert (await booking.reschedule(person.at(3, "14:00"))).status_code == 200
    await world.sandbox.revoke_google(person.email)
    await world.work(until=LATER)
    assert start_of(await the_event(world, person)) == booking.start_at
    await person.connect()
    await world.work(until=LATER)
    assert start_of(await the_event(world, person)) == person.at(3, "14:00")
    assert await our_writes(world, person) == ["insert", "update"]


async def test_r46_an_event_deleted_by_hand_comes_back_once_when_the_booking_moves(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    await world.sandbox.delete_google_event(person.email, (await the_event(world, person))["id"])
    assert await our_events(world, person) == []
    assert (await booking.reschedule(person.at(3, "14:00"))).status_code == 200
    await world.work(until=LATER)
    event = await the_event(world, person)
    assert (event["status"], start_of(event)) == ("confirmed", person.at(3, "14:00"))
    assert [guest["email"] for guest in event["attendees"]] == ["vera@example.com"]
    assert await state(person, booking) == ("written", None)


async def test_r46_a_booking_rules_over_an_edit_by_hand_but_keeps_the_guests_it_brought(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    event = await the_event(world, person)
    guests = [*event["attendees"], {"email": "friend@example.com"}]
    changes = {"summary": "Changed by hand", "attendees": guests, "location": "Elsewhere"}
    await world.sandbox.patch_google_event(person.email, event["id"], changes)
    to = person.at(3, "14:00")
    assert (await booking.reschedule(to)).status_code == 200
    await world.work(until=LATER)
    after = await the_event(world, person)
    assert (after["id"], start_of(after), after["summary"]) == (event["id"], to, "Intro call: Vera Visitor")
    assert {guest["email"] for guest in after["attendees"]} == {"vera@example.com", "friend@example.com"}
    assert await state(person, booking) == ("written", None)


async def test_r46_cancelling_what_was_deleted_by_hand_is_done(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    await world.sandbox.delete_google_event(person.email, (await the_event(world, person))["id"])
    assert (await booking.cancel()).status_code == 200
    await world.work(until=LATER)
    assert await our_events(world, person) == []
    assert await state(person, booking) == ("written", None)


async def test_r46_a_change_while_the_write_runs_wins_and_is_written_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    account_id, write_id = await the_write(world)
    gate = Gate.at(monkeypatch, "create_event")
    running = asyncio.create_task(world.services.writer.run(account_id, write_id))
    await gate.wait()
    to = person.at(3, "14:00")
    assert (await booking.reschedule(to)).status_code == 200
    await gate.open()
    await running
    assert start_of(await the_event(world, person)) == to
    await world.work(until=LATER)
    assert await our_writes(world, person) == ["insert", "update"]
    assert await state(person, booking) == ("written", None)


async def test_r46_a_cancel_while_the_event_is_being_made_leaves_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    account_id, write_id = await the_write(world)
    gate = Gate.at(monkeypatch, "create_event")
    running = asyncio.create_task(world.services.writer.run(account_id, write_id))
    await gate.wait()
    assert (await booking.cancel()).status_code == 200
    await gate.open()
    await running
    await world.work(until=LATER)
    assert await our_events(world, person) == []
    assert await our_writes(world, person) == ["insert", "delete"]


async def test_r46_a_booking_cancelled_before_its_event_was_made_has_none(world: World) -> None:
    person, booking = await booked(world)
    assert (await booking.cancel()).status_code == 200
    await world.work(until=LATER)
    assert await our_events(world, person, deleted=True) == []
    assert await our_writes(world, person) == []
    assert await state(person, booking) == ("written", None)


async def test_r46_a_booking_cancelled_after_a_lost_answer_leaves_no_event(world: World) -> None:
    person, booking = await booked(world)
    await fault(world, person, "lost_after_commit", method="POST", path="/events$")
    account_id, write_id = await the_write(world)
    await world.services.writer.run(account_id, write_id)
    assert len(await our_events(world, person)) == 1, "it was made, and we do not know it"
    assert (await booking.cancel()).status_code == 200
    await world.work(until=LATER)
    assert await our_events(world, person) == []
    assert await our_writes(world, person) == ["insert", "delete"]


async def test_r46_two_workers_with_one_job_make_one_event(world: World) -> None:
    person, booking = await booked(world)
    account_id, write_id = await the_write(world)
    await fault(world, person, SLOW, method="POST", path="/events$")
    await asyncio.gather(*(world.services.writer.run(account_id, write_id) for _ in range(4)))
    posts = [r for r in await world.sandbox.google_requests(account=person.email) if r["path"].endswith("/events")]
    assert [request["method"] for request in posts].count("POST") == 1
    await world.work(until=LATER)
    assert await our_writes(world, person) == ["insert"]
    assert await state(person, booking) == ("written", None)


@pytest.mark.parametrize("arrived", [True, False], ids=["the event was made", "the event was not made"])
async def test_r46_a_killed_writers_work_is_finished_by_the_next_without_a_second_event(
    world: World, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    account_id, write_id = await the_write(world)
    if arrived:
        gate = Gate.at(monkeypatch, "create_event")
        await gate.kill(asyncio.create_task(world.services.writer.run(account_id, write_id)))
        await gate.open()
        assert len(await our_events(world, person)) == 1
    else:
        await world.services.writer._claim(account_id, write_id)
    await world.services.writer.run(account_id, write_id)
    assert (await state(person, booking))[0] == "pending", "the dead one's lease still holds"
    world.clock.offset = timedelta(seconds=61)
    await world.work(until=timedelta(seconds=61))
    await assert_made_once(world, person)
    assert await state(person, booking) == ("written", None)


async def test_r46_a_writer_that_wakes_too_late_says_nothing_but_has_the_winner_look_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    account_id, write_id = await the_write(world)
    gate = Gate.at(monkeypatch, "create_event")
    slow = asyncio.create_task(world.services.writer.run(account_id, write_id))
    await gate.wait()
    world.clock.offset = timedelta(seconds=61)
    to = person.at(3, "14:00")
    assert (await booking.reschedule(to)).status_code == 200
    await world.services.writer.run(account_id, write_id)
    [written] = await world.rows("SELECT * FROM calendar_writes")
    assert not slow.done()
    await gate.open()
    await slow
    asked = {"desired_seq": 3, "status": "pending"}
    assert await world.rows("SELECT * FROM calendar_writes") == [written | asked]
    event = await the_event(world, person)
    assert (written["written_seq"], written["desired_seq"], written["lease_until"]) == (2, 2, None)
    assert (start_of(event), written["written_start"].astimezone(UTC), written["etag"]) == (to, to, event["etag"])
    await world.work(until=LATER)
    assert start_of(await the_event(world, person)) == to
    assert await state(person, booking) == ("written", None)
    assert await world.rows("SELECT FROM queue.pgqueuer") == [], "and nobody looks for ever"


async def test_r46_a_written_event_shows_in_the_mirror_at_once_and_blocks_by_its_reservation_only(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    assert len(await world.rows("SELECT FROM mirror_events WHERE key IS NOT NULL")) == 1
    assert (await booking.cancel()).status_code == 200
    await world.work()
    assert await world.rows("SELECT FROM mirror_events WHERE key IS NOT NULL") == []
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert (await person.book(booking.page_id, booking.start_at.isoformat())).status_code == 201


async def test_r46_a_job_that_runs_again_does_nothing_again(world: World) -> None:
    person, _ = await booked(world)
    account_id, write_id = await the_write(world)
    await world.work()
    requests = len(await world.sandbox.google_requests(account=person.email))
    for _ in range(3):
        await world.services.writer.run(account_id, write_id)
    assert len(await world.sandbox.google_requests(account=person.email)) == requests
    await world.services.writer.run(account_id, UUID(int=1))
    assert await our_writes(world, person) == ["insert"]


async def test_r46_what_a_page_says_at_length_costs_no_event(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(name="N" * 200, description="<&>" * 1333)
    await visit(person, page, person.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, person)
    assert 7900 < len(event["description"]) <= 8000
    assert event["description"].endswith("…")
    assert event["description"].count("&") == event["description"].count(";"), "no entity is cut in two"


@pytest.mark.parametrize("pushed", [True, False])
async def test_r56_a_video_link_that_is_made_after_the_event_is_told_all_the_same(
    world: World, *, pushed: bool
) -> None:
    """Google makes conferences asynchronously; whether it tells of their end or not."""
    person = await world.connected()
    page = await person.make_page(location={"kind": "video"})
    async with turned(world.sandbox, conferences_pending=True):
        booking = await visit(person, page, person.at(3, "10:00"))
        await world.work(until=timedelta())  # it is looked at again, but not yet
        [event] = await our_events(world, person)
        assert "hangoutLink" not in event
        assert (await booking.read())["video_url"] is None
    world.clock.offset += timedelta(hours=1) if pushed else timedelta(seconds=10)
    if pushed:
        await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work(until=timedelta(minutes=1))
    [event] = await our_events(world, person)
    assert (await booking.read())["video_url"] == event["hangoutLink"]
    [write] = await world.rows("SELECT etag FROM calendar_writes")
    assert write["etag"] == event["etag"], "known from now on: nobody asks for it again"


async def test_r56_where_no_video_link_ever_comes_the_event_is_known_in_the_end(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(location={"kind": "video"})
    async with turned(world.sandbox, conferences_pending=True):
        await visit(person, page, person.at(3, "10:00"))
        await world.work(until=timedelta())
        for _ in range(3):
            world.clock.offset += timedelta(hours=1)
            await world.work(until=timedelta(minutes=1))
        [event] = await our_events(world, person)
        [write] = await world.rows("SELECT etag, video_url FROM calendar_writes")
    assert (write["etag"], write["video_url"]) == (event["etag"], None)


async def test_r56_a_video_link_comes_with_the_event_and_stays_when_it_moves(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(location={"kind": "video"})
    booking = await visit(person, page, person.at(3, "10:00"))
    assert (await booking.read())["video_url"] is None
    await world.work()
    link = (await booking.read())["video_url"]
    assert link.startswith("https://meet.google.com/")
    assert (await booking.reschedule(person.at(3, "14:00"))).status_code == 200
    await world.work()
    assert (await booking.read())["video_url"] == link
    assert (await person.get(f"/v1/bookings/{booking.id}")).json()["video_url"] == link


async def test_p4_one_accounts_writer_does_not_reach_anothers_row(world: World) -> None:
    stranger = await world.connected()
    person, booking = await booked(world)
    _, write_id = await the_write(world)
    [account] = await world.rows("SELECT account_id FROM users WHERE email = $1", stranger.email)
    await world.services.writer.run(account["account_id"], write_id)
    assert (await state(person, booking))[0] == "pending"
    assert await our_writes(world, person) == []
    problem(await stranger.get(f"/v1/bookings/{booking.id}"), 404, "not_found")
