"""How much longer an answer takes about something that is there than about something that is not.

The one rule: both are asked in turns, in an order that changes, and medians are compared: what else the machine does
meets both alike.
"""

import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

Request = tuple[str, str, Mapping[str, Any]]
Ask = Callable[..., Awaitable[httpx.Response]]
"""As `httpx.AsyncClient.request`."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Two requests that nobody may tell apart by their answers."""

    name: str
    there: Request
    missing: Request


@dataclass(frozen=True, slots=True)
class Timed:
    """What a guesser has learnt."""

    there_seconds: float
    missing_seconds: float
    same_answers: bool

    @property
    def difference(self) -> float:
        """Of the medians, in seconds."""
        return self.there_seconds - self.missing_seconds


async def interleaved(ask: Ask, guess: Guess, *, rounds: int) -> Timed:
    """Ask for both in turns."""
    taken: dict[bool, list[float]] = {True: [], False: []}
    said: dict[bool, set[str]] = {True: set(), False: set()}
    for number in range(2 * rounds):
        there = (number % 2 == 0) ^ (number % 4 >= 2)
        method, url, more = guess.there if there else guess.missing
        began = time.perf_counter()
        answer = await ask(method, url, **more)
        taken[there].append(time.perf_counter() - began)
        said[there].add(_told(answer))
    medians = {there: statistics.median(seconds[1:]) for there, seconds in taken.items()}
    return Timed(medians[True], medians[False], said[True] == said[False] and len(said[True]) == 1)


def _told(answer: httpx.Response) -> str:
    """All of an answer but what is of this one request."""
    body = answer.json() if answer.content else {}
    own = {"request_id", "instance"}
    kept = {name: value for name, value in body.items() if name not in own}
    headers = sorted(name for name in answer.headers)
    return json.dumps([answer.status_code, kept, headers], sort_keys=True)
