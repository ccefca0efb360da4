"""Consent, tokens and identity."""

import html
import re

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.google.grants import SANDBOX_CLIENT_ID
from tests.sandbox.consent import REDIRECT, answer_of
from tests.sandbox.google.live import ADA, AUTH, BO, CALENDAR

EVENTS, LISTS = f"{AUTH}calendar.events", f"{AUTH}calendar.calendarlist.readonly"


@pytest.fixture
def google(google):
    google.account(ADA)
    google.account(BO)
    return google


def ask(google, **more):
    query = {"client_id": SANDBOX_CLIENT_ID, "redirect_uri": REDIRECT, "response_type": "code", "scope": EVENTS}
    return google.http.get("/google/o/oauth2/v2/auth", params={**query, **more})


def test_the_consent_page_offers_accounts_and_a_box_for_every_scope_but_identity(google):
    page = ask(google, scope=f"openid email {EVENTS} {LISTS}").text
    assert 'value="ada@example.com"' in page
    assert 'value="bo@example.com"' in page
    assert page.count('type="checkbox"') == 2


def test_a_login_hint_leaves_one_account_unless_the_chooser_is_asked_for(google):
    assert "bo@example.com" not in ask(google, login_hint="ada@example.com").text
    assert "bo@example.com" in ask(google, login_hint="ada@example.com", prompt="select_account").text


def test_a_wrong_client_or_redirect_address_is_shown_and_never_redirected(google):
    for bad in ({"client_id": "other"}, {"redirect_uri": "https://evil.example/cb"}, {"scope": "calendar.nonsense"}):
        refused = ask(google, **bad)
        assert refused.status_code == 400
        assert "location" not in refused.headers


def test_a_registered_redirect_address_is_taken(google):
    google.control(
        "PUT", f"/clients/{SANDBOX_CLIENT_ID}/redirect-uris", {"redirect_uris": ["https://app.example/callback"]}
    )
    assert ask(google, redirect_uri="https://app.example/callback").status_code == 200


def test_denial_comes_back_as_access_denied_with_the_state(google):
    denied = google.authorize("ada@example.com", [EVENTS], decision="deny")
    assert answer_of(denied) == {"error": "access_denied", "state": "the-state"}


def test_an_unticked_scope_is_missing_from_the_token_and_its_calls_are_refused(google):
    code = google.code("ada@example.com", ["openid", EVENTS, LISTS], granted=EVENTS)
    tokens = google.redeem(code).json()
    assert set(tokens["scope"].split()) == {"openid", EVENTS}
    answer = google.http.get(
        "/google/calendar/v3/users/me/calendarList", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (403, "PERMISSION_DENIED")
    assert error["errors"][0]["reason"] == "insufficientPermissions"
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert error["details"][0]["metadata"]["method"] == "calendar.v3.CalendarList.List"


def test_the_short_scope_names_come_back_long(google):
    tokens = google.sign_in("ada@example.com", ["email", EVENTS])
    assert f"{AUTH}userinfo.email" in tokens["scope"].split()
    again = google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope=f"email {EVENTS}")
    assert again.json()["scope"] == tokens["scope"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"code_verifier": "wrong"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"code": "4/0made-up"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_redeemed_only_as_it_was_asked_for(google, form, error):
    code = google.code("ada@example.com", [EVENTS])
    refused = google.redeem(**{"code": code, **form})
    assert refused.status_code in {400, 401}
    assert refused.json()["error"] == error
    assert google.redeem(code).status_code == 200, "a refused attempt must not burn the code"


def test_a_code_lives_ten_minutes(google):
    code = google.code("ada@example.com", [EVENTS])
    google.control("POST", "/clock", {"advance": 601})
    assert google.redeem(code).json()["error"] == "invalid_grant"


def test_a_code_used_twice_kills_what_it_gave(google):
    code = google.code("ada@example.com", [EVENTS])
    tokens = google.redeem(code).json()
    assert google.redeem(code).json()["error"] == "invalid_grant"
    refresh = google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refresh.json() == {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }


def test_a_refresh_token_comes_only_offline_and_with_the_first_or_a_new_consent(google):
    online = google.redeem(google.code("ada@example.com", [EVENTS], access_type="online")).json()
    assert "refresh_token" not in online
    assert "refresh_token" in google.sign_in("ada@example.com", [EVENTS])
    again = ask(google, login_hint="ada@example.com", access_type="offline")
    assert again.status_code == 302, "nothing is left to ask"
    silent = google.token(grant_type="authorization_code", code=answer_of(again)["code"], redirect_uri=REDIRECT).json()
    assert "access_token" in silent
    assert "refresh_token" not in silent


def test_granted_scopes_add_up_on_request(google):
    google.sign_in("ada@example.com", [EVENTS])
    code = google.code("ada@example.com", [LISTS], include_granted_scopes="true")
    assert set(google.redeem(code).json()["scope"].split()) == {EVENTS, LISTS}


def test_a_refresh_token_has_the_scopes_of_its_own_consent(google):
    def refreshed(tokens, **more):
        return google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"], **more).json()

    first = google.sign_in("ada@example.com", [EVENTS])
    second = google.sign_in("ada@example.com", [LISTS])
    both = google.redeem(google.code("ada@example.com", [LISTS], include_granted_scopes="true")).json()
    assert refreshed(first)["scope"] == EVENTS
    assert refreshed(second)["scope"] == LISTS
    assert set(refreshed(both)["scope"].split()) == {EVENTS, LISTS}
    assert refreshed(both, scope=EVENTS)["scope"] == EVENTS
    assert refreshed(second, scope=EVENTS)["error"] == "invalid_scope"


def test_an_access_token_ends_after_an_hour_and_is_refreshed(google):
    tokens = google.sign_in("ada@example.com")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    path = "/google/calendar/v3/calendars/primary/events"
    assert google.http.get(path, headers=headers).status_code == 200
    google.control("POST", "/clock", {"advance": tokens["expires_in"] + 1})
    expired = google.http.get(path, headers=headers)
    assert expired.status_code == 401
    assert expired.json()["error"]["errors"][0]["reason"] == "authError"
    fresh = google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert "refresh_token" not in fresh
    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert google.http.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_grant(google, which):
    tokens = google.sign_in("ada@example.com")
    assert google.http.post("/google/revoke", data={"token": tokens[which]}).status_code == 200
    again = google.http.post("/google/revoke", data={"token": tokens[which]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    refresh = google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refresh.json()["error"] == "invalid_grant"
    call = google.http.get("/google/v1/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert call.status_code == 401


def test_a_person_can_take_access_away(google):
    tokens = google.sign_in("ada@example.com")
    assert google.control("POST", "/accounts/ada@example.com/revoke") == {"revoked": 1}
    refresh = google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refresh.json()["error"] == "invalid_grant"


def test_refresh_tokens_die_unused_after_half_a_year_by_testing_mode_and_past_the_cap(google):
    old = google.sign_in("ada@example.com")["refresh_token"]
    google.control("PATCH", "/knobs", {"refresh_token_cap": 1})
    newer = google.sign_in("ada@example.com")["refresh_token"]
    assert google.token(grant_type="refresh_token", refresh_token=old).status_code == 400
    assert google.token(grant_type="refresh_token", refresh_token=newer).status_code == 200
    google.control("POST", "/clock", {"advance": 183 * 86400})
    assert google.token(grant_type="refresh_token", refresh_token=newer).status_code == 400
    google.control("PATCH", "/knobs", {"refresh_token_lifetime": 7 * 86400})
    testing = google.sign_in("ada@example.com")
    assert testing["refresh_token_expires_in"] == 7 * 86400
    google.control("POST", "/clock", {"advance": 8 * 86400})
    assert google.token(grant_type="refresh_token", refresh_token=testing["refresh_token"]).status_code == 400


def test_the_id_token_is_signed_with_the_published_key(google):
    tokens = google.redeem(google.code("ada@example.com", ["openid", "email", "profile", CALENDAR], nonce="n1")).json()
    keys = KeySet.import_key_set(google.http.get("/google/oauth2/v3/certs").json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"], claims["nonce"]) == ("https://accounts.google.com", SANDBOX_CLIENT_ID, "n1")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    info = google.http.get("/google/v1/userinfo", headers=headers).json()
    assert info["sub"] == claims["sub"]
    assert (info["email"], info["email_verified"], info["name"]) == ("ada@example.com", True, "Ada")


def test_the_configuration_names_addresses_that_answer(google):
    told = google.http.get("/google/.well-known/openid-configuration").json()
    assert told["token_endpoint"] == f"{google.base_url}/google/token"
    assert google.http.get(told["jwks_uri"]).json()["keys"][0]["kty"] == "RSA"
    assert google.http.get(told["userinfo_endpoint"]).status_code == 401


def test_the_form_on_the_consent_page_leads_to_the_decision(google):
    page = ask(google, login_hint="ada@example.com", state="s1").text
    action = re.search(r'action="([^"]+)"', page)[1]
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    form = {**{name: html.unescape(value) for name, value in hidden.items()}, "account": "ada@example.com"}
    agreed = google.http.post(action, data={**form, "granted_scope": EVENTS, "decision": "allow"})
    assert answer_of(agreed)["state"] == "s1"
    assert answer_of(agreed)["code"]


@pytest.mark.parametrize("name", ["access_token", "oauth_token"])
def test_a_token_may_stand_in_the_query_and_must_be_good_there_too(google, name):
    address = "/google/calendar/v3/calendars/primary/events"
    good = google.http.get(address, params={name: google.sign_in("ada@example.com")["access_token"]})
    assert good.json()["kind"] == "calendar#events"
    assert google.http.get(address, params={name: "wrong"}).status_code == 401


def test_the_request_log_never_holds_a_token(google):
    tokens = google.sign_in("ada@example.com")
    for name in ("access_token", "oauth_token"):
        google.http.get("/google/calendar/v3/calendars/primary/events", params={name: tokens["access_token"]})
    log = str(google.control("GET", "/requests"))
    assert tokens["access_token"] not in log
    assert "ada@example.com" in log
