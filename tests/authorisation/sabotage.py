"""Guards, taken away one by one in the running service, for as long as a block runs.

The one rule: each takes away one guard at the place where it stands, and nothing beside it.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import pytest

from app.accounts.principal import Principal, principal_from_claims
from app.accounts.tokens import TokenVerifier
from app.bookings import change, ownership
from app.bookings.requests import answering as requests
from app.bookings.tokens import BookingTokens
from app.ids import decode_id
from app.routers.dependencies import Caller, authenticate
from tests.authorisation.city import City


@contextmanager
def nobody_asked_who_they_are(city: City) -> Iterator[None]:
    """Whoever comes is Ada."""
    ada = principal_from_claims(city.ada.owner.claims | {"iat": 0})

    async def known() -> Principal:
        return ada

    with _replaced(city, authenticate, known):
        yield


@contextmanager
def permission_not_asked_for(city: City, guard: Callable[..., Any]) -> Iterator[None]:
    """This guard lets every caller pass."""

    async def passed(principal: Caller) -> Principal:
        return principal

    with _replaced(city, guard, passed):
        yield


@contextmanager
def services_taken_for_people(city: City, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service that is asked for its user has one: Ada."""
    ada = decode_id("usr", city.ada.owner.user_id)

    def user(principal: Principal) -> UUID:
        return principal.user_id or ada

    with patch.context() as patched:
        patched.setattr(Principal, "require_person", user)
        yield


@contextmanager
def _replaced(city: City, guard: Callable[..., Any], other: Callable[..., Any]) -> Iterator[None]:
    overrides = city.world.app.dependency_overrides
    overrides[guard] = other
    try:
        yield
    finally:
        del overrides[guard]


@contextmanager
def claim_not_checked(city: City, patch: pytest.MonkeyPatch, claim: str) -> Iterator[None]:
    """A claim of the token says what it likes."""
    claims = city.world.services.verifier._claims
    with patch.context() as patched:
        patched.setattr(claims, "options", {name: rule for name, rule in claims.options.items() if name != claim})
        patched.setattr(claims, f"validate_{claim}", lambda *_: None, raising=False)
        yield


@contextmanager
def signature_not_checked(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a token says is believed."""

    def read(_verifier: TokenVerifier, token: str, _keys: object) -> dict[str, Any]:
        _, body, _ = token.split(".")
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return claims

    with patch.context() as patched:
        patched.setattr(TokenVerifier, "_read", read)
        yield


@asynccontextmanager
async def without_row_level_security(city: City, *tables: str) -> AsyncIterator[None]:
    """Every account sees the rows of these tables."""
    connection = city.picture.connection
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    try:
        yield
    finally:
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


@contextmanager
def everything_concerns_everybody(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whose a booking or request is, is not asked."""

    async def concerns(*_: object) -> bool:
        return True

    with patch.context() as patched:
        for module in (ownership, change, requests):
            patched.setattr(module, "concerns", concerns)
        yield


@contextmanager
def any_token_opens(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """A visitor's token is as good as another."""
    with patch.context() as patched:
        patched.setattr(BookingTokens, "match", lambda *_: True)
        yield
