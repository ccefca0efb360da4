"""Threads and turns: who waits, for how long, and what was done then."""

import asyncio
import threading

import pytest

from app.providers.base import Transient
from app.providers.ews.workers import Workers


async def test_nobody_waits_for_a_turn_without_end() -> None:
    """Whoever waits holds a place of a worker; a server of somebody's own may be as slow as it likes."""
    workers, turn, go, done = Workers(2, patience=0.2), asyncio.Semaphore(1), threading.Event(), []
    first = asyncio.create_task(workers.run(lambda: go.wait(5), turns=(turn,), to_the_end=True))
    await asyncio.sleep(0.05)
    for to_the_end in (True, False):
        with pytest.raises(Transient):
            await workers.run(lambda: done.append("second"), turns=(turn,), to_the_end=to_the_end)
    go.set()
    assert await first
    assert done == [], "nothing was sent"
    await workers.run(lambda: done.append("third"), turns=(turn,), to_the_end=True)
    assert done == ["third"], "and no turn was lost"
    workers.close()


async def test_a_turn_that_was_had_is_given_back_when_the_next_does_not_come() -> None:
    workers, mailbox, server = Workers(2, patience=0.1), asyncio.Semaphore(1), asyncio.Semaphore(0)
    with pytest.raises(Transient):
        await workers.run(lambda: None, turns=(mailbox, server), to_the_end=True)
    assert not mailbox.locked()
    workers.close()
