"""Bodies of slot holds.

The one rule: the end of the slot, and how long it is held, are decided by the server.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.accounts.schemas import Answer, Strict
from app.bookings.schemas import StartAt
from app.ids import HoldId, PageId


class SlotHoldCreate(Strict):
    """A visitor's wish to have a slot kept while the form is filled in."""

    start_at: StartAt
    """The start of an offered slot, with its offset."""
    duration_minutes: Annotated[int, Field(ge=5, le=1440)]
    """One of the page's durations, in minutes."""


class SlotHold(Answer):
    """A slot that is kept for a while."""

    id: HoldId
    page_id: PageId
    start_at: datetime
    end_at: datetime
    expires_at: datetime
    """Until then nobody else gets the slot."""
    token: str = Field(examples=["3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
    """For `hold_token` when booking, and for the `Hold-Token` header when letting go."""
