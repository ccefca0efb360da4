"""The addresses we hand out.

The one rule: every link to the front end is built here, and a token stands in the fragment, which no server logs.
"""

from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit
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

    def meeting(self, slug: str, *, host: str | None = None) -> str:
        """The link of a page, on a custom domain when there is one."""
        base = self._base if host is None else f"https://{host}"
        return f"{base}/meetings/{quote(slug)}"

    @staticmethod
    def proposed_time(meeting_link: str, start_at: datetime, duration_minutes: int, proposal_id: UUID) -> str:
        """A page's link that opens it at a time that was proposed."""
        start = start_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        proposal = encode_id("prop", proposal_id)
        query = {"start_at": start, "duration_minutes": duration_minutes, "proposal": proposal}
        return f"{meeting_link}?{urlencode(query, safe=':')}"

    def booking(self, booking_id: UUID, token: str, action: str) -> str:
        """Where a visitor changes a booking; `action` is `reschedule` or `cancel`."""
        return f"{self._base}/bookings/{encode_id('bkg', booking_id)}/{action}#token={token}"

    def meeting_request(self, request_id: UUID, token: str, action: str) -> str:
        """Where a visitor looks at a meeting request; `action` is `withdraw`."""
        return f"{self._base}/meeting-requests/{encode_id('mreq', request_id)}/{action}#token={token}"

    def calendar_settings(self) -> str:
        """Where a person connects, heals and chooses calendars."""
        return f"{self._base}/settings/calendar"
