"""What a visitor types, and whom it reaches.

The one rule: nobody has proved that the visitor's address is theirs, or that the guests know them. What they typed is
told to who hosts the meeting, and to no stranger in the service's or the host's name.
"""

import pytest

from tests.bookings.requesting import ask
from tests.support.visitors import visit
from tests.support.world import World

VERA, GUS = "vera@example.com", "gus@example.com"
LURE = "You have won.\nClaim it at https://prize.example.com"


async def words_to(world: World, reader: str) -> list[str]:
    """All that each mail to the reader says."""
    mails = await world.sandbox.mails(reader)
    return [mail["subject"] + mail["text"] + mail["html"] + str(mail["calendar"]) for mail in mails]


@pytest.mark.parametrize("way", ["reschedule", "cancel"])
async def test_r49_why_a_visitor_changes_a_booking_is_told_to_its_host_alone(world: World, way: str) -> None:
    host = await world.connected()
    page = await host.make_page(max_guests=1)
    booked = await visit(host, page, host.at(3, "10:00"), guests=[GUS])
    await world.work()
    await world.sandbox.delete_mails()
    body = {"reason": LURE} | ({"start_at": host.at(4, "15:00").isoformat()} if way == "reschedule" else {})
    changed = await world.api.post(f"{booked.path}/{way}", json=body, headers={"Booking-Token": booked.token})
    assert changed.status_code == 200, changed.text
    await world.work()
    [to_host] = await words_to(world, host.email)
    assert "prize.example.com" in to_host
    for reader in (VERA, GUS):
        [said] = await words_to(world, reader)
        assert "prize.example.com" not in said
        assert "You have won" not in said


@pytest.mark.parametrize("way", ["reschedule", "cancel"])
async def test_r49_why_a_host_changes_a_booking_is_told_to_everybody(world: World, way: str) -> None:
    host = await world.connected()
    page = await host.make_page(max_guests=1)
    booked = await visit(host, page, host.at(3, "10:00"), guests=[GUS])
    await world.work()
    await world.sandbox.delete_mails()
    body = {"reason": "The dentist"} | ({"start_at": host.at(4, "15:00").isoformat()} if way == "reschedule" else {})
    assert (await host.post(f"/v1/bookings/{booked.id}/{way}", body)).status_code == 200
    await world.work()
    for reader in (host.email, VERA, GUS):
        [said] = await words_to(world, reader)
        assert "The dentist" in said


async def test_r49_why_a_visitor_withdraws_a_request_is_told_to_its_host_alone(world: World) -> None:
    host = await world.person()
    page = await host.make_page(max_guests=1)
    asked = await ask(host, page, 3, "10:00", guests=[GUS])
    await world.work()
    await world.sandbox.delete_mails()
    assert (await asked.withdraw(reason=LURE)).status_code == 200
    await world.work()
    [to_host] = await words_to(world, host.email)
    assert "prize.example.com" in to_host
    assert await words_to(world, VERA) + await words_to(world, GUS) == []
