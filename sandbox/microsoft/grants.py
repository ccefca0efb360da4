"""Who allowed whom to do what: app registrations, codes, grants and tokens. No HTTP.

The one rule: a refresh token is replaced at every use and the one before it lives on, unless a knob says otherwise.
https://learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from sandbox.clock import Clock
from sandbox.microsoft import aadsts
from sandbox.microsoft.knobs import Knobs

CODE_LIFETIME = timedelta(minutes=10)
SANDBOX_CLIENT_ID = "5a9d0c1e-5a4d-4b0c-9f3e-5a4db0c9f3e1"
SANDBOX_CLIENT_SECRET = "sandbox-microsoft-secret"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

# What became of a grant without the client's doing; each has its own refusal.
Trouble = Literal["revoked", "consent_removed", "mfa", "disabled"]


@dataclass
class Client:
    """An app registration."""

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
    replaced: bool = False
    revoked: bool = False


@dataclass
class Grant:
    """What one account allowed one app."""

    account: str
    client_id: str
    scopes: set[str] = field(default_factory=set)
    refresh_tokens: list[RefreshToken] = field(default_factory=list)
    trouble: Trouble | None = None

    @property
    def over(self) -> bool:
        return self.trouble in {"revoked", "consent_removed", "disabled"}


@dataclass
class AccessToken:
    """With a `tenant` it is an app's own, without a person; its grant then names no account."""

    grant: Grant
    scopes: frozenset[str]
    expires_at: datetime
    tenant: str | None = None


@dataclass(frozen=True)
class CodeTerms:
    """What was agreed on the consent page, and how the code may be redeemed."""

    redirect_uri: str
    scopes: frozenset[str]
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
            if grant.account == account and grant.client_id == client_id and not grant.over:
                return grant
        return None

    def consent(self, account: str, client_id: str, terms: CodeTerms) -> str:
        """Record what a person allowed; returns a code."""
        grant = self.find(account, client_id)
        if grant is None:
            grant = Grant(account, client_id)
            self._grants.append(grant)
        grant.scopes |= terms.scopes
        grant.trouble = None  # the person has just signed in by all rules
        value = f"0.AS{secrets.token_urlsafe(64)}"
        self._codes[value] = Code(grant, terms, self._clock.now() + CODE_LIFETIME)
        return value

    # tokens -------------------------------------------------------------------------------

    def authenticate(self, client_id: str, client_secret: str) -> Client:
        client = self.clients.get(client_id)
        if client is None:
            raise aadsts.unknown_client(client_id)
        if not client_secret:
            raise aadsts.no_secret()
        if not hmac.compare_digest(client.secret.encode(), client_secret.encode()):
            raise aadsts.bad_secret(client_id)
        return client

    def redeem(self, client: Client, code_value: str, redirect_uri: str, verifier: str | None) -> Issued:
        """Exchange a code, once."""
        code = self._codes.get(code_value)
        if code is None or code.grant.client_id != client.id:
            raise aadsts.malformed_code()
        if code.redeemed:
            raise aadsts.redeemed_code()
        if code.expires_at <= self._clock.now():
            raise aadsts.expired_code()
        if code.terms.redirect_uri != redirect_uri:
            raise aadsts.other_reply_address()
        _check_verifier(code.terms, verifier)
        self._check(code.grant)
        code.redeemed = True
        return self._issue(code.grant, code.terms.scopes, nonce=code.terms.nonce)

    def refresh(self, client: Client, value: str, scopes: frozenset[str]) -> Issued:
        """New tokens for an old refresh token; `scopes` may ask for less, or for more of what was consented."""
        now = self._clock.now()
        found = self._find_refresh_token(client, value)
        if found is None:
            raise aadsts.bad_refresh_token()
        grant, token = found
        self._check(grant)
        if token.revoked:
            raise aadsts.revoked()
        if token.replaced and self._knobs.revoke_old_refresh_tokens:
            raise aadsts.revoked()
        if now - token.used_at > self._knobs.refresh_token_lifetime:
            raise aadsts.inactive(token.issued_at, self._knobs.refresh_token_lifetime.days)
        wanted = scopes or token.scopes
        if not wanted <= grant.scopes:
            raise aadsts.not_consented(client.id, "invalid_grant")
        token.used_at = now
        token.replaced = True
        return self._issue(grant, wanted | (token.scopes & {"offline_access"}))

    def _find_refresh_token(self, client: Client, value: str) -> tuple[Grant, RefreshToken] | None:
        for grant in self._grants:
            for token in grant.refresh_tokens:
                if token.value == value and grant.client_id == client.id:
                    return grant, token
        return None

    def _check(self, grant: Grant) -> None:
        if grant.trouble == "revoked":
            raise aadsts.revoked()
        if grant.trouble == "consent_removed":
            raise aadsts.not_consented(grant.client_id, "invalid_grant")
        if grant.trouble == "mfa":
            raise aadsts.mfa_needed()
        if grant.trouble == "disabled":
            raise aadsts.disabled()

    def _issue(self, grant: Grant, scopes: frozenset[str], *, nonce: str | None = None) -> Issued:
        now, lifetime = self._clock.now(), self._knobs.access_token_lifetime
        value = f"EwB{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(64)}"
        self._access[value] = AccessToken(grant, scopes, now + lifetime)
        refresh = None
        if "offline_access" in scopes:
            refresh = f"0.AR{secrets.token_urlsafe(64)}"
            grant.refresh_tokens.append(RefreshToken(refresh, scopes, now, now))
        return Issued(value, lifetime, scopes, grant, refresh, nonce)

    def issue_to_app(self, client: Client, tenant: str, scopes: frozenset[str]) -> Issued:
        """A token of the app itself, for the mailboxes of a tenant."""
        issued = self._issue(Grant("", client.id), scopes)
        self._access[issued.access_token].tenant = tenant
        return issued

    def find_access(self, value: str) -> AccessToken | None:
        """The token, alive or not."""
        return self._access.get(value)

    def is_alive(self, token: AccessToken) -> bool:
        return not token.grant.over and token.expires_at > self._clock.now()

    def owner_of(self, value: str) -> str | None:
        """Whose access or refresh token or code this is or was; for logs."""
        if value in self._access:
            return self._access[value].grant.account or None
        for grant in self._grants:
            if any(token.value == value for token in grant.refresh_tokens):
                return grant.account
        return self._codes[value].grant.account if value in self._codes else None

    # the end ------------------------------------------------------------------------------

    def trouble_account(self, account: str, trouble: Trouble | None) -> int:
        """Something befell the grants of an account (None: it is over). Returns how many grants it concerns."""
        concerned = [grant for grant in self._grants if grant.account == account]
        for grant in concerned:
            grant.trouble = trouble
            if trouble == "consent_removed":
                grant.scopes.clear()
        return len(concerned)

    def revoke_refresh_tokens(self, account: str) -> None:
        """Everywhere a person is signed in, they must sign in again; access tokens live on for their hour."""
        for grant in self._grants:
            for token in grant.refresh_tokens if grant.account == account else ():
                token.revoked = True

    def expire_access_tokens(self, account: str | None = None) -> int:
        tokens = [token for token in self._access.values() if account in {None, token.grant.account}]
        for token in tokens:
            token.expires_at = self._clock.now()
        return len(tokens)

    def refresh_token_count(self, account: str) -> int:
        """How many refresh tokens an account's grants have given out; for tests of rotation."""
        return sum(len(grant.refresh_tokens) for grant in self._grants if grant.account == account)


def _check_verifier(terms: CodeTerms, verifier: str | None) -> None:
    """RFC 7636."""
    if terms.challenge is None:
        return
    derived = verifier or ""
    if terms.challenge_method == "S256":
        derived = base64.urlsafe_b64encode(hashlib.sha256(derived.encode()).digest()).rstrip(b"=").decode()
    if not verifier or not hmac.compare_digest(derived, terms.challenge):
        raise aadsts.bad_verifier()
