"""The meeting link of a person's chat (R42): the widget is told the link and its use, and nothing else."""

from typing import Any

import httpx
import pytest

from app.ids import decode_id
from tests.scheduling.test_prefill import connect_domain
from tests.scheduling.test_public_pages import assert_tells_nothing, secrets_of
from tests.support.people import Person
from tests.support.world import World, problem

SETTINGS = "/v1/calendar-settings"


async def offer(person: Person, *, enabled: bool = True, page: dict[str, Any] | None = None) -> Any:
    """Save the chat profile; the profile."""
    profile = {"enabled": enabled, "page_id": None if page is None else page["id"]}
    saved = await person.patch(SETTINGS, {"chat_profile": profile})
    assert saved.status_code == 200, saved.text
    return saved.json()["chat_profile"]


async def on_domain(world: World, person: Person) -> None:
    """The person's links are on a connected domain from now on."""
    domain_id = await connect_domain(world, person.account_id)
    await world.rows(
        "UPDATE calendar_settings SET domain_id = $1 WHERE user_id = $2", domain_id, decode_id("usr", person.user_id)
    )


async def widget(world: World, key: str) -> httpx.Response:
    return await world.api.get(f"/v1/public/chat-widgets/{key}")


async def test_r42_the_chat_offers_the_chosen_page_and_a_visitor_books_it(world: World) -> None:
    person = await world.connected()
    await world.rows("UPDATE users SET name = 'Ada Lovelace'")
    await person.make_page(name="Other")
    page = await person.make_page()
    key = (await offer(person, page=page))["widget_key"]
    answer = await widget(world, key)
    assert answer.json() == {
        "page_id": page["id"],
        "meeting_link": page["meeting_link"],
        "host_name": "Ada Lovelace",
        "bookable": True,
    }
    assert_tells_nothing({**answer.json(), "headers": dict(answer.headers)}, await secrets_of(world, person), of="chat")
    booked = await person.book(answer.json()["page_id"], person.at(3, "10:00").isoformat())
    assert booked.status_code == 201


async def test_r42_without_a_chosen_page_it_is_the_default_one(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.patch(SETTINGS, {"default_page_id": page["id"]})
    key = (await offer(person))["widget_key"]
    assert (await widget(world, key)).json()["page_id"] == page["id"]


async def test_r42_the_key_is_made_once_is_nobody_elses_and_stays(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    assert (await person.get(SETTINGS)).json()["chat_profile"]["widget_key"] is None
    assert (await offer(person, enabled=False, page=page))["widget_key"] is None
    key = (await offer(person, page=page))["widget_key"]
    assert len(key) == 43
    assert (await offer(person, enabled=False))["widget_key"] == key
    problem(await widget(world, key), 404, "not_found")
    assert (await offer(person, page=page))["widget_key"] == key
    assert (await person.get(SETTINGS)).json()["chat_profile"] == {
        "enabled": True,
        "page_id": page["id"],
        "widget_key": key,
    }
    assert (await widget(world, key)).status_code == 200
    colleague = await world.connected(account_id=person.account_id)
    other = await offer(colleague, page=await colleague.make_page())
    assert other["widget_key"] != key
    assert (await widget(world, key)).json()["page_id"] == page["id"]


@pytest.mark.parametrize("key", ["x", "A" * 43, "A" * 44, "%00", "usr_01k9qj5v3mfb9t2z8h4c6x7wdn"])
async def test_r42_a_wrong_key_is_nothing(world: World, key: str) -> None:
    problem(await widget(world, key), 404, "not_found")


async def test_r42_chat_without_a_page_or_turned_off_is_gone(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.make_page(name="Stays")
    key = (await offer(person, page=page))["widget_key"]
    await person.patch(SETTINGS, {"turned_off": True})
    problem(await widget(world, key), 404, "page_turned_off")
    await person.patch(SETTINGS, {"turned_off": False})
    await world.rows("UPDATE scheduling_pages SET deleted_at = now() WHERE name = 'Intro call'")
    problem(await widget(world, key), 404, "not_found")
    await world.rows("UPDATE users SET active = false WHERE email = $1", person.email)
    problem(await widget(world, key), 404, "not_found")


async def test_r42_the_page_of_a_chat_is_deleted_after_what_the_problem_says(world: World) -> None:
    person = await world.person()
    stays, page = await person.make_page(name="Stays"), await person.make_page()
    await person.patch(SETTINGS, {"default_page_id": page["id"]})
    key = (await offer(person, page=page))["widget_key"]
    path = f"/v1/scheduling-pages/{page['id']}"
    problem(await person.delete(path), 409, "default_page_in_use")
    await person.patch(SETTINGS, {"default_page_id": stays["id"]})
    refused = problem(await person.delete(path), 409, "chat_page_in_use")
    assert refused["title"] == "This is your chat's page"
    assert "Choose another page for the chat first, or turn off its meeting link." in refused["detail"]
    await offer(person, page=stays)
    assert (await person.delete(path)).status_code == 204
    assert (await widget(world, key)).json()["page_id"] == stays["id"]


async def test_r42_a_chat_that_is_turned_off_keeps_no_page(world: World) -> None:
    person = await world.person()
    stays, page = await person.make_page(name="Stays"), await person.make_page()
    key = (await offer(person, page=page))["widget_key"]
    await offer(person, enabled=False, page=page)
    before = (await person.get(SETTINGS)).json()
    assert (await person.delete(f"/v1/scheduling-pages/{page['id']}")).status_code == 204
    after = (await person.get(SETTINGS)).json()
    gone = {"chat_profile": before["chat_profile"] | {"page_id": None}, "version": before["version"] + 1}
    assert after == before | gone, "what was read before is not saved over it"
    profile = {name: after["chat_profile"][name] for name in ("enabled", "page_id")}
    saved = await person.patch(SETTINGS, {"chat_profile": profile | {"enabled": True}})
    assert saved.status_code == 200, saved.text
    assert (await widget(world, key)).json()["page_id"] == stays["id"], "the default page, as without a choice"
    assert (await person.delete(f"/v1/scheduling-pages/{stays['id']}")).status_code == 204
    assert (await person.get(SETTINGS)).json()["version"] == after["version"] + 1, "of no other page anything is saved"


async def test_r42_the_widget_says_when_nothing_can_be_booked(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    key = (await offer(person, page=page))["widget_key"]
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost'")
    assert (await widget(world, key)).json()["bookable"] is False
    await world.rows("UPDATE calendars SET inactive_reason = NULL")
    assert (await widget(world, key)).json()["bookable"] is True
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"weekly_hours": []})
    assert (await widget(world, key)).json()["bookable"] is False


async def test_r26_without_a_calendar_a_time_can_be_asked_for(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    key = (await offer(person, page=page))["widget_key"]
    assert (await widget(world, key)).json()["bookable"] is True
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 202


async def test_r37_the_link_is_on_the_persons_domain_and_follows_it(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    key = (await offer(person, page=page))["widget_key"]
    await on_domain(world, person)
    link = (await widget(world, key)).json()["meeting_link"]
    assert link == f"https://meet.example.com/meetings/{page['slug']}"
    await world.rows("UPDATE domains SET status = 'failed'")
    assert (await widget(world, key)).json()["meeting_link"] == page["meeting_link"]
