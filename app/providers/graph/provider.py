"""Office 365 as a provider: what it can do, and the way into one connection's calendars.

The one rule: nothing here knows a connection; whoever opens a session brings its tokens, and may name its mailbox so
that all sessions of one mailbox share the few requests Exchange lets it have under way.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.calendar import Clock, ProviderName
from app.http import HttpClient
from app.providers.base import Features, TokenSource
from app.providers.graph import busy_times, push
from app.providers.graph.graph import Graph
from app.providers.graph.oauth import Office365OAuth
from app.providers.graph.oauth import Office365Settings as Office365Settings
from app.providers.graph.push import Office365Watches
from app.providers.graph.refusals import refusal
from app.providers.graph.session import Office365Session
from app.providers.push import Handshake, PushScope, Signal
from app.providers.rest import MailboxSlots, RestSession

_CONCURRENCY = 3
"""Exchange lets an app have four requests at once in a mailbox; one is left for our other processes."""
_BEHIND = timedelta(days=35)
"""How long before now a listing begins (`app.sync.mirror.BEHIND`)."""


class Office365Provider(Office365OAuth):
    """See `app.providers.base.Provider` and `SupportsOAuth`."""

    name = ProviderName.OFFICE365
    push_scope = PushScope.MAILBOX
    push_lifetime = timedelta(minutes=4200)  # Graph gave 4230 at most for years, and 10,080 now
    features = Features(
        two_way_sync=True,
        task_sync=True,
        additional_availability_calendars=True,
        proposed_times=True,
        event_update=True,
        can_suppress_notifications=False,
        video=True,
        free_busy_targets_max=busy_times.TARGETS_MAX,
        free_busy_days_max=busy_times.DAYS_MAX,
        max_concurrency=_CONCURRENCY,
    )

    def __init__(self, settings: Office365Settings, http: HttpClient, *, clock: Clock) -> None:
        super().__init__(settings, http, clock=clock)
        self._slots = MailboxSlots(_CONCURRENCY)

    def open(self, tokens: TokenSource, *, mailbox: str | None = None) -> Office365Session:
        """A session for one connection."""
        reach = _BEHIND + timedelta(days=self._settings.horizon_days)
        return Office365Session(self._graph(tokens, mailbox), reach=reach, clock=self._clock)

    def watches(self, tokens: TokenSource, *, mailbox: str | None = None) -> Office365Watches:
        """One connection's subscriptions."""
        return Office365Watches(self._graph(tokens, mailbox))

    def signals(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - the protocol's
        query: Mapping[str, str],
        body: bytes,
    ) -> Handshake | Sequence[Signal]:
        """What a delivery to either URL says."""
        return push.signals(query, body)

    def _graph(self, tokens: TokenSource, mailbox: str | None) -> Graph:
        rest = RestSession(self._http, tokens, refusal=refusal, clock=self._clock, slots=self._slots.of(mailbox))
        return Graph(rest, self._settings.api_url)

    def ical_uid(self, key: str) -> str | None:  # noqa: ARG002 - the protocol's
        """Exchange makes the UID when the event is made."""
        return None
