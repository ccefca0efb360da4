"""The keys of accounts: whether each can be opened with the master keys at hand.

The one rule: a key is unwrapped in memory and forgotten; counts and versions are told.
"""

import asyncio
from collections import Counter
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.database import create_engine, create_sessions, transaction
from app.doctor.deployment import Deployment, NotExaminedError
from app.doctor.findings import Code, Finding, Seen
from app.models.directory import Directory, DirectoryEntry
from app.vault import KeyStanding, Vault

_WALK_SECONDS: Final = 60.0
"""How long accounts are walked; a large deployment has more than that, and is told how far it went."""


async def examine_keys(deployment: Deployment) -> Seen:
    """Unwrap what is wrapped."""
    settings = deployment.settings
    engine = create_engine(settings.database_url.get_secret_value(), pool_size=1)
    sessions, vault = create_sessions(engine), Vault(settings.master_keys)
    standings: list[KeyStanding] = []
    try:
        accounts = await _accounts(sessions)
        try:
            async with asyncio.timeout(_WALK_SECONDS):
                for account_id in accounts:
                    async with transaction(sessions, account_id) as session:
                        standing = await vault.standing(session, account_id)
                    standings += [] if standing is None else [standing]
        except TimeoutError:
            return _told(standings, f"{len(standings)} of {len(accounts)} data keys looked at, then time was up")
        return _told(standings, f"{len(standings)} data keys looked at")
    except (DBAPIError, OSError) as error:
        raise NotExaminedError("the database does not let us look") from error
    finally:
        await engine.dispose()


async def _accounts(sessions: async_sessionmaker[AsyncSession]) -> list[UUID]:
    query = select(DirectoryEntry.account_id).where(DirectoryEntry.kind == Directory.DATA_KEY)
    async with transaction(sessions, None) as session:
        return list((await session.scalars(query.order_by(DirectoryEntry.key))).all())


def _told(standings: list[KeyStanding], facts: str) -> Seen:
    closed = Counter(standing.version for standing in standings if not standing.opens)
    older = sum(standing.opens and not standing.newest for standing in standings)
    findings = [
        Finding(Code.KEYS_UNREADABLE, f"{count} data keys wrapped under master key {version} do not open")
        for version, count in sorted(closed.items())
    ]
    if older:
        findings.append(Finding(Code.KEYS_NOT_ROTATED, f"{older} data keys are wrapped under an older master key"))
    return Seen(facts, tuple(findings))
