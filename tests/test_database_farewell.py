"""A database that dies takes leave of idle connections: whoever uses one before it is closed is answered 503, not 500.

The one rule: the farewell is PostgreSQL's own message, given to a real connection.
"""

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.database import create_engine
from app.routers.problems import add_problem_handlers

_FIELDS = b"SFATAL\0VFATAL\0C57P02\0Mterminating connection because of crash of another server process\0\0"
FAREWELL = b"E" + (len(_FIELDS) + 4).to_bytes(4, "big") + _FIELDS


async def _answers(endpoint) -> tuple[int, str]:
    app = FastAPI()
    app.state.problem_base = "https://problems.example"
    app.get("/")(endpoint)
    add_problem_handlers(app)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.get("/")
    return answer.status_code, answer.json()["code"]


async def test_on_a_bare_connection(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)

    async def endpoint() -> None:
        connection._protocol.data_received(FAREWELL)
        await connection.execute("SELECT 1")

    try:
        assert await _answers(endpoint) == (503, "provider_unavailable")
    finally:
        connection.terminate()


async def test_on_one_of_the_pool(database_url: str) -> None:
    engine = create_engine(database_url, role=None)

    async def endpoint() -> None:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            driver._protocol.data_received(FAREWELL)
            try:
                await connection.execute(text("SELECT 1"))
            finally:
                driver.terminate()
                await connection.invalidate()

    assert await _answers(endpoint) == (503, "provider_unavailable")
    await engine.dispose()
