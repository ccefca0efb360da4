"""Who asks: accounts, their data keys, users, what they accepted, and what was done.

The one rule: the CRM is the master; a row here is a snapshot that background work may trust.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, InAccount, Json, JsonList


class Account(InAccount, Base):
    """A customer of the CRM."""

    __tablename__ = "accounts"

    subscriptions: Mapped[JsonList]
    """Of the account: `[{"product", "tier"}]`."""
    opened_at: Mapped[datetime | None]
    """When the CRM account was created; drives R12."""
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
    """When the CRM said so: the issue of a token, or the moment of a push."""
    closed_at: Mapped[datetime | None]
    """It is being erased since then: nobody comes in any more."""


class DataKey(InAccount, Base):
    """The account's data key, wrapped by a master key."""

    __tablename__ = "data_keys"

    master_version: Mapped[int]
    wrapped: Mapped[bytes]


class User(HasId, Base):
    """A user of the CRM, as last seen in a token or told by `upsertUser`."""

    __tablename__ = "users"
    __table_args__ = (ForeignKeyConstraint(["account_id"], ["accounts.account_id"], ondelete="CASCADE"),)

    email: Mapped[str]
    name: Mapped[str | None]
    locale: Mapped[str]
    time_zone: Mapped[str]
    permissions: Mapped[list[str]]
    seats: Mapped[JsonList]
    """Assigned to the user: `[{"product", "tier"}]`."""
    connection_limit_used: Mapped[bool] = mapped_column(server_default="false")
    """A legacy second connection was removed: the limit is one for good (R12)."""
    active: Mapped[bool] = mapped_column(server_default="true")
    updated_at: Mapped[Created]


class DisclosureAcceptance(HasId, Base):
    """Somebody accepted a version of a provider's disclosure (R5)."""

    __tablename__ = "disclosure_acceptances"
    __table_args__ = (Index(None, "account_id", "user_id", "provider"),)

    user_id: Mapped[UUID]
    provider: Mapped[str]
    version: Mapped[str]
    language: Mapped[str]
    accepted_at: Mapped[Created]


class AuditEntry(HasId, Base):
    """Who did what to what. Ids and codes, never content. The service can append to it, and change nothing in it."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "account_id", "subject_id"),
        UniqueConstraint("account_id", "sequence"),
        Index("ix_audit_entries_unsealed", "account_id", postgresql_where=text("sequence IS NULL")),
    )

    actor: Mapped[str]
    """`user:<uuid>`, `service`, `visitor`, `worker`."""
    action: Mapped[str]
    """Dot-separated past tense, such as `connection.created`."""
    subject_id: Mapped[UUID]
    data: Mapped[Json]
    at: Mapped[Created]
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    """The account's number of it; None until it is sealed."""
    seal: Mapped[bytes | None]
    """SHA-256 of what it says and of the seal before it."""


class AuditChain(InAccount, Base):
    """How far an account's log is sealed. Its row is the lock under which that is done."""

    __tablename__ = "audit_chains"

    last_sequence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    last_seal: Mapped[bytes] = mapped_column(server_default=text("''::bytea"))
