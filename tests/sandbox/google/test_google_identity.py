"""What Google says of a person and of a token, in the versions its clients ask for."""

import base64
import hashlib

import pytest
from cryptography import x509
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from sandbox.google.grants import SANDBOX_CLIENT_ID
from tests.sandbox.consent import REDIRECT, VERIFIER
from tests.sandbox.google.live import ADA, AUTH, CALENDAR

PERSON = ("openid", "email", "profile", CALENDAR)


@pytest.fixture
def google(google):
    google.account(ADA, name="Ada King Lovelace")
    return google


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def test_the_certificates_of_the_first_version_hold_the_key_of_the_third(google):
    told = google.http.get("/google/oauth2/v1/certs").json()
    keys = KeySet.import_key_set(google.http.get("/google/oauth2/v3/certs").json())
    assert list(told) == [key.kid for key in keys]
    public = x509.load_pem_x509_certificate(told["sandbox-google"].encode()).public_key()
    token = google.sign_in(ADA, PERSON)["id_token"]
    read = jwt.decode(token, RSAKey.import_key(keys.keys[0].as_dict(private=False)), algorithms=["RS256"])
    assert read.header == {"alg": "RS256", "kid": "sandbox-google", "typ": "JWT"}
    assert public.public_numbers() == keys.keys[0].public_key.public_numbers()


def test_an_id_token_names_the_person_and_hashes_the_access_token(google):
    tokens = google.sign_in(ADA, PERSON)
    keys = KeySet.import_key_set(google.http.get("/google/oauth2/v3/certs").json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    assert (claims["name"], claims["given_name"], claims["family_name"]) == (
        "Ada King Lovelace",
        "Ada",
        "King Lovelace",
    )
    assert claims["picture"].startswith("https://")


def test_the_second_version_of_userinfo_has_its_own_names_and_refusals(google):
    tokens = google.sign_in(ADA, PERSON)
    new = google.http.get("/google/v1/userinfo", headers=bearer(tokens)).json()
    for path in ("/google/oauth2/v2/userinfo", "/google/userinfo/v2/me"):
        old = google.http.get(path, headers=bearer(tokens)).json()
        assert old == {
            "id": new["sub"],
            "email": ADA,
            "verified_email": True,
            **{name: new[name] for name in ("hd", "name", "given_name", "family_name", "picture")},
        }
    for headers, status, reason in (
        ({}, 401, "required"),
        ({"Authorization": "Bearer wrong"}, 401, "authError"),
        (bearer(google.sign_in(ADA, [CALENDAR])), 403, "insufficientPermissions"),
    ):
        refused = google.http.get("/google/oauth2/v2/userinfo", headers=headers)
        assert (refused.status_code, refused.json()["error"]["errors"][0]["reason"]) == (status, reason)


def test_tokeninfo_tells_what_an_access_token_is_good_for(google):
    tokens = google.sign_in(ADA, PERSON)
    asked = {"access_token": tokens["access_token"]}
    told = google.http.get("/google/tokeninfo", params=asked).json()
    assert told["aud"] == told["azp"] == SANDBOX_CLIENT_ID
    assert set(told["scope"].split()) == {"openid", f"{AUTH}userinfo.email", f"{AUTH}userinfo.profile", CALENDAR}
    assert (told["email"], told["email_verified"], told["access_type"]) == (ADA, "true", "offline")
    assert 3590 <= int(told["expires_in"]) <= 3600
    assert {type(value) for value in told.values()} == {str}
    for again in (
        google.http.post("/google/tokeninfo", headers=bearer(tokens)),
        google.http.post("/google/tokeninfo", data=asked),
        google.http.get("/google/oauth2/v3/tokeninfo", params=asked),
    ):
        assert again.json()["sub"] == told["sub"]
    google.control("POST", "/expire-access-tokens")
    refused = google.http.get("/google/tokeninfo", params=asked)
    assert (refused.status_code, refused.json()) == (
        400,
        {"error": "invalid_token", "error_description": "Invalid Value"},
    )


def test_the_second_version_of_tokeninfo_has_its_own_names_and_types(google):
    asked = {"access_token": google.sign_in(ADA, PERSON)["access_token"]}
    new = google.http.get("/google/tokeninfo", params=asked).json()
    old = google.http.post("/google/oauth2/v2/tokeninfo", params=asked).json()
    assert 3590 <= old.pop("expires_in") <= 3600
    assert old == {
        "issued_to": SANDBOX_CLIENT_ID,
        "audience": SANDBOX_CLIENT_ID,
        "user_id": new["sub"],
        "scope": new["scope"],
        "email": ADA,
        "verified_email": True,
        "access_type": "offline",
    }
    refused = google.http.post("/google/oauth2/v2/tokeninfo", params={"access_token": "wrong"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_token")


def test_a_token_that_cannot_be_renewed_is_online_and_names_nobody_it_was_not_asked_to(google):
    code = google.code(ADA, [CALENDAR], access_type="online")
    told = google.http.get("/google/tokeninfo", params={"access_token": google.redeem(code).json()["access_token"]})
    assert told.json()["access_type"] == "online"
    assert not {"sub", "email"} & told.json().keys()


def test_tokeninfo_reads_an_id_token_until_it_expires(google):
    asked = {"id_token": google.sign_in(ADA, PERSON)["id_token"]}
    told = google.http.get("/google/tokeninfo", params=asked).json()
    assert (told["iss"], told["email"], told["alg"]) == ("https://accounts.google.com", ADA, "RS256")
    forged = {"id_token": asked["id_token"][:-8] + "AAAAAAAA"}
    assert google.http.get("/google/tokeninfo", params=forged).status_code == 400
    google.control("POST", "/clock", {"advance": 3601})
    assert google.http.get("/google/tokeninfo", params=asked).status_code == 400


@pytest.mark.parametrize("path", ["/o/oauth2/token", "/oauth2/v3/token", "/oauth2/v4/token"])
def test_the_addresses_of_older_clients_lead_to_the_same_endpoints(google, path):
    query = {"client_id": SANDBOX_CLIENT_ID, "redirect_uri": REDIRECT, "response_type": "code", "scope": CALENDAR}
    assert 'value="ada@example.com"' in google.http.get("/google/o/oauth2/auth", params=query).text
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    client = {"client_id": SANDBOX_CLIENT_ID, "client_secret": "sandbox-google-secret"}
    tokens = google.http.post(f"/google{path}", data={**client, **form, "code": google.code(ADA, [CALENDAR])}).json()
    assert tokens["token_type"] == "Bearer"
    assert google.http.post("/google/o/oauth2/revoke", data={"token": tokens["access_token"]}).status_code == 200
    renewed = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert google.http.post(f"/google{path}", data={**client, **renewed}).json()["error"] == "invalid_grant"
