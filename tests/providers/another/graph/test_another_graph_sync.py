"""The service, its database and its jobs against a Graph that is somebody else's: connected, synced, kept in step.

The one rule: what blocks a person's time in the end is what the mailbox holds, worked out here by other code.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from app.sync.schedule import enqueue_due_watches
from tests.providers.another.graph.mailbox import Item, person
from tests.providers.another.graph.server import AnotherGraph
from tests.providers.another.graph.signin import CLIENT_ID, CLIENT_SECRET
from tests.providers.another.graph.stage import visited
from tests.support.database import empty
from tests.support.google import joined, mirrored
from tests.support.world import open_world

HOME = ZoneInfo("Europe/Berlin")
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FREE = {"free", "workingElsewhere"}


@pytest.fixture(params=(7,))
async def graph(request):
    async with visited(request.param, ()) as server:
        yield server


@pytest.fixture
async def world(settings, sandbox, graph):
    await empty(settings.database_url.get_secret_value())
    there = {
        "office365_client_id": CLIENT_ID,
        "office365_client_secret": SecretStr(CLIENT_SECRET),
        "office365_authority_url": graph.authority,
        "office365_api_url": graph.url,
        "push_url": "https://pushes.example",
    }
    async with open_world(settings.model_copy(update=there), sandbox) as opened:
        yield opened


def hour(day: int, hours: float) -> datetime:
    """Some days from now."""
    return TODAY + timedelta(days=day, hours=hours)


async def connected(world: Any, graph: AnotherGraph) -> Any:
    """Somebody connects, in a browser."""
    somebody = await world.person()
    started = await somebody.start_connecting(provider="office365")
    assert started.status_code == 201, started.text
    url = started.json()["authorization_url"]
    where = urlsplit(parse_qs(urlsplit(url).query)["redirect_uri"][0]).path
    returned = await world.api.get(where, params=graph.sign_in.consent(url))
    assert returned.status_code == 303, returned.text
    done = (await somebody.get(f"/v1/connection-authorizations/{started.json()['id']}")).json()
    assert done["status"] == "completed", done
    somebody.connection_id = done["connection_id"]
    await world.work()
    return somebody


def span(item: Item, members: dict[str, Any]) -> tuple[int, int]:
    """In seconds; whole days are the person's."""
    ends = [item.start, item.end]
    if members.get("isAllDay"):
        ends = [end.replace(tzinfo=HOME) for end in ends]
    return int(ends[0].timestamp()), int(ends[1].timestamp())


def blocking(graph: AnotherGraph, *, tentative: bool = False) -> list[tuple[int, int]]:
    """What of the primary calendar blocks, by the rule R31."""
    found = []
    for item in graph.mailbox.view(graph.mailbox.home, (hour(0, 0), hour(60, 0))):
        members = (graph.mailbox.items[item.master].members if item.master else {}) | item.members
        answer = members.get("responseStatus", {}).get("response")
        shown = members.get("showAs", "busy")
        if members.get("isCancelled") or answer == "declined" or shown in FREE:
            continue
        if (shown == "tentative") is tentative:
            found.append(span(item, members))
    return joined(found, (int(hour(0, 0).timestamp()), int(hour(60, 0).timestamp())))


async def in_step(world: Any, graph: AnotherGraph) -> None:
    told = await mirrored(world, hour(0, 0), hour(60, 0), graph.mailbox.home)
    assert (told.busy, told.tentative) == (blocking(graph), blocking(graph, tentative=True))
    assert told.busy


async def test_a_calendar_is_connected_synced_and_kept_in_step(world, graph):
    box = graph.mailbox
    meeting = box.add(hour(2, 9), 45, attendees=[person("Guest@x.example")])
    box.add(hour(3, 0), 1440, isAllDay=True, showAs="oof", originalStartTimeZone="(UTC+05:00) Tashkent")
    box.add(hour(4, 9), showAs="workingElsewhere")
    box.add(hour(5, 9), isOrganizer=False, responseStatus={"response": "declined"})
    maybe = box.add(hour(6, 9), showAs="tentative", isOrganizer=False, organizer=person("boss@elsewhere.example"))
    daily = box.add_series([hour(day, 7) for day in range(8, 14)], {"type": "daily", "interval": 1})
    somebody = await connected(world, graph)
    await in_step(world, graph)

    box.change(meeting, start=hour(2, 15), end=hour(2, 16))
    box.change(maybe, showAs="busy")
    first, second, third, *_ = daily.dates.values()
    box.change(first, start=hour(9, 12), end=hour(9, 13))
    box.change(second, showAs="free")
    box.remove(third)
    box.add(hour(20, 9), 24 * 60 * 3)
    assert (await somebody.post(f"/v1/connections/{somebody.connection_id}/sync")).status_code == 202
    await world.work()
    await in_step(world, graph)

    box.remove(daily)
    graph.tracking.expire(410, "SyncStateNotFound")
    assert (await somebody.post(f"/v1/connections/{somebody.connection_id}/sync")).status_code == 202
    await world.work()
    await in_step(world, graph)


async def test_a_push_is_arranged_and_brings_what_changed(world, graph):
    async def doorbell(url: str, query: dict[str, str]) -> str:
        return (await world.api.post(urlsplit(url).path, params=query)).text

    graph.doorbell = doorbell
    meeting = graph.mailbox.add(hour(2, 9))
    await connected(world, graph)
    await enqueue_due_watches(world.services.sessions, world.clock)
    await world.work()
    [subscription] = graph.subscriptions.values()
    graph.mailbox.change(meeting, start=hour(2, 12), end=hour(2, 13))
    note = {
        "subscriptionId": subscription["id"],
        "clientState": subscription["clientState"],
        "changeType": "updated",
        "resource": "Users('48d3')/Events('AAMk=')",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "id": "AAMk="},
        "unheardOf": [None],
    }
    told = await world.api.post(
        urlsplit(subscription["notificationUrl"]).path, json={"value": [note], "validationTokens": ["x"]}
    )
    assert told.status_code == 202
    await world.work(until=timedelta(minutes=5))
    await in_step(world, graph)


async def test_a_booking_stands_in_the_calendar_once_and_is_left_alone(world, graph):
    """Outlook spells addresses otherwise, adds names and makes a page of the text: none of that is a change."""
    somebody = await connected(world, graph)
    page = await somebody.make_page(time_zone="Europe/Berlin", name="Intro & more")
    slot = (await somebody.slots(page["id"], somebody.day(3)))[0]
    booked = await somebody.book(page["id"], slot["start_at"], name="Vera <V>", email="vera.visitor@example.com")
    assert booked.status_code == 201, booked.text
    await world.work()
    [item] = graph.mailbox.items.values()
    assert graph.events.mailed == [("invited", "Vera.Visitor@example.com")]
    for _ in range(2):
        assert (await somebody.post(f"/v1/connections/{somebody.connection_id}/sync")).status_code == 202
        await world.work()
    assert [asked.method for asked in graph.seen if asked.method in {"PATCH", "DELETE"}] == []
    assert list(graph.mailbox.items.values()) == [item]

    graph.mailbox.change(item, start=item.start + timedelta(hours=1), end=item.end + timedelta(hours=1))
    await somebody.post(f"/v1/connections/{somebody.connection_id}/sync")
    await world.work()
    [booking] = (await somebody.get("/v1/bookings")).json()["items"]
    assert datetime.fromisoformat(booking["start_at"]) == item.start
    cancelled = await somebody.post(f"/v1/bookings/{booking['id']}/cancel", {})
    assert cancelled.status_code == 200, cancelled.text
    await world.work()
    assert graph.mailbox.items == {}
    assert graph.events.mailed[-1] == ("cancelled", "Vera.Visitor@example.com")
