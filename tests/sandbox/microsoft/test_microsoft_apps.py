"""An app without a person: client credentials, and what they open."""

import pytest

from tests.sandbox.microsoft.hooks import request
from tests.sandbox.microsoft.live import ADA, BO, Api, meeting

PAT, CLEO = "pat@outlook.example", "cleo@fabrikam.example"
EVERYTHING = "https://graph.microsoft.com/.default"


@pytest.fixture
def ms(ms):
    for email in (ADA, BO, CLEO):
        ms.account(email)
    ms.account(PAT, work=False)
    return ms


def granted(ms, tenant="contoso.example", scope=EVERYTHING, **more):
    return ms.token(tenant, grant_type="client_credentials", scope=scope, **more)


@pytest.fixture
def app(ms):
    return Api(ms.http, granted(ms).json()["access_token"])


def test_the_answer_has_a_token_and_nothing_of_a_person(ms):
    told = granted(ms, ms.control("GET", f"/accounts/{ADA}")["tid"], client_info="1").json()
    assert told.keys() == {"token_type", "expires_in", "ext_expires_in", "access_token"}


@pytest.mark.parametrize(
    ("asked", "error", "code"),
    [
        ({"tenant": "common"}, "invalid_request", 50059),
        ({"tenant": "organizations"}, "invalid_request", 50059),
        ({"tenant": "consumers"}, "invalid_request", 50059),
        ({"tenant": "outlook.example"}, "invalid_request", 50059),
        ({"tenant": "nowhere.example"}, "invalid_request", 90002),
        ({"scope": "Calendars.ReadWrite"}, "invalid_scope", 1002012),
        ({"scope": f"{EVERYTHING} Calendars.Read"}, "invalid_scope", 1002012),
        ({"scope": ""}, "invalid_request", 900144),
        ({"client_secret": "wrong"}, "invalid_client", 7000215),
    ],
)
def test_an_app_must_name_a_tenant_and_ask_for_all_it_was_given(ms, asked, error, code):
    refused = granted(ms, **asked).json()
    assert (refused["error"], refused["error_codes"]) == (error, [code])


def test_an_app_does_in_every_mailbox_of_the_tenant_what_its_owner_may(ms, app):
    for email in (ADA, BO):
        made = app.ok("POST", f"/users/{email}/events", meeting(sensitivity="private"))
        assert app.ok("PATCH", f"/users/{email}/events/{made['id']}", {"subject": "x"})["subject"] == "x"
        assert app.ok("GET", f"/users/{email}")["mail"] == email
        assert app.ok("GET", f"/users/{email}/mailboxSettings")["timeZone"]
        assert app.call("DELETE", f"/users/{email}/events/{made['id']}").status_code == 204
    for email in (CLEO, PAT, "nobody@contoso.example"):
        assert app.refused("GET", f"/users/{email}/events") == (404, "ErrorInvalidUser")


def test_an_app_is_nobodys_me(app):
    refused = app.call("GET", "/me/events")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
    assert refused.json()["error"]["message"] == "/me request is only valid with delegated authentication flow."
    answer = app.ok("POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": f"/users/{BO}/calendar"}]})
    assert answer["responses"][0]["status"] == 200


def test_what_apps_are_not_given_is_refused(ms, app):
    assert app.refused("POST", f"/users/{ADA}/findMeetingTimes", {}) == (403, "ErrorAccessDenied")
    assert app.refused("GET", f"{ms.base_url}/microsoft/oidc/userinfo") == (403, "Authorization_RequestDenied")
    ms.control("PUT", "/tenants/contoso.example/admin-consent", {"required": True})
    unconsented = Api(ms.http, granted(ms).json()["access_token"])
    assert unconsented.refused("GET", f"/users/{ADA}/events") == (403, "ErrorAccessDenied")


def test_an_app_watches_mailboxes_and_sees_only_what_it_made_itself(ms, app, hook):
    ada = ms.api(ADA)
    hers = ada.ok("POST", "/subscriptions", request(hook))
    made = app.ok("POST", "/subscriptions", request(hook, resource=f"/users/{ADA}/events"))
    assert [each["id"] for each in app.ok("GET", "/subscriptions")["value"]] == [made["id"]]
    assert [each["id"] for each in ada.ok("GET", "/subscriptions")["value"]] == [hers["id"]]
    assert app.refused("GET", f"/subscriptions/{hers['id']}") == (404, "ResourceNotFound")
    assert app.refused("POST", "/subscriptions", request(hook)) == (400, "BadRequest")
    assert app.call("DELETE", f"/subscriptions/{made['id']}").status_code == 204
    assert app.refused("GET", f"/subscriptions/{made['id']}") == (404, "ResourceNotFound")


def test_an_apps_token_ends_by_the_clock_and_is_logged_for_nobody(ms, app):
    app.ok("GET", f"/users/{ADA}/events")
    assert ms.control("GET", "/requests")[-1]["account"] is None
    ms.control("POST", "/clock", {"advance": 3600})
    assert app.refused("GET", f"/users/{ADA}/events") == (401, "InvalidAuthenticationToken")
