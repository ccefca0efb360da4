"""Google at the root of an address, for clients that take no path before Google's own."""

import httpx
import pytest

from sandbox.google.__main__ import create_alone
from tests.sandbox.consent import CHALLENGE, REDIRECT, VERIFIER, answer_of
from tests.sandbox.google.live import ADA, CALENDAR
from tests.sandbox.simulator import serving

CLIENT = {"client_id": "sandbox-google-client", "client_secret": "sandbox-google-secret"}


@pytest.fixture
def http():
    with serving(create_alone()) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client


def test_every_path_is_googles_own(http):
    http.post("/control/google/accounts", json={"email": ADA, "name": "Ada"}).raise_for_status()
    ask = {"client_id": CLIENT["client_id"], "redirect_uri": REDIRECT, "response_type": "code", "scope": CALENDAR}
    proof = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    page = http.get("/o/oauth2/v2/auth", params={**ask, **proof})
    assert 'action="/o/oauth2/v2/auth/decision"' in page.text
    pressed = {"account": ADA, "decision": "allow", "granted_scope": CALENDAR}
    code = answer_of(http.post("/o/oauth2/v2/auth/decision", data={**ask, **proof, **pressed}))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    headers = {"Authorization": f"Bearer {http.post('/token', data={**CLIENT, **form}).json()['access_token']}"}
    assert http.get("/calendar/v3/calendars/primary", headers=headers).json()["id"] == ADA
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET /calendar/v3/colors HTTP/1.1\r\n\r\n\r\n--b--\r\n"
    kind = {"Content-Type": "multipart/mixed; boundary=b"}
    assert "calendar#colors" in http.post("/batch/calendar/v3", content=part, headers={**headers, **kind}).text


def test_the_documents_name_the_same_address(http):
    told = http.get("/.well-known/openid-configuration").json()
    assert told["token_endpoint"] == f"{http.base_url}/token"
    assert http.get("/$discovery/rest?version=v3").json()["rootUrl"] == f"{http.base_url}/"
