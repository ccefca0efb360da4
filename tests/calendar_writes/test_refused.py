"""Writes that the provider refuses: asked for again until the meeting is over, and the host is told once (R46, P2)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.i18n import Language
from app.outbound.letters import UnwrittenLetter, compose, from_json, to_json
from tests.bookings.test_changes import connect_at
from tests.calendar_writes.test_writing import booked, start_of, state, the_event, the_write
from tests.support.calendar_hands import EVERYWHERE
from tests.support.people import Person
from tests.support.visitors import fault, our_events, our_writes, visit
from tests.support.world import World

UNCONFIGURED = json.dumps(
    {"error": {"code": 403, "message": "disabled", "errors": [{"reason": "accessNotConfigured"}]}}
)
NOT_OURS_TO_USE: dict[str, Any] = {
    "kind": "status",
    "status": 403,
    "body": UNCONFIGURED,
    "headers": {"Content-Type": "application/json"},
}
HOUR = timedelta(hours=1)


async def told(world: World) -> list[str]:
    """Mails to hosts about what could not be written."""
    await world.work()
    rows = await world.rows("SELECT to_email FROM mails WHERE kind = 'event_unwritten'")
    return [row["to_email"] for row in rows]


async def try_now(world: World) -> None:
    await world.services.writer.run(*await the_write(world))


async def refuse(world: World, person: Person, kind: str | dict[str, Any] = "forbidden", **match: Any) -> None:
    await fault(world, person, kind, times=None, **({"method": "POST", "path": "/events$"} | match))


async def test_r46_what_the_operator_mends_is_written_within_minutes_of_it(world: World) -> None:
    person, booking = await booked(world)
    await refuse(world, person, NOT_OURS_TO_USE)
    for hours in range(12):
        world.clock.offset = hours * HOUR
        await world.rows("DELETE FROM queue.pgqueuer WHERE entrypoint = 'write_event'")
        await try_now(world)
    assert await state(person, booking) == ("pending", "misconfigured")
    await world.sandbox.clear_google_faults()
    await world.work(until=timedelta(minutes=4))
    assert await state(person, booking) == ("written", None)


async def test_r49_nobody_is_invited_to_what_is_over_where_the_provider_mails_by_itself(world: World) -> None:
    person = await world.person(zoneinfo="Europe/Berlin")
    await connect_at(world, person, "office365")
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "10:00"))
    world.clock.offset = timedelta(days=5)  # no worker ran meanwhile
    await world.work()
    assert await EVERYWHERE["office365"](world.sandbox).look(person) == []
    assert await EVERYWHERE["office365"](world.sandbox).mails(person) == []
    await person.refresh_token()
    assert await state(person, booking) == ("failed", "already_over")


async def test_r46_one_bad_moment_loses_no_event(world: World) -> None:
    person, booking = await booked(world)
    await refuse(world, person)
    await world.work(until=timedelta(minutes=9))
    assert await state(person, booking) == ("pending", "permission_denied")
    [waiting] = await world.rows("SELECT execute_after - now() AS wait FROM queue.pgqueuer")
    assert timedelta(minutes=9) < waiting["wait"] <= timedelta(minutes=10), "asked for again by itself"
    await world.sandbox.clear_google_faults()
    await world.work(until=timedelta(minutes=10))
    assert await state(person, booking) == ("written", None)
    assert await our_writes(world, person) == ["insert"]
    assert await world.rows("SELECT failing_since FROM calendar_writes") == [{"failing_since": None}]


async def test_r46_the_host_is_told_once_after_an_hour(world: World) -> None:
    person, booking = await booked(world)
    await refuse(world, person)
    await try_now(world)
    world.clock.offset = timedelta(minutes=55)
    await try_now(world)
    assert await told(world) == []
    for hours in (1, 2, 3):
        world.clock.offset = hours * HOUR
        await try_now(world)
    assert await told(world) == [person.email]
    [mail] = [mail for mail in await world.sandbox.mails(person.email) if "Not in your calendar" in mail["subject"]]
    assert "Intro call: Vera Visitor" in mail["subject"]
    assert "does not let us change this calendar" in str(mail)
    assert (await booking.read())["status"] == "confirmed"


async def test_r46_a_second_trouble_is_told_again(world: World) -> None:
    person, booking = await booked(world)
    await refuse(world, person)
    await try_now(world)
    world.clock.offset = HOUR
    await try_now(world)
    await world.sandbox.clear_google_faults()
    await try_now(world)
    assert await state(person, booking) == ("written", None)
    await world.rows("UPDATE mails SET created_at = created_at - interval '1 hour'")
    world.clock.offset = timedelta()
    assert (await booking.cancel()).status_code == 200
    await refuse(world, person, method="DELETE", path="/events/")
    await try_now(world)
    world.clock.offset = HOUR
    await try_now(world)
    assert await told(world) == [person.email] * 2
    subjects = [mail["subject"] for mail in await world.sandbox.mails(person.email)]
    assert len([subject for subject in subjects if subject.startswith("Still in your calendar")]) == 1


async def test_r46_a_refused_write_is_given_up_when_the_meeting_is_over_and_the_host_told(world: World) -> None:
    person, booking = await booked(world)
    await refuse(world, person)
    await try_now(world)
    world.clock.offset = timedelta(days=5)
    await try_now(world)
    assert await state(person, booking) == ("failed", "permission_denied")
    await world.rows("DELETE FROM queue.pgqueuer WHERE entrypoint = 'write_event'")
    assert await told(world) == [person.email]
    asked = len(await world.sandbox.google_requests(account=person.email))
    await try_now(world)
    assert len(await world.sandbox.google_requests(account=person.email)) == asked, "given up is given up"


async def test_r46_a_refused_move_leaves_the_event_where_it_was_and_follows_later(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    await refuse(world, person, method="PATCH", path="/events/")
    to = person.at(3, "14:00")
    assert (await booking.reschedule(to)).status_code == 200
    await world.work()
    assert start_of(await the_event(world, person)) == booking.start_at
    await world.sandbox.clear_google_faults()
    await world.work(until=HOUR)
    assert start_of(await the_event(world, person)) == to


async def test_r46_refused_tokens_break_no_connection_by_a_write(world: World) -> None:
    person, booking = await booked(world)
    await fault(world, person, "unauthorized", times=2, method="POST", path="/events$")
    await try_now(world)
    assert await state(person, booking) == ("pending", "auth_expired")
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "active"
    await world.work()
    assert await state(person, booking) == ("written", None)


async def test_r46_a_fault_of_our_own_is_shown_and_its_job_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(world)
    await world.rows("DELETE FROM queue.pgqueuer")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.calendar_writes.writer.Placing", broken)
    with pytest.raises(ZeroDivisionError):
        await try_now(world)
    assert await state(person, booking) == ("pending", "internal")
    assert await world.rows("SELECT FROM queue.pgqueuer") == [], "one job is enough"
    monkeypatch.undo()
    await try_now(world)
    assert await state(person, booking) == ("written", None)


async def test_r16_a_write_with_tokens_that_cannot_be_read_waits_for_the_person(world: World) -> None:
    person, booking = await booked(world)
    await world.rows("UPDATE connection_tokens SET access_token = refresh_token")
    await try_now(world)
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert (connection["status"], connection["reason"]) == ("reauthorization_required", "secret_unreadable")
    await person.connect()
    await world.work(until=HOUR)
    assert await state(person, booking) == ("written", None)
    assert len(await our_events(world, person)) == 1


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("removing", [False, True])
@pytest.mark.parametrize("error", ["permission_denied", "calendar_gone", "misconfigured"])
def test_r46_the_letter_reads_well_in_every_language(language: Language, removing: bool, error: str) -> None:
    start = datetime(2026, 7, 1, 7, tzinfo=UTC)
    facts = UnwrittenLetter(
        language, "Europe/Stockholm", "Intro call: Vera", start, start + HOUR / 2, removing=removing, error=error
    )
    letter = compose(from_json(json.loads(json.dumps(to_json(facts)))))
    english = compose(UnwrittenLetter(Language.EN, *[getattr(facts, name) for name in facts.__slots__[1:]]))
    for text in (letter.subject, letter.text, letter.html):
        assert "mail." not in text
        assert "{" not in text
        assert error not in text
    assert "Intro call: Vera" in letter.subject
    assert "Intro call: Vera" in letter.text
    assert language is Language.EN or letter.text != english.text
