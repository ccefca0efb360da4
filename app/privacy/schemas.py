"""Bodies of exports and erasures.

The one rule: an account's export tells rows as they are held, so its records are open; a contact's is documented to the
last field.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.accounts.schemas import Answer
from app.ids import AccountId


class ExportedRecord(Answer):
    """One thing the account holds."""

    kind: str = Field(examples=["bookings"])
    """What it is, such as `users`, `bookings`, `mirror_events`; more may come."""
    data: dict[str, Any] = Field(examples=[{"id": "bkg_01k9qj5v3mfb9t2z8h4c6x7wdn", "status": "confirmed"}])
    """Everything held of it but secrets: ids as elsewhere, times in UTC, binary data in base64. May gain fields."""


class AccountExport(Answer):
    """Everything the account holds, as far as it is written down."""

    status: Literal["building", "ready"]
    """`building`: ask again in a while. `ready`: `records` and `next_cursor` are the export."""
    requested_at: datetime
    """When it was asked for."""
    completed_at: datetime | None
    """When all was written down; null while it is built. A record is as it was at some time between the two."""
    expires_at: datetime | None
    """Until when it can be fetched; then the next request makes a new one. Null while it is built."""
    record_count: int = Field(examples=[4812])
    """How many records there are, so far."""
    records: list[ExportedRecord]
    """A part of them; empty while it is built."""
    next_cursor: str | None
    """Where the next part begins; null at the end, and while it is built."""


class AccountErasure(Answer):
    """The account is being erased."""

    account_id: AccountId
    """Which one."""
    requested_at: datetime
    """Since when nobody comes in any more."""
