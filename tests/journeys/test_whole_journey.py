"""From consent to a cancelled booking, at every provider (R1, R6, R16, R28, R31, R44, R46, R47, R49)."""

from datetime import UTC, timedelta

import pytest
from icalendar import Calendar

from tests.support.hands import ALL, Hands
from tests.support.people import Person
from tests.support.visitors import Visit, visit
from tests.support.world import World, problem


@pytest.fixture(params=sorted(ALL))
async def hands(request: pytest.FixtureRequest, world: World) -> Hands:
    return ALL[request.param](world.sandbox)


async def connected(world: World, hands: Hands) -> Person:
    person = await world.person(zoneinfo="Europe/Berlin")
    await hands.account(person)
    await hands.connect(person)
    await world.work()
    return person


async def test_r1_the_main_job_from_consent_to_the_end(world: World, hands: Hands) -> None:
    person = await world.person(zoneinfo="Europe/Berlin")
    await hands.account(person)
    busy = person.at(3, "10:00")
    await hands.add(person, busy)
    await hands.connect(person)
    await world.work()
    page = await person.make_page()
    offered = {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}
    assert {"09:30", "11:00"} <= offered
    assert not {"10:00", "10:30"} & offered
    visitor = f"vera-{person.user_id[-10:]}@example.com"
    booking = await visit(person, page, person.at(3, "12:00"), email=visitor)
    problem(await person.book(page["id"], person.at(3, "12:00").isoformat()), 409, "slot_unavailable")
    await world.work()
    start = person.at(3, "12:00").astimezone(UTC)
    assert (start, start + timedelta(minutes=30)) in (await hands.events(person)).values()
    assert (await booking.read())["calendar_event"]["status"] == "written"
    assert await downloaded_uid(booking) in await hands.uids(person), "it is the event that the calendar has"
    assert await hands.made_by_us(person) == 1
    if hands.changes:
        await move_and_cancel(world, hands, person, booking)
    else:
        to = person.at(4, "15:00")
        refused = problem(await booking.reschedule(to), 409, "capability_not_supported")
        assert refused["capability"] == "event_reschedule"
        assert "provider" not in refused, "R34: whose calendar it is, a visitor is not told"
        problem(await booking.cancel(), 409, "capability_not_supported")
    read, seen = await booking.read(), (await person.get(f"/v1/bookings/{booking.id}")).json()
    changeable = hands.changes and read["status"] != "cancelled"
    assert {read["can_reschedule"], read["can_cancel"], bool(seen["allowed_actions"])} == {changeable}
    mails = await world.sandbox.mails(visitor)
    assert ("/reschedule#" in mails[0]["text"]) == hands.changes
    assert len(mails) == (3 if hands.changes else 1), "confirmed, moved, cancelled"


async def downloaded_uid(booking: Visit) -> str:
    """Under which the downloaded invitation goes into a calendar."""
    answer = await booking.api.get(f"{booking.path}/invite.ics", headers={"Booking-Token": booking.token})
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    return str(event["UID"])


async def move_and_cancel(world: World, hands: Hands, person: Person, booking: Visit) -> None:
    """The visitor changes the booking, and the one event follows."""
    before = await hands.events(person)
    to = person.at(4, "15:00")
    assert (await booking.reschedule(to)).status_code == 200
    await world.work()
    moved = to.astimezone(UTC)
    assert (moved, moved + timedelta(minutes=30)) in (await hands.events(person)).values()
    assert len(await hands.events(person)) == len(before)
    assert (await booking.cancel()).status_code == 200
    await world.work()
    assert len(await hands.events(person)) == len(before) - 1
    assert await hands.made_by_us(person) == 1


async def test_r49_a_visitor_gets_one_invitation(world: World, hands: Hands) -> None:
    person = await connected(world, hands)
    visitor = f"vera-{person.user_id[-10:]}@example.com"
    await visit(person, await person.make_page(), person.at(3, "12:00"), email=visitor)
    await world.work()
    [mail] = await world.sandbox.mails(visitor)
    providers = (await person.get("/v1/providers")).json()["items"]
    assert hands.provider in {item["provider"] for item in providers}
    if hands.provider == "office365":
        assert mail["calendar"] is None
        [invitation] = await world.sandbox.microsoft.outbox(to=visitor)
        assert invitation["kind"] == "invitation"
    else:
        assert mail["calendar"]["method"] == "REQUEST"


async def test_r31_what_the_person_puts_in_later_blocks_at_once(world: World, hands: Hands) -> None:
    person = await connected(world, hands)
    page = await person.make_page()
    await hands.add(person, person.at(3, "14:00"))
    problem(await person.book(page["id"], person.at(3, "14:30").isoformat()), 409, "slot_unavailable")
    await world.work()  # the refusal had the calendar looked at
    assert "14:00" not in {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}


async def test_r16_a_grant_taken_back_is_healed_by_the_same_account(world: World, hands: Hands) -> None:
    person = await connected(world, hands)
    page = await person.make_page()
    await hands.revoke(person)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    broken = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    reason = "password_changed" if hands.provider == "exchange" else "token_revoked"
    assert (broken["status"], broken["reason"]) == ("reauthorization_required", reason)
    problem(await person.book(page["id"], person.at(3, "12:00").isoformat()), 409, "booking_unavailable")
    former = person.connection_id
    await hands.heal(person)
    await world.work()
    healed = (await person.get(f"/v1/connections/{former}")).json()
    assert (healed["status"], person.connection_id) == ("active", former)
    await visit(person, page, person.at(3, "12:00"))
