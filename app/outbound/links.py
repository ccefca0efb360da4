"""The addresses we hand out.

The one rule: every link to the front end is built here, and a token stands in the fragment, which no server logs.
"""

from urllib.parse import quote, urlsplit
from uuid import UUID

from app.ids import encode_id


class Links:
    """Links into the front end that shows the pages."""

    def __init__(self, booking_base_url: str) -> None:
        self._base = booking_base_url.rstrip("/")

    @property
    def host(self) -> str:
        """The shared domain: the host that meeting links have."""
        return (urlsplit(self._base).hostname or "").lower()

    @property
    def base_path(self) -> str:
        """What stands before `/meetings` in a link's path."""
        return urlsplit(self._base).path.rstrip("/")

    def meeting(self, slug: str) -> str:
        """The link of a page."""
        return f"{self._base}/meetings/{quote(slug)}"

    def booking(self, booking_id: UUID, token: str, action: str) -> str:
        """Where a visitor changes a booking; `action` is `reschedule` or `cancel`."""
        return f"{self._base}/bookings/{encode_id('bkg', booking_id)}/{action}#token={token}"

    def calendar_settings(self) -> str:
        """Where a person connects, heals and chooses calendars."""
        return f"{self._base}/settings/calendar"
