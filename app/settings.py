"""What a deployment decides, read once from the environment.

The one rule: no secret has a default. Every name is `CALENDAR_CONNECT_` + the field in capitals, but `DATABASE_URL`.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, AwareDatetime, BeforeValidator, Field, SecretBytes, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _key_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("a key is base64") from error


PREFIX: Final = "CALENDAR_CONNECT_"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return "DATABASE_URL" if field == "database_url" else PREFIX + field.upper()


Key = Annotated[SecretBytes, BeforeValidator(_key_bytes)]


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


class DatabaseSettings(BaseSettings):
    """What a migration needs."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        env_prefix=PREFIX,
        env_file=".env",
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    database_url: SecretStr = Field(validation_alias=AliasChoices("database_url", "DATABASE_URL"))
    """PostgreSQL 15 or later: `postgresql://login:password@host/database`."""


class Settings(DatabaseSettings):
    """The settings of the service."""

    database_pool_size: int = Field(default=20, ge=1, le=500)
    """The most connections a process has for its work. Beside them: as many for visitors' reads, 10 for bookings, and
    4 for a worker's queue. They are made when they are needed."""

    worker_niceness: int = Field(default=10, ge=0, le=19)
    """How far a worker that keeps up stands back when others want its processor: people wait for the API. 0: not at
    all."""

    requests_at_once: int = Field(default=256, ge=1)
    """The most requests a process works on at once; more are told to come back in a moment (503, `overloaded`)."""

    public_url: str
    """Where callers reach this service; the OAuth callback is built on it."""
    booking_base_url: str
    """Where the front end shows scheduling pages; links in mails and meeting links are built on it."""
    return_urls: list[str] = Field(min_length=1)
    """Prefixes a `return_url` may start with (the CRM's dashboard, the app's deep link). Without one the browser goes
    to the first."""
    cors_origins: list[str] = []
    """Origins that may call the private operations from a browser."""
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    """How many proxies stand before us; the client's address is read that many hops from the right."""
    problem_base_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    """Where the documentation's pages of problems are published: the `type` of a problem is this, a slash and its code.
    None: PUBLIC_URL with `/problems`, an address where nothing has to be."""

    issuer: str
    """`iss` of the callers' tokens."""
    jwks_url: str
    """Where the issuer publishes its keys."""
    audience: str = "calendar-connect"
    """`aud` of the callers' tokens."""

    master_keys: dict[int, Key]
    """Key-encryption keys by version: 32 bytes each, base64. The highest version encrypts, all decrypt."""
    signing_key: Key
    """At least 32 bytes, base64: signs list cursors and booking links."""

    google_client_id: str = ""
    google_client_secret: SecretStr = SecretStr("")
    google_auth_url: str = "https://accounts.google.com/o/oauth2/v2/auth"
    google_token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    google_revoke_url: str = "https://oauth2.googleapis.com/revoke"
    google_userinfo_url: str = "https://openidconnect.googleapis.com/v1/userinfo"
    google_api_url: str = "https://www.googleapis.com/calendar/v3"

    office365_client_id: str = ""
    office365_client_secret: SecretStr = SecretStr("")
    office365_authority_url: str = "https://login.microsoftonline.com/common"
    """The login server and the tenant that may sign in; `common` is every work, school and personal account."""
    office365_api_url: str = "https://graph.microsoft.com/v1.0"

    exchange_offered: bool = True
    """Whether on-premises Exchange can be connected."""
    exchange_full_sync: bool = False
    """Lifts the limits of Exchange (R24): EWS can do all of it."""
    exchange_allowed_hosts: list[str] = []
    """Names, addresses and networks that an Exchange server may have although they are private, on any port."""
    exchange_timeout_seconds: float = 15.0
    exchange_threads: int = 8
    """Requests to Exchange servers at once, in each process."""

    smtp_host: str
    smtp_port: int = 587
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_start_tls: bool | None = None
    """None: when the server offers it, and always with a username. A password goes out in the clear only with false."""
    mail_from: str
    """The sender of every mail, and the organizer named in invitations."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto`: readable in a terminal, JSON elsewhere."""

    metrics_token: SecretStr | None = None
    """The bearer token under which `/metrics` is served; None: it is not."""
    metrics_host: str = "127.0.0.1"
    """Where a worker, which serves nothing else, listens for scrapes."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """The port it listens on; None: it does not. Needs METRICS_TOKEN."""

    legacy_accounts_before: AwareDatetime = datetime(2023, 3, 13, tzinfo=UTC)
    """Accounts created before this may have kept two connections (R12)."""
    meetings_url_tiers: list[str] = ["starter", "professional", "enterprise"]
    """Tiers of a Sales or Service seat that may set a meetings URL (R35)."""
    default_page_tiers: list[str] = ["starter", "professional", "enterprise"]
    """Tiers of the account's Sales or Service subscription with which the default page can be changed (R36)."""
    custom_domain_tiers: list[str] = ["starter", "professional", "enterprise"]
    """Tiers of the account's Sales or Service subscription with which pages can be on a domain of its own (R37)."""
    team_pages_tiers: list[str] = ["starter", "professional", "enterprise"]
    """Tiers of a Sales or Service seat that may make group and round robin pages (R27)."""
    task_sync_tiers: list[str] = ["professional", "enterprise"]
    """Tiers of a Sales or Service seat that may sync tasks (R22)."""
    mobile_connect_tiers: list[str] = ["professional", "enterprise"]
    """Tiers of a Sales or Service seat that may connect from the mobile app (R9)."""

    push_url: str | None = None
    """Where providers reach us for pushes, https; None: they cannot, and calendars are polled."""
    sync_poll_seconds: int = Field(default=60, ge=1)
    """A calendar is polled at least this often."""
    push_poll_seconds: int = Field(default=240, ge=1)
    """The same for a calendar whose provider tells us of changes: what a lost push costs at most."""
    sync_horizon_days: int = Field(default=400, ge=60, le=800)
    """How far ahead series are expanded and times can be booked."""
    live_check_seconds: float = Field(default=2.0, gt=0, le=10)
    """The longest a booking waits for the provider's own free/busy."""
    mirror_trusted_seconds: int = Field(default=600, ge=0)
    """How old a mirror may be to decide when the provider cannot be asked."""
    domain_target: str | None = None
    """The host that the CNAME of custom domains names; None: the one of BOOKING_BASE_URL."""
    dns_resolvers: list[str] = []
    """Addresses of DNS servers, each with a port if it is not 53 (`192.0.2.1`, `[2001:db8::1]:5353`); none: the
    system's."""
    dns_timeout_seconds: float = Field(default=5.0, gt=0, le=30)
    """The longest that the records of a custom domain are waited for."""
    lookups_per_minute: int = Field(default=60, ge=1)
    """Times a minute that a caller may have a provider asked: which calendars there are, whether one is back."""
    domain_checks_per_minute: int = Field(default=10, ge=1)
    """How often an account can have the records of its domains looked up, a minute."""
    bookings_per_minute: int = Field(default=30, ge=1)
    """Booking attempts a minute per page and address."""
    reads_per_minute: int = Field(default=600, ge=1)
    """Public reads a minute per address; and as many booking attempts, over all pages."""
    sign_ins_per_minute: int = Field(default=10, ge=1)
    """Passwords that one caller may have tried at a calendar server."""
    changes_per_minute: int = Field(default=10, ge=1)
    """Changes a minute by the visitor of one booking: each is mailed to all who are invited."""
    changes_per_day: int = Field(default=30, ge=1)
    """Changes a day by the visitor of one booking."""

    event_retention_days: int = Field(default=30, ge=2, le=3650)
    """How long events can be read and replayed, and deliveries looked at."""
    webhook_allowed_hosts: list[str] = []
    """Names, addresses and networks that a webhook may go to although they are private, without TLS, on any port."""

    failpoints: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Moments at which the process dies, for proofs (`app/failpoints.py`). Refused unless callers and issuer are on
    this machine, as in the sandbox."""

    @model_validator(mode="after")
    def _dies_in_the_sandbox_only(self) -> Self:
        if self.failpoints and not all(_is_loopback(url) for url in (self.public_url, self.issuer)):
            raise ValueError("failpoints are for the sandbox: PUBLIC_URL and ISSUER are not on this machine")
        return self

    @model_validator(mode="after")
    def _figures_are_guarded(self) -> Self:
        if self.metrics_port is not None and self.metrics_token is None:
            raise ValueError("METRICS_PORT needs METRICS_TOKEN")
        return self

    @model_validator(mode="after")
    def _keys_are_long_enough(self) -> Self:
        if not self.master_keys or any(len(key.get_secret_value()) != 32 for key in self.master_keys.values()):  # noqa: PLR2004
            raise ValueError("every master key has 32 bytes, and there is at least one")
        if len(self.signing_key.get_secret_value()) < 32:  # noqa: PLR2004
            raise ValueError("the signing key has at least 32 bytes")
        return self
