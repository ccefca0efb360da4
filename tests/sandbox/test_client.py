"""The control client against a running sandbox: each of its hands moves what it says, over real sockets."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from email.message import EmailMessage
from urllib.parse import parse_qs, urlencode, urlsplit

import aiosmtplib
import httpx
import pytest

from sandbox.client import Sandbox
from sandbox.environment import Secrets, environment
from sandbox.forms import FormError, read_form

CALENDAR_SCOPE = "https://www.googleapis.com/auth/calendar"
READ_SCOPE = "https://www.googleapis.com/auth/calendar.readonly"
VERIFIER = "v" * 64
CALLBACK = "http://127.0.0.1:8000/v1/oauth/google/callback"


@pytest.fixture
async def sandbox(addresses) -> AsyncIterator[Sandbox]:
    async with Sandbox(addresses.http_url) as client:
        await client.reset_google()
        await client.delete_mails()
        await client.heal_keys()
        yield client


@pytest.fixture
def settings(addresses) -> dict[str, str]:
    """What the service would be given: the addresses in it must lead somewhere."""
    built = environment(
        database_url="postgresql://unused",
        public_url="http://127.0.0.1:8000",
        sandbox_url=addresses.http_url,
        smtp_host=addresses.smtp_host,
        smtp_port=addresses.smtp_port,
        keys=Secrets.random(),
    )
    return {name.removeprefix("CALENDAR_CONNECT_"): value for name, value in built.items()}


def authorization_url(settings: dict[str, str], **changes: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": settings["GOOGLE_CLIENT_ID"],
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": f"openid email {CALENDAR_SCOPE} {READ_SCOPE}",
        "state": "st&te",
        "access_type": "offline",
        "prompt": "consent select_account",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **changes,
    }
    return f"{settings['GOOGLE_AUTH_URL']}?{urlencode(query)}"


async def redeem(settings: dict[str, str], code: str) -> dict:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": settings["GOOGLE_CLIENT_ID"],
        "client_secret": settings["GOOGLE_CLIENT_SECRET"],
        "code_verifier": VERIFIER,
    }
    async with httpx.AsyncClient() as client:
        return (await client.post(settings["GOOGLE_TOKEN_URL"], data=form)).raise_for_status().json()


def answer_of(location: str) -> dict[str, str]:
    assert location.startswith(CALLBACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def test_consent_leads_to_tokens_that_open_the_calendar(sandbox, settings):
    await sandbox.google_account("bob@example.com")
    await sandbox.google_account("ada@example.com")
    answer = answer_of(await sandbox.consent(authorization_url(settings), email="ada@example.com"))
    assert answer["state"] == "st&te"
    tokens = await redeem(settings, answer["code"])
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    async with httpx.AsyncClient(headers=bearer) as client:
        person = (await client.get(settings["GOOGLE_USERINFO_URL"])).raise_for_status().json()
        assert person["email"] == "ada@example.com"
        calendars = (await client.get(f"{settings['GOOGLE_API_URL']}/users/me/calendarList")).raise_for_status().json()
        assert [calendar["id"] for calendar in calendars["items"]] == ["ada@example.com"]
        await client.post(settings["GOOGLE_REVOKE_URL"], data={"token": tokens["refresh_token"]})
        assert (await client.get(settings["GOOGLE_USERINFO_URL"])).status_code == 401


async def test_an_unticked_scope_is_not_granted(sandbox, settings):
    await sandbox.google_account("ada@example.com")
    url = authorization_url(settings)
    answer = answer_of(await sandbox.consent(url, email="ada@example.com", untick=[CALENDAR_SCOPE]))
    granted = (await redeem(settings, answer["code"]))["scope"].split()
    assert READ_SCOPE in granted
    assert CALENDAR_SCOPE not in granted


async def test_denying_answers_access_denied(sandbox, settings):
    await sandbox.google_account("ada@example.com")
    location = await sandbox.consent(authorization_url(settings), email="ada@example.com", deny=True)
    assert answer_of(location)["error"] == "access_denied"


async def test_what_the_page_does_not_offer_cannot_be_chosen(sandbox, settings):
    await sandbox.google_account("ada@example.com")
    with pytest.raises(FormError, match=r"no radio eve@example\.com"):
        await sandbox.consent(authorization_url(settings), email="eve@example.com")
    with pytest.raises(FormError, match="no checkbox no-such-scope"):
        await sandbox.consent(authorization_url(settings), email="ada@example.com", untick=["no-such-scope"])
    stolen = authorization_url(settings, redirect_uri="https://evil.example.net/")
    with pytest.raises(FormError, match=r"it says: Access blocked.* redirect_uri_mismatch"):
        await sandbox.consent(stolen, email="ada@example.com")


async def test_a_person_changes_events_and_the_ledger_knows(sandbox):
    await sandbox.google_account("ada@example.com", time_zone="Europe/Berlin")
    times = {"start": {"dateTime": "2026-03-02T09:00:00Z"}, "end": {"dateTime": "2026-03-02T10:00:00Z"}}
    event = await sandbox.insert_google_event("ada@example.com", {"summary": "Dentist", **times})
    patched = await sandbox.patch_google_event("ada@example.com", event["id"], {"summary": "Doctor"})
    assert patched["summary"] == "Doctor"
    assert [found["summary"] for found in await sandbox.google_events("ada@example.com")] == ["Doctor"]
    await sandbox.delete_google_event("ada@example.com", event["id"])
    assert await sandbox.google_events("ada@example.com") == []
    assert len(await sandbox.google_events("ada@example.com", deleted=True)) == 1
    ledger = await sandbox.google_ledger(account="ada@example.com", actor="human")
    assert [entry["operation"] for entry in ledger] == ["insert", "update", "delete"]


async def test_a_seeded_account_is_busy_and_the_same_for_the_same_seed(sandbox):
    found = []
    for _ in range(2):
        await sandbox.reset_google()
        await sandbox.google_account("ada@example.com")
        await sandbox.seed_google("ada@example.com", around=date(2026, 3, 2), seed=7)
        found.append([event.get("start") for event in await sandbox.google_events("ada@example.com")])
    assert found[0] == found[1]
    assert len(found[0]) > 10


async def test_shared_and_deleted_calendars(sandbox):
    await sandbox.google_account("ada@example.com")
    await sandbox.google_account("bob@example.com")
    calendar = await sandbox.google_calendar("ada@example.com", "Team")
    await sandbox.share_google_calendar(calendar["id"], account="bob@example.com", role="reader")
    account = await sandbox.google_account("bob@example.com")
    assert {listed["id"]: listed["role"] for listed in account["calendars"]}[calendar["id"]] == "reader"
    await sandbox.delete_google_calendar(calendar["id"])
    account = await sandbox.google_account("bob@example.com")
    assert calendar["id"] not in {listed["id"] for listed in account["calendars"]}


async def test_a_google_fault_hits_the_matching_request_and_is_in_the_log(sandbox, settings):
    await sandbox.add_google_fault({"kind": "status", "status": 503, "retry_after": 7}, path="/userinfo$")
    async with httpx.AsyncClient() as client:
        first, second = [await client.get(settings["GOOGLE_USERINFO_URL"]) for _ in range(2)]
    assert first.status_code == 503
    assert first.headers["retry-after"] == "7"
    assert second.status_code == 401
    statuses = [entry["status"] for entry in await sandbox.google_requests()]
    assert statuses == [503, 401]


async def test_revoked_and_expired_tokens(sandbox, settings):
    await sandbox.google_account("ada@example.com")
    answer = answer_of(await sandbox.consent(authorization_url(settings), email="ada@example.com"))
    tokens = await redeem(settings, answer["code"])
    client_fields = {"client_id": settings["GOOGLE_CLIENT_ID"], "client_secret": settings["GOOGLE_CLIENT_SECRET"]}
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **client_fields}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {tokens['access_token']}"}) as client:
        await sandbox.expire_google_access_tokens("ada@example.com")
        assert (await client.get(settings["GOOGLE_USERINFO_URL"])).status_code == 401
        assert (await client.post(settings["GOOGLE_TOKEN_URL"], data=refresh)).is_success
        await sandbox.revoke_google("ada@example.com")
        refused = await client.post(settings["GOOGLE_TOKEN_URL"], data=refresh)
        assert refused.json()["error"] == "invalid_grant"


async def test_tokens_and_keys(sandbox, settings):
    token = await sandbox.issue_token(email="ada@example.com", defect="expired")
    assert token.count(".") == 2
    fetched = await sandbox.key_fetches()
    async with httpx.AsyncClient() as client:
        before = (await client.get(settings["JWKS_URL"])).json()["keys"]
        await sandbox.rotate_keys(retire=True)
        after = (await client.get(settings["JWKS_URL"])).json()["keys"]
        assert not {key["kid"] for key in before} & {key["kid"] for key in after}
        await sandbox.break_keys()
        assert (await client.get(settings["JWKS_URL"])).status_code == 503
        await sandbox.heal_keys()
        assert (await client.get(settings["JWKS_URL"])).is_success
    assert await sandbox.key_fetches() == fetched + 4


async def test_mails_are_waited_for_and_mail_faults_clear(sandbox, settings):
    async def send() -> None:
        message = EmailMessage()
        message["From"] = settings["MAIL_FROM"]
        message["To"] = "ada@example.com"
        message["Subject"] = "Confirmed: Intro"
        message.set_content("See you.")
        await aiosmtplib.send(message, hostname=settings["SMTP_HOST"], port=int(settings["SMTP_PORT"]))

    await sandbox.add_mail_fault("reject_data", code=554, times=None)
    with pytest.raises(aiosmtplib.SMTPDataError):
        await send()
    await sandbox.clear_mail_faults()
    await send()
    mail = await sandbox.wait_for_mail("ada@example.com", subject="Confirmed")
    assert mail["text"].strip() == "See you."
    with pytest.raises(TimeoutError, match="Confirmed: Intro"):
        await sandbox.wait_for_mail("ada@example.com", subject="Cancelled", timeout_seconds=0.1)
    await sandbox.delete_mails()
    assert await sandbox.mails() == []


async def test_the_clock_is_the_simulators(sandbox):
    frozen = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert await sandbox.freeze_clock(frozen) == frozen
    await sandbox.google_account("ada@example.com")
    times = {"start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}}
    event = await sandbox.insert_google_event("ada@example.com", {"summary": "Today", **times})
    assert datetime.fromisoformat(event["created"]) == frozen
    assert (await sandbox.advance_clock(60) - frozen).total_seconds() == 60
    assert (await sandbox.reset_clock()).year >= 2026


async def test_a_refusal_carries_its_reason(sandbox):
    with pytest.raises(httpx.HTTPStatusError, match=r"no simulated account nobody@example\.com"):
        await sandbox.revoke_google("nobody@example.com")
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        await sandbox.issue_token(no_such_claim=1)


def test_a_form_is_submitted_as_a_browser_would():
    page = """<form action="next" method="post"><input type="hidden" name="h" value="1&amp;2">
    <input type="radio" name="who" value="a"><input type="radio" name="who" value="b" checked>
    <input type="checkbox" name="box" value="x" checked><input type="checkbox" name="box" value="y" checked>
    <input type="checkbox" name="box" value="z"><button name="do" value="yes">Y</button>
    <button name="do" value="no">N</button></form><form><input name="other"></form>"""
    form = read_form(page, "http://example.com/a/page?q=1")
    assert (form.action, form.method) == ("http://example.com/a/next", "POST")
    sent = form.submission(choose="a", untick=["y"], press="no")
    assert sent == [("h", "1&2"), ("who", "a"), ("box", "x"), ("do", "no")]
    with pytest.raises(FormError, match="no form"):
        read_form("<p>Error</p>", "http://example.com/")
