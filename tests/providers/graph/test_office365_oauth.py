"""Connecting to Microsoft: the consent page, the token endpoint, and every way it can refuse."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from app.calendar import ProviderName
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
from app.providers.graph.oauth import CALENDARS, SCOPES, USER
from app.providers.graph.provider import Office365Provider
from tests.providers.graph.scripted_graph import NOW, scripted_graph, settings_at
from tests.providers.scripted import Drop, Reply

REDIRECT = "https://connect.example.com/v1/oauth/office365/callback"
GRAPH = "https://graph.microsoft.com/"


@pytest.fixture
async def server():
    async with scripted_graph() as server:
        yield server


@pytest.fixture
async def office365(server):
    async with HttpClient(timeout_seconds=3) as http:
        yield Office365Provider(settings_at(server.url), http, clock=lambda: NOW)


def exchange(office365):
    return office365.exchange_code("the code", code_verifier="verifier", redirect_uri=REDIRECT)


def token(**changes):
    body = {
        "token_type": "Bearer",
        "scope": f"openid profile email {GRAPH}User.Read {GRAPH}calendars.readwrite {GRAPH}MailboxSettings.Read",
        "expires_in": 4799,
        "ext_expires_in": 4799,
        "access_token": "EwB4.a",
        "refresh_token": "M.C1.r",
        "id_token": "x.y.z",
        **changes,
    }
    return Reply(body={name: value for name, value in body.items() if value is not None})


def aadsts(number, code="invalid_grant", status=400, **more):
    body = {
        "error": code,
        "error_description": f"AADSTS{number}: The provided grant for ada@example.com has expired. Trace ID: 1",
        "error_codes": [number],
        "timestamp": "2026-03-01 12:00:00Z",
        "trace_id": "t",
        "correlation_id": "c",
        **more,
    }
    return Reply(status, body, {"x-ms-request-id": "r", "request-id": "r"})


def test_it_is_a_provider_with_oauth(office365):
    assert isinstance(office365, SupportsOAuth)
    assert office365.name is ProviderName.OFFICE365
    assert office365.ical_uid("k") is None
    assert not office365.features.can_suppress_notifications


def test_secrets_do_not_show():
    assert "s&cret" not in repr(settings_at("http://x"))


@pytest.mark.parametrize("hint", [None, "ada+1@example.com"])
def test_r6_the_consent_page_forces_the_account_chooser(office365, server, hint):
    url = office365.authorization_url(state="st&te", code_challenge="ch", redirect_uri=REDIRECT, login_hint=hint)
    assert url.startswith(f"{server.url}/common/oauth2/v2.0/authorize?")
    query = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
    assert query.pop("login_hint", None) == hint
    assert query == {
        "response_type": "code",
        "response_mode": "query",
        "client_id": "client-id",
        "redirect_uri": REDIRECT,
        "scope": "openid profile email offline_access User.Read Calendars.ReadWrite Calendars.ReadWrite.Shared "
        "MailboxSettings.Read",
        "state": "st&te",
        "code_challenge": "ch",
        "code_challenge_method": "S256",
        "prompt": "select_account",
    }


async def test_a_code_becomes_a_grant_of_what_was_really_granted(office365, server):
    server.script(token())
    grant = await exchange(office365)
    assert (grant.access_token, grant.refresh_token) == ("EwB4.a", "M.C1.r")
    assert grant.expires_at == NOW + timedelta(seconds=4799)
    assert grant.scopes == {"openid", "profile", "email", "User.Read", "Calendars.ReadWrite", "MailboxSettings.Read"}
    assert office365.missing_scopes(grant.scopes) == set()
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/common/oauth2/v2.0/token")
    assert parse_qs(seen.body.decode(), strict_parsing=True) == {
        "grant_type": ["authorization_code"],
        "client_id": ["client-id"],
        "client_secret": ["s&cret"],
        "code": ["the code"],
        "code_verifier": ["verifier"],
        "redirect_uri": [REDIRECT],
    }


async def test_where_we_have_no_client_nobody_is_asked(server):
    async with HttpClient(timeout_seconds=3) as http:
        office365 = Office365Provider(replace(settings_at(server.url), client_id=""), http, clock=lambda: NOW)
        assert not office365.offered
        for asked in (exchange(office365), office365.refresh("M.C1.r")):
            with pytest.raises(Misconfigured):
                await asked
    assert server.seen == []


async def test_a_refresh_rotates_the_refresh_token(office365, server):
    server.script(token(refresh_token="M.C1.next", scope=None))
    grant = await office365.refresh("M.C1.r")
    assert grant.refresh_token == "M.C1.next"
    assert grant.scopes == set(SCOPES), "left out means: as asked for"
    assert parse_qs(server.seen[0].body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["client-id"],
        "client_secret": ["s&cret"],
        "refresh_token": ["M.C1.r"],
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (aadsts(50173), "token_revoked"),
        (aadsts(70000), "token_revoked"),
        (aadsts(65001, "consent_required"), "token_revoked"),
        (aadsts(7000112, "unauthorized_client"), "token_revoked"),
        (aadsts(50133), "password_changed"),
        (aadsts(70008), "token_expired"),
        (aadsts(700082), "token_expired"),
        (aadsts(700084), "token_expired"),
        (aadsts(50076, "interaction_required"), "token_expired"),
        (aadsts(50079, "interaction_required"), "token_expired"),
        (aadsts(700082, error_codes=[]), "token_expired"),
        (Reply(400, {"error": "invalid_grant"}), "token_revoked"),
    ],
)
async def test_r16_a_dead_grant_needs_the_person_and_says_why(office365, server, answer, reason):
    server.script(answer)
    with pytest.raises(ReauthRequired) as refusal:
        await office365.refresh("M.C1.r")
    assert refusal.value.provider_code == reason
    assert "ada" not in str(refusal.value)
    assert "M.C1" not in str(refusal.value)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (aadsts(54005), "AADSTS54005"),
        (aadsts(70008), "AADSTS70008"),
        (aadsts(65001), "admin_consent_required"),
        (aadsts(90094, "consent_required"), "admin_consent_required"),
        (Reply(400, {"error": "invalid_grant"}), "invalid_grant"),
    ],
)
async def test_a_bad_code_is_a_refused_consent(office365, server, answer, code):
    server.script(answer)
    with pytest.raises(ConsentRefused) as refusal:
        await exchange(office365)
    assert refusal.value.provider_code == code


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (aadsts(7000215, "invalid_client", 401), Misconfigured),
        (aadsts(7000222, "invalid_client", 401), Misconfigured),
        (aadsts(700016, "unauthorized_client"), Misconfigured),
        (aadsts(500011, "invalid_resource"), Misconfigured),
        (aadsts(50196), RateLimited),
        (Reply(429, b"slow down"), RateLimited),
        (aadsts(90033, "temporarily_unavailable"), Transient),
        (aadsts(90033), Transient),
        (aadsts(50000, "server_error", 500), Transient),
        (Reply(503, b"<html>"), Transient),
        (Drop(), Transient),
        (aadsts(900144, "invalid_request"), InvalidRequest),
        (Reply(403, b"<html>"), InvalidRequest),
        (Reply(400, {"error": {"nested": True}}), InvalidRequest),
        (Reply(200, b"<html>"), ProtocolError),
        (token(access_token=None), ProtocolError),
        (token(expires_in="soon"), ProtocolError),
    ],
)
async def test_how_the_token_endpoint_refuses(office365, server, answer, error):
    server.script(answer, answer)
    with pytest.raises(error):
        await office365.refresh("M.C1.r")
    with pytest.raises(error):
        await exchange(office365)


async def test_r16_a_code_nobody_has_heard_of_is_dead_only_once_it_was_said_for_long(office365, server):
    server.script(*[aadsts(7777777, "mailbox_of_another_planet")] * 2)
    with pytest.raises(AuthExpired) as refusal:
        await office365.refresh("M.C1.r")
    assert refusal.value.provider_code == "AADSTS7777777"
    with pytest.raises(InvalidRequest):
        await exchange(office365)


async def test_a_throttled_refresh_says_how_long_to_wait(office365, server):
    server.script(Reply(429, {"error": "temporarily_unavailable"}, {"Retry-After": "Sun, 01 Mar 2026 12:00:20 GMT"}))
    with pytest.raises(RateLimited) as throttled:
        await office365.refresh("M.C1.r")
    assert throttled.value.retry_after == 20


@pytest.mark.parametrize(
    ("me", "email"),
    [
        ({"mail": "Ada@example.com", "userPrincipalName": "ada@corp.example.com"}, "Ada@example.com"),
        ({"mail": None, "userPrincipalName": "ada@outlook.com"}, "ada@outlook.com"),
    ],
)
async def test_whose_account_it_is(office365, server, me, email):
    server.script(Reply(body={"@odata.context": "x", "id": "6e7b768e-07e2-4810-8459-485f84f8f204", **me}))
    identity = await office365.identify("EwB4.a")
    assert (identity.subject, identity.email) == ("6e7b768e-07e2-4810-8459-485f84f8f204", email)
    assert identity.aliases == {name for name in (me.get("mail"), me["userPrincipalName"]) if name}
    assert server.seen[0].path == "/v1.0/me"
    assert server.seen[0].headers["authorization"] == "Bearer EwB4.a"


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Reply(401), AuthExpired), (Reply(body={"id": "1234"}), ProtocolError), (Reply(500), Transient)],
)
async def test_an_account_that_cannot_be_told(office365, server, answer, error):
    server.script(answer)
    with pytest.raises(error):
        await office365.identify("EwB4.a")
    assert len(server.seen) == 1


async def test_r15_there_is_nothing_to_revoke_at_microsoft(office365, server):
    await office365.revoke("M.C1.r")
    assert server.seen == []


@pytest.mark.parametrize(
    ("granted", "missing", "writes"),
    [
        ({USER, CALENDARS}, set(), True),
        ({"user.read", f"{GRAPH}Calendars.ReadWrite"}, set(), True),
        ({CALENDARS}, {USER}, True),
        ({USER, "Calendars.Read"}, {CALENDARS}, False),
        ({"openid", "email"}, {USER, CALENDARS}, False),
    ],
)
def test_r7_which_scopes_are_indispensable(office365, granted, missing, writes):
    assert office365.missing_scopes(frozenset(granted)) == missing
    assert office365.can_write(frozenset(granted)) is writes


async def test_a_microsoft_that_is_not_there_passes():
    async with HttpClient(timeout_seconds=1) as http:
        settings = replace(settings_at("http://x"), authority_url="http://127.0.0.1:1/common")
        with pytest.raises(Transient):
            await Office365Provider(settings, http, clock=lambda: NOW).refresh("M.C1.r")
