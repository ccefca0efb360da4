"""Who takes part in events, as hashes that can be made with the account's own key only (R20).

The one rule: an address leaves this module as a hash and never comes back; a private event has no people at all.
"""

import hmac
from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import Event, normalised
from app.vault import Vault

_HASH_BYTES: Final = 16


def addresses_of(event: Event, own: Collection[str]) -> frozenset[str]:
    """Everybody who takes part but the calendar's own person; nobody when the event is private or cancelled.

    `own` are the person's addresses, normalised.
    """
    if event.private or event.cancelled:
        return frozenset()
    others = {attendee.email for attendee in event.attendees if not attendee.is_self}
    selves = {normalised(attendee.email) for attendee in event.attendees if attendee.is_self}
    if event.organizer is not None:
        others.add(event.organizer)
    return frozenset(normalised(address) for address in others if address) - selves - frozenset(own)


class AddressHasher:
    """Makes an account's hashes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash(self, address: str) -> bytes:
        """The hash of one address, however it is spelt."""
        return hmac.digest(self._key, normalised(address).encode(), "sha256")[:_HASH_BYTES]


class AddressBook:
    """Finds the key an account hashes with."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def hasher(self, session: AsyncSession, account_id: UUID) -> AddressHasher:
        """The account's. Raises: SecretUnreadableError."""
        return AddressHasher(await self._vault.derived_key(session, account_id, "addresses"))
