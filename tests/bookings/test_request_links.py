"""Mails about requests that come to nothing lead to the page where its owner's links are (R26, R37).

The one rule: a link in a mail is the one that the owner hands out; a page that is gone is not linked.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.ids import decode_id
from app.settings import Settings
from sandbox.client import Sandbox
from tests.bookings.requesting import ask, decline, letter
from tests.support.domains import Web, open_web
from tests.support.people import Person

SHARED, CUSTOM = "http://127.0.0.1:8000/meetings/intro", "https://meet.example.com/meetings/intro"


@pytest.fixture
async def web(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Web]:
    async with open_web(settings, sandbox) as opened:
        yield opened


async def with_domain(web: Web) -> Person:
    """Somebody without a calendar whose links are on a domain of their own."""
    person = await web.person()
    await web.choose(person, await web.connected(person))
    return person


@pytest.mark.parametrize("kind", ["declined", "expired"])
async def test_r37_the_visitor_of_a_request_that_came_to_nothing_is_led_to_the_owners_domain(
    web: Web, kind: str
) -> None:
    person = await with_domain(web)
    page = await person.make_page(slug="intro")
    assert page["meeting_link"] == CUSTOM
    asked = await ask(person, page, 3, "10:00")
    if kind == "declined":
        assert (await decline(person, asked)).status_code == 200
    else:
        web.world.clock.offset = timedelta(days=4)
        assert await web.world.services.request_expiry.sweep() == 1
    await web.world.work()
    mail = await letter(web.world, f"{kind}_visitor")
    for part in ("text", "html"):
        assert CUSTOM in mail[part], part
        assert SHARED not in mail[part]


async def test_r37_of_a_page_of_several_it_is_its_makers_domain(web: Web) -> None:
    owner = await with_domain(web)
    member = await web.colleague(owner)
    await member.get("/v1/me")
    page = await owner.make_page(slug="intro", type="round_robin", member_ids=[member.user_id])
    asked = await ask(owner, page, 3, "10:00")
    await web.world.rows("UPDATE meeting_requests SET host_id = $1", decode_id("usr", member.user_id))
    assert (await decline(member, asked)).status_code == 200
    await web.world.work()
    assert CUSTOM in (await letter(web.world, "declined_visitor"))["text"]


async def test_r37_without_a_domain_it_is_the_shared_one(web: Web) -> None:
    person = await web.person()
    asked = await ask(person, await person.make_page(slug="intro"), 3, "10:00")
    assert (await decline(person, asked)).status_code == 200
    await web.world.work()
    assert SHARED in (await letter(web.world, "declined_visitor"))["text"]


async def test_r37_nobody_is_led_to_a_page_that_is_gone(web: Web) -> None:
    person = await with_domain(web)
    page = await person.make_page(slug="intro")
    asked = await ask(person, page, 3, "10:00")
    assert (await person.delete(f"/v1/scheduling-pages/{page['id']}")).status_code == 204
    assert (await decline(person, asked)).status_code == 200
    await web.world.work()
    assert "/meetings/" not in (await letter(web.world, "declined_visitor"))["text"]
