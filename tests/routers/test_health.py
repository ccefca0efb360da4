"""Whether a process is ready (decision 19): the database answers and has what this release needs, at any load."""

import asyncio
from contextlib import AsyncExitStack

from pydantic import SecretStr

from app.bootstrap import open_services
from app.main import attach
from app.settings import Settings
from sandbox.ports import free_port
from tests.support.world import World, problem

READY = "/health/ready"


async def test_p2_a_process_whose_connections_are_all_at_work_is_ready(world: World) -> None:
    async with AsyncExitStack() as busy:
        for _ in range(world.services.settings.database_pool_size):
            connection = await busy.enter_async_context(world.services.engine.connect())
            await connection.exec_driver_sql("SELECT 1")
        async with asyncio.timeout(5):
            assert (await world.api.get(READY)).json() == {"status": "ok"}


async def test_a_process_is_not_ready_while_the_database_is_behind_its_release(world: World) -> None:
    await world.rows("ALTER TABLE inboxes RENAME COLUMN address TO formerly")
    try:
        refused = problem(await world.api.get(READY), 503, "provider_unavailable")
        assert "migrated" in refused["detail"]
    finally:
        await world.rows("ALTER TABLE inboxes RENAME COLUMN formerly TO address")
    assert (await world.api.get(READY)).status_code == 200


async def test_a_process_that_loses_its_connection_is_ready_once_it_has_another(world: World) -> None:
    assert (await world.api.get(READY)).status_code == 200
    lost = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1"
    assert len(await world.rows(lost, "calendar-connect readiness")) == 1
    answers = [(await world.api.get(READY)).status_code for _ in range(2)]
    assert answers[-1] == 200


async def test_a_process_without_a_database_is_not_ready(world: World, settings: Settings) -> None:
    nowhere = f"postgresql://nobody:x@127.0.0.1:{free_port()}/calendar_connect"
    async with open_services(settings.model_copy(update={"database_url": SecretStr(nowhere)})) as services:
        attach(world.app, services)
        problem(await world.api.get(READY), 503, "provider_unavailable")
        assert (await world.api.get("/health/live")).status_code == 200
