"""The links people hand out: on which domain, which is the default, and where old ones lead (R36, R37, R38)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.domains import PATH, SETTINGS, Web, open_web
from tests.support.people import Person
from tests.support.world import problem

LINKS = "/v1/meeting-links"
PAGES = "/v1/scheduling-pages"
SHARED = "http://127.0.0.1:8000/meetings"
CUSTOM = "https://meet.example.com/meetings"


@pytest.fixture
async def web(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Web]:
    async with open_web(settings, sandbox) as opened:
        yield opened


async def links(person: Person) -> list[str]:
    """Every link of the person, which the pages and the list of links must tell alike."""
    listed = (await person.get(LINKS)).json()["items"]
    pages = (await person.get(PAGES)).json()["items"]
    told = {page["id"]: page["meeting_link"] for page in pages}
    assert {link["page_id"]: link["meeting_link"] for link in listed} == told
    return [link["meeting_link"] for link in listed]


async def leads(web: Web, url: str) -> tuple[str, str, bool]:
    answer = await web.resolve(url)
    assert answer.status_code == 200, (url, answer.text)
    body = answer.json()
    return body["page_id"], body["meeting_link"], body["moved"]


async def test_r37_changing_ones_domain_changes_all_of_ones_links_at_once_and_nobody_elses(web: Web) -> None:
    person = await web.person()
    colleague = await web.colleague(person)
    await person.patch(SETTINGS, {"meetings_url": "ada"})
    for slug in ("intro", "demo", "lunch"):
        await person.make_page(slug=slug)
    await colleague.make_page(slug="other")
    shared = [f"{SHARED}/ada/{slug}" for slug in ("intro", "demo", "lunch")]
    custom = [f"{CUSTOM}/ada/{slug}" for slug in ("intro", "demo", "lunch")]
    assert await links(person) == shared
    domain = await web.connected(person)
    assert await links(person) == shared, "nobody is moved by what can be chosen"
    await web.choose(person, domain)
    assert await links(person) == custom
    assert (await person.make_page(slug="new"))["meeting_link"] == f"{CUSTOM}/ada/new"
    assert await links(colleague) == [f"{SHARED}/other"]
    await web.choose(person, None)
    assert (await links(person))[:3] == shared


async def test_r37_every_url_ever_issued_keeps_resolving(web: Web) -> None:
    person = await web.person()
    colleague = await web.colleague(person)
    page = await person.make_page(slug="first")
    issued = set(await links(person))
    first, second = await web.connected(person), await web.connected(colleague, "book.example.org")
    for domain in (first, second, None, first):
        await web.choose(person, domain)
        for slug in ("second", "first"):
            await person.patch(f"{PAGES}/{page['id']}", {"slug": slug})
            [link] = await links(person)
            issued.add(link)
            for url in issued:
                assert await leads(web, url) == (page["id"], link, url != link)
    assert len(issued) == 6
    await web.choose(person, None)
    for domain in (first, second):
        assert (await person.delete(f"{PATH}/{domain['id']}")).status_code == 204
    for url in issued:
        assert await leads(web, url) == (page["id"], f"{SHARED}/first", url != f"{SHARED}/first"), "the domain is gone"
    await person.delete(f"{PAGES}/{page['id']}")
    for url in issued:
        problem(await web.resolve(url), 404, "not_found")


async def test_r37_a_domain_shows_the_pages_of_its_account_and_no_others(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    colleague = await web.colleague(person)
    await web.connected(person)
    theirs = await stranger.make_page(slug="stranger")
    ours = await colleague.make_page(slug="colleague")
    assert await leads(web, f"{CUSTOM}/colleague") == (ours["id"], f"{SHARED}/colleague", True)
    problem(await web.resolve(f"{CUSTOM}/stranger"), 404, "not_found")
    assert await leads(web, f"{SHARED}/stranger") == (theirs["id"], f"{SHARED}/stranger", False)
    for url in ("https://other.example.com/meetings/colleague", "https://x.meet.example.com/meetings/colleague"):
        problem(await web.resolve(url), 404, "not_found")
    pending = await web.added(person, "pending.example.com")
    assert pending["status"] == "pending"
    problem(await web.resolve("https://pending.example.com/meetings/colleague"), 404, "not_found")


async def test_r37_a_host_that_others_have_connected_shows_theirs(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    mine, theirs = await person.make_page(slug="mine"), await stranger.make_page(slug="theirs")
    domain = await web.connected(person)
    await person.delete(f"{PATH}/{domain['id']}")
    assert (await leads(web, f"{CUSTOM}/mine"))[0] == mine["id"]
    problem(await web.resolve(f"{CUSTOM}/theirs"), 404, "not_found")
    await web.connected(stranger)
    assert (await leads(web, f"{CUSTOM}/theirs"))[0] == theirs["id"]
    problem(await web.resolve(f"{CUSTOM}/mine"), 404, "not_found")


async def test_r37_urls_on_a_custom_domain_are_understood_as_browsers_write_them(web: Web) -> None:
    person = await web.person()
    await web.choose(person, await web.connected(person, "möten.example.com"))
    page = await person.make_page(slug="intro")
    link = "https://xn--mten-5qa.example.com/meetings/intro"
    assert page["meeting_link"] == link
    for host in ("MÖTEN.example.com", "xn--mten-5qa.example.com.", "xn--mten-5qa.example.com:443"):
        answer = await web.world.api.get("/v1/public/resolve", params={"host": host, "path": "/meetings/Intro/"})
        assert answer.json() == {"page_id": page["id"], "meeting_link": link, "moved": False}


async def test_r36_a_bare_meetings_url_leads_to_where_it_is_now(web: Web) -> None:
    person = await web.person()
    await person.patch(SETTINGS, {"meetings_url": "ada"})
    page = await person.make_page(slug="intro")
    assert await leads(web, f"{SHARED}/ada") == (page["id"], f"{SHARED}/ada", False)
    await web.choose(person, await web.connected(person))
    await person.patch(SETTINGS, {"meetings_url": "countess"})
    for url in (f"{SHARED}/ada", f"{CUSTOM}/ada", f"{SHARED}/countess"):
        assert await leads(web, url) == (page["id"], f"{CUSTOM}/countess", True)
    assert await leads(web, f"{CUSTOM}/countess") == (page["id"], f"{CUSTOM}/countess", False)
    await person.patch(SETTINGS, {"meetings_url": None})
    assert await leads(web, f"{CUSTOM}/ada") == (page["id"], f"{CUSTOM}/ada/intro", True)


async def test_r36_there_is_exactly_one_default_page_as_soon_as_there_is_a_page(web: Web) -> None:
    person = await web.person()
    problem(await person.get(f"{LINKS}/default"), 404, "no_default_page")
    assert (await person.get(SETTINGS)).json()["default_page_id"] is None
    pages: list[dict[str, Any]] = [await person.make_page(name=name) for name in ("One", "Two", "Three")]

    async def default() -> str:
        link = (await person.get(f"{LINKS}/default")).json()
        marked = [item for item in (await person.get(LINKS)).json()["items"] if item["is_default"]]
        assert marked == [link]
        assert (await person.get(SETTINGS)).json()["default_page_id"] == link["page_id"]
        return str(link["page_id"])

    assert await default() == pages[0]["id"], "the first one"
    await person.patch(SETTINGS, {"default_page_id": pages[2]["id"]})
    assert await default() == pages[2]["id"]
    problem(await person.delete(f"{PAGES}/{pages[2]['id']}"), 409, "default_page_in_use")
    await person.patch(SETTINGS, {"default_page_id": None})
    assert await default() == pages[0]["id"]
    assert (await person.delete(f"{PAGES}/{pages[0]['id']}")).status_code == 204, "nobody chose it"
    assert await default() == pages[1]["id"]


async def test_r36_pages_made_at_once_have_one_default_among_them(web: Web) -> None:
    person = await web.person()
    await asyncio.gather(*(person.make_page(name=f"Page {number}") for number in range(6)))
    items = (await person.get(LINKS)).json()["items"]
    assert [item["is_default"] for item in items] == [True] + [False] * 5


@pytest.mark.parametrize("tier", [None, "free"])
async def test_r36_changing_the_default_page_takes_a_subscription_of_the_account(web: Web, tier: str | None) -> None:
    bought = [] if tier is None else [{"product": "service_hub", "tier": tier}]
    seats = [{"product": "sales_hub", "tier": "enterprise"}]
    person = await web.person(subscriptions=bought, seats=seats)
    pages = [await person.make_page(name=name) for name in ("One", "Two")]
    refused = problem(await person.patch(SETTINGS, {"default_page_id": pages[1]["id"]}), 403, "entitlement_required")
    assert (refused["entitlement"], refused["required_tiers"][0]) == ("default_page", "starter")
    assert (await person.patch(SETTINGS, {"default_page_id": pages[0]["id"]})).status_code == 200, "it is that one"
    await asyncio.sleep(1.1)  # tokens are told apart by the second
    await person.refresh_token(subscriptions=[{"product": "service_hub", "tier": "starter"}], seats=[])
    assert (await person.patch(SETTINGS, {"default_page_id": pages[1]["id"]})).status_code == 200
    await asyncio.sleep(1.1)
    await person.refresh_token(subscriptions=bought)
    problem(await person.patch(SETTINGS, {"default_page_id": None}), 403, "entitlement_required")
    assert (await person.get(SETTINGS)).json()["default_page_id"] == pages[1]["id"]
    assert (await person.patch(SETTINGS, {"default_page_id": pages[1]["id"]})).status_code == 200


async def test_r18_a_page_that_links_lead_to_is_not_said_to_be_deletable(web: Web) -> None:
    person = await web.person()
    pages = [await person.make_page(name=name) for name in ("One", "Two", "Three")]
    await person.patch(SETTINGS, {"default_page_id": pages[1]["id"]})
    await person.patch(SETTINGS, {"chat_profile": {"enabled": True, "page_id": pages[2]["id"]}})
    for page, deletable in zip(pages, (True, False, False), strict=True):
        said = (await person.get(f"{PAGES}/{page['id']}")).json()["allowed_actions"]
        assert ("delete" in said) is deletable
        assert ((await person.delete(f"{PAGES}/{page['id']}")).status_code == 204) is deletable


async def test_r41_links_say_that_the_pages_are_turned_off(web: Web) -> None:
    person = await web.person()
    page = await person.make_page(slug="intro")
    before = (await person.get(f"{LINKS}/default")).json()
    assert before == {
        "page_id": page["id"],
        "name": "Intro call",
        "type": "personal",
        "slug": "intro",
        "meeting_link": f"{SHARED}/intro",
        "is_default": True,
        "turned_off": False,
    }
    for off in ({"turned_off": True}, {"scheduling_pages": False}):
        await person.patch(SETTINGS, off)
        assert (await person.get(f"{LINKS}/default")).json() == before | {"turned_off": True}
        await person.patch(SETTINGS, dict.fromkeys(off))
    assert (await person.get(f"{LINKS}/default")).json() == before


async def test_links_are_the_callers_own_and_lists_of_them_go_on(web: Web) -> None:
    person = await web.person()
    colleague, stranger = await web.colleague(person), await web.person()
    made = [(await person.make_page(name=f"Page {number}"))["id"] for number in range(3)]
    first = (await person.get(LINKS, limit=2)).json()
    second = (await person.get(LINKS, limit=2, cursor=first["next_cursor"])).json()
    assert [item["page_id"] for item in first["items"] + second["items"]] == made
    assert second["next_cursor"] is None
    for other in (colleague, stranger):
        assert (await other.get(LINKS)).json()["items"] == []
        problem(await other.get(LINKS, cursor=first["next_cursor"]), 400, "invalid_cursor")


async def test_r38_a_slug_is_free_when_a_page_could_be_made_with_it(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    colleague = await web.colleague(person)
    await web.choose(colleague, await web.connected(colleague))
    await person.make_page(slug="mine")
    await colleague.make_page(slug="ours")
    await stranger.make_page(slug="theirs")
    for deleting, slug in ((person, "gone"), (stranger, "theirs-gone")):
        page = await deleting.make_page(slug=slug)
        await deleting.delete(f"{PAGES}/{page['id']}")
    await stranger.patch(SETTINGS, {"meetings_url": "prefix"})
    conflicts = {"mine": "127.0.0.1", "ours": "meet.example.com", "theirs": None, "prefix": None}
    for slug in ("free", "Mine", "mine", "ours", "theirs", "theirs-gone", "prefix", "gone"):
        told = (await person.get(f"/v1/slugs/{slug}")).json()
        assert told["slug"] == slug.lower()
        assert told["meeting_link"] == f"{SHARED}/{slug.lower()}"
        assert told["conflicts_with_domain"] == conflicts.get(slug.lower())
        made = await person.post(PAGES, {"type": "personal", "name": "A", "slug": slug})
        assert made.status_code == (201 if told["available"] else 409), slug
        assert told["available"] == (slug in {"free", "gone"})
    for odd in ("-a", "a_b", "a" * 61, "å"):
        problem(await person.get(f"/v1/slugs/{odd}"), 404, "not_found")


async def refused_by(answer: httpx.Response) -> str | None:
    """Which host has the slug, as a refusal tells it."""
    host: str | None = problem(answer, 409, "slug_taken").get("conflicts_with_domain")
    return host


async def test_r38_a_refusal_names_the_domain_of_the_accounts_own_link_and_no_other(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    colleague = await web.colleague(person)
    await web.choose(colleague, await web.connected(colleague))
    await colleague.make_page(slug="ours")
    await web.choose(stranger, await web.connected(stranger, "book.example.org"))
    theirs = await stranger.make_page(slug="theirs")
    mine = await person.make_page(slug="mine")
    await stranger.patch(SETTINGS, {"meetings_url": "bob"})
    for slug, host in (("ours", "meet.example.com"), ("theirs", None), ("bob", None)):
        made = await person.post(PAGES, {"type": "personal", "name": "A", "slug": slug})
        assert await refused_by(made) == host
        moved = await person.patch(f"{PAGES}/{mine['id']}", {"slug": slug})
        assert await refused_by(moved) == host
        assert await refused_by(await person.patch(SETTINGS, {"meetings_url": slug})) == host
        assert "book.example.org" not in made.text + moved.text
    await stranger.patch(SETTINGS, {"meetings_url": None})
    for slug in ("ours", "mine"):
        moved = await stranger.patch(f"{PAGES}/{theirs['id']}", {"slug": slug})
        assert await refused_by(moved) is None
    await colleague.delete(f"{PAGES}/{(await colleague.get(PAGES)).json()['items'][0]['id']}")
    assert await refused_by(await person.patch(SETTINGS, {"meetings_url": "ours"})) is None, "its page is gone"


async def test_r38_a_refusal_names_the_shared_domain_too(web: Web) -> None:
    person = await web.person()
    colleague = await web.colleague(person)
    await colleague.make_page(slug="ours")
    await colleague.patch(SETTINGS, {"meetings_url": "ada"})
    assert await refused_by(await person.patch(SETTINGS, {"meetings_url": "ours"})) == "127.0.0.1"
    assert await refused_by(await person.patch(SETTINGS, {"meetings_url": "ada"})) == "127.0.0.1"
    assert await refused_by(await person.post(PAGES, {"type": "personal", "name": "A", "slug": "ours"})) == "127.0.0.1"
    mine = await person.make_page(slug="mine")
    assert await refused_by(await person.patch(f"{PAGES}/{mine['id']}", {"slug": "ours"})) == "127.0.0.1"
    assert (await person.get("/v1/slugs/ada")).json()["conflicts_with_domain"] == "127.0.0.1"


async def test_r35_a_slug_is_asked_for_behind_the_callers_meetings_url(web: Web) -> None:
    person = await web.person()
    await person.make_page(slug="intro")
    await person.patch(SETTINGS, {"meetings_url": "ada"})
    await web.choose(person, await web.connected(person))
    told = (await person.get("/v1/slugs/intro")).json()
    assert told == {
        "slug": "ada/intro",
        "available": True,
        "conflicts_with_domain": None,
        "meeting_link": f"{CUSTOM}/ada/intro",
    }
    assert (await person.make_page(slug="intro"))["meeting_link"] == told["meeting_link"]
    assert (await person.get("/v1/slugs/intro")).json() == told | {
        "available": False,
        "conflicts_with_domain": "meet.example.com",
    }


async def test_r38_a_page_and_a_meetings_url_that_want_one_name_at_once_do_not_both_have_it(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    answers = []
    for name in (f"name-{number}" for number in range(10)):
        wanted = {"type": "personal", "name": "Intro", "slug": name, "durations_minutes": [30]}
        answers.append(
            await asyncio.gather(
                person.patch(SETTINGS, {"meetings_url": name}), stranger.post("/v1/scheduling-pages", wanted)
            )
        )
    statuses = [sorted(answer.status_code for answer in both) for both in answers]
    assert all(both[1] == 409 for both in statuses), statuses
