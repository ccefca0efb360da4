"""Events of people's calendars on their contacts' timelines (R20, R23).

The one rule: of what is not the CRM's business nothing is found anywhere: not in an answer, a table or a log.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.queue import Job
from tests.crm.scene import VERA, invite, make_contact, span, synced, timeline
from tests.support.hands import MicrosoftHands
from tests.support.people import Person
from tests.support.visitors import Visit, our_events, visit
from tests.support.world import World

HOUR = timedelta(hours=1)


async def test_r20_an_event_with_a_known_contact_becomes_a_meeting(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person, name="Vera Visitor")
    start = person.at(2, "10:00")
    await invite(world, person, start, "VERA@example.com", summary="Kick-off", location="Room 1", description="Plans")
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert {name: meeting[name] for name in ("source", "title", "location", "description", "outcome", "all_day")} == {
        "source": "calendar_sync", "title": "Kick-off", "location": "Room 1", "description": "Plans",
        "outcome": "scheduled", "all_day": False,
    }  # fmt: skip
    assert datetime.fromisoformat(meeting["start_at"]) == start
    assert (meeting["invite_status"], meeting["calendar_event"]["status"]) == (None, "written")
    [participant] = meeting["contacts"]
    assert (participant["email"], participant["role"], participant["response"]) == (VERA, "attendee", "needs_action")
    assert (await person.get("/v1/engagements")).json()["items"] == [meeting]


async def test_r20_an_event_the_contact_organizes_is_a_meeting_nobody_here_can_move(world: World) -> None:
    person = await world.connected()
    await world.sandbox.google_account("vera@example.com")
    contact = await make_contact(person)
    event = {"summary": "Hers", "attendees": [{"email": person.email}]} | span(person.at(2, "10:00"))
    await world.sandbox.insert_google_event("vera@example.com", event)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert [who["role"] for who in meeting["contacts"]] == ["organizer"]
    assert meeting["allowed_actions"] == ["set_outcome"]


async def test_r20_a_character_that_cannot_be_stored_costs_no_meeting(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await invite(world, person, person.at(2, "10:00"), VERA, summary="a\0b", description="c\0", location="\0d")
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], meeting["description"], meeting["location"]) == ("ab", "c", "d")


async def test_r20_edits_and_deletions_follow(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    start = person.at(2, "10:00")
    event_id = await invite(world, person, start, VERA)
    await synced(world, person)
    await world.sandbox.patch_google_event(person.email, event_id, {"summary": "Later", **span(start + HOUR, 30)})
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], datetime.fromisoformat(meeting["start_at"])) == ("Later", start + HOUR)
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (meeting["outcome"], meeting["cancelled_at"] is None) == ("cancelled", False)


async def test_r20_answers_follow_and_a_declined_meeting_says_so(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    await world.sandbox.answer_google_invitation(person.email, event_id, attendee=VERA, response="declined")
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (meeting["outcome"], meeting["contacts"][0]["response"]) == ("declined", "declined")


async def test_r20_a_meeting_that_one_of_several_contacts_declines_takes_place(world: World) -> None:
    person = await world.connected()
    contact, friend = await make_contact(person), await make_contact(person, "friend@example.com")
    event_id = await invite(world, person, person.at(2, "10:00"), VERA, "friend@example.com")
    for attendee, outcome in ((VERA, "scheduled"), ("friend@example.com", "declined")):
        await world.sandbox.answer_google_invitation(person.email, event_id, attendee=attendee, response="declined")
        await synced(world, person)
        assert [(await timeline(person, one))[0]["outcome"] for one in (contact, friend)] == [outcome, outcome]


async def test_r20_somebody_who_becomes_known_brings_their_meetings(world: World) -> None:
    person = await world.connected()
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    contact = await make_contact(person)
    await world.work()
    assert len(await timeline(person, contact)) == 1


async def test_r20_without_a_known_contact_nothing_is_kept(world: World, caplog: pytest.LogCaptureFixture) -> None:
    person = await world.connected()
    await make_contact(person, "somebody.else@example.com")
    secrets = {"summary": "Merger", "description": "with Acme", "location": "Vault 7"}
    await invite(world, person, person.at(2, "10:00"), "stranger@elsewhere.test", **secrets)
    await synced(world, person)
    assert (await person.get("/v1/engagements")).json()["items"] == []
    assert_nowhere(await everything(world), caplog.text, "Merger", "Acme", "Vault 7", "stranger@elsewhere.test")


async def test_r20_of_a_private_event_nothing_is_kept(world: World, caplog: pytest.LogCaptureFixture) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    secrets = {"summary": "Surgery", "visibility": "private"}
    await invite(world, person, person.at(2, "10:00"), VERA, **secrets)
    await synced(world, person)
    assert await timeline(person, contact) == []
    assert await world.rows("SELECT * FROM mirror_addresses") == []
    assert_nowhere(await everything(world), caplog.text, "Surgery")


async def test_r20_an_event_that_becomes_private_leaves_the_timeline_and_the_feed(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA, summary="Surgery")
    await synced(world, person)
    assert len(await timeline(person, contact)) == 1
    await world.sandbox.patch_google_event(person.email, event_id, {"visibility": "private"})
    await synced(world, person)
    assert await timeline(person, contact) == []
    assert_nowhere(await everything(world), "", "Surgery")


async def test_r20_a_meeting_the_contact_is_taken_off_leaves_the_timeline(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA, "friend@example.com")
    await synced(world, person)
    without = {"attendees": [{"email": "friend@example.com"}]}
    await world.sandbox.patch_google_event(person.email, event_id, without)
    await synced(world, person)
    assert await timeline(person, contact) == []


async def test_r20_what_has_been_is_not_undone_by_who_is_taken_off_afterwards(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    over, done, ahead = [await invite(world, person, person.at(days, "10:00"), VERA) for days in (2, 6, 7)]
    await synced(world, person)
    meetings = {meeting["start_at"][:10]: meeting["id"] for meeting in await timeline(person, contact)}
    said = meetings[person.day(6).isoformat()]
    assert (await person.patch(f"/v1/engagements/{said}", {"outcome": "completed"})).status_code == 200
    world.clock.offset = timedelta(days=4)
    await person.refresh_token()
    for event_id in (over, done, ahead):
        await world.sandbox.patch_google_event(person.email, event_id, {"attendees": []})
    await synced(world, person)
    assert {meeting["id"] for meeting in await timeline(person, contact)} == {meetings[person.day(2).isoformat()], said}


async def test_r20_only_the_primary_calendar_is_read_for_this(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    other = await world.sandbox.google_calendar(person.email, "Other")
    event = {"summary": "Elsewhere", "attendees": [{"email": VERA}]} | span(person.at(2, "10:00"))
    await world.sandbox.insert_google_event(person.email, event, other["id"])
    assert (await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")).status_code == 202
    await world.work()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    ticked = {"availability_calendar_ids": [item["id"] for item in listed if item["ineligible_reason"] is None]}
    assert len(ticked["availability_calendar_ids"]) == 2
    assert (await person.patch("/v1/calendar-settings", ticked)).status_code == 200
    await synced(world, person)
    [row] = await world.rows("SELECT count(*) AS known FROM mirror_events")
    assert (row["known"], await timeline(person, contact)) == (1, [])


async def test_r20_while_the_sync_is_off_nothing_comes_and_then_all_of_it(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    assert await timeline(person, contact) == []
    await person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await world.work()
    assert len(await timeline(person, contact)) == 1


async def test_r20_every_instance_of_a_series_is_a_meeting_and_exceptions_are_their_own(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    rule = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=4"]}
    zone = {"timeZone": person.time_zone}
    times = {name: value | zone for name, value in span(person.at(2, "10:00")).items()}
    series = await invite(world, person, person.at(2, "10:00"), VERA, **rule, **times)
    await synced(world, person)
    meetings = await timeline(person, contact)
    assert len(meetings) == 4
    version = {meeting["id"]: meeting["version"] for meeting in meetings}
    events = await world.sandbox.google_events(person.email)
    assert series in {event["id"] for event in events}
    await world.sandbox.patch_google_event(person.email, series, {"summary": "Daily"})
    await synced(world, person)
    assert {meeting["title"] for meeting in await timeline(person, contact)} == {"Daily"}
    assert {meeting["id"] for meeting in await timeline(person, contact)} == version.keys()


async def test_r20_a_series_of_a_year_is_read_as_one_and_forgotten_as_one(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    zone = {"timeZone": person.time_zone}
    times = {name: value | zone for name, value in span(person.at(2, "10:00")).items()}
    rule = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=120"], "description": "Standing"}
    series = await invite(world, person, person.at(2, "10:00"), VERA, **rule, **times)
    before = len(await world.sandbox.google_requests(account=person.email))
    await synced(world, person)
    after = len(await world.sandbox.google_requests(account=person.email))
    assert after - before < 20, "not a request a date"
    meetings = await world.rows("SELECT description FROM engagements")
    assert [row["description"] for row in meetings] == ["Standing"] * 120
    await world.sandbox.delete_google_event(person.email, series)
    await synced(world, person)
    assert len(await world.sandbox.google_requests(account=person.email)) - after < 20
    assert await world.rows("SELECT * FROM engagements WHERE outcome <> 'cancelled'") == []
    assert {meeting["outcome"] for meeting in await timeline(person, contact)} == {"cancelled"}


async def test_r20_an_all_day_meeting_is_whole_days_of_the_calendar(world: World) -> None:
    person = await world.connected(zoneinfo="Pacific/Auckland")
    contact = await make_contact(person)
    day = person.day(2)
    times = {"start": {"date": day.isoformat()}, "end": {"date": (day + timedelta(days=1)).isoformat()}}
    await invite(world, person, person.at(2, "10:00"), VERA, **times)
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert meeting["all_day"] is True
    assert datetime.fromisoformat(meeting["start_at"]) == person.at(2, "00:00")
    assert datetime.fromisoformat(meeting["end_at"]) == person.at(3, "00:00")


async def test_r23_nothing_is_written_because_something_was_read(world: World) -> None:
    person = await world.connected()
    await make_contact(person)
    await invite(world, person, person.at(2, "10:00"), VERA)
    for _ in range(3):
        await synced(world, person)
    assert await world.sandbox.google_ledger(account=person.email, actor="api") == []
    assert (await person.get("/v1/engagements")).json()["items"][0]["version"] == 1


async def test_r52_the_feed_tells_of_each_step_once(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    start = person.at(2, "10:00")
    event_id = await invite(world, person, start, VERA)
    await synced(world, person)
    await world.sandbox.patch_google_event(person.email, event_id, span(start + HOUR))
    await synced(world, person)
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    rows = await world.rows("SELECT type, data FROM feed_events WHERE type LIKE 'engagement.%' ORDER BY sequence")
    assert [row["type"] for row in rows] == ["engagement.created", "engagement.updated", "engagement.cancelled"]
    assert contact["id"] in rows[0]["data"]


async def test_r53_a_contact_of_one_account_is_unknown_to_the_next(world: World) -> None:
    person = await world.connected()
    other = await world.person()
    await make_contact(other)
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    assert (await person.get("/v1/engagements")).json()["items"] == []
    assert (await person.get("/v1/contacts")).json()["items"] == []
    own = await make_contact(person)
    assert len({row["address_hash"] for row in await world.rows("SELECT address_hash FROM contacts")}) == 2
    assert (await other.get(f"/v1/contacts/{own['id']}")).status_code == 404


async def test_r20_a_booking_is_on_its_visitors_timeline(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    answer = await person.book(page["id"], person.at(3, "10:00").isoformat())
    await world.work()
    [contact] = (await person.get("/v1/contacts", email=VERA)).json()["items"]
    assert (contact["name"], contact["source"]) == ("Vera Visitor", "scheduling_page")
    [meeting] = await timeline(person, contact)
    assert (meeting["source"], meeting["booking_id"], meeting["outcome"]) == (
        "scheduling_page", answer.json()["id"], "scheduled",
    )  # fmt: skip
    await synced(world, person)
    assert len(await timeline(person, contact)) == 1, "its own event is not another meeting"
    [row] = await world.rows("SELECT account_id, id FROM bookings")
    before = await world.rows("SELECT FROM feed_events"), await timeline(person, contact)
    await world.services.booking_recorder.run(row["account_id"], row["id"])
    after = await world.rows("SELECT FROM feed_events"), await timeline(person, contact)
    assert after == before, "a job too many changes nothing"
    await person.post(f"/v1/bookings/{answer.json()['id']}/cancel", {})
    await world.work()
    assert [item["outcome"] for item in await timeline(person, contact)] == ["cancelled"]


async def test_r20_a_visitor_whose_address_was_corrected_stays_on_the_booking_and_is_nobody_new(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(max_guests=1)
    booking = await visit(person, page, person.at(3, "10:00"), guests=["ben@example.com"])
    ben = await make_contact(person, email="ben@example.com", name="Ben")
    await world.work()
    [vera] = (await person.get("/v1/contacts", email=VERA)).json()["items"]
    for contact, address in ((ben, "benjamin@example.com"), (vera, "vera@example.net")):
        changed = await person.patch(f"/v1/contacts/{contact['id']}", {"email": address})
        assert changed.status_code == 200, changed.text
    assert (await booking.reschedule(person.at(4, "10:00"))).status_code == 200
    await world.work()
    assert {item["id"] for item in (await person.get("/v1/contacts")).json()["items"]} == {vera["id"], ben["id"]}
    [meeting] = await timeline(person, vera)
    assert datetime.fromisoformat(meeting["start_at"]) == person.at(4, "10:00")
    assert [item["id"] for item in await timeline(person, ben)] == [meeting["id"]]
    erased = await person.delete(f"/v1/contacts/{vera['id']}")
    assert erased.status_code == 204, erased.text
    assert (await person.get(f"/v1/bookings/{booking.id}")).json()["visitor_email"] == "", "found by what she had"


async def test_r20_r52_an_answer_in_the_visitors_calendar_is_another_version_of_the_meeting(world: World) -> None:
    person = await world.connected()
    await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    [before] = (await person.get("/v1/engagements")).json()["items"]
    [event] = await our_events(world, person)
    guests = [guest | {"responseStatus": "accepted"} for guest in event["attendees"]]
    world.clock.offset += timedelta(hours=5)
    await world.sandbox.patch_google_event(person.email, event["id"], {"attendees": guests})
    await synced(world, person)
    [now] = (await person.get("/v1/engagements")).json()["items"]
    assert [who["response"] for who in now["contacts"]] == ["accepted"]
    assert now["version"] == before["version"] + 1
    assert datetime.fromisoformat(now["updated_at"]) > datetime.fromisoformat(before["updated_at"]) + 4 * HOUR
    told = await world.rows(
        "SELECT (data ->> 'version')::int AS version FROM feed_events WHERE type LIKE 'engagement.%' ORDER BY arrival"
    )
    assert [row["version"] for row in told] == list(range(1, now["version"] + 1)), "each state is told once"


@pytest.mark.parametrize("first", ["booking", "event"])
async def test_r56_the_video_link_of_a_booking_is_on_the_timeline_whichever_is_written_first(
    world: World, first: str
) -> None:
    person = await world.connected()
    page = await person.make_page(location={"kind": "video"})
    booking = await visit(person, page, person.at(3, "10:00"))
    if first == "event":
        await world.rows("UPDATE queue.pgqueuer SET execute_after = now() + interval '1 minute' WHERE entrypoint = $1",
                         Job.RECORD_BOOKING)  # fmt: skip
        await world.work(until=timedelta())
    await world.work(until=timedelta(minutes=2))
    link = (await booking.read())["video_url"]
    assert link.startswith("https://meet.google.com/")
    assert [item["video_url"] for item in (await person.get("/v1/engagements")).json()["items"]] == [link]
    assert (await booking.reschedule(person.at(4, "10:00"))).status_code == 200
    await world.work(until=timedelta(minutes=2))
    [meeting] = (await person.get("/v1/engagements")).json()["items"]
    assert (meeting["video_url"], datetime.fromisoformat(meeting["start_at"])) == (link, person.at(4, "10:00"))
    told = await world.rows(
        "SELECT data ->> 'video_url' AS link, (data ->> 'version')::int AS version FROM feed_events"
        " WHERE type LIKE 'engagement.%' ORDER BY arrival"
    )
    assert told[-1]["link"] == link
    assert [row["version"] for row in told] == list(range(1, len(told) + 1)), "each state is told once"


async def booked_at_office_365(world: World) -> tuple[Person, MicrosoftHands, Visit]:
    """A booking in a calendar whose provider invites, and nothing of it done yet."""
    person, there = await world.person(), MicrosoftHands(world.sandbox)
    await there.account(person)
    await there.connect(person)
    await world.work()
    return person, there, await visit(person, await person.make_page(), person.at(3, "10:00"))


async def invited(person: Person) -> tuple[str, str | None]:
    """What the timeline says of the booking's invitation."""
    [meeting] = (await person.get("/v1/engagements")).json()["items"]
    return meeting["invite_status"], meeting["invite_reason"]


async def test_r49_r52_where_the_provider_invites_nobody_is_said_to_be_invited_before_they_are(world: World) -> None:
    person, _, booking = await booked_at_office_365(world)
    await world.rows("UPDATE queue.pgqueuer SET execute_after = now() + interval '1 minute' WHERE entrypoint = $1",
                     Job.WRITE_EVENT)  # fmt: skip
    await world.work(until=timedelta())
    assert await invited(person) == ("pending", None)
    await world.work(until=timedelta(minutes=2))
    assert await invited(person) == ("sent", None)
    assert (await booking.reschedule(person.at(4, "10:00"))).status_code == 200
    await world.work()
    assert await invited(person) == ("sent", None), "they have the invitation, and hear of the change"
    told = await world.rows(
        "SELECT data ->> 'invite_status' AS said, (data ->> 'version')::int AS version FROM feed_events"
        " WHERE type LIKE 'engagement.%' ORDER BY arrival"
    )
    assert [(row["said"], row["version"]) for row in told] == [("pending", 1), ("sent", 2), ("sent", 3)]


@pytest.mark.parametrize("ending", ["over", "cancelled"])
async def test_r49_r52_an_invitation_that_never_went_out_is_not_said_to_be_sent(world: World, ending: str) -> None:
    person, there, booking = await booked_at_office_365(world)
    await there.revoke(person)
    await world.work()
    assert await invited(person) == ("pending", "reauthorization_required"), "the write itself has learned of it"
    if ending == "cancelled":
        assert (await booking.cancel()).status_code == 200
        await world.work()
        assert await invited(person) == ("not_sent", "cancelled")
        return
    world.clock.offset = timedelta(days=4)
    await there.heal(person)
    await world.work(until=HOUR)
    assert await invited(person) == ("failed", "already_over")
    assert await there.made_by_us(person) == 0


async def test_r49_where_our_own_mail_invites_the_visitor_is_invited_whatever_the_calendar_does(world: World) -> None:
    person, there, _ = await booked_at_office_365(world)
    await world.work()
    [primary] = (await person.get("/v1/availability-calendars")).json()["items"]
    await person.patch(f"/v1/availability-calendars/{primary['calendar_id']}", {"unreachable_policy": "ignore"})
    await there.revoke(person)
    await synced(world, person)
    page = await person.make_page()
    await visit(person, page, person.at(4, "10:00"))
    await world.work()
    meetings = (await person.get("/v1/engagements")).json()["items"]
    assert [(item["invite_status"], item["calendar_event"]["status"]) for item in meetings if item["start_at"]
            > person.at(4, "00:00").isoformat()] == [("sent", "pending")]  # fmt: skip


async def everything(world: World) -> str:
    """Every row of every table that the service can write."""
    tables = await world.rows("SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'queue')")
    dumps: list[Any] = []
    for table in tables:
        name = table["tablename"]
        schema = "queue." if name.startswith("pgqueuer") else ""
        dumps += await world.rows(f"SELECT t::text FROM {schema}{name} t")  # noqa: S608 - the catalogue's own names
    return repr(dumps)


def assert_nowhere(dump: str, log: str, *words: str) -> None:
    for word in words:
        assert word not in dump, word
        assert word not in log, word


async def test_r16_disconnecting_and_connecting_again_doubles_no_meeting(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [before] = await timeline(person, contact)
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    await person.connect()
    await world.work()
    assert [meeting["id"] for meeting in await timeline(person, contact)] == [before["id"]]
    await world.sandbox.patch_google_event(person.email, event_id, {"summary": "Again"})
    await synced(world, person)
    assert [meeting["title"] for meeting in await timeline(person, contact)] == ["Again"], "it is followed again"


async def away(world: World, person: Person) -> None:
    """The person has disconnected their calendar, and that is done."""
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()


async def test_r20_what_happened_while_its_person_was_disconnected_is_made_up_for(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    deleted, private, parted = [
        await invite(world, person, person.at(2, at), VERA, summary=title)
        for at, title in (("10:00", "Kick-off"), ("12:00", "Surgery"), ("14:00", "Retro"))
    ]
    await invite(world, person, person.at(2, "16:00"), VERA, summary="Review")
    await synced(world, person)
    meetings = {meeting["title"]: meeting["id"] for meeting in await timeline(person, contact)}
    await away(world, person)
    await world.sandbox.delete_google_event(person.email, deleted)
    await world.sandbox.patch_google_event(person.email, private, {"visibility": "private"})
    await world.sandbox.patch_google_event(person.email, parted, {"attendees": []})
    await person.connect()
    await world.work()
    found = {meeting["id"]: meeting["outcome"] for meeting in await timeline(person, contact)}
    assert found == {meetings["Kick-off"]: "cancelled", meetings["Review"]: "scheduled"}
    assert_nowhere(await everything(world), "", "Surgery")
    assert await world.sandbox.google_ledger(account=person.email, actor="api") == [], "nothing is written"
    assert (await person.post(f"/v1/engagements/{meetings['Review']}/cancel")).status_code == 200
    await world.work()
    assert {event["id"] for event in await world.sandbox.google_events(person.email)} == {private, parted}


async def test_r20_connected_again_a_deletion_while_the_sync_was_off_is_made_up_for_as_well(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    await away(world, person)
    await person.connect()
    await world.work()
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    await world.sandbox.delete_google_event(person.email, event_id)
    await synced(world, person)
    await person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await world.work()
    assert [meeting["outcome"] for meeting in await timeline(person, contact)] == ["cancelled"]


async def test_r20_another_account_says_nothing_of_the_meetings_of_the_first(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [before] = await timeline(person, contact)
    await away(world, person)
    await world.sandbox.google_account("another@example.com")
    assert (await person.connect(email="another@example.com"))["status"] == "completed"
    await world.work()
    assert [(item["id"], item["outcome"]) for item in await timeline(person, contact)] == [(before["id"], "scheduled")]


async def test_r16_a_calendar_connected_again_before_the_first_was_closed_doubles_no_meeting(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    [before] = await timeline(person, contact)
    await person.delete(f"/v1/connections/{person.connection_id}")
    later = "UPDATE queue.pgqueuer SET execute_after = now() + interval '1 hour' WHERE entrypoint = $1"
    await world.rows(later, Job.CLOSE_CONNECTION)
    await person.connect()
    await world.work(until=timedelta(minutes=1))
    assert [meeting["id"] for meeting in await timeline(person, contact)] == [before["id"]]


async def test_r20_a_contact_whose_address_was_corrected_stays_in_their_meetings(world: World) -> None:
    person = await world.connected()
    contact, other = await make_contact(person), await make_contact(person, email="ben@example.com", name="Ben")
    event_id = await invite(world, person, person.at(2, "10:00"), VERA, "ben@example.com")
    await synced(world, person)
    await person.patch(f"/v1/contacts/{contact['id']}", {"email": "vera@example.net"})
    await world.sandbox.patch_google_event(person.email, event_id, {"summary": "Other words"})
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], {who["contact_id"] for who in meeting["contacts"]}) == (
        "Other words", {contact["id"], other["id"]},
    )  # fmt: skip
    await world.sandbox.patch_google_event(person.email, event_id, {"attendees": [{"email": "ben@example.com"}]})
    await synced(world, person)
    assert await timeline(person, contact) == [], "the host has taken her off"


async def test_r20_what_happened_while_the_sync_was_off_is_made_up_for(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    deleted = await invite(world, person, person.at(2, "10:00"), VERA)
    private = await invite(world, person, person.at(2, "12:00"), VERA, summary="Surgery")
    await synced(world, person)
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    await world.sandbox.delete_google_event(person.email, deleted)
    await world.sandbox.patch_google_event(person.email, private, {"visibility": "private"})
    await synced(world, person)
    await person.patch("/v1/calendar-settings", {"calendar_sync": True})
    await synced(world, person)
    [meeting] = await timeline(person, contact)
    assert meeting["outcome"] == "cancelled"
    assert_nowhere(await everything(world), "", "Surgery")


async def test_r20_a_date_with_a_text_of_its_own_keeps_it(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    zone = {"timeZone": person.time_zone}
    times = {name: value | zone for name, value in span(person.at(2, "10:00")).items()}
    rule = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=6"], "description": "Standing"}
    series = await invite(world, person, person.at(2, "10:00"), VERA, **rule, **times)
    await synced(world, person)
    rows = await world.rows("SELECT event_id FROM engagements ORDER BY starts_at")
    await world.sandbox.patch_google_event(person.email, rows[0]["event_id"], {"description": "Only this day"})
    await world.sandbox.patch_google_event(person.email, series, {"summary": "Renamed"})
    await synced(world, person)
    texts = sorted(meeting["description"] for meeting in await timeline(person, contact))
    assert texts == ["Only this day", *["Standing"] * 5]


async def test_r20_an_all_day_meeting_on_a_day_without_midnight_is_told_once(world: World) -> None:
    person = await world.connected(zoneinfo="Africa/Cairo")
    await make_contact(person)
    day = cairo_without_midnight(world.clock())
    times = {"start": {"date": day.isoformat()}, "end": {"date": (day + timedelta(days=1)).isoformat()}}
    event_id = await invite(world, person, person.at(2, "10:00"), VERA, **times)
    await synced(world, person)
    for color in ("1", "2"):
        await world.sandbox.patch_google_event(person.email, event_id, {"colorId": color})
        await synced(world, person)
    assert [meeting["version"] for meeting in (await person.get("/v1/engagements")).json()["items"]] == [1]


def cairo_without_midnight(now: datetime) -> date:
    """The next day in Cairo on which the clock goes from 23:59:59 to 01:00."""
    zone = ZoneInfo("Africa/Cairo")
    for days in range(1, 380):
        day = (now + timedelta(days=days)).date()
        midnight = datetime.combine(day, time(), zone)
        if midnight.astimezone(UTC).astimezone(zone).hour == 1:
            return day
    raise AssertionError("Cairo keeps one time all year now")


async def test_r12_the_connection_that_inherits_the_sync_finds_what_stands_in_it(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    await world.rows("UPDATE connections SET purposes = '{meetings}'")
    await world.rows(
        "INSERT INTO connections (account_id, id, user_id, provider, subject, email, status, scopes, purposes) "
        "SELECT account_id, gen_random_uuid(), user_id, 'google', '', 'old@example.com', 'reauthorization_required', "
        "'{}', '{calendar}' FROM connections"
    )
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    assert await timeline(person, contact) == []
    listed = (await person.get("/v1/connections")).json()["items"]
    gone = next(item["id"] for item in listed if item["purposes"] == ["calendar"])
    assert (await person.delete(f"/v1/connections/{gone}")).status_code == 204
    await world.work()
    assert len(await timeline(person, contact)) == 1
