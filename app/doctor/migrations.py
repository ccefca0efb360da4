"""The migrations: whether the database is where this release wants it.

The one rule: who may read the revision is told exactly; who may not (the service's own login) has the tables and
columns compared with the models, which misses a migration that only changed an index.
"""

from pathlib import Path
from typing import Final

import asyncpg
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError

from app.doctor.deployment import Deployment
from app.doctor.findings import Code, Finding, Seen
from app.readiness import COLUMNS, missing_columns

_SCRIPTS: Final = Path(__file__).parents[2] / "migrations"
_SHOWN: Final = 5


async def examine_migrations(deployment: Deployment) -> Seen:
    """Where the database is."""
    async with deployment.connected() as connection:
        if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
            return Seen("none", (Finding(Code.MIGRATIONS_MISSING, "no migration has run"),))
        try:
            revision = await connection.fetchval("SELECT version_num FROM public.alembic_version")
        except asyncpg.InsufficientPrivilegeError:
            return compared({row[0] for row in await connection.fetch(COLUMNS)})
    return placed(revision)


def placed(revision: str | None) -> Seen:
    """What a revision means to this release."""
    if revision is None:
        return Seen("none", (Finding(Code.MIGRATIONS_MISSING, "no migration has run"),))
    scripts = ScriptDirectory(str(_SCRIPTS))
    try:
        missing = [script.revision for script in scripts.iterate_revisions("heads", revision)]
    except (RevisionError, asyncpg.InterfaceError):
        return Seen(f"at {revision}", (Finding(Code.MIGRATIONS_UNKNOWN, f"{revision} is none of this release"),))
    if missing:
        return Seen(f"at {revision}", (Finding(Code.MIGRATIONS_BEHIND, f"missing: {_some(missing[::-1])}"),))
    return Seen(f"at {revision}, the newest of this release")


def compared(columns: set[str]) -> Seen:
    """What is missing of what the models have."""
    missing = missing_columns(columns)
    facts = "tables and columns compared: this login may not read the revision"
    return Seen(facts, (Finding(Code.MIGRATIONS_BEHIND, f"missing: {_some(missing)}"),) if missing else ())


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
