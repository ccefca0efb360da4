"""Whoever calls the service while it dies again and again, and notes down each attempt.

The one rule: nothing is sent that the journal does not hold already, and nothing is done with an answer before it does.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from prove.journal import Journal

Json = dict[str, Any]
_PATIENCE: Final = 300.0  # seconds; a stopped worker may hold a row until the database itself lets go
_LONGEST_PAUSE: Final = 1.6
_KEPT: Final = ("id", "kind", "status", "start_at", "code", "version", "expires_at")


class NobodyAnsweredError(Exception):
    """For longer than anybody would try."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered at last."""

    status: int
    body: Json

    @property
    def done(self) -> bool:
        """It is so."""
        return 200 <= self.status < 300


def _is_definite(answer: Answered) -> bool:
    """Yes or no. That nobody knows what is free is a no: nothing has happened, and nothing will."""
    code = answer.body.get("code")
    return code == "booking_unavailable" or (answer.status < 500 and code != "request_in_progress")


class Client:
    """Sends and journals."""

    def __init__(self, api: httpx.AsyncClient, journal: Journal) -> None:
        self._api = api
        self._journal = journal

    async def once(
        self, who: str, act: str, call: tuple[str, str], body: Json | None, headers: dict[str, str], **sent: Any
    ) -> Answered | None:
        """One attempt; None: nobody answered. `call` is the method and the path, `sent` what the checker is to know."""
        number = self._journal.sends(who, act, sent)
        try:
            answer = await self._api.request(*call, json=body, headers=headers)
        except httpx.TransportError as error:
            self._journal.lost(number, type(error).__name__)
            return None
        told = answer.json() if answer.headers.get("content-type", "").endswith("json") else {}
        kept = {name: told[name] for name in _KEPT if name in told}
        if "retry-after" in answer.headers:
            kept["retry_after"] = answer.headers["retry-after"]
        self._journal.answered(number, answer.status_code, kept)
        return Answered(answer.status_code, told)

    async def insist(
        self, who: str, act: str, call: tuple[str, str], body: Json | None, headers: dict[str, str], **sent: Any
    ) -> Answered:
        """Repeated until somebody answers yes or no. Raises: NobodyAnsweredError."""
        deadline, pause = time.monotonic() + _PATIENCE, 0.1
        while time.monotonic() < deadline:
            answer = await self.once(who, act, call, body, headers, **sent)
            if answer is not None and _is_definite(answer):
                return answer
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise NobodyAnsweredError(f"{who}: {act} {call}")

    def acted(self, who: str, act: str, **sent: Any) -> int:
        """A person is about to do something in their calendar; its number, for `came_about`."""
        return self._journal.sends(who, act, sent)

    def came_about(self, number: int) -> None:
        """The provider has it."""
        self._journal.answered(number, 200, {})
