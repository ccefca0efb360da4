"""The global directory: how a public request, a callback or a sweeper finds its account before it enters it.

The one rule: these tables have no row-level security, so they hold no personal data; every one is on the reviewed list
of `tests/test_tenancy.py`.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, Index, Integer
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.models.base import Base


class Directory(StrEnum):
    """What can be looked up without knowing its account."""

    PAGE = "page"
    SLUG = "slug"
    """A page's whole slug."""
    PREFIX = "prefix"
    """A person's meetings URL; the target is the user."""
    HOST = "host"
    """A custom domain that is connected; the target is the domain."""
    FORMER_HOST = "former_host"
    """One that was, and that nobody has connected since: links on it are still out there."""
    BOOKING = "booking"
    MEETING_REQUEST = "meeting_request"
    DATA_KEY = "data_key"
    """An account that has a data key; key rotation walks them."""
    CHANNEL = "channel"
    """What a provider calls a watch of ours; the target is the watch."""
    TIME_PROPOSAL = "time_proposal"
    CHAT_WIDGET = "chat_widget"
    """What a chat widget carries; the target is the user."""
    OAUTH_STATE = "oauth_state"
    """The key is the hex SHA-256 of the state."""


class DirectoryEntry(Base):
    """A public key and the account it belongs to."""

    __tablename__ = "directory"
    __table_args__ = (Index(None, "account_id"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    target_id: Mapped[UUID]


class Due:
    """A row that says when something wants doing, found by an index over all accounts."""

    account_id: Mapped[UUID]
    due_at: Mapped[datetime]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index]:
        """The index."""
        return (Index(None, "due_at"),)


class DueCalendar(Due, Base):
    """When a calendar wants to be synced next."""

    __tablename__ = "due_calendars"

    calendar_id: Mapped[UUID] = mapped_column(primary_key=True)
    synced_at: Mapped[datetime | None]
    """When its mirror was last true: counted for all accounts at once, for whoever runs the service."""


class DueWatch(Due, Base):
    """When a calendar's watch wants to be looked at next."""

    __tablename__ = "due_watches"

    calendar_id: Mapped[UUID] = mapped_column(primary_key=True)


class ProviderGrant(Base):
    """That a connection lives by a grant at the provider, which ends for all who share it when one of them revokes it.

    Accounts may connect the same calendar without knowing of each other.
    """

    __tablename__ = "provider_grants"
    __table_args__ = (Index(None, "grant_hash"),)

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    grant_hash: Mapped[bytes]
    """SHA-256 of provider and subject: who it is cannot be read from it."""


class DueEvent(Due, Base):
    """An event that waits for its number; the row goes when the number comes."""

    __tablename__ = "due_events"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)


class DueAudit(Due, Base):
    """An entry of the audit log that waits for its seal; the row goes when the seal comes."""

    __tablename__ = "due_audits"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)


class DueFeed(Due, Base):
    """When an account's feed is to be pruned next."""

    __tablename__ = "due_feeds"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)


class DueRequest(Due, Base):
    """When a meeting request lapses unanswered; the row goes when it was answered or has lapsed."""

    __tablename__ = "due_requests"

    request_id: Mapped[UUID] = mapped_column(primary_key=True)


class DueReminder(Due, Base):
    """When those who meet are to be reminded next; the row goes with the last reminder, or with the booking's time."""

    __tablename__ = "due_reminders"

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    minutes_before: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """The reminders that are left, longest first; they count from the booking's start."""


class DueDomain(Due, Base):
    """When a domain's records are to be looked up again. No row: not before somebody asks."""

    __tablename__ = "due_domains"

    domain_id: Mapped[UUID] = mapped_column(primary_key=True)


class DueHold(Due, Base):
    """Whose account a slot hold is in, and when it lapses; the row goes with it."""

    __tablename__ = "due_holds"

    hold_id: Mapped[UUID] = mapped_column(primary_key=True)


class DueWebhook(Due, Base):
    """When an endpoint is to be told again. No row: it has been told everything, or wants to hear nothing."""

    __tablename__ = "due_webhooks"

    endpoint_id: Mapped[UUID] = mapped_column(primary_key=True)
