"""What a chat widget is told.

The one rule: nothing but the link, whom it leads to, and whether it is any use now (R42).
"""

from pydantic import Field

from app.accounts.schemas import Answer
from app.ids import PageId


class ChatWidget(Answer):
    """The meeting link of a chat."""

    page_id: PageId
    meeting_link: str
    """The URL of the page."""
    host_name: str | None
    """Who will be met; null: one of several."""
    bookable: bool = Field(examples=[True])
    """A time can be booked now or, while the host has no calendar, asked for."""
