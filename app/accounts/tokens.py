"""Verification of the callers' tokens against the issuer's published keys.

The one rule: the algorithms are fixed here; a token's own header chooses a key, never a method. A failing key endpoint
keeps the last keys.
"""

import asyncio
import time
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact

from app.accounts.principal import Principal, principal_from_claims
from app.accounts.published_keys import PublishedKeys
from app.errors import ProviderUnavailable, TokenExpired, Unauthenticated
from app.http import HttpClient, HttpError

ALGORITHMS = ("RS256", "ES256", "EdDSA")
_LEEWAY_SECONDS = 30
_MAX_TOKEN_CHARACTERS = 16384
"""Issuers that name a person's groups name two hundred."""
_UNREADABLE = (JoseError, msgspec.DecodeError, ValueError, TypeError, AttributeError)
_OK = 200


class _Tokens(JWSRegistry):
    """How a token is read: its header may say more than we know, as long as `crit` names none of it."""

    max_header_length = _MAX_TOKEN_CHARACTERS

    def __init__(self) -> None:
        super().__init__(algorithms=ALGORITHMS, strict_check_header=False)
        del self.header_registry["b64"]

    def get_alg(self, name: str) -> JWSAlgModel:
        """The library's own warns of `EdDSA` each time, for its name alone (RFC 9864)."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


class TokenVerifier:
    """Turns a bearer token into a Principal."""

    def __init__(
        self,
        http: HttpClient,
        *,
        jwks_url: str,
        issuer: str,
        audience: str,
        max_age_seconds: float = 3600,
        cooldown_seconds: float = 10,
    ) -> None:
        self._http = http
        self._jwks_url = jwks_url
        self._max_age = max_age_seconds
        self._cooldown = cooldown_seconds
        self._keys: PublishedKeys | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._registry = _Tokens()
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    async def verify(self, token: str) -> Principal:
        """Who the token speaks for. Raises: TokenExpired, Unauthenticated, ProviderUnavailable (no keys yet)."""
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise Unauthenticated(detail="malformed")
        claims = await self._decode(token)
        try:
            self._claims.validate(claims)
        except ExpiredTokenError as error:
            raise TokenExpired from error
        except JoseError as error:
            raise Unauthenticated(detail="claims") from error
        return principal_from_claims(claims)

    async def _decode(self, token: str) -> dict[str, Any]:
        keys = await self._current_keys()
        try:
            return self._read(token, keys)
        except _UNREADABLE as error:
            fresh = await self._refresh_keys(unless=keys)
            if fresh is keys:
                raise Unauthenticated(detail="signature") from error
        try:
            return self._read(token, fresh)
        except _UNREADABLE as error:
            raise Unauthenticated(detail="signature") from error

    def _read(self, token: str, keys: PublishedKeys) -> dict[str, Any]:
        """What it says, if one of the keys has signed it. Raises: of `_UNREADABLE`."""
        signed = extract_compact(token.encode(), registry=self._registry)
        header = signed.headers()
        self._registry.check_header(header)
        if not any(self._verifies(signed, key) for key in keys.candidates(header["alg"], header.get("kid"))):
            raise BadSignatureError
        claims: dict[str, Any] = msgspec.json.decode(signed.payload, type=dict[str, Any])
        return claims

    def _verifies(self, token: CompactSignature, key: Key) -> bool:
        try:
            return validate_compact(token, key, registry=self._registry)
        except (JoseError, ValueError):  # a signature whose length is not the key's
            return False

    async def _current_keys(self) -> PublishedKeys:
        old = time.monotonic() - self._fetched_at > self._max_age
        if self._keys is None or (old and not self._fetching.locked()):  # one asks; nobody else waits for new keys
            await self._refresh_keys(unless=None)
        if self._keys is None:
            raise ProviderUnavailable(detail="issuer", retry_after=int(self._cooldown) or 1)
        return self._keys

    async def _refresh_keys(self, *, unless: PublishedKeys | None) -> PublishedKeys:
        """New keys, at most once per cooldown; whoever waited takes what the first one brought."""
        async with self._fetching:
            stale = self._keys is None or self._keys is unless or unless is None
            if stale and time.monotonic() - self._tried_at > self._cooldown:
                self._tried_at = time.monotonic()
                await self._fetch()
            if self._keys is None:
                raise ProviderUnavailable(detail="issuer", retry_after=int(self._cooldown) or 1)
            return self._keys

    async def _fetch(self) -> None:
        try:
            answer = await self._http.send("GET", self._jwks_url, timeout_seconds=5)
            if answer.status == _OK:
                self._keys = PublishedKeys.read(answer.content)
                self._fetched_at = time.monotonic()
        except (HttpError, ValueError):
            return  # the last keys stay good; the next call past the cooldown tries again
