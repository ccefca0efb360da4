"""Signing in: Basic, NTLM bound to its connection, impersonation, and what is counted."""

import base64
import ssl

import httpx
import pytest
import spnego

from tests.sandbox.exchange.live import PASSWORD
from tests.sandbox.exchange.soap_bodies import create, get_folder, impersonating, meeting

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
    ' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body>'
    f"{get_folder()}</s:Body></s:Envelope>"
)


@pytest.fixture
def one_connection(exchange):
    """A client that keeps to a single connection."""
    context = ssl.create_default_context(cafile=str(exchange.certificates.authority))
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    with httpx.Client(base_url=exchange.base_url, verify=context, limits=limits) as http:
        yield http


def post(http, authorization=None):
    headers = {"authorization": authorization} if authorization else {}
    return http.post("/EWS/Exchange.asmx", content=ENVELOPE, headers=headers)


def logons(exchange, email="ada@example.com"):
    account = exchange.control("GET", f"/accounts/{email}")
    return account["logons"], account["failed_logons"]


def handshake(http, *, user="SANDBOX\\ada", password=PASSWORD, scheme="NTLM"):
    """The answer to the last step."""
    context = spnego.client(user, password, protocol=scheme.lower(), options=spnego.NegotiateOptions.use_ntlm)
    token = context.step()
    for _ in range(3):
        answer = post(http, f"{scheme} {base64.b64encode(token).decode()}")
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status_code != 401 or not challenge.startswith(f"{scheme} "):
            return answer
        token = context.step(base64.b64decode(challenge.partition(" ")[2].partition(",")[0]))
        if token is None:
            return answer
    return answer


def test_without_credentials_the_ways_to_sign_in_are_told(exchange):
    answer = exchange.post(ENVELOPE.encode(), email=None)
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == ["NTLM", 'Basic realm="mail.sandbox.example"']
    exchange.control("PATCH", "/knobs", {"authentication": ["basic"]})
    answer = exchange.post(ENVELOPE.encode(), email=None)
    assert answer.headers.get_list("www-authenticate") == ['Basic realm="mail.sandbox.example"']


@pytest.mark.parametrize("name", ["ada@example.com", "ADA@example.com", "ada", "SANDBOX\\ada", "sandbox\\ADA"])
def test_basic_takes_every_name_of_an_account(exchange, name):
    assert exchange.post(ENVELOPE.encode(), email=name).status_code == 200
    assert logons(exchange) == (1, 0)


def test_basic_refuses_other_domains_and_unknown_names(exchange):
    for name in ("OTHER\\ada", "bo", "nobody@example.com"):
        assert exchange.post(ENVELOPE.encode(), email=name).status_code == 401
    assert logons(exchange) == (0, 0)


def test_every_wrong_password_is_counted(exchange):
    for _ in range(3):
        assert exchange.post(ENVELOPE.encode(), password="wrong").status_code == 401
    assert logons(exchange) == (0, 3)
    exchange.control("PATCH", "/accounts/ada@example.com", {"forget_logons": True})
    assert logons(exchange) == (0, 0)


def test_an_account_locks_after_too_many(exchange):
    exchange.control("PATCH", "/knobs", {"lockout_threshold": 2})
    for _ in range(2):
        exchange.post(ENVELOPE.encode(), password="wrong")
    assert exchange.post(ENVELOPE.encode()).status_code == 401
    exchange.control("PATCH", "/accounts/ada@example.com", {"forget_logons": True})
    assert exchange.post(ENVELOPE.encode()).status_code == 200


def test_a_changed_password_ends_the_old_one(exchange):
    exchange.control("PATCH", "/accounts/ada@example.com", {"password": "another"})
    assert exchange.post(ENVELOPE.encode()).status_code == 401
    assert exchange.post(ENVELOPE.encode(), password="another").status_code == 200


@pytest.mark.parametrize("user", ["SANDBOX\\ada", "ada@example.com"])
def test_ntlm_signs_a_connection_in(exchange, one_connection, user):
    assert handshake(one_connection, user=user).status_code == 200
    assert post(one_connection).status_code == 200, "the connection is signed in"
    assert logons(exchange) == (1, 0)


def test_ntlm_does_not_reach_another_connection(exchange, one_connection):
    assert handshake(one_connection).status_code == 200
    assert exchange.post(ENVELOPE.encode(), email=None).status_code == 401


def test_a_wrong_password_over_ntlm_is_counted_once(exchange, one_connection):
    assert handshake(one_connection, password="wrong").status_code == 401
    assert logons(exchange) == (0, 1)
    assert post(one_connection).status_code == 401


def test_negotiate_carries_ntlm(exchange, one_connection):
    exchange.control("PATCH", "/knobs", {"authentication": ["negotiate"]})
    assert post(one_connection).headers.get_list("www-authenticate") == ["Negotiate"]
    assert handshake(one_connection, scheme="Negotiate").status_code == 200
    assert post(one_connection).status_code == 200


def test_ntlm_that_is_not_offered_is_refused(exchange, one_connection):
    exchange.control("PATCH", "/knobs", {"authentication": ["basic"]})
    assert handshake(one_connection).status_code == 401


def test_rubbish_for_credentials_is_refused(exchange, one_connection):
    for header in ("Basic !!!", "NTLM !!!", "NTLM TlRMTVNTUAA=", "Bearer x", "Basic", "NTLM"):
        assert post(one_connection, header).status_code == 401


def test_a_service_account_acts_for_whom_it_impersonates(exchange):
    exchange.account("service@example.com", mailbox=False, may_impersonate=True)
    headers = impersonating("ada@example.com")
    made = exchange.soap(create(meeting()), email="service@example.com", headers=headers)
    assert made.codes() == ["NoError"]
    (entry,) = exchange.control("GET", "/ledger")
    assert (entry["account"], entry["actor"]) == ("ada@example.com", "api")
    assert exchange.control("GET", "/requests")[-1]["query"] == "op=CreateItem&mailbox=ada@example.com"


def test_an_account_without_a_mailbox_has_no_folders_of_its_own(exchange):
    exchange.account("service@example.com", mailbox=False, may_impersonate=True)
    assert exchange.soap(get_folder(), email="service@example.com").codes() == ["ErrorMissingEmailAddress"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (impersonating("nobody@example.com"), "ErrorNonExistentMailbox"),
        (impersonating("alias@example.com"), "ErrorNonPrimarySmtpAddress"),
        (impersonating("alias@example.com", "SmtpAddress"), "NoError"),
        (impersonating("bo@example.com", "PrincipalName"), "NoError"),
        (impersonating("S-1-5-21-1", "SID"), "ErrorNonExistentMailbox"),
    ],
)
def test_who_is_impersonated_is_named_as_the_header_says(exchange, headers, code):
    exchange.account("service@example.com", may_impersonate=True)
    exchange.account("bo@example.com", aliases=["alias@example.com"])
    assert exchange.soap(get_folder(), email="service@example.com", headers=headers).codes() == [code]


def test_impersonation_is_a_right(exchange):
    exchange.account("bo@example.com")
    refused = exchange.soap(get_folder(), headers=impersonating("bo@example.com"))
    assert (refused.status, refused.codes()) == (500, ["ErrorImpersonateUserDenied"])
    exchange.control("PATCH", "/accounts/ada@example.com", {"may_impersonate": True})
    assert exchange.soap(get_folder(), headers=impersonating("bo@example.com")).codes() == ["NoError"]
    exchange.control("PATCH", "/knobs", {"impersonation": False})
    assert exchange.soap(get_folder(), headers=impersonating("bo@example.com")).codes() == [
        "ErrorImpersonateUserDenied"
    ]


def test_a_reset_signs_everybody_out(exchange, one_connection):
    assert handshake(one_connection).status_code == 200
    exchange.control("POST", "/reset")
    exchange.account("ada@example.com")
    assert post(one_connection).status_code == 401


def test_passwords_are_in_no_journal(exchange):
    exchange.post(ENVELOPE.encode())
    assert PASSWORD not in str(exchange.control("GET", "/requests"))
    assert PASSWORD not in str(exchange.control("GET", "/accounts/ada@example.com"))
