"""What people do to booked events in their calendars, and what becomes of the booking (R23).

The one rule: a person's hands act at the provider; everything else is read where its owner would read it.
"""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.bookings.drift.effects import DriftEffects
from app.ids import decode_id
from app.stranded import ask_again_for_stranded
from app.sync.changes import Topic
from app.sync.following import Follower
from tests.support.engines import engine_of
from tests.support.gate import Gate
from tests.support.people import Person
from tests.support.visitors import KEY, Visit, fault, our_events, our_writes, visit
from tests.support.world import World, problem

HOUR = timedelta(hours=1)
MIRRORED = "SELECT event_id, starts_at FROM mirror_events WHERE key IS NOT NULL ORDER BY event_id"


async def booked(world: World, **page: Any) -> tuple[Person, Visit, str]:
    """A booking whose event stands in the calendar, and the event's id."""
    person = await world.connected()
    made = await person.make_page(**page)
    booking = await visit(person, made, person.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, person)
    await world.sandbox.delete_mails()
    return person, booking, event["id"]


async def synced(world: World, person: Person) -> None:
    """The calendar is read, and all that follows from it is done."""
    answer = await person.post(f"/v1/connections/{person.connection_id}/sync")
    assert answer.status_code == 202, answer.text
    await world.work()


async def move(world: World, person: Person, event_id: str, start: datetime, minutes: int = 30) -> None:
    """The host drags the event."""
    times = {"start": _google(start), "end": _google(start + timedelta(minutes=minutes))}
    await world.sandbox.patch_google_event(person.email, event_id, times)


def answering(body: dict[str, Any]) -> dict[str, Any]:
    """Google's word is this, whatever is true."""
    return {"kind": "status", "status": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def _google(at: datetime) -> dict[str, str]:
    return {"dateTime": at.isoformat()}


async def host_sees(person: Person, booking: Visit) -> dict[str, Any]:
    body: dict[str, Any] = (await person.get(f"/v1/bookings/{booking.id}")).json()
    return body


async def ledger(person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = await person.get("/v1/drift-entries", **query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def policy(person: Person, **policies: str) -> None:
    answer = await person.patch("/v1/calendar-settings", {"drift_policies": policies})
    assert answer.status_code == 200, answer.text


async def subjects(world: World, to: str) -> list[str]:
    return [mail["subject"] for mail in await world.sandbox.mails(to=to)]


async def test_r23_a_moved_event_moves_the_booking_and_tells_the_visitor(world: World) -> None:
    person, booking, event_id = await booked(world)
    writes, later = len(await our_writes(world, person)), booking.start_at + 3 * HOUR
    await move(world, person, event_id, later)
    await synced(world, person)
    seen = await host_sees(person, booking)
    assert (datetime.fromisoformat(seen["start_at"]), seen["status"]) == (later, "confirmed")
    assert datetime.fromisoformat((await booking.read())["start_at"]) == later
    assert len(await our_writes(world, person)) == writes, "what stands there is not written again"
    [entry] = await ledger(person)
    assert (entry["kind"], entry["status"], entry["resolution"], entry["resolved_by"]) == (
        "moved", "resolved", "adopt", "policy",
    )  # fmt: skip
    assert datetime.fromisoformat(entry["booked_start_at"]) == booking.start_at
    assert datetime.fromisoformat(entry["observed_start_at"]) == later
    assert len(await subjects(world, "vera@example.com")) == 1
    assert await subjects(world, person.email) == [], "the host has done it"


async def test_r23_nothing_is_done_twice_and_nothing_loops(world: World) -> None:
    person, booking, event_id = await booked(world)
    await move(world, person, event_id, booking.start_at + 3 * HOUR)
    for _ in range(3):
        await synced(world, person)
    assert len(await ledger(person)) == 1
    assert (await host_sees(person, booking))["version"] == 2
    assert len(await subjects(world, "vera@example.com")) == 1


async def test_r23_the_time_of_a_moved_booking_is_free_again_and_the_new_one_taken(world: World) -> None:
    person, booking, event_id = await booked(world, increment_minutes=15)
    later = booking.start_at + 3 * HOUR
    await move(world, person, event_id, later)
    await synced(world, person)
    starts = [slot["start_at"] for slot in await person.slots(booking.page_id, person.day(3))]
    offered = {datetime.fromisoformat(start) for start in starts}
    assert booking.start_at in offered
    assert later not in offered
    assert (await booking.reschedule(later + timedelta(minutes=15))).status_code == 200, "its own event is no obstacle"


async def test_r23_a_longer_or_shorter_event_changes_the_booking(world: World) -> None:
    person, booking, event_id = await booked(world)
    await move(world, person, event_id, booking.start_at, minutes=50)
    await synced(world, person)
    seen = await host_sees(person, booking)
    assert datetime.fromisoformat(seen["end_at"]) - datetime.fromisoformat(seen["start_at"]) == timedelta(minutes=50)
    [entry] = await ledger(person)
    assert entry["kind"] == "resized"


async def test_r23_an_event_of_less_than_a_minute_leaves_a_booking_that_can_be_moved(world: World) -> None:
    person, booking, event_id = await booked(world)
    short = {"end": {"dateTime": (booking.start_at + timedelta(seconds=40)).isoformat()}}
    await world.sandbox.patch_google_event(person.email, event_id, short)
    await synced(world, person)
    day = {"time_zone": "UTC", "first_day": str(person.day(4)), "last_day": str(person.day(4))}
    answer = await person.get(f"/v1/bookings/{booking.id}/slots", **day)
    assert answer.status_code == 200, answer.text
    assert (await booking.reschedule(person.at(4, "10:00"))).status_code == 200


async def test_r23_a_deleted_event_cancels_the_booking(world: World) -> None:
    person, booking, event_id = await booked(world)
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    seen = await host_sees(person, booking)
    assert (seen["status"], seen["cancelled_by"]) == ("cancelled", "host")
    [entry] = await ledger(person)
    assert (entry["kind"], entry["observed_start_at"]) == ("deleted", None)
    assert len(await subjects(world, "vera@example.com")) == 1
    assert await our_events(world, person) == []
    offered = [slot["start_at"] for slot in await person.slots(booking.page_id, person.day(3))]
    assert booking.start_at in map(datetime.fromisoformat, offered)


@pytest.mark.parametrize("deleted", [True, False])
async def test_r23_what_was_done_to_an_event_while_nothing_was_connected_is_followed(
    world: World, *, deleted: bool
) -> None:
    """The new mirror has never seen the event stand where it stood."""
    person, booking, event_id = await booked(world)
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    later = booking.start_at + 3 * HOUR
    if deleted:
        await world.sandbox.delete_google_event(person.email, event_id)
    else:
        await move(world, person, event_id, later)
    assert (await person.connect())["status"] == "completed"
    await world.work()
    seen = await host_sees(person, booking)
    expected = ("cancelled", booking.start_at) if deleted else ("confirmed", later)
    assert (seen["status"], datetime.fromisoformat(seen["start_at"])) == expected
    assert len(await ledger(person)) == 1
    assert len(await subjects(world, "vera@example.com")) == 1


async def test_r23_a_visitor_who_declines_ends_the_booking_and_the_host_is_told(world: World) -> None:
    person, booking, event_id = await booked(world)
    answer = {"attendee": "vera@example.com", "response": "declined"}
    await world.sandbox.answer_google_invitation(person.email, event_id, **answer)
    await synced(world, person)
    seen = await host_sees(person, booking)
    assert (seen["status"], seen["cancelled_by"]) == ("cancelled", "visitor")
    assert len(await subjects(world, person.email)) == 1
    assert await our_events(world, person) == []


async def test_r23_an_accepting_visitor_changes_nothing(world: World) -> None:
    person, booking, event_id = await booked(world)
    answer = {"attendee": "vera@example.com", "response": "accepted"}
    await world.sandbox.answer_google_invitation(person.email, event_id, **answer)
    await synced(world, person)
    assert (await host_sees(person, booking))["version"] == 1
    assert await ledger(person) == []
    [engagement] = (await person.get("/v1/engagements")).json()["items"]
    assert [contact["response"] for contact in engagement["contacts"]] == ["accepted"]


async def test_r23_a_copy_of_our_event_is_taken_away(world: World) -> None:
    person, booking, _ = await booked(world)
    [event] = await our_events(world, person)
    copied = {name: event[name] for name in ("summary", "start", "end", "extendedProperties")}
    await world.sandbox.insert_google_event(person.email, copied)
    await synced(world, person)
    assert [left["id"] for left in await our_events(world, person)] == [event["id"]]
    [entry] = await ledger(person)
    assert (entry["kind"], entry["resolution"]) == ("duplicated", "restore")
    assert (await host_sees(person, booking))["status"] == "confirmed"


async def test_r23_with_the_policy_restore_the_event_is_put_back(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="restore", deleted="restore")
    await move(world, person, event_id, booking.start_at + 3 * HOUR)
    await synced(world, person)
    [event] = await our_events(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == booking.start_at
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    assert len(await our_events(world, person)) == 1
    assert (await host_sees(person, booking))["status"] == "confirmed"
    assert {entry["resolution"] for entry in await ledger(person)} == {"restore"}


async def test_r23_what_is_undone_again_and_again_is_asked_about(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="restore")
    for hours in range(1, 6):
        await move(world, person, event_id, booking.start_at + hours * HOUR)
        await synced(world, person)
    entries = await ledger(person)
    assert [entry["status"] for entry in entries].count("resolved") == 3
    assert (entries[0]["status"], entries[0]["reason"]) == ("open", "write_budget")


async def test_r23_the_host_is_asked_and_decides(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    later = booking.start_at + 3 * HOUR
    await move(world, person, event_id, later)
    await synced(world, person)
    assert (await host_sees(person, booking))["version"] == 1, "nothing happens before the host has decided"
    [entry] = await ledger(person, status="open")
    assert (entry["reason"], entry["allowed_actions"]) == ("policy", ["adopt", "restore"])
    seen = await host_sees(person, booking)
    assert (entry["booking_title"], entry["visitor_name"]) == (seen["title"], seen["visitor_name"])
    resolved = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    assert (resolved.status_code, resolved.json()["resolved_by"]) == (200, "host"), resolved.text
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == later
    again = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "restore"})
    problem(again, 409, "already_processed")


async def test_r23_r47_nobody_is_asked_any_more_about_a_meeting_that_was_missed(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    await move(world, person, event_id, booking.start_at + 3 * HOUR)
    await synced(world, person)
    [entry] = await ledger(person, status="open")
    world.clock.offset += booking.start_at - world.clock() + timedelta(minutes=5)
    await world.sandbox.delete_mails()
    missed = await person.post(f"/v1/bookings/{booking.id}/no-show")
    assert missed.status_code == 200, missed.text
    assert [item["status"] for item in await ledger(person)] == ["superseded"]
    late = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    problem(late, 409, "already_processed")
    await world.work()
    assert await host_sees(person, booking) == missed.json()
    assert await world.sandbox.mails() == []
    told = await world.rows("SELECT type FROM feed_events ORDER BY arrival")
    assert {"booking.no_show", "drift_entry.superseded"} <= {row["type"] for row in told}


async def test_r23_a_decision_to_restore_puts_the_event_back(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, deleted="ask", moved="ask")
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    [entry] = await ledger(person, status="open")
    await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "restore"})
    await world.work()
    [event] = await our_events(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == booking.start_at
    assert (await host_sees(person, booking))["status"] == "confirmed"


async def test_r23_what_is_moved_back_before_the_host_answers_is_settled(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    await move(world, person, event_id, booking.start_at + 3 * HOUR)
    await synced(world, person)
    await move(world, person, event_id, booking.start_at)
    await synced(world, person)
    [entry] = await ledger(person)
    assert entry["status"] == "superseded"


async def test_r23_what_was_read_before_our_own_write_moves_nothing_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking, event_id = await booked(world)
    [place] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    [write] = await world.rows("SELECT account_id, id FROM calendar_writes")
    real, read, written = Follower._read, asyncio.Event(), asyncio.Event()

    async def slowly(self: Follower, *given: Any) -> Any:
        seen = await real(self, *given)
        if not read.is_set():
            read.set()
            await written.wait()
        return seen

    monkeypatch.setattr(Follower, "_read", slowly)
    await world.sandbox.patch_google_event(person.email, event_id, {"description": "Bring the papers"})
    syncing = asyncio.create_task(world.services.sync.run(place["account_id"], place["calendar_id"]))
    await asyncio.wait_for(read.wait(), 20)
    to = booking.start_at + 3 * HOUR
    assert (await booking.reschedule(to)).status_code == 200
    await world.services.writer.run(write["account_id"], write["id"])
    written.set()
    await syncing
    await world.work()
    await synced(world, person)
    assert datetime.fromisoformat((await booking.read())["start_at"]) == to
    assert await ledger(person) == []
    [event] = await our_events(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == to


async def test_r23_what_was_read_while_our_own_write_was_under_way_moves_nothing_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fence stays; that it has ended meanwhile says that the event may have been read as it was before."""
    person, booking, event_id = await booked(world)
    [place] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    [write] = await world.rows("SELECT account_id, id FROM calendar_writes")
    follow = world.services.sync._followers[Topic.BOOKING]

    async def nobody(*_: Any) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(world.services.sync, "_followers", dict.fromkeys(Topic, nobody))
        await world.sandbox.patch_google_event(person.email, event_id, {"description": "Bring the papers"})
        await world.services.sync.run(place["account_id"], place["calendar_id"])
    gate, to = Gate.at(monkeypatch, "update_event"), booking.start_at + 3 * HOUR
    assert (await booking.reschedule(to)).status_code == 200
    writing = asyncio.create_task(world.services.writer.run(write["account_id"], write["id"]))
    await gate.wait()
    real, read, written = Follower._read, asyncio.Event(), asyncio.Event()

    async def slowly(self: Follower, *given: Any) -> Any:
        seen = await real(self, *given)
        read.set()
        await written.wait()
        return seen

    monkeypatch.setattr(Follower, "_read", slowly)
    following = asyncio.create_task(follow(place["account_id"], place["calendar_id"]))
    await asyncio.wait_for(read.wait(), 20)
    await gate.open()
    await writing
    written.set()
    await following
    assert datetime.fromisoformat((await booking.read())["start_at"]) == to
    await world.work()
    await synced(world, person)
    assert datetime.fromisoformat((await booking.read())["start_at"]) == to
    assert await ledger(person) == []


@pytest.mark.parametrize("moved_by", ["visitor", "host"])
async def test_r23_of_a_booking_that_was_given_another_time_the_host_is_asked_nothing(
    world: World, moved_by: str
) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    await move(world, person, event_id, booking.start_at + HOUR)
    await synced(world, person)
    assert [entry["status"] for entry in await ledger(person, status="open")] == ["open"]
    to = booking.start_at + 4 * HOUR
    if moved_by == "visitor":
        assert (await booking.reschedule(to)).status_code == 200
    else:
        moved = await person.post(f"/v1/bookings/{booking.id}/reschedule", {"start_at": to.isoformat()})
        assert moved.status_code == 200, moved.text
    assert await ledger(person, status="open") == []
    await world.work()
    await synced(world, person)
    [event] = await our_events(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == to
    assert [entry["status"] for entry in await ledger(person)] == ["superseded"]


async def test_r23_of_a_meeting_that_is_over_the_host_is_asked_nothing(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    await move(world, person, event_id, booking.start_at + HOUR)
    await synced(world, person)
    [entry] = await ledger(person, status="open")
    world.clock.offset = booking.start_at - world.clock() + HOUR
    await person.refresh_token()
    assert await ledger(person, status="open") == []
    for query in ({}, {"status": "superseded"}):
        [over] = await ledger(person, **query)
        assert (over["id"], over["status"], over["allowed_actions"]) == (entry["id"], "superseded", [])
    account_id = decode_id("acct", person.account_id)
    for _ in range(2):
        await world.services.pruner.run(account_id, account_id)
    assert await world.rows("SELECT status FROM drift_entries") == [{"status": "superseded"}]
    told = await world.rows(
        "SELECT data->>'id' AS id FROM feed_events WHERE type = 'drift_entry.superseded' ORDER BY id"
    )
    assert told == [{"id": entry["id"]}], "the feed says so as well, once (R52)"


@pytest.mark.parametrize("ended_by", ["visitor", "host", "calendar"])
async def test_r23_of_a_booking_that_has_ended_the_host_is_asked_nothing(world: World, ended_by: str) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    await move(world, person, event_id, booking.start_at + HOUR)
    await synced(world, person)
    assert [entry["status"] for entry in await ledger(person)] == ["open"]
    match ended_by:
        case "visitor":
            assert (await booking.cancel()).status_code == 200
        case "host":
            assert (await person.post(f"/v1/bookings/{booking.id}/cancel", {})).status_code == 200
        case _:
            await world.sandbox.delete_google_event(person.email, event_id)
            await synced(world, person)
    assert (await host_sees(person, booking))["status"] == "cancelled"
    asked = [entry for entry in await ledger(person) if entry["kind"] == "moved"]
    assert [(entry["status"], entry["allowed_actions"]) for entry in asked] == [("superseded", [])]


async def test_r23_a_visitor_who_declines_what_was_moved_ends_it_and_the_host_is_not_asked_where_it_goes(
    world: World,
) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    await move(world, person, event_id, booking.start_at + HOUR)
    await world.sandbox.answer_google_invitation(
        person.email, event_id, attendee="vera@example.com", response="declined"
    )
    await synced(world, person)
    assert (await host_sees(person, booking))["cancelled_by"] == "visitor"
    assert [(entry["kind"], entry["status"]) for entry in await ledger(person)] == [("declined", "resolved")]


async def test_r23_a_no_that_the_host_decides_about_waits_for_them_though_the_event_was_moved(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, declined="ask")
    await move(world, person, event_id, booking.start_at + HOUR)
    await world.sandbox.answer_google_invitation(
        person.email, event_id, attendee="vera@example.com", response="declined"
    )
    await synced(world, person)
    [entry] = await ledger(person, status="open")
    answer = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    assert (answer.status_code, answer.json()["status"]) == (200, "resolved"), answer.text
    seen = await host_sees(person, booking)
    assert (seen["status"], seen["cancelled_by"]) == ("cancelled", "visitor")


async def test_r23_the_alternatives_of_a_time_that_is_taken_are_free_and_as_long_as_the_booking(world: World) -> None:
    person, booking, event_id = await booked(world, durations_minutes=[30, 15], increment_minutes=15)
    far, page = booking.start_at + timedelta(days=28), {"id": booking.page_id}
    taken = {far + n * HOUR / 2 for n in range(3)}
    for n, start in enumerate(sorted(taken)):
        await visit(person, page, start, email=f"other{n}@example.com")
    await world.work()
    await move(world, person, event_id, far)
    await synced(world, person)
    [entry] = await ledger(person, status="open")
    refused = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    offered = problem(refused, 409, "slot_unavailable")["alternatives"]
    spans = [(datetime.fromisoformat(slot["start_at"]), datetime.fromisoformat(slot["end_at"])) for slot in offered]
    assert {end - start for start, end in spans} == {HOUR / 2}
    assert all(abs(start - far) < timedelta(days=2) for start, _ in spans)
    assert not {start for start, _ in spans} & taken


async def test_r23_a_deletion_that_the_host_adopts_is_their_decision_and_ends_the_booking(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, deleted="ask")
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    [entry] = await ledger(person, status="open")
    resolved = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    assert (resolved.status_code, resolved.json()["status"]) == (200, "resolved"), resolved.text
    assert (await host_sees(person, booking))["status"] == "cancelled"
    assert [(entry["status"], entry["resolution"]) for entry in await ledger(person)] == [("resolved", "adopt")]


async def test_r45_an_event_moved_onto_another_booking_is_asked_about(world: World) -> None:
    person, booking, event_id = await booked(world)
    page = {"id": booking.page_id}
    other = await visit(person, page, booking.start_at + HOUR, email="other@example.com")
    await world.work()
    await move(world, person, event_id, other.start_at)
    await synced(world, person)
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == booking.start_at
    [entry] = await ledger(person, status="open")
    assert entry["reason"] == "slot_taken"
    answer = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    assert problem(answer, 409, "slot_unavailable")["alternatives"]
    await other.cancel()
    await world.work()
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == other.start_at
    assert [(entry["status"], entry["resolution"]) for entry in await ledger(person)] == [
        ("resolved", "adopt"),
        ("superseded", None),
    ]


async def test_r45_a_question_about_a_taken_time_stays_as_it_was_asked_while_other_times_are_given_back(
    world: World,
) -> None:
    person, booking, event_id = await booked(world)
    page = {"id": booking.page_id}
    other = await visit(person, page, booking.start_at + HOUR, email="other@example.com")
    third = await visit(person, page, booking.start_at + 4 * HOUR, email="third@example.com")
    await world.work()
    await move(world, person, event_id, other.start_at)
    await synced(world, person)
    [asked] = await ledger(person)
    assert (asked["status"], asked["reason"]) == ("open", "slot_taken")
    assert (await third.cancel()).status_code == 200
    await world.work()
    assert await ledger(person) == [asked]
    await move(world, person, event_id, booking.start_at)
    await synced(world, person)
    assert [entry["status"] for entry in await ledger(person)] == ["superseded"], "it is as booked again"


async def test_r45_a_refused_move_is_followed_also_when_an_answer_was_noted_meanwhile(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, declined="restore")
    other = await visit(person, {"id": booking.page_id}, booking.start_at + HOUR, email="other@example.com")
    await world.work()
    await move(world, person, event_id, other.start_at)
    await synced(world, person)
    declined = {"attendees": [{"email": "vera@example.com", "responseStatus": "declined"}]}
    await world.sandbox.patch_google_event(person.email, event_id, declined)
    await synced(world, person)
    assert (await other.cancel()).status_code == 200
    await world.work()
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == other.start_at


async def test_r45_events_moved_one_behind_the_other_are_all_followed(world: World) -> None:
    person, first, first_event = await booked(world)
    second = await visit(person, {"id": first.page_id}, first.start_at + HOUR / 2, email="second@example.com")
    await world.work()
    [second_event] = [event["id"] for event in await our_events(world, person) if event["id"] != first_event]
    await move(world, person, first_event, second.start_at)
    await synced(world, person)
    assert (await host_sees(person, first))["start_at"] == (await first.read())["start_at"]
    await move(world, person, second_event, second.start_at + HOUR / 2)
    await synced(world, person)
    now = [datetime.fromisoformat((await host_sees(person, each))["start_at"]) for each in (first, second)]
    assert now == [second.start_at, second.start_at + HOUR / 2]
    assert await ledger(person, status="open") == []


async def test_r45_a_hold_gives_way_to_an_event_that_its_host_moves(world: World) -> None:
    person, booking, event_id = await booked(world)
    later = booking.start_at + 3 * HOUR
    slot = {"start_at": later.isoformat(), "duration_minutes": 30}
    hold = (await world.api.post(f"/v1/public/scheduling-pages/{booking.page_id}/holds", json=slot)).json()
    await move(world, person, event_id, later)
    await synced(world, person)
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == later
    assert [entry["resolution"] for entry in await ledger(person)] == ["adopt"]
    late = await person.book(booking.page_id, later.isoformat(), hold_id=hold["id"], hold_token=hold["token"])
    problem(late, 409, "slot_unavailable")


async def test_r23_a_change_is_followed_when_the_provider_is_back(world: World) -> None:
    person, booking, event_id = await booked(world)
    later = booking.start_at + 3 * HOUR
    await move(world, person, event_id, later)
    await world.sandbox.add_google_fault("unavailable", times=1, account=person.email, path=f"/events/{event_id}$")
    await synced(world, person)
    assert (await host_sees(person, booking))["version"] == 1
    world.clock.offset += timedelta(minutes=5)
    assert await ask_again_for_stranded(world.services.sessions, world.clock) == 1
    await world.work()
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == later


async def test_r23_an_event_that_stands_and_cannot_be_read_ends_no_booking(world: World) -> None:
    person, booking, event_id = await booked(world)
    later = booking.start_at + 3 * HOUR
    await move(world, person, event_id, later)
    timeless = answering({"id": event_id, "status": "confirmed"})
    await fault(world, person, timeless, method="GET", path=f"/events/{event_id}$")
    await synced(world, person)
    assert [(entry["kind"]) for entry in await ledger(person)] == []
    assert (await host_sees(person, booking))["version"] == 1
    world.clock.offset += timedelta(minutes=5)
    assert await ask_again_for_stranded(world.services.sessions, world.clock) == 1
    await world.work()
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == later


async def test_r23_what_we_wrote_and_cannot_read_stays_busy(world: World) -> None:
    """No listing has told of it yet, so it is looked at; a calendar is not held up by it."""
    person = await world.connected()
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, person)
    nothing_new = answering({"kind": "calendar#events", "items": [], "nextSyncToken": "none"})
    timeless = answering({"id": event["id"], "status": "confirmed"})
    await fault(world, person, nothing_new, method="GET", path="/events$")
    await fault(world, person, timeless, method="GET", path=f"/events/{event['id']}$")
    await synced(world, person)
    assert [(row["event_id"], row["starts_at"]) for row in await world.rows(MIRRORED)] == [
        (event["id"], booking.start_at)
    ]
    state = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()
    assert [calendar["state"] for calendar in state["calendars"]] == ["idle"]


async def test_p4_an_entry_of_somebody_else_is_none(world: World) -> None:
    person, _, event_id = await booked(world)
    await policy(person, deleted="ask")
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    [entry] = await ledger(person)
    for other in (await world.person(account_id=person.account_id), await world.person()):
        assert await ledger(other) == []
        answer = await other.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
        problem(answer, 404, "not_found")


async def test_r23_policies_are_saved_and_taken_back(world: World) -> None:
    person = await world.connected()
    await policy(person, moved="ask", duplicated="adopt")
    saved = (await person.patch("/v1/calendar-settings", {"drift_policies": {"moved": None}})).json()
    at_first = {"moved": "adopt", "resized": "adopt", "deleted": "adopt", "declined": "adopt"}
    assert saved["drift_policies"] == at_first | {"duplicated": "adopt"}
    saved = (await person.patch("/v1/calendar-settings", {"drift_policies": None})).json()
    assert saved["drift_policies"] == at_first | {"duplicated": "restore"}
    problem(await person.patch("/v1/calendar-settings", {"drift_policies": {"moved": "?"}}), 422, "validation_failed")


@pytest.mark.parametrize("zone", ["Africa/Cairo", "Asia/Kolkata", "Pacific/Auckland"])
async def test_r23_a_move_is_the_same_in_every_zone(world: World, zone: str) -> None:
    person = await world.connected(zoneinfo=zone)
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, person)
    assert KEY in event["extendedProperties"]["private"]
    await move(world, person, event["id"], person.at(4, "23:30"))
    await synced(world, person)
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == person.at(4, "23:30")


async def test_r23_a_booked_event_made_a_series_by_its_host_loses_no_date(world: World) -> None:
    person, booking, event_id = await booked(world)
    await world.sandbox.patch_google_event(person.email, event_id, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]})
    for _ in range(3):
        await synced(world, person)
    assert [event["status"] for event in await world.sandbox.google_events(person.email, deleted=True)] == ["confirmed"]
    assert (await host_sees(person, booking))["status"] == "confirmed"
    assert await ledger(person) == []


async def test_r23_of_a_series_that_its_host_has_made_a_cancellation_takes_the_booked_date_alone(world: World) -> None:
    person, booking, event_id = await booked(world)
    weekly = {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"], "attendees": [{"email": "colleague@example.com"}]}
    await world.sandbox.patch_google_event(person.email, event_id, weekly)
    await synced(world, person)
    dates = "SELECT starts_at FROM mirror_events WHERE series_id = $1 ORDER BY starts_at"
    weeks = [booking.start_at + timedelta(weeks=number) for number in range(4)]
    assert [row["starts_at"] for row in await world.rows(dates, event_id)] == weeks
    assert (await booking.cancel()).status_code == 200
    for _ in range(3):
        await world.work()
        assert [row["starts_at"] for row in await world.rows(dates, event_id)] == weeks[1:]
        await synced(world, person)
    [series] = [event for event in await world.sandbox.google_events(person.email) if event["id"] == event_id]
    assert [guest["email"] for guest in series["attendees"]] == ["colleague@example.com"]
    assert (await host_sees(person, booking))["status"] == "cancelled"
    assert await ledger(person) == []


async def test_r23_a_date_that_was_dragged_within_a_series_of_its_host_is_the_one_that_a_cancellation_takes(
    world: World,
) -> None:
    person, booking, event_id = await booked(world)
    await world.sandbox.patch_google_event(person.email, event_id, {"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]})
    await synced(world, person)
    dates = "SELECT event_id, starts_at FROM mirror_events WHERE series_id = $1 ORDER BY starts_at"
    first = (await world.rows(dates, event_id))[0]
    await move(world, person, first["event_id"], booking.start_at + 4 * HOUR)
    await synced(world, person)
    assert (await booking.cancel()).status_code == 200
    await world.work()
    await synced(world, person)
    days = [booking.start_at + timedelta(days=number) for number in (1, 2)]
    assert [row["starts_at"] for row in await world.rows(dates, event_id)] == days


async def test_r23_a_series_that_its_host_has_made_is_followed_as_a_whole(world: World) -> None:
    person, booking, event_id = await booked(world)
    await world.sandbox.patch_google_event(person.email, event_id, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]})
    await synced(world, person)
    await move(world, person, event_id, booking.start_at + HOUR)
    await synced(world, person)
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == booking.start_at + HOUR
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    assert (await host_sees(person, booking))["status"] == "cancelled"
    assert sorted(entry["kind"] for entry in await ledger(person)) == ["deleted", "moved"]


async def test_r23_what_its_host_made_a_series_and_deleted_comes_back_once(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, deleted="restore")
    await world.sandbox.patch_google_event(person.email, event_id, {"recurrence": ["RRULE:FREQ=WEEKLY"]})
    await synced(world, person)
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    [event] = await our_events(world, person)
    assert (event["id"], event.get("recurrence")) == (event_id, None)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == booking.start_at


async def test_r23_what_nobody_can_follow_keeps_nothing_behind_it_waiting(world: World) -> None:
    person, booking, event_id = await booked(world)
    other = await visit(person, {"id": booking.page_id}, person.at(4, "10:00"), email="other@example.com")
    await world.work()
    second = next(event["id"] for event in await our_events(world, person) if event["id"] != event_id)
    await move(world, person, event_id, booking.start_at, minutes=0)
    await move(world, person, second, other.start_at + HOUR)
    await synced(world, person)
    assert datetime.fromisoformat((await host_sees(person, other))["start_at"]) == other.start_at + HOUR
    [entry] = await ledger(person, status="open")
    assert (entry["reason"], entry["allowed_actions"]) == ("no_length", ["restore"])


async def test_r23_one_failure_of_our_own_keeps_nothing_behind_it_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking, event_id = await booked(world)
    other = await visit(person, {"id": booking.page_id}, person.at(4, "10:00"), email="other@example.com")
    await world.work()
    second = next(event["id"] for event in await our_events(world, person) if event["id"] != event_id)
    real = DriftEffects.carry_out

    async def broken(self: DriftEffects, session: Any, case: Any, plan: Any) -> Any:
        if case.write.event_id == event_id:
            raise ZeroDivisionError
        return await real(self, session, case, plan)

    monkeypatch.setattr(DriftEffects, "carry_out", broken)
    await move(world, person, event_id, booking.start_at + HOUR)
    await move(world, person, second, other.start_at + HOUR)
    await synced(world, person)
    assert datetime.fromisoformat((await host_sees(person, other))["start_at"]) == other.start_at + HOUR
    monkeypatch.undo()
    world.clock.offset += timedelta(minutes=5)
    await ask_again_for_stranded(world.services.sessions, world.clock)
    await world.work()
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == booking.start_at + HOUR


async def test_r23_the_host_decides_about_what_they_were_shown(world: World) -> None:
    person, booking, event_id = await booked(world)
    await policy(person, moved="ask")
    await move(world, person, event_id, booking.start_at + HOUR)
    await synced(world, person)
    [entry] = await ledger(person)
    await move(world, person, event_id, booking.start_at + 6 * HOUR)
    [calendar] = await world.rows("SELECT account_id, id FROM calendars WHERE is_primary")

    async def dies(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await engine_of(world, followers=dict.fromkeys(Topic, dies)).run(calendar["account_id"], calendar["id"])
    answer = await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    assert answer.json()["status"] == "superseded"
    assert datetime.fromisoformat((await host_sees(person, booking))["start_at"]) == booking.start_at


async def test_r31_a_copy_that_was_kept_blocks_its_time_when_the_booking_is_gone(world: World) -> None:
    person, booking, _ = await booked(world)
    await policy(person, duplicated="adopt")
    [event] = await our_events(world, person)
    copied = {name: event[name] for name in ("summary", "start", "end", "extendedProperties")}
    await world.sandbox.insert_google_event(person.email, copied)
    await synced(world, person)
    assert (await booking.cancel()).status_code == 200
    for _ in range(2):
        await synced(world, person)
    assert len(await our_events(world, person)) == 1
    offered = [slot["start_at"] for slot in await person.slots(booking.page_id, person.day(3))]
    assert booking.start_at not in map(datetime.fromisoformat, offered)
