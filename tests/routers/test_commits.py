"""What is answered has been committed (P2): a commit that fails is no success.

The one rule: PostgreSQL itself refuses the commit, by a constraint that it checks last.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.world import World, problem

REFUSING = """
CREATE FUNCTION refuse_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
CREATE CONSTRAINT TRIGGER refuse_commit AFTER INSERT OR UPDATE ON scheduling_pages
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_commit();
"""


@pytest.fixture
async def refusing(world: World) -> AsyncIterator[World]:
    """No page can be committed."""
    connection = await asyncpg.connect(world.database_url)
    try:
        await connection.execute(REFUSING)
        yield world
    finally:
        await connection.execute("DROP FUNCTION refuse_commit CASCADE")
        await connection.close()


async def test_p2_what_cannot_be_committed_is_not_answered_as_done(refusing: World) -> None:
    person = await refusing.person()
    body = {"type": "personal", "name": "Intro call", "time_zone": "UTC", "durations_minutes": [30], "weekly_hours": []}
    answer = await person.post("/v1/scheduling-pages", body)
    problem(answer, 500, "internal_error")
    assert await refusing.rows("SELECT FROM scheduling_pages") == []
