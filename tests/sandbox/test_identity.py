"""The identity provider, judged by an independent verifier: joserfc with the published keys."""

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    DecodeError,
    ExpiredTokenError,
    InvalidClaimError,
    InvalidKeyIdError,
    MissingClaimError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from sandbox.identity import create_identity, new_id

ISSUER = "http://sandbox/identity"
ALGORITHMS = ["RS256", "ES256"]


@pytest.fixture
async def identity() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_identity(ISSUER))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        yield client


async def issue(identity: httpx.AsyncClient, **request: object) -> str:
    answer = await identity.post("/token", json=request)
    answer.raise_for_status()
    return answer.json()["access_token"]


async def verify(identity: httpx.AsyncClient, token: str) -> dict:
    keys = KeySet.import_key_set((await identity.get("/.well-known/jwks.json")).json())
    claims = jwt.decode(token, keys, registry=JWSRegistry(algorithms=ALGORITHMS)).claims
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": "calendar-connect"},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        account_id={"essential": True},
    ).validate(claims)
    return claims


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_carries_the_person_and_verifies_with_the_published_keys(identity, algorithm):
    person = {
        "sub": new_id("usr"),
        "account_id": new_id("acct"),
        "email": "ada@example.com",
        "permissions": ["personal_email_access"],
        "seats": [{"product": "sales_hub", "tier": "professional"}],
        "subscriptions": [{"product": "sales_hub", "tier": "enterprise"}],
        "account_created_at": "2022-06-01T00:00:00Z",
        "locale": "sv",
        "zoneinfo": "Europe/Stockholm",
    }
    claims = await verify(identity, await issue(identity, **person, algorithm=algorithm, lifetime_seconds=60))
    assert claims.items() >= person.items()
    assert claims["iss"] == ISSUER
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - time.time()) < 5
    assert {"nbf", "jti"} <= claims.keys()


async def test_a_service_token_names_an_account_and_no_person(identity):
    account = new_id("acct")
    claims = await verify(
        identity, await issue(identity, service=True, account_id=account, permissions=["users:write"])
    )
    assert claims["service"] is True
    assert claims["account_id"] == account
    assert claims["permissions"] == ["users:write"]
    assert not {"email", "seats", "subscriptions", "zoneinfo"} & claims.keys()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("defect", "error"),
    [
        ("expired", ExpiredTokenError),
        ("not_yet_valid", InvalidClaimError),
        ("wrong_audience", InvalidClaimError),
        ("wrong_issuer", InvalidClaimError),
        ("wrong_key", BadSignatureError),
        ("unknown_key", InvalidKeyIdError),
        ("alg_none", UnsupportedAlgorithmError),
        ("hs256_with_public_key", UnsupportedAlgorithmError),
        ("tampered", BadSignatureError),
        ("malformed", DecodeError),
        ("missing_exp", MissingClaimError),
        ("missing_iat", MissingClaimError),
        ("missing_iss", MissingClaimError),
        ("missing_aud", MissingClaimError),
        ("missing_sub", MissingClaimError),
        ("missing_account_id", MissingClaimError),
    ],
)
async def test_every_defect_is_caught_by_the_check_it_is_made_for(identity, defect, error, algorithm):
    token = await issue(identity, defect=defect, algorithm=algorithm)
    with pytest.raises(error):
        await verify(identity, token)


async def test_the_confused_token_is_truly_signed_with_the_public_key(identity):
    """Or the defect would prove nothing: a verifier that took the RSA key for an HMAC secret would accept it."""
    token = await issue(identity, defect="hs256_with_public_key")
    jwks = (await identity.get("/.well-known/jwks.json")).json()
    public_key = next(key for key in KeySet.import_key_set(jwks) if key.key_type == "RSA")
    signed, _, signature = token.rpartition(".")
    expected = hmac.new(public_key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(expected).rstrip(b"=").decode() == signature


async def test_keys_rotate_and_the_old_ones_stay_published_for_a_while(identity):
    before = await issue(identity)
    await identity.post("/rotate", json={"keep_old_seconds": 60})
    after = await issue(identity)
    still_old = await issue(identity, key="previous")
    kids = [
        jwt.decode(token, KeySet.import_key_set(await _jwks(identity))).header["kid"]
        for token in (before, after, still_old)
    ]
    assert kids[0] == kids[2] != kids[1]
    for token in (before, after, still_old):
        await verify(identity, token)


async def test_retired_keys_are_gone_at_once(identity):
    before = await issue(identity)
    await identity.post("/rotate", json={"retire": True})
    with pytest.raises(InvalidKeyIdError):
        await verify(identity, before)
    await verify(identity, await issue(identity))


async def test_old_keys_disappear_when_their_time_is_over(identity, monkeypatch):
    before = await issue(identity)
    await identity.post("/rotate", json={"keep_old_seconds": 30})
    assert len((await _jwks(identity))["keys"]) == 4
    now = time.time()
    monkeypatch.setattr("sandbox.identity.time.time", lambda: now + 31)
    assert len((await _jwks(identity))["keys"]) == 2
    with pytest.raises(InvalidKeyIdError):
        await verify(identity, before)


async def test_keys_in_a_file_outlive_the_issuer_and_follow_a_rotation(tmp_path):
    path = tmp_path / "keys.json"
    tokens = []
    for rotate in (True, False):
        transport = httpx.ASGITransport(create_identity(ISSUER, keys_file=path))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            for token in tokens:
                await verify(client, token)
            if rotate:
                await client.post("/rotate", json={})
            tokens = [await issue(client, algorithm=algorithm) for algorithm in ALGORITHMS]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_private_parts_of_keys_are_never_published(identity):
    for key in (await _jwks(identity))["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
        assert key["use"] == "sig"


@pytest.mark.parametrize("mode", ["unavailable", "garbage"])
async def test_an_outage_lasts_until_it_is_healed(identity, mode):
    await identity.post("/outage", json={"mode": mode})
    for _ in range(2):
        answer = await identity.get("/.well-known/jwks.json")
        if mode == "unavailable":
            assert answer.status_code == 503
        else:
            assert not answer.text.startswith("{")
    await identity.delete("/outage")
    assert (await identity.get("/.well-known/jwks.json")).status_code == 200


async def test_fetches_are_counted_and_the_configuration_leads_to_the_keys(identity):
    configuration = (await identity.get("/.well-known/openid-configuration")).json()
    assert configuration["issuer"] == ISSUER
    assert configuration["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json"
    await _jwks(identity)
    await _jwks(identity)
    await issue(identity)
    assert (await identity.get("/stats")).json() == {"jwks_fetches": 2, "tokens_issued": 1}
    await identity.post("/reset")
    assert (await identity.get("/stats")).json() == {"jwks_fetches": 0, "tokens_issued": 0}


async def test_a_claim_that_does_not_exist_is_refused(identity):
    assert (await identity.post("/token", json={"acount_id": "acct_1"})).status_code == 422
    assert (await identity.post("/token", json={"seats": [{"product": "x", "tier": "free"}]})).status_code == 422


def test_ids_are_type_ids_of_version_7_and_sort_by_time():
    ids = []
    for _ in range(3):
        ids.append(new_id("usr"))
        time.sleep(0.002)
    assert ids == sorted(ids)
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for letter in ids[0].removeprefix("usr_"):
        number = number * 32 + digits.index(letter)
    assert number >> 76 & 0xF == 7
    assert number >> 62 & 0x3 == 2
    assert abs((number >> 80) / 1000 - time.time()) < 5


async def _jwks(identity: httpx.AsyncClient) -> dict:
    return (await identity.get("/.well-known/jwks.json")).json()
