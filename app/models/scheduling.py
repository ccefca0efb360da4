"""Pages and the person's calendar settings.

The one rule: a page's configuration is one document, validated by `scheduling/schemas.py` and replaced whole.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, InAccount, Json


class CalendarSettings(InAccount, Base):
    """One person's settings: what the Save button saves (R4)."""

    __tablename__ = "calendar_settings"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["account_id", "domain_id"], ["domains.account_id", "domains.id"]),
        Index(None, "account_id", "domain_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    version: Mapped[int] = mapped_column(server_default="1")
    calendar_sync: Mapped[bool] = mapped_column(server_default="false")
    task_sync: Mapped[bool] = mapped_column(server_default="false")
    scheduling_pages: Mapped[bool] = mapped_column(server_default="true")
    turned_off: Mapped[bool] = mapped_column(server_default="false")
    tentative_blocks: Mapped[bool] = mapped_column(server_default="true")
    meetings_url: Mapped[str | None]
    """The slug prefix of pages created from now on (R35)."""
    default_page_id: Mapped[UUID | None]
    """The one that was chosen; None: the oldest is it (R36)."""
    domain_id: Mapped[UUID | None]
    """The custom domain of the person's links (R37)."""
    chat_page_id: Mapped[UUID | None]
    chat_enabled: Mapped[bool] = mapped_column(server_default="false")
    widget_key: Mapped[str | None]
    """What the chat widget carries; made when the chat link is first turned on, and kept."""
    drift_policies: Mapped[Json] = mapped_column(server_default="{}")
    """By kind of drift: adopt restore ask; what is not there is as at first."""
    auto_confirm_requests: Mapped[bool] = mapped_column(server_default="false")
    """What was asked for offline and is free is booked as soon as a calendar is there (R26)."""


class SchedulingPage(HasId, Base):
    """A bookable page."""

    __tablename__ = "scheduling_pages"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "owner_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
        Index(None, "account_id", "owner_id"),
    )

    owner_id: Mapped[UUID]
    type: Mapped[str]
    name: Mapped[str]
    slug: Mapped[str]
    configuration: Mapped[Json]
    version: Mapped[int] = mapped_column(server_default="1")
    team_since: Mapped[datetime | None]
    """Since when the page has the members it has: turns are counted from here."""
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class SchedulingPageMember(InAccount, Base):
    """Somebody beside its owner who hosts meetings of a group or a round robin."""

    __tablename__ = "scheduling_page_members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "page_id"], ["scheduling_pages.account_id", "scheduling_pages.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
        CheckConstraint("position > 0", name="after_the_owner"),
        Index(None, "account_id", "user_id"),
    )

    page_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    user_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    position: Mapped[int]
    joined_at: Mapped[Created]
