"""Events of any provider's calendar on contacts' timelines (R20, R23, R24).

The one rule: a story is told once and played at every provider; Exchange is in step with the CRM only where the
deployment lifts its limits, and the last story is told where it does not.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.crm.known import FRIEND, HOUR, TEXT, Known, begins, knowing
from tests.crm.scene import VERA, make_contact, timeline
from tests.support.places import LIMITED, TWO_WAY, Place
from tests.support.world import open_world, problem


@pytest.fixture(params=TWO_WAY)
async def known(request: pytest.FixtureRequest, settings: Settings, sandbox: Sandbox) -> AsyncIterator[Known]:
    async with knowing(request.param, settings, sandbox) as somebody:
        yield somebody


async def test_r20_an_event_with_a_known_contact_becomes_a_meeting(known: Known) -> None:
    start = known.person.at(2, "10:00")
    said = {"title": "Kick-off", "place": "Room 1", "text": TEXT}
    await known.hands.put(known.person, start=start, minutes=45, guests=["VERA@example.com", FRIEND], **said)
    await known.sync(times=3)
    meeting = await known.meeting()
    assert [meeting[name] for name in ("title", "location", "description")] == ["Kick-off", "Room 1", TEXT]
    assert (begins(meeting), datetime.fromisoformat(meeting["end_at"])) == (start, start + timedelta(minutes=45))
    assert (meeting["source"], meeting["outcome"], meeting["all_day"]) == ("calendar_sync", "scheduled", False)
    assert [(who["email"], who["role"], who["response"]) for who in meeting["contacts"]] == [
        (VERA, "attendee", "needs_action")
    ]
    assert meeting["allowed_actions"] == ["update", "cancel", "set_outcome"]
    assert meeting["version"] == 1
    assert await known.writes() == [], "nothing is written because something was read"


async def test_r20_edits_answers_and_deletion_follow(known: Known) -> None:
    start = known.person.at(2, "10:00")
    event_id = await known.hands.put(known.person, start=start, guests=[VERA])
    await known.sync()
    await known.hands.change(known.person, event_id, title="Later", start=start + HOUR, minutes=30)
    await known.sync()
    meeting = await known.meeting()
    assert (meeting["title"], begins(meeting)) == ("Later", start + HOUR)
    for said, outcome in (("accepted", "scheduled"), ("tentative", "scheduled"), ("declined", "declined")):
        await known.hands.answer(known.person, event_id, VERA, said)
        await known.sync()
        meeting = await known.meeting()
        assert (meeting["contacts"][0]["response"], meeting["outcome"]) == (said, outcome)
    await known.hands.delete(known.person, event_id)
    await known.sync(times=2)
    assert (await known.meeting())["outcome"] == "cancelled"
    assert await known.writes() == []
    told = await known.world.rows("SELECT type FROM feed_events WHERE type LIKE 'engagement.%' ORDER BY sequence")
    assert [row["type"] for row in told] == [
        "engagement.created", *["engagement.updated"] * 4, "engagement.cancelled",
    ]  # fmt: skip


async def test_r20_an_event_the_contact_organizes_is_a_meeting_nobody_here_can_change(known: Known) -> None:
    start = known.person.at(2, "10:00")
    await known.hands.receive(known.person, VERA, title="Hers", start=start)
    await known.sync(times=2)
    meeting = await known.meeting()
    assert (meeting["title"], begins(meeting)) == ("Hers", start)
    assert [who["role"] for who in meeting["contacts"]] == ["organizer"]
    assert meeting["allowed_actions"] == ["set_outcome"]
    assert await known.writes() == []


async def test_r20_an_event_is_a_meeting_while_a_contact_takes_part(known: Known) -> None:
    event_id = await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[FRIEND])
    await known.sync()
    assert await known.meetings() == []
    await known.hands.change(known.person, event_id, guests=[FRIEND, VERA])
    await known.sync()
    assert len(await known.meetings()) == 1
    await known.hands.change(known.person, event_id, guests=[FRIEND])
    await known.sync()
    assert await known.meetings() == []
    assert (await known.person.get("/v1/engagements")).json()["items"] == []


async def test_r20_somebody_who_becomes_known_brings_their_meetings(known: Known) -> None:
    await known.hands.put(known.person, start=known.person.at(2, "10:00"), guests=[FRIEND], title="Before")
    await known.hands.put(known.person, start=known.person.at(2, "12:00"), guests=[FRIEND], days=2)
    await known.sync()
    friend = await make_contact(known.person, FRIEND)
    await known.world.work()
    assert len(await timeline(known.person, friend)) == 3


async def test_r20_of_a_private_event_nothing_is_kept_and_one_made_private_leaves(known: Known) -> None:
    start = known.person.at(2, "10:00")
    await known.hands.put(known.person, start=start, guests=[VERA], private=True, title="Surgery")
    event_id = await known.hands.put(known.person, start=start + HOUR, guests=[VERA], title="Checkup")
    await known.sync()
    assert (await known.meeting())["title"] == "Checkup"
    assert len(await known.world.rows("SELECT DISTINCT event_id FROM mirror_addresses")) == 1
    await known.hands.change(known.person, event_id, private=True)
    await known.sync()
    assert await known.meetings() == []
    assert await known.world.rows("SELECT * FROM mirror_addresses") == []
    told = repr(await known.world.rows("SELECT data::text FROM feed_events"))
    assert "Surgery" not in told
    assert "Checkup" not in told


async def test_r20_every_date_of_a_series_is_a_meeting_and_goes_its_own_way(known: Known) -> None:
    start = known.person.at(2, "10:00")
    series = await known.hands.put(known.person, start=start, guests=[VERA], days=4)
    await known.sync()
    before = await known.meetings()
    assert len(before) == 4
    await known.hands.change(known.person, series, title="Daily")
    await known.sync()
    assert {meeting["title"] for meeting in await known.meetings()} == {"Daily"}
    dates = await known.hands.dates(known.person, series)
    await known.hands.change(known.person, dates[1], start=begins(before[1]) + 2 * HOUR)
    await known.hands.delete(known.person, dates[2])
    await known.sync(times=2)
    after = await known.meetings()
    assert [meeting["id"] for meeting in after] == [meeting["id"] for meeting in before], "each is the one it was"
    assert [begins(meeting) - begins(former) for meeting, former in zip(after, before, strict=True)] == [
        timedelta(), 2 * HOUR, timedelta(), timedelta(),
    ]  # fmt: skip
    assert [meeting["outcome"] for meeting in after] == ["scheduled", "scheduled", "cancelled", "scheduled"]
    await known.hands.delete(known.person, series)
    await known.sync(times=2)
    assert {meeting["outcome"] for meeting in await known.meetings()} == {"cancelled"}
    assert await known.writes() == []


@pytest.mark.parametrize("known", [LIMITED], indirect=True)
async def test_r24_where_the_limits_stand_no_event_reaches_the_crm(known: Known) -> None:
    wished = await known.person.patch("/v1/calendar-settings", {"calendar_sync": True})
    assert problem(wished, 409, "capability_not_supported")["reason"] == "provider_unsupported"
    start = known.person.at(2, "10:00")
    event_id = await known.hands.put(known.person, start=start, guests=[VERA], title="Kick-off")
    await known.hands.put(known.person, start=start + HOUR, guests=[FRIEND], days=2)
    await known.sync(times=2)
    await known.hands.change(known.person, event_id, title="Changed")
    await known.sync()
    await make_contact(known.person, FRIEND)
    await known.world.work()
    assert (await known.person.get("/v1/engagements")).json()["items"] == []
    assert await known.world.rows("SELECT * FROM engagements") == []
    assert await known.world.rows("SELECT * FROM calendar_changes") == [], "and nothing waits to come later"
    assert "Kick-off" not in repr(await known.world.rows("SELECT data::text FROM feed_events"))


@pytest.mark.parametrize("known", [Place("exchange", exchange_full_sync=True)], indirect=True, ids=["exchange"])
async def test_r24_a_deployment_that_takes_up_the_limits_follows_nobody_any_more(
    known: Known, settings: Settings, sandbox: Sandbox
) -> None:
    start = known.person.at(2, "10:00")
    event_id = await known.hands.put(known.person, start=start, guests=[VERA], title="Before")
    await known.sync()
    assert not settings.exchange_full_sync
    async with open_world(settings, sandbox) as limited:
        there = Known(limited, known.hands, replace(known.person, api=limited.api), known.contact)
        assert (await there.person.get("/v1/calendar-settings")).json()["calendar_sync"], "their own word still stands"
        await there.hands.change(there.person, event_id, title="Changed")
        await there.hands.put(there.person, start=start + HOUR, guests=[VERA], title="New")
        await there.sync(times=2)
        assert [meeting["title"] for meeting in await there.meetings()] == ["Before"]
