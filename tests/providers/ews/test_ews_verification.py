"""Connecting: what a person types in, at the simulated Exchange and at servers that are none."""

import socket

import pytest

from app.providers.base import RateLimited, Transient
from app.providers.credentials import CredentialsReason, CredentialsRefused, SupportsCredentials
from app.providers.ews.discovery import URLS
from app.providers.ews.login import Login
from tests.providers.ews.scripted_tls import answer, challenge, envelope, fault, hang_up, response, scripted_tls
from tests.providers.ews.stage import ADA, BOSS, PasswordTokens, credentials, exchange_provider
from tests.sandbox.exchange.live import PASSWORD, running_sandbox

POX = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
ANYTHING = "anything at all, and never shown"


@pytest.fixture(scope="module")
def running():
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.control("POST", "/reset")
    running.account(ADA, aliases=["ada.lovelace@example.com"])
    running.account(BOSS)
    return running


@pytest.fixture
async def provider(sandbox):
    urls = (f"{sandbox.base_url}/autodiscover/autodiscover.xml",)
    async with exchange_provider(timeout_seconds=3, discovery_urls=urls) as provider:
        yield provider


@pytest.fixture
def server(running):
    with scripted_tls(running.certificates) as server:
        yield server
        assert not server.script, "a test that leaves answers unused has not done what it says"


async def reason(provider, typed):
    with pytest.raises(CredentialsRefused) as refused:
        await provider.verify(typed)
    assert PASSWORD not in str(refused.value)
    return refused.value.reason


def at(server, **changes):
    typed = {"url": server.url, "password": ANYTHING}
    return credentials_of(server.certificates, **{**typed, **changes})


def credentials_of(certificates, **typed):
    class Place:
        base_url = "https://unused.example"

    Place.certificates = certificates
    return credentials(Place, **typed)


def logons(sandbox, email=ADA):
    account = sandbox.control("GET", f"/accounts/{email}")
    return account["logons"], account["failed_logons"]


@pytest.mark.parametrize("schemes", [["ntlm", "basic"], ["basic"], ["ntlm"], ["negotiate"]])
async def test_r13_credentials_that_work_in_whatever_scheme_the_server_asks_for(sandbox, provider, schemes):
    sandbox.control("PATCH", "/knobs", {"authentication": schemes})
    assert isinstance(provider, SupportsCredentials)
    verified = await provider.verify(credentials(sandbox))
    assert (verified.identity.subject, verified.identity.email) == (ADA, ADA)
    assert (verified.url, verified.version) == (f"{sandbox.base_url}/EWS/Exchange.asmx", "14.2.247.5")
    assert Login.read(verified.secret).scheme.lower() == schemes[0]
    assert PASSWORD not in repr(verified)
    session = provider.open(PasswordTokens(verified.secret))
    assert [calendar.name for calendar in await session.list_calendars()] == ["Calendar"]
    assert logons(sandbox)[1] == 0


async def test_r13_an_alias_is_the_same_account(sandbox, provider):
    verified = await provider.verify(credentials(sandbox, "Ada.Lovelace@example.com", username="ada"))
    assert (verified.identity.subject, verified.identity.email) == (ADA, ADA)


async def test_a_good_password_opens_nobody_elses_mailbox(sandbox, provider):
    sandbox.control("PUT", f"/accounts/{BOSS}/calendars/permissions", {"account": ADA, "level": "Owner"})
    assert await reason(provider, credentials(sandbox, BOSS, username="ada")) is CredentialsReason.INVALID


@pytest.mark.parametrize("schemes", [["ntlm", "basic"], ["basic"], ["negotiate"]])
async def test_r13_a_wrong_password_is_tried_once(sandbox, provider, schemes):
    sandbox.control("PATCH", "/knobs", {"authentication": schemes})
    assert await reason(provider, credentials(sandbox, password="wrong")) is CredentialsReason.INVALID
    assert logons(sandbox) == (0, 1)
    assert await reason(provider, credentials(sandbox, url=None, password="wrong")) is CredentialsReason.INVALID
    assert logons(sandbox) == (0, 2)


async def test_r13_the_user_name_is_taken_as_it_was_given_and_no_other_is_tried(sandbox, provider):
    assert await reason(provider, credentials(sandbox, username="ada.l")) is CredentialsReason.INVALID
    for username in ("ada", "SANDBOX\\ada", ADA):
        assert (await provider.verify(credentials(sandbox, username=username))).identity.email == ADA


async def test_r13_the_url_is_found_from_the_address(sandbox, provider):
    verified = await provider.verify(credentials(sandbox, url=None))
    assert verified.url == f"{sandbox.base_url}/EWS/Exchange.asmx"


@pytest.mark.parametrize("version", ["Exchange2013_SP1", "Exchange2016"])
async def test_newer_servers_are_spoken_to_in_the_schema_of_2010(sandbox, provider, version):
    sandbox.control("PUT", "/version", {"version": version})
    verified = await provider.verify(credentials(sandbox))
    assert verified.version.startswith("15.")
    assert await provider.open(PasswordTokens(verified.secret)).list_calendars()


@pytest.mark.parametrize("version", ["Exchange2007_SP1", "Exchange2010_SP1"])
async def test_r14_older_than_2010_sp2_is_refused(sandbox, provider, version):
    sandbox.control("PUT", "/version", {"version": version})
    assert await reason(provider, credentials(sandbox)) is CredentialsReason.VERSION_UNSUPPORTED


async def test_r14_what_is_said_to_be_too_old_is_not_even_asked(sandbox, provider):
    typed = credentials(sandbox, version="Exchange 2007")
    assert await reason(provider, typed) is CredentialsReason.VERSION_UNSUPPORTED
    assert logons(sandbox) == (0, 0)


async def test_an_account_without_a_mailbox(sandbox, provider):
    sandbox.control("POST", "/accounts", {"email": "nobox@example.com", "name": "N", "mailbox": False})
    assert await reason(provider, credentials(sandbox, "nobox@example.com")) is CredentialsReason.INVALID


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://outlook.office365.com/EWS/Exchange.asmx", CredentialsReason.ONLINE_MAILBOX),
        ("http://mail.corp.example/EWS/Exchange.asmx", CredentialsReason.ADDRESS_NOT_ALLOWED),
        ("https://ada:pw@mail.corp.example/", CredentialsReason.ADDRESS_NOT_ALLOWED),
        ("https://169.254.169.254/latest/meta-data", CredentialsReason.ADDRESS_NOT_ALLOWED),
        ("https://10.0.0.1/EWS/Exchange.asmx", CredentialsReason.ADDRESS_NOT_ALLOWED),
        ("https://[::1]/EWS/Exchange.asmx", CredentialsReason.ADDRESS_NOT_ALLOWED),
        ("https://nobody.invalid/EWS/Exchange.asmx", CredentialsReason.NOT_A_SERVER),
    ],
)
async def test_a_url_that_leads_nowhere_we_go(sandbox, provider, url, expected, monkeypatch):
    resolve = socket.getaddrinfo

    def no_network(host, *args, **more):
        if host.endswith((".invalid", ".example", ".com")):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return resolve(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    assert await reason(provider, credentials(sandbox, url=url)) is expected


async def test_a_certificate_nobody_trusts(sandbox, provider):
    for certificate in (None, "no certificate"):
        typed = credentials(sandbox, certificate=certificate)
        assert await reason(provider, typed) is CredentialsReason.CERTIFICATE_UNTRUSTED
    assert logons(sandbox) == (0, 0)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (answer("<html>Sign in</html>"), CredentialsReason.NOT_A_SERVER),
        (answer(response("GetFolder", "<m:Folders/>")), CredentialsReason.NOT_A_SERVER),
        (answer(status=404), CredentialsReason.NOT_A_SERVER),
        (challenge("Bearer", 'Digest realm="x"'), CredentialsReason.NOT_A_SERVER),
        (answer(status=401), CredentialsReason.NOT_A_SERVER),
        (answer(status=302, Location="/owa/auth/logon.aspx"), CredentialsReason.ADDRESS_NOT_ALLOWED),
        (answer(status=302, Location="https://10.0.0.1/"), CredentialsReason.ADDRESS_NOT_ALLOWED),
        (answer(status=302, Location="https://outlook.office365.com/EWS"), CredentialsReason.ONLINE_MAILBOX),
    ],
)
async def test_who_does_not_greet_like_exchange_hears_no_password(server, provider, act, expected):
    server.script.append(act)
    assert await reason(provider, at(server)) is expected
    assert [seen.headers.get("authorization") for seen in server.seen] == [None]


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (answer("<html>Sign in</html>"), CredentialsReason.NOT_A_SERVER),
        (answer(envelope("<m:GetFolderResponse/>")), CredentialsReason.NOT_A_SERVER),
        (answer(fault("ErrorInvalidServerVersion"), status=500), CredentialsReason.VERSION_UNSUPPORTED),
        (challenge("Basic"), CredentialsReason.INVALID),
        (answer(status=401, Request_Id="0c2fa8mfa-two-factor"), CredentialsReason.INVALID),
        (answer("Use an app password.", status=401), CredentialsReason.APP_PASSWORD_REQUIRED),
        (answer(status=401, X_MS_Diagnostics="Multi-factor required"), CredentialsReason.APP_PASSWORD_REQUIRED),
    ],
)
async def test_who_takes_the_password_and_is_no_good(server, provider, act, expected):
    server.script.extend([challenge('Basic realm="x"'), act])
    assert await reason(provider, at(server)) is expected
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (hang_up, Transient),
        (answer(status=503), Transient),
        (answer("oops", status=500), Transient),
        (answer(status=429), RateLimited),
        (answer(fault("ErrorServerBusy", back_off_ms=1000), status=500), RateLimited),
    ],
)
async def test_what_passes_is_no_answer_about_the_credentials(server, provider, act, error):
    server.script.extend([challenge("Basic"), act])
    with pytest.raises(error):
        await provider.verify(at(server))


async def test_a_server_too_busy_to_greet_may_be_asked_later(server, provider):
    server.script.append(answer(fault("ErrorServerBusy", back_off_ms=1000), status=500))
    with pytest.raises(RateLimited):
        await provider.verify(at(server))


# discovery ---------------------------------------------------------------------------------------------------------


def pox(inner):
    return answer(
        f'<Autodiscover xmlns="x"><Response xmlns="{POX}"><Account>{inner}</Account></Response></Autodiscover>'
    )


def protocol(kind, url):
    return f"<Protocol><Type>{kind}</Type><EwsUrl>{url}</EwsUrl></Protocol>"


async def discovered(running, server, *acts, missing=()):
    """What comes of an address whose domain answers like this."""
    server.script.extend(acts)
    urls = (server.url, f"https://127.0.0.1:{server.port}/second")
    async with exchange_provider(timeout_seconds=2, discovery_urls=urls) as provider:
        with pytest.raises(CredentialsRefused) as refused:
            await provider.verify(at(server, url=None))
    assert refused.value.missing == missing
    return refused.value.reason


@pytest.mark.parametrize(
    "act",
    [
        answer(status=404),
        answer(status=302, Location="https://elsewhere.example/autodiscover.xml"),
        answer("<html/>"),
        pox(protocol("EXCH", "http://plain.example/EWS")),
        pox(""),
        hang_up,
    ],
)
async def test_r13_a_domain_that_does_not_say_needs_the_url(running, server, act):
    expected = CredentialsReason.URL_REQUIRED
    assert await discovered(running, server, act, act, missing=("ews_url",)) is expected
    assert len(server.seen) == 2
    assert not any("authorization" in seen.headers for seen in server.seen)


@pytest.mark.parametrize(
    "act",
    [
        answer(status=302, Location="https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml"),
        pox(protocol("EXCH", "https://outlook.office365.com/EWS/Exchange.asmx")),
        pox("<Action>redirectAddr</Action><RedirectAddr>ada@corp.mail.onmicrosoft.com</RedirectAddr>"),
        pox("<Action>redirectUrl</Action><RedirectUrl>https://autodiscover-s.outlook.com/x</RedirectUrl>"),
    ],
)
async def test_r14_a_domain_that_points_at_exchange_online(running, server, act):
    assert await discovered(running, server, act) is CredentialsReason.ONLINE_MAILBOX


async def test_r14_a_domain_that_is_an_alias_of_exchange_onlines(monkeypatch, sandbox):
    def resolve(host, *_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "autod.ms-acdc-autod.office.com", ("93.184.216.34", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with exchange_provider(discovery_urls=URLS) as outside:
        typed = credentials(sandbox, "ada@corp.example", url=None)
        assert await reason(outside, typed) is CredentialsReason.ONLINE_MAILBOX


async def test_what_a_domain_names_is_asked_like_any_other_url(running, server):
    found = protocol("EXCH", "https://inside.example/EWS") + protocol("EXPR", "https://10.0.0.1/EWS")
    assert await discovered(running, server, pox(found)) is CredentialsReason.ADDRESS_NOT_ALLOWED


async def test_the_password_goes_to_a_domain_that_asks_for_it_and_no_further_when_it_is_wrong(running, server):
    assert await discovered(running, server, challenge("Basic"), challenge("Basic")) is CredentialsReason.INVALID
    assert [("authorization" in seen.headers) for seen in server.seen] == [False, True]


# what else a provider says -----------------------------------------------------------------------------------------


async def test_changed_credentials_keep_what_was_not_given(sandbox, provider):
    verified = await provider.verify(credentials(sandbox, username="ada"))
    changed = provider.changed(verified.secret, password="new")
    assert (changed.password, changed.username, changed.url) == ("new", "ada", verified.url)
    assert provider.changed(verified.secret, username=None).username is None, "as if never filled in"
    assert changed.certificate == sandbox.certificates.authority.read_text()
    assert (await provider.verify(provider.changed(verified.secret))).secret != verified.secret, "a login of its own"


@pytest.mark.parametrize("full", [False, True])
async def test_r24_the_limits_of_exchange_are_the_operators(full):
    async with exchange_provider(full_sync=full) as provider:
        able = provider.features
        assert {able.two_way_sync, able.task_sync, able.event_update, able.proposed_times} == {full}
        assert able.additional_availability_calendars is full
        assert able.can_suppress_notifications
        assert provider.can_write(frozenset())
        assert not provider.missing_scopes(frozenset())
        required = {field.name for field in provider.connect_fields if field.required}
        assert required == {"email", "password"}
