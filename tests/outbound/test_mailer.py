"""Mails over real SMTP on the loopback interface, and servers that misbehave."""

import asyncio
import base64
from collections.abc import AsyncIterator
from email import message_from_bytes, policy

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from app.outbound.letters import Letter, compose
from app.outbound.mailer import Mailer, MailError, build_message
from sandbox.mail import MailFault, MailSink
from tests.outbound.samples import a_letter

INJECTIONS = [
    "x\r\nBcc: evil@example.com",
    "x\nBcc: evil@example.com",
    "x\rBcc: evil@example.com",
    "x\x00\x0b\x0c\x85\u2028\u2029Bcc: evil@example.com",
    "=?utf-8?q?x=0D=0ABcc=3A_evil=40example.com?=",
    "=?utf-8?b?eA0KQmNjOiBldmlsQGV4YW1wbGUuY29t?=",
    "==?=??utf-8?q?x=0ABcc:_evil@example.com?=?=",
    '"Evil" <evil@example.com>, ',
    "Å" * 500,
]


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    server = MailSink()
    await server.start()
    yield server
    await server.stop()


def mailer_to(port: int) -> Mailer:
    return Mailer(host="127.0.0.1", port=port, sender="Calendar <calendar@crm.example>")


async def send(mailer: Mailer, letter: Letter | None = None, **changes: str) -> None:
    to = {"to": "vera@example.com", "to_name": "Vera", "reply_to": "host@crm.example", "message_id": "<1@crm.example>"}
    await mailer.send(letter or compose(a_letter()), **(to | changes))


async def test_a_mail_has_a_text_a_page_and_an_invitation(sink):
    await send(mailer_to(sink.port))
    (received,) = sink.mailbox
    message = received.parsed()
    assert received.recipients == ("vera@example.com",)
    assert message["Message-ID"] == "<1@crm.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] == "host@crm.example"
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    parts = list(message.walk())
    assert parts[4].get_param("method") == "REQUEST"
    assert parts[4].get_payload(decode=True) == parts[5].get_payload(decode=True) == compose(a_letter()).calendar


@pytest.mark.parametrize("typed", INJECTIONS)
async def test_nothing_typed_becomes_a_header(sink, typed):
    letter = compose(a_letter(page_name=typed, visitor_name=typed))
    await send(mailer_to(sink.port), letter, to_name=typed)
    (received,) = sink.mailbox
    assert received.recipients == ("vera@example.com",)
    read = message_from_bytes(received.raw, policy=policy.default)
    assert [name.lower() for name in read] == [
        "from", "to", "reply-to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress",
        "mime-version", "content-type",
    ]  # fmt: skip
    assert [address.addr_spec for address in read["To"].addresses] == ["vera@example.com"]


@pytest.mark.parametrize("address", ["a@b\r\nBcc: evil@example.com", "", "no address", "a@b.example, c@d.example"])
def test_an_address_that_is_none_is_refused_for_good(address):
    with pytest.raises(MailError) as refused:
        build_message(
            compose(a_letter()), sender="c@d.example", to=address, to_name=None, reply_to=None, message_id="<1@x>"
        )
    assert not refused.value.retryable


@pytest.mark.parametrize(
    ("fault", "code", "retryable", "ambiguous"),
    [
        (MailFault(kind="refuse_connection"), None, True, False),
        (MailFault(kind="refuse_connection", code=421), "smtp_421", True, False),
        (MailFault(kind="refuse_connection", code=554), "smtp_554", True, False),
        (MailFault(kind="reject_recipient", code=450), "smtp_450", True, False),
        (MailFault(kind="reject_recipient", code=550), "smtp_550", False, False),
        (MailFault(kind="reject_data", code=451), "smtp_451", True, False),
        (MailFault(kind="reject_data", code=554), "smtp_554", False, False),
        (MailFault(kind="drop_before_store"), "disconnected", True, True),
        (MailFault(kind="drop_before_reply"), "disconnected", True, True),
    ],
)
async def test_what_a_failure_means(sink, fault, code, retryable, ambiguous):
    sink.faults.append(fault)
    with pytest.raises(MailError) as failed:
        await send(mailer_to(sink.port))
    assert (failed.value.retryable, failed.value.ambiguous) == (retryable, ambiguous)
    assert code is None or failed.value.code == code
    await send(mailer_to(sink.port))
    assert len(list(sink.mailbox)) == (2 if fault.kind == "drop_before_reply" else 1)


async def test_no_server_is_worth_trying_again(sink):
    port = sink.port
    await sink.stop()
    with pytest.raises(MailError) as failed:
        await send(mailer_to(port))
    assert (failed.value.code, failed.value.retryable, failed.value.ambiguous) == ("unreachable", True, False)


async def test_p2_a_server_that_says_nothing_is_soon_left_alone(monkeypatch):
    """Each mail that waits for it holds a place of a worker."""
    gone = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    monkeypatch.setattr("app.outbound.mailer._CONNECT_SECONDS", 0.2)
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        try:
            with pytest.raises(MailError) as failed:
                await asyncio.wait_for(send(mailer_to(server.sockets[0].getsockname()[1])), 10)
        finally:
            gone.set()
    assert (failed.value.code, failed.value.retryable, failed.value.ambiguous) == ("timed_out", True, False)


PASSWORD = "correct horse"


class Overheard(SMTP):
    """A mail server that asks for a password in the clear, and what is said to it."""

    def __init__(self, wire: bytearray) -> None:
        welcome = {"authenticator": lambda *_: AuthResult(success=True), "auth_require_tls": False}
        super().__init__(object(), hostname="mail.example.com", loop=asyncio.get_running_loop(), **welcome)
        self._wire = wire

    def data_received(self, data: bytes) -> None:
        self._wire += data
        super().data_received(data)


@pytest.fixture
async def overheard() -> AsyncIterator[tuple[int, bytearray]]:
    """The port of such a server, and what went over the wire."""
    wire = bytearray()
    server = await asyncio.get_running_loop().create_server(lambda: Overheard(wire), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], wire


def tells_the_password(wire: bytearray) -> bool:
    """As it is, or in base64: alone (LOGIN) or with the name (PLAIN)."""
    forms = [PASSWORD.encode(), f"\0calendar\0{PASSWORD}".encode()]
    return any(form in wire or base64.b64encode(form) in wire for form in forms)


@pytest.mark.parametrize("start_tls", [None, True])
async def test_p5_a_password_is_not_said_to_a_server_that_offers_no_tls(overheard, start_tls):
    port, wire = overheard
    mailer = Mailer(
        host="127.0.0.1", port=port, sender="c@crm.example", username="calendar", password=PASSWORD, start_tls=start_tls
    )
    with pytest.raises(MailError) as failed:
        await send(mailer)
    assert (failed.value.code, failed.value.retryable, failed.value.ambiguous) == ("smtp_not_supported", True, False)
    assert b"EHLO" in wire
    assert b"AUTH" not in wire
    assert not tells_the_password(wire)


async def test_a_password_goes_out_in_the_clear_where_somebody_said_so(overheard):
    port, wire = overheard
    mailer = Mailer(
        host="127.0.0.1", port=port, sender="c@crm.example", username="calendar", password=PASSWORD, start_tls=False
    )
    await send(mailer)
    assert tells_the_password(wire)
