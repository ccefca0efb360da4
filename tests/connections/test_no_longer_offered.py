"""A provider that the operator takes away while people are connected to it.

The one rule: nobody connects it any more, and whoever has connected it loses nothing by that.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from app.calendar import ProviderName
from app.connections.disclosures import disclosure_text
from app.i18n import Language
from app.settings import Settings
from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD
from tests.support.database import empty
from tests.support.hands import ALL, Hands
from tests.support.people import Person
from tests.support.world import World, open_world, problem

TAKEN_AWAY: dict[str, dict[str, Any]] = {
    "google": {"google_client_id": ""},
    "office365": {"office365_client_id": ""},
    "exchange": {"exchange_offered": False},
}
BY_CONSENT = ["google", "office365"]


@dataclass
class Story:
    """Somebody who is connected and has a page, and the deployment before and after the operator's change."""

    settings: Settings
    hands: Hands
    person: Person
    page_id: str

    def hidden(self) -> AbstractAsyncContextManager[World]:
        """The service, started again without the provider."""
        return self._started(self.settings.model_copy(update=TAKEN_AWAY[self.hands.provider]))

    def shown(self) -> AbstractAsyncContextManager[World]:
        """And with it."""
        return self._started(self.settings)

    @asynccontextmanager
    async def _started(self, settings: Settings) -> AsyncIterator[World]:
        async with open_world(settings, self.hands.sandbox) as world:
            self.person.api = world.api
            yield world

    async def sync(self, world: World) -> dict[str, Any]:
        """Have the calendar read; how that stands then."""
        path = f"/v1/connections/{self.person.connection_id}/sync"
        assert (await self.person.post(path)).status_code == 202
        await world.work()
        found: dict[str, Any] = (await self.person.get(path)).json()["calendars"][0]
        return found


@pytest.fixture(params=ALL)
async def story(request: pytest.FixtureRequest, settings: Settings, sandbox: Sandbox) -> Story:
    await empty(settings.database_url.get_secret_value())
    hands = ALL[request.param](sandbox)
    async with open_world(settings, sandbox) as world:
        person = await world.person()
        await hands.account(person)
        await hands.connect(person)
        await world.work()
        page = await person.make_page()
    return Story(settings, hands, person, page["id"])


async def test_r18_whoever_is_connected_sees_it_and_is_booked(story: Story) -> None:
    person = story.person
    async with story.hidden() as world:
        ours = f"/v1/connections/{person.connection_id}"
        for path in ("/v1/me", "/v1/connections", ours, f"{ours}/calendars", f"{ours}/sync", "/v1/calendar-settings"):
            answer = await person.get(path)
            assert answer.status_code == 200, (path, answer.text)
        assert (await person.get(ours)).json()["status"] == "active"
        booked = await person.book(story.page_id, person.at(3, "10:00").isoformat())
        assert booked.status_code == 201, booked.text
        await world.work()
        assert len(await story.hands.events(person)) == 1
        assert (await story.sync(world))["state"] == "idle"


async def test_r18_a_connection_lists_what_may_be_done_with_it(story: Story) -> None:
    person, path = story.person, f"/v1/connections/{story.person.connection_id}"
    anew = "reauthorize" if story.hands.provider in BY_CONSENT else "update"
    async with story.shown() as world:
        assert (await person.get(path)).json()["allowed_actions"] == ["disconnect", "sync", anew]
        await world.rows("UPDATE connections SET status = 'reauthorization_required', reason = 'token_revoked'")
        assert (await person.get(path)).json()["allowed_actions"] == ["disconnect", anew]
    async with story.hidden():
        left = ["disconnect", "update"] if anew == "update" else ["disconnect"]
        assert (await person.get(path)).json()["allowed_actions"] == left


async def test_r1_nobody_connects_it_any_more(story: Story) -> None:
    name = story.hands.provider
    version = disclosure_text(ProviderName(name), Language.EN, two_way_sync=name != "exchange").version
    async with story.hidden() as world:
        other = await world.person()
        listed = {item["provider"] for item in (await other.get("/v1/providers")).json()["items"]}
        assert listed == set(ALL) - {name}
        problem(await other.get(f"/v1/providers/{name}/disclosure"), 404, "not_found")
        wish = {"client": "web", "disclosure_version": version}
        if name == "exchange":
            credentials = {"client": "web", "email": other.email, "password": PASSWORD}
            problem(await other.post("/v1/exchange-discoveries", credentials), 404, "not_found")
            problem(await other.post("/v1/connections", {"provider": name, **wish, **credentials}), 404, "not_found")
        else:
            problem(await other.post("/v1/connection-authorizations", {"provider": name, **wish}), 404, "not_found")
        assert (await other.get("/v1/connections")).json()["items"] == []


async def test_r15_it_can_be_let_go(story: Story) -> None:
    async with story.hidden() as world:
        answer = await story.person.delete(f"/v1/connections/{story.person.connection_id}")
        assert answer.status_code == 204, answer.text
        await world.work()
        for table in ("connections", "connection_tokens"):
            assert await world.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 - our own tables


@pytest.mark.parametrize("story", ["exchange"], indirect=True)
async def test_r16_a_password_is_changed_all_the_same(story: Story) -> None:
    async with story.hidden() as world:
        await story.hands.revoke(story.person)
        assert (await story.sync(world))["state"] == "paused"
        await story.hands.heal(story.person)
        assert (await story.sync(world))["state"] == "idle"


@pytest.mark.parametrize("story", BY_CONSENT, indirect=True)
async def test_p3_where_our_client_is_gone_nothing_breaks_and_all_is_well_when_it_is_back(story: Story) -> None:
    person = story.person
    async with story.hidden() as world:
        await expire_access(story, world)
        state = await story.sync(world)
        assert (state["state"], state["last_error"]) == ("backing_off", "misconfigured")
        assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "active"
        wish = {"client": "web", "disclosure_version": "any"}
        problem(await person.post(f"/v1/connections/{person.connection_id}/reauthorize", wish), 404, "not_found")
        asked = await person.book(story.page_id, person.at(3, "10:00").isoformat())
        assert asked.status_code == 201, asked.text
        await world.work()
    async with story.shown() as world:
        assert (await story.sync(world))["state"] == "idle"


async def expire_access(story: Story, world: World) -> None:
    """The access token is refused from now on, and a new one is to be had with our client only."""
    if story.hands.provider == "google":
        await story.hands.sandbox.expire_google_access_tokens(story.person.email)
    else:
        await story.hands.sandbox.microsoft.expire_access_tokens(story.person.email)
