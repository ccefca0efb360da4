"""A gate in front of Google: calls that are held up, and arrive when a test says so.

The one rule: what was sent arrives, whatever became of its sender.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.providers.google.session import GoogleSession

Verb = Callable[..., Awaitable[Any]]


class Gate:
    """Holds the first call of a verb up until it is opened."""

    def __init__(self, verb: Verb) -> None:
        self._verb = verb
        self._sent: asyncio.Task[Any] | None = None
        self._reached, self._opened = asyncio.Event(), asyncio.Event()

    @classmethod
    def at(cls, monkeypatch: pytest.MonkeyPatch, name: str, of: type = GoogleSession) -> "Gate":
        gate = cls(getattr(of, name))

        async def held_up(*positional: Any, **named: Any) -> Any:
            return await gate.pass_through(*positional, **named)

        monkeypatch.setattr(of, name, held_up)
        return gate

    async def pass_through(self, *positional: Any, **named: Any) -> Any:
        if self._sent is not None:
            return await self._verb(*positional, **named)
        self._sent = asyncio.create_task(self._arrive(*positional, **named))
        self._reached.set()
        return await asyncio.shield(self._sent)

    async def _arrive(self, *positional: Any, **named: Any) -> Any:
        await self._opened.wait()
        return await self._verb(*positional, **named)

    async def open(self) -> None:
        """Let it arrive."""
        self._opened.set()
        assert self._sent is not None
        await asyncio.wait({self._sent})

    async def wait(self) -> None:
        """Until somebody stands at the gate."""
        await asyncio.wait_for(self._reached.wait(), 10)

    async def kill(self, sender: "asyncio.Task[None]") -> None:
        """Whoever stands at the gate dies; what they have sent does not."""
        await self.wait()
        sender.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sender
