"""What unfinished attempts leave behind."""

from datetime import timedelta
from typing import Any

from app.connections.housekeeping import forget_old_states
from tests.support.world import World

STATES = "SELECT count(*) AS left FROM directory WHERE kind = 'oauth_state'"
SPENT = {"login_hint": None, "code_verifier": b""}


async def kept(world: World, status: str) -> dict[str, Any]:
    """What the only attempt has kept."""
    query = "SELECT login_hint, code_verifier FROM connection_authorizations WHERE status = $1"
    [attempt] = await world.rows(query, status)
    return attempt


async def test_the_state_of_an_attempt_is_forgotten_once_it_cannot_be_used(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    await person.start_connecting()
    await person.make_page()
    everything = await world.rows("SELECT count(*) AS left FROM directory")

    await forget_old_states(world.services.sessions, world.clock)
    assert await world.rows(STATES) == [{"left": 1}]

    world.clock.offset = timedelta(minutes=17)
    await forget_old_states(world.services.sessions, world.clock)
    assert await world.rows(STATES) == [{"left": 0}]
    assert await world.rows("SELECT count(*) + 1 AS left FROM directory") == everything, "nothing else is forgotten"


async def test_r54_an_attempt_nobody_came_back_from_keeps_no_address_and_no_verifier(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    started = (await person.start_connecting(login_hint=person.email)).json()
    assert (await kept(world, "pending"))["login_hint"] == person.email
    world.clock.offset = timedelta(minutes=17)
    await forget_old_states(world.services.sessions, world.clock)
    assert await kept(world, "expired") == SPENT
    assert (await person.get(f"/v1/connection-authorizations/{started['id']}")).json()["status"] == "expired"


async def test_r54_a_finished_attempt_keeps_no_address_and_no_verifier(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    started = (await person.start_connecting(login_hint=person.email)).json()
    await person.consent(started["authorization_url"])
    assert await kept(world, "completed") == SPENT
