"""Limits under a rush, counters that are gone, forged addresses; and what a guesser learns from answers and from time.

The one rule: figures are judged generously here, for a busy machine must not fail a test; `prove attack` prints them.
"""

import asyncio
import secrets
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ids import encode_id, new_id
from app.routers.moving_windows import Count, MovingWindow
from app.settings import Settings
from prove.attack_timing import Guess, Request, interleaved
from sandbox.client import Sandbox
from tests.routers.test_rate_limits import caller
from tests.support.database import empty
from tests.support.visitors import visit
from tests.support.world import World, open_world

LIMIT = 12
TOKEN = "Booking-Token"
FAIR = 0.025  # seconds by which the medians of a hit and a miss may differ here


@pytest.fixture
def strict(settings: Settings) -> Settings:
    limits = {"reads_per_minute": LIMIT, "bookings_per_minute": LIMIT, "sign_ins_per_minute": LIMIT}
    return settings.model_copy(update=limits | {"domain_checks_per_minute": LIMIT, "changes_per_minute": LIMIT})


async def test_a_rush_passes_each_limit_as_often_as_it_says(strict: Settings, sandbox: Sandbox) -> None:
    """Everybody at once: as many as may, neither one more nor one less."""
    await empty(strict.database_url.get_secret_value())
    async with open_world(strict, sandbox) as world:
        person = await world.connected()
        page = await person.make_page()
        booked = await visit(person, page, person.at(3, "10:00"))
        path = f"/v1/public/scheduling-pages/{page['id']}"
        own = {"Booking-Token": booked.token}
        wrong = {"client": "web", "email": "a@127.0.0.1", "password": "x", "ews_url": "https://127.0.0.1/"}
        rushes: dict[str, tuple[str, str, Any, dict[str, str]]] = {
            "bookings": ("POST", f"{path}/bookings", {}, {}),
            "holds": ("POST", f"{path}/holds", {}, {}),
            "changes": ("POST", f"{booked.path}/reschedule", {"start_at": "2020-01-01T00:00:00Z"}, own),
            "sign-ins": ("POST", "/v1/exchange-discoveries", wrong, person.headers),
            "reads": ("GET", path, None, {}),
        }
        for number, (name, (method, at, body, headers)) in enumerate(rushes.items()):
            async with world.visitor_at(f"198.51.100.{number}") as visitor:
                asked = [visitor.request(method, at, json=body, headers=headers) for _ in range(3 * LIMIT)]
                answers = Counter(answer.status_code == 429 for answer in await asyncio.gather(*asked))
            assert answers[False] == LIMIT, (name, answers)


async def test_counters_that_cannot_be_read_refuse_writes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.connected()
    page = await person.make_page()
    booked = await visit(person, page, person.at(3, "10:00"))
    before = await world.rows("SELECT id, status, starts_at FROM bookings ORDER BY id")

    def gone(*_: Any) -> Count:
        raise MemoryError("the counters are gone")

    monkeypatch.setattr(MovingWindow, "hit", gone)
    refused = [
        await person.book(page["id"], person.at(3, "12:00").isoformat()),
        await booked.reschedule(person.at(3, "13:00")),
        await booked.cancel(),
        await world.api.post(f"/v1/public/scheduling-pages/{page['id']}/holds",
                             json={"start_at": person.at(3, "14:00").isoformat(), "duration_minutes": 30}),
    ]  # fmt: skip
    assert all(answer.status_code >= 429 for answer in refused), [answer.status_code for answer in refused]
    assert await world.rows("SELECT id, status, starts_at FROM bookings ORDER BY id") == before
    assert await world.rows("SELECT FROM slot_holds") == []


addresses = st.ip_addresses().map(str) | st.sampled_from(
    ["unknown", "127.0.0.1", "_hidden", "", " ", "::1", "[::1]:80"]
)


@given(st.lists(addresses, max_size=6), st.lists(addresses, max_size=3), st.integers(min_value=1, max_value=3))
def test_nothing_a_caller_adds_to_the_left_changes_whose_limit_is_charged(
    forged: list[str], lines: list[str], proxies: int
) -> None:
    by_proxies = ["198.51.100.77", *(f"10.0.0.{hop}" for hop in range(1, proxies))]
    honest = caller(", ".join(by_proxies), proxies=proxies)
    assert honest == "198.51.100.77"
    assert caller(*lines, ", ".join([*forged, *by_proxies]), proxies=proxies) == honest
    assert caller(", ".join(forged), proxies=0, direct="198.51.100.77") == honest


async def guesses(world: World) -> list[Guess]:
    """Each a pair: something that is there and is not told of, and something that is not there."""
    person = await world.connected()
    booked = await visit(person, await person.make_page(), person.at(3, "10:00"))
    stranger = await world.connected()
    contact = (await stranger.post("/v1/contacts", {"email": "known@example.com"})).json()

    def get(path: str, **headers: str) -> Request:
        return "GET", path, {"headers": headers or person.headers}

    wrong, near = secrets.token_urlsafe(32), booked.token[:-1] + "~"
    nobody = f"/v1/public/bookings/{encode_id('bkg', new_id())}"
    foreign, missing = f"/v1/contacts/{contact['id']}", f"/v1/contacts/{encode_id('cont', new_id())}"
    return [
        Guess("booking", get(booked.path, **{TOKEN: wrong}), get(nobody, **{TOKEN: wrong})),
        Guess("beginning of a token", get(booked.path, **{TOKEN: near}), get(booked.path, **{TOKEN: wrong})),
        Guess("contact of another account", get(foreign), get(missing)),
    ]


async def test_p4_what_is_there_and_what_is_not_answer_the_same_in_the_same_time(
    settings: Settings, sandbox: Sandbox
) -> None:
    await empty(settings.database_url.get_secret_value())
    async with open_world(settings.model_copy(update={"reads_per_minute": 10**6}), sandbox) as world:
        for guess in await guesses(world):
            result = await interleaved(world.api.request, guess, rounds=20)
            assert result.same_answers, guess.name
            assert abs(result.difference) < FAIR, (guess.name, result)


async def test_the_stopwatch_notices_who_takes_longer_for_what_is_there(world: World) -> None:
    async def slow(_: str, url: str, **__: Any) -> httpx.Response:
        await asyncio.sleep(0.04 if url == "there" else 0)
        return await world.api.get("/health/live")

    result = await interleaved(slow, Guess("planted", ("GET", "there", {}), ("GET", "not", {})), rounds=8)
    assert result.difference > FAIR
