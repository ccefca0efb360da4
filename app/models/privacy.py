"""What an account took out, and that it was erased.

The one rule: an export is sealed with the account's key and lapses; of an erasure stays that it was, and nobody's name.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, JsonList


class AccountExport(HasId, Base):
    """Everything an account holds, being written down part by part."""

    __tablename__ = "account_exports"
    __table_args__ = (Index(None, "account_id", "requested_at"),)

    status: Mapped[str]
    """building ready"""
    reading: Mapped[str | None]
    """The table that is being read; None before the first and after the last."""
    after: Mapped[JsonList | None]
    """The key of the last row that was read of it."""
    parts: Mapped[int] = mapped_column(server_default="0")
    records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requested_at: Mapped[Created]
    completed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    """Until when it can be fetched; None while it is made."""


class AccountExportPart(HasId, Base):
    """Some rows of it."""

    __tablename__ = "account_export_parts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "export_id"], ["account_exports.account_id", "account_exports.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("account_id", "export_id", "number"),
    )

    export_id: Mapped[UUID]
    number: Mapped[int]
    """1, 2, 3, … in the order of reading."""
    content: Mapped[bytes]
    """JSON, sealed."""


class AccountErasure(HasId, Base):
    """The tombstone of an account: the one thing that outlives it. The service can write it and never remove it."""

    __tablename__ = "account_erasures"
    __table_args__ = (
        Index("uq_account_erasures_open", "account_id", unique=True, postgresql_where=text("finished_at IS NULL")),
    )

    requested_by: Mapped[str]
    """What kind of caller it was, `user` or `service`: never who."""
    requested_at: Mapped[datetime]
    stage: Mapped[str]
    """disconnecting deleting looking_again finished"""
    deleted_rows: Mapped[int] = mapped_column(BigInteger, server_default="0")
    last_sequence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """How long the audit log was."""
    last_seal: Mapped[bytes] = mapped_column(server_default=text("''::bytea"))
    """Its last seal: who had kept the log can show that it was this one."""
    look_again_at: Mapped[datetime | None]
    """Not before; what was under way when the account was closed has ended by then."""
    finished_at: Mapped[datetime | None]
