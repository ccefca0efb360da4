"""What people and accounts may ask for: to see what is held, and that it goes.

The one rule: it reaches across all features, and nothing below it knows of it.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.crm.contacts import Contacts
from app.privacy.account_erasure import AccountErasures
from app.privacy.account_export import AccountExports
from app.privacy.contact_erasure import ContactErasures
from app.privacy.contact_export import ContactExports
from app.sync.people import AddressBook
from app.vault import Vault


class Privacy:
    """Exports and erasures, of accounts and of contacts."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        vault: Vault,
        contacts: Contacts,
        people: AddressBook,
        clock: Clock,
    ) -> None:
        self.exports = AccountExports(sessions, vault, clock)
        self.erasures = AccountErasures(sessions, clock)
        self.contact_erasures = ContactErasures(contacts, people, clock)
        self.contact_exports = ContactExports(vault, contacts, people, clock)

    async def write_export(self, account_id: UUID, export_id: UUID) -> None:
        """Runs `export_account`."""
        await self.exports.run(account_id, export_id)

    async def go_on_erasing(self, account_id: UUID, erasure_id: UUID) -> None:
        """Runs `erase_account`."""
        await self.erasures.run(account_id, erasure_id)
