"""The addresses of pages: slugs, the meetings URL before them, and what a URL shows (R35, R36, R38).

The one rule: an address is one page's, in all accounts, and shows that page as long as the page is there.
"""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.people import Person
from tests.support.world import World, problem

PATH = "/v1/scheduling-pages"
HOST = "127.0.0.1"


async def create(person: Person, **fields: Any) -> dict[str, Any]:
    made = await person.post(PATH, {"type": "personal", "name": "Intro call"} | fields)
    assert made.status_code == 201, made.text
    page: dict[str, Any] = made.json()
    return page


async def resolve(world: World, path: str, host: str = HOST) -> httpx.Response:
    return await world.api.get("/v1/public/resolve", params={"host": host, "path": path})


async def shown(world: World, path: str) -> str:
    answer = await resolve(world, path)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["page_id"])


async def test_r38_an_asked_slug_is_taken_for_everybody_else(world: World) -> None:
    person, stranger = await world.person(), await world.person()
    await create(person, slug="intro")
    for caller in (person, stranger):
        for slug in ("intro", "INTRO"):
            problem(await caller.post(PATH, {"type": "personal", "name": "A", "slug": slug}), 409, "slug_taken")
    other = await create(stranger, slug="other")
    problem(await stranger.patch(f"{PATH}/{other['id']}", {"slug": "Intro"}), 409, "slug_taken")
    assert (await stranger.get(f"{PATH}/{other['id']}")).json() == other
    assert len((await stranger.get(PATH)).json()["items"]) == 1


async def test_r38_pages_without_a_slug_get_one_of_their_own_each(world: World) -> None:
    people = [await world.person() for _ in range(2)]
    slugs = [(await create(person))["slug"] for person in people for _ in range(4)]
    assert len(set(slugs)) == 8
    assert all(slug.startswith("intro-call") for slug in slugs)
    for name, slug in (("會議", "meeting"), ("--", "meeting-"), ("x" * 100, "x" * 40), ("Straße 9!", "strae-9")):
        assert (await create(people[0], name=name))["slug"].startswith(slug)


async def test_r38_of_many_who_want_one_slug_at_once_one_gets_it(world: World) -> None:
    people = [await world.person() for _ in range(4)]
    body = {"type": "personal", "name": "A", "slug": "wanted"}
    answers = await asyncio.gather(*(person.post(PATH, body) for person in people * 4))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"slug_taken"}


async def test_r37_every_slug_a_page_ever_had_still_shows_it(world: World) -> None:
    person, stranger = await world.person(), await world.person()
    page = await create(person, slug="first")
    for slug in ("second", "third", "second"):
        moved = (await person.patch(f"{PATH}/{page['id']}", {"slug": slug})).json()
        assert (moved["slug"], moved["meeting_link"]) == (slug, f"http://127.0.0.1:8000/meetings/{slug}")
    for slug in ("first", "second", "third"):
        assert await shown(world, f"/meetings/{slug}") == page["id"]
        problem(await stranger.post(PATH, {"type": "personal", "name": "A", "slug": slug}), 409, "slug_taken")


async def test_r37_an_address_of_a_deleted_page_shows_nothing(world: World) -> None:
    person = await world.person()
    page = await create(person, slug="first")
    await person.patch(f"{PATH}/{page['id']}", {"slug": "second"})
    await person.delete(f"{PATH}/{page['id']}")
    for slug in ("first", "second"):
        problem(await resolve(world, f"/meetings/{slug}"), 404, "not_found")


async def test_a_url_is_understood_as_browsers_write_it(world: World) -> None:
    person = await world.person()
    page = await create(person, slug="intro-call")
    for path in ("/meetings/intro-call", "/meetings/Intro-Call", "/meetings/intro%2Dcall", "/meetings/intro-call/"):
        assert await shown(world, path) == page["id"]
    for host in ("127.0.0.1:8000", "127.0.0.1:443"):
        assert (await resolve(world, "/meetings/intro-call", host)).status_code == 200
    for path in (
        "/intro-call",
        "/meetings",
        "/meetings/",
        "/meetingsintro-call",
        "/meetings/none",
        "meetings/intro-call",
    ):
        problem(await resolve(world, path), 404, "not_found")
    for host in ("example.com", "evil.127.0.0.1", "127.0.0.2"):
        problem(await resolve(world, "/meetings/intro-call", host), 404, "not_found")
    problem(await resolve(world, "/meetings/%00%ff"), 404, "not_found")
    problem(await world.api.get("/v1/public/resolve", params={"host": HOST}), 422, "validation_failed")


async def test_r35_the_meetings_url_stands_before_new_pages_only(world: World) -> None:
    person = await world.person()
    before = await create(person, slug="before")
    saved = await person.patch("/v1/calendar-settings", {"meetings_url": "Ada"})
    assert saved.json()["meetings_url"] == "ada"
    after = await create(person, slug="after")
    named = await create(person, name="Long talk")
    assert (await person.get(f"{PATH}/{before['id']}")).json()["slug"] == "before"
    assert (after["slug"], named["slug"]) == ("ada/after", "ada/long-talk")
    assert after["meeting_link"] == "http://127.0.0.1:8000/meetings/ada/after"
    assert await shown(world, "/meetings/before") == before["id"]
    assert await shown(world, "/meetings/Ada/after/") == after["id"]
    assert await shown(world, "/meetings/ada%2Fafter") == after["id"]
    await person.patch("/v1/calendar-settings", {"meetings_url": "ada-l"})
    assert (await person.patch(f"{PATH}/{after['id']}", {"slug": "later"})).json()["slug"] == "ada/later"
    assert (await create(person, slug="new"))["slug"] == "ada-l/new"
    await person.patch("/v1/calendar-settings", {"meetings_url": None})
    assert (await create(person, slug="bare"))["slug"] == "bare"
    assert await shown(world, "/meetings/ada/after") == after["id"]


async def test_r36_the_bare_meetings_url_shows_the_default_page(world: World) -> None:
    person = await world.person()
    await person.patch("/v1/calendar-settings", {"meetings_url": "ada"})
    problem(await resolve(world, "/meetings/ada"), 404, "no_default_page")
    page = await create(person)
    await person.patch("/v1/calendar-settings", {"default_page_id": page["id"]})
    assert await shown(world, "/meetings/ada") == page["id"]
    assert await shown(world, "/meetings/ADA/") == page["id"]
    other = await create(person)
    await person.patch("/v1/calendar-settings", {"default_page_id": other["id"], "meetings_url": "countess"})
    assert await shown(world, "/meetings/ada") == await shown(world, "/meetings/countess") == other["id"]


async def test_r38_nobodys_page_takes_the_place_of_somebodys_meetings_url(world: World) -> None:
    person, stranger = await world.person(), await world.person()
    await person.patch("/v1/calendar-settings", {"meetings_url": "ada"})
    page = await create(person)
    await person.patch("/v1/calendar-settings", {"default_page_id": page["id"]})
    problem(await stranger.post(PATH, {"type": "personal", "name": "A", "slug": "ada"}), 409, "slug_taken")
    named = await create(stranger, name="Ada")
    assert named["slug"] != "ada"
    problem(await stranger.patch(f"{PATH}/{named['id']}", {"slug": "ada"}), 409, "slug_taken")
    problem(await stranger.patch("/v1/calendar-settings", {"meetings_url": "ada"}), 409, "slug_taken")
    assert await shown(world, "/meetings/ada") == page["id"]


async def test_r35_a_meetings_url_that_is_a_pages_slug_is_taken(world: World) -> None:
    person, stranger = await world.person(), await world.person()
    await create(stranger, slug="ada")
    before = (await person.get("/v1/calendar-settings")).json()
    problem(await person.patch("/v1/calendar-settings", {"meetings_url": "ada", "turned_off": True}), 409, "slug_taken")
    assert (await person.get("/v1/calendar-settings")).json() == before
    await stranger.delete(f"{PATH}/{(await stranger.get(PATH)).json()['items'][0]['id']}")
    answer = await person.patch("/v1/calendar-settings", {"meetings_url": "ada"})
    problem(answer, 409, "slug_taken")  # links to the page that is gone are still out there


@pytest.mark.parametrize("tier", [None, "free"])
async def test_r35_the_meetings_url_needs_a_starter_seat(world: World, tier: str | None) -> None:
    seats = [] if tier is None else [{"product": "sales_hub", "tier": tier}]
    person = await world.person(seats=seats)
    refused = problem(await person.patch("/v1/calendar-settings", {"meetings_url": "ada"}), 403, "entitlement_required")
    assert refused["required_tiers"] == ["starter", "professional", "enterprise"]
    await person.refresh_token(seats=[{"product": "service_hub", "tier": "starter"}])
    assert (await person.patch("/v1/calendar-settings", {"meetings_url": "ada"})).status_code == 200
    await person.refresh_token(seats=[])
    assert (await person.patch("/v1/calendar-settings", {"meetings_url": None})).status_code == 200
