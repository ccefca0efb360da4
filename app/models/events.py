"""What the CRM is told: the event feed, the addresses it is sent to, and what became of each sending.

The one rule: an event is written without a number, in the transaction of what it tells; numbers are given afterwards,
one account at a time, and are never given back.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, InAccount, Json


class FeedEvent(HasId, Base):
    """Something that happened, as the feed and the webhooks tell it."""

    __tablename__ = "feed_events"
    __table_args__ = (
        UniqueConstraint("account_id", "sequence"),
        Index("ix_feed_events_unnumbered", "account_id", "arrival", postgresql_where=text("sequence IS NULL")),
        Index(None, "account_id", "subject_id"),
    )

    arrival: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    """Given by a trigger from one database sequence: what waited for another's commit has the higher one, whatever the
    clocks say. It has gaps; nobody outside sees it."""
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    """The account's number of it; None until the sequencer came by."""
    type: Mapped[str]
    """Dot-separated past tense, such as `booking.created`."""
    subject_id: Mapped[UUID]
    """What it is about; erasing a subject finds its events by it."""
    data: Mapped[Json]
    occurred_at: Mapped[datetime]
    numbered_at: Mapped[datetime | None]


class EventFeed(InAccount, Base):
    """How far an account's feed is. Its row is the lock under which numbers are given."""

    __tablename__ = "event_feeds"

    last_sequence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    pruned_through: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Events up to here are older than the retention and gone."""


class WebhookEndpoint(HasId, Base):
    """An address of the CRM, and how far it has been told."""

    __tablename__ = "webhook_endpoints"

    url: Mapped[str]
    description: Mapped[str | None]
    event_types: Mapped[list[str] | None]
    """Only these; None: all."""
    status: Mapped[str]
    """active paused disabled"""
    status_reason: Mapped[str | None]
    """requested failing gone"""
    secret: Mapped[bytes]
    """Sealed, as is the former one, which signs as well for a while."""
    previous_secret: Mapped[bytes | None]
    previous_secret_until: Mapped[datetime | None]
    delivered_through: Mapped[int] = mapped_column(BigInteger)
    """The sequence number up to which everything it wants was delivered."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """In a row."""
    failing_since: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    """Not before then, after a failure."""
    slow: Mapped[bool] = mapped_column(server_default="false")
    """Its last attempt took long or failed: it waits among its like."""
    fence: Mapped[int] = mapped_column(server_default="0")
    """Raised by every claim; a turn whose fence is old may not write."""
    lease_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class WebhookDelivery(HasId, Base):
    """One attempt to deliver one event."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "endpoint_id"],
            ["webhook_endpoints.account_id", "webhook_endpoints.id"],
            ondelete="CASCADE",
        ),
        Index(None, "account_id", "endpoint_id", "id"),
    )

    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event_type: Mapped[str]
    sequence: Mapped[int] = mapped_column(BigInteger)
    """0: a test, which is in no feed."""
    attempt: Mapped[int]
    status: Mapped[str]
    """pending succeeded failed"""
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    """Why there is no status code: a code of ours, never what the other side said."""
    duration_ms: Mapped[int | None]
    created_at: Mapped[Created]
