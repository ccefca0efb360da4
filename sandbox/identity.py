"""The identity provider of the sandbox: it plays the CRM that owns the users and signs their tokens.

The rule: whoever asks gets any token, so it never runs outside the sandbox. What is deliberately wrong with a token is
asked for by name (`defect`), never a matter of chance.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import BaseModel, ConfigDict, Field

AUDIENCE = "calendar-connect"
HOUR = 3600

Algorithm = Literal["RS256", "ES256"]
Defect = Literal[
    "expired",
    "not_yet_valid",
    "wrong_audience",
    "wrong_issuer",
    "wrong_key",
    "unknown_key",
    "alg_none",
    "hs256_with_public_key",
    "tampered",
    "malformed",
    "missing_exp",
    "missing_iat",
    "missing_iss",
    "missing_aud",
    "missing_sub",
    "missing_account_id",
]
ALL_PERMISSIONS = ("personal_email_access",)


def new_id(prefix: str) -> str:
    """A TypeID: a prefix and a UUIDv7 (milliseconds, version, variant, random bits) in Crockford's base32."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return f"{prefix}_" + "".join(digits[number >> shift & 31] for shift in range(125, -1, -5))


class Seat(BaseModel):
    """A product at a tier: a user's seat or an account's subscription."""

    model_config = ConfigDict(extra="forbid")

    product: Literal["sales_hub", "service_hub"]
    tier: Literal["free", "starter", "professional", "enterprise"]


class TokenRequest(BaseModel):
    """Whose token, and what is to be wrong with it."""

    model_config = ConfigDict(extra="forbid")

    service: bool = False
    sub: str | None = None
    account_id: str = Field(default_factory=lambda: new_id("acct"))
    email: str = "person@example.com"
    permissions: list[str] | None = None
    seats: list[Seat] = []
    subscriptions: list[Seat] = []
    account_created_at: str = "2024-01-01T00:00:00Z"
    locale: str = "en"
    zoneinfo: str = "Europe/Berlin"
    lifetime_seconds: int = HOUR
    algorithm: Algorithm = "RS256"
    key: Literal["current", "previous"] = "current"
    defect: Defect | None = None

    def claims(self, issuer: str) -> dict[str, Any]:
        """The claims before any defect. A service token names an account and permissions, and no person."""
        now = int(time.time())
        common = {
            "iss": issuer,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime_seconds,
            "jti": secrets.token_hex(16),
            "account_id": self.account_id,
        }
        if self.service:
            return {**common, "sub": self.sub or "service:crm", "service": True, "permissions": self.permissions or []}
        return {
            **common,
            "sub": self.sub or new_id("usr"),
            "email": self.email,
            "permissions": list(ALL_PERMISSIONS) if self.permissions is None else self.permissions,
            "seats": [seat.model_dump() for seat in self.seats],
            "subscriptions": [seat.model_dump() for seat in self.subscriptions],
            "account_created_at": self.account_created_at,
            "locale": self.locale,
            "zoneinfo": self.zoneinfo,
        }


class Rotation(BaseModel):
    """New keys. The old ones stay published for a while, or are retired at once."""

    model_config = ConfigDict(extra="forbid")

    keep_old_seconds: float = 300
    retire: bool = False


class Outage(BaseModel):
    """How the key endpoint fails until it is healed."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["unavailable", "garbage"] = "unavailable"


@dataclass
class KeyPair:
    """One generation of keys: an RSA and an EC key."""

    rsa: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, _parameters("RS256")))
    ec: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", _parameters("ES256")))
    published_until: float = float("inf")

    @classmethod
    def kept_in(cls, path: Path) -> "KeyPair":
        """The keys in the file, made on first use: an issuer that is restarted still knows its tokens."""
        if path.exists():
            kept = json.loads(path.read_text())
            return cls(rsa=RSAKey.import_key(kept["rsa"]), ec=ECKey.import_key(kept["ec"]))
        pair = cls()
        pair.keep_in(path)
        return pair

    def keep_in(self, path: Path) -> None:
        """Write the private keys, for us alone to read."""
        path.touch(mode=0o600)
        path.write_text(json.dumps({"rsa": self.rsa.as_dict(private=True), "ec": self.ec.as_dict(private=True)}))

    def signing(self, algorithm: Algorithm) -> RSAKey | ECKey:
        """The key that signs with `algorithm`."""
        return self.rsa if algorithm == "RS256" else self.ec


def _parameters(algorithm: Algorithm) -> Any:
    return {"kid": f"{algorithm.lower()}-{secrets.token_hex(4)}", "use": "sig", "alg": algorithm}


@dataclass
class Issuer:
    """The state of the identity provider, and how it signs."""

    url: str
    keys_file: Path | None = None
    generations: list[KeyPair] = field(default_factory=list)  # the newest first
    outage: Outage | None = None
    jwks_fetches: int = 0
    tokens_issued: int = 0

    def __post_init__(self) -> None:
        self.generations = [KeyPair() if self.keys_file is None else KeyPair.kept_in(self.keys_file)]

    def published(self) -> list[dict[str, Any]]:
        """The public keys of every generation that is not retired, as in a JWKS."""
        alive = [pair for pair in self.generations if pair.published_until > time.time()]
        return [dict(key.as_dict(private=False)) for pair in alive for key in (pair.rsa, pair.ec)]

    def rotate(self, rotation: Rotation) -> None:
        """Begin a new generation of keys."""
        until = 0.0 if rotation.retire else time.time() + rotation.keep_old_seconds
        for pair in self.generations:
            pair.published_until = min(pair.published_until, until)
        self.generations.insert(0, KeyPair())
        if self.keys_file is not None:
            self.generations[0].keep_in(self.keys_file)

    def issue(self, request: TokenRequest) -> tuple[str, dict[str, Any]]:
        """A signed token (as good or bad as asked for) and its claims."""
        self.tokens_issued += 1
        claims = _spoil(request.claims(self.url), request.defect)
        pair = self.generations[min(int(request.key == "previous"), len(self.generations) - 1)]
        key = pair.signing(request.algorithm)
        header = {"alg": request.algorithm, "kid": key.kid, "typ": "JWT"}
        forge = FORGERIES.get(request.defect or "")
        token = forge(header, claims, key) if forge else jwt.encode(header, claims, key)
        return token, claims


def _spoil(claims: dict[str, Any], defect: Defect | None) -> dict[str, Any]:
    """Defects that sit in the claims; the token around them is signed properly."""
    now = int(time.time())
    changes: dict[str, dict[str, Any]] = {
        "expired": {"iat": now - 2 * HOUR, "nbf": now - 2 * HOUR, "exp": now - HOUR},
        "not_yet_valid": {"nbf": now + HOUR, "exp": now + 2 * HOUR},
        "wrong_audience": {"aud": "somebody-else"},
        "wrong_issuer": {"iss": "https://issuer.example.net"},
    }
    spoiled = {**claims, **changes.get(defect or "", {})}
    if defect and defect.startswith("missing_"):
        del spoiled[defect.removeprefix("missing_")]
    return spoiled


Forgery = Callable[[dict[str, Any], dict[str, Any], RSAKey | ECKey], str]


def _with_unpublished_key(header: dict[str, Any], claims: dict[str, Any], _: RSAKey | ECKey) -> str:
    return jwt.encode(header, claims, KeyPair().signing(header["alg"]))


def _with_unknown_key(header: dict[str, Any], claims: dict[str, Any], _: RSAKey | ECKey) -> str:
    stranger = KeyPair().signing(header["alg"])
    return jwt.encode({**header, "kid": stranger.kid}, claims, stranger)


def _without_signature(header: dict[str, Any], claims: dict[str, Any], _: RSAKey | ECKey) -> str:
    return f"{_part({**header, 'alg': 'none'})}.{_part(claims)}."


def _hmac_of_public_key(header: dict[str, Any], claims: dict[str, Any], key: RSAKey | ECKey) -> str:
    """The classic confusion: a verifier that trusts the header takes the public key for an HMAC secret."""
    signed = f"{_part({**header, 'alg': 'HS256'})}.{_part(claims)}"
    digest = hmac.new(key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64(digest)}"


def _tampered(header: dict[str, Any], claims: dict[str, Any], key: RSAKey | ECKey) -> str:
    """Signed for one person, altered to another account afterwards."""
    head, _, signature = jwt.encode(header, claims, key).split(".")
    return f"{head}.{_part({**claims, 'account_id': new_id('acct')})}.{signature}"


def _malformed(*_: object) -> str:
    return "not-a-token"


FORGERIES: dict[str, Forgery] = {
    "wrong_key": _with_unpublished_key,
    "unknown_key": _with_unknown_key,
    "alg_none": _without_signature,
    "hs256_with_public_key": _hmac_of_public_key,
    "tampered": _tampered,
    "malformed": _malformed,
}


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def create_identity(issuer_url: str, *, keys_file: Path | None = None) -> FastAPI:
    """The provider as an application, to be mounted at the path of `issuer_url`. `keys_file` None: keys of its own."""
    app = FastAPI(title="Sandbox identity provider", openapi_url=None)
    issuer = Issuer(issuer_url, keys_file)
    _add_public_routes(app, issuer)
    _add_control_routes(app, issuer)
    return app


def _add_public_routes(app: FastAPI, issuer: Issuer) -> None:
    @app.get("/.well-known/openid-configuration")
    async def configuration() -> dict[str, Any]:
        return {
            "issuer": issuer.url,
            "jwks_uri": f"{issuer.url}/.well-known/jwks.json",
            "token_endpoint": f"{issuer.url}/token",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "subject_types_supported": ["public"],
        }

    @app.get("/.well-known/jwks.json")
    async def jwks() -> Response:
        issuer.jwks_fetches += 1
        if issuer.outage is None:
            return JSONResponse({"keys": issuer.published()})
        if issuer.outage.mode == "garbage":
            return Response("<html>an error page", media_type="application/json")
        return JSONResponse({"error": "temporarily_unavailable"}, status_code=503)


def _add_control_routes(app: FastAPI, issuer: Issuer) -> None:
    @app.post("/token")
    async def token(request: TokenRequest) -> dict[str, Any]:
        signed, claims = issuer.issue(request)
        return {
            "access_token": signed,
            "token_type": "Bearer",
            "expires_in": request.lifetime_seconds,
            "claims": claims,
        }

    @app.post("/rotate")
    async def rotate(rotation: Rotation) -> dict[str, Any]:
        issuer.rotate(rotation)
        return {"published": [key["kid"] for key in issuer.published()]}

    @app.post("/outage", status_code=204)
    async def begin_outage(outage: Outage) -> None:
        issuer.outage = outage

    @app.delete("/outage", status_code=204)
    async def end_outage() -> None:
        issuer.outage = None

    @app.get("/stats")
    async def stats() -> dict[str, Any]:
        return {"jwks_fetches": issuer.jwks_fetches, "tokens_issued": issuer.tokens_issued}

    @app.post("/reset", status_code=204)
    async def reset() -> None:
        """Heal the outage and forget the counts; the keys stay, so that tokens in hand stay good."""
        issuer.outage = None
        issuer.jwks_fetches = issuer.tokens_issued = 0
