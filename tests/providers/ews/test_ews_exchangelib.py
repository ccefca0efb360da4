"""What exchangelib and `requests` would do by themselves, and never do here."""

import base64
import logging
import socket
import time
from datetime import UTC, datetime
from functools import partial

import pytest
import requests
import spnego
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from exchangelib.protocol import BaseProtocol, CachingProtocol
from exchangelib.services import common
from spnego.channel_bindings import GssChannelBindings

from app.calendar import EventDraft, Notify, Timed
from app.providers.base import (
    AmbiguousOutcome,
    Misconfigured,
    PermissionDenied,
    RateLimited,
    ReauthRequired,
    Transient,
)
from app.providers.credentials import Credentials, CredentialsRefused
from app.providers.ews.login import Scheme
from app.providers.ews.tls import fingerprint
from sandbox.exchange.tls import ensure_certificates
from tests.providers.ews.scripted_tls import answer, challenge, fault, hang_up, refused, response, scripted_tls
from tests.providers.ews.stage import exchange_provider
from tests.providers.ews.test_ews_client import PAGE, login, read, write
from tests.providers.tokens import Tokens

SLOT = Timed(datetime(2027, 3, 3, 9, tzinfo=UTC), datetime(2027, 3, 3, 10, tzinfo=UTC), "Europe/Berlin")
GONE = refused("DeleteItem", "ErrorItemNotFound")


def authority(server):
    return server.certificates.authority.read_text()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return ensure_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificates):
    with scripted_tls(certificates) as server:
        yield server
        assert not server.script, "a test that leaves answers unused has not done what it says"


@pytest.fixture
async def provider():
    async with exchange_provider(timeout_seconds=1) as provider:
        yield provider


@pytest.fixture
def session(server, provider):
    return provider.open(Tokens(login(server).secret()))


@pytest.fixture
def ntlm(server, provider):
    return provider.open(Tokens(login(server, scheme=Scheme.NTLM).secret()))


# one connection's own ----------------------------------------------------------------------------------------------


async def test_nothing_of_a_connection_is_the_processs(session, server, provider, monkeypatch):
    """Its cache would keep every mailbox's socket, and give it to another login with the same password."""

    class Elsewhere:
        def __init__(self, **_):
            raise AssertionError("the adapter of the whole process")

    monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", Elsewhere)
    before = dict(CachingProtocol._protocol_cache)
    server.script.extend([answer(PAGE), answer(PAGE)])
    await read(session)
    await read(provider.open(Tokens(login(server, serial="verified anew").secret())))
    assert CachingProtocol._protocol_cache == before
    first, second = (line for _, line in provider._lines._idle.values())
    assert first is not second
    assert (first.service_endpoint, first.credentials) == (second.service_endpoint, second.credentials)
    assert server.connections == 2


async def test_the_environment_names_no_proxy_and_no_password(session, server, provider, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    server.script.extend([answer(PAGE), answer(status=404)])
    await read(session)
    with pytest.raises(CredentialsRefused):
        await provider.verify(Credentials("ada@example.com", "secret", url=server.url, certificate=authority(server)))
    known, stranger = (seen.headers.get("authorization") for seen in server.seen)
    assert base64.b64decode(known.removeprefix("Basic ")) == b"ada:secret"
    assert stranger is None


async def test_whom_requests_trusts_we_need_not(server, provider, monkeypatch, tmp_path):
    """It brings a bundle of its own, and urllib3 would add it to the context that is handed in."""
    (tmp_path / "bundle").write_text(authority(server))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "bundle"))
    with pytest.raises(Misconfigured):
        await read(provider.open(Tokens(login(server, certificate=None).secret())))


async def test_no_cookie_lets_anybody_in(session, server):
    server.script.extend([answer(PAGE, Set_Cookie="session=1; Path=/"), answer(PAGE)])
    await read(session)
    await read(session)
    assert "cookie" not in server.seen[1].headers


@pytest.mark.parametrize("scheme", [Scheme.BASIC, Scheme.NTLM])
async def test_a_server_that_does_not_finish_its_handshake_is_left_in_time(provider, server, scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/EWS/Exchange.asmx"
        session = provider.open(Tokens(login(server, url=url, scheme=scheme).secret()))
        begun = time.monotonic()
        with pytest.raises(Transient):
            await write(session)
        assert time.monotonic() - begun < 3


# once, and strictly ------------------------------------------------------------------------------------------------


async def test_its_forgiving_parser_sees_no_answer(session, server, monkeypatch):
    monkeypatch.setattr(common, "to_xml", None)
    server.script.extend([answer(PAGE), answer(GONE)])
    await read(session)
    await write(session)


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ErrorServerBusy", RateLimited),
        ("ErrorExceededConnectionCount", RateLimited),
        ("ErrorTooManyObjectsOpened", RateLimited),
        ("ErrorTimeoutExpired", AmbiguousOutcome),
        ("ErrorInternalServerTransientError", AmbiguousOutcome),
        ("ErrorInvalidSchemaVersionForMailboxVersion", None),
    ],
)
async def test_what_it_would_send_again_is_sent_once(session, server, code, expected, pool):
    """With fewer sessions, in another schema, after a rest: a create among them."""
    if pool:
        server.script.append(answer(PAGE))
        await read(session)
    server.script.append(answer(fault(code), status=500))
    with pytest.raises(expected or Exception) as failed:
        await write(session)
    assert failed.value.provider_code == code
    assert len(server.seen) == 1 + pool


async def test_what_people_wrote_is_in_no_log(session, ntlm, server, caplog):
    """It logs the whole of a request that failed, and NTLM's messages."""
    caplog.set_level(logging.DEBUG)
    empty = response("FindItem", '<m:RootFolder IncludesLastItemInRange="true"><t:Items/></m:RootFolder>')
    draft = EventDraft("Telling title", SLOT, description="Telling text")
    server.script.extend([answer(empty), hang_up, answer(empty), answer(fault("ErrorServerBusy"), status=500)])
    for error in (AmbiguousOutcome, RateLimited):
        with pytest.raises(error):
            await session.create_event("calendar", draft, key="k", notify=Notify.NOBODY)
    server.script.extend([challenge("NTLM"), answer(status=403)])
    with pytest.raises(PermissionDenied):
        await read(ntlm)
    assert any(b"Telling title" in seen.body for seen in server.seen)
    for telling in ("Telling", "secret", "TlRMTVNTUAAB", "SyncFolderItems"):
        assert telling not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith(("exchangelib", "spnego"))]


# the password ------------------------------------------------------------------------------------------------------


async def test_a_password_may_be_in_any_script(server, provider):
    server.script.append(answer(PAGE))
    await read(provider.open(Tokens(login(server, username="åda", password="пароль").secret())))
    sent = base64.b64decode(server.seen[0].headers["authorization"].removeprefix("Basic "))
    assert sent.decode() == "åda:пароль"


@pytest.fixture
def accept(server, monkeypatch, tmp_path):
    """Makes the acts of a server that knows the password and insists on Extended Protection."""
    (tmp_path / "accounts").write_text(":ada:secret\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    certificate = x509.load_pem_x509_certificate(server.certificates.chain.read_bytes())
    bound = GssChannelBindings(
        application_data=b"tls-server-end-point:" + fingerprint(certificate.public_bytes(Encoding.DER))
    )
    known = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm, channel_bindings=bound)

    def token():
        return base64.b64decode(server.seen[-1].headers["authorization"].removeprefix("NTLM "))

    def asks(secured, **headers):
        asked = f"NTLM {base64.b64encode(known.step(token())).decode()}"
        answer(status=401, WWW_Authenticate=asked, **headers)(secured)

    def then(act):
        def proved(secured):
            known.step(token())
            assert known.complete
            act(secured)

        return proved

    return asks, then


async def test_the_proof_is_tied_to_the_servers_certificate(ntlm, server, accept):
    asks, then = accept
    server.script.extend([challenge("Negotiate", "NTLM"), asks, then(answer(PAGE)), answer(PAGE)])
    await read(ntlm)
    await read(ntlm)
    assert ["authorization" in seen.headers for seen in server.seen] == [False, True, True, False]
    assert server.connections == 1


async def test_a_proof_that_is_refused_is_given_once(ntlm, server, accept):
    asks, then = accept
    server.script.extend([challenge("NTLM"), asks, then(challenge("NTLM"))])
    for _ in range(2):
        with pytest.raises(ReauthRequired):
            await read(ntlm)
    assert len(server.seen) == 3


async def test_a_proof_goes_only_to_the_connection_that_asked_for_it(ntlm, server, accept):
    """On another it would be wrong, and a wrong one counts."""
    asks, _ = accept
    server.script.extend([challenge("NTLM"), partial(asks, Connection="close")])
    with pytest.raises(Transient):
        await write(ntlm)
    assert len(server.seen) == 2


async def test_before_the_proof_nothing_can_have_happened_and_after_it_anything(ntlm, server, accept):
    asks, then = accept
    for acts, expected in (
        ([hang_up], Transient),
        ([challenge("NTLM"), hang_up], Transient),
        ([challenge("NTLM"), challenge("NTLM AAAA")], ReauthRequired),
        ([challenge("NTLM"), asks, then(hang_up)], AmbiguousOutcome),
    ):
        server.script.extend(acts)
        with pytest.raises(expected):
            await write(ntlm)
        ntlm._mailbox._client.refused._known.clear()


async def test_on_a_connection_that_was_let_in_a_lost_answer_is_a_loss(ntlm, server, accept):
    asks, then = accept
    server.script.extend([challenge("NTLM"), asks, then(answer(PAGE)), hang_up])
    await read(ntlm)
    with pytest.raises(AmbiguousOutcome):
        await write(ntlm)


async def test_a_challenge_nobody_can_read_is_answered_by_nothing(ntlm, server):
    broken = base64.b64encode(b"NTLMSSP\0\x02\0\0\0").decode()
    server.script.extend([challenge("NTLM"), challenge(f"NTLM {broken}")])
    with pytest.raises(Transient):
        await write(ntlm)


@pytest.mark.parametrize(
    ("act", "expected"),
    [(answer(GONE), None), (answer(status=503), AmbiguousOutcome), (answer(status=403), PermissionDenied)],
)
async def test_an_answer_in_place_of_a_challenge_is_the_answer(ntlm, server, act, expected):
    server.script.extend([challenge("NTLM"), act])
    if expected is None:
        await write(ntlm)
    else:
        with pytest.raises(expected):
            await write(ntlm)


async def test_who_says_that_he_is_a_proxy_gets_no_proof(ntlm, server):
    server.script.append(answer(status=407, Proxy_Authenticate="NTLM"))
    with pytest.raises(Exception, match="HTTP 407"):
        await read(ntlm)
    assert len(server.seen) == 1
