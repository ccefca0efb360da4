"""Where a visitor's booking can be moved to: slots of its own length, whatever became of its page (R47)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.people import Person
from tests.support.teams import busy, colleagues, team_page
from tests.support.visitors import Visit, our_events, visit
from tests.support.world import World, problem


async def moves(host: Person, booking: Visit, days: int = 3) -> list[dict[str, Any]]:
    day = host.day(days).isoformat()
    query = {"time_zone": host.time_zone, "first_day": day, "last_day": day}
    answer = await booking.api.get(f"{booking.path}/slots", params=query, headers={"Booking-Token": booking.token})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def clocks(host: Person, booking: Visit, days: int = 3) -> list[str]:
    return [slot["start_at"][11:16] for slot in await moves(host, booking, days)]


async def test_r47_a_booking_made_longer_in_the_calendar_is_moved_to_times_that_are_shown(world: World) -> None:
    host = await world.connected()
    booking = await visit(host, await host.make_page(), host.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, host)
    await world.sandbox.patch_google_event(
        host.email, event["id"], {"end": {"dateTime": host.at(3, "10:45").isoformat()}}
    )
    await host.post(f"/v1/connections/{host.connection_id}/sync")
    await world.work()
    found = await moves(host, booking)
    lengths = {datetime.fromisoformat(slot["end_at"]) - datetime.fromisoformat(slot["start_at"]) for slot in found}
    assert lengths == {timedelta(minutes=45)}
    day = {"time_zone": host.time_zone, "first_day": str(host.day(3)), "last_day": str(host.day(3))}
    assert (await host.get(f"/v1/bookings/{booking.id}/slots", **day)).json()["items"] == found
    assert {"13:00", "13:30"} <= {*await clocks(host, booking)}, "where the page's meetings begin"
    assert (await booking.reschedule(host.at(3, "13:30"))).status_code == 200


@pytest.mark.parametrize("fate", ["another length", "turned off", "gone"])
async def test_r47_what_becomes_of_the_page_closes_no_way_out_of_a_booking(world: World, fate: str) -> None:
    host = await world.connected()
    page = await host.make_page()
    booking, path = await visit(host, page, host.at(3, "10:00")), f"/v1/scheduling-pages/{page['id']}"
    match fate:
        case "another length":
            done = await host.patch(path, {"durations_minutes": [20]})
        case "turned off":
            done = await host.patch("/v1/calendar-settings", {"turned_off": True})
        case _:
            done = await host.delete(path)
    assert done.is_success, done.text
    for slot in (await moves(host, booking))[:2]:
        moved = await booking.reschedule(slot["start_at"])
        assert moved.status_code == 200, moved.text


@pytest.mark.parametrize("fate", ["cancelled", "too late", "begun"])
async def test_r47_of_a_booking_that_cannot_be_moved_no_free_time_is_told(world: World, fate: str) -> None:
    host = await world.connected()
    page = await host.make_page(reschedule_cutoff_minutes=120)
    booking = await visit(host, page, host.at(3, "10:00"))
    assert len(await moves(host, booking)) > 2
    match fate:
        case "cancelled":
            done = await host.post(f"/v1/bookings/{booking.id}/cancel", {})
            assert done.status_code == 200, done.text
        case _:
            before = timedelta(minutes=60 if fate == "too late" else -10)
            world.clock.offset += booking.start_at - before - datetime.now(UTC)
    assert (await booking.read())["can_reschedule"] is False
    assert await moves(host, booking) == []
    day = {"time_zone": host.time_zone, "first_day": str(host.day(3)), "last_day": str(host.day(3))}
    seen = (await host.get(f"/v1/bookings/{booking.id}/slots", **day)).json()["items"]
    assert bool(seen) is (fate == "too late"), "until it begins, its host decides"


async def test_r47_a_bookings_own_time_is_no_obstacle_to_it_and_anybody_elses_is(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group", increment_minutes=15)
    booking = await visit(ada, page, ada.at(3, "10:00"))
    await world.work()
    await busy(world, ben, ada.at(3, "11:00"))
    found = {*await clocks(ada, booking)}
    assert {"09:45", "10:15", "10:30", "11:30"} <= found, "its invitation stands in Ben's calendar, too"
    assert not found & {"10:00", "10:45", "11:00", "11:15"}
    assert (await booking.reschedule(ada.at(3, "10:15"))).status_code == 200


@pytest.mark.parametrize("whose", [0, 1])
async def test_r47_what_a_host_has_beside_a_booking_is_an_obstacle_to_moving_it(world: World, whose: int) -> None:
    people = await colleagues(world, 2)
    ada = people[0]
    page = await team_page(people, "group", durations_minutes=[60], increment_minutes=15)
    booking = await visit(ada, page, ada.at(3, "10:00"), duration_minutes=60)
    await world.work()
    await busy(world, people[whose], ada.at(3, "10:15"))
    found = {*await clocks(ada, booking)}
    assert not found & {"09:30", "09:45", "10:15", "10:30"}
    assert {"09:15", "10:45"} <= found, "its invitation stands in Ben's calendar, too"
    refused = problem(await booking.reschedule(ada.at(3, "10:30")), 409, "slot_unavailable")
    taken = {ada.at(3, clock) for clock in ("09:30", "09:45", "10:15", "10:30")}
    assert not taken & {datetime.fromisoformat(slot["start_at"]) for slot in refused["alternatives"]}
    assert (await booking.reschedule(ada.at(3, "10:45"))).status_code == 200


@pytest.mark.parametrize("decides", [True, False])
async def test_r31_r47_what_is_tentative_beside_a_booking_counts_as_its_person_decides(
    world: World, decides: bool
) -> None:
    ada, ben = await colleagues(world, 2)
    await ben.patch("/v1/calendar-settings", {"tentative_blocks": decides})
    page = await team_page([ada, ben], "group", durations_minutes=[60], increment_minutes=15)
    booking = await visit(ada, page, ada.at(3, "10:00"), duration_minutes=60)
    await world.work()
    times = [{"dateTime": ada.at(3, clock).isoformat()} for clock in ("10:15", "10:45")]
    guests = [{"email": ben.email, "self": True, "responseStatus": "tentative"}, {"email": "o@example.com"}]
    maybe = {"start": times[0], "end": times[1], "attendees": guests, "organizer": {"email": "o@example.com"}}
    await world.sandbox.insert_google_event(ben.email, maybe)
    await ben.post(f"/v1/connections/{ben.connection_id}/sync")
    await world.work()
    assert ("10:30" in await clocks(ada, booking)) is not decides


async def test_r47_times_are_listed_to_who_holds_the_booking(world: World) -> None:
    host = await world.connected()
    booking = await visit(host, await host.make_page(), host.at(3, "10:00"))
    query = {"time_zone": "UTC", "first_day": "2030-01-01", "last_day": "2030-01-01"}
    answer = await booking.api.get(f"{booking.path}/slots", params=query, headers={"Booking-Token": "guessed"})
    assert problem(answer, 401, "booking_token_invalid")
