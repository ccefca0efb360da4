"""Bodies of the audit log.

The one rule: ids and codes, never what somebody wrote or whom somebody met.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.accounts.schemas import Answer
from app.ids import UserId


class Actor(Answer):
    """Who did it."""

    kind: Literal["user", "service", "visitor", "worker", "calendar"]
    """`worker`: this service, by itself; `calendar`: somebody in a calendar that we follow."""
    user_id: UserId | None
    """Of a `user`; null also where an old entry does not say."""


class AuditLogEntry(Answer):
    """Something that was done."""

    sequence: int = Field(examples=[1])
    """1, 2, 3, … in the account, without a gap."""
    at: datetime
    """When it was done."""
    actor: Actor
    action: str = Field(examples=["booking.created"])
    """What was done, dot-separated past tense."""
    subject_id: str | None = Field(examples=["bkg_01k9qj5v3mfb9t2z8h4c6x7wdn"])
    """What it was done to; null where the API shows none."""
    details: dict[str, Any]
    """More about it, by the action: codes and counts."""
    seal: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    """SHA-256 over the seal before and what this entry says: keep the last one, and a changed past can be shown."""


class AuditLog(Answer):
    """A part of the account's audit log."""

    items: list[AuditLogEntry]
    """Rising by number."""
    next_cursor: str | None
    """Where to go on; null at the end."""
