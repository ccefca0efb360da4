"""A worker's figures: over HTTP, to whoever holds the operator's token (P5)."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from app import worker
from app.bootstrap import Services
from app.settings import Settings
from app.telemetry.listener import is_operator, metrics_listener
from app.telemetry.metrics import SYNCS
from sandbox.ports import free_port
from tests.support.world import World
from tests.test_worker import eventually, started

TOKEN = "the-operator's-own"


@pytest.fixture
def address() -> Iterator[str]:
    with metrics_listener("127.0.0.1", 0, TOKEN) as port:
        yield f"http://127.0.0.1:{port}"


async def test_the_figures_are_told_to_the_operator(address: str) -> None:
    SYNCS.labels("google", "full", "ok").inc()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as scraper:
        for path in ("/metrics", "/metrics/process"):
            answer = await scraper.get(address + path)
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert "calendar_connect_syncs_total{" in answer.text


async def test_p5_without_the_token_there_is_nothing(address: str) -> None:
    async with httpx.AsyncClient() as stranger:
        for headers in ({}, {"Authorization": "Bearer guess"}, {"Authorization": TOKEN}, {"Authorization": "Bearer"}):
            answer = await stranger.get(f"{address}/metrics", headers=headers)
            assert (answer.status_code, answer.content) == (404, b"")
        assert (await stranger.get(address, headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 404


async def test_somebody_who_says_nothing_keeps_nobody_waiting(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as scraper:
            assert (await scraper.get(f"{address}/metrics", timeout=20)).status_code == 200


def test_p5_no_token_lets_nobody_in() -> None:
    assert not is_operator(None, "Bearer None")
    assert not is_operator(None, "")
    assert not is_operator(TOKEN, "Bearer ü")
    assert is_operator(TOKEN, f"Bearer {TOKEN}")


def test_p5_a_port_without_a_token_is_refused(service_environment: dict[str, str], monkeypatch) -> None:
    for name, value in service_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CALENDAR_CONNECT_METRICS_PORT", "9100")
    with pytest.raises(ValidationError, match="METRICS_PORT needs METRICS_TOKEN"):
        Settings(_env_file=None)
    monkeypatch.setenv("CALENDAR_CONNECT_METRICS_TOKEN", TOKEN)
    assert Settings(_env_file=None).metrics_port == 9100


async def test_p3_a_worker_with_a_port_tells_how_things_stand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.connected()
    port = free_port()
    told = {"metrics_port": port, "metrics_token": SecretStr(TOKEN)}
    services = replace(world.services, settings=world.services.settings.model_copy(update=told))

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[Services]:
        async with aclosing(services.stock):
            yield services

    monkeypatch.setattr(worker, "open_services", opened)

    async def scraped() -> bool:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as scraper:
            try:
                text = (await scraper.get(f"http://127.0.0.1:{port}/metrics")).text
            except httpx.ConnectError:
                return False
        return 'calendar_connect_connections{provider="google",status="active"} 1.0' in text

    async with started(world):
        await eventually(scraped)
    assert not await scraped()

    async def left() -> bool:
        return not await world.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'calendar-connect stock'")

    await eventually(left)
