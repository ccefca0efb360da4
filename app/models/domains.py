"""Domains of an account.

The one rule: a row says what the account wants and what DNS said; whose a host is, among all accounts, the directory
says (`Directory.HOST`).
"""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId


class Domain(HasId, Base):
    """A domain that scheduling pages can be published on."""

    __tablename__ = "domains"
    __table_args__ = (UniqueConstraint("account_id", "host"),)

    host: Mapped[str]
    """In lower case and in ASCII, without a dot at the end."""
    token: Mapped[str]
    """What the TXT record has to say. No secret: whoever reads DNS reads it."""
    status: Mapped[str]
    """pending connected failed"""
    failure_reason: Mapped[str | None]
    """Of the last check."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """Checks that failed, one after another, while it is connected."""
    failing_since: Mapped[datetime | None]
    awaited_since: Mapped[datetime | None]
    """Since when its record is waited for: it was added, somebody asked, or it was lost. None while it is connected."""
    points_here: Mapped[bool | None]
    """Whether the last check saw the CNAME; None: it could not tell."""
    search_indexing: Mapped[bool] = mapped_column(server_default="true")
    version: Mapped[int] = mapped_column(server_default="1")
    connected_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
