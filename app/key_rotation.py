"""Wrapping every data key anew after a master key was added.

The one rule: account by account, each in its own transaction, so that it can be stopped anywhere and run again.
"""

from sqlalchemy import select

from app.database import create_engine, create_sessions, transaction
from app.models.directory import Directory, DirectoryEntry
from app.settings import Settings
from app.vault import Vault


async def rotate_all(settings: Settings) -> int:
    """How many data keys were wrapped anew."""
    engine = create_engine(settings.database_url.get_secret_value(), pool_size=1)
    vault, sessions = Vault(settings.master_keys), create_sessions(engine)
    try:
        async with transaction(sessions, None) as session:
            accounts = (
                await session.scalars(
                    select(DirectoryEntry.account_id).where(DirectoryEntry.kind == Directory.DATA_KEY)
                )
            ).all()
        wrapped = 0
        for account_id in accounts:
            async with transaction(sessions, account_id) as session:
                wrapped += await vault.rewrap(session, account_id)
        return wrapped
    finally:
        await engine.dispose()
