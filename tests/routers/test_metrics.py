"""What an operator can watch, and nobody else (P3, P5)."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.database import empty
from tests.support.world import World, open_world, problem

TOKEN = {"Authorization": "Bearer the-operator's-own"}


@pytest.fixture
async def watched(settings: Settings, sandbox: Sandbox) -> AsyncIterator[World]:
    await empty(settings.database_url.get_secret_value())
    told = settings.model_copy(update={"metrics_token": SecretStr("the-operator's-own")})
    async with open_world(told, sandbox) as world:
        yield world


async def figures(world: World) -> dict[str, float]:
    answer = await world.api.get("/metrics", headers=TOKEN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    found = re.findall(r"^calendar_connect_(\S+) (\S+)$", answer.text, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def test_p3_staleness_is_measured_over_all_accounts(watched: World) -> None:
    assert (await figures(watched))["calendars"] == 0
    await watched.connected()
    await watched.connected()
    seen = await figures(watched)
    assert (seen["calendars"], seen["calendars_never_synced"]) == (2, 0)
    assert seen["staleness_seconds_max"] < 60
    watched.clock.offset += timedelta(minutes=10)
    seen = await figures(watched)
    assert seen["staleness_seconds_p99"] > 599
    older = {bound: seen[f'calendars_older_than{{seconds="{bound}"}}'] for bound in (60, 300, 900)}
    assert older == {60: 2, 300: 2, 900: 0}
    assert seen['overdue{kind="syncs"}'] == 2
    assert seen['overdue_seconds_max{kind="syncs"}'] > 60


async def test_p3_what_waits_in_the_queue_is_counted_by_job(watched: World) -> None:
    person = await watched.connected()
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    assert (await figures(watched))['jobs{job="sync_calendar",status="queued"}'] == 1
    await watched.rows("UPDATE queue.pgqueuer SET execute_after = now() - interval '2 minutes', attempts = 3")
    seen = await figures(watched)
    assert 120 <= seen['job_queue_seconds_max{job="sync_calendar"}'] < 180
    assert seen['jobs_retrying{job="sync_calendar"}'] == 1
    await watched.rows("UPDATE queue.pgqueuer SET execute_after = now() + interval '1 hour'")
    assert (await figures(watched))['job_queue_seconds_max{job="sync_calendar"}'] == 0


async def test_p3_a_process_tells_its_own_figures_also_without_the_database(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched.api.get("/health/live")
    assert (await figures(watched))["database_up"] == 1

    async def gone(*_: object, **__: object) -> bytes:
        raise ConnectionRefusedError

    monkeypatch.setattr("app.routers.metrics.read_gauges", gone)
    seen = await figures(watched)
    assert seen["database_up"] == 0
    assert "calendars" not in seen
    assert seen['http_requests_total{operation="getLiveness",status="2xx"}'] >= 1


async def test_a_process_can_be_asked_for_its_own_figures_alone(watched: World) -> None:
    await watched.api.get("/health/live")
    answer = await watched.api.get("/metrics/process", headers=TOKEN)
    assert answer.status_code == 200
    assert 'http_requests_total{operation="getLiveness",status="2xx"}' in answer.text
    assert "database_up" not in answer.text
    problem(await watched.api.get("/metrics/process"), 404, "not_found")


async def test_p5_without_the_token_there_is_nothing(world: World, watched: World) -> None:
    wrong: list[dict[str, str]] = [{}, {"Authorization": "Bearer guess"}, {"Authorization": "the-operator's-own"}]
    answers: list[httpx.Response] = [await watched.api.get("/metrics", headers=headers) for headers in wrong]
    for answer in [*answers, await world.api.get("/metrics", headers=TOKEN)]:
        problem(answer, 404, "not_found")
