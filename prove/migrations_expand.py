"""Expand under load: each migration while the release before it is at work, on a database of some size.

The one rule: a migration is judged by whom it keeps waiting, half a second at most, and by what it breaks: no statement
that worked before it may fail while it runs, nor after it. The migration runs as it does in earnest, in a process of
its own.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from prove.migrations_bulk import multiply
from prove.migrations_database import ROOT, Database, connected, revisions, scratch
from prove.migrations_load import under_load
from prove.migrations_reviewed import BREAKING, FORGETFUL, STOPPING
from prove.migrations_rounds import fill_anew

BLOCKED: Final = 0.5
"""Seconds that nobody may wait longer for, on a machine of its own."""
_BEFORE: Final = 0.5
_AFTER: Final = 0.7
"""Seconds of load around the migration: the first say what the machine is like, the last meet the new tables."""


class MigrationFailedError(Exception):
    """A migration ended otherwise than well; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a migration did to those at work."""

    revision: str
    blocked: float
    """The longest that a statement took, in seconds."""
    by: str
    """Which one."""
    idle: float
    """The longest before the migration began."""
    statements: int
    failed: Counter[str] = field(default_factory=Counter)
    bearable: float = BLOCKED

    @property
    def soon_enough(self) -> bool:
        """Whether nobody waited for too long; what landed before the first release stands on a list."""
        return self.blocked <= self.bearable or self.revision in STOPPING

    @property
    def breaks(self) -> list[str]:
        """What failed and was not reviewed."""
        known = BREAKING.get(self.revision, {})
        return sorted(what for what in self.failed if not any(what.startswith(start) for start in known))


async def expansions(
    server: str, *, begin: str | None = None, scale: float = 1.0, seed: int = 0
) -> AsyncIterator[Expansion]:
    """Migration by migration from a revision on, each over a database that was filled at the revision before."""
    line = revisions()
    start = line.index(begin) if begin else 0
    async with scratch(server) as database:
        await database.see_all(allowed=True)
        await database.upgrade(line[start])
        for revision in line[start + 1 :]:
            await database.see_all(allowed=revision in FORGETFUL)
            await fill_anew(database)
            async with connected(database.url) as connection:
                await multiply(connection, scale)
            yield await expansion(database, revision, seed)


async def expansion(database: Database, revision: str, seed: int = 0) -> Expansion:
    """Migrate to this revision while the service of the one before is at work."""
    async with under_load(database, seed) as watch:
        await asyncio.sleep(_BEFORE)
        idle = watch.slowest
        await _migrate(database, revision)
        await asyncio.sleep(_AFTER)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return Expansion(
        revision, watch.slowest, watch.slowest_of, idle, watch.count, watch.failed, BLOCKED * max(1.0, load)
    )


async def _migrate(database: Database, revision: str) -> None:
    command = [sys.executable, "-m", "alembic", "upgrade", revision]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database.owner_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise MigrationFailedError(f"{revision}: {said.decode(errors='replace')[-2000:]}")
