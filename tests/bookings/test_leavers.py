"""Who has left the company hosts nothing any more, and is told of nobody (R53, R55)."""

from datetime import datetime

from tests.bookings.requesting import ask
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.visitors import our_events, visit
from tests.support.world import World


async def leaves(world: World, person: Person) -> None:
    """The CRM says so."""
    crm = await world.service(person.account_id)
    assert (await crm.delete(f"/v1/users/{person.user_id}")).status_code == 204
    await world.work()


async def comes_back(world: World, person: Person) -> None:
    """The CRM says so; their calendar is to be connected anew."""
    crm = await world.service(person.account_id)
    user = {"email": person.email, "locale": "en", "time_zone": person.time_zone, "subscriptions": [], "seats": []}
    answer = await crm.put(f"/v1/users/{person.user_id}", user | {"permissions": ["personal_email_access"]})
    assert answer.status_code == 200, answer.text


async def test_r55_who_has_left_is_told_nothing_of_their_visitors(world: World) -> None:
    host = await world.connected()
    page = await host.make_page(max_guests=1)
    booking = await visit(host, page, host.at(3, "10:00"), guests=["gus@example.com"])
    await world.work()
    await leaves(world, host)
    await world.sandbox.delete_mails()
    cancelled = {"reason": "I was fired as well"}
    answer = await world.api.post(f"{booking.path}/cancel", json=cancelled, headers={"Booking-Token": booking.token})
    assert answer.status_code == 200, answer.text
    await world.work()
    mails = await world.sandbox.mails()
    assert len(mails) == 2, "the visitor and the guest"
    assert not any(host.email in mail["to"] for mail in mails)
    assert host.email not in str([mail["headers"] for mail in mails]), "nobody reads there any more"


async def test_r55_a_request_that_is_withdrawn_is_not_told_to_who_has_left(world: World) -> None:
    host = await world.person()
    asked = await ask(host, await host.make_page(), 3, "10:00")
    await world.work()
    await leaves(world, host)
    await world.sandbox.delete_mails()
    assert (await asked.withdraw()).status_code == 200
    await world.work()
    assert await world.sandbox.mails(host.email) == []


async def test_r55_a_meeting_that_is_moved_goes_on_without_who_has_left_also_when_they_come_back(world: World) -> None:
    ada, ben, cem = await colleagues(world, 3)
    booking = await visit(ada, await team_page([ada, ben, cem], "group"), ada.at(3, "10:00"))
    await world.work()
    await leaves(world, cem)
    assert (await booking.reschedule(ada.at(3, "12:00"))).status_code == 200
    await world.work()
    [event] = await our_events(world, ada)
    assert {guest["email"] for guest in event["attendees"]} == {"vera@example.com", ben.email}
    await comes_back(world, cem)
    seen = (await ada.get(f"/v1/bookings/{booking.id}")).json()
    assert [host["user_id"] for host in seen["co_hosts"]] == [ben.user_id], "as their time is asked for"


async def test_r55_a_meeting_that_its_organizer_drags_goes_on_without_who_has_left(world: World) -> None:
    ada, ben, cem = await colleagues(world, 3)
    await visit(ada, await team_page([ada, ben, cem], "group"), ada.at(3, "10:00"))
    await world.work()
    await leaves(world, cem)
    [event] = await our_events(world, ada)
    start, end = ({"dateTime": ada.at(3, clock).isoformat()} for clock in ("12:00", "12:30"))
    await world.sandbox.patch_google_event(ada.email, event["id"], {"start": start, "end": end})
    await ada.post(f"/v1/connections/{ada.connection_id}/sync")
    await world.work()
    [event] = await our_events(world, ada)
    assert {guest["email"] for guest in event["attendees"]} == {"vera@example.com", ben.email}
    assert datetime.fromisoformat(event["start"]["dateTime"]) == ada.at(3, "12:00")


async def test_r55_who_has_left_is_not_asked_to_mend_what_keeps_visitors_from_booking(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group")
    await leaves(world, ben)
    await world.sandbox.delete_mails()
    answer = await world.api.post(f"/v1/public/scheduling-pages/{page['id']}/booking-attempts", json={})
    assert answer.status_code == 202, answer.text
    await world.work()
    assert await world.sandbox.mails(ben.email) == []
