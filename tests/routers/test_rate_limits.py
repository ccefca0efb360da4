"""Limits on the public surface: told on every answer, and kept."""

import httpx
import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.database import empty
from tests.support.world import open_world, problem

READS = 3


@pytest.fixture
def strict(settings: Settings) -> Settings:
    return settings.model_copy(update={"reads_per_minute": READS, "bookings_per_minute": 2})


async def test_reads_past_the_limit_answer_429_and_every_answer_tells_what_is_left(
    strict: Settings, sandbox: Sandbox
) -> None:
    await empty(strict.database_url.get_secret_value())
    async with open_world(strict, sandbox) as world:
        person = await world.person()
        page = await person.make_page()
        answers = [await person.slot_list(page["id"], person.day(1)) for _ in range(READS + 1)]
        assert [answer.status_code for answer in answers] == [200] * READS + [429]
        left = [answer.headers["RateLimit"] for answer in answers]
        assert left[:READS] == [f'"default";r={remaining};t=60' for remaining in (2, 1, 0)]
        refused = answers[-1]
        problem(refused, 429, "rate_limited")
        assert refused.headers["RateLimit-Policy"] == f'"default";q={READS};w=60'
        assert refused.headers["Retry-After"] == "60"


async def test_a_visitor_behind_another_address_has_a_limit_of_its_own(strict: Settings, sandbox: Sandbox) -> None:
    await empty(strict.database_url.get_secret_value())
    behind_a_proxy = strict.model_copy(update={"trusted_proxies": 1})
    async with open_world(behind_a_proxy, sandbox) as world:
        person = await world.person()
        page = await person.make_page()
        path = f"/v1/public/scheduling-pages/{page['id']}"

        async def read(forwarded: str) -> httpx.Response:
            return await world.api.get(path, headers={"X-Forwarded-For": forwarded})

        for _ in range(READS):
            assert (await read("198.51.100.1")).status_code == 200
        assert (await read("198.51.100.1")).status_code == 429
        assert (await read("203.0.113.9, 198.51.100.1")).status_code == 429, "what the caller claims does not count"
        assert (await read("198.51.100.2")).status_code == 200
        assert (await read("2001:db8::1")).status_code == 200
        for _ in range(READS - 1):
            assert (await read("2001:db8::ffff")).status_code == 200
        assert (await read("2001:db8::2")).status_code == 429, "one /64 is one visitor"
