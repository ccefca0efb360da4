"""What MSAL and clients of OpenID Connect ask of the identity platform beside the plain flow."""

import base64
import json

import pytest

from sandbox.forms import read_form
from tests.sandbox.consent import REDIRECT, answer_of
from tests.sandbox.microsoft.live import ADA, Api


@pytest.fixture
def ms(ms):
    ms.account(ADA)
    return ms


def test_what_a_client_tells_of_itself_is_passed_over(ms):
    telemetry = {"client_info": "1", "x-client-SKU": "msal.js.node", "claims": "{}", "X-AnchorMailbox": f"UPN:{ADA}"}
    answer = answer_of(ms.press(ms.open_page(**telemetry, nonsense="1"), ADA))
    assert answer.keys() == {"code", "state", "session_state"}


def test_client_info_tells_accounts_apart_for_those_who_ask(ms):
    told = ms.redeem(ms.code(ADA), client_info="1").json()["client_info"]
    account = ms.control("GET", f"/accounts/{ADA}")
    found = json.loads(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)))
    assert found == {"uid": account["oid"], "utid": account["tid"]}
    assert "client_info" not in ms.redeem(ms.code(ADA)).json()


def test_form_post_answers_by_a_page_that_posts_itself(ms):
    page = ms.press(ms.open_page(response_mode="form_post"), ADA)
    form = read_form(page.text, str(page.url))
    assert (page.status_code, form.action) == (200, REDIRECT)
    sent = {control.name: control.value for control in form.controls}
    assert sent["state"] == "the-state"
    assert ms.redeem(sent["code"]).status_code == 200
    refused = ms.press(ms.open_page(response_mode="form_post"), ADA, "deny")
    assert 'name="error" value="access_denied"' in refused.text


def test_default_asks_for_all_that_the_app_registered(ms):
    every = "https://graph.microsoft.com/.default"
    tokens = ms.sign_in(ADA, ["openid", "offline_access", every])
    assert {"User.Read", "Calendars.ReadWrite", "MailboxSettings.ReadWrite"} <= set(tokens["scope"].split())
    assert ".All" not in tokens["scope"], "those are the administrator's to give"
    less = ms.sign_in(ADA, ["offline_access", "Calendars.Read"])["refresh_token"]
    assert ms.refresh(less, scope=f"openid {every}").json()["scope"] == "Calendars.Read"


def test_the_configuration_names_every_endpoint_where_it_is(ms):
    told = ms.http.get("/microsoft/contoso.example/v2.0/.well-known/openid-configuration").json()
    account = ms.control("GET", f"/accounts/{ADA}")
    assert told["issuer"] == f"https://login.microsoftonline.com/{account['tid']}/v2.0"
    assert told["response_modes_supported"] == ["query", "fragment", "form_post"]
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint", "userinfo_endpoint"):
        assert told[name].startswith(f"{ms.base_url}/microsoft/")
    unknown = ms.http.get("/microsoft/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (unknown.status_code, unknown.json()["error_codes"]) == (400, [90002])


def test_who_signed_in_is_told_to_a_token_of_openid(ms):
    tokens = ms.sign_in(ADA)
    told = Api(ms.http, tokens["access_token"]).ok("GET", f"{ms.base_url}/microsoft/oidc/userinfo")
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert (told["sub"], told["email"]) == (claims["sub"], ADA)
    plain = Api(ms.http, ms.sign_in(ADA, ["User.Read"])["access_token"])
    assert plain.refused("GET", f"{ms.base_url}/microsoft/oidc/userinfo") == (403, "Authorization_RequestDenied")


def test_this_authority_is_one_of_microsofts_and_others_are_not(ms):
    def ask(host):
        query = {"api-version": "1.1", "authorization_endpoint": f"https://{host}/common/oauth2/v2.0/authorize"}
        return ms.http.get("/microsoft/common/discovery/instance", params=query)

    host = ms.base_url.partition("//")[2]
    told = ask(host).json()
    assert told["tenant_discovery_endpoint"].endswith(f"{host}/common/v2.0/.well-known/openid-configuration")
    assert told["metadata"][0]["aliases"] == [host]
    assert (ask("evil.example").status_code, ask("evil.example").json()["error"]) == (400, "invalid_instance")


def test_signing_out_leads_back_to_registered_addresses_only(ms):
    def sign_out(back):
        return ms.http.get("/microsoft/common/oauth2/v2.0/logout", params={"post_logout_redirect_uri": back})

    assert sign_out(REDIRECT).headers["location"] == REDIRECT
    assert sign_out("https://evil.example/").status_code == 200
