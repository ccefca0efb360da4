"""Who allowed whom to do what: OAuth clients, codes, grants and tokens. No HTTP.

The one rule: a grant is per client and account, and its death takes every token issued under it along.
https://developers.google.com/identity/protocols/oauth2/web-server
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sandbox.clock import Clock
from sandbox.google.errors import OAuthError
from sandbox.google.knobs import Knobs

CODE_LIFETIME = timedelta(minutes=10)
UNUSED_REFRESH_TOKEN_LIFETIME = timedelta(days=182)
SANDBOX_CLIENT_ID = "sandbox-google-client"
SANDBOX_CLIENT_SECRET = "sandbox-google-secret"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass
class Client:
    id: str
    secret: str
    redirect_uris: set[str] = field(default_factory=set)

    def allows(self, redirect_uri: str) -> bool:
        """Registered addresses match exactly; any http address of this machine is taken for convenience."""
        parts = urlsplit(redirect_uri)
        loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK and not parts.fragment
        return redirect_uri in self.redirect_uris or loopback


@dataclass
class RefreshToken:
    value: str
    scopes: frozenset[str]
    issued_at: datetime
    used_at: datetime


@dataclass
class Grant:
    """What one account allowed one client, at all its consents. A token has the scopes of its own consent only."""

    account: str
    client_id: str
    scopes: set[str] = field(default_factory=set)
    refresh_tokens: list[RefreshToken] = field(default_factory=list)
    revoked: bool = False


@dataclass
class AccessToken:
    grant: Grant
    scopes: frozenset[str]
    expires_at: datetime
    offline: bool


@dataclass(frozen=True)
class CodeTerms:
    """What was agreed on the consent screen, and how the code may be redeemed."""

    redirect_uri: str
    scopes: frozenset[str]
    offline: bool
    challenge: str | None = None
    challenge_method: str = "plain"
    nonce: str | None = None


@dataclass
class Code:
    grant: Grant
    terms: CodeTerms
    expires_at: datetime
    redeemed: bool = False


@dataclass(frozen=True)
class Issued:
    """What a token request yields."""

    access_token: str
    lifetime: timedelta
    scopes: frozenset[str]
    grant: Grant
    refresh_token: str | None = None
    nonce: str | None = None


class Grants:
    def __init__(self, clock: Clock, knobs: Knobs) -> None:
        self._clock = clock
        self._knobs = knobs
        self.clients = {SANDBOX_CLIENT_ID: Client(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET)}
        self._grants: list[Grant] = []
        self._codes: dict[str, Code] = {}
        self._access: dict[str, AccessToken] = {}

    # consent ------------------------------------------------------------------------------

    def find(self, account: str, client_id: str) -> Grant | None:
        """The living grant of an account to a client."""
        for grant in self._grants:
            if grant.account == account and grant.client_id == client_id and not grant.revoked:
                return grant
        return None

    def consent(self, account: str, client_id: str, terms: CodeTerms, *, consented: bool, include_granted: bool) -> str:
        """Record what a person allowed; returns a code. A refresh token comes with the first consent or a new one.

        `include_granted`: the code, and what it is redeemed for, also has the scopes of the consents before.
        """
        grant = self.find(account, client_id)
        first = grant is None
        if grant is None:
            grant = Grant(account, client_id)
            self._grants.append(grant)
        scopes = terms.scopes | grant.scopes if include_granted else terms.scopes
        grant.scopes |= terms.scopes
        offline = terms.offline and (first or consented)
        final = CodeTerms(
            terms.redirect_uri, frozenset(scopes), offline, terms.challenge, terms.challenge_method, terms.nonce
        )
        value = f"4/0A{secrets.token_urlsafe(48)}"
        self._codes[value] = Code(grant, final, self._clock.now() + CODE_LIFETIME)
        return value

    # tokens -------------------------------------------------------------------------------

    def authenticate(self, client_id: str, client_secret: str) -> Client:
        client = self.clients.get(client_id)
        if client is None:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if not hmac.compare_digest(client.secret.encode(), client_secret.encode()):
            raise OAuthError("invalid_client", "Unauthorized", 401)
        return client

    def redeem(self, client: Client, code_value: str, redirect_uri: str, verifier: str | None) -> Issued:
        """Exchange a code. A second use is taken for theft: it kills what the first one got."""
        code = self._codes.get(code_value)
        if code is None or code.grant.client_id != client.id:
            raise OAuthError("invalid_grant", "Malformed auth code.")
        if code.redeemed:
            self._kill(code.grant)
            raise OAuthError("invalid_grant", "Bad Request")
        if code.expires_at <= self._clock.now() or code.grant.revoked:
            raise OAuthError("invalid_grant", "Bad Request")
        if code.terms.redirect_uri != redirect_uri:
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        _check_verifier(code.terms, verifier)
        code.redeemed = True
        refresh = self._new_refresh_token(code.grant, code.terms.scopes) if code.terms.offline else None
        return self._issue(code.grant, code.terms.scopes, refresh_token=refresh, nonce=code.terms.nonce)

    def refresh(self, client: Client, value: str, scopes: Iterable[str] | None = None) -> Issued:
        now = self._clock.now()
        for grant in self._grants:
            for token in grant.refresh_tokens:
                if token.value != value or grant.client_id != client.id:
                    continue
                if grant.revoked or self._is_dead(token, now):
                    raise OAuthError("invalid_grant", "Token has been expired or revoked.")
                token.used_at = now
                wanted = frozenset(scopes or token.scopes)
                if not wanted <= token.scopes:
                    raise OAuthError("invalid_scope", "Some requested scopes were invalid.")
                return self._issue(grant, wanted)
        raise OAuthError("invalid_grant", "Token has been expired or revoked.")

    def _is_dead(self, token: RefreshToken, now: datetime) -> bool:
        lifetime = self._knobs.refresh_token_lifetime
        unused = now - token.used_at > UNUSED_REFRESH_TOKEN_LIFETIME
        return unused or (lifetime is not None and now - token.issued_at > lifetime)

    def _new_refresh_token(self, grant: Grant, scopes: frozenset[str]) -> str:
        now = self._clock.now()
        token = RefreshToken(f"1//0{secrets.token_urlsafe(48)}", scopes, now, now)
        # Past the cap the oldest dies without a word.
        grant.refresh_tokens = [*grant.refresh_tokens, token][-self._knobs.refresh_token_cap :]
        return token.value

    def _issue(
        self,
        grant: Grant,
        scopes: frozenset[str],
        *,
        refresh_token: str | None = None,
        nonce: str | None = None,
    ) -> Issued:
        value = f"ya29.{secrets.token_urlsafe(64)}"
        lifetime = self._knobs.access_token_lifetime
        offline = bool(grant.refresh_tokens)
        self._access[value] = AccessToken(grant, scopes, self._clock.now() + lifetime, offline)
        return Issued(value, lifetime, scopes, grant, refresh_token, nonce)

    def find_access(self, value: str) -> AccessToken | None:
        """The token if it still opens anything."""
        token = self._access.get(value)
        if token is None or token.grant.revoked or token.expires_at <= self._clock.now():
            return None
        return token

    def owner_of(self, value: str) -> str | None:
        """Whose access or refresh token this is or was; for logs."""
        if value in self._access:
            return self._access[value].grant.account
        for grant in self._grants:
            if any(token.value == value for token in grant.refresh_tokens):
                return grant.account
        return self._codes[value].grant.account if value in self._codes else None

    # the end ------------------------------------------------------------------------------

    def revoke(self, value: str) -> bool:
        """Revoking either kind of token ends the whole grant. False for a token that means nothing any more."""
        token = self._access.get(value)
        grants = [token.grant] if token else []
        grants += [grant for grant in self._grants if any(item.value == value for item in grant.refresh_tokens)]
        living = [grant for grant in grants if not grant.revoked]
        for grant in living:
            self._kill(grant)
        return bool(living)

    def revoke_account(self, account: str) -> int:
        """The person removes the app's access in their settings. Returns how many grants ended."""
        living = [grant for grant in self._grants if grant.account == account and not grant.revoked]
        for grant in living:
            self._kill(grant)
        return len(living)

    def expire_access_tokens(self, account: str | None = None) -> int:
        tokens = [token for token in self._access.values() if account in {None, token.grant.account}]
        for token in tokens:
            token.expires_at = self._clock.now()
        return len(tokens)

    def _kill(self, grant: Grant) -> None:
        grant.revoked = True
        grant.scopes.clear()


def _check_verifier(terms: CodeTerms, verifier: str | None) -> None:
    """RFC 7636."""
    if terms.challenge is None:
        return
    if not verifier:
        raise OAuthError("invalid_grant", "Missing code verifier.")
    derived = verifier
    if terms.challenge_method == "S256":
        derived = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(derived, terms.challenge):
        raise OAuthError("invalid_grant", "Invalid code verifier.")
