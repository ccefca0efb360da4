"""The pages of somebody who keeps two connections: one for the CRM, one that takes bookings (R12).

The one rule: whether anybody can book is for the one that takes bookings to say. Their mailboxes are other
tests' as well: the day is this file's own.
"""

from datetime import timedelta
from typing import Any

from tests.connections.test_legacy import BOTH, connect, connections, early, let_go, of_two
from tests.support.people import Person
from tests.support.teams import team_page
from tests.support.world import World, problem

LIST = "/v1/availability-calendars"


async def checked(person: Person) -> dict[str, dict[str, Any]]:
    """The calendars that are checked, by the provider of their connection."""
    listed = (await person.get(LIST)).json()["items"]
    found: dict[str, dict[str, Any]] = {}
    for provider, connection in (await connections(person)).items():
        own = (await person.get(f"/v1/connections/{connection['id']}/calendars")).json()["items"]
        ids = {item["id"] for item in own}
        found.update((provider, item) for item in listed if item["calendar_id"] in ids)
    return found


async def offered(person: Person, page: dict[str, Any]) -> set[str]:
    return {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(6))}


async def shown(person: Person, page: dict[str, Any]) -> tuple[str, bool, str]:
    """What visitors are told, and what the page's owner is told of themselves."""
    public = (await person.api.get(f"/v1/public/scheduling-pages/{page['id']}")).json()
    [member] = (await person.get(f"/v1/scheduling-pages/{page['id']}")).json()["members"]
    return public["mode"], public["host_available"], member["status"]


async def synced(world: World, person: Person, provider: str) -> None:
    await person.post(f"/v1/connections/{(await connections(person))[provider]['id']}/sync")
    await world.work()


async def with_google_busy_at_ten(world: World) -> Person:
    """Google for the CRM, where something stands at ten; Office 365 for bookings."""
    person = await of_two(world, calendar="google", meetings="office365")
    at = person.at(6, "10:00")
    times = [{"dateTime": (at + timedelta(minutes=minutes)).isoformat()} for minutes in (0, 30)]
    await world.sandbox.insert_google_event(BOTH[0]["email"], {"start": times[0], "end": times[1]})
    await synced(world, person, "google")
    return person


async def test_r12_losing_the_one_that_takes_no_bookings_leaves_the_pages_open(world: World) -> None:
    person = await with_google_busy_at_ten(world)
    page = await person.make_page()
    await world.sandbox.revoke_google(BOTH[0]["email"])
    await synced(world, person, "google")
    assert (await connections(person))["google"]["status"] == "reauthorization_required"
    assert await shown(person, page) == ("online", True, "ready")
    times = await offered(person, page)
    assert "11:00" in times
    assert "10:00" not in times, "what was last read of it counts"
    world.clock.offset = timedelta(minutes=20)  # no mirror is young any more
    booked = await person.book(page["id"], person.at(6, "11:00").isoformat())
    assert booked.status_code == 201, booked.text
    assert (await checked(person))["google"]["status"] == "inactive"


async def test_r12_r30_losing_the_one_that_takes_bookings_closes_them(world: World) -> None:
    person = await with_google_busy_at_ten(world)
    page = await person.make_page()
    await world.sandbox.microsoft.revoke(BOTH[1]["email"])
    await synced(world, person, "office365")
    assert await shown(person, page) == ("online", False, "unavailable")
    problem(await person.book(page["id"], person.at(6, "11:00").isoformat()), 409, "booking_unavailable")


async def test_r12_r26_what_was_imported_and_never_connected_is_no_calendar(world: World) -> None:
    person, _ = await early(world)
    page = await person.make_page()
    assert await shown(person, page) == ("offline", True, "no_calendar")
    assert (await person.get(f"/v1/scheduling-pages/{page['id']}")).json()["mode"] == "offline"
    asked = await person.book(page["id"], person.at(7, "10:00").isoformat())
    assert (asked.status_code, asked.json()["kind"]) == (202, "meeting_request")
    await connect(world, person, "office365", BOTH[1]["email"])
    await world.work()
    assert await shown(person, page) == ("online", True, "ready")


async def test_r12_r15_the_pages_are_offline_once_the_one_that_is_left_was_never_connected(world: World) -> None:
    person, _ = await early(world)
    page = await person.make_page()
    await connect(world, person, "office365", BOTH[1]["email"])
    await world.work()
    await let_go(world, person, "office365")
    assert await shown(person, page) == ("offline", True, "no_calendar")
    assert (await person.book(page["id"], person.at(7, "10:00").isoformat())).status_code == 202


async def test_r12_r27_who_was_imported_and_never_connected_closes_a_group_and_is_named(world: World) -> None:
    person, _ = await early(world)
    owner = await world.connected(account_id=person.account_id)
    page = await team_page([owner, person], "group")
    assert [item["status"] for item in page["members"]] == ["ready", "no_calendar"]
    await world.sandbox.delete_mails()
    problem(await owner.book(page["id"], owner.at(7, "10:00").isoformat()), 409, "booking_unavailable")
    await world.work()
    [mail] = await world.sandbox.mails(owner.email)
    assert "Without a calendar:" in mail["text"]
    assert await world.sandbox.mails(person.email) == [], "nothing of theirs is lost"
