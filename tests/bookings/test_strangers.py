"""What a visitor types, and whom it reaches.

The one rule: nobody has proved that the visitor's address is theirs, or that the guests know them. What they typed is
told to who hosts the meeting, and to no stranger in the service's or the host's name.
"""

import json

import pytest

from tests.bookings.requesting import ask
from tests.support.hands import ALL
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World

VERA, GUS = "vera@example.com", "gus@example.com"
LURE = "You have won.\nClaim it at https://prize.example.com"


async def connected_at(world: World, provider: str) -> Person:
    """Somebody whose calendar is at the provider."""
    host, hands = await world.person(), ALL[provider](world.sandbox)
    await hands.account(host)
    await hands.connect(host)
    await world.work()
    return host


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


async def written(world: World, provider: str, host: Person) -> str:
    """All that stands in the host's primary calendar."""
    if provider == "google":
        return json.dumps(await world.sandbox.google_events(host.email), ensure_ascii=False)
    return json.dumps(await world.sandbox.microsoft.events(host.email), ensure_ascii=False)


@pytest.mark.parametrize("provider", ["google", "office365"])
async def test_r34_the_event_says_to_its_guests_what_the_page_says_and_no_answer(world: World, provider: str) -> None:
    """Whoever is invited reads it, and Office 365 mails it in the host's name."""
    host = await connected_at(world, provider)
    field = {"id": "why", "label": "Your question", "kind": "long_text", "required": False}
    page = await host.make_page(form_fields=[field], max_guests=1, description="Bring your papers")
    made = await host.book(page["id"], host.at(3, "10:00").isoformat(), guests=[GUS], answers={"why": LURE})
    assert made.status_code == 201, made.text
    await world.work()
    text = await written(world, provider, host)
    assert "Bring your papers" in text
    assert "Your question" not in text
    assert "prize.example.com" not in text
    [to_host] = await words_to(world, host.email)
    assert "prize.example.com" in to_host
    for reader in (VERA, GUS):
        assert "prize.example.com" not in "".join(await words_to(world, reader))
    own = (await host.get(f"/v1/bookings/{made.json()['id']}")).json()
    assert [answer["value"] for answer in own["answers"]] == [LURE]


@pytest.mark.parametrize("provider", ["google", "office365"])
async def test_r46_an_event_that_has_the_answers_still_is_left_alone_until_the_booking_changes(
    world: World, provider: str
) -> None:
    host = await connected_at(world, provider)
    page = await host.make_page(description="Bring your papers")
    booked = await visit(host, page, host.at(3, "10:00"))
    old = "UPDATE calendar_writes SET draft = draft || jsonb_build_object('description', 'Question: Red')"
    await world.rows(old + ", desired_seq = desired_seq + 1")
    await world.rows("UPDATE queue.pgqueuer SET execute_after = now()")
    await world.work()
    assert "Question: Red" in await written(world, provider, host)
    await host.post(f"/v1/connections/{host.connection_id}/sync")
    await world.work()
    assert "Question: Red" in await written(world, provider, host)
    assert (await booked.read())["status"] == "confirmed"
    assert (await booked.reschedule(host.at(4, "15:00"))).status_code == 200
    await world.work()
    text = await written(world, provider, host)
    assert "Question: Red" not in text
    assert "Bring your papers" in text
    assert await ALL[provider](world.sandbox).made_by_us(host) == 1
