"""One question for all who ask the same within a moment: a crowd that wants one slot is one call at the provider.

The one rule: nobody is given an answer to a question that had been under way for longer than a moment when they came.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MOMENT: Final = 0.25
"""Seconds. What a person does in their calendar after we were asked and before we asked may be missed for as long."""


@dataclass(slots=True)
class _UnderWay(Generic[T]):
    task: asyncio.Task[T]
    since: float
    waiting: int = 0


class SharedAnswers(Generic[T]):
    """Questions that are under way in this process."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _UnderWay[T]] = {}

    async def ask(self, question: Hashable, call: Callable[[], Awaitable[T]]) -> T:
        """The answer, or what the call raises. When everybody who waits for it has gone, the call is given up."""
        now = asyncio.get_running_loop().time()
        shared = self._under_way.get(question)
        if shared is None or now - shared.since > _MOMENT:
            shared = _UnderWay(asyncio.ensure_future(call()), now)
            self._under_way[question] = shared
            shared.task.add_done_callback(lambda _: self._forget(question, shared))
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                self._forget(question, shared)  # whoever comes now is not to be cancelled with it
                shared.task.cancel()

    def _forget(self, question: Hashable, ended: _UnderWay[T]) -> None:
        """Another one may have begun meanwhile."""
        if self._under_way.get(question) is ended:
            del self._under_way[question]
