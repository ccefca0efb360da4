"""OAuth, as somebody would bend it: mixed up providers, injected codes, weakened proofs, and a way back to elsewhere.

The one rule: what comes back must be what was asked for, by whom it was asked for; nothing is stored of anything else.
A state that comes twice, late, or at another provider's callback is looked at in `tests/connections`.
"""

import base64
import hashlib
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connections.return_urls import allowed_return_url, with_result
from app.errors import ReturnUrlNotAllowed
from app.vault import SecretPlace, Vault
from prove.attack_returns import ALLOWED, browser_goes_to, hostile_return_urls
from tests.support.people import Person
from tests.support.world import World, problem

PROVIDERS = ("google", "office365")


async def started(person: Person, provider: str = "google") -> dict[str, Any]:
    answer = await person.start_connecting(provider=provider)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def newcomer(world: World) -> Person:
    """Somebody with an account at both providers."""
    person = await world.person()
    await world.sandbox.google_account(person.email)
    await world.sandbox.microsoft.account(person.email)
    return person


async def outcome(person: Person, attempt: dict[str, Any]) -> str:
    body = (await person.get(f"/v1/connection-authorizations/{attempt['id']}")).json()
    return str(body["status"])


async def back_with(world: World, provider: str, *, code: str, state: str) -> httpx.Response:
    return await world.api.get(f"/v1/oauth/{provider}/callback", params={"code": code, "state": state})


async def returned(world: World, person: Person, attempt: dict[str, Any]) -> httpx.URL:
    """Where the provider sends the browser; nobody goes there yet."""
    return httpx.URL(await world.sandbox.consent(attempt["authorization_url"], email=person.email))


async def test_r6_a_code_of_one_provider_opens_nothing_at_the_other_s_callback(world: World) -> None:
    """Mixed up: a person who consents at one provider is led back as if it had been the other."""
    person = await newcomer(world)
    for ours, theirs in (PROVIDERS, PROVIDERS[::-1]):
        here, there = await started(person, ours), await started(person, theirs)
        code = (await returned(world, person, there)).params["code"]
        state = httpx.URL(here["authorization_url"]).params["state"]
        await back_with(world, ours, code=code, state=state)
        assert await outcome(person, here) == "denied"
        assert await outcome(person, there) == "pending", "its own way back is still open"
        problem(await back_with(world, ours, code=code, state=httpx.URL(there["authorization_url"]).params["state"]),
                400, "authorization_state_invalid")  # fmt: skip
    assert await world.rows("SELECT FROM connections") == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_r6_somebody_else_s_code_is_of_no_use(world: World, provider: str) -> None:
    """Injected: a code that was stolen on its way, in the thief's own attempt. PKCE ties it to the other attempt."""
    victim, thief = await newcomer(world), await newcomer(world)
    theirs, own = await started(victim, provider), await started(thief, provider)
    code = (await returned(world, victim, theirs)).params["code"]
    await back_with(world, provider, code=code, state=httpx.URL(own["authorization_url"]).params["state"])
    assert await outcome(thief, own) == "denied"
    assert await world.rows("SELECT FROM connections") == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_r6_every_attempt_has_a_proof_of_its_own_and_never_a_weaker_one(
    world: World, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifiers: list[str] = []
    seal = Vault.seal

    async def tapped(vault: Vault, session: Any, place: SecretPlace, secret: str) -> bytes:
        if place.column == "code_verifier":
            verifiers.append(secret)
        return await seal(vault, session, place, secret)

    monkeypatch.setattr(Vault, "seal", tapped)
    person = await newcomer(world)
    asked = [httpx.URL((await started(person, provider))["authorization_url"]).params for _ in range(3)]
    for parameters, verifier in zip(asked, verifiers, strict=True):
        digest = hashlib.sha256(verifier.encode()).digest()
        assert parameters["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert parameters.get_list("code_challenge_method") == ["S256"]
        assert parameters["response_type"] == "code"
        assert len(verifier) >= 43, "RFC 7636 4.1"
        assert verifier not in str(parameters)
    assert len(set(verifiers)) == len({parameters["state"] for parameters in asked}) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_r6_where_the_code_goes_is_the_deployment_s_to_say(world: World, provider: str) -> None:
    """Not the caller's, whatever the request says of hosts."""
    person = await newcomer(world)
    person.headers |= {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    url = httpx.URL((await started(person, provider))["authorization_url"])
    public = world.services.settings.public_url
    assert url.params["redirect_uri"] == f"{public}/v1/oauth/{provider}/callback"
    assert "evil.example" not in str(url)


@pytest.mark.parametrize("url", hostile_return_urls())
def test_r8_no_url_leads_a_browser_elsewhere(url: str) -> None:
    """Refused, or read by browsers as we read it."""
    try:
        allowed = allowed_return_url(url, ALLOWED, client="web")
    except ReturnUrlNotAllowed:
        return
    target = with_result(allowed, status="completed", code=None)
    assert browser_goes_to(target) in {browser_goes_to(prefix) for prefix in ALLOWED}, target


_PIECES = st.sampled_from(
    ["https:", "//", "/", "\\", "crm.example.com", "evil.example", "@", ":", "443", "#", "?", ".", "..", "%2e", "%2f",
     "\t", "\n", "\r", " ", "\x00", "\u3002", "\uff0e", "meetings", "crm-app:", "home", "javascript:", "[", "]", ";"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=8).map("".join), st.sampled_from(["", *ALLOWED, "https://crm.example.com"]))
def test_r8_no_url_put_together_by_chance_leads_a_browser_elsewhere(tail: str, head: str) -> None:
    test_r8_no_url_leads_a_browser_elsewhere(head + tail)


def test_r8_the_browser_of_these_tests_is_led_astray_by_what_leads_browsers_astray() -> None:
    assert browser_goes_to("https:\\\\evil.example\\x") == ("https", "evil.example", None)
    assert browser_goes_to("ht\ntps://ev\til.example/") == ("https", "evil.example", None)
    assert browser_goes_to("https://crm.example.com\\@evil.example/") == ("https", "crm.example.com", None)
    assert browser_goes_to("https://crm.example.com@evil.example:8443/") == ("https", "evil.example", 8443)
    assert browser_goes_to("https:evil.example") == ("https", "evil.example", None)
    assert browser_goes_to(" javascript:alert(1)") == ("javascript", "", None)
