"""Video calls: the link that was promised comes, and none is promised that never comes (R49, R56)."""

from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar

from tests.support.calendar_hands import EVERYWHERE
from tests.support.people import Person
from tests.support.visitors import fault, our_events, visit
from tests.support.world import World

VERA = "vera@example.com"
ROOM = {"kind": "address", "text": "Room 5"}
HOUR = timedelta(hours=1)
VIDEO = {"kind": "video"}
NOWHERE = {"kind": "none"}


@pytest.fixture(autouse=True)
async def empty_mailbox(world: World) -> None:
    await world.sandbox.delete_mails()


async def relocated(host: Person, page: dict[str, Any], location: dict[str, Any]) -> None:
    done = await host.patch(f"/v1/scheduling-pages/{page['id']}", {"location": location})
    assert done.status_code == 200, done.text


@pytest.mark.parametrize("booked_at", [ROOM, NOWHERE], ids=["room", "nowhere"])
async def test_r56_what_was_booked_in_person_gets_no_link_when_it_moves(
    world: World, booked_at: dict[str, Any]
) -> None:
    host = await world.connected()
    page = await host.make_page(location=booked_at)
    booking = await visit(host, page, host.at(3, "10:00"))
    await world.work()
    await relocated(host, page, VIDEO)
    assert (await booking.reschedule(host.at(3, "12:00"))).status_code == 200
    await world.work()
    [event] = await our_events(world, host)
    assert "hangoutLink" not in event
    assert (await booking.read())["video_url"] is None
    assert all("Video call" not in mail["text"] for mail in await world.sandbox.mails())


async def test_r56_no_link_is_promised_where_the_calendar_makes_none(world: World) -> None:
    host = await world.person()
    hands = EVERYWHERE["exchange"](world.sandbox)
    await hands.account(host)
    await hands.connect(host)
    await world.work()
    await visit(host, await host.make_page(location=VIDEO), host.at(3, "10:00"))
    await world.work()
    [mail] = await world.sandbox.mails(VERA)
    assert "Video call" not in mail["text"]


async def test_r56_a_page_shows_no_video_call_where_the_calendar_makes_none(world: World) -> None:
    host = await world.person()
    page = await host.make_page(location=VIDEO)
    public = f"/v1/public/scheduling-pages/{page['id']}"
    assert (await host.get(public)).json()["location"]["kind"] == "video", "nobody knows yet which calendar it will be"
    hands = EVERYWHERE["exchange"](world.sandbox)
    await hands.account(host)
    await hands.connect(host)
    await world.work()
    assert (await host.get(public)).json()["location"] == {"kind": "none", "text": None}
    assert (await host.get(f"/v1/scheduling-pages/{page['id']}")).json()["location"]["kind"] == "video", (
        "as it was saved"
    )
    google = await world.connected()
    page = await google.make_page(location=VIDEO)
    shown = (await google.get(f"/v1/public/scheduling-pages/{page['id']}")).json()
    assert shown["location"]["kind"] == "video"


async def test_r56_what_is_moved_before_it_is_written_has_its_link_in_the_last_invitation_too(world: World) -> None:
    host = await world.connected()
    await fault(world, host, "backend_error", method="POST", path=".*/events.*")
    booking = await visit(host, await host.make_page(location=VIDEO), host.at(3, "10:00"))
    assert (await booking.reschedule(host.at(3, "12:00"))).status_code == 200
    await world.work()
    link = (await booking.read())["video_url"]
    assert link
    for mail in await world.sandbox.mails(VERA):
        [event] = Calendar.from_ical(mail["calendar"]["content"]).walk("VEVENT")
        assert event["LOCATION"] == link
