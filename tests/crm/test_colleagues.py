"""Colleagues who are contacts as well (R20).

The one rule: the CRM hears of people outside. Whoever makes a contact of a colleague, by hand or by booking in their
name, learns nothing of what stands in calendars.
"""

import pytest

from tests.crm.scene import VERA, invite, make_contact, synced, timeline
from tests.crm.test_timeline import assert_nowhere, everything
from tests.support.people import Person
from tests.support.teams import colleagues
from tests.support.visitors import visit
from tests.support.world import World

SECRETS = {"summary": "Layoffs", "description": "Who goes", "location": "Vault 7"}
WORDS = tuple(SECRETS.values())


async def from_the_calendar(world: World, person: Person) -> list[str]:
    """The titles of the person's meetings that were read from a calendar, and what the feed says of any."""
    listed = (await person.get("/v1/engagements", source="calendar_sync")).json()["items"]
    told = await world.rows("SELECT data FROM feed_events WHERE type LIKE 'engagement.%'")
    return [item["title"] for item in listed] + [word for word in WORDS if word in str(told)]


async def make_known(world: World, host: Person, colleague: Person, *, way: str) -> None:
    """Somebody makes a contact of the colleague."""
    if way == "booking":
        await visit(host, await host.make_page(), host.at(5, "10:00"), email=colleague.email.upper(), name="Anybody")
    else:
        await make_contact(host, colleague.email.title())
    await world.work()


@pytest.mark.parametrize("way", ["booking", "contact"])
@pytest.mark.parametrize("stands", ["before", "after"])
@pytest.mark.parametrize("calendar", [True, False], ids=["connected", "user"])
async def test_r20_what_colleagues_have_together_is_no_meeting_of_the_crm(
    world: World, way: str, stands: str, *, calendar: bool, caplog: pytest.LogCaptureFixture
) -> None:
    host, colleague = await colleagues(world, 1 + calendar, without_calendar=1 - calendar)
    if stands == "after":
        await make_known(world, host, colleague, way=way)
    await invite(world, host, host.at(2, "10:00"), colleague.email, **SECRETS)
    await synced(world, host)
    if stands == "before":
        await make_known(world, host, colleague, way=way)
    await synced(world, host)
    assert await from_the_calendar(world, host) == []
    assert_nowhere(await everything(world), caplog.text, *WORDS)
    [contact] = (await host.get("/v1/contacts")).json()["items"]
    recorded = [meeting["source"] for meeting in await timeline(host, contact)]
    assert recorded == (["scheduling_page"] if way == "booking" else []), "a booking is one, whoever books"


async def test_r20_an_address_that_a_colleague_has_connected_counts_as_theirs(world: World) -> None:
    host, colleague = await colleagues(world, 1, without_calendar=1)
    other = "other.name@example.com"
    await world.sandbox.google_account(other)
    await colleague.connect(email=other)
    await make_contact(host, other)
    await invite(world, host, host.at(2, "10:00"), other, **SECRETS)
    await synced(world, host)
    assert await from_the_calendar(world, host) == []


async def test_r20_with_somebody_from_outside_it_is_a_meeting_with_them_alone(world: World) -> None:
    host, colleague = await colleagues(world, 1, without_calendar=1)
    contact, inside = await make_contact(host), await make_contact(host, colleague.email)
    await invite(world, host, host.at(2, "10:00"), colleague.email, VERA)
    await synced(world, host)
    [meeting] = await timeline(host, contact)
    assert [who["email"] for who in meeting["contacts"]] == [VERA]
    assert await timeline(host, inside) == []


async def test_r20_of_who_becomes_a_colleague_nothing_new_is_read(world: World) -> None:
    host = await world.connected()
    joins = await world.person(account_id=host.account_id)
    contact = await make_contact(host, joins.email)
    event_id = await invite(world, host, host.at(2, "10:00"), joins.email, summary="Interview")
    await synced(world, host)
    assert [meeting["title"] for meeting in await timeline(host, contact)] == ["Interview"]
    await joins.get("/v1/me")
    await invite(world, host, host.at(3, "10:00"), joins.email, **SECRETS)
    await synced(world, host)
    assert [meeting["title"] for meeting in await timeline(host, contact)] == ["Interview"], "what was known stays"
    await world.sandbox.patch_google_event(host.email, event_id, {"summary": WORDS[0]})
    await synced(world, host)
    assert await timeline(host, contact) == []
    assert await from_the_calendar(world, host) == []


async def test_r20_who_has_left_is_somebody_outside(world: World) -> None:
    host, colleague = await colleagues(world, 1, without_calendar=1)
    contact = await make_contact(host, colleague.email)
    service = await world.service(host.account_id)
    assert (await service.delete(f"/v1/users/{colleague.user_id}")).status_code == 204
    await invite(world, host, host.at(2, "10:00"), colleague.email, summary="Reunion")
    await synced(world, host)
    assert [meeting["title"] for meeting in await timeline(host, contact)] == ["Reunion"]


async def test_r23_a_meeting_made_in_the_crm_with_a_colleague_goes_on_being_followed(world: World) -> None:
    host, colleague = await colleagues(world, 1, without_calendar=1)
    contact = await make_contact(host, colleague.email)
    first, last = host.at(2, "10:00").isoformat(), host.at(2, "11:00").isoformat()
    wish = {"title": "Review", "start_at": first, "end_at": last, "time_zone": host.time_zone}
    made = await host.post(f"/v1/contacts/{contact['id']}/meetings", wish)
    assert made.status_code == 201, made.text
    await world.work()
    [event] = await world.sandbox.google_events(host.email)
    await world.sandbox.patch_google_event(host.email, event["id"], {"summary": "Review of the year"})
    await synced(world, host)
    [meeting] = await timeline(host, contact)
    assert (meeting["title"], [who["email"] for who in meeting["contacts"]]) == (
        "Review of the year",
        [colleague.email],
    )
