"""Wrapping every data key anew after a master key was added.

The one rule: account by account, each in its own transaction, so that it can be stopped anywhere and run again; one
that does not open keeps no other waiting.
"""

from dataclasses import dataclass

from sqlalchemy import select

from app.database import create_engine, create_sessions, transaction
from app.models.directory import Directory, DirectoryEntry
from app.settings import Settings
from app.vault import MasterKeyAheadError, SecretUnreadableError, Vault


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of the data keys."""

    wrapped: int
    """Anew. The others were already."""
    unopened: int
    """No master key at hand opens them."""


async def rotate_all(settings: Settings) -> Rotation:
    """Wrap all that the newest master key does not wrap yet."""
    engine = create_engine(settings.database_url.get_secret_value(), pool_size=1)
    vault, sessions = Vault(settings.master_keys), create_sessions(engine)
    try:
        async with transaction(sessions, None) as session:
            accounts = (
                await session.scalars(
                    select(DirectoryEntry.account_id).where(DirectoryEntry.kind == Directory.DATA_KEY)
                )
            ).all()
        wrapped = unopened = 0
        for account_id in accounts:
            try:
                async with transaction(sessions, account_id) as session:
                    wrapped += await vault.rewrap(session, account_id)
            except (SecretUnreadableError, MasterKeyAheadError):
                unopened += 1
        return Rotation(wrapped, unopened)
    finally:
        await engine.dispose()
