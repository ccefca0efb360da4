"""Secrets at rest: envelope encryption with a data key per account.

    master key (settings, by version) ─ wraps → data key (one per account) ─ AES-256-GCM → a secret in its column

The one rule: a ciphertext opens only in the account, table, column and row it was sealed for; they are its
associated data. Erasing an account's data key erases its secrets.
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretBytes
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.accounts import DataKey
from app.models.directory import Directory, DirectoryEntry

_VERSION = b"\x01"
_NONCE_BYTES = 12


class SecretUnreadableError(RuntimeError):
    """A ciphertext is not the one this row was given, or its key is gone."""


class MasterKeyAheadError(RuntimeError):
    """The data key is wrapped by a newer master key than this process was started with. Nothing is lost: it opens in a
    process that was restarted.
    """


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret lives; part of its encryption."""

    table: str
    column: str
    account_id: UUID
    row_id: UUID

    def associated_data(self) -> bytes:
        """What binds the ciphertext to this place."""
        return b"|".join(
            [_VERSION, self.table.encode(), self.column.encode(), self.account_id.bytes, self.row_id.bytes]
        )


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """How a data key is wrapped."""

    version: int
    """Of the master key."""
    opens: bool
    """With the master keys at hand."""
    newest: bool
    """Under the master key that wraps today."""


class Vault:
    """Seals and opens secrets. Data keys are made on first use."""

    def __init__(self, master_keys: Mapping[int, SecretBytes]) -> None:
        self._masters = {version: AESGCM(key.get_secret_value()) for version, key in master_keys.items()}
        self._current = max(master_keys)

    async def seal(self, session: AsyncSession, place: SecretPlace, secret: str) -> bytes:
        """The ciphertext of a secret for one place."""
        key = await self._data_key(session, place.account_id)
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + key.encrypt(nonce, secret.encode(), place.associated_data())

    async def open(self, session: AsyncSession, place: SecretPlace, ciphertext: bytes) -> str:
        """The secret in a ciphertext. Raises: SecretUnreadableError, MasterKeyAheadError."""
        row = await session.scalar(select(DataKey).where(DataKey.account_id == place.account_id))
        return self.open_by(row, place, ciphertext)

    def open_by(self, row: DataKey | None, place: SecretPlace, ciphertext: bytes) -> str:
        """The same, with the account's data key as it was read together with what it opens."""
        if row is None:
            raise SecretUnreadableError("the account's data key")
        key = AESGCM(self._unwrap(place.account_id, row))
        try:
            nonce, sealed = ciphertext[1 : 1 + _NONCE_BYTES], ciphertext[1 + _NONCE_BYTES :]
            return key.decrypt(nonce, sealed, place.associated_data()).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise SecretUnreadableError(f"{place.table}.{place.column}") from error

    async def derived_key(self, session: AsyncSession, account_id: UUID, purpose: str) -> bytes:
        """A key of the account's for hashing; it is gone when the account's data key is."""
        return hmac.digest(await self._raw_key(session, account_id), b"derived|" + purpose.encode(), "sha256")

    async def rewrap(self, session: AsyncSession, account_id: UUID) -> bool:
        """Wrap the account's data key with the newest master key; False when it already is."""
        row = await session.scalar(select(DataKey).where(DataKey.account_id == account_id).with_for_update())
        if row is None or row.master_version == self._current:
            return False
        row.wrapped = self._wrap(account_id, self._unwrap(account_id, row))
        row.master_version = self._current
        return True

    async def standing(self, session: AsyncSession, account_id: UUID) -> KeyStanding | None:
        """How the account's data key is wrapped, and whether it opens; None: it has none. Nothing is changed."""
        row = await session.scalar(select(DataKey).where(DataKey.account_id == account_id))
        if row is None:
            return None
        try:
            self._unwrap(account_id, row)
        except (SecretUnreadableError, MasterKeyAheadError):
            return KeyStanding(row.master_version, opens=False, newest=False)
        return KeyStanding(row.master_version, opens=True, newest=row.master_version == self._current)

    async def _data_key(self, session: AsyncSession, account_id: UUID) -> AESGCM:
        return AESGCM(await self._raw_key(session, account_id))

    async def _raw_key(self, session: AsyncSession, account_id: UUID) -> bytes:
        row = await session.scalar(select(DataKey).where(DataKey.account_id == account_id))
        if row is None:
            fresh = self._wrap(account_id, AESGCM.generate_key(256))
            values = {"account_id": account_id, "master_version": self._current, "wrapped": fresh}
            await session.execute(insert(DataKey).values(values).on_conflict_do_nothing())
            where = {"account_id": account_id, "target_id": account_id}
            entry = insert(DirectoryEntry).values(kind=Directory.DATA_KEY, key=account_id.hex, **where)
            await session.execute(entry.on_conflict_do_nothing())
            row = await session.scalar(select(DataKey).where(DataKey.account_id == account_id))
        if row is None:
            raise SecretUnreadableError("the account's data key")
        return self._unwrap(account_id, row)

    def _wrap(self, account_id: UUID, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._masters[self._current].encrypt(nonce, key, b"data-key|" + account_id.bytes)

    def _unwrap(self, account_id: UUID, row: DataKey) -> bytes:
        master = self._masters.get(row.master_version)
        if master is None and row.master_version > self._current:
            raise MasterKeyAheadError(f"master key {row.master_version} is newer than this process")
        if master is None:
            raise SecretUnreadableError(f"master key {row.master_version} is not configured")
        try:
            nonce, wrapped = row.wrapped[:_NONCE_BYTES], row.wrapped[_NONCE_BYTES:]
            return master.decrypt(nonce, wrapped, b"data-key|" + account_id.bytes)
        except InvalidTag as error:
            raise SecretUnreadableError("the account's data key") from error
