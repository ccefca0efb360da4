"""`robots.txt`, host by host (R39)."""

from collections.abc import AsyncIterator
from urllib.robotparser import RobotFileParser

import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.domains import PATH, Web, open_web
from tests.support.world import problem

URL = "/meetings/ada/intro"


@pytest.fixture
async def web(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Web]:
    async with open_web(settings, sandbox) as opened:
        yield opened


async def crawlable(web: Web, host: str, path: str = URL) -> bool:
    """What a crawler makes of it that knows no wildcards: it reads the star as a letter."""
    answer = await web.robots(host)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.text.replace("/meetings*", "/meetings").splitlines()
    parser = RobotFileParser()
    parser.parse(lines)
    return parser.can_fetch("Googlebot", path)


async def test_r39_indexing_is_on_wherever_nobody_turned_it_off(web: Web) -> None:
    person = await web.person()
    await web.connected(person)
    await web.added(person, "pending.example.com")
    for host in ("meet.example.com", "pending.example.com", "127.0.0.1:8000", "unknown.example.com", "[::1]:80", "a b"):
        assert (await web.robots(host)).text == "User-agent: *\nDisallow:\n", host
        assert await crawlable(web, host)


async def test_r39_with_indexing_off_meetings_are_disallowed_on_that_host_only(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    domain = await web.connected(person)
    await web.connected(person, "book.example.com")
    await web.connected(stranger, "meet.example.org")
    await person.patch(f"{PATH}/{domain['id']}", {"search_indexing": False})
    for host in ("meet.example.com", "MEET.example.com", "meet.example.com:443", "meet.example.com.:8443"):
        assert (await web.robots(host)).text == "User-agent: *\nDisallow: /meetings*\n", host
        assert not await crawlable(web, host)
        assert await crawlable(web, host, "/about")
    for host in ("book.example.com", "meet.example.org", "127.0.0.1", "x.meet.example.com"):
        assert await crawlable(web, host), host
    await person.patch(f"{PATH}/{domain['id']}", {"search_indexing": True})
    assert await crawlable(web, "meet.example.com")


async def test_r39_a_domain_can_be_added_without_indexing_but_decides_once_it_is_connected(web: Web) -> None:
    person = await web.person()
    domain = (await person.post(PATH, {"name": "meet.example.com", "search_indexing": False})).json()
    assert domain["search_indexing"] is False
    assert await crawlable(web, "meet.example.com"), "whose it is was not proved"
    web.prove(domain)
    await web.check(person, domain)
    assert not await crawlable(web, "meet.example.com")


async def test_r39_a_domain_of_one_account_says_nothing_of_the_same_host_in_another(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    await web.connected(person)
    theirs = await web.added(stranger)
    await stranger.patch(f"{PATH}/{theirs['id']}", {"search_indexing": False})
    await web.check(stranger, theirs)
    assert await crawlable(web, "meet.example.com")


async def test_r39_crawlers_need_no_token_and_may_keep_it_a_while(web: Web) -> None:
    answer = await web.robots("meet.example.com")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "RateLimit" in answer.headers
    problem(await web.world.api.post("/robots.txt"), 405, "method_not_allowed")
