"""Meetings made on a contact's record: events with invitations, or not, and why (R19, R21, R24)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.stranded import ask_again_for_stranded
from app.sync.following import Follower
from tests.crm.scene import VERA, invite, make_contact, span, synced, timeline
from tests.support.hands import ALL
from tests.support.people import Person
from tests.support.world import World, problem

HOUR = timedelta(hours=1)


def wish(person: Person, **changes: Any) -> dict[str, Any]:
    start = person.at(2, "10:00")
    return {
        "title": "Demo",
        "start_at": start.isoformat(),
        "end_at": (start + HOUR).isoformat(),
        "time_zone": person.time_zone,
    } | changes


async def meet(person: Person, contact: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await person.post(f"/v1/contacts/{contact['id']}/meetings", wish(person, **changes))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/v1/engagements/{body['id']}"
    return body


async def the_event(world: World, person: Person) -> dict[str, Any]:
    [event] = await world.sandbox.google_events(person.email)
    return event


async def test_r19_with_the_sync_on_the_contact_gets_the_providers_invitation(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person, name="Vera")
    made = await meet(person, contact, description="All of it", location="Room 1", guests=["boss@example.com"])
    assert (made["source"], made["invite_status"], made["invite_reason"]) == ("crm_record", "sent", None)
    assert made["calendar_event"] == {"status": "written", "error": None}
    event = await the_event(world, person)
    assert (event["summary"], event["location"], event["description"]) == ("Demo", "Room 1", "All of it")
    assert {guest["email"] for guest in event["attendees"]} == {VERA, "boss@example.com"}
    mails = await world.sandbox.google_outbox(event_id=event["id"])
    assert {(mail["to"], mail["kind"]) for mail in mails} == {(VERA, "invitation"), ("boss@example.com", "invitation")}
    [meeting] = await timeline(person, contact)
    assert meeting["id"] == made["id"]


async def test_r19_with_the_sync_off_it_is_recorded_and_says_why(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    made = await meet(person, contact)
    assert (made["invite_status"], made["invite_reason"]) == ("not_sent", "calendar_sync_off")
    assert made["calendar_event"]["status"] == "not_applicable"
    await world.work()
    assert await world.sandbox.google_events(person.email) == []
    assert len(await timeline(person, contact)) == 1
    path = f"/v1/engagements/{made['id']}"
    assert (await person.patch(path, {"title": "Another title"})).status_code == 200, (
        "there is no event to keep up with"
    )
    assert (await person.post(f"{path}/cancel")).json()["outcome"] == "cancelled"
    await world.work()
    assert await world.sandbox.google_events(person.email) == []


async def test_r19_without_a_connection_it_is_recorded_and_says_why(world: World) -> None:
    person = await world.person()
    made = await meet(person, await make_contact(person))
    assert (made["invite_status"], made["invite_reason"]) == ("not_sent", "no_connection")


async def test_r21_what_an_integration_logs_is_not_synced(world: World) -> None:
    person = await world.connected()
    made = await meet(person, await make_contact(person), source="integration")
    assert (made["source"], made["invite_status"], made["invite_reason"]) == (
        "integration", "not_sent", "integration_source",
    )  # fmt: skip
    await world.work()
    assert await world.sandbox.google_events(person.email) == []


async def test_r24_at_exchange_it_is_recorded_and_says_why(world: World) -> None:
    person = await world.person()
    hands = ALL["exchange"](world.sandbox)
    await hands.account(person)
    await hands.connect(person)
    await world.work()
    made = await meet(person, await make_contact(person))
    assert (made["invite_status"], made["invite_reason"]) == ("not_sent", "provider_unsupported")


async def test_r19_a_meeting_that_is_over_invites_nobody(world: World) -> None:
    person = await world.connected()
    past = {"start_at": person.at(-2, "10:00").isoformat(), "end_at": person.at(-2, "11:00").isoformat()}
    made = await meet(person, await make_contact(person), **past)
    assert (made["invite_status"], made["invite_reason"]) == ("not_sent", "already_over")


async def test_r19_to_a_meeting_that_is_under_way_one_can_still_be_invited(world: World) -> None:
    person = await world.connected()
    now = world.clock()
    span = {"start_at": (now - HOUR / 2).isoformat(), "end_at": (now + HOUR / 2).isoformat()}
    made = await meet(person, await make_contact(person), **span)
    assert (made["invite_status"], made["invite_reason"]) == ("sent", None)


async def test_r19_while_the_provider_is_down_it_is_pending_and_then_sent_once(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.sandbox.add_google_fault("unavailable", times=2, account=person.email, method="POST", path="/events$")
    made = await meet(person, contact)
    assert (made["invite_status"], made["invite_reason"]) == ("pending", "ambiguous_outcome")
    assert made["calendar_event"] == {"status": "pending", "error": "ambiguous_outcome"}
    await world.work(until=HOUR)
    [meeting] = await timeline(person, contact)
    assert (meeting["invite_status"], meeting["calendar_event"]["status"]) == ("sent", "written")
    ledger = await world.sandbox.google_ledger(account=person.email, actor="api", operation="insert")
    assert len(ledger) == 1


async def test_r19_while_the_connection_is_broken_it_is_pending_and_says_why(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.sandbox.revoke_google(person.email)
    await synced(world, person)
    made = await meet(person, contact)
    for meeting in (made, *await timeline(person, contact)):
        assert (meeting["invite_status"], meeting["invite_reason"]) == ("pending", "reauthorization_required")
        assert meeting["calendar_event"] == {"status": "pending", "error": "reauthorization_required"}
    await person.reauthorize()
    await world.work()
    [meeting] = await timeline(person, contact)
    assert (meeting["invite_status"], meeting["invite_reason"]) == ("sent", None)
    assert meeting["calendar_event"] == {"status": "written", "error": None}


async def test_r19_an_answer_that_was_lost_invites_nobody_twice(world: World) -> None:
    person = await world.connected()
    await world.sandbox.add_google_fault("lost_after_commit", account=person.email, method="POST", path="/events$")
    await meet(person, await make_contact(person))
    await world.work(until=HOUR)
    mails = await world.sandbox.google_outbox(event_id=(await the_event(world, person))["id"])
    assert [(mail["to"], mail["kind"]) for mail in mails] == [(VERA, "invitation")]


async def test_an_idempotency_key_makes_one_meeting(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    path, key = f"/v1/contacts/{contact['id']}/meetings", {"Idempotency-Key": "once"}
    answers = await asyncio.gather(*(person.post(path, wish(person), **key) for _ in range(4)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert made
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = await person.post(path, wish(person), **key)
    assert again.status_code == 201, again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {answer.json()["id"] for answer in [*made, again]} == {again.json()["id"]}
    other = await person.post(path, wish(person, title="Other"), **key)
    problem(other, 422, "idempotency_key_reused")
    assert len(await timeline(person, contact)) == 1


async def test_r23_a_meeting_moved_in_the_calendar_moves_on_the_timeline_and_is_not_written_again(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await meet(person, contact)
    event, later = await the_event(world, person), person.at(2, "15:00")
    await world.sandbox.patch_google_event(person.email, event["id"], span(later) | {"summary": "Renamed"})
    for _ in range(2):
        await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (datetime.fromisoformat(meeting["start_at"]), meeting["title"]) == (later, "Renamed")
    assert meeting["version"] == 3, "made, invited, moved"
    ledger = await world.sandbox.google_ledger(account=person.email, actor="api")
    assert [entry["operation"] for entry in ledger] == ["insert"]


@pytest.mark.parametrize("how", ["made private", "without its contact"])
async def test_r20_of_a_meeting_that_is_its_persons_own_now_the_crm_learns_the_time_alone(
    world: World, how: str
) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact, description="Plans", location="Room 1")
    event, later = await the_event(world, person), person.at(3, "15:00")
    other = {"visibility": "private"} if how == "made private" else {"attendees": []}
    words = {"summary": "Surgery", "description": "Ward 3", "location": "Clinic"}
    await world.sandbox.patch_google_event(person.email, event["id"], words | span(later) | other)
    for _ in range(2):
        await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert datetime.fromisoformat(meeting["start_at"]) == later
    texts = ("id", "title", "description", "location", "video_url")
    assert {name: meeting[name] for name in texts} == {name: made[name] for name in texts}
    kept = await world.rows("SELECT e::text AS row FROM engagements e UNION ALL SELECT w::text FROM calendar_writes w"
                            " UNION ALL SELECT f::text FROM feed_events f ORDER BY row")  # fmt: skip
    dump = [item["row"] for item in kept]
    assert not [row for row in dump if any(word in row for word in words.values())]


async def test_r23_a_change_waits_for_no_write_into_another_calendar(world: World) -> None:
    """As of a meeting that was over when its calendar was connected again."""
    person = await world.connected()
    contact = await make_contact(person)
    await meet(person, contact)
    await world.work()
    await world.rows("UPDATE calendar_writes SET calendar_id = NULL")
    later = person.at(3, "15:00")
    await world.sandbox.patch_google_event(person.email, (await the_event(world, person))["id"], span(later))
    await synced(world, person)
    assert await world.rows("SELECT * FROM calendar_changes") == []
    [meeting] = await timeline(person, contact)
    assert datetime.fromisoformat(meeting["start_at"]) == later


async def test_r23_a_removal_that_was_wished_while_the_event_was_read_is_not_undone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    await world.sandbox.patch_google_event(person.email, event_id, {"summary": "Read as it was"})
    real, once = Follower._read, iter([True])

    async def while_it_is_cancelled(self: Follower, *given: Any) -> Any:
        seen = await real(self, *given)
        if next(once, False):
            cancelled = await person.post(f"/v1/engagements/{meeting['id']}/cancel")
            assert cancelled.status_code == 200, cancelled.text
        return seen

    monkeypatch.setattr(Follower, "_read", while_it_is_cancelled)
    await synced(world, person)
    await world.work(until=timedelta(minutes=5))
    assert [item["outcome"] for item in await timeline(person, contact)] == ["cancelled"]


async def test_r19_a_meeting_in_an_account_that_is_gone_is_not_changed_without_its_event(world: World) -> None:
    person = await world.connected()
    made = await meet(person, await make_contact(person))
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    await world.sandbox.google_account("another@example.com")
    assert (await person.connect(email="another@example.com"))["status"] == "completed"
    await world.work()
    for path, body in ((f"/{made['id']}/cancel", None), (f"/{made['id']}", {"title": "Later"})):
        send = person.post if body is None else person.patch
        told = problem(await send(f"/v1/engagements{path}", body), 409, "capability_not_supported")
        assert told["reason"] == "no_connection"
    assert (await person.patch(f"/v1/engagements/{made['id']}", {"outcome": "completed"})).status_code == 200


async def test_r23_a_meeting_deleted_in_the_calendar_is_cancelled(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await meet(person, contact)
    await world.sandbox.delete_google_event(person.email, (await the_event(world, person))["id"])
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert meeting["outcome"] == "cancelled"
    await world.work(until=HOUR)
    assert await world.sandbox.google_events(person.email) == [], "it is not brought back"


async def test_r19_an_edit_on_the_record_moves_the_event_and_a_cancellation_removes_it(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact)
    later = person.at(3, "09:00")
    answer = await person.patch(f"/v1/engagements/{made['id']}", {"start_at": later.isoformat(), "title": "Demo 2"})
    assert answer.status_code == 200, answer.text
    event = await the_event(world, person)
    assert (event["summary"], datetime.fromisoformat(event["start"]["dateTime"])) == ("Demo 2", later)
    assert datetime.fromisoformat(answer.json()["end_at"]) == later + HOUR
    await synced(world, person)
    assert datetime.fromisoformat((await timeline(person, contact))[0]["start_at"]) == later
    cancelled = await person.post(f"/v1/engagements/{made['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["outcome"]) == (200, "cancelled"), cancelled.text
    assert await world.sandbox.google_events(person.email) == []
    problem(await person.post(f"/v1/engagements/{made['id']}/cancel"), 409, "already_cancelled")
    [write] = await world.rows("SELECT draft IS NULL AS removed FROM calendar_writes")
    assert write["removed"]


async def test_r23_an_edit_of_a_meeting_made_in_the_calendar_reaches_it_and_keeps_its_text(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    text = "See <b>here</b> & there"
    await invite(world, person, person.at(2, "10:00"), VERA, "friend@example.com", description=text)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    later = person.at(2, "14:00")
    answer = await person.patch(f"/v1/engagements/{meeting['id']}", {"start_at": later.isoformat()})
    assert answer.status_code == 200, answer.text
    event = await the_event(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == later
    assert event["description"] == text
    assert {guest["email"] for guest in event["attendees"]} >= {VERA, "friend@example.com"}
    await synced(world, person)
    assert len(await timeline(person, contact)) == 1


async def test_r23_a_meeting_made_in_the_calendar_is_moved_to_when_it_was(world: World) -> None:
    """Its guests were invited long ago, by the person: nobody is invited to what is over."""
    person = await world.connected()
    contact, was = await make_contact(person), person.at(-2, "10:00")
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    moved = await edit(person, meeting, start_at=was.isoformat())
    assert moved["calendar_event"] == {"status": "written", "error": None}
    event = await the_event(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == was


async def test_r16_r23_an_edit_that_waited_until_the_meeting_was_over_is_written_all_the_same(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    await world.sandbox.revoke_google(person.email)
    await synced(world, person)
    pending = await edit(person, meeting, title="Ours")
    assert pending["calendar_event"]["status"] == "pending"
    world.clock.offset = timedelta(days=4)
    await person.reauthorize()
    await world.work(until=HOUR)
    assert (await the_event(world, person))["summary"] == "Ours"


async def test_r23_what_is_over_is_not_changed_and_says_why(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact)
    world.clock.offset = timedelta(days=4)
    refused = await person.patch(f"/v1/engagements/{made['id']}", {"title": "x"})
    assert problem(refused, 409, "capability_not_supported")["reason"] == "already_over"
    assert (await edit(person, made, outcome="completed"))["outcome"] == "completed"


async def test_r23_what_is_about_whole_days_is_not_changed_here_and_says_why(world: World) -> None:
    person = await world.connected()
    contact, day = await make_contact(person), person.day(2)
    days = {"start": {"date": day.isoformat()}, "end": {"date": (day + timedelta(days=1)).isoformat()}}
    await invite(world, person, person.at(2, "10:00"), VERA, **days)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    refused = await person.patch(f"/v1/engagements/{meeting['id']}", {"title": "x"})
    assert problem(refused, 409, "capability_not_supported")["reason"] == "all_day"


async def edit(person: Person, meeting: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await person.patch(f"/v1/engagements/{meeting['id']}", changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_r23_edits_that_wait_for_the_provider_change_together_what_each_asked_for(world: World) -> None:
    person = await world.connected()
    contact, later = await make_contact(person), person.at(2, "15:00")
    event_id = await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    await world.sandbox.add_google_fault("unavailable", times=None, account=person.email, method="PATCH")
    await edit(person, meeting, title="Ours")
    pending = await edit(person, meeting, location="Room 1")
    assert pending["calendar_event"]["status"] == "pending"
    await world.sandbox.patch_google_event(person.email, event_id, span(later))
    await world.sandbox.clear_google_faults()
    await world.work(until=HOUR)
    await synced(world, person)
    event = await the_event(world, person)
    assert (event["summary"], event["location"]) == ("Ours", "Room 1")
    assert datetime.fromisoformat(event["start"]["dateTime"]) == later
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], meeting["location"]) == ("Ours", "Room 1")
    assert datetime.fromisoformat(meeting["start_at"]) == later


async def test_r23_a_move_after_an_edit_whose_answer_was_lost_stays(world: World) -> None:
    person = await world.connected()
    contact, later = await make_contact(person), person.at(2, "15:00")
    made = await meet(person, contact)
    await world.sandbox.add_google_fault("lost_after_commit", account=person.email, method="PATCH")
    await edit(person, made, location="Room 1")
    event = await the_event(world, person)
    assert event["location"] == "Room 1", "it landed, and nobody knows"
    await world.sandbox.patch_google_event(person.email, event["id"], span(later))
    await world.work(until=HOUR)
    await synced(world, person)
    event = await the_event(world, person)
    assert (event["location"], datetime.fromisoformat(event["start"]["dateTime"])) == ("Room 1", later)
    [meeting] = await timeline(person, contact)
    assert (meeting["location"], datetime.fromisoformat(meeting["start_at"])) == ("Room 1", later)


async def test_r23_a_meeting_made_all_day_stays_so_when_its_place_changes(world: World) -> None:
    person = await world.connected()
    contact, day = await make_contact(person), person.day(2)
    made = await meet(person, contact)
    event_id = (await the_event(world, person))["id"]
    days = (("start", day), ("end", day + timedelta(days=1)))
    times = {name: {"date": midnight.isoformat(), "dateTime": None} for name, midnight in days}
    await world.sandbox.patch_google_event(person.email, event_id, times)
    assert (await edit(person, made, location="Room 1"))["outcome"] == "scheduled"
    await world.work()
    event = await the_event(world, person)
    assert (event["location"], event["start"].get("date")) == ("Room 1", day.isoformat())
    [meeting] = await timeline(person, contact)
    assert (meeting["location"], meeting["all_day"], meeting["outcome"]) == ("Room 1", True, "scheduled")


async def test_r23_an_edit_after_the_event_was_deleted_does_not_bring_it_back(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    await world.sandbox.delete_google_event(person.email, event_id)
    await person.patch(f"/v1/engagements/{meeting['id']}", {"title": "Too late"})
    await world.work(until=HOUR)
    assert await world.sandbox.google_events(person.email) == []
    await synced(world, person)
    assert (await timeline(person, contact))[0]["outcome"] == "cancelled"


async def test_r23_an_edit_that_finds_its_event_deleted_cancels_the_meeting_then_and_says_so(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    await world.sandbox.delete_google_event(person.email, event_id)
    await person.patch(f"/v1/engagements/{meeting['id']}", {"title": "Too late"})
    await world.work()
    [meeting] = await timeline(person, contact)
    assert meeting["outcome"] == "cancelled"
    assert meeting["cancelled_at"] == meeting["updated_at"]
    told = await world.rows("SELECT type FROM feed_events WHERE type LIKE 'engagement.%' ORDER BY occurred_at")
    assert [row["type"] for row in told] == ["engagement.created", "engagement.updated", "engagement.cancelled"]


async def test_r23_a_meeting_whose_event_was_brought_back_is_changed_like_any_other(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact, description="All of it")
    event_id = (await the_event(world, person))["id"]
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (meeting["outcome"], meeting["cancelled_at"] is None) == ("cancelled", False)
    await world.sandbox.patch_google_event(person.email, event_id, {"status": "confirmed"})
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (meeting["outcome"], meeting["cancelled_at"]) == ("scheduled", None)
    told = len(await world.sandbox.google_outbox(event_id=event_id))
    answer = await person.patch(f"/v1/engagements/{made['id']}", {"title": "Demo 2"})
    assert answer.status_code == 200, answer.text
    await world.work()
    event = await the_event(world, person)
    assert (event["status"], event["summary"], event["description"]) == ("confirmed", "Demo 2", "All of it")
    assert [guest["email"] for guest in event["attendees"]] == [VERA]
    news = (await world.sandbox.google_outbox(event_id=event_id))[told:]
    assert {mail["kind"] for mail in news} <= {"update"}


async def test_r54_an_event_that_is_brought_back_brings_back_nobody_who_was_erased(world: World) -> None:
    person = await world.connected()
    contact, _ = await make_contact(person), await make_contact(person, "boss@example.com")
    await meet(person, contact, guests=["boss@example.com"])
    event_id = (await the_event(world, person))["id"]
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    assert (await person.delete(f"/v1/contacts/{contact['id']}")).status_code == 204
    await world.work()
    await world.sandbox.patch_google_event(person.email, event_id, {"status": "confirmed"})
    await synced(world, person)
    [write] = await world.rows("SELECT draft::text FROM calendar_writes")
    assert "boss@example.com" in write["draft"]
    assert VERA not in write["draft"]


async def test_a_meeting_is_changed_by_its_owner_alone_and_read_by_the_account(world: World) -> None:
    person = await world.connected()
    made = await meet(person, await make_contact(person))
    colleague, stranger = await world.person(account_id=person.account_id), await world.person()
    path = f"/v1/engagements/{made['id']}"
    assert (await colleague.get(path)).json()["allowed_actions"] == []
    problem(await colleague.patch(path, {"title": "Mine"}), 403, "forbidden")
    problem(await colleague.post(f"{path}/cancel"), 403, "forbidden")
    for answer in (
        await stranger.get(path),
        await stranger.patch(path, {"title": "x"}),
        await stranger.post(f"{path}/cancel"),
    ):
        problem(answer, 404, "not_found")
    problem(
        await stranger.post(f"/v1/contacts/{made['contacts'][0]['contact_id']}/meetings", wish(stranger)),
        404,
        "not_found",
    )


async def test_a_booking_is_changed_as_a_booking(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.book(page["id"], person.at(3, "10:00").isoformat())
    await world.work()
    [meeting] = (await person.get("/v1/engagements")).json()["items"]
    refused = await person.patch(f"/v1/engagements/{meeting['id']}", {"title": "x"})
    assert problem(refused, 409, "capability_not_supported")["reason"] == "booking"
    world.clock.offset = timedelta(days=4)
    await person.refresh_token()
    done = await person.patch(f"/v1/engagements/{meeting['id']}", {"outcome": "completed"})
    assert done.json()["outcome"] == "completed"
    taken_back = await person.patch(f"/v1/engagements/{meeting['id']}", {"outcome": None})
    assert taken_back.json()["outcome"] == "scheduled"


async def test_bad_input_is_refused(world: World) -> None:
    person = await world.person()
    contact = await make_contact(person)
    path = f"/v1/contacts/{contact['id']}/meetings"
    start = person.at(2, "10:00")
    for changes in (
        {"title": ""}, {"start_at": "2026-12-01T09:00:00"}, {"end_at": start.isoformat()}, {"time_zone": "Mars/Base"},
        {"end_at": (start + timedelta(days=32)).isoformat()}, {"guests": ["nobody"]}, {"source": "calendar_sync"},
    ):  # fmt: skip
        answer = await person.post(path, wish(person, **changes))
        assert answer.status_code == 422, (changes, answer.text)
    made = await meet(person, contact)
    for body in (
        {"title": None},
        {"end_at": (start + timedelta(days=32)).isoformat()},
        {"end_at": start.isoformat(), "start_at": (start + HOUR).isoformat()},
        {"outcome": "?"},
    ):
        problem(await person.patch(f"/v1/engagements/{made['id']}", body), 422, "validation_failed")
    stale = await person.patch(f"/v1/engagements/{made['id']}", {"title": "x"}, **{"If-Match": '"7"'})
    problem(stale, 412, "version_mismatch")


async def test_p1_a_meeting_of_the_record_blocks_its_time(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await meet(person, await make_contact(person))
    start = person.at(2, "10:00")
    for _ in range(2):
        offered = [slot["start_at"] for slot in await person.slots(page["id"], person.day(2))]
        assert start not in map(datetime.fromisoformat, offered)
        assert (await person.book(page["id"], start.isoformat())).status_code == 409
        await synced(world, person)


async def test_r19_while_the_sync_is_off_an_event_is_not_written_over(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact)
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    later = person.at(2, "15:00")
    await world.sandbox.patch_google_event(person.email, (await the_event(world, person))["id"], span(later))
    for answer in (
        await person.patch(f"/v1/engagements/{made['id']}", {"title": "Only the title"}),
        await person.post(f"/v1/engagements/{made['id']}/cancel"),
    ):
        assert problem(answer, 409, "capability_not_supported")["reason"] == "calendar_sync_off"
    await world.work(until=HOUR)
    event = await the_event(world, person)
    assert (event["summary"], datetime.fromisoformat(event["start"]["dateTime"])) == ("Demo", later)


async def allowed(person: Person, contact: dict[str, Any], meeting: dict[str, Any]) -> list[list[str]]:
    """What one may do with a meeting, as each of the answers that show it says."""
    read = (await person.get(f"/v1/engagements/{meeting['id']}")).json()
    listed = (await person.get("/v1/engagements")).json()["items"]
    shown = [read, *listed, *await timeline(person, contact)]
    return [item["allowed_actions"] for item in shown if item["id"] == meeting["id"]]


async def test_r18_a_meeting_offers_nothing_that_its_events_being_out_of_reach_refuses(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact)
    everything, little = [["update", "cancel", "set_outcome"]] * 3, [["set_outcome"]] * 3
    assert await allowed(person, contact, made) == everything
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    assert await allowed(person, contact, made) == little
    said = await person.patch(f"/v1/engagements/{made['id']}", {"outcome": "completed"})
    assert said.json()["allowed_actions"] == ["set_outcome"]
    await person.patch("/v1/calendar-settings", {"calendar_sync": True})
    assert await allowed(person, contact, made) == everything
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    assert await allowed(person, contact, made) == little, "it is being closed"
    await world.work()
    assert await allowed(person, contact, made) == little
    unwritten = await meet(person, contact, title="Without an event")
    assert await allowed(person, contact, unwritten) == everything
    await world.sandbox.google_account("another@example.com")
    assert (await person.connect(email="another@example.com"))["status"] == "completed"
    await world.work()
    assert await allowed(person, contact, made) == little
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    await person.connect()
    await world.work()
    assert await allowed(person, contact, made) == everything


async def test_r16_what_is_over_does_not_wait_for_a_connection_that_nobody_heals(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.sandbox.revoke_google(person.email)
    await synced_broken(world, person)
    start = person.at(9, "10:00")
    later = await meet(person, contact, start_at=start.isoformat(), end_at=(start + HOUR).isoformat())
    assert (await meet(person, contact))["invite_status"] == "pending"
    world.clock.offset = timedelta(days=4)
    await ask_again_for_stranded(world.services.sessions, world.clock)
    await world.work()
    await person.refresh_token()
    told = {item["id"]: item for item in await timeline(person, contact)}
    assert told.pop(later["id"])["invite_status"] == "pending", "it is still to come"
    [over] = told.values()
    assert (over["invite_status"], over["invite_reason"]) == ("failed", "already_over")
    assert over["calendar_event"] == {"status": "failed", "error": "already_over"}


async def test_r16_a_healed_connection_invites_nobody_to_what_is_over(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.sandbox.revoke_google(person.email)
    await synced_broken(world, person)
    assert (await meet(person, contact))["invite_status"] == "pending"
    world.clock.offset = timedelta(days=4)
    await person.reauthorize()
    await world.work(until=HOUR)
    [meeting] = await timeline(person, contact)
    assert (meeting["invite_status"], meeting["invite_reason"]) == ("failed", "already_over")
    assert await world.sandbox.google_events(person.email) == []


@pytest.mark.parametrize("tried", [False, True])
async def test_r17_r19_an_invitation_that_waits_is_not_sent_once_the_sync_is_off(world: World, *, tried: bool) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.sandbox.revoke_google(person.email)
    if not tried:  # else it is the try itself that learns of it
        await synced_broken(world, person)
    made = await meet(person, contact)
    assert made["invite_status"] == "pending"
    await world.work()
    assert (await person.patch("/v1/calendar-settings", {"calendar_sync": False})).status_code == 200
    await person.reauthorize()
    await world.work(until=HOUR)
    await person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await world.work(until=HOUR)
    await world.services.connection_ready.run(*await the_connection(world))
    await world.work(until=HOUR)
    [meeting] = await timeline(person, contact)
    assert (meeting["invite_status"], meeting["invite_reason"]) == ("not_sent", "calendar_sync_off")
    assert meeting["calendar_event"] == {"status": "not_applicable", "error": None}
    assert (meeting["outcome"], meeting["allowed_actions"]) == ("scheduled", ["update", "cancel", "set_outcome"])
    assert (await edit(person, meeting, title="Ours"))["calendar_event"]["status"] == "not_applicable"
    await world.work(until=HOUR)
    assert await world.sandbox.google_events(person.email) == []
    assert await world.sandbox.google_ledger(account=person.email, actor="api") == [], "nor was one ever"


async def the_connection(world: World) -> tuple[Any, Any]:
    [row] = await world.rows("SELECT account_id, id FROM connections")
    return row["account_id"], row["id"]


async def test_r17_r19_what_landed_unseen_before_the_sync_was_turned_off_is_taken_away(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.sandbox.add_google_fault("lost_after_commit", account=person.email, method="POST", path="/events$")
    assert (await meet(person, contact))["invite_status"] == "pending"
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    await world.work(until=HOUR)
    [meeting] = await timeline(person, contact)
    assert (meeting["invite_status"], meeting["invite_reason"]) == ("not_sent", "calendar_sync_off")
    assert await world.sandbox.google_events(person.email) == []


async def test_r17_r19_an_edit_that_waits_is_not_written_over_the_event_once_the_sync_is_off(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact)
    await world.sandbox.add_google_fault("unavailable", times=None, account=person.email, method="PATCH")
    assert (await edit(person, made, title="Ours"))["calendar_event"]["status"] == "pending"
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    await world.sandbox.clear_google_faults()
    await world.work(until=HOUR)
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], meeting["invite_status"]) == ("Ours", "sent")
    assert meeting["calendar_event"] == {"status": "failed", "error": "calendar_sync_off"}
    assert (await the_event(world, person))["summary"] == "Demo"
    await person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await edit(person, made, location="Room 1")
    event = await the_event(world, person)
    assert (event["summary"], event["location"]) == ("Ours", "Room 1"), "the next one brings it along"


async def test_r19_r23_a_change_that_was_given_up_is_done_with_once_the_event_is_deleted(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact)
    await world.sandbox.add_google_fault("unavailable", times=None, account=person.email, method="PATCH")
    await edit(person, made, title="Ours")
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    await world.sandbox.clear_google_faults()
    await world.work(until=HOUR)
    await person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await world.sandbox.delete_google_event(person.email, (await the_event(world, person))["id"])
    await synced_broken(world, person)
    [meeting] = await timeline(person, contact)
    assert meeting["outcome"] == "cancelled"
    assert meeting["calendar_event"] == {"status": "written", "error": None}, "nothing is left that could fail"


async def synced_broken(world: World, person: Person) -> None:
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()


async def test_r19_what_was_cancelled_before_it_was_sent_says_so(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.sandbox.add_google_fault(
        "unavailable", times=None, account=person.email, method="POST", path="/events$"
    )
    made = await meet(person, contact)
    assert (await person.post(f"/v1/engagements/{made['id']}/cancel")).status_code == 200
    await world.sandbox.clear_google_faults()
    await world.work(until=HOUR)
    [meeting] = await timeline(person, contact)
    assert (meeting["invite_status"], meeting["invite_reason"]) == ("not_sent", "cancelled")


async def test_r19_a_guest_who_is_a_contact_has_it_on_their_timeline(world: World) -> None:
    person = await world.connected()
    guest = await make_contact(person, "gus@example.com")
    made = await meet(person, await make_contact(person), guests=["gus@example.com", "stranger@example.com"])
    assert [meeting["id"] for meeting in await timeline(person, guest)] == [made["id"]]
