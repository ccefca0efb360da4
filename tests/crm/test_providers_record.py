"""Meetings on the record in any provider's calendar: made, edited, cancelled, and changed there (R19, R23, R24).

The one rule: a story is told once and played at every provider; Exchange is in step with the CRM only where the
deployment lifts its limits, and the last story is told where it does not.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.crm.known import FRIEND, HOUR, TEXT, Known, begins, knowing
from tests.crm.scene import VERA
from tests.support.calendar_hands import Said
from tests.support.places import LIMITED, TWO_WAY


@pytest.fixture(params=TWO_WAY)
async def known(request: pytest.FixtureRequest, settings: Settings, sandbox: Sandbox) -> AsyncIterator[Known]:
    async with knowing(request.param, settings, sandbox) as somebody:
        yield somebody


async def test_r19_a_meeting_on_the_record_is_one_event_with_one_invitation(known: Known) -> None:
    made = await known.meet(description=TEXT, location="Room 1", guests=[FRIEND])
    assert (made["invite_status"], made["invite_reason"]) == ("sent", None)
    assert made["calendar_event"] == {"status": "written", "error": None}
    event = await known.event()
    start = known.person.at(2, "10:00")
    assert (event.title, event.place, event.span) == ("Demo", "Room 1", (start, start + HOUR))
    assert (event.guests, await known.hands.text(known.person, event.id)) == (
        {VERA: "needs_action", FRIEND: "needs_action"}, TEXT,
    )  # fmt: skip
    await known.sync(times=3)
    assert sorted(await known.hands.mails(known.person)) == [(FRIEND, "invitation"), (VERA, "invitation")]
    meeting = await known.meeting()
    assert (meeting["id"], meeting["version"], meeting["source"]) == (made["id"], made["version"], "crm_record")
    assert (meeting["description"], meeting["location"]) == (TEXT, "Room 1")


async def test_r19_an_answer_that_was_lost_invites_nobody_twice(known: Known) -> None:
    await known.hands.lose_next_answer(known.person)
    await known.meet()
    await known.world.work(until=HOUR)
    await known.sync(times=2)
    assert (await known.event()).guests == {VERA: "needs_action"}
    assert await known.hands.mails(known.person) == [(VERA, "invitation")]
    assert (await known.writes()).count("insert") == 1
    meeting = await known.meeting()
    assert (meeting["invite_status"], meeting["calendar_event"]["status"]) == ("sent", "written")


async def test_r23_a_meeting_of_the_record_follows_its_event_and_nothing_is_written(known: Known) -> None:
    made = await known.meet()
    written, event = await known.writes(), await known.event()
    later = known.person.at(2, "15:00")
    await known.hands.change(known.person, event.id, start=later, title="Renamed")
    await known.sync(times=3)
    meeting = await known.meeting()
    assert (meeting["id"], begins(meeting), meeting["title"]) == (made["id"], later, "Renamed")
    assert meeting["version"] == made["version"] + 1
    await known.hands.answer(known.person, event.id, VERA, "accepted")
    await known.sync(times=2)
    assert [who["response"] for who in (await known.meeting())["contacts"]] == ["accepted"]
    assert await known.writes() == written


@pytest.mark.parametrize("days", [5, 1], ids=["to come", "past"])
async def test_r23_a_meeting_moved_while_the_sync_was_off_is_followed_although_its_time_has_passed(
    known: Known, days: int
) -> None:
    made, event = await known.meet(), await known.event()
    await known.sync()
    await known.person.patch("/v1/calendar-settings", {"calendar_sync": False})
    moved = known.person.at(days, "15:00")
    await known.hands.change(known.person, event.id, start=moved)
    await known.sync(times=2)
    known.world.clock.offset = timedelta(days=3)
    assert begins(await known.meeting()) == event.span[0], "nobody follows"
    await known.person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await known.world.work()
    meeting = await known.meeting()
    assert (meeting["id"], begins(meeting), meeting["outcome"]) == (made["id"], moved, "scheduled")


async def test_r23_a_persons_event_moved_while_the_sync_was_off_is_followed_although_its_contact_was_corrected(
    known: Known,
) -> None:
    event_id = await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[VERA])
    await known.sync()
    await known.person.patch(f"/v1/contacts/{known.contact['id']}", {"email": "vera@example.net"})
    await known.person.patch("/v1/calendar-settings", {"calendar_sync": False})
    moved = known.person.at(5, "15:00")
    await known.hands.change(known.person, event_id, start=moved)
    await known.sync(times=2)
    known.world.clock.offset = timedelta(days=3)
    await known.person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await known.world.work()
    assert begins(await known.meeting()) == moved


async def test_r23_a_meeting_of_the_record_deleted_in_the_calendar_is_cancelled_and_stays_away(known: Known) -> None:
    await known.meet()
    await known.sync()
    written = await known.writes()
    await known.hands.delete(known.person, (await known.event()).id)
    await known.sync(times=2)
    assert (await known.meeting())["outcome"] == "cancelled"
    await known.world.work(until=HOUR)
    assert (await known.hands.look(known.person), await known.writes()) == ([], written)


async def test_r23_a_meeting_of_the_record_deleted_before_any_listing_told_of_it_is_cancelled(known: Known) -> None:
    await known.meet()
    await known.hands.delete(known.person, (await known.event()).id)
    await known.sync(times=2)
    assert (await known.meeting())["outcome"] == "cancelled"


async def test_r23_a_copy_of_a_meeting_of_the_record_is_another_meeting(known: Known) -> None:
    made, event = await known.meet(), await known.event()
    copy = await known.hands.copy(known.person, event.id, start=known.person.at(4, "10:00"))
    await known.sync(times=2)
    meeting = await known.meeting()
    assert (meeting["id"], begins(meeting)) == (made["id"], event.span[0]), "the meeting is where it was"
    await known.hands.change(known.person, copy, guests=[VERA])
    await known.sync(times=2)
    first, second = await known.meetings()
    assert (first["id"], begins(first), first["source"]) == (made["id"], event.span[0], "crm_record")
    assert (begins(second), second["source"]) == (known.person.at(4, "10:00"), "calendar_sync")
    await known.edit(first, title="The first")
    assert {seen.id: seen.title for seen in await known.hands.look(known.person)} == {
        event.id: "The first",
        copy: "Demo",
    }
    await known.hands.delete(known.person, copy)
    await known.sync(times=2)
    assert [meeting["outcome"] for meeting in await known.meetings()] == ["scheduled", "cancelled"]


async def test_r23_a_copy_of_a_meeting_long_past_is_another_meeting(known: Known) -> None:
    made, event = await known.meet(), await known.event()
    await known.sync(times=2)
    known.world.clock.offset = timedelta(days=42)
    await known.sync(times=2)
    await known.hands.copy(known.person, event.id, start=known.person.at(50, "10:00"))
    await known.sync(times=2)
    first, *_ = await known.meetings()
    assert (first["id"], begins(first)) == (made["id"], event.span[0]), "the meeting is where it was"


async def test_r23_a_meeting_of_the_record_made_private_stays_the_crms(known: Known) -> None:
    made = await known.meet()
    await known.hands.change(known.person, (await known.event()).id, private=True)
    await known.sync(times=2)
    assert (await known.meeting())["id"] == made["id"]


async def test_r19_edits_of_the_record_reach_the_event_and_a_cancellation_removes_it(known: Known) -> None:
    made, later = await known.meet(description="Plans"), known.person.at(3, "09:00")
    edited = await known.edit(made, start_at=later.isoformat(), title="Demo 2", description="More plans", location="R2")
    event = await known.event()
    assert (event.title, event.place, event.span) == ("Demo 2", "R2", (later, later + HOUR))
    assert await known.hands.text(known.person, event.id) == "More plans"
    assert event.guests.keys() == {VERA}
    await known.sync(times=3)
    assert begins(await known.meeting()) == later
    assert (await known.meeting())["version"] == edited["version"], "no echo"
    assert (await known.writes()).count("update") <= 2, "the invitation, and the edit"
    cancelled = await known.person.post(f"/v1/engagements/{made['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["outcome"]) == (200, "cancelled"), cancelled.text
    await known.sync(times=2)
    assert await known.hands.look(known.person) == []
    assert (await known.hands.mails(known.person))[-1] == (VERA, "cancellation")
    assert (await known.meeting())["outcome"] == "cancelled"


async def test_r23_a_guest_taken_off_in_the_calendar_is_not_invited_again_by_an_edit(known: Known) -> None:
    made, event = await known.meet(guests=[FRIEND]), await known.event()
    await known.hands.change(known.person, event.id, guests=[VERA])
    await known.sync(times=2)
    mails = await known.hands.mails(known.person)
    await known.edit(made, title="Renamed")
    event = await known.event()
    assert (event.title, event.guests.keys()) == ("Renamed", {VERA})
    after = await known.hands.mails(known.person)
    assert (FRIEND, "invitation") not in after[len(mails) :]
    [kept] = await known.world.rows("SELECT draft::text FROM calendar_writes")
    assert FRIEND not in kept["draft"], "nor should it have to be made anew"
    await known.hands.change(known.person, event.id, guests=[])
    await known.sync(times=2)
    await known.edit(made, title="Alone")
    assert ((await known.event()).title, (await known.event()).guests) == ("Alone", {})


async def test_r23_an_edit_of_the_record_over_one_of_the_calendar_is_written_and_both_are_one(known: Known) -> None:
    made, later = await known.meet(guests=[FRIEND]), known.person.at(2, "15:00")
    event = await known.event()
    await known.hands.change(known.person, event.id, start=later, place="Room 9", guests=[VERA])
    mails = await known.hands.mails(known.person)
    await known.edit(made, title="Mine")
    await known.sync(times=3)
    seen, meeting = await known.event(), await known.meeting()
    assert (seen.id, seen.title, seen.span) == (event.id, "Mine", (later, later + HOUR)), "a move is nobody's to undo"
    assert (seen.place, seen.guests.keys()) == ("Room 9", {VERA})
    assert (begins(meeting), meeting["title"], meeting["location"]) == (later, "Mine", "Room 9")
    assert (FRIEND, "invitation") not in (await known.hands.mails(known.person))[len(mails) :]
    await known.edit(meeting, start_at=event.span[0].isoformat())
    assert (await known.event()).span == event.span, "but whoever asks for a time has it"


async def test_r23_a_persons_event_moved_before_we_have_read_it_stays_where_it_was_moved(known: Known) -> None:
    later = known.person.at(2, "15:00")
    event_id = await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[VERA], text=TEXT)
    await known.sync()
    meeting = await known.meeting()
    await known.hands.change(known.person, event_id, start=later, title="Renamed", text="New text")
    await known.edit(meeting, location="Room 1")
    await known.hands.change(known.person, event_id, start=later + HOUR)
    await known.edit(meeting, location="Room 2")
    await known.sync(times=2)
    event = await known.event()
    assert (event.title, event.place, event.span[0]) == ("Renamed", "Room 2", later + HOUR)
    assert await known.hands.text(known.person, event_id) == "New text"
    meeting = await known.meeting()
    assert (begins(meeting), meeting["title"], meeting["location"]) == (later + HOUR, "Renamed", "Room 2")
    assert (meeting["description"], meeting["outcome"]) == ("New text", "scheduled")
    await known.edit(meeting, description="Ours")
    assert await known.hands.text(known.person, event_id) == "Ours"
    assert await known.writes() == ["update"] * 3


async def test_r20_an_event_made_private_before_an_edit_is_the_crms_no_more(known: Known) -> None:
    event_id = await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[VERA])
    await known.sync()
    await known.hands.change(known.person, event_id, title="Surgery", private=True)
    await known.edit(await known.meeting(), location="Room 1")
    await known.sync()
    assert await known.meetings() == []
    assert ((await known.event()).title, (await known.event()).place) == ("Surgery", "Room 1")


async def test_r23_a_persons_event_edited_on_the_record_keeps_its_text_and_guests(known: Known) -> None:
    start, later = known.person.at(2, "10:00"), known.person.at(2, "14:00")
    event_id = await known.hands.put(known.person, start=start, guests=[VERA, FRIEND], text=TEXT, place="Room 1")
    await known.sync()
    await known.hands.answer(known.person, event_id, FRIEND, "accepted")
    await known.edit(await known.meeting(), title="Moved")
    event = await known.event()
    assert (event.id, event.title, event.place) == (event_id, "Moved", "Room 1")
    assert event.guests == {VERA: "needs_action", FRIEND: "accepted"}, "who has answered is not asked again"
    assert await known.hands.text(known.person, event_id) == TEXT
    await known.edit(await known.meeting(), start_at=later.isoformat())
    await known.sync(times=3)
    event = await known.event()
    assert (event.id, event.span, event.guests.keys()) == (event_id, (later, later + HOUR), {VERA, FRIEND})
    assert await known.hands.text(known.person, event_id) == TEXT
    assert await known.writes() == ["update", "update"]
    meeting = await known.meeting()
    assert (meeting["source"], meeting["description"], begins(meeting)) == ("calendar_sync", TEXT, later)


@pytest.mark.parametrize("said", [{"private": True}, {"guests": [FRIEND]}], ids=["private", "without the contact"])
async def test_r20_a_persons_event_edited_on_the_record_leaves_it_as_any_other(known: Known, said: Said) -> None:
    event_id = await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[VERA], title="Lunch")
    await known.sync()
    await known.edit(await known.meeting(), location="Room 1")
    await known.sync()
    await known.hands.change(known.person, event_id, title="Surgery", **said)
    await known.sync(times=2)
    assert await known.meetings() == []
    for table in ("engagements", "feed_events", "calendar_writes"):
        rows = await known.world.rows(f"SELECT to_jsonb(kept)::text AS row FROM {table} AS kept")  # noqa: S608 - ours
        assert "Surgery" not in str(rows), table
    assert await known.world.rows("SELECT id FROM calendar_writes") == []
    assert (await known.event()).title == "Surgery"


async def test_r23_a_persons_event_cancelled_on_the_record_goes_and_its_guests_are_told(known: Known) -> None:
    await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[VERA])
    await known.sync()
    cancelled = await known.person.post(f"/v1/engagements/{(await known.meeting())['id']}/cancel")
    assert cancelled.status_code == 200, cancelled.text
    await known.sync(times=2)
    assert await known.hands.look(known.person) == []
    assert (await known.hands.mails(known.person))[-1] == (VERA, "cancellation")
    assert await known.writes() == ["delete"]


async def test_r23_a_persons_event_that_was_deleted_is_not_brought_back_by_an_edit(known: Known) -> None:
    event_id = await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[VERA])
    await known.sync()
    await known.hands.delete(known.person, event_id)
    await known.edit(await known.meeting(), title="Too late")
    await known.world.work(until=HOUR)
    assert await known.hands.look(known.person) == []
    await known.sync()
    assert (await known.meeting())["outcome"] == "cancelled"


async def test_r23_one_date_of_a_persons_series_edited_on_the_record_moves_alone(known: Known) -> None:
    start = known.person.at(2, "10:00")
    await known.hands.put(known.person, start=start, guests=[VERA], days=3, text=TEXT)
    await known.sync()
    before = await known.meetings()
    await known.edit(before[1], start_at=(begins(before[1]) + 2 * HOUR).isoformat())
    await known.sync(times=3)
    after = await known.meetings()
    assert [meeting["id"] for meeting in after] == [meeting["id"] for meeting in before]
    assert [begins(meeting) - begins(former) for meeting, former in zip(after, before, strict=True)] == [
        timedelta(), 2 * HOUR, timedelta(),
    ]  # fmt: skip
    assert await known.writes() == ["update"]


@pytest.mark.parametrize("known", [LIMITED], indirect=True)
async def test_r24_where_the_limits_stand_a_meeting_of_the_record_says_why_it_is_no_event(known: Known) -> None:
    made = await known.meet()
    assert (made["invite_status"], made["invite_reason"]) == ("not_sent", "provider_unsupported")
    assert made["calendar_event"]["status"] == "not_applicable"
    await known.world.work(until=HOUR)
    assert (await known.hands.look(known.person), await known.writes()) == ([], [])
    assert await known.hands.mails(known.person) == []
