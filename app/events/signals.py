"""Waiting for an account's feed to grow: one listening connection in each process.

The one rule: a signal is a hint. Whoever waits looks at the feed before waiting, after each signal, and now and then
without one, so that a lost connection costs seconds and nothing else.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self
from uuid import UUID

import asyncpg
import structlog

from app.database import APP_ROLE
from app.events.repository import CHANNEL

_CONNECT_SECONDS = 5

log = structlog.get_logger(__name__)


class FeedSignals:
    """Tells who waits that there is something to see. Connects when somebody first waits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._connection: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=1)

    @asynccontextmanager
    async def listening(self, account_id: UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever the account's feed has grown, from here on."""
        signal = asyncio.Event()
        self._waiting[account_id].add(signal)
        try:
            await self._connect()
            yield signal
        finally:
            self._waiting[account_id].discard(signal)
            if not self._waiting[account_id]:
                del self._waiting[account_id]

    async def _connect(self) -> None:
        async with self._connecting:
            if self._connection is not None and not self._connection.is_closed():
                return
            settings = {"application_name": "calendar-connect events", "role": APP_ROLE}
            try:
                connection = await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS, server_settings=settings)
                connection.add_termination_listener(self._lost)
                await connection.add_listener(CHANNEL, self._heard)
                self._connection = connection
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("events.not_listening", error=type(error).__name__)

    def _heard(self, *heard: Any) -> None:
        """`connection, pid, channel, payload`."""
        with suppress(ValueError):
            for signal in self._waiting.get(UUID(heard[3]), ()):
                signal.set()

    def _lost(self, *_: object) -> None:
        """Everybody looks; whoever waits next connects again."""
        self._connection = None
        for signals in self._waiting.values():
            for signal in signals:
                signal.set()
