"""The way of a provider's pushes to us, on which they are doubled, late, overtaken, lost and forged.

The one rule: a push is a hint. Whatever becomes of it, what is true in the end is the same, and whoever forges one
learns nothing from the answer.
"""

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import Final

from prove.faults_wire import Answer
from prove.proxy import Asked, HttpDoor, exchange

_TOKEN: Final = b"x-goog-channel-token"
_TAKEN: Final = Answer(202, [], b"")
_LATEST: Final = 2.0
_OVERTAKEN: Final = 1.0
"""Seconds: how late one is at most, and how long one waits to be overtaken."""


class Twist(StrEnum):
    """What becomes of a push."""

    NONE = "none"
    DUPLICATED = "duplicated"
    DELAYED = "delayed"
    OVERTAKEN = "overtaken"
    FORGED = "forged"
    """One with a wrong secret comes before it."""
    LOST = "lost"


class PushDoor(HttpDoor):
    """In front of our API, for providers. `share` of what they tell is twisted."""

    def __init__(self, chance: random.Random, *, share: float, to: int | None = None) -> None:
        super().__init__(chance, to=to)
        self.share = share
        self.twisted: Counter[Twist] = Counter()
        self.told_apart = 0
        """How often a forged one was answered otherwise than the real one."""
        self._late: set[asyncio.Task[None]] = set()
        self._overtake: list[asyncio.Event] = []

    async def __aexit__(self, *_: object) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        await super().__aexit__()

    async def forward(self, asked: Asked) -> Answer:
        """What the provider hears, who never waits for what we do with it."""
        if b"validationToken" in asked.target.encode() or not _forged(asked):
            return await super().forward(asked)  # a handshake is no news
        twist = self._draw()
        self.twisted[twist] += 1
        match twist:
            case Twist.DELAYED:
                self._later(asked, self.chance.uniform(0.0, _LATEST))
            case Twist.OVERTAKEN:
                self._later(asked, _OVERTAKEN, waits=True)
            case Twist.LOST:
                pass
            case _:
                return await self._now(asked, twist)
        return _TAKEN

    async def _now(self, asked: Asked, twist: Twist) -> Answer:
        forged = _forged(asked) if twist is Twist.FORGED else None
        heard = None if forged is None else await exchange(forged, self.to or 0)
        answer = await super().forward(asked)
        if twist is Twist.DUPLICATED:
            answer = await super().forward(asked)
        if heard is not None and (heard.status, heard.body) != (answer.status, answer.body):
            self.told_apart += 1
        for waiting in self._overtake:
            waiting.set()
        self._overtake.clear()
        return answer

    def _draw(self) -> Twist:
        twists = [twist for twist in Twist if twist is not Twist.NONE]
        return self.chance.choice(twists) if self.chance.random() < self.share else Twist.NONE

    def _later(self, asked: Asked, seconds: float, *, waits: bool = False) -> None:
        passed = asyncio.Event()
        if waits:
            self._overtake.append(passed)
        task = asyncio.create_task(self._send_late(asked, seconds, passed))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _send_late(self, asked: Asked, seconds: float, passed: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(passed.wait(), seconds)
        with suppress(OSError, EOFError):
            await super().forward(asked)


def _forged(asked: Asked) -> Asked | None:
    """The same push from somebody who does not know the secret; None: it carries none."""
    if asked.header(_TOKEN):
        headers = [(name, b"forged" if name.lower() == _TOKEN else value) for name, value in asked.headers]
        return replace(asked, headers=headers)
    try:
        told = json.loads(asked.body)
        for item in told["value"]:
            item["clientState"] = "forged"
    except (ValueError, KeyError, TypeError):
        return None
    return replace(asked, body=json.dumps(told).encode())
