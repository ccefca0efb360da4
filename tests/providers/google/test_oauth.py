"""Connecting to Google: the consent page, the token endpoint, and every way it can refuse."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from app.calendar import Identity, ProviderName
from app.http import HttpClient
from app.providers.base import (
    AuthExpired,
    ConsentRefused,
    InvalidRequest,
    Misconfigured,
    ProtocolError,
    RateLimited,
    ReauthRequired,
    SupportsOAuth,
    Transient,
)
from app.providers.google.oauth import CALENDAR, CALENDAR_LIST, EVENTS, FREE_BUSY, SCOPES, GoogleSettings
from app.providers.google.provider import GoogleProvider
from tests.providers.scripted import Drop, Reply, ScriptedServer

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REDIRECT = "https://connect.example.com/v1/oauth/google/callback"


@pytest.fixture
async def server():
    async with ScriptedServer() as server:
        yield server
        assert server.left == 0


@pytest.fixture
def settings(server):
    return GoogleSettings(
        client_id="client-id",
        client_secret="s&cret",
        auth_url=f"{server.url}/o/oauth2/v2/auth?hl=sv",
        token_url=f"{server.url}/token",
        revoke_url=f"{server.url}/revoke",
        userinfo_url=f"{server.url}/userinfo",
        api_url=f"{server.url}/api",
    )


@pytest.fixture
async def google(settings):
    async with HttpClient(timeout_seconds=3) as http:
        yield GoogleProvider(settings, http, clock=lambda: NOW)


def exchange(google):
    return google.exchange_code("the code", code_verifier="verifier", redirect_uri=REDIRECT)


def token(**changes):
    body = {
        "access_token": "ya29.a",
        "expires_in": 3599,
        "refresh_token": "1//r",
        "scope": f"openid {EVENTS} https://www.googleapis.com/auth/userinfo.email",
        "token_type": "Bearer",
        "id_token": "x.y.z",
        **changes,
    }
    return Reply(body={name: value for name, value in body.items() if value is not None})


def oauth_error(code, status=400):
    return Reply(status, {"error": code, "error_description": "Token 1//r has been expired or revoked."})


def test_it_is_a_provider_with_oauth(google):
    assert isinstance(google, SupportsOAuth)
    assert google.name is ProviderName.GOOGLE
    assert google.ical_uid("k").endswith("@google.com")
    assert google.features.can_suppress_notifications


def test_secrets_do_not_show(settings):
    assert "s&cret" not in repr(settings)


@pytest.mark.parametrize("hint", [None, "ada+1@example.com"])
def test_r6_the_consent_page_forces_the_account_chooser_and_a_refresh_token(google, hint):
    url = google.authorization_url(state="st&te", code_challenge="ch", redirect_uri=REDIRECT, login_hint=hint)
    query = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
    assert query.pop("login_hint", None) == hint
    assert query == {
        "hl": "sv",
        "response_type": "code",
        "client_id": "client-id",
        "redirect_uri": REDIRECT,
        "scope": " ".join(SCOPES),
        "state": "st&te",
        "code_challenge": "ch",
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent select_account",
        "include_granted_scopes": "true",
    }


async def test_a_code_becomes_a_grant_of_what_was_really_granted(google, server):
    server.script(token())
    grant = await exchange(google)
    assert (grant.access_token, grant.refresh_token) == ("ya29.a", "1//r")
    assert grant.expires_at == NOW + timedelta(seconds=3599)
    assert grant.scopes == {"openid", EVENTS, "https://www.googleapis.com/auth/userinfo.email"}
    (seen,) = server.seen
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(seen.body.decode(), strict_parsing=True) == {
        "grant_type": ["authorization_code"],
        "client_id": ["client-id"],
        "client_secret": ["s&cret"],
        "code": ["the code"],
        "code_verifier": ["verifier"],
        "redirect_uri": [REDIRECT],
    }


async def test_where_we_have_no_client_nobody_is_asked(settings, server):
    async with HttpClient(timeout_seconds=3) as http:
        google = GoogleProvider(replace(settings, client_id=""), http, clock=lambda: NOW)
        assert not google.offered
        for asked in (exchange(google), google.refresh("1//r")):
            with pytest.raises(Misconfigured):
                await asked
    assert server.seen == []


async def test_a_refresh_keeps_the_refresh_token(google, server):
    server.script(token(refresh_token=None, scope=None))
    grant = await google.refresh("1//r")
    assert grant.refresh_token is None
    assert grant.scopes == set(SCOPES), "left out means: as asked for"
    assert parse_qs(server.seen[0].body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["client-id"],
        "client_secret": ["s&cret"],
        "refresh_token": ["1//r"],
    }


@pytest.mark.parametrize("code", ["invalid_grant", "admin_policy_enforced", "access_denied"])
async def test_r16_a_dead_grant_needs_the_person(google, server, code):
    server.script(oauth_error(code))
    with pytest.raises(ReauthRequired) as refusal:
        await google.refresh("1//r")
    assert refusal.value.provider_code == "token_revoked"
    assert "1//r" not in str(refusal.value)


async def test_a_bad_code_is_a_refused_consent(google, server):
    server.script(oauth_error("invalid_grant"))
    with pytest.raises(ConsentRefused) as refusal:
        await exchange(google)
    assert refusal.value.provider_code == "invalid_grant"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (oauth_error("invalid_client", 401), Misconfigured),
        (oauth_error("unauthorized_client"), Misconfigured),
        (oauth_error("redirect_uri_mismatch"), Misconfigured),
        (oauth_error("rate_limit_exceeded", 403), RateLimited),
        (Reply(429, b"slow down"), RateLimited),
        (oauth_error("internal_failure", 500), Transient),
        (oauth_error("temporarily_unavailable"), Transient),
        (Reply(503, b"<html>"), Transient),
        (Drop(), Transient),
        (oauth_error("invalid_request"), InvalidRequest),
        (Reply(403, b"<html>"), InvalidRequest),
        (Reply(400, {"error": {"nested": True}}), InvalidRequest),
        (Reply(200, b"<html>"), ProtocolError),
        (Reply(200, b"[1]"), ProtocolError),
        (token(access_token=None), ProtocolError),
        (token(expires_in="soon"), ProtocolError),
    ],
)
async def test_how_the_token_endpoint_refuses(google, server, answer, error):
    server.script(answer, answer)
    with pytest.raises(error):
        await google.refresh("1//r")
    with pytest.raises(error):
        await exchange(google)


async def test_r16_a_code_nobody_has_heard_of_is_dead_only_once_it_was_said_for_long(google, server):
    server.script(*[oauth_error("account_of_another_planet")] * 2)
    with pytest.raises(AuthExpired) as refusal:
        await google.refresh("1//r")
    assert refusal.value.provider_code == "account_of_another_planet"
    with pytest.raises(InvalidRequest):
        await exchange(google)


async def test_a_throttled_refresh_says_how_long_to_wait(google, server):
    server.script(Reply(429, {"error": "rate_limit_exceeded"}, {"Retry-After": "Sun, 01 Mar 2026 12:00:20 GMT"}))
    with pytest.raises(RateLimited) as throttled:
        await google.refresh("1//r")
    assert throttled.value.retry_after == 20


async def test_whose_account_it_is(google, server):
    server.script(Reply(body={"sub": "1234", "email": "Ada@example.com", "email_verified": True, "hd": "example.com"}))
    assert await google.identify("ya29.a") == Identity("1234", "Ada@example.com")
    assert server.seen[0].headers["authorization"] == "Bearer ya29.a"


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Reply(401), AuthExpired), (Reply(body={"sub": "1234"}), ProtocolError), (Reply(500), Transient)],
)
async def test_an_account_that_cannot_be_told(google, server, answer, error):
    server.script(answer)
    with pytest.raises(error):
        await google.identify("ya29.a")
    assert len(server.seen) == 1


@pytest.mark.parametrize("answer", [Reply(body={}), oauth_error("invalid_token")])
async def test_r15_revoking_ends_the_grant_also_when_it_is_dead(google, server, answer):
    server.script(answer)
    await google.revoke("1//r")
    assert (server.seen[0].path, server.seen[0].body) == ("/revoke", b"token=1%2F%2Fr")


@pytest.mark.parametrize("answer", [Reply(503), Drop(), Reply(429)])
async def test_a_revocation_that_may_not_have_happened_is_an_error(google, server, answer):
    server.script(answer)
    with pytest.raises((Transient, RateLimited)):
        await google.revoke("1//r")


@pytest.mark.parametrize(
    ("granted", "missing", "writes"),
    [
        ({EVENTS, CALENDAR_LIST, FREE_BUSY}, set(), True),
        ({EVENTS, CALENDAR_LIST}, set(), True),
        ({CALENDAR}, set(), True),
        ({EVENTS, f"{CALENDAR}.readonly"}, set(), True),
        ({EVENTS, FREE_BUSY}, {CALENDAR_LIST}, True),
        ({CALENDAR_LIST, FREE_BUSY}, {EVENTS}, False),
        ({"openid", "email"}, {EVENTS, CALENDAR_LIST}, False),
    ],
)
def test_r7_which_scopes_are_indispensable(google, granted, missing, writes):
    assert google.missing_scopes(frozenset(granted)) == missing
    assert google.can_write(frozenset(granted)) is writes


async def test_a_google_that_is_not_there_passes(settings):
    async with HttpClient(timeout_seconds=1) as http:
        google = GoogleProvider(replace(settings, token_url="http://127.0.0.1:1/token"), http, clock=lambda: NOW)
        with pytest.raises(Transient):
            await google.refresh("1//r")
