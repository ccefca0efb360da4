"""What visitors have answered in the CRM's forms, for pre-filling a page's form (R40).

The one rule: nothing here names a person: the address is the account's keyed hash, the answers are sealed in the vault,
and of a token there is a hash.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Created, HasId, InAccount


class FormSubmission(HasId, Base):
    """All that one person has answered, the newest answer to each question."""

    __tablename__ = "form_submissions"
    __table_args__ = (UniqueConstraint("account_id", "address_hash"),)

    address_hash: Mapped[bytes]
    """The account's keyed hash of the address."""
    content: Mapped[bytes]
    """Name, address and answers, sealed."""
    submitted_at: Mapped[Created]


class VisitorToken(InAccount, Base):
    """A token by which a form is pre-filled."""

    __tablename__ = "visitor_tokens"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "submission_id"],
            ["form_submissions.account_id", "form_submissions.id"],
            ondelete="CASCADE",
        ),
        Index(None, "account_id", "submission_id", "expires_at"),
        Index(None, "account_id", "expires_at"),
    )

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of 256 random bits."""
    submission_id: Mapped[UUID]
    content: Mapped[bytes | None]
    """What was said with it and with those it goes on from, sealed: whoever names somebody's address learns nothing of
    theirs. None: it is of a release that kept the person's answers alone.
    """
    expires_at: Mapped[datetime]
    created_at: Mapped[Created]
