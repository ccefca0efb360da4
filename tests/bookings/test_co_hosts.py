"""Who hosts a meeting beside its organizer: invited once, and told of what the organizer does (R23, R49)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from icalendar import Calendar

from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.calendar_hands import EVERYWHERE
from tests.support.people import Person
from tests.support.places import TWO_WAY, Place, connected_at
from tests.support.teams import colleagues, team_page
from tests.support.visitors import our_events, visit
from tests.support.world import World

VERA = "vera@example.com"
Colleague = Callable[..., Awaitable[Person]]


@pytest.fixture(autouse=True)
async def empty_mailbox(sandbox: Sandbox) -> None:
    await sandbox.delete_mails()


@pytest.fixture(params=TWO_WAY)
async def organized(
    request: pytest.FixtureRequest, settings: Settings, sandbox: Sandbox
) -> AsyncIterator[tuple[World, Person, Colleague]]:
    """Somebody who organizes, at each provider, and how they get colleagues."""
    async with connected_at(request.param, settings, sandbox) as (world, _, ada):

        async def colleague(provider: str, **claims: Any) -> Person:
            person = await world.person(account_id=ada.account_id, **claims)
            hands = EVERYWHERE[provider](sandbox)
            await hands.account(person)
            await hands.connect(person)
            await world.work()
            return person

        yield world, ada, colleague


async def known_as(world: World, person: Person, email: str) -> None:
    """The CRM says what the person's address is: not that of their calendar's account."""
    crm = await world.service(person.account_id)
    user = {"email": email, "locale": "en", "time_zone": person.time_zone, "subscriptions": [], "seats": []}
    answer = await crm.put(f"/v1/users/{person.user_id}", user | {"permissions": ["personal_email_access"]})
    assert answer.status_code == 200, answer.text


def events_in(mails: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """What each asks of the reader's calendar: how, about which event, and in which revision of it."""
    told = []
    for mail in mails:
        if mail["calendar"] is not None:
            [event] = Calendar.from_ical(mail["calendar"]["content"]).walk("VEVENT")
            told.append((mail["calendar"]["method"], str(event["UID"]), event["SEQUENCE"]))
    return told


async def moved_and_called_off(world: World, ada: Person, page: dict[str, Any], **wish: Any) -> None:
    booking = await visit(ada, page, ada.at(3, "10:00"), **wish)
    await world.work()
    for answer in (await booking.reschedule(ada.at(3, "12:00")), await booking.cancel()):
        assert answer.status_code == 200, answer.text
        await world.work()


async def test_r49_who_hosts_with_the_organizer_is_invited_once_by_whoever_reaches_their_calendar(
    organized: tuple[World, Person, Colleague], request: pytest.FixtureRequest
) -> None:
    world, ada, colleague = organized
    people = {provider: await colleague(provider) for provider in EVERYWHERE}
    page = await team_page([ada, *people.values()], "group")
    await moved_and_called_off(world, ada, page)
    place: Place = request.node.callspec.params["organized"]
    visitor = events_in(await world.sandbox.mails(VERA))
    assert [method for method, *_ in visitor] == ([] if place.provider == "office365" else ["REQUEST"] * 2 + ["CANCEL"])
    for provider, person in people.items():
        mails = await world.sandbox.mails(person.email)
        assert len(mails) == 3
        shown = (place.provider, provider) == ("google", "google")
        assert events_in(mails) == ([] if shown else visitor), f"{provider}, by a mail like the visitor's"
    assert events_in(await world.sandbox.mails(ada.email)) == [], "the event itself is in her calendar"


async def test_r49_the_invitation_of_who_hosts_asks_them_to_come(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    await known_as(world, ben, "ben@crm.example")
    await visit(ada, await team_page([ada, ben], "group"), ada.at(3, "10:00"))
    await world.work()
    [mail] = await world.sandbox.mails("ben@crm.example")
    [event] = Calendar.from_ical(mail["calendar"]["content"]).walk("VEVENT")
    asked = {str(each): each.params["PARTSTAT"] for each in event["ATTENDEE"]}
    assert asked == {f"mailto:{VERA}": "ACCEPTED", "mailto:ben@crm.example": "NEEDS-ACTION"}, "Google knows another Ben"
    [to_visitor] = await world.sandbox.mails(VERA)
    assert "ben@crm.example" not in str(to_visitor["calendar"]["content"])


@pytest.mark.parametrize("wish", [{"guests": ["Ben@CRM.example"]}, {"email": "ben@crm.example"}])
async def test_r49_who_hosts_and_is_a_guest_too_is_invited_once(world: World, wish: dict[str, Any]) -> None:
    ada, ben = await colleagues(world, 2)
    await known_as(world, ben, "ben@crm.example")
    page = await team_page([ada, ben], "group", max_guests=1)
    booking = await visit(ada, page, ada.at(3, "10:00"), **wish)
    await world.work()
    [write] = await world.rows("SELECT draft FROM calendar_writes")
    invited = [guest["email"].lower() for guest in json.loads(write["draft"])["attendees"]]
    assert sorted(invited) == sorted({*invited}), "no calendar is asked to invite anybody twice"
    assert (await booking.cancel()).status_code == 200
    await world.work()
    mails = [mail for mail in await world.sandbox.mails() if "ben@crm.example" in mail["to"].lower()]
    assert [method for method, *_ in events_in(mails)] == ["REQUEST", "CANCEL"]


async def test_r23_who_hosts_learns_that_the_organizer_has_moved_or_deleted_the_event(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    await visit(ada, await team_page([ada, ben], "group"), ada.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, ada)
    start, end = ({"dateTime": ada.at(4, clock).isoformat()} for clock in ("16:00", "16:30"))
    await world.sandbox.patch_google_event(ada.email, event["id"], {"start": start, "end": end})
    await follow(world, ada)
    await world.sandbox.delete_google_event(ada.email, event["id"])
    await follow(world, ada)
    told = {who: [mail["subject"].partition(":")[0] for mail in await world.sandbox.mails(who)] for who in
            (VERA, ben.email, ada.email)}  # fmt: skip
    assert told[ben.email] == ["New booking", "New time", "Cancelled"]
    assert told[VERA] == ["Confirmed", "New time", "Cancelled"]
    assert told[ada.email] == ["New booking"], "she has done it herself"


async def follow(world: World, person: Person) -> None:
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
