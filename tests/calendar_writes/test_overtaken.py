"""Writers that lost their turn: held up, overtaken, cut off; what they sent never outlives the newer wish (R46, P2).

The one rule: whatever lands late, at the end the calendar holds the last wish, once.
"""

import asyncio
from datetime import timedelta

import pytest

from app.calendar_writes import writer as writing
from app.crm import meetings
from tests.calendar_writes.test_writing import LATER, booked, start_of, state, the_event, the_write
from tests.crm.scene import VERA, invite, make_contact, synced, timeline
from tests.support.gate import Gate
from tests.support.visitors import fault, our_events, our_writes
from tests.support.world import World


async def run(world: World) -> None:
    await world.services.writer.run(*await the_write(world))


async def killed_at(world: World, gate: Gate) -> None:
    """A writer that dies when its request has left; its lease runs out."""
    await gate.kill(asyncio.create_task(run(world)))
    world.clock.offset += timedelta(seconds=61)


async def held_up(world: World, gate: Gate) -> asyncio.Task[None]:
    """A writer at the gate, whose lease has run out."""
    slow = asyncio.create_task(run(world))
    await gate.wait()
    world.clock.offset += timedelta(seconds=61)
    return slow


async def test_r46_a_held_up_writer_does_not_overwrite_a_newer_wish(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    await world.work()
    assert (await booking.reschedule(person.at(3, "12:00"))).status_code == 200
    gate = Gate.at(monkeypatch, "update_event")
    slow = await held_up(world, gate)
    assert (await booking.reschedule(person.at(3, "15:00"))).status_code == 200
    await run(world)
    await gate.open()
    await slow
    assert start_of(await the_event(world, person)) == person.at(3, "15:00")
    await world.work(until=LATER)
    assert start_of(await the_event(world, person)) == person.at(3, "15:00")
    assert await our_writes(world, person) == ["insert", "update"]


async def test_r46_a_held_up_writer_does_not_bring_a_cancelled_event_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    await world.work()
    assert (await booking.reschedule(person.at(3, "12:00"))).status_code == 200
    gate = Gate.at(monkeypatch, "update_event")
    slow = await held_up(world, gate)
    assert (await booking.cancel()).status_code == 200
    await run(world)
    await gate.open()
    await slow
    assert await our_events(world, person) == []
    assert await our_writes(world, person) == ["insert", "delete"]


async def test_r46_an_insert_that_lands_after_the_cancel_is_removed_by_whoever_won(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    gate = Gate.at(monkeypatch, "create_event")
    slow = await held_up(world, gate)
    assert (await booking.cancel()).status_code == 200
    await run(world)
    assert await state(person, booking) == ("written", None)
    await gate.open()
    await slow
    assert len(await our_events(world, person)) == 1
    await world.work()
    assert await our_events(world, person) == []
    assert await state(person, booking) == ("written", None)
    await world.work(until=LATER)
    assert await our_writes(world, person) == ["insert", "delete"]


async def test_r46_an_insert_that_lands_when_its_writer_is_dead_is_removed_by_a_second_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    gate = Gate.at(monkeypatch, "create_event")
    await killed_at(world, gate)
    assert (await booking.cancel()).status_code == 200
    await run(world)
    assert await state(person, booking) == ("written", None)
    await gate.open()
    assert len(await our_events(world, person)) == 1
    await world.work()
    world.clock.offset += timedelta(minutes=4)
    await world.work(until=timedelta(minutes=4))
    assert await our_events(world, person) == []
    assert await state(person, booking) == ("written", None)
    assert await world.rows("SELECT look_again_at FROM calendar_writes") == [{"look_again_at": None}]


async def test_r46_a_second_look_that_finds_nothing_is_the_last(world: World) -> None:
    person, booking = await booked(world)
    await fault(world, person, "reset_before", method="POST", path="/events$")
    await run(world)
    assert (await booking.cancel()).status_code == 200
    await run(world)
    assert (await world.rows("SELECT look_again_at FROM calendar_writes"))[0]["look_again_at"] is not None
    for _ in range(3):
        world.clock.offset += timedelta(minutes=4)
        await world.work(until=LATER)
    assert await world.rows("SELECT look_again_at FROM calendar_writes") == [{"look_again_at": None}]
    assert await world.rows("SELECT FROM queue.pgqueuer") == []
    assert await state(person, booking) == ("written", None)


async def test_r46_a_second_look_that_fails_is_taken_again_and_says_nothing(world: World) -> None:
    person, booking = await booked(world)
    await fault(world, person, "lost_after_commit", method="POST", path="/events$")
    await run(world)
    [event] = await our_events(world, person)
    await fault(world, person, "backend_error", times=None, method="GET")
    assert (await booking.cancel()).status_code == 200
    await world.rows(
        "UPDATE calendar_writes"
        " SET written_seq = desired_seq, status = 'written', last_error = NULL, look_again_at = now()"
    )
    await run(world)
    assert await state(person, booking) == ("written", None)
    await world.sandbox.clear_google_faults()
    await world.work(until=LATER)
    assert event["id"] not in {left["id"] for left in await our_events(world, person)}
    assert await world.rows("SELECT look_again_at FROM calendar_writes") == [{"look_again_at": None}]


async def test_r46_an_older_wish_that_lands_late_is_overwritten_by_the_newer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer finds nothing, makes its event, and is answered with the one that landed between."""
    person, booking = await booked(world)
    older = Gate.at(monkeypatch, "create_event")
    await killed_at(world, older)
    to = person.at(3, "14:00")
    assert (await booking.reschedule(to)).status_code == 200
    newer = Gate.at(monkeypatch, "create_event")
    running = asyncio.create_task(run(world))
    await newer.wait()
    await older.open()
    await newer.open()
    await running
    assert start_of(await the_event(world, person)) == to
    await world.work(until=LATER)
    assert await state(person, booking) == ("written", None)


async def test_r46_an_older_edit_that_lands_late_is_overwritten_though_a_newer_one_is_about_something_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    path, gate = f"/v1/engagements/{meeting['id']}", Gate.at(monkeypatch, "update_event")
    with monkeypatch.context() as impatient:
        impatient.setattr(meetings, "_TRY_SECONDS", 0)
        await person.patch(path, {"title": "Older"})
    await gate.wait()
    world.clock.offset += timedelta(seconds=61)
    await run(world)
    for newer in ({"title": "Newer"}, {"location": "Room 1"}):
        await person.patch(path, newer)
        await run(world)
    await gate.open()
    [event] = await world.sandbox.google_events(person.email)
    assert event["summary"] == "Older", "it landed late"
    await world.work(until=LATER)
    [event] = await world.sandbox.google_events(person.email)
    assert (event["summary"], event["location"]) == ("Newer", "Room 1")
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], meeting["location"]) == ("Newer", "Room 1")


async def test_r46_a_writer_is_cut_off_before_its_lease_ends_and_its_outcome_is_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(seconds=writing._WRITE_SECONDS) < writing.LEASE * 0.8
    person, booking = await booked(world)
    gate = Gate.at(monkeypatch, "create_event")
    monkeypatch.setattr(writing, "_WRITE_SECONDS", 0.4)
    await asyncio.wait_for(run(world), 10)
    assert await state(person, booking) == ("pending", "ambiguous_outcome")
    await gate.open()
    monkeypatch.undo()
    await world.work(until=LATER)
    assert await state(person, booking) == ("written", None)
    assert (await our_writes(world, person)).count("insert") == 1


async def test_r46_a_writer_cut_off_after_its_turn_was_lost_has_the_winner_look_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    gate = Gate.at(monkeypatch, "create_event")
    monkeypatch.setattr(writing, "_WRITE_SECONDS", 2.5)
    slow = await held_up(world, gate)
    assert (await booking.cancel()).status_code == 200
    await run(world)
    [before] = await world.rows("SELECT desired_seq FROM calendar_writes")
    await slow
    [after] = await world.rows("SELECT desired_seq FROM calendar_writes")
    assert after["desired_seq"] == before["desired_seq"] + 1
    await world.work()
    assert await our_events(world, person) == []
    assert await state(person, booking) == ("written", None)
