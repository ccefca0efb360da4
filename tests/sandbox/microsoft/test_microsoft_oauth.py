"""Consent, tokens and their ends at the identity platform."""

import base64

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.microsoft.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sandbox.microsoft.world import CONSUMERS
from tests.sandbox.consent import CHALLENGE, answer_of
from tests.sandbox.microsoft.live import ADA, SCOPES, Api

PAT = "pat@outlook.example"


@pytest.fixture
def ms(ms):
    ms.account(ADA)
    ms.account(PAT, work=False)
    return ms


def test_the_page_offers_accounts_and_tells_the_permissions_without_boxes(ms):
    page = ms.open_page().text
    assert f'value="{ADA}"' in page
    assert f'value="{PAT}"' in page
    assert "Calendars.ReadWrite" in page
    assert "checkbox" not in page


def test_a_tenant_lets_in_its_own_people_only(ms):
    assert PAT not in ms.open_page("organizations").text
    assert ADA not in ms.open_page("consumers").text
    assert PAT not in ms.open_page("contoso.example").text
    assert ADA in ms.open_page(ms.control("GET", f"/accounts/{ADA}")["tid"]).text
    assert "AADSTS90002" in ms.open_page("nowhere.example").text


def test_an_account_of_another_tenant_is_turned_away_on_the_page(ms):
    query = {**ms.authorization_query(), "account": PAT, "decision": "allow"}
    answer = ms.http.post("/microsoft/organizations/oauth2/v2.0/authorize/decision", data=query)
    assert answer.status_code == 400
    assert "AADSTS50020" in answer.text


def test_accepting_sends_back_a_code_and_the_state(ms):
    answer = answer_of(ms.press(ms.open_page(), ADA))
    assert answer["state"] == "the-state"
    assert answer["code"]


def test_declining_and_missing_admin_consent_come_back_as_access_denied(ms):
    declined = answer_of(ms.press(ms.open_page(), ADA, "deny"))
    assert (declined["error"], declined["state"]) == ("access_denied", "the-state")
    assert declined["error_description"].startswith("AADSTS65004: ")
    ms.control("PUT", "/tenants/contoso.example/admin-consent", {"required": True})
    closed = answer_of(ms.press(ms.open_page(), ADA))
    assert closed["error"] == "access_denied"
    assert closed["error_description"].startswith("AADSTS90094: ")
    ms.control("PUT", "/tenants/contoso.example/admin-consent", {"required": False})
    assert "code" in answer_of(ms.press(ms.open_page(), ADA))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [({"client_id": "other"}, "AADSTS700016"), ({"redirect_uri": "https://evil.example/cb"}, "AADSTS50011")],
)
def test_a_wrong_app_or_address_is_shown_and_never_redirected(ms, wrong, text):
    refused = ms.open_page(**wrong)
    assert refused.status_code == 400
    assert "location" not in refused.headers
    assert text in refused.text


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"scopes": ["Calendars.Nonsense"]}, "invalid_client", "AADSTS650053"),
        ({"response_type": "token"}, "unsupported_response_type", "AADSTS70005"),
        ({"prompt": "sometimes"}, "invalid_request", "AADSTS90023"),
        ({"response_mode": "carrier_pigeon"}, "invalid_request", "AADSTS90023"),
        ({"code_challenge_method": "S512"}, "invalid_request", "AADSTS90023"),
        ({"scopes": []}, "invalid_request", "AADSTS900144"),
        ({"prompt": "none"}, "interaction_required", "AADSTS16000"),
        ({"prompt": "none", "login_hint": ADA}, "consent_required", "AADSTS65001"),
    ],
)
def test_every_other_defect_is_redirected_with_its_code(ms, wrong, error, code):
    answer = answer_of(ms.open_page(**wrong))
    assert (answer["error"], answer["state"]) == (error, "the-state")
    assert answer["error_description"].startswith(f"{code}: ")
    assert "Trace ID: " in answer["error_description"]


def test_who_has_consented_and_is_hinted_at_passes_without_a_page(ms):
    ms.sign_in(ADA)
    assert answer_of(ms.open_page(prompt="", login_hint=ADA))["code"]
    assert answer_of(ms.open_page(prompt="none", login_hint=ADA))["code"]
    for prompt in ("consent", "select_account", "login"):
        assert ms.open_page(prompt=prompt, login_hint=ADA).status_code == 200
    more = ms.open_page(prompt="", login_hint=ADA, scopes=["Calendars.Read.Shared"])
    assert more.status_code == 200, "a new permission is asked for"


def test_the_token_answer_is_microsofts(ms):
    tokens = ms.sign_in(ADA)
    assert (tokens["token_type"], tokens["expires_in"], tokens["ext_expires_in"]) == ("Bearer", 3599, 3599)
    assert set(tokens["scope"].split()) == set(SCOPES) - {"offline_access"}
    ms.control("PATCH", "/knobs", {"scopes_as_uris": True})
    told = ms.sign_in(ADA)["scope"].split()
    assert "https://graph.microsoft.com/Calendars.ReadWrite" in told
    assert "openid" in told


def test_scopes_are_taken_as_addresses_and_in_any_case(ms):
    tokens = ms.sign_in(ADA, ["https://graph.microsoft.com/calendars.readwrite", "OPENID"])
    assert set(tokens["scope"].split()) == {"Calendars.ReadWrite", "openid"}
    assert "refresh_token" not in tokens, "only with offline_access"


def test_the_id_token_names_person_and_tenant_and_is_signed_with_the_published_key(ms):
    token = ms.redeem(ms.code(ADA, nonce="n-1")).json()["id_token"]
    told = ms.http.get("/microsoft/common/v2.0/.well-known/openid-configuration").json()
    assert told["token_endpoint"] == f"{ms.base_url}/microsoft/common/oauth2/v2.0/token"
    claims = jwt.decode(token, KeySet.import_key_set(ms.http.get(told["jwks_uri"]).json()), algorithms=["RS256"]).claims
    account = ms.control("GET", f"/accounts/{ADA}")
    assert (claims["oid"], claims["tid"], claims["aud"]) == (account["oid"], account["tid"], SANDBOX_CLIENT_ID)
    assert (claims["preferred_username"], claims["email"], claims["nonce"]) == (ADA, ADA, "n-1")
    assert claims["iss"] == f"https://login.microsoftonline.com/{account['tid']}/v2.0"
    assert ms.control("GET", f"/accounts/{PAT}")["tid"] == CONSUMERS


@pytest.mark.parametrize(
    ("form", "error", "code"),
    [
        ({"code_verifier": "wrong"}, "invalid_grant", 501481),
        ({"code_verifier": ""}, "invalid_grant", 501481),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, "invalid_client", 500112),
        ({"client_secret": "wrong"}, "invalid_client", 7000215),
        ({"client_secret": ""}, "invalid_client", 7000218),
        ({"client_id": "wrong"}, "unauthorized_client", 700016),
        ({"code": "0.ASmade-up"}, "invalid_grant", 70000),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
    ],
)
def test_a_code_is_redeemed_only_as_it_was_asked_for(ms, form, error, code):
    value = ms.code(ADA)
    refused = ms.redeem(**{"code": value, **form})
    body = refused.json()
    assert refused.status_code in {400, 401}
    assert (body["error"], body["error_codes"]) == (error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["trace_id"] in body["error_description"]
    assert body["correlation_id"] in body["error_description"]
    assert ms.redeem(value).status_code == 200, "a refused attempt must not burn the code"


def basic(ms, client_id, secret, /, **form):
    """A refresh with the app's id and secret in the header, as they stand."""
    value = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    form |= {"grant_type": "refresh_token", "refresh_token": ms.sign_in(ADA)["refresh_token"]}
    headers = {"Authorization": f"Basic {value}"}
    return ms.http.post("/microsoft/common/oauth2/v2.0/token", data=form, headers=headers)


def test_an_app_may_name_itself_in_a_basic_header(ms):
    assert basic(ms, SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET).json()["token_type"] == "Bearer"
    coded = SANDBOX_CLIENT_SECRET.replace("-", "%2D")
    assert basic(ms, SANDBOX_CLIENT_ID.replace("-", "%2d"), coded).status_code == 200, "both halves are form-encoded"
    assert basic(ms, SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, client_id=SANDBOX_CLIENT_ID).status_code == 200
    told = ms.http.get("/microsoft/common/v2.0/.well-known/openid-configuration").json()
    assert told["token_endpoint_auth_methods_supported"] == ["client_secret_post", "client_secret_basic"]


@pytest.mark.parametrize(
    ("client_id", "secret", "form", "error", "code"),
    [
        (SANDBOX_CLIENT_ID, "wrong", {}, "invalid_client", 7000215),
        (SANDBOX_CLIENT_ID, "", {}, "invalid_client", 7000218),
        ("other", SANDBOX_CLIENT_SECRET, {}, "unauthorized_client", 700016),
        (SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, {"client_secret": "x"}, "invalid_request", 9002313),
        (SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, {"client_id": "other"}, "invalid_request", 9002313),
    ],
)
def test_a_wrong_basic_header_is_refused(ms, *, client_id, secret, form, error, code):
    refused = basic(ms, client_id, secret, **form).json()
    assert (refused["error"], refused["error_codes"]) == (error, [code])


@pytest.mark.parametrize("value", ["nonsense!", base64.b64encode(b"no-colon").decode(), "\xe9", "/w=="])
def test_a_basic_header_of_nothing_is_refused(ms, value):
    headers = [("Authorization", f"Basic {value}".encode("latin-1"))]
    refused = ms.http.post("/microsoft/common/oauth2/v2.0/token", data={"grant_type": "x"}, headers=headers)
    assert (refused.status_code, refused.json()["error_codes"]) == (400, [9002313])


def test_a_code_is_good_once_and_for_ten_minutes(ms):
    code = ms.code(ADA)
    assert ms.redeem(code).status_code == 200
    assert ms.redeem(code).json()["error_codes"] == [54005]
    late = ms.code(ADA)
    ms.control("POST", "/clock", {"advance": 601})
    assert ms.redeem(late).json()["error_codes"] == [70008]


def test_plain_pkce_is_another_method(ms):
    code = ms.code(ADA, code_challenge_method="plain")
    assert ms.redeem(code).json()["error_codes"] == [501481]
    assert ms.redeem(code, code_verifier=CHALLENGE).status_code == 200


def test_every_refresh_gives_a_new_token_and_the_old_one_lives_on(ms):
    first = ms.sign_in(ADA)["refresh_token"]
    second = ms.refresh(first).json()["refresh_token"]
    assert second != first
    assert ms.refresh(first).status_code == 200
    assert ms.refresh(second).status_code == 200
    assert ms.control("GET", f"/accounts/{ADA}/refresh-tokens") == {"issued": 4}


def test_with_the_knob_turned_a_replaced_refresh_token_is_dead(ms):
    ms.control("PATCH", "/knobs", {"revoke_old_refresh_tokens": True})
    first = ms.sign_in(ADA)["refresh_token"]
    second = ms.refresh(first).json()["refresh_token"]
    assert ms.refresh(first).json()["error_codes"] == [50173]
    assert ms.refresh(second).status_code == 200


def test_a_refresh_may_ask_for_less_but_not_for_what_was_not_consented(ms):
    token = ms.sign_in(ADA)["refresh_token"]
    assert ms.refresh(token, scope="Calendars.ReadWrite").json()["scope"] == "Calendars.ReadWrite"
    refused = ms.refresh(token, scope="Calendars.Read.Shared").json()
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [65001])


@pytest.mark.parametrize(
    ("kind", "error", "code", "suberror"),
    [
        ("revoked", "invalid_grant", 50173, "bad_token"),
        ("consent_removed", "invalid_grant", 65001, "consent_required"),
        ("mfa", "interaction_required", 50076, "basic_action"),
        ("disabled", "invalid_grant", 50057, None),
    ],
)
def test_each_trouble_has_its_refusal_and_a_new_sign_in_ends_it(ms, kind, error, code, suberror):
    tokens = ms.sign_in(ADA)
    ms.control("POST", f"/accounts/{ADA}/trouble", {"kind": kind})
    refused = ms.refresh(tokens["refresh_token"])
    body = refused.json()
    assert refused.status_code == 400
    assert (body["error"], body["error_codes"], body.get("suberror")) == (error, [code], suberror)
    assert ms.refresh(ms.sign_in(ADA)["refresh_token"]).status_code == 200


def test_revoked_sessions_end_calls_too_and_mfa_does_not(ms):
    ada = Api(ms.http, ms.sign_in(ADA)["access_token"])
    ms.control("POST", f"/accounts/{ADA}/trouble", {"kind": "mfa"})
    assert ada.ok("GET", "/me")["mail"] == ADA
    ms.control("POST", f"/accounts/{ADA}/trouble", {"kind": "revoked"})
    assert ada.refused("GET", "/me") == (401, "InvalidAuthenticationToken")


def test_a_person_may_end_all_sessions_and_sign_in_again(ms):
    tokens = ms.sign_in(ADA, [*SCOPES, "User.RevokeSessions.All"])
    ada = Api(ms.http, tokens["access_token"])
    told = ada.ok("POST", "/me/revokeSignInSessions")
    assert told == {"@odata.context": f"{ms.base_url}/microsoft/v1.0/$metadata#Edm.Boolean", "value": True}
    assert ms.refresh(tokens["refresh_token"]).json()["error_codes"] == [50173]
    assert ada.ok("GET", "/me")["mail"] == ADA, "what was given out lives its hour"
    fresh = ms.sign_in(ADA)
    assert ms.refresh(fresh["refresh_token"]).status_code == 200
    assert ms.refresh(tokens["refresh_token"]).json()["error_codes"] == [50173]


def test_sessions_end_by_their_own_permission_and_not_for_personal_accounts(ms):
    denied = (403, "Authorization_RequestDenied")
    assert Api(ms.http, ms.sign_in(ADA)["access_token"]).refused("POST", "/me/revokeSignInSessions") == denied
    asked = [*SCOPES, "User.RevokeSessions.All"]
    assert Api(ms.http, ms.sign_in(PAT, asked)["access_token"]).refused("POST", "/me/revokeSignInSessions") == denied
    ada = Api(ms.http, ms.sign_in(ADA, asked)["access_token"])
    assert ada.refused("POST", f"/users/{PAT}/revokeSignInSessions") == denied


def test_a_refresh_token_dies_after_ninety_idle_days(ms):
    token = ms.sign_in(ADA)["refresh_token"]
    ms.control("POST", "/clock", {"advance": 89 * 86400})
    assert ms.refresh(token).status_code == 200
    ms.control("POST", "/clock", {"advance": 91 * 86400})
    assert ms.refresh(token).json()["error_codes"] == [700082]


def test_an_access_token_ends_by_the_clock(ms):
    ada = Api(ms.http, ms.sign_in(ADA)["access_token"])
    assert ada.ok("GET", "/me")["userPrincipalName"] == ADA
    ms.control("POST", "/clock", {"advance": 3600})
    expired = ada.call("GET", "/me")
    assert (expired.status_code, expired.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert expired.json()["error"]["message"] == "Lifetime validation failed, the token is expired."
    assert expired.headers["www-authenticate"].startswith('Bearer realm=""')


def test_no_token_and_a_made_up_one_are_refused(ms):
    assert ms.http.get("/microsoft/v1.0/me").json()["error"]["message"] == "Access token is empty."
    assert Api(ms.http, "made-up").refused("GET", "/me") == (401, "InvalidAuthenticationToken")


def test_each_endpoint_wants_its_permission(ms):
    reading = ms.api(ADA, "Calendars.Read")
    assert reading.ok("GET", "/me/events")["value"] == []
    assert reading.refused("POST", "/me/events", {}) == (403, "ErrorAccessDenied")
    assert reading.refused("GET", "/me") == (403, "Authorization_RequestDenied")
    assert reading.refused("GET", "/me/mailboxSettings") == (403, "ErrorAccessDenied")
    profile = ms.api(ADA, "User.Read")
    assert profile.refused("GET", "/me/calendars") == (403, "ErrorAccessDenied")
    basic = ms.api(ADA, "Calendars.ReadBasic")
    assert len(basic.ok("GET", "/me/calendars")["value"]) == 1
    assert basic.refused("GET", "/me/events") == (403, "ErrorAccessDenied")


def test_the_request_log_never_holds_a_secret(ms):
    tokens = ms.sign_in(ADA)
    Api(ms.http, tokens["access_token"]).ok("GET", "/me")
    log = str(ms.control("GET", "/requests"))
    assert tokens["access_token"] not in log
    assert tokens["refresh_token"] not in log
    assert ms.control("GET", "/requests", account=ADA)
