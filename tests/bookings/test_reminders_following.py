"""Reminders follow their booking: made, moved and ended with it (R49).

The one rule: however a booking comes to be, whoever moves it and whoever ends it, what is due is what its time says.
"""

import asyncio
from datetime import datetime, timedelta

import pytest

from app.ids import decode_id
from tests.bookings.reminding import VERA, kinds, page_with, reminders, stand_at, wait_until, waiting
from tests.bookings.requesting import accept, ask, connected
from tests.bookings.test_drift import booked, ledger, move, policy, synced
from tests.bookings.test_holds import by, kept
from tests.bookings.test_on_behalf import booked as booked_for
from tests.bookings.test_on_behalf import integration
from tests.support.teams import colleagues, team_page
from tests.support.visitors import Visit, visit
from tests.support.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def due(world: World) -> list[datetime]:
    """When the next reminders are due."""
    return [at for at, _ in await waiting(world)]


async def test_r49_however_a_meeting_is_booked_it_is_reminded_of(world: World) -> None:
    host, other = await colleagues(world, 2)
    page = await page_with(host, 60)
    starts = [host.at(3, f"1{hour}:00") for hour in range(6)]
    await visit(host, page, starts[0])
    await visit(host, page, starts[1], **by(await kept(world.api, page, starts[1])))
    await booked_for(host, page, starts[2])
    await booked_for(await integration(world, host.account_id), page, starts[3])
    for start, kind in zip(starts[4:], ("group", "round_robin"), strict=True):
        await visit(host, await team_page([host, other], kind, reminders_minutes_before=[60]), start)
    assert await due(world) == [start - HOUR for start in starts]


async def test_r49_a_request_is_reminded_of_once_it_is_booked(world: World) -> None:
    host = await world.person()
    page = await page_with(host, 60)
    accepted, confirmed = await ask(host, page, 3, "10:00"), await ask(host, page, 3, "11:00")
    assert await due(world) == []
    await connected(world, host)
    assert (await accept(host, accepted)).status_code == 200
    assert await due(world) == [host.at(3, "9:00")]
    await host.patch("/v1/calendar-settings", {"auto_confirm_requests": True})
    await world.work()
    assert await due(world) == [host.at(3, "9:00"), host.at(3, "10:00")]
    assert (await accept(host, confirmed)).status_code == 409
    await wait_until(world, host.at(3, "10:00"))
    assert len(await reminders(world, VERA)) == 1, "one has begun, of the other there is an hour left"


async def test_r49_a_booking_that_is_moved_is_reminded_of_anew(world: World) -> None:
    host = await world.connected()
    booking = await visit(host, await page_with(host, 1440, 60), host.at(3, "10:00"))
    assert await wait_until(world, booking.start_at - DAY) == 1
    later, latest = host.at(5, "10:00"), host.at(6, "10:00")
    assert (await booking.reschedule(later)).status_code == 200
    assert await waiting(world) == [(later - DAY, [1440, 60])]
    assert await wait_until(world, booking.start_at - HOUR) == 0, "that time is no more"
    moved = await host.post(f"/v1/bookings/{booking.id}/reschedule", {"start_at": latest.isoformat()})
    assert moved.status_code == 200, moved.text
    assert await waiting(world) == [(latest - DAY, [1440, 60])]
    assert await wait_until(world, latest - DAY) == 1
    assert len(await reminders(world, VERA)) == 2, "a day before each time"
    soon = latest - 3 * HOUR
    assert (await booking.reschedule(soon)).status_code == 200
    assert await waiting(world) == [(soon - HOUR, [60])], "a day before is past"


@pytest.mark.parametrize("by_visitor", [True, False])
async def test_r49_a_booking_that_is_cancelled_is_not_reminded_of(world: World, by_visitor: bool) -> None:
    host = await world.connected()
    page = await page_with(host, 60)
    ended, stands = await visit(host, page, host.at(3, "10:00")), await visit(host, page, host.at(3, "11:00"))
    answer = await ended.cancel() if by_visitor else await host.post(f"/v1/bookings/{ended.id}/cancel", {})
    assert answer.status_code == 200, answer.text
    assert await due(world) == [stands.start_at - HOUR]
    assert await wait_until(world, ended.start_at - HOUR) == 0
    assert await kinds(world) == []


async def test_r49_a_booking_that_follows_its_event_takes_its_reminders_along(world: World) -> None:
    host, booking, event_id = await booked(world, reminders_minutes_before=[1440, 60])
    later = booking.start_at + DAY
    await move(world, host, event_id, later)
    await synced(world, host)
    assert await due(world) == [later - DAY]
    await policy(host, moved="ask")
    await move(world, host, event_id, later + 2 * HOUR)
    await synced(world, host)
    assert await due(world) == [later - DAY], "nothing has moved before the host has decided"
    [entry] = await ledger(host, status="open")
    resolved = await host.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    assert resolved.status_code == 200, resolved.text
    assert await due(world) == [later + 2 * HOUR - DAY]
    await world.sandbox.delete_google_event(host.email, event_id)
    await synced(world, host)
    assert await due(world) == [], "cancelled by its host, in the calendar"


async def test_r49_a_meeting_that_is_made_longer_is_reminded_of_as_before(world: World) -> None:
    host, booking, event_id = await booked(world, reminders_minutes_before=[1440])
    await host.patch(f"/v1/scheduling-pages/{booking.page_id}", {"reminders_minutes_before": [60]})
    await move(world, host, event_id, booking.start_at, minutes=50)
    await synced(world, host)
    assert (await host.get(f"/v1/bookings/{booking.id}")).json()["version"] == 2
    assert await waiting(world) == [(booking.start_at - DAY, [1440])]


async def test_r49_moving_in_the_moment_of_a_reminder_has_one_outcome(world: World) -> None:
    host = await world.connected()
    page = await page_with(host, 60)
    booking = await visit(host, page, host.at(3, "10:00"))
    await world.work()
    for round_ in range(4):
        booking = await _move_while_reminding(world, booking, host.at(4 + round_, "10:00"))


async def _move_while_reminding(world: World, booking: Visit, to: datetime) -> Visit:
    """The mail tells one time, and what is due is the other's, whichever came first."""
    [row] = await world.rows("SELECT account_id FROM bookings")
    stand_at(world, booking.start_at - HOUR)
    await world.services.reminders.sweep()
    answer, _ = await asyncio.gather(
        booking.reschedule(to),
        world.services.reminders.run(row["account_id"], decode_id("bkg", booking.id)),
    )
    assert answer.status_code == 200, answer.text
    assert await waiting(world) == [(to - HOUR, [60])]
    told = await world.rows(
        "SELECT letter->>'starts_at' AS at FROM mails WHERE kind = 'reminder_visitor' AND status = 'queued'"
    )
    assert {datetime.fromisoformat(mail["at"]) for mail in told} <= {booking.start_at}
    await world.work()
    assert await reminders(world, VERA) == [], "by the time it is sent it is out of date"
    return Visit(booking.api, booking.id, booking.token, booking.page_id, to)
