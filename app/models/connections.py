"""A person's link to a provider: the attempt, the connection, its sealed tokens, its calendars.

The one rule: a secret stands in `connection_tokens` or `connection_authorizations.code_verifier`, sealed, and nowhere
else.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, InAccount


class ConnectionAuthorization(HasId, Base):
    """One OAuth attempt, from consent to result."""

    __tablename__ = "connection_authorizations"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
    )

    user_id: Mapped[UUID]
    provider: Mapped[str]
    client: Mapped[str]
    status: Mapped[str]
    """pending completed denied failed expired"""
    code: Mapped[str | None]
    """Why it failed: a problem code."""
    state_hash: Mapped[bytes]
    code_verifier: Mapped[bytes]
    return_url: Mapped[str]
    login_hint: Mapped[str | None]
    disclosure_version: Mapped[str]
    connection_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    created_at: Mapped[Created]


class Connection(HasId, Base):
    """A person's link to a provider account."""

    __tablename__ = "connections"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
        Index(None, "account_id", "user_id"),
    )

    user_id: Mapped[UUID]
    provider: Mapped[str]
    subject: Mapped[str]
    """The provider's stable id of the account; empty: imported, and never authorized."""
    email: Mapped[str]
    status: Mapped[str]
    """active reauthorization_required error"""
    reason: Mapped[str | None]
    """Why it is not active, a code."""
    scopes: Mapped[list[str]]
    purposes: Mapped[list[str]]
    """calendar meetings"""
    disconnected_at: Mapped[datetime | None]
    """Set at once by a disconnect; a job then closes and deletes the row (R15)."""
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
    """When it last broke or healed: by it, work that fails learns that it began before that."""


class ConnectionToken(InAccount, Base):
    """The connection's tokens, sealed, and the lease of whoever refreshes them."""

    __tablename__ = "connection_tokens"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"], ["connections.account_id", "connections.id"], ondelete="CASCADE"
        ),
    )

    connection_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    refresh_token: Mapped[bytes | None]
    access_token: Mapped[bytes]
    """With credentials: all that a session needs, the password included."""
    expires_at: Mapped[datetime | None]
    """None: it does not expire by itself."""
    version: Mapped[int]
    """Raised by every refresh; a refresh is saved only over the version it started from."""
    lease_until: Mapped[datetime | None]


class Calendar(HasId, Base):
    """A calendar of a connection, and whether it is checked for conflicts (R29)."""

    __tablename__ = "calendars"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"], ["connections.account_id", "connections.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("account_id", "connection_id", "provider_calendar_id"),
        Index("ix_calendars_primary", "account_id", "connection_id", unique=True, postgresql_where=text("is_primary")),
        CheckConstraint("NOT is_primary OR checked", name="primary_is_checked"),
    )

    connection_id: Mapped[UUID]
    provider_calendar_id: Mapped[str]
    name: Mapped[str]
    time_zone: Mapped[str]
    role: Mapped[str]
    is_primary: Mapped[bool]
    checked: Mapped[bool]
    """An availability calendar: its events block times. The primary always is."""
    inactive_reason: Mapped[str | None]
    """None while it can be read; else access_lost calendar_deleted permission_reduced connection_removed."""
    unreachable_policy: Mapped[str] = mapped_column(server_default="block")
    created_at: Mapped[Created]


class CalendarSync(InAccount, Base):
    """How far the mirror of a calendar is, and who is working on it."""

    __tablename__ = "calendar_syncs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "calendar_id"], ["calendars.account_id", "calendars.id"], ondelete="CASCADE"
        ),
    )

    calendar_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    state: Mapped[str]
    """idle running backing_off paused failed disabled"""
    cursor: Mapped[bytes | None]
    generation: Mapped[int] = mapped_column(server_default="0")
    """Raised by a full listing; what a finished one did not see is swept."""
    dirty_seq: Mapped[int] = mapped_column(server_default="1")
    """Raised by every signal that something changed; never lowered."""
    synced_seq: Mapped[int] = mapped_column(server_default="0")
    """The dirty_seq that the last good run had read before it fetched."""
    asked: Mapped[bool] = mapped_column(server_default="false")
    """A run was asked for and has not begun: another signal need not ask. Every run takes it back as it begins."""
    fence: Mapped[int] = mapped_column(server_default="0")
    """Raised by every claim; a run whose fence is old may not write."""
    lease_until: Mapped[datetime | None]
    expanded_until: Mapped[datetime | None]
    """Up to where series are expanded."""
    last_started_at: Mapped[datetime | None]
    last_succeeded_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    """In a row."""
    failing_since: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    """When the provider wants to be asked again, if it has said so: no signal is followed before."""
    listed_at: Mapped[datetime | None]
    """Of a primary calendar: when the clock last had the connection's calendars listed."""
    changed_at: Mapped[datetime | None]
    """When a run last found a change: lively calendars are polled more often."""
    watched_until: Mapped[datetime | None]
    """The provider tells us of changes until then; None: it is polled."""


ON_CONNECTION: Final = (Connection.account_id == Calendar.account_id) & (Connection.id == Calendar.connection_id)
"""How a calendar is joined with its connection."""
