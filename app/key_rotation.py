"""Wrapping every data key anew after a master key was added, and making those anew that were lost with one.

The one rule: account by account, each in its own transaction, so that it can be stopped anywhere and run again; one
that does not open keeps no other waiting.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import create_engine, create_sessions, transaction
from app.models.crm import Contact, ErasedContact
from app.models.directory import Directory, DirectoryEntry
from app.settings import Settings
from app.sync.people import AddressBook
from app.vault import MasterKeyAheadError, SecretUnreadableError, Vault


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of the data keys."""

    wrapped: int
    """Anew. The others were already."""
    unopened: int
    """No master key at hand opens them."""
    made: int = 0
    """Anew, where an account's was deleted."""


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
        wrapped = unopened = made = 0
        for account_id in accounts:
            try:
                async with transaction(sessions, account_id) as session:
                    if await vault.standing(session, account_id) is None:
                        await _know_contacts_again(session, vault, account_id)
                        made += 1
                    wrapped += await vault.rewrap(session, account_id)
            except (SecretUnreadableError, MasterKeyAheadError):
                unopened += 1
        return Rotation(wrapped, unopened, made)
    finally:
        await engine.dispose()


async def _know_contacts_again(session: AsyncSession, vault: Vault, account_id: UUID) -> None:
    """The key by which addresses were known went with the data key. Who was erased is known no more."""
    hasher = await AddressBook(vault).hasher(session, account_id)
    for contact in await session.scalars(select(Contact).where(Contact.account_id == account_id)):
        contact.address_hash = hasher.hash(contact.email)
    await session.execute(delete(ErasedContact).where(ErasedContact.account_id == account_id))
