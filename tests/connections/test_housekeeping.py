"""What unfinished attempts leave behind."""

from datetime import timedelta

from app.connections.housekeeping import forget_old_states
from tests.support.world import World

STATES = "SELECT count(*) AS left FROM directory WHERE kind = 'oauth_state'"


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
