"""Bodies of providers, authorizations, connections and their calendars.

The one rule: no token, code or secret has a field here.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.accounts.schemas import Answer, CapabilityStatus, Strict
from app.ids import AuthorizationId, CalendarId, ConnectionId, InboxId, UserId

ProviderLiteral = Literal["google", "office365", "exchange"]


class ConnectField(Answer):
    """A field to ask the person for when connecting."""

    name: str = Field(examples=["email"])
    label: str
    """In the caller's language."""
    help: str | None
    """In the caller's language."""
    required: bool
    secret: bool
    """A password: never shown, never stored by a client."""


class ProviderInfo(Answer):
    """What can be connected, and what it can do."""

    provider: ProviderLiteral
    connect_method: Literal["oauth", "credentials"]
    """`oauth`: start a connection authorization."""
    connect_fields: list[ConnectField]
    """For `credentials`."""
    capabilities: list[str]
    """What the provider can do at all."""
    max_availability_calendars: int
    """The most calendars that can be checked for conflicts."""


class ProviderList(Answer):
    """The providers of this deployment."""

    items: list[ProviderInfo]
    next_cursor: str | None


class Disclosure(Answer):
    """What the person reads and accepts before connecting (R5)."""

    provider: ProviderLiteral
    version: str
    """To be sent back as `disclosure_version`."""
    language: str
    title: str
    paragraphs: list[str]
    accept_label: str
    """The text of the button."""


class ConnectionAuthorizationCreate(Strict):
    """Start connecting by OAuth. Sending it says that the person has accepted this version of the disclosure."""

    provider: Literal["google", "office365"]
    """What to connect."""
    client: Literal["web", "mobile"]
    """Where the person is."""
    disclosure_version: Annotated[str, Field(min_length=1, max_length=40, examples=["2026-11-01"])]
    """The version of the disclosure that the person accepted."""
    return_url: Annotated[str, Field(max_length=2000, examples=["https://crm.example.com/meetings"])] | None = None
    """Where to send the browser afterwards; must be allowed by the deployment. Absent: the
    first one allowed that this client can open: `web` an http(s) address, `mobile` a deep link of the app.
    """
    login_hint: Annotated[str, Field(max_length=254, examples=["ada@example.com"])] | None = None
    """The account that must come back; another one fails with `account_mismatch`."""


class ConnectionAuthorization(Answer):
    """One attempt to connect, from consent to result."""

    id: AuthorizationId
    provider: ProviderLiteral
    client: Literal["web", "mobile"]
    status: Literal["pending", "completed", "denied", "failed", "expired"]
    """`denied`: the person, or their administrator, said no at the provider; `failed`: `code` says why; `expired`:
    nobody came back in time.
    """
    code: str | None = Field(examples=["scopes_missing"])
    """Why it failed, a problem code."""
    detail: str | None
    """Why it failed, in the caller's language."""
    authorization_url: str | None
    """Where to send the browser; only in the answer that made the attempt."""
    connection_id: ConnectionId | None
    """What was connected."""
    expires_at: datetime
    created_at: datetime


_Email = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$", examples=["ada@example.com"])]
_Password = Annotated[str, Field(min_length=1, max_length=256, json_schema_extra={"format": "password"})]
_Username = Annotated[str, Field(min_length=1, max_length=256, examples=["EXAMPLE\\ada"])]
_EwsUrl = Annotated[str, Field(max_length=2000, examples=["https://mail.example.com/EWS/Exchange.asmx"])]
_Version = Annotated[str, Field(max_length=40, examples=["Exchange2016"])]
_Certificate = Annotated[str, Field(max_length=20_000, examples=["-----BEGIN CERTIFICATE-----\n"])]


class ServerFields(Strict):
    """What a person types in to reach a server."""

    email: _Email
    """The mailbox's address."""
    password: _Password
    """An app password where the account signs in with two factors."""
    username: _Username | None = None
    """Absent: the part of the address before the @."""
    ews_url: _EwsUrl | None = None
    """Absent: looked for."""
    version: _Version | None = None
    """Absent: found out."""
    certificate: _Certificate | None = None
    """The server's own certification authority, PEM; absent: one that everybody trusts."""


class ExchangeDiscoveryCreate(ServerFields):
    """Try credentials without storing them."""

    client: Literal["web", "mobile"]
    """Where the person is."""


class ExchangeDiscovery(Answer):
    """What is known of the server."""

    verified: bool
    """The credentials work."""
    required_fields: list[ConnectField]
    """What this server needs beyond what was sent; empty when verified."""
    username: str | None
    """The user name that worked."""
    ews_url: str | None = Field(examples=["https://mail.example.com/EWS/Exchange.asmx"])
    """The server that was found."""
    version: str | None = Field(examples=["Exchange2016"])
    """What the server speaks."""


class ConnectionCreate(ServerFields):
    """Connect with a password. Sending it says that the person has accepted this version of the disclosure."""

    provider: Literal["exchange"]
    """What to connect."""
    client: Literal["web", "mobile"]
    """Where the person is."""
    disclosure_version: Annotated[str, Field(min_length=1, max_length=40, examples=["2026-11-01"])]
    """The version of the disclosure that the person accepted."""
    return_url: Annotated[str, Field(max_length=2000, examples=["https://crm.example.com/meetings"])] | None = None
    """Where the browser goes afterwards; must be allowed by the deployment. Absent: the meetings dashboard."""


class ConnectionUpdate(Strict):
    """Other credentials for the same mailbox; they are tried before they are stored. What is absent stays.

    One that was imported is connected by it, so `client` and `disclosure_version` have to come along.
    """

    password: _Password | None = None
    """An app password where the account signs in with two factors. Needed with another `ews_url` or `certificate`."""
    username: _Username | None = None
    ews_url: _EwsUrl | None = None
    """The server's address. `password` has to come with it."""
    version: _Version | None = None
    certificate: _Certificate | None = None
    """The certification authority of the server, PEM. `password` has to come with it."""
    client: Literal["web", "mobile"] | None = None
    """Where the person is. Has to come with `disclosure_version`."""
    disclosure_version: Annotated[str, Field(min_length=1, max_length=40, examples=["2026-11-01"])] | None = None
    """The version of the disclosure that the person accepted."""


class ConnectionReauthorize(Strict):
    """Start to heal a connection. Sending it says that the person has accepted this version of the disclosure."""

    client: Literal["web", "mobile"]
    """Where the person is."""
    disclosure_version: Annotated[str, Field(min_length=1, max_length=40, examples=["2026-11-01"])]
    """The version of the disclosure that the person accepted."""
    return_url: Annotated[str, Field(max_length=2000, examples=["https://crm.example.com/meetings"])] | None = None
    """Where to send the browser afterwards."""


class Connection(Answer):
    """A person's link to a provider account."""

    id: ConnectionId
    provider: ProviderLiteral
    email: str
    """The connected account's address."""
    status: Literal["active", "reauthorization_required", "error"]
    """`reauthorization_required`: nothing is read or written until its person heals it, by whichever of `reauthorize`
    and `update` stands in `allowed_actions`. `error`: it is being taken apart.
    """
    reason: str | None = Field(examples=["token_revoked"])
    """Why it is not active, a code."""
    reason_text: str | None = Field(examples=["Access was withdrawn at the calendar's provider."])
    """The same in the caller's language."""
    remedy: str | None = Field(examples=["Reconnect the same account and grant access again."])
    """What helps, in the caller's language."""
    purposes: list[Literal["calendar", "meetings"]]
    """What it is used for."""
    capabilities: list[CapabilityStatus]
    """What can be done with it."""
    allowed_actions: list[str] = Field(examples=[["disconnect", "sync"], ["disconnect", "reauthorize"]])
    """What the caller may do with it now: `sync`, `disconnect`, `reauthorize` (by consent), `update` (by password)."""
    created_at: datetime
    updated_at: datetime


class ConnectionCreated(Connection):
    """A connection that was just made."""

    return_url: str = Field(examples=["https://crm.example.com/meetings"])
    """Where the browser goes next."""


class ConnectionList(Answer):
    """The caller's connections."""

    items: list[Connection]
    next_cursor: str | None


class Calendar(Answer):
    """A calendar that the connected account can reach."""

    id: CalendarId
    name: str
    """As the provider names it."""
    time_zone: str
    """IANA name."""
    is_primary: bool
    access_role: Literal["owner", "writer", "reader", "free_busy_reader"]
    availability_calendar: bool
    """It is checked for conflicts."""
    eligible_for_availability: bool
    """It may be checked for conflicts."""
    ineligible_reason: str | None = Field(examples=["missing_event_details_permission"])
    """Why not, a code."""


class CalendarList(Answer):
    """The calendars of a connection."""

    items: list[Calendar]
    next_cursor: str | None


class CalendarSyncState(Answer):
    """How true the mirror of one calendar is."""

    calendar_id: CalendarId
    name: str
    state: Literal["idle", "running", "backing_off", "paused", "failed", "disabled"]
    """`idle`: nothing is wrong, and nothing under way. `backing_off`: it failed and is tried again by itself, at
    `next_run_at`. `failed`: the calendar itself cannot be read, and is asked for now and then. `paused`: the connection
    has to be healed first. `disabled`: nothing is read of it.
    """
    lag_seconds: int | None
    """Seconds since the mirror was last true; null before the first sync."""
    pending_changes: bool
    """A change was signalled that no run has fetched yet."""
    last_run_at: datetime | None
    last_success_at: datetime | None
    next_run_at: datetime | None
    channel_expires_at: datetime | None
    """When the push channel ends; null while the calendar is polled."""
    last_error: str | None = Field(examples=["provider_unavailable"])
    """Why the last run failed, a code such as `provider_unavailable`, `rate_limited`, `permission_denied`."""
    consecutive_failures: int


class ConnectionSync(Answer):
    """The sync of a connection, calendar by calendar."""

    connection_id: ConnectionId
    calendars: list[CalendarSyncState]


class InboxCreate(Strict):
    """Register an address."""

    kind: Literal["personal", "shared"]
    """A shared inbox is read by several people; its calendar cannot be connected."""
    email: _Email
    user_id: UserId | None = None
    """Whose personal inbox it is. For service tokens; a user registers their own."""


class Inbox(Answer):
    """An address registered in the CRM."""

    id: InboxId
    kind: Literal["personal", "shared"]
    email: str
    user_id: UserId | None
    """Whose it is; null for a shared one."""
    connection_id: ConnectionId | None
    """The calendar connection it came with."""
    allowed_actions: list[str] = Field(examples=[["disconnect"]])
    created_at: datetime


class InboxList(Answer):
    """Inboxes, oldest first."""

    items: list[Inbox]
    next_cursor: str | None
