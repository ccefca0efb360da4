"""`kill -9` of worker, API and database in the middle of the journey: nothing lost, nothing doubled (P1, P2, P3).

The one rule: the client only knows what it was answered; it repeats what was not answered, and nothing else.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.client import Sandbox
from sandbox.stack import API, POSTGRES, WORKER, Stack
from tests.support.people import Person, new_person

BOOKINGS = 14
KILLS = ((WORKER, 4), (API, 3), (POSTGRES, 1))
NOT_ANSWERED = (httpx.TransportError,)
SEED = 20261121


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    limits = {"CALENDAR_CONNECT_BOOKINGS_PER_MINUTE": "10000", "CALENDAR_CONNECT_READS_PER_MINUTE": "10000"}
    async with Stack(overrides=limits) as running:
        yield running


def niceness(stack: Stack, name: str) -> int | None:
    """How far the session of a part stands back for others (Linux)."""
    session = Path(f"/proc/{stack.children[name].pid}/autogroup")  # "/autogroup-25 nice 4"
    return int(session.read_text().split()[-1]) if session.exists() else None


async def test_a_worker_stands_back_for_the_api(stack: Stack) -> None:
    usual = niceness(stack, API)
    if usual is None:
        pytest.skip("nothing groups tasks by session here")
    for _ in range(600):
        if niceness(stack, WORKER) == usual + 10:
            return
        await asyncio.sleep(0.1)  # it was only just started
    raise AssertionError(f"it does not stand back: {niceness(stack, WORKER)}, not {usual + 10}")


async def until_answered(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Repeat while nobody answers, or somebody says that they cannot at the moment."""
    for _ in range(400):
        try:
            answer = await send()
            if answer.status_code not in {500, 502, 503, 504} and "request_in_progress" not in answer.text:
                return answer
        except NOT_ANSWERED:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("nobody answered for 20 seconds")


async def kill_again_and_again(stack: Stack, chance: random.Random, done: asyncio.Event) -> list[str]:
    """Kill parts in a random order while the journey runs."""
    victims = [name for name, times in KILLS for _ in range(times)]
    chance.shuffle(victims)
    for victim in victims:
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        if done.is_set():
            break
        await stack.kill(victim)
        await asyncio.sleep(chance.uniform(0.0, 0.4))
        await stack.start(victim)
    return victims


async def live_events(sandbox: Sandbox, person: Person) -> Counter[str]:
    """How many live events carry each of our keys."""
    events = await sandbox.google_events(person.email)
    keys = [event.get("extendedProperties", {}).get("private", {}).get("calendar_connect_key") for event in events]
    return Counter(key for key in keys if key is not None)


async def journey(person: Person, page_id: str, slots: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """One visitor books, and some change their minds."""
    key = {"Idempotency-Key": f"kill-{number}"}
    email = f"visitor-{number}@example.com"
    start = slots[number * 3]["start_at"]
    made = await until_answered(lambda: person.book(page_id, start, key, email=email))
    assert made.status_code == 201, made.text
    booking = made.json()
    token = {"Booking-Token": booking["booking_token"]}
    path = f"/v1/public/bookings/{booking['id']}"
    if number % 3 == 1:
        later = {"start_at": slots[number * 3 + 1]["start_at"]}
        moved = await until_answered(lambda: person.api.post(f"{path}/reschedule", json=later, headers=token))
        assert moved.status_code == 200, moved.text
    if number % 3 == 2:
        gone = await until_answered(lambda: person.api.post(f"{path}/cancel", json={}, headers=token))
        assert gone.status_code == 200 or gone.json()["code"] == "already_cancelled", gone.text
    return {"id": booking["id"], "email": email}


async def settled(person: Person, sandbox: Sandbox, bookings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bookings, once nothing is left to be done."""
    for _ in range(600):
        now = [(await until_answered(lambda b=b: person.get(f"/v1/bookings/{b['id']}"))).json() for b in bookings]
        mailed = " ".join(mail["to"] for mail in await sandbox.mails())
        if all(item["calendar_event"]["status"] == "written" for item in now) and all(
            booking["email"] in mailed for booking in bookings
        ):
            return now
        await asyncio.sleep(0.1)
    raise AssertionError([item["calendar_event"] for item in now])


async def test_p2_kills_during_the_journey_lose_nothing_and_double_nothing(stack: Stack) -> None:
    chance = random.Random(SEED)  # noqa: S311 - chance, repeatable
    async with (
        Sandbox(stack.sandbox_url) as sandbox,
        httpx.AsyncClient(base_url=stack.api_url, timeout=10) as api,
    ):
        person = await new_person(api, sandbox)
        await sandbox.google_account(person.email)
        await sandbox.seed_google(person.email, around=person.day(5))
        await person.connect()
        page = await person.make_page()
        slots: list[dict[str, Any]] = []
        while not slots:  # the first sync is a job
            slots = await person.slots(page["id"], person.day(2), person.day(20))
            await asyncio.sleep(0.05)
        done = asyncio.Event()
        killer = asyncio.create_task(kill_again_and_again(stack, chance, done))
        made = await asyncio.gather(*(journey(person, page["id"], slots, number) for number in range(BOOKINGS)))
        done.set()
        await killer
        after = await settled(person, sandbox, list(made))
        confirmed = [item for item in after if item["status"] == "confirmed"]
        spans = sorted((datetime.fromisoformat(i["start_at"]), datetime.fromisoformat(i["end_at"])) for i in confirmed)
        assert all(left[1] <= right[0] for left, right in pairwise(spans)), "P1: an overlap"
        assert len(await live_events(sandbox, person)) == len(confirmed), "P2: one event per confirmed booking"
        assert set((await live_events(sandbox, person)).values()) == {1}, "P2: never two"
        listed = (await person.get("/v1/bookings", limit=100)).json()["items"]
        assert {item["id"] for item in listed} == {item["id"] for item in made}, "P2: no booking nobody was told of"
