"""Google's OAuth: the consent page, the token endpoint, revoking, and whose account it is.

    the token endpoint says          exchange            refresh
    invalid_grant, access_denied     ConsentRefused      ReauthRequired(token_revoked)
    it does not know this client     Misconfigured       Misconfigured
    429, rate_limit_exceeded         RateLimited         RateLimited
    5xx, or nothing                  Transient           Transient
    a code nobody has heard of       InvalidRequest      AuthExpired: dead, once it was said for an hour

The one rule: what was granted is what the token answer says, never what was asked for (people untick scopes).
https://developers.google.com/identity/protocols/oauth2/web-server
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

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
from app.providers.google.refusals import refusal
from app.providers.rest import Call, RestSession, deliver, failed, retry_after, unreadable

_AUTH = "https://www.googleapis.com/auth"
CALENDAR = f"{_AUTH}/calendar"
EVENTS = f"{_AUTH}/calendar.events"
CALENDAR_LIST = f"{_AUTH}/calendar.calendarlist.readonly"
FREE_BUSY = f"{_AUTH}/calendar.freebusy"
OWN_CALENDARS = f"{_AUTH}/calendar.app.created"
SCOPES = ("openid", "email", EVENTS, CALENDAR_LIST, FREE_BUSY, OWN_CALENDARS)
"""What we ask for. Without `FREE_BUSY` the session reads busy time from the events instead; without `OWN_CALENDARS`,
the narrowest that lets us make a calendar, `create_calendar` raises PermissionDenied."""

_SUFFICIENT = {
    EVENTS: frozenset({EVENTS, CALENDAR}),
    CALENDAR_LIST: frozenset({CALENDAR_LIST, CALENDAR, f"{_AUTH}/calendar.calendarlist", f"{_AUTH}/calendar.readonly"}),
}
"""What we cannot do without, and the scopes that give it."""
_KINDS: Mapping[str, type[ProviderError]] = {
    **dict.fromkeys(("invalid_grant", "admin_policy_enforced", "access_denied"), ReauthRequired),
    **dict.fromkeys(("invalid_client", "unauthorized_client", "deleted_client", "disabled_client"), Misconfigured),
    **dict.fromkeys(("redirect_uri_mismatch", "org_internal"), Misconfigured),
    **dict.fromkeys(("", "invalid_request", "invalid_scope", "unsupported_grant_type"), InvalidRequest),
    **dict.fromkeys(("rate_limit_exceeded", "slow_down"), RateLimited),
    **dict.fromkeys(("server_error", "temporarily_unavailable", "internal_failure"), Transient),
}
"""What the token endpoint's own codes mean. `access_denied` on a refresh: "Account restricted", by an administrator."""
_DEAD = "token_revoked"
"""Google does not tell revoked from expired, from unused for six months, from pushed out by newer grants."""
_NO_CLIENT = "no_client"
_TOO_MANY_REQUESTS = 429
_FAILED = 500
_OK = 200
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class GoogleSettings:
    """Our registration at Google, and where Google is."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_url: str
    token_url: str
    revoke_url: str
    userinfo_url: str
    api_url: str


class _Userinfo(msgspec.Struct):
    sub: str
    email: str


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int = 3600
    """Seconds. RFC 6749, 5.1 only recommends to say it; an hour is what Google's last."""
    refresh_token: str | None = None
    scope: str | None = None


class _OAuthRefusal(msgspec.Struct):
    error: str


_USERINFO = msgspec.json.Decoder(_Userinfo)
_TOKEN = msgspec.json.Decoder(_Token)
_REFUSAL = msgspec.json.Decoder(_OAuthRefusal)


class GoogleOAuth:
    """The `SupportsOAuth` half of the provider."""

    def __init__(self, settings: GoogleSettings, http: HttpClient, *, clock: Clock) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock

    @property
    def offered(self) -> bool:
        """Whether we are registered there."""
        return bool(self._settings.client_id)

    def missing_scopes(self, granted: frozenset[str]) -> frozenset[str]:
        """Of the indispensable scopes, those that nothing granted gives."""
        return frozenset(scope for scope, sufficient in _SUFFICIENT.items() if not granted & sufficient)

    def can_write(self, granted: frozenset[str]) -> bool:
        """Whether events may be created and changed."""
        return bool(granted & _SUFFICIENT[EVENTS])

    def can_make_calendars(self, granted: frozenset[str]) -> bool:
        """Whether calendars may be made; connections from before we asked for it may not."""
        return bool(granted & {OWN_CALENDARS, CALENDAR, f"{_AUTH}/calendar.calendars"})

    def authorization_url(self, *, state: str, code_challenge: str, redirect_uri: str, login_hint: str | None) -> str:
        """The consent page. `consent` is what makes Google give a refresh token every time."""
        parameters = [
            ("response_type", "code"),
            ("client_id", self._settings.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", " ".join(SCOPES)),
            ("state", state),
            ("code_challenge", code_challenge),
            ("code_challenge_method", "S256"),
            ("access_type", "offline"),
            ("prompt", "consent select_account"),
            ("include_granted_scopes", "true"),
        ]
        if login_hint is not None:
            parameters.append(("login_hint", login_hint))
        # Not `prepare_request_uri`: it refuses plain HTTP, which is how a simulated Google is reached.
        return str(add_params_to_uri(self._settings.auth_url, parameters))

    async def exchange_code(self, code: str, *, code_verifier: str, redirect_uri: str) -> Grant:
        """The grant for a code; the code is spent, whatever comes of it."""
        form = self._client().prepare_request_body(
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
            client_secret=self._settings.client_secret,
        )
        return await self._grant("google.exchange_code", form, dead=ConsentRefused)

    async def refresh(self, refresh_token: str) -> Grant:
        """A new access token; Google keeps the refresh token."""
        form = self._client().prepare_refresh_body(
            refresh_token=refresh_token,
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
        )
        return await self._grant("google.refresh", form, dead=ReauthRequired)

    async def revoke(self, token: str) -> None:
        """End the whole grant; 400 says that there is none any more."""
        call = Call("google.revoke", "POST", self._settings.revoke_url)
        with provider_call(call.operation):
            answer = await self._post(call, urlencode({"token": token}))
            if answer.status in (_OK, _BAD_REQUEST):
                return
            raise self._refused(call, answer, dead=ReauthRequired)

    def refused(self, error: str, description: str | None) -> ConsentRefused:  # noqa: ARG002 - the protocol's
        """What Google said on the way back. `admin_policy_enforced`: the organisation has not allowed us."""
        code = "admin_consent_required" if error in {"admin_policy_enforced", "org_internal"} else error
        return ConsentRefused(operation="google.authorize", provider_code=code)

    async def identify(self, access_token: str) -> Identity:
        """The account's stable id and address. Raises: AuthExpired for a token that is not good."""
        call = Call("google.identify", "GET", self._settings.userinfo_url)
        rest = RestSession(
            self._http, _OneToken(access_token), refusal=refusal, clock=self._clock, slots=asyncio.Semaphore(1)
        )
        info = await rest.fetch(call, _USERINFO.decode)
        return Identity(subject=info.sub, email=info.email)

    async def _grant(self, operation: str, form: str, *, dead: type[ProviderError]) -> Grant:
        call = Call(operation, "POST", self._settings.token_url)
        if not self.offered:
            raise Misconfigured(f"{operation}: no client", operation=operation, provider_code=_NO_CLIENT)
        asked_at = self._clock()
        with provider_call(operation):
            answer = await self._post(call, form)
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
            scopes=frozenset(SCOPES if token.scope is None else token.scope.split()),  # RFC 6749, 5.1
        )

    async def _post(self, call: Call, form: str) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return await deliver(self._http, call, headers=headers, content=form.encode())

    def _refused(self, call: Call, answer: Answer, *, dead: type[ProviderError]) -> ProviderError:
        wait = retry_after(answer.headers, self._clock())
        if answer.status >= _FAILED:
            return failed(call, answer, wait)
        try:
            code = _REFUSAL.decode(answer.content).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            code = ""
        unheard_of = AuthExpired if dead is ReauthRequired else InvalidRequest
        kind = RateLimited if answer.status == _TOO_MANY_REQUESTS else _KINDS.get(code, unheard_of)
        if kind is ReauthRequired:
            kind = dead
        return kind(
            f"{call.operation}: HTTP {answer.status} {code}".rstrip(),
            operation=call.operation,
            retry_after=wait,
            provider_code=_DEAD if kind is ReauthRequired else code or None,
        )

    def _client(self) -> WebApplicationClient:
        return WebApplicationClient(self._settings.client_id)


class _OneToken:
    """A token that nothing stands behind yet."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renew(self, rejected: str) -> str:  # noqa: ARG002 - there is no other
        raise AuthExpired("the token just granted was refused", operation="google.identify")
