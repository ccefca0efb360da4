"""What a calendar provider promises, and how it fails. The contract suite holds every provider to this page.

Glossary: a *provider* is a kind of server (Google). A *session* is one connection's way into it, made for one piece of
work. A *cursor* is the provider's opaque memory of what we have seen. A *key* is our idempotency key of a write; the
event we made with it carries it as its *marker*.

    ProviderError                 carries `retryable`, `retry_after` (seconds), `provider_code`
    ├── AuthExpired               the access token was refused: renew it and try once more
    ├── ReauthRequired            the grant is dead (`reason`); only the person can heal it
    ├── PermissionDenied          not allowed to this calendar or event
    ├── EventNotFound · CalendarGone
    ├── CursorExpired             start a full listing
    ├── EditConflict              someone changed it since our `if_match`
    ├── RateLimited · QuotaExceeded    wait (`retry_after`)
    ├── Transient                 a read failed in a way that passes
    ├── AmbiguousOutcome          a write was sent and its result is unknown: ask `find_by_key`
    ├── InvalidRequest · Unsupported · Misconfigured · ProtocolError
    ├── ConsentRefused · CredentialsRefused (`credentials.py`)    connecting failed; the person can do something

The one rule: providers know this vocabulary, and know no database and no each other. Retry lives outside: only
`Transient` and `RateLimited` are tried again, and writes only after `find_by_key`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Protocol, runtime_checkable

from app.calendar import (
    BusyTimes,
    CalendarRef,
    Event,
    EventDraft,
    Identity,
    Notify,
    ProviderName,
    Response,
    SyncPage,
    Timed,
)

LONGEST_RETRY_AFTER: Final = 3600.0
"""Seconds. Whoever asks for more, or answers in the provider's place, is asked again then."""


class ProviderError(Exception):
    """A provider refused or failed; the message never holds what we sent."""

    code: ClassVar[str] = "provider_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        operation: str = "",
        retry_after: float | None = None,
        provider_code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message or self.code)
        self.operation = operation
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER)
        self.provider_code = provider_code
        self.request_id = request_id


class AuthExpired(ProviderError):
    code = "auth_expired"


class ReauthRequired(ProviderError):
    """`provider_code` holds the reason: `token_revoked`, `token_expired`, `password_changed`."""

    code = "reauthorization_required"


class PermissionDenied(ProviderError):
    code = "permission_denied"


class EventNotFound(ProviderError):
    code = "event_not_found"


class CalendarGone(ProviderError):
    code = "calendar_gone"


class CursorExpired(ProviderError):
    code = "cursor_expired"


class EditConflict(ProviderError):
    code = "edit_conflict"


class RateLimited(ProviderError):
    code = "rate_limited"
    retryable = True


class QuotaExceeded(ProviderError):
    code = "quota_exceeded"


class Transient(ProviderError):
    code = "provider_unavailable"
    retryable = True


class AmbiguousOutcome(ProviderError):
    code = "ambiguous_outcome"


class InvalidRequest(ProviderError):
    code = "invalid_request"


class Unsupported(ProviderError):
    code = "unsupported"


class Misconfigured(ProviderError):
    code = "misconfigured"


class ProtocolError(ProviderError):
    code = "protocol_error"


class UnreadableEvent(ProtocolError):
    """It stands, and its time cannot be read: whoever knew it keeps what they knew."""


class ConsentRefused(ProviderError):
    """The OAuth code was not good for a grant: used, expired, or for another client.

    `provider_code` may say `access_denied`: the person said no; or `admin_consent_required`: only an administrator can
    allow it.
    """

    code = "consent_refused"


def readable(event: Event | None, *, gone: bool, operation: str) -> Event | None:
    """An event that was asked for by its id; None: it is gone. Raises: UnreadableEvent."""
    if event is None and not gone:
        raise UnreadableEvent(operation=operation)
    return event


@dataclass(frozen=True, slots=True)
class Features:
    """What a provider can do at all; what one connection can do is less (R18)."""

    two_way_sync: bool
    task_sync: bool
    additional_availability_calendars: bool
    proposed_times: bool
    event_update: bool
    can_suppress_notifications: bool
    """False: the provider's own mail is the invitation (R49)."""
    video: bool
    free_busy_targets_max: int
    free_busy_days_max: int
    max_concurrency: int
    """Requests at once per mailbox."""
    shows_invitations: bool = False
    """Who is invited and has a calendar there finds the event in it, also when nobody is mailed."""
    one_service: bool = True
    """All its customers ask the same servers, under limits of the same house; else each has servers of its own."""


class TokenSource(Protocol):
    """Where a session gets its bearer token. Implemented by `app/connections`; single flight across processes."""

    async def token(self) -> str:
        """A token believed to be good; with credentials, their secret. Raises: ReauthRequired, Transient."""
        ...

    async def renew(self, rejected: str) -> str:
        """A token other than the rejected one. Raises: ReauthRequired, Transient."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """What lets us in: from an OAuth token endpoint, or from credentials that worked."""

    access_token: str
    """With credentials: their secret."""
    expires_at: datetime | None
    """None: it does not expire by itself."""
    refresh_token: str | None
    """None: the one we have stays good."""
    scopes: frozenset[str]

    def __repr__(self) -> str:
        """Never shows a token."""
        return f"Grant(expires_at={self.expires_at!r}, scopes={sorted(self.scopes)!r})"


class CalendarSession(Protocol):
    """One connection's calendars. Every verb raises ProviderErrors only."""

    async def list_calendars(self) -> Sequence[CalendarRef]:
        """Every calendar the person can reach; the primary first."""
        ...

    async def create_calendar(self, name: str, *, time_zone: str, key: str) -> CalendarRef:
        """Make a calendar of the person's own, once.

        One that an earlier call with this key made, also when its answer was lost, is found again; one the person
        deleted is made anew. The name may be changed by the person later, and gets a number where it is taken and must
        not be. The zone is the mailbox's where calendars have none of their own. No provider makes the look and the
        create one step: whoever calls sees to it that nobody else does with the same key at the same time.
        Raises: AmbiguousOutcome (call again), PermissionDenied (a scope was not granted), …
        """
        ...

    async def free_busy(self, calendar_ids: Sequence[str], window: Timed) -> Mapping[str, BusyTimes]:
        """Busy spans per calendar, split as the provider's limits need. A calendar it would not tell of is unknown."""
        ...

    def list_instances(self, calendar_id: str, window: Timed, *, series_id: str | None = None) -> AsyncIterator[Event]:
        """Expanded events that touch the window, of one series when asked. A series that is gone yields nothing.

        Instances the person deleted are not yielded. Who takes part, their answers and what is private are told; a
        description may not be.
        Raises: CalendarGone, PermissionDenied, …
        """
        ...

    async def get_event(self, calendar_id: str, event_id: str) -> Event | None:
        """The event as it is now, a cancelled one included; None when the provider does not know it.

        Raises: UnreadableEvent, …
        """
        ...

    async def sync_page(
        self, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime
    ) -> SyncPage:
        """One page of changes: a full listing from `since` when there is no cursor, else what moved after it.

        `page` is the `next_page` of the page before, with the same cursor. The new cursor comes with the last page.
        An Upsert tells of its event what `list_instances` tells. An answer of a guest is a change.
        Raises: CursorExpired (also on a later page), CalendarGone, PermissionDenied, …
        """
        ...

    async def create_event(self, calendar_id: str, draft: EventDraft, *, key: str, notify: Notify) -> Event:
        """Make the event once: a repeat with the same key answers the event of the first.

        An event of ours that was deleted since is brought back. Raises: AmbiguousOutcome, …
        """
        ...

    async def find_by_key(self, calendar_id: str, key: str, *, around: Timed) -> Event | None:
        """The live event made with this key, wherever it was moved; None when there is none (or a deleted one).

        A copy that a person made of it is not taken for it while it stands.
        """
        ...

    async def update_event(
        self,
        calendar_id: str,
        event_id: str,
        draft: EventDraft,
        *,
        key: str,
        if_match: str | None,
        notify: Notify,
    ) -> Event:
        """Make the event as drafted. Raises: EditConflict, EventNotFound (also when deleted), AmbiguousOutcome.

        A draft that is not busy frees the time. A busy one takes back only that: what a person chose otherwise (free,
        tentative, out of office) stays.
        """
        ...

    async def cancel_event(self, calendar_id: str, event_id: str, *, notify: Notify) -> None:
        """Remove the event. One already gone is done. Raises: AmbiguousOutcome, …"""
        ...

    async def respond(self, calendar_id: str, event_id: str, response: Response) -> None:
        """Answer an invitation as the connected person."""
        ...


class Provider(Protocol):
    """A kind of calendar server."""

    @property
    def name(self) -> ProviderName:
        """As the API names it."""
        ...

    @property
    def features(self) -> Features:
        """What it can do at all."""
        ...

    @property
    def offered(self) -> bool:
        """Whether this deployment lets people connect it. Whoever is connected stays so, offered or not."""
        ...

    def open(self, tokens: TokenSource, *, mailbox: str | None = None) -> CalendarSession:
        """A session for one connection. Sessions that name the same mailbox share what it bears at once."""
        ...

    def ical_uid(self, key: str) -> str | None:
        """The UID the event made with this key will have, when it is known before the write."""
        ...

    def missing_scopes(self, granted: frozenset[str]) -> frozenset[str]:
        """The scopes without which connecting makes no sense (R7); empty when enough was granted."""
        ...

    def can_write(self, granted: frozenset[str]) -> bool:
        """Whether the granted scopes allow creating and changing events."""
        ...

    def can_make_calendars(self, granted: frozenset[str]) -> bool:
        """Whether they allow `create_calendar`."""
        ...


@runtime_checkable
class SupportsOAuth(Protocol):
    """A provider that is connected by OAuth authorization code with PKCE (R6)."""

    def authorization_url(self, *, state: str, code_challenge: str, redirect_uri: str, login_hint: str | None) -> str:
        """Where to send the browser; the account chooser is forced."""
        ...

    async def exchange_code(self, code: str, *, code_verifier: str, redirect_uri: str) -> Grant:
        """The grant for a code. Raises: ConsentRefused, Transient, Misconfigured."""
        ...

    def refused(self, error: str, description: str | None) -> ConsentRefused:
        """What the provider's own words on the way back mean (RFC 6749 4.1.2.1)."""
        ...

    async def identify(self, access_token: str) -> Identity:
        """Whose account it is (without scopes)."""
        ...

    async def refresh(self, refresh_token: str) -> Grant:
        """A new access token. Raises: ReauthRequired (the grant is dead), Transient, RateLimited, Misconfigured."""
        ...

    async def revoke(self, token: str) -> None:
        """End the grant at the provider; one already dead is done. Raises: Transient."""
        ...


class OAuthProvider(Provider, SupportsOAuth, Protocol):
    """A provider that is one by OAuth."""
