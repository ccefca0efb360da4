"""Google Calendar as a provider: what it can do, and the way into one connection's calendars.

The one rule: nothing here knows a connection; whoever opens a session brings its tokens.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.calendar import Clock, ProviderName
from app.http import HttpClient
from app.providers.base import Features, TokenSource
from app.providers.google import busy_times, drafts, push
from app.providers.google.oauth import GoogleOAuth
from app.providers.google.oauth import GoogleSettings as GoogleSettings
from app.providers.google.push import GoogleWatches
from app.providers.google.refusals import refusal
from app.providers.google.session import GoogleSession
from app.providers.push import PushScope, Signal
from app.providers.rest import MailboxSlots, RestSession


class GoogleProvider(GoogleOAuth):
    """See `app.providers.base.Provider` and `SupportsOAuth`."""

    name = ProviderName.GOOGLE
    push_scope = PushScope.CALENDAR
    push_lifetime = timedelta(days=7)
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
        shows_invitations=True,
    )

    def __init__(self, settings: GoogleSettings, http: HttpClient, *, clock: Clock) -> None:
        super().__init__(settings, http, clock=clock)
        self._slots = MailboxSlots(self.features.max_concurrency)

    def open(self, tokens: TokenSource, *, mailbox: str | None = None) -> GoogleSession:
        """A session for one connection."""
        return GoogleSession(self._rest(tokens, mailbox), self._settings.api_url)

    def watches(self, tokens: TokenSource, *, mailbox: str | None = None) -> GoogleWatches:
        """One connection's push channels."""
        return GoogleWatches(self._rest(tokens, mailbox), self._settings.api_url, self._clock)

    def signals(
        self,
        headers: Mapping[str, str],
        query: Mapping[str, str],  # noqa: ARG002 - the protocol's
        body: bytes,  # noqa: ARG002 - always empty
    ) -> Sequence[Signal]:
        """What a message of a channel says."""
        return push.signals(headers)

    def _rest(self, tokens: TokenSource, mailbox: str | None) -> RestSession:
        return RestSession(self._http, tokens, refusal=refusal, clock=self._clock, slots=self._slots.of(mailbox))

    def ical_uid(self, key: str) -> str:
        """Google makes the UID of the event's id."""
        return f"{drafts.event_id(key)}@google.com"
