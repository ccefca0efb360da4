"""Microsoft's sign-in by its documentation: the authorization code flow with PKCE, tokens that rotate, AADSTS errors.

The one rule: a grant is good for what the person allowed, and for nothing that was only asked for.
"""

import base64
import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.providers.another.graph.wire import Asked, Said

CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
CLIENT_SECRET = "qWgdYAmab0Yzkf+h2/=&%"
_GRAPH = "https://graph.microsoft.com/"
_SIGNING_IN = frozenset({"openid", "profile", "email", "offline_access"})
_ASKED = {"client_id", "response_type", "redirect_uri", "scope", "response_mode", "state", "prompt", "login_hint"} | {
    *("domain_hint", "code_challenge", "code_challenge_method", "nonce", "claims")
}
_CODE = {"client_id", "scope", "code", "redirect_uri", "grant_type", "code_verifier", "client_secret"}
_REFRESH = {"client_id", "scope", "refresh_token", "grant_type", "client_secret"}


@dataclass
class Consent:
    """What one person allowed."""

    scopes: frozenset[str]
    redirect_uri: str
    challenge: str


class SignIn:
    """The `/oauth2/v2.0/` of one tenant."""

    def __init__(self, die: Random) -> None:
        self._die = die
        self.access: dict[str, frozenset[str]] = {}
        """Good access tokens, and what for."""
        self.refresh: dict[str, frozenset[str]] = {}
        self._codes: dict[str, Consent] = {}
        self._made = 0
        self.dead: int | None = None
        """The AADSTS number with which a refresh is refused."""

    def consent(self, url: str, *, unticked: frozenset[str] = frozenset()) -> dict[str, str]:
        """The person says yes on the consent page; what the browser brings back."""
        pairs = parse_qsl(urlsplit(url).query, strict_parsing=True)
        asked = dict(pairs)
        assert len(asked) == len(pairs), "each parameter once"
        assert set(asked) <= _ASKED, set(asked) - _ASKED
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked.get("response_mode", "query") == "query"
        assert asked.get("prompt", "login") in {"login", "none", "consent", "select_account", "admin"}
        assert asked["code_challenge_method"] == "S256"
        scopes = frozenset(asked["scope"].split(" "))
        code = self._opaque("0.AAAA/+")
        self._codes[code] = Consent(scopes - unticked, asked["redirect_uri"], asked["code_challenge"])
        return {"code": code, "state": asked["state"], "session_state": "39b4ce4c"}

    def token(self, asked: Asked) -> Said:
        """The token endpoint."""
        if asked.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            return self._no(900144, "invalid_request")
        pairs = parse_qsl(asked.body.decode(), strict_parsing=True, keep_blank_values=True)
        form = dict(pairs)
        kind = form.get("grant_type")
        if len(form) != len(pairs) or set(form) - (_CODE if kind == "authorization_code" else _REFRESH):
            return self._no(9002313, "invalid_request")
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return self._no(7000215, "invalid_client", 401)
        return self._first(form) if kind == "authorization_code" else self._again(form)

    def _first(self, form: dict[str, str]) -> Said:
        consent = self._codes.pop(form["code"], None)
        verified = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if consent is None or consent.redirect_uri != form["redirect_uri"]:
            return self._no(54005, "invalid_grant")
        if verified.decode() != consent.challenge:
            return self._no(501481, "invalid_grant")
        return Said(200, self._granted(consent.scopes))

    def _again(self, form: dict[str, str]) -> Said:
        scopes = self.refresh.get(form["refresh_token"])
        if self.dead or scopes is None:
            return self._no(self.dead or 9002313, "invalid_grant")
        return Said(200, self._granted(scopes), {"Cache-Control": "no-store"})

    def _granted(self, scopes: frozenset[str]) -> dict[str, Any]:
        access = self._opaque("EwB4A8l6BAAU/=+.")
        self.access[access] = scopes
        told = [scope if scope in _SIGNING_IN else f"{_GRAPH}{scope}" for scope in scopes - {"offline_access"}]
        self._die.shuffle(told)
        refresh = self._opaque("M.C507_BAY.0.U.-")
        self.refresh[refresh] = scopes
        return {
            "scope": " ".join(told),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "access_token": access,
            "ext_expires_in": 3599,
            "expires_in": 3599,
            "id_token": "eyJ.eyJ.x",
            "client_info": "eyJ1aWQi",
            "refresh_token_expires_in": 86399,
        }

    def _no(self, number: int, error: str, status: int = 400) -> Said:
        body = {
            "error_codes": [number],
            "error_description": f"AADSTS{number}: Not good.\r\nTrace ID: 255d\r\nTimestamp: 2026-01-09",
            "timestamp": "2026-01-09 02:02:12Z",
            "correlation_id": "fb3d2015",
            "error": error,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        }
        return Said(status, body)

    def _opaque(self, start: str) -> str:
        self._made += 1
        return f"{start}{self._made:04}{self._die.randbytes(6).hex()}"
