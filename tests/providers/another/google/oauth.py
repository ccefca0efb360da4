"""Sign-in at another Google: consent, codes, tokens, who it is, and the end of it.

The one rule: written from RFC 6749, RFC 7636 and Google's guide for web servers; what they require is required here.
"""

import base64
import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.providers.another.google.refusals import bad_credentials
from tests.providers.another.google.wire import Asked, Json, Said

CLIENT_ID = "1234-another.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-s/cr+t="
_SCOPES = "https://www.googleapis.com/auth/"
_NAMED = {"email": f"{_SCOPES}userinfo.email", "profile": f"{_SCOPES}userinfo.profile"}
"""Short names, as Google writes them out in its answers."""
_AUTHORIZATION = {
    "client_id", "redirect_uri", "response_type", "scope", "access_type", "state", "include_granted_scopes",
    "enable_granular_consent", "login_hint", "prompt", "code_challenge", "code_challenge_method", "nonce", "hd",
}  # fmt: skip


@dataclass
class Grant:
    """What a person allowed."""

    email: str
    scopes: frozenset[str]
    alive: bool = True


@dataclass
class Doors:
    """All codes and tokens that are out."""

    chance: random.Random
    subjects: dict[str, str]
    """Account numbers by address."""
    refuses: tuple[int, Json] | None = None
    """What the token endpoint says to everybody."""
    lifetime: Json = field(default_factory=lambda: {"expires_in": 3599})
    _codes: dict[str, tuple[Grant, str, str]] = field(default_factory=dict)
    _access: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, Grant] = field(default_factory=dict)

    def consent(self, url: str, email: str, *, without: Iterable[str] = ()) -> str:
        """The person says yes in the browser, to all but some scopes; where the browser goes next."""
        query = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        assert not query.keys() - _AUTHORIZATION, query
        assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
        assert (query["code_challenge_method"], query["access_type"]) == ("S256", "offline")
        scopes = frozenset(_NAMED.get(scope, scope) for scope in query["scope"].split(" ")) - set(without)
        code = f"4/0A{self._secret()}-_/x"
        self._codes[code] = Grant(email, scopes), query["code_challenge"], query["redirect_uri"]
        said = [
            ("iss", "https://accounts.google.com"),
            ("scope", self._listed(scopes)),
            ("authuser", "1"),
            ("code", code),
        ]
        said += [("state", query["state"]), ("prompt", "consent"), ("hd", "example.com")]
        self.chance.shuffle(said)
        return f"{query['redirect_uri']}?{urlencode(said)}"

    def holder(self, asked: Asked) -> Grant:
        """Whose token it is. Raises: Refused."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        grant = self._access.get(token)
        if kind != "Bearer" or grant is None or not grant.alive:
            raise bad_credentials()
        return grant

    def expire_access(self) -> None:
        self._access.clear()

    def revoke_all(self) -> None:
        for grant in [*self._access.values(), *self._refresh.values()]:
            grant.alive = False

    def token(self, asked: Asked) -> Said:
        """`POST /token`."""
        form = _form(asked)
        if form is None:
            return _error(400, "invalid_request", "Bad Request")
        if self.refuses:
            return Said(*self.refuses)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _error(401, "invalid_client", "Unauthorized")
        match form.pop("grant_type", None):
            case "authorization_code":
                return self._by_code(form)
            case "refresh_token":
                return self._by_refresh_token(form)
        return _error(400, "unsupported_grant_type", "Invalid grant_type")

    def _by_refresh_token(self, form: dict[str, str]) -> Said:
        if form.keys() != {"client_id", "client_secret", "refresh_token"}:
            return _error(400, "invalid_request", f"Parameters: {sorted(form)}")
        grant = self._refresh.get(form["refresh_token"])
        if grant is None or not grant.alive:
            return _error(400, "invalid_grant", "Token has been expired or revoked.")
        return Said(200, self._issued(grant))

    def _by_code(self, form: dict[str, str]) -> Said:
        if form.keys() != {"client_id", "client_secret", "code", "code_verifier", "redirect_uri"}:
            return _error(400, "invalid_request", f"Parameters: {sorted(form)}")
        grant, challenge, redirect = self._codes.pop(form["code"], (None, "", ""))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if grant is None or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return _error(400, "invalid_grant", "Malformed auth code.")
        if form["redirect_uri"] != redirect:
            return _error(400, "redirect_uri_mismatch", "Bad Request")
        refresh = f"1//0{self._secret()}_-/"
        self._refresh[refresh] = grant
        return Said(200, self._issued(grant) | {"refresh_token": refresh, "refresh_token_expires_in": 604_799})

    def _issued(self, grant: Grant) -> Json:
        token = f"ya29.a0{self._secret()}-_.~+/=="
        self._access[token] = grant
        return self.lifetime | {
            "access_token": token,
            "scope": self._listed(grant.scopes),
            "token_type": "Bearer",
            "id_token": "e30.e30.AA",
        }

    def userinfo(self, asked: Asked) -> Said:
        """`GET /v1/userinfo`: the address only with its scope."""
        grant = self.holder(asked)
        told: Json = {"sub": self.subjects[grant.email], "picture": "https://lh3.example/a=s96-c"}
        if _NAMED["email"] in grant.scopes:
            told |= {"email": grant.email, "email_verified": True, "hd": "example.com"}
        return Said(200, told)

    def revoke(self, asked: Asked) -> Said:
        """`POST /revoke`: either token ends the grant."""
        form = _form(asked)
        token = (form or asked.query).get("token")
        grant = self._refresh.get(str(token)) or self._access.get(str(token))
        if form is None or grant is None or not grant.alive:
            return _error(400, "invalid_token", "Token expired or revoked")
        grant.alive = False
        return Said(200, {})

    def _listed(self, scopes: frozenset[str]) -> str:
        listed = sorted(scopes)
        self.chance.shuffle(listed)
        return " ".join(listed)

    def _secret(self) -> str:
        return f"{self.chance.getrandbits(128):032x}"


def _form(asked: Asked) -> dict[str, str] | None:
    kind = asked.headers.get("content-type", "").partition(";")[0]
    if asked.method != "POST" or kind != "application/x-www-form-urlencoded":
        return None
    pairs = parse_qsl(asked.body.decode(), keep_blank_values=True, strict_parsing=True)
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def _error(status: int, error: str, description: str) -> Said:
    return Said(status, {"error": error, "error_description": description})
