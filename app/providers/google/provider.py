"""Google Calendar as a provider: what it can do, and the way into one connection's calendars.

The one rule: nothing here knows a connection; whoever opens a session brings its tokens.
"""

from app.calendar import Clock, ProviderName
from app.http import HttpClient
from app.providers.base import Features, TokenSource
from app.providers.google import busy_times, drafts
from app.providers.google.oauth import GoogleOAuth
from app.providers.google.oauth import GoogleSettings as GoogleSettings
from app.providers.google.refusals import refusal
from app.providers.google.session import GoogleSession
from app.providers.rest import MailboxSlots, RestSession


class GoogleProvider(GoogleOAuth):
    """See `app.providers.base.Provider` and `SupportsOAuth`."""

    name = ProviderName.GOOGLE
    features = Features(
        two_way_sync=True,
        task_sync=True,
        additional_availability_calendars=True,
        proposed_times=True,
        event_update=True,
        can_suppress_notifications=True,
        video=True,
        free_busy_targets_max=busy_times.TARGETS_MAX,
        free_busy_days_max=busy_times.DAYS_MAX,
        max_concurrency=5,
    )

    def __init__(self, settings: GoogleSettings, http: HttpClient, *, clock: Clock) -> None:
        super().__init__(settings, http, clock=clock)
        self._slots = MailboxSlots(self.features.max_concurrency)

    def open(self, tokens: TokenSource, *, mailbox: str | None = None) -> GoogleSession:
        """A session for one connection."""
        rest = RestSession(self._http, tokens, refusal=refusal, clock=self._clock, slots=self._slots.of(mailbox))
        return GoogleSession(rest, self._settings.api_url)

    def ical_uid(self, key: str) -> str:
        """Google makes the UID of the event's id."""
        return f"{drafts.event_id(key)}@google.com"
