"""What people do to booked events in any provider's calendar, and what becomes of the booking (R23, R24).

The one rule: a story is told once and played at every provider; Exchange is in step with bookings only where the
deployment lifts its limits, and the last stories are told where it does not.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.calendar_hands import CalendarHands, Seen
from tests.support.people import Person
from tests.support.places import LIMITED, TWO_WAY, connected_at
from tests.support.visitors import Visit, visit
from tests.support.whole_days import make_all_day
from tests.support.world import World, problem

HOUR = timedelta(hours=1)
VERA = "vera@example.com"


@dataclass(slots=True)
class Booked:
    """A booking whose event stands in its host's calendar."""

    world: World
    hands: CalendarHands
    host: Person
    booking: Visit
    event_id: str
    writes: list[str]
    """What we had done to the calendar by then."""

    async def sync(self, times: int = 1) -> None:
        """The calendar is read, and all that follows from it is done; so many times."""
        for _ in range(times):
            answer = await self.host.post(f"/v1/connections/{self.host.connection_id}/sync")
            assert answer.status_code == 202, answer.text
            await self.world.work()

    async def as_host(self) -> dict[str, Any]:
        body: dict[str, Any] = (await self.host.get(f"/v1/bookings/{self.booking.id}")).json()
        return body

    async def span(self) -> tuple[datetime, datetime]:
        """When the booking is, as its visitor reads it."""
        seen = await self.booking.read()
        return datetime.fromisoformat(seen["start_at"]), datetime.fromisoformat(seen["end_at"])

    async def meeting(self) -> dict[str, Any]:
        """The booking on the visitor's timeline, where it is once."""
        [contact] = (await self.host.get("/v1/contacts", email=VERA)).json()["items"]
        [meeting] = (await self.host.get(f"/v1/contacts/{contact['id']}/engagements")).json()["items"]
        found: dict[str, Any] = meeting
        return found

    async def ledger(self, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.host.get("/v1/drift-entries", **query)).json()["items"]
        return items

    async def mails(self, to: str) -> int:
        """How many mails of ours an address got since the booking."""
        return len(await self.world.sandbox.mails(to=to))

    async def told(self) -> list[tuple[datetime, int]]:
        """When the visitor was told that the meeting is, and the SEQUENCE of that invitation: all of one event."""
        mails = await self.world.sandbox.mails(to=VERA)
        events = [Calendar.from_ical(mail["calendar"]["content"]).walk("VEVENT")[0] for mail in mails]
        assert len({str(event["UID"]) for event in events}) <= 1
        return [(event.decoded("DTSTART"), event["SEQUENCE"]) for event in events]

    async def event(self) -> Seen:
        [event] = await self.hands.look(self.host)
        return event

    async def writes_since(self) -> list[str]:
        return (await self.hands.our_writes(self.host))[len(self.writes) :]


@pytest.fixture(params=TWO_WAY)
async def booked(request: pytest.FixtureRequest, settings: Settings, sandbox: Sandbox) -> AsyncIterator[Booked]:
    async with connected_at(request.param, settings, sandbox) as (world, hands, host):
        booking = await visit(host, await host.make_page(increment_minutes=15), host.at(3, "10:00"))
        await world.work()
        [event] = await hands.look(host)
        writes = await hands.our_writes(host)
        assert writes == ["insert"]
        await world.sandbox.delete_mails()
        yield Booked(world, hands, host, booking, event.id, writes)


async def test_r23_a_moved_event_moves_the_booking_and_the_timeline_and_tells_the_visitor(booked: Booked) -> None:
    later = booked.booking.start_at + 3 * HOUR
    await booked.hands.change(booked.host, booked.event_id, start=later, minutes=30)
    await booked.sync()
    assert await booked.span() == (later, later + HOUR / 2)
    assert (await booked.as_host())["status"] == "confirmed"
    meeting = await booked.meeting()
    assert (datetime.fromisoformat(meeting["start_at"]), meeting["outcome"]) == (later, "scheduled")
    [entry] = await booked.ledger()
    assert (entry["kind"], entry["status"], entry["resolution"], entry["resolved_by"]) == (
        "moved", "resolved", "adopt", "policy",
    )  # fmt: skip
    assert datetime.fromisoformat(entry["booked_start_at"]) == booked.booking.start_at
    assert datetime.fromisoformat(entry["observed_start_at"]) == later
    assert (await booked.mails(VERA), await booked.mails(booked.host.email)) == (1, 0)
    assert await booked.writes_since() == [], "what stands there is not written again"


async def test_r23_nothing_is_done_twice_and_nothing_loops(booked: Booked) -> None:
    await booked.hands.change(booked.host, booked.event_id, start=booked.booking.start_at + 3 * HOUR, minutes=30)
    await booked.sync(times=3)
    assert len(await booked.ledger()) == 1
    assert (await booked.as_host())["version"] == 2
    assert await booked.mails(VERA) == 1
    assert await booked.writes_since() == []


async def test_r23_what_we_do_ourselves_is_no_news(booked: Booked) -> None:
    recorded = (await booked.meeting())["version"]  # twice, where its invitation was pending at first
    await booked.sync(times=2)
    assert ((await booked.as_host())["version"], (await booked.meeting())["version"]) == (1, recorded)
    assert (await booked.booking.reschedule(booked.booking.start_at + HOUR)).status_code == 200
    await booked.sync(times=3)
    assert ((await booked.as_host())["version"], (await booked.meeting())["version"]) == (2, recorded + 1)
    assert await booked.ledger() == []
    assert await booked.writes_since() == ["update"]


async def test_r23_the_time_of_a_moved_booking_is_free_again_and_the_new_one_taken(booked: Booked) -> None:
    later = booked.booking.start_at + 3 * HOUR
    await booked.hands.change(booked.host, booked.event_id, start=later, minutes=30)
    await booked.sync()
    slots = await booked.host.slots(booked.booking.page_id, booked.host.day(3))
    offered = {datetime.fromisoformat(slot["start_at"]) for slot in slots}
    assert booked.booking.start_at in offered
    assert later not in offered
    moved = await booked.booking.reschedule(later + timedelta(minutes=15))
    assert moved.status_code == 200, "its own event is no obstacle"
    await booked.world.work()
    assert (await booked.event()).span[0] == later + timedelta(minutes=15), "a write over what a person has moved"


async def test_r23_a_longer_event_makes_a_longer_booking(booked: Booked) -> None:
    start = booked.booking.start_at
    await booked.hands.change(booked.host, booked.event_id, start=start, minutes=50)
    await booked.sync()
    assert await booked.span() == (start, start + timedelta(minutes=50))
    assert datetime.fromisoformat((await booked.meeting())["end_at"]) == start + timedelta(minutes=50)
    [entry] = await booked.ledger()
    assert entry["kind"] == "resized"
    assert await booked.mails(VERA) == 1
    assert await booked.writes_since() == []


async def test_r23_another_title_is_the_hosts_own_affair(booked: Booked) -> None:
    await booked.hands.change(booked.host, booked.event_id, title="My words")
    await booked.sync(times=2)
    assert await booked.ledger() == []
    assert (await booked.as_host())["version"] == 1
    assert await booked.mails(VERA) == 0
    assert ((await booked.event()).title, await booked.writes_since()) == ("My words", [])


async def test_r23_a_deleted_event_cancels_the_booking(booked: Booked) -> None:
    await booked.sync()
    await booked.hands.delete(booked.host, booked.event_id)
    await booked.sync(times=2)
    seen = await booked.as_host()
    assert (seen["status"], seen["cancelled_by"]) == ("cancelled", "host")
    assert (await booked.meeting())["outcome"] == "cancelled"
    [entry] = await booked.ledger()
    assert (entry["kind"], entry["resolution"], entry["observed_start_at"]) == ("deleted", "adopt", None)
    assert (await booked.mails(VERA), await booked.mails(booked.host.email)) == (1, 0)
    await booked.world.work(until=HOUR)
    assert await booked.hands.look(booked.host) == []
    assert "insert" not in await booked.writes_since(), "it is not brought back"
    slots = await booked.host.slots(booked.booking.page_id, booked.host.day(3))
    assert booked.booking.start_at in {datetime.fromisoformat(slot["start_at"]) for slot in slots}


async def test_r23_an_event_deleted_before_any_listing_told_of_it_cancels_the_booking_too(booked: Booked) -> None:
    """Exchange tells nothing of what came and went between two listings."""
    await booked.hands.delete(booked.host, booked.event_id)
    await booked.sync(times=2)
    assert (await booked.as_host())["status"] == "cancelled"
    [entry] = await booked.ledger()
    assert entry["kind"] == "deleted"


async def test_r23_a_visitor_who_declines_ends_the_booking_and_the_host_is_told(booked: Booked) -> None:
    await booked.hands.answer(booked.host, booked.event_id, VERA, "declined")
    await booked.sync(times=2)
    seen = await booked.as_host()
    assert (seen["status"], seen["cancelled_by"]) == ("cancelled", "visitor")
    assert (await booked.meeting())["outcome"] == "cancelled"
    [entry] = await booked.ledger()
    assert (entry["kind"], entry["resolution"]) == ("declined", "adopt")
    assert await booked.mails(booked.host.email) == 1
    assert await booked.hands.look(booked.host) == []
    assert await booked.writes_since() == ["delete"]


async def test_r23_a_visitor_who_accepts_changes_nothing_but_the_answer(booked: Booked) -> None:
    await booked.hands.answer(booked.host, booked.event_id, VERA, "accepted")
    await booked.sync(times=2)
    assert (await booked.as_host())["version"] == 1
    assert await booked.ledger() == []
    assert [contact["response"] for contact in (await booked.meeting())["contacts"]] == ["accepted"]
    assert (await booked.mails(VERA), await booked.mails(booked.host.email)) == (0, 0)
    assert await booked.writes_since() == []


async def test_r23_a_copy_of_our_event_is_taken_away_where_it_can_be_told(booked: Booked) -> None:
    """At Office 365 it cannot: a delta names an event's transaction, which a copy has not, and never its properties.
    The copy is an event of the host's like any other: it blocks its time, and the booking stays with its own.
    """
    later = booked.booking.start_at + 3 * HOUR
    await booked.hands.copy(booked.host, booked.event_id, start=later)
    await booked.sync(times=2)
    assert (await booked.as_host())["version"] == 1
    assert (await booked.span())[0] == booked.booking.start_at
    left = {event.id: event.span[0] for event in await booked.hands.look(booked.host)}
    assert left[booked.event_id] == booked.booking.start_at
    if booked.hands.provider == "office365":
        assert sorted(left.values()) == [booked.booking.start_at, later]
        assert (await booked.ledger(), await booked.writes_since()) == ([], [])
        slots = await booked.host.slots(booked.booking.page_id, booked.host.day(3))
        assert later not in {datetime.fromisoformat(slot["start_at"]) for slot in slots}
    else:
        assert left.keys() == {booked.event_id}
        [entry] = await booked.ledger()
        assert (entry["kind"], entry["resolution"]) == ("duplicated", "restore")
        assert await booked.writes_since() == ["delete", "update"], "and the event itself is as booked, once"


async def test_r23_a_copy_that_outlives_the_booking_is_taken_away_as_well(booked: Booked) -> None:
    """As is whatever a restored mailbox brings back under an id of its own."""
    await booked.hands.copy(booked.host, booked.event_id, start=booked.booking.start_at + 3 * HOUR)
    assert (await booked.booking.cancel()).status_code == 200
    await booked.world.work()
    await booked.sync(times=2)
    if booked.hands.provider == "office365":
        assert len(await booked.hands.look(booked.host)) == 1, "an event of the host's like any other"
        return
    assert await booked.hands.look(booked.host) == []
    [entry] = await booked.ledger()
    assert (entry["kind"], entry["resolution"], entry["allowed_actions"]) == ("duplicated", "restore", [])
    assert await booked.writes_since() == ["delete", "delete"]


@pytest.mark.parametrize("decision", ["restore", "adopt"])
async def test_r23_an_event_dragged_to_another_calendar_is_not_deleted_and_the_host_decides(
    booked: Booked, decision: str
) -> None:
    await booked.hands.drag(booked.host, booked.event_id)
    await booked.sync(times=2)
    assert ((await booked.as_host())["status"], await booked.mails(VERA)) == ("confirmed", 0)
    slots = await booked.host.slots(booked.booking.page_id, booked.host.day(3))
    assert booked.booking.start_at not in {datetime.fromisoformat(slot["start_at"]) for slot in slots}
    [entry] = await booked.ledger()
    assert (entry["kind"], entry["status"], entry["reason"]) == ("deleted", "open", "other_calendar")
    booked.world.clock.offset += timedelta(minutes=1)
    resolved = await booked.host.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": decision})
    assert resolved.status_code == 200, resolved.text
    await booked.sync()
    if decision == "restore":
        assert (await booked.event()).span == await booked.span(), "it stands where it was written"
    else:
        assert (await booked.as_host())["status"] == "cancelled"


async def test_r23_what_becomes_of_the_copy_is_not_the_bookings_affair(booked: Booked) -> None:
    later = booked.booking.start_at + 3 * HOUR
    answer = await booked.host.patch("/v1/calendar-settings", {"drift_policies": {"duplicated": "adopt"}})
    assert answer.status_code == 200, answer.text
    copy = await booked.hands.copy(booked.host, booked.event_id, start=later)
    await booked.sync()
    await booked.hands.change(booked.host, copy, start=later + HOUR, minutes=30)
    await booked.sync()
    await booked.hands.delete(booked.host, copy)
    await booked.sync(times=2)
    assert ((await booked.as_host())["version"], (await booked.as_host())["status"]) == (1, "confirmed")
    assert (await booked.event()).span[0] == booked.booking.start_at
    assert await booked.writes_since() == []


async def test_r23_with_the_policy_restore_a_moved_event_is_put_back_once(booked: Booked) -> None:
    policies = {"moved": "restore", "resized": "restore"}
    answer = await booked.host.patch("/v1/calendar-settings", {"drift_policies": policies})
    assert answer.status_code == 200, answer.text
    await booked.hands.change(booked.host, booked.event_id, start=booked.booking.start_at + 3 * HOUR, minutes=45)
    await booked.sync(times=3)
    assert (await booked.event()).span == await booked.span()
    assert (await booked.event()).id == booked.event_id
    assert (await booked.as_host())["version"] == 1
    [entry] = await booked.ledger()
    assert (entry["kind"], entry["resolution"]) == ("moved", "restore")
    assert await booked.writes_since() == ["update"]


async def test_r23_r49_who_may_have_heard_of_a_change_that_is_undone_is_told_once(booked: Booked) -> None:
    policies = {"moved": "ask", "deleted": "restore"}
    answer = await booked.host.patch("/v1/calendar-settings", {"drift_policies": policies})
    assert answer.status_code == 200, answer.text
    await booked.hands.change(booked.host, booked.event_id, start=booked.booking.start_at + 3 * HOUR)
    await booked.sync()
    assert await booked.told() == [], "the host has not decided"
    [entry] = await booked.ledger()
    await booked.host.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "restore"})
    await booked.sync(times=2)
    await booked.hands.delete(booked.host, (await booked.event()).id)
    await booked.sync(times=2)
    connection = (await booked.host.get(f"/v1/connections/{booked.host.connection_id}")).json()
    start, office = booked.booking.start_at, connection["provider"] == "office365"
    assert await booked.told() == ([] if office else [(start, 1), (start, 2)]), (
        "there the event itself tells its guests"
    )
    assert await booked.mails(booked.host.email) == 0


async def test_r23_with_the_policy_restore_a_deleted_event_comes_back_once(booked: Booked) -> None:
    answer = await booked.host.patch("/v1/calendar-settings", {"drift_policies": {"deleted": "restore"}})
    assert answer.status_code == 200, answer.text
    for entries in (1, 2):
        await booked.sync()
        await booked.hands.delete(booked.host, (await booked.event()).id)
        await booked.sync(times=3)
        event = await booked.event()
        assert (event.span, event.guests.keys()) == (await booked.span(), {VERA})
        assert (await booked.as_host())["status"] == "confirmed"
        assert [entry["resolution"] for entry in await booked.ledger()] == ["restore"] * entries


async def test_r23_the_host_is_asked_and_decides(booked: Booked) -> None:
    answer = await booked.host.patch("/v1/calendar-settings", {"drift_policies": {"moved": "ask"}})
    assert answer.status_code == 200, answer.text
    later = booked.booking.start_at + 3 * HOUR
    await booked.hands.change(booked.host, booked.event_id, start=later, minutes=30)
    await booked.sync(times=3)
    assert (await booked.as_host())["version"] == 1, "nothing happens before the host has decided"
    [entry] = await booked.ledger(status="open")
    resolved = await booked.host.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "restore"})
    assert (resolved.status_code, resolved.json()["resolved_by"]) == (200, "host"), resolved.text
    await booked.sync(times=2)
    assert (await booked.event()).span[0] == booked.booking.start_at
    assert await booked.writes_since() == ["update"]
    assert len(await booked.ledger()) == 1


async def test_r23_an_event_made_all_day_is_asked_about_and_put_back(booked: Booked) -> None:
    await make_all_day(booked.hands, booked.host, booked.event_id, booked.host.day(3))
    await booked.sync()
    [entry] = await booked.ledger()
    assert (entry["status"], entry["reason"], entry["observed_start_at"]) == ("open", "all_day", None)
    assert entry["allowed_actions"] == ["restore"]
    resolve = f"/v1/drift-entries/{entry['id']}/resolve"
    problem(await booked.host.post(resolve, {"resolution": "adopt"}), 422, "outside_booking_window")
    answer = await booked.host.post(resolve, {"resolution": "restore"})
    assert answer.status_code == 200, answer.text
    await booked.sync(times=2)
    assert (await booked.event()).span == await booked.span(), "an hour again, and no day"
    assert (await booked.event()).id == booked.event_id
    assert await booked.writes_since() == ["update"]
    slots = await booked.host.slots(booked.booking.page_id, booked.host.day(3))
    assert slots, "the rest of the day is free again"


async def test_r23_a_booking_whose_event_was_made_all_day_is_moved_by_its_visitor(booked: Booked) -> None:
    await make_all_day(booked.hands, booked.host, booked.event_id, booked.host.day(3))
    await booked.sync()
    later = booked.booking.start_at + timedelta(days=1)
    assert (await booked.booking.reschedule(later)).status_code == 200
    await booked.sync(times=2)
    assert (await booked.event()).span == (later, later + HOUR / 2)
    assert await booked.ledger(status="open") == []
    assert await booked.host.slots(booked.booking.page_id, booked.host.day(3))


async def test_r23_a_whole_day_that_was_deleted_comes_back_at_its_hour(booked: Booked) -> None:
    answer = await booked.host.patch("/v1/calendar-settings", {"drift_policies": {"deleted": "restore"}})
    assert answer.status_code == 200, answer.text
    await make_all_day(booked.hands, booked.host, booked.event_id, booked.host.day(3))
    await booked.sync()
    await booked.hands.delete(booked.host, booked.event_id)
    await booked.sync(times=2)
    assert (await booked.event()).span == await booked.span()


@pytest.mark.parametrize("booked", [LIMITED], indirect=True)
async def test_r24_where_the_limits_stand_nothing_the_host_does_reaches_the_booking(booked: Booked) -> None:
    later = booked.booking.start_at + 3 * HOUR
    await booked.hands.change(booked.host, booked.event_id, start=later, minutes=45)
    await booked.sync(times=2)
    assert (await booked.span())[0] == booked.booking.start_at
    await booked.hands.answer(booked.host, booked.event_id, VERA, "declined")
    await booked.sync(times=2)
    await booked.hands.delete(booked.host, booked.event_id)
    await booked.sync(times=2)
    seen = await booked.as_host()
    assert (seen["status"], seen["version"]) == ("confirmed", 1)
    assert await booked.ledger() == []
    assert (await booked.mails(VERA), await booked.mails(booked.host.email)) == (0, 0)
    assert await booked.writes_since() == []
    meeting = await booked.meeting()
    assert (datetime.fromisoformat(meeting["start_at"]), meeting["outcome"]) == (booked.booking.start_at, "scheduled")


@pytest.mark.parametrize("booked", [LIMITED], indirect=True)
async def test_r24_where_the_limits_stand_nobody_moves_or_ends_the_booking_here(booked: Booked) -> None:
    later = booked.booking.start_at + 3 * HOUR
    path = f"/v1/bookings/{booked.booking.id}"
    for deed, by_visitor, by_host in (
        ("event_reschedule", await booked.booking.reschedule(later),
         await booked.host.post(f"{path}/reschedule", {"start_at": later.isoformat()})),
        ("event_cancel", await booked.booking.cancel(), await booked.host.post(f"{path}/cancel", {})),
    ):  # fmt: skip
        to_visitor = problem(by_visitor, 409, "capability_not_supported")
        to_host = problem(by_host, 409, "capability_not_supported")
        assert (to_visitor["capability"], to_host["capability"], to_host["provider"]) == (deed, deed, "exchange")
        assert to_host["detail"].endswith("Do it in the calendar itself.")
        assert "exchange" not in by_visitor.text.lower(), "whose calendar it is, is nobody's business (R34)"
    seen = await booked.as_host()
    assert (seen["status"], seen["version"], seen["allowed_actions"]) == ("confirmed", 1, [])
    assert await booked.writes_since() == []


@pytest.mark.parametrize("booked", [LIMITED], indirect=True)
async def test_r24_where_the_limits_stand_a_moved_event_still_blocks_the_time_it_moved_to(booked: Booked) -> None:
    later = booked.booking.start_at + 3 * HOUR
    await booked.hands.change(booked.host, booked.event_id, start=later, minutes=30)
    await booked.sync()
    slots = await booked.host.slots(booked.booking.page_id, booked.host.day(3))
    offered = {datetime.fromisoformat(slot["start_at"]) for slot in slots}
    assert not {later, booked.booking.start_at} & offered
