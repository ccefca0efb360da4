"""Microsoft's OAuth (identity platform v2.0): the consent page, the token endpoint, and whose account it is.

    the token endpoint says             exchange                       refresh
    invalid_grant, interaction_required ConsentRefused                 ReauthRequired(why, from the AADSTS number)
    an administrator must consent       ConsentRefused                 ReauthRequired(token_revoked)
                                          (admin_consent_required)
    it does not know this client        Misconfigured                  Misconfigured
    429, a request loop                 RateLimited                    RateLimited
    5xx, a passing failure, or nothing  Transient                      Transient
    a code nobody has heard of          InvalidRequest                 AuthExpired: dead, once said for an hour

The one rule: every refresh brings a new refresh token, and it is the caller who must keep it before anything is done
with the access token beside it. The old one stays good, so that a lost answer loses nothing.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import WebApplicationClient

from app.calendar import Clock, Identity
from app.http import Answer, HttpClient
from app.providers.base import (
    AuthExpired,
    ConsentRefused,
    Grant,
    InvalidRequest,
    Misconfigured,
    ProviderError,
    RateLimited,
    ReauthRequired,
    Transient,
)
from app.providers.calls import provider_call
from app.providers.graph.refusals import refusal
from app.providers.rest import Call, RestSession, deliver, failed, request_id, retry_after, unreadable

CALENDARS = "Calendars.ReadWrite"
SHARED_CALENDARS = "Calendars.ReadWrite.Shared"
MAILBOX_SETTINGS = "MailboxSettings.Read"
USER = "User.Read"
OFFLINE = "offline_access"
SCOPES = ("openid", "profile", "email", OFFLINE, USER, CALENDARS, SHARED_CALENDARS, MAILBOX_SETTINGS)
"""What we ask for. Without the settings the mailbox's zone is taken for UTC."""

_INDISPENSABLE = frozenset({CALENDARS, USER})
_CANONICAL = {scope.lower(): scope for scope in SCOPES}
_KINDS: Mapping[str, type[ProviderError]] = {
    **dict.fromkeys(("invalid_grant", "interaction_required", "consent_required", "login_required"), ReauthRequired),
    **dict.fromkeys(("invalid_client", "unauthorized_client", "invalid_resource"), Misconfigured),
    **dict.fromkeys(("server_error", "temporarily_unavailable"), Transient),
    **dict.fromkeys(("", "invalid_request", "invalid_scope", "unsupported_grant_type"), InvalidRequest),
    "slow_down": RateLimited,
}
"""What the token endpoint's own codes mean."""
_EXCEPTIONS: Mapping[int, type[ProviderError]] = {
    50196: RateLimited,  # the same request too often in a row; told as invalid_grant, and passes
    90033: Transient,
    90024: Transient,
    **dict.fromkeys((500011, 500014, 650052, 700016, 7000215, 7000222), Misconfigured),
    7000112: ReauthRequired,  # told as unauthorized_client: an administrator has disabled us in their tenant
}
"""AADSTS numbers that mean something else than the code they come with."""
_REVOKED, _EXPIRED, _PASSWORD = "token_revoked", "token_expired", "password_changed"
_REASONS = {
    **dict.fromkeys((50055, 50133, 50142, 50144), _PASSWORD),
    **dict.fromkeys((50078, 50089, 50132, 70008, 70043, 700081, 700082, 700084), _EXPIRED),
    **dict.fromkeys((50074, 50076, 50079, 50158), _EXPIRED),  # a second factor is asked for: sign in again
}
"""Why a grant is dead, as far as the numbers tell; any other was taken away."""
_ADMIN_CONSENT = frozenset({65001, 65006, 90093, 90094, 90095})
ADMIN_CONSENT = "admin_consent_required"
"""The `provider_code` of a consent that only the tenant's administrator can give."""
_NUMBER = re.compile(r"AADSTS(\d+)")
_NO_CLIENT = "no_client"
_TOO_MANY_REQUESTS = 429
_FAILED = 500
_OK = 200


@dataclass(frozen=True, slots=True)
class Office365Settings:
    """Our registration at Microsoft, and where Microsoft is."""

    client_id: str
    client_secret: str = field(repr=False)
    authority_url: str
    """The login server with the tenant: `https://login.microsoftonline.com/common`."""
    api_url: str
    """Graph with its version: `https://graph.microsoft.com/v1.0`."""
    horizon_days: int
    """How far ahead changes must be seen; Graph tells them of a fixed window only."""


class _Me(msgspec.Struct, rename="camel"):
    id: str
    user_principal_name: str
    mail: str | None = None


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int
    refresh_token: str | None = None
    scope: str | None = None


class _OAuthRefusal(msgspec.Struct):
    error: str
    error_description: str | None = None
    error_codes: tuple[int, ...] = ()

    def number(self) -> int:
        """The AADSTS number; 0 when there is none."""
        found = _NUMBER.match(self.error_description or "")
        return self.error_codes[0] if self.error_codes else int(found[1]) if found else 0


_ME = msgspec.json.Decoder(_Me)
_TOKEN = msgspec.json.Decoder(_Token)
_REFUSAL = msgspec.json.Decoder(_OAuthRefusal)


class Office365OAuth:
    """The `SupportsOAuth` half of the provider."""

    def __init__(self, settings: Office365Settings, http: HttpClient, *, clock: Clock) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock

    @property
    def offered(self) -> bool:
        """Whether we are registered there."""
        return bool(self._settings.client_id)

    def missing_scopes(self, granted: frozenset[str]) -> frozenset[str]:
        """Of the indispensable scopes, those that were not granted."""
        return _INDISPENSABLE - _canonical(granted)

    def can_write(self, granted: frozenset[str]) -> bool:
        """Whether events may be created and changed."""
        return CALENDARS in _canonical(granted)

    def can_make_calendars(self, granted: frozenset[str]) -> bool:
        """Whether calendars may be made: the same scope."""
        return self.can_write(granted)

    def authorization_url(self, *, state: str, code_challenge: str, redirect_uri: str, login_hint: str | None) -> str:
        """The consent page; `select_account`, because browsers are signed in to several accounts at once."""
        parameters = [
            ("response_type", "code"),
            ("response_mode", "query"),
            ("client_id", self._settings.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", " ".join(SCOPES)),
            ("state", state),
            ("code_challenge", code_challenge),
            ("code_challenge_method", "S256"),
            ("prompt", "select_account"),
        ]
        if login_hint is not None:
            parameters.append(("login_hint", login_hint))
        # Not `prepare_request_uri`: it refuses plain HTTP, which is how a simulated Microsoft is reached.
        return str(add_params_to_uri(self._endpoint("authorize"), parameters))

    async def exchange_code(self, code: str, *, code_verifier: str, redirect_uri: str) -> Grant:
        """The grant for a code; the code is spent, whatever comes of it."""
        form = self._client().prepare_request_body(
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
            client_secret=self._settings.client_secret,
        )
        return await self._grant("office365.exchange_code", form, dead=ConsentRefused)

    async def refresh(self, refresh_token: str) -> Grant:
        """A new access token, and a new refresh token with it.

        No scope is named: naming one that was never consented to would fail a grant that is good.
        """
        form = self._client().prepare_refresh_body(
            refresh_token=refresh_token,
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
        )
        return await self._grant("office365.refresh", form, dead=ReauthRequired)

    async def revoke(self, token: str) -> None:
        """Nothing to do: Microsoft has no way to end one app's grant without signing the person out everywhere."""

    async def identify(self, access_token: str) -> Identity:
        """The account's stable id and address. Raises: AuthExpired for a token that is not good.

        The id is the object id of a work account, which no other account of any tenant has, or a personal account's.
        """
        call = Call(
            "office365.identify",
            "GET",
            f"{self._settings.api_url.rstrip('/')}/me",
            {"$select": "id,mail,userPrincipalName"},
        )
        rest = RestSession(
            self._http, _OneToken(access_token), refusal=refusal, clock=self._clock, slots=asyncio.Semaphore(1)
        )
        me = await rest.fetch(call, _ME.decode)
        names = frozenset({me.user_principal_name, *([me.mail] if me.mail else [])})
        return Identity(subject=me.id, email=me.mail or me.user_principal_name, aliases=names)

    def refused(self, error: str, description: str | None) -> ConsentRefused:
        """What Microsoft said on the way back: its number stands in the description."""
        found = _NUMBER.search(description or "")
        number = int(found.group(1)) if found else 0
        code = _provider_code(ConsentRefused, error, number) if number in _ADMIN_CONSENT else error
        return ConsentRefused(operation="office365.authorize", provider_code=code)

    async def _grant(self, operation: str, form: str, *, dead: type[ProviderError]) -> Grant:
        call = Call(operation, "POST", self._endpoint("token"))
        if not self.offered:
            raise Misconfigured(f"{operation}: no client", operation=operation, provider_code=_NO_CLIENT)
        asked_at = self._clock()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        with provider_call(operation):
            answer = await deliver(self._http, call, headers=headers, content=form.encode())
            if answer.status != _OK:
                raise self._refused(call, answer, dead=dead)
        try:
            # Not oauthlib's parser: it falls over what is no token, and takes other scopes than asked for as an error.
            token = _TOKEN.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(call, answer) from error
        return Grant(
            access_token=token.access_token,
            expires_at=asked_at + timedelta(seconds=token.expires_in),
            refresh_token=token.refresh_token,
            scopes=_canonical(SCOPES if token.scope is None else token.scope.split()),  # RFC 6749, 5.1
        )

    def _refused(self, call: Call, answer: Answer, *, dead: type[ProviderError]) -> ProviderError:
        wait = retry_after(answer.headers, self._clock())
        if answer.status >= _FAILED:
            return failed(call, answer, wait)
        try:
            said = _REFUSAL.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = _OAuthRefusal(error="")
        number = said.number()
        unheard_of = AuthExpired if dead is ReauthRequired else InvalidRequest
        kind = _EXCEPTIONS.get(number) or _KINDS.get(said.error, unheard_of)
        if answer.status == _TOO_MANY_REQUESTS:
            kind = RateLimited
        if kind is ReauthRequired:
            kind = dead
        return kind(
            f"{call.operation}: HTTP {answer.status} {said.error} {number or ''}".rstrip(),
            operation=call.operation,
            retry_after=wait,
            provider_code=_provider_code(kind, said.error, number),
            request_id=request_id(answer),
        )

    def _endpoint(self, name: str) -> str:
        return f"{self._settings.authority_url.rstrip('/')}/oauth2/v2.0/{name}"

    def _client(self) -> WebApplicationClient:
        return WebApplicationClient(self._settings.client_id)


class _OneToken:
    """A token that nothing stands behind yet."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renew(self, rejected: str) -> str:  # noqa: ARG002 - there is no other
        raise AuthExpired("the token just granted was refused", operation="office365.identify")


def _provider_code(kind: type[ProviderError], error: str, number: int) -> str | None:
    if kind is ReauthRequired:
        return _REASONS.get(number, _REVOKED)
    if kind is ConsentRefused and number in _ADMIN_CONSENT:
        return ADMIN_CONSENT
    return f"AADSTS{number}" if number else error or None


def _canonical(scopes: Iterable[str]) -> frozenset[str]:
    """Scopes as we spell them: Microsoft answers in other cases, and with the resource's address before them."""
    names = (scope.rpartition("/")[2] for scope in scopes)
    return frozenset(_CANONICAL.get(name.lower(), name) for name in names)
