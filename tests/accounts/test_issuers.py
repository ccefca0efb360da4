"""Tokens as Keycloak, Auth0, Entra and those who write their own issue them, within what `docs/tokens.md` asks for."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest

from app.accounts.tokens import TokenVerifier
from app.errors import Unauthenticated
from app.http import HttpClient
from tests.accounts.issuer import AUDIENCE, Issuer, Json, Key, b64, ec_key, ed_key, issuing, pss, rsa_key

KINDS: dict[str, Callable[..., Key]] = {"RS256": rsa_key, "ES256": ec_key, "EdDSA": ed_key}
EC_POINT = {"x": b64(b"\x01" * 32), "y": b64(b"\x02" * 32)}


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as made:
        yield made


@pytest.fixture
async def verifier(issuer: Issuer) -> AsyncIterator[TokenVerifier]:
    async with HttpClient() as http:
        yield TokenVerifier(http, jwks_url=issuer.url, issuer=issuer.url, audience=AUDIENCE, cooldown_seconds=0)


async def refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


@pytest.mark.parametrize("algorithm", KINDS)
@pytest.mark.parametrize("said", [{}, {"kid": "1"}, {"kid": "1", "use": "sig"}], ids=str)
async def test_r53_a_key_need_not_say_what_it_is_for(
    issuer: Issuer, verifier: TokenVerifier, algorithm: str, said: Json
) -> None:
    key = KINDS[algorithm](**said)
    issuer.publish(key)
    header = {"alg": algorithm} | ({"kid": "1"} if said else {})
    assert (await verifier.verify(issuer.token(key, header))).email == "ada@example.com"
    issuer.publish(key.public | {"alg": algorithm, "key_ops": ["verify"]})
    assert (await verifier.verify(issuer.token(key, header))).email == "ada@example.com"


async def test_r53_a_curve_of_448_bits_is_edwards_as_well(issuer: Issuer, verifier: TokenVerifier) -> None:
    key = ed_key("Ed448", kid="1")
    issuer.publish(key)
    await verifier.verify(issuer.token(key, {"alg": "EdDSA", "kid": "1"}))


@pytest.mark.parametrize("algorithm", KINDS)
async def test_r53_a_token_that_names_no_key_is_signed_by_one_of_them(
    issuer: Issuer, verifier: TokenVerifier, algorithm: str
) -> None:
    keys = [KINDS[algorithm](kid=str(number)) for number in range(3)]
    issuer.publish(rsa_key(kid="enc", use="enc"), ec_key(), *keys, ed_key())
    for key in keys:
        await verifier.verify(issuer.token(key, {"alg": algorithm}))
    await refused(verifier, issuer.token(KINDS[algorithm](), {"alg": algorithm}))


async def test_r53_a_key_without_a_name_may_be_the_one_a_token_names(issuer: Issuer, verifier: TokenVerifier) -> None:
    key = rsa_key()
    issuer.publish(rsa_key(kid="other"), key)
    await verifier.verify(issuer.token(key, {"alg": "RS256", "kid": "mine"}))


async def test_r53_a_key_of_another_name_is_not_tried(issuer: Issuer, verifier: TokenVerifier) -> None:
    key = rsa_key(kid="1")
    issuer.publish(key)
    await refused(verifier, issuer.token(key, {"alg": "RS256", "kid": "2"}))


async def test_r53_keys_that_share_a_name_are_told_apart(issuer: Issuer, verifier: TokenVerifier) -> None:
    """RFC 7517, 4.5: keys of several types may. And a careless issuer keeps the name when it makes a new key."""
    keys = {"RS256": rsa_key(kid="1"), "ES256": ec_key(kid="1"), "EdDSA": ed_key(kid="1")}
    renewed = rsa_key(kid="1")
    issuer.publish(*keys.values(), renewed)
    for algorithm, key in [*keys.items(), ("RS256", renewed)]:
        await verifier.verify(issuer.token(key, {"alg": algorithm, "kid": "1"}))


@pytest.mark.parametrize(
    "foreign",
    [
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AA"},
        {"kty": "EC", "crv": "brainpoolP256r1", "kid": "b", **EC_POINT},
        {"kty": "EC", "crv": "P-256", "kid": "off the curve", **EC_POINT},
        {"kty": "OKP", "crv": "Ed25519ph", "kid": "o", "x": b64(b"\x01" * 32)},
        {"kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AA"},
        {"kty": "OKP", "crv": "X25519", "kid": "x", "use": "enc", "x": b64(b"\x01" * 32)},
        {"kty": "RSA", "kid": "empty"},
        {"kty": "RSA", "kid": "odd", "n": "é", "e": 65537},
        {"kty": "RSA", "kid": "tls", "use": "tls", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "1", "k": b64(b"secret")},
        {"kid": "nothing"},
        "a key",
        None,
    ],
    ids=str,
)
async def test_r53_a_key_we_cannot_read_hides_no_other(issuer: Issuer, verifier: TokenVerifier, foreign: Any) -> None:
    """RFC 7517, 5: what is not understood is ignored."""
    key = rsa_key(kid="1")
    issuer.publish(foreign, key)
    await verifier.verify(issuer.token(key, {"alg": "RS256", "kid": "1"}))


async def test_r53_what_a_key_says_beyond_its_numbers_hides_it_not(issuer: Issuer, verifier: TokenVerifier) -> None:
    """Entra's name their issuer, Auth0's their certificate; others say it in ways of their own."""
    key = rsa_key(
        kid="1", use="sig", x5t="AA", x5c="MIIC", x5u="urn:cert", issuer="https://login.example/{tenantid}/v2.0",
        key_ops=["verify", "x-audit"], nbf=1, ext=True,
    )  # fmt: skip
    issuer.publish(key)
    await verifier.verify(issuer.token(key, {"alg": "RS256", "kid": "1"}))


@pytest.mark.parametrize("said", [{"use": "enc"}, {"alg": "RSA-OAEP"}, {"alg": "PS256"}, {"key_ops": ["encrypt"]}])
async def test_r53_a_key_for_something_else_signs_nothing(issuer: Issuer, verifier: TokenVerifier, said: Json) -> None:
    key = rsa_key(kid="1", **said)
    issuer.publish(key, rsa_key(kid="2"))
    await refused(verifier, issuer.token(key, {"alg": "RS256", "kid": "1"}))


async def test_r53_a_header_may_say_more_than_we_know(issuer: Issuer, verifier: TokenVerifier) -> None:
    """RFC 7515, 4: what is not understood is ignored, unless `crit` names it."""
    key = rsa_key(kid="1")
    issuer.publish(key)
    said = {"alg": "RS256", "kid": "1", "typ": "at+jwt", "x5t": "AA", "nonce": "x", "tenant": 5, "x5c": ["M" * 1500]}
    await verifier.verify(issuer.token(key, said))
    await refused(verifier, issuer.token(key, said | {"crit": ["tenant"]}))
    await refused(verifier, issuer.token(key, {"alg": "RS256", "kid": "1", "crit": ["b64"], "b64": False}))


async def test_r53_a_person_may_be_in_many_groups(issuer: Issuer, verifier: TokenVerifier) -> None:
    key = rsa_key()
    issuer.publish(key)
    token = issuer.token(key, {"alg": "RS256"}, groups=[str(uuid4()) for _ in range(200)])
    assert len(token) > 10_000
    await verifier.verify(token)
    await refused(verifier, issuer.token(key, {"alg": "RS256"}, groups=[str(uuid4()) for _ in range(400)]))


@pytest.mark.parametrize("header", [{"alg": "PS256"}, {"alg": "RS512"}, {"alg": None}, {}, {"alg": ["RS256"]}])
async def test_r53_other_algorithms_are_refused(issuer: Issuer, verifier: TokenVerifier, header: Json) -> None:
    key = rsa_key(kid="1")
    issuer.publish(key)
    await refused(verifier, issuer.token(key, header | {"kid": "1"}))
    await refused(verifier, issuer.token(Key(key.public, pss), header | {"kid": "1"}))


@pytest.mark.parametrize("header", [["alg"], "alg", 5, None, {"alg": "RS256", "kid": 1}, {"alg": "RS256", "crit": 1}])
async def test_r53_a_header_that_is_odd_is_refused(issuer: Issuer, verifier: TokenVerifier, header: Any) -> None:
    key = rsa_key()
    issuer.publish(key)
    await refused(verifier, issuer.token(key, header))


async def test_r53_a_short_key_verifies_nothing(issuer: Issuer, verifier: TokenVerifier) -> None:
    """RFC 7518, 3.3."""
    short = rsa_key(1024, kid="1")
    issuer.publish(short, rsa_key(kid="2"))
    await refused(verifier, issuer.token(short, {"alg": "RS256", "kid": "1"}))


async def test_r53_numbers_and_audiences_as_the_standard_allows_them(issuer: Issuer, verifier: TokenVerifier) -> None:
    key = rsa_key()
    issuer.publish(key)
    now = time.time()

    def said(**claims: Any) -> str:
        return issuer.token(key, {"alg": "RS256"}, **claims)

    principal = await verifier.verify(said(aud=["account", AUDIENCE], iat=now - 0.5, exp=now + 60.5))
    assert principal.issued_at.timestamp() == pytest.approx(now - 0.5)
    await verifier.verify(said(iat=now + 20, nbf=now + 20))
    await verifier.verify(said(permissions=None, seats=None, locale=None, zoneinfo=None, account_created_at=None))
    for odd in (
        {"aud": ["account"]},
        {"permissions": "personal_email_access"},
        {"aud": {"calendar-connect": 1}},
        {"exp": str(now + 60)},
        {"exp": True},
    ):
        await refused(verifier, said(**odd))
    for far in ({"iat": now + 60}, {"nbf": now + 60}):
        await refused(verifier, said(**far))


@pytest.mark.parametrize("head", ["500 X", "301 X\r\nLocation: /keys", "304 X", "204 X"])
async def test_r53_keys_that_do_not_come_leave_the_last(issuer: Issuer, verifier: TokenVerifier, head: str) -> None:
    key = rsa_key(kid="1")
    issuer.publish(key)
    await verifier.verify(issuer.token(key, {"alg": "RS256", "kid": "1"}))
    issuer.head = head
    await refused(verifier, issuer.token(key, {"alg": "RS256", "kid": "2"}))
    await verifier.verify(issuer.token(key, {"alg": "RS256", "kid": "1"}))
