"""Who asks: tokens of the issuer, its keys and their outages (R53)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from app.accounts.principal import principal_from_claims
from app.accounts.tokens import TokenVerifier
from app.errors import ProviderUnavailable, TokenExpired, Unauthenticated
from app.http import Answer, HttpClient, HttpError
from app.ids import encode_id, new_id
from sandbox.client import Sandbox
from sandbox.identity import Defect
from tests.support.world import World, problem

DEFECTS = {
    "expired": "token_expired",
    **dict.fromkeys(
        (
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
        ),
        "unauthenticated",
    ),
}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_r53_a_token_with_a_defect_is_refused(world: World, algorithm: str) -> None:
    person = await world.person()
    await person.refresh_token(algorithm=algorithm)
    assert (await person.get("/v1/me")).status_code == 200
    for defect, code in DEFECTS.items():
        await person.refresh_token(defect=defect)
        refused = await person.get("/v1/me")
        body = problem(refused, 401, code)
        assert refused.headers["WWW-Authenticate"] == "Bearer", defect
        assert person.token not in refused.text, defect
        assert body["errors"] == [], defect


def test_r53_every_defect_the_sandbox_can_issue_is_tried() -> None:
    assert set(get_args(Defect)) == DEFECTS.keys()


ODD_HEADERS = ["", "Bearer", "Bearer ", "Basic dTpw", "bearer\tx", "Bearer a b c", "Bearer é", "Bearer " + "x" * 9000]


async def test_r53_an_odd_authorization_header_is_refused(world: World) -> None:
    for header in ODD_HEADERS:
        answer = await world.api.get("/v1/me", headers={"Authorization": header.encode("latin-1")})
        problem(answer, 401, "unauthenticated")


async def test_r53_without_a_token_nothing_private_answers(world: World) -> None:
    for method, path in (("GET", "/v1/me"), ("GET", "/v1/connections"), ("DELETE", "/v1/users/usr_x")):
        problem(await world.api.request(method, path), 401, "unauthenticated")


COOLDOWN = 0.4  # seconds


@pytest.fixture
async def verifier(world: World) -> AsyncIterator[TokenVerifier]:
    """A verifier with a cooldown short enough for a test, and its keys already fetched."""
    settings = world.services.settings
    async with HttpClient() as http:
        made = TokenVerifier(
            http,
            jwks_url=settings.jwks_url,
            issuer=settings.issuer,
            audience=settings.audience,
            cooldown_seconds=COOLDOWN,
        )
        await made.verify(await token(world.sandbox))
        yield made
        await world.sandbox.heal_keys()


async def token(sandbox: Sandbox, **claims: Any) -> str:
    return await sandbox.issue_token(**({"sub": encode_id("usr", new_id())} | claims))


async def test_r53_rotated_keys_are_fetched_and_old_tokens_live_as_long_as_their_key(
    world: World, verifier: TokenVerifier
) -> None:
    old = await token(world.sandbox)
    await asyncio.sleep(COOLDOWN + 0.05)
    await world.sandbox.rotate_keys()
    await verifier.verify(await token(world.sandbox))
    await verifier.verify(old)
    await world.sandbox.rotate_keys(retire=True)
    await asyncio.sleep(COOLDOWN + 0.05)
    await verifier.verify(await token(world.sandbox))
    with pytest.raises(Unauthenticated):
        await verifier.verify(old)


async def test_r53_unknown_keys_cause_one_fetch_per_cooldown(world: World, verifier: TokenVerifier) -> None:
    await asyncio.sleep(COOLDOWN + 0.05)
    before = await world.sandbox.key_fetches()
    forged = [await token(world.sandbox, defect="unknown_key") for _ in range(12)]

    async def refused(text: str) -> None:
        with pytest.raises(Unauthenticated):
            await verifier.verify(text)

    await asyncio.gather(*map(refused, forged))
    for text in forged:
        await refused(text)
    assert await world.sandbox.key_fetches() == before + 1
    await asyncio.sleep(COOLDOWN + 0.05)
    await refused(forged[0])
    assert await world.sandbox.key_fetches() == before + 2


@pytest.mark.parametrize("mode", ["unavailable", "garbage"])
async def test_r53_an_outage_of_the_keys_keeps_the_last_ones_and_heals(
    world: World, verifier: TokenVerifier, mode: str
) -> None:
    good = await token(world.sandbox)
    await world.sandbox.break_keys(mode)
    await asyncio.sleep(COOLDOWN + 0.05)
    await verifier.verify(good)
    await world.sandbox.rotate_keys()
    fresh = await token(world.sandbox)
    with pytest.raises(Unauthenticated):
        await verifier.verify(fresh)
    await verifier.verify(good)
    await world.sandbox.heal_keys()
    await asyncio.sleep(COOLDOWN + 0.05)
    await verifier.verify(fresh)


async def test_r53_without_any_keys_yet_the_answer_is_that_nobody_can_tell(world: World) -> None:
    settings = world.services.settings
    await world.sandbox.break_keys()
    async with HttpClient() as http:
        verifier = TokenVerifier(
            http, jwks_url=settings.jwks_url, issuer=settings.issuer, audience="calendar-connect", cooldown_seconds=0.2
        )
        good = await token(world.sandbox)
        with pytest.raises(ProviderUnavailable) as refused:
            await verifier.verify(good)
        assert refused.value.retry_after
        await world.sandbox.heal_keys()
        await asyncio.sleep(0.25)
        await verifier.verify(good)


@pytest.mark.parametrize("answer", [b"[]", b"null", b'"x"', b'{"keys": 5}', b'{"keys": [{}]}', b'{"keys": [7]}', b"{}"])
async def test_r53_whatever_the_key_endpoint_answers_the_last_keys_stay(
    world: World, verifier: TokenVerifier, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = await token(world.sandbox)

    async def odd(*_: Any, **__: Any) -> Answer:
        return Answer(200, {}, answer)

    monkeypatch.setattr(verifier._http, "send", odd)
    await asyncio.sleep(COOLDOWN + 0.05)
    with pytest.raises(Unauthenticated):
        await verifier.verify(await token(world.sandbox, defect="unknown_key"))
    await verifier.verify(good)


async def test_r53_keys_are_fetched_again_when_they_are_old(world: World) -> None:
    settings = world.services.settings
    async with HttpClient() as http:
        verifier = TokenVerifier(
            http,
            jwks_url=settings.jwks_url,
            issuer=settings.issuer,
            audience=settings.audience,
            max_age_seconds=0.1,
            cooldown_seconds=0.05,
        )
        old = await token(world.sandbox)
        await verifier.verify(old)
        await world.sandbox.rotate_keys(retire=True)
        await asyncio.sleep(0.2)
        with pytest.raises(Unauthenticated):
            await verifier.verify(old)


async def test_r53_while_one_asks_for_new_keys_nobody_else_waits_for_them(
    world: World, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, asked, over = await token(world.sandbox), asyncio.Event(), asyncio.Event()

    async def hangs(*_: Any, **__: Any) -> Answer:
        asked.set()
        await over.wait()
        raise HttpError("no answer")

    monkeypatch.setattr(verifier._http, "send", hangs)
    monkeypatch.setattr(verifier, "_max_age", 0.0)
    await asyncio.sleep(COOLDOWN + 0.05)
    first = asyncio.create_task(verifier.verify(good))
    await asked.wait()
    async with asyncio.timeout(5):
        for _ in range(3):
            await verifier.verify(good)
    assert not first.done()
    over.set()
    await first


async def test_r53_a_service_token_is_no_person(world: World) -> None:
    service = await world.person()
    await service.refresh_token(service=True, sub="service:crm", permissions=["users:write"])
    me = (await service.get("/v1/me")).json()
    assert (me["user"], me["permissions"]) == (None, ["users:write"])
    assert {item["reason"] for item in me["capabilities"]} == {"no_connection"}
    for path in ("/v1/connections", "/v1/calendar-settings", "/v1/availability-calendars"):
        problem(await service.get(path), 403, "forbidden")
    await service.refresh_token(permissions=["users:write", "personal_email_access"])
    problem(await service.start_connecting(), 403, "forbidden")


async def test_r55_a_person_cannot_push_users_without_the_permission(world: World) -> None:
    person = await world.person()
    problem(await person.delete(f"/v1/users/{person.user_id}"), 403, "forbidden")
    problem(await person.put(f"/v1/users/{person.user_id}", {}), 403, "forbidden")
    service = await world.person()
    await service.refresh_token(service=True, sub="service:crm", permissions=[])
    problem(await service.delete(f"/v1/users/{person.user_id}"), 403, "forbidden")


CLAIMS: dict[str, Any] = {
    "sub": encode_id("usr", new_id()),
    "account_id": encode_id("acct", new_id()),
    "iat": 1763683200,
    "email": "ada@example.com",
}


@pytest.mark.parametrize(
    "odd",
    [
        {"sub": "usr_nonsense"},
        {"sub": encode_id("acct", new_id())},
        {"sub": 7},
        {"account_id": encode_id("usr", new_id())},
        {"account_id": None},
        {"iat": "yesterday"},
        {"iat": None},
        {"iat": 1e30},
        {"account_created_at": "2020-01-01T00:00:00"},
        {"account_created_at": "never"},
        {"seats": ["sales_hub"]},
        {"seats": [{"product": "sales_hub"}]},
        {"seats": 5},
        {"subscriptions": [None]},
        {"permissions": 5},
        {"permissions": "personal_email_access"},
        {"permissions": {"personal_email_access": True}},
        {"permissions": [None]},
        {"email": None},
        {"email": ""},
        {"email": ["ada@example.com"]},
    ],
)
def test_r53_a_claim_that_is_odd_is_refused(odd: dict[str, Any]) -> None:
    principal_from_claims(CLAIMS)
    with pytest.raises(Unauthenticated):
        principal_from_claims(CLAIMS | odd)


def test_r53_a_missing_address_is_refused_for_people_only() -> None:
    without = {name: value for name, value in CLAIMS.items() if name != "email"}
    with pytest.raises(Unauthenticated):
        principal_from_claims(without)
    assert principal_from_claims(without | {"service": True}).user_id is None
    assert principal_from_claims(without | {"service": True, "email": None}).email == ""
    for nearly in ("true", 1, "yes"):
        with pytest.raises(Unauthenticated):
            principal_from_claims(without | {"service": nearly})


def test_r12_the_accounts_opening_date_is_an_instant() -> None:
    principal = principal_from_claims(CLAIMS | {"account_created_at": "2023-03-12T23:30:00-01:00"})
    assert principal.account_opened_at == datetime(2023, 3, 13, 0, 30, tzinfo=UTC)
    assert principal.issued_at == datetime.fromtimestamp(CLAIMS["iat"], UTC)


async def test_r53_a_token_is_good_a_little_after_its_end_for_clocks_differ(
    world: World, verifier: TokenVerifier
) -> None:
    await verifier.verify(await token(world.sandbox, lifetime_seconds=-20))
    with pytest.raises(TokenExpired):
        await verifier.verify(await token(world.sandbox, lifetime_seconds=int(-timedelta(minutes=1).total_seconds())))
