"""Requests are accepted, declined or withdrawn, once (R26).

The one rule: accepting is booking, with every guard that booking has; whatever else happens, nothing is written.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.ids import decode_id, encode_id, new_id
from tests.bookings.requesting import (
    Asked,
    accept,
    ask,
    audited,
    connected,
    decline,
    feed,
    letter,
    mailed,
    read,
)
from tests.support.people import Person
from tests.support.visitors import fault, our_events, our_writes
from tests.support.world import World, problem


async def bookings(world: World) -> int:
    return len(await world.rows("SELECT FROM bookings"))


async def by_hand(world: World, person: Person, days: int, start: str, end: str) -> None:
    times = [{"dateTime": person.at(days, clock).isoformat()} for clock in (start, end)]
    await world.sandbox.insert_google_event(person.email, {"start": times[0], "end": times[1]})


async def test_r26_an_accepted_request_is_a_booking_like_any_other(world: World) -> None:
    person = await world.person()
    page = await person.make_page(max_guests=1, buffer_after_minutes=15)
    asked = await ask(person, page, 3, "10:00", guests=["guest@example.com"], language="sv")
    await connected(world, person)
    before = await read(person, asked)
    assert (before["clashes"], before["alternatives"], before["booking_id"]) == (False, [], None)
    assert before["allowed_actions"] == ["accept", "decline"]
    answer = await accept(person, asked)
    assert answer.status_code == 200, answer.text
    accepted = answer.json()
    assert (accepted["status"], accepted["decided_by"], accepted["allowed_actions"]) == ("accepted", "host", [])
    await world.work()
    booking = (await person.get(f"/v1/bookings/{accepted['booking_id']}")).json()
    told = {
        name: booking[name] for name in ("start_at", "end_at", "visitor_name", "visitor_email", "guests", "language")
    }
    assert told == {name: before[name] for name in told}
    assert (booking["status"], booking["calendar_event"]["status"]) == ("confirmed", "written")
    [event] = await our_events(world, person)
    assert {guest["email"] for guest in event["attendees"]} >= {"vera@example.com", "guest@example.com"}
    [held] = await world.rows("SELECT upper(during) - lower(during) AS taken FROM reservations")
    assert held["taken"] == timedelta(minutes=45), "buffers included"
    assert await mailed(world) == ["accepted_visitor", "confirmed_guest", "confirmed_host"]
    assert await feed(world) == ["meeting_request.created", "meeting_request.accepted", "booking.created"]
    me = f"user:{decode_id('usr', person.user_id)}"
    assert await audited(world) == [(me, "meeting_request.accepted"), (me, "booking.created")]


async def test_r26_the_visitors_token_opens_the_booking_that_the_request_became(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    waiting = (await asked.get()).json()
    assert (waiting["status"], waiting["can_withdraw"], waiting["booking_id"]) == ("pending", True, None)
    await connected(world, person)
    await accept(person, asked)
    await world.work()
    seen = (await asked.get()).json()
    assert (seen["status"], seen["can_withdraw"]) == ("accepted", False)
    path = f"/v1/public/bookings/{seen['booking_id']}"
    booking = (await asked.get(path)).json()
    assert (booking["status"], booking["can_cancel"], booking["start_at"]) == ("confirmed", True, waiting["start_at"])
    mail = await letter(world, "accepted_visitor")
    assert f"/bookings/{seen['booking_id']}/cancel#token={asked.token}" in mail["text"]
    assert "METHOD:REQUEST" in str(mail), "the invitation comes along"
    moved = await world.api.post(
        f"{path}/reschedule",
        json={"start_at": person.at(4, "11:00").isoformat()},
        headers={"Booking-Token": asked.token},
    )
    assert moved.status_code == 200, moved.text
    await world.work()
    assert len(await our_events(world, person)) == 1


async def test_r26_nothing_can_be_accepted_without_a_calendar(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    assert (await read(person, asked))["allowed_actions"] == ["decline"]
    problem(await accept(person, asked), 409, "calendar_not_connected")
    await world.sandbox.google_account(person.email)
    await person.connect()
    problem(await accept(person, asked), 409, "booking_unavailable")  # connected, and never read
    await world.work()
    await person.delete(f"/v1/connections/{person.connection_id}")
    problem(await accept(person, asked), 409, "calendar_not_connected")
    assert (await read(person, asked))["clashes"] is None, "nobody can tell again"
    assert await bookings(world) == 0


async def test_r26_a_taken_time_is_refused_with_alternatives_and_shown_with_them(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:30")
    await world.sandbox.google_account(person.email)
    await by_hand(world, person, 3, "10:00", "11:00")
    await connected(world, person)
    shown = await read(person, asked)
    assert (shown["status"], shown["clashes"], shown["allowed_actions"]) == ("pending", True, ["decline"])
    refused = problem(await accept(person, asked), 409, "slot_unavailable")
    assert refused["alternatives"] == shown["alternatives"]
    starts = [datetime.fromisoformat(item["start_at"]).astimezone(UTC) for item in shown["alternatives"]]
    assert len(starts) == 5
    assert person.at(3, "11:00") in starts
    assert all(not person.at(3, "09:30") < start < person.at(3, "11:00") for start in starts)
    listed = (await person.get("/v1/meeting-requests")).json()["items"]
    assert listed == [shown]
    assert (await read(person, asked))["status"] == "pending", "it can still be declined"
    await decline(person, asked)
    answered = await read(person, asked)
    assert (answered["clashes"], answered["alternatives"]) == (True, []), (
        "as it was then; nobody looks for another time"
    )


async def test_r26_what_was_made_by_hand_a_moment_ago_is_not_accepted_over(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await connected(world, person)
    await by_hand(world, person, 3, "10:00", "11:00")
    assert (await read(person, asked))["clashes"] is False, "the mirror does not know yet"
    assert problem(await accept(person, asked), 409, "slot_unavailable")["alternatives"]
    await world.work()
    assert (await read(person, asked))["clashes"] is True
    assert await bookings(world) == 0


async def test_r30_while_a_calendar_cannot_be_asked_nothing_is_accepted(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await connected(world, person)
    await fault(world, person, "backend_error", times=None, path="/freeBusy")
    await world.rows("UPDATE calendar_syncs SET last_succeeded_at = now() - interval '11 minutes'")
    problem(await accept(person, asked), 409, "booking_unavailable")
    await world.sandbox.clear_google_faults()
    assert (await accept(person, asked)).status_code == 200
    assert await bookings(world) == 1


async def test_r26_the_host_may_accept_what_the_page_would_not_offer_any_more(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    asked = await ask(person, page, 3, "10:00")
    await connected(world, person)
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"weekly_hours": [], "durations_minutes": [60]})
    await person.delete(f"/v1/scheduling-pages/{page['id']}")
    assert (await accept(person, asked)).status_code == 200
    assert (await asked.get(asked.booking_path)).status_code == 200


async def test_r26_a_declined_request_tells_its_visitor_why_and_where_to_choose_another_time(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    asked = await ask(person, page, 3, "10:00")
    answer = await decline(person, asked, reason="I am away that day.")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["status"], body["reason"], body["decided_by"]) == ("declined", "I am away that day.", "host")
    assert body["decided_at"] == body["updated_at"]
    await world.work()
    mail = await letter(world, "declined_visitor")
    assert "I am away that day." in mail["text"]
    assert page["meeting_link"] in mail["text"]
    assert await mailed(world) == ["declined_visitor"]
    seen = (await asked.get()).json()
    assert (seen["status"], seen["reason"]) == ("declined", "I am away that day.")
    assert await feed(world) == ["meeting_request.created", "meeting_request.declined"]
    me = f"user:{decode_id('usr', person.user_id)}"
    assert await audited(world) == [(me, "meeting_request.declined")]
    again = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert again.status_code == 202, "what was declined may be asked for again"


async def test_r26_who_was_declined_may_ask_for_the_same_time_again(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    first = await ask(person, page, 3, "10:00")
    await decline(person, first)
    second = await ask(person, page, 3, "10:00")
    assert [(await read(person, asked))["status"] for asked in (first, second)] == ["declined", "pending"]


async def test_r26_whoever_is_asked_learns_where_to_connect_and_that_a_reply_answers_nothing(world: World) -> None:
    person = await world.person()
    await ask(person, await person.make_page(), 3, "10:00")
    await world.work()
    told = await letter(world, "requested_host")
    assert "Connect your calendar, then accept or decline the request in the CRM." in told["text"]
    assert "A reply to this email does not accept it." in told["text"]
    assert "Open calendar settings:\r\nhttp" in told["text"]
    assert "/settings/calendar" in told["html"]
    assert "/settings/calendar" not in (await letter(world, "requested_visitor"))["text"]


async def test_r26_a_withdrawn_request_tells_its_host(world: World) -> None:
    person = await world.person(locale="de")
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await world.work()
    link = f"/meeting-requests/{asked.id}/withdraw#token={asked.token}"
    assert link in (await letter(world, "requested_visitor"))["text"]
    assert link not in str(await world.sandbox.mails(person.email)), "the visitor's alone"
    answer = await asked.withdraw(reason="I found the answer myself.")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["can_withdraw"]) == ("withdrawn", False)
    await world.work()
    mail = await letter(world, "withdrawn_host")
    assert mail["subject"].startswith("Zurückgezogen: Vera Visitor")
    assert "I found the answer myself." in mail["text"]
    assert await mailed(world) == ["withdrawn_host"]
    body = await read(person, asked)
    assert (body["status"], body["decided_by"], body["allowed_actions"]) == ("withdrawn", "visitor", [])
    assert await feed(world) == ["meeting_request.created", "meeting_request.withdrawn"]


async def test_r26_a_request_is_answered_once(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    asked = {word: await ask(person, page, 3, f"1{hour}:00") for hour, word in enumerate(("yes", "no", "back", "late"))}
    await connected(world, person)
    assert (await accept(person, asked["yes"])).status_code == 200
    assert (await decline(person, asked["no"])).status_code == 200
    assert (await asked["back"].withdraw()).status_code == 200
    world.clock.offset = timedelta(days=4)
    for item in asked.values():
        for again in (accept(person, item), decline(person, item), item.withdraw()):
            problem(await again, 409, "already_processed")
    assert await bookings(world) == 1
    assert (await read(person, asked["late"]))["status"] == "expired"


@pytest.mark.parametrize("answer", [accept, decline])
async def test_r53_somebody_elses_request_cannot_be_answered(world: World, answer: Any) -> None:
    person = await world.connected()
    await person.delete(f"/v1/connections/{person.connection_id}")
    asked = await ask(person, await person.make_page(), 3, "10:00")
    missing = Asked(world.api, encode_id("mreq", new_id()), asked.token)
    for caller in (await world.person(account_id=person.account_id), await world.person()):
        problem(await answer(caller, asked), 404, "not_found")
        problem(await answer(caller, missing), 404, "not_found")
    assert (await read(person, asked))["status"] == "pending"


async def test_r47_only_the_token_opens_a_request(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    asked, other = await ask(person, page, 3, "10:00"), await ask(person, page, 3, "11:00")
    wrong = [Asked(world.api, asked.id, token) for token in (other.token, "x" * 43, "")]
    wrong.append(Asked(world.api, encode_id("mreq", new_id()), asked.token))
    for held in wrong:
        problem(await held.get(), 401, "booking_token_invalid")
        problem(await held.withdraw(), 401, "booking_token_invalid")
    problem(await asked.get(asked.booking_path), 401, "booking_token_invalid")  # it is no booking yet
    assert (await asked.get()).json()["booking_token"] is None
    world.clock.offset = timedelta(days=3 + 91)
    problem(await asked.get(), 401, "booking_token_invalid")


async def test_r26_what_makes_no_sense_is_refused(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    for body in ({"reason": "x" * 10_000}, {"reason": 1}, {"why": "no"}):
        problem(await decline(person, asked, **body), 422, "validation_failed")
        problem(await asked.withdraw(**body), 422, "validation_failed")
    assert (await read(person, asked))["status"] == "pending"


async def test_r34_a_visitor_is_told_nothing_of_the_hosts_calendar(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await world.sandbox.google_account(person.email)
    await by_hand(world, person, 3, "10:00", "11:00")
    await connected(world, person)
    seen = await asked.get()
    assert person.email not in seen.text
    assert {"clashes", "alternatives", "decided_by"} & seen.json().keys() == set()


async def contend(world: World, person: Person, page: dict[str, Any], asked: list[Asked]) -> list[httpx.Response]:
    """Accept every request and book the same time as visitors, all at once."""

    async def book(number: int) -> httpx.Response:
        wish = {
            "start_at": person.at(3, "10:00").isoformat(),
            "duration_minutes": 30,
            "name": "Rita Rival",
            "email": f"rival-{number}@example.com",
            "time_zone": "UTC",
        }
        async with world.visitor_at(f"198.51.100.{number}") as visitor:
            return await visitor.post(f"/v1/public/scheduling-pages/{page['id']}/bookings", json=wish)

    accepting = [accept(person, item) for item in asked for _ in range(4)]
    return list(await asyncio.gather(*accepting, *(book(number) for number in range(16))))


async def test_r45_accepting_against_booking_exactly_one_wins(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    asked = [await ask(person, page, 3, "10:00", email=f"vera-{number}@example.com") for number in range(4)]
    await connected(world, person)
    answers = await contend(world, person, page, asked)
    won = [answer for answer in answers if answer.status_code in {200, 201}]
    codes = Counter(answer.json()["code"] for answer in answers if answer.status_code == 409)
    assert len(won) == 1, [answer.text for answer in won]
    assert codes.keys() <= {"slot_unavailable", "already_processed"}, codes
    assert codes.total() == len(answers) - 1
    assert (await bookings(world), len(await world.rows("SELECT FROM reservations"))) == (1, 1)
    await world.work()
    assert await our_writes(world, person) == ["insert"]
    status = Counter([(await read(person, item))["status"] for item in asked])
    assert status["accepted"] == (won[0].status_code == 200)


async def test_r26_many_answers_to_one_request_at_once_are_one(world: World) -> None:
    person = await world.person()
    asked = await ask(person, await person.make_page(), 3, "10:00")
    await connected(world, person)
    tries = [call for _ in range(4) for call in (accept(person, asked), decline(person, asked), asked.withdraw())]
    answers = await asyncio.gather(*tries)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: len(answers) - 1}
    await world.work()
    assert len(await mailed(world)) in {1, 2}, "an acceptance is mailed to both sides, anything else to the other"
    assert len(await feed(world)) in {2, 3}


async def test_r44_the_key_of_a_request_answers_the_request_also_when_it_is_a_booking(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    key, start = {"Idempotency-Key": "the-same"}, person.at(3, "10:00").isoformat()
    first = await person.book(page["id"], start, key)
    asked = Asked(world.api, first.json()["id"], first.json()["booking_token"])
    await connected(world, person)
    await accept(person, asked)
    again = await person.book(page["id"], start, key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert (again.json()["id"], again.json()["status"]) == (asked.id, "accepted")
    assert again.headers["Location"] == first.headers["Location"] == asked.path
