"""Attempts to book somebody whose calendar cannot be read (R30).

The one rule: the host is told which calendar it is and what to do; whoever tried is told nothing.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx

from app.ids import encode_id, new_id
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.world import World, problem


async def with_lost_calendar(world: World, *, noticed: bool = True, **claims: Any) -> Person:
    """Somebody whose second calendar was taken from them; `noticed`: a sync has seen it."""
    person = await world.person(**claims)
    boss = f"boss-of-{person.email}"
    for email in (person.email, boss):
        await world.sandbox.google_account(email)
    shared = await world.sandbox.google_calendar(boss, "Boss's plans")
    await world.sandbox.share_google_calendar(shared["id"], account=person.email, role="reader")
    await person.connect()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    await person.patch("/v1/calendar-settings", {"availability_calendar_ids": [item["id"] for item in listed]})
    await world.work()
    await world.sandbox.share_google_calendar(shared["id"], account=person.email, role="none")
    if noticed:
        await person.post(f"/v1/connections/{person.connection_id}/sync")
        await world.work()
    return person


async def report(world: World, page_id: str, address: str = "198.51.100.1") -> httpx.Response:
    """Let them know, from an address of one's own."""
    async with world.visitor_at(address) as visitor:
        return await visitor.post(f"/v1/public/scheduling-pages/{page_id}/booking-attempts")


async def told(world: World, person: Person) -> list[dict[str, Any]]:
    """The mails to the host about attempts."""
    await world.work()
    mails: list[dict[str, Any]] = await world.sandbox.mails(person.email)
    return mails


async def test_r30_letting_the_host_know_names_the_calendar_and_both_remedies(world: World) -> None:
    person = await with_lost_calendar(world)
    await world.sandbox.google_calendar(person.email, "Choir")
    assert (await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")).status_code == 202
    await world.work()
    assert len(await world.rows("SELECT FROM calendars WHERE name = 'Choir' AND NOT checked")) == 1
    page = await person.make_page()
    answer = await report(world, page["id"])
    assert (answer.status_code, answer.json()) == (202, {"page_id": page["id"]})
    assert answer.headers["Location"] == f"/v1/public/scheduling-pages/{page['id']}"
    [mail] = await told(world, person)
    for words in ("Boss's plans", "Intro call", "regain access", "remove the inactive calendar", "/settings/calendar"):
        assert words in mail["text"]
    assert "Choir" not in mail["text"], "what is not checked closes nothing"
    events = await world.rows("SELECT data::text FROM feed_events WHERE type = 'booking.attempt_blocked'")
    assert len(events) == 1
    assert "Boss" not in events[0]["data"], "a calendar's name may tell of a person's life"


async def test_r30_a_calendar_that_was_lost_a_moment_ago_is_named_too(world: World) -> None:
    """Only this attempt has seen it: the mirror is young, and no sync has failed yet."""
    person = await with_lost_calendar(world, noticed=False)
    page = await person.make_page()
    refused = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert "has been told" in problem(refused, 409, "booking_unavailable")["detail"]
    mails = [mail for mail in await told(world, person) if "Boss's plans" in mail["text"]]
    assert len(mails) == 1, "the host cannot know what to mend"
    own = next(line for line in mails[0]["text"].splitlines() if "Boss's plans" in line)
    assert person.email not in own, "their own calendar is well"


async def test_r30_the_answer_is_the_same_whatever_happens(world: World) -> None:
    lost, healthy = await with_lost_calendar(world), await world.connected()
    offline = await world.person()
    pages = [await person.make_page() for person in (lost, healthy, offline)]
    answers = [await report(world, page["id"]) for page in pages]
    answers.append(await report(world, pages[0]["id"]))  # told a moment ago
    assert {answer.status_code for answer in answers} == {202}
    assert [answer.json() for answer in answers[:3]] == [{"page_id": page["id"]} for page in pages]
    assert answers[3].json() == answers[0].json()
    ignored = {"x-request-id", "location", "ratelimit"}
    headers = [{key: value for key, value in answer.headers.items() if key not in ignored} for answer in answers]
    assert all(item == headers[0] for item in headers)
    assert len(await told(world, lost)) == 1
    assert await told(world, healthy) == await told(world, offline) == [], "there is nothing to tell"


async def test_r30_however_many_try_at_once_the_host_is_told_once_an_hour(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()

    async def book(number: int) -> httpx.Response:
        wish = {"start_at": start, "duration_minutes": 30, "name": "V", "email": "v@example.com", "time_zone": "UTC"}
        async with world.visitor_at(f"203.0.113.{number}") as visitor:
            return await visitor.post(f"/v1/public/scheduling-pages/{page['id']}/bookings", json=wish)

    tries = [report(world, page["id"], f"198.51.100.{number}") for number in range(12)]
    answers = await asyncio.gather(*tries, *(book(number) for number in range(12)))
    assert Counter(answer.status_code for answer in answers) == {202: 12, 409: 12}
    assert len(await told(world, person)) == 1
    world.clock.offset = timedelta(minutes=59)
    await report(world, page["id"])
    assert len(await told(world, person)) == 1
    world.clock.offset = timedelta(minutes=61)
    await report(world, page["id"])
    assert len(await told(world, person)) == 2


async def test_r30_a_calendar_that_was_never_read_is_named_too(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    await person.connect()
    page = await person.make_page()
    await report(world, page["id"])
    [row] = await world.rows("SELECT letter FROM mails WHERE kind = 'attempt_blocked'")
    assert person.email in str(row["letter"]), "Google calls a primary calendar by its address"


async def told_while_broken(world: World, person: Person, page_id: str, *, noticed_by: str) -> dict[str, Any]:
    """The mail about an attempt, once the grant is gone and an operation has noticed it."""
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/{noticed_by}")
    await world.work()
    await world.sandbox.delete_mails()
    await report(world, page_id)
    [mail] = await told(world, person)
    return mail


async def test_r30_a_broken_account_is_to_be_connected_again_and_no_primary_calendar_removed(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    mail = await told_while_broken(world, person, page["id"], noticed_by="sync")
    assert "reconnect the account" in mail["text"]
    assert "remove the inactive calendar" not in mail["text"], "it is the primary"
    assert "check it again" not in mail["text"], "what is broken cannot be checked"


async def test_r30_a_broken_account_of_which_no_calendar_is_known_is_to_be_connected_again(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.rows("DELETE FROM calendars")
    mail = await told_while_broken(world, person, page["id"], noticed_by="refresh-calendars")
    assert "reconnect the account" in mail["text"]
    assert "remove the inactive calendar" not in mail["text"], "there is none"
    assert "check it again" not in mail["text"]


async def test_r27_the_owner_of_a_group_is_told_who_has_no_calendar(world: World) -> None:
    ada, ben = await colleagues(world, 1, without_calendar=1)
    page = await team_page([ada, ben], "group")
    await world.sandbox.delete_mails()
    await report(world, page["id"])
    [mail] = await told(world, ada)
    for words in (f"Without a calendar: {ben.email}", "calendar connected", "off the page"):
        assert words in mail["text"]
    assert "inactive" not in mail["text"]
    assert await told(world, ben) == []


async def test_r30_a_host_with_a_calendar_is_not_told_that_there_is_none(world: World) -> None:
    person = await with_lost_calendar(world)
    listed = (await person.get("/v1/availability-calendars")).json()["items"]
    [lost] = [item["calendar_id"] for item in listed if item["status"] == "inactive"]
    await person.patch(f"/v1/availability-calendars/{lost}", {"unreachable_policy": "request_only"})
    page = await person.make_page()
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 202
    [mail] = await told(world, person)
    assert "You have no calendar connected" not in mail["text"]
    assert "cannot be read at the moment" in mail["text"]


async def test_r30_a_page_that_is_not_there_or_turned_off_says_so(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    problem(await report(world, encode_id("page", new_id())), 404, "not_found")
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    problem(await report(world, page["id"]), 404, "page_turned_off")
    assert await told(world, person) == []


async def test_r30_whoever_reports_without_end_is_slowed_down(world: World) -> None:
    page = await (await world.connected()).make_page()
    limit = world.services.settings.bookings_per_minute
    answers = [await report(world, page["id"]) for _ in range(limit + 1)]
    assert Counter(answer.status_code for answer in answers) == {202: limit, 429: 1}
    problem(answers[-1], 429, "rate_limited")
    assert answers[-1].headers["Retry-After"]
