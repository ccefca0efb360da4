"""Mail servers that can little, want much or have a bad day; and what a strict reader makes of our mails."""

import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from email.errors import NonASCIILocalPartDefect
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from app.outbound.letters import Letter, compose
from app.outbound.mailer import Mailer, MailError
from tests.outbound.samples import a_letter
from tests.outbound.servers import Server, certified, serving

LIMIT = 998  # RFC 5322, 2.1.1: octets of a line, without its end
LATIN = "Åsa “Öst” Żółć: 日本, the 2nd"
SHORT = compose(a_letter(page_name=LATIN, host_name=LATIN))
LONG = compose(a_letter(page_name=LATIN, host_name=LATIN, reason="x" * 2000 + "\n.\n..\nFrom me"))
LOGIN = {"username": "calendar", "password": "påss wörd"}


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate that this process believes."""
    context, authority = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return context


async def send(
    server: Server,
    letter: Letter = SHORT,
    *,
    to: str = "vera@example.com",
    sender: str = "Calendar <c@crm.example>",
    **access: str,
) -> None:
    mailer = Mailer(host="127.0.0.1", port=server.port, sender=sender, **access)  # type: ignore[arg-type]
    await mailer.send(letter, to=to, to_name=LATIN, reply_to="host@crm.example", message_id="<1@crm.example>")


async def failing(server: Server, **how: str) -> MailError:
    async with serving(server):
        with pytest.raises(MailError) as failed:
            await send(server, **how)
    return failed.value


def read(message: bytes) -> EmailMessage:
    """As a strict reader finds it; nothing that he would stumble over."""
    found = message_from_string(message.replace(b"\r\n..", b"\r\n.").decode(), policy=policy.strict)
    assert isinstance(found, EmailMessage)
    for part in found.walk():
        assert part.defects == []
        for field in part.values():
            assert all(isinstance(defect, NonASCIILocalPartDefect) for defect in field.defects), field
    return found


@pytest.mark.parametrize("letter", [SHORT, LONG], ids=["short", "long"])
async def test_a_server_without_extensions_gets_seven_bits_and_short_lines(letter: Letter) -> None:
    """RFC 6152, 3: eight bits are for servers that offer 8BITMIME."""
    async with serving(Server()) as server:
        await send(server, letter)
    assert [line for line in server.lines if line.startswith("MAIL")] == ["MAIL FROM:<c@crm.example>"]
    assert server.message.isascii()
    assert b"\0" not in server.message
    assert max(map(len, server.message.split(b"\r\n"))) <= LIMIT
    assert b"\n" not in server.message.replace(b"\r\n", b"")


async def test_a_strict_reader_finds_one_text_one_page_and_one_invitation() -> None:
    async with serving(Server(offers=("8BITMIME", "SMTPUTF8", "SIZE 35882577", "PIPELINING"))) as server:
        await send(server, LONG)
    message = read(server.message)
    assert datetime.now(UTC) - parsedate_to_datetime(message["Date"]).replace(tzinfo=UTC) < timedelta(minutes=1)
    assert message["Message-ID"] == "<1@crm.example>"
    [to] = message["To"].addresses
    assert ("".join(to.display_name.split()), to.addr_spec) == ("".join(LATIN.split()), "vera@example.com")
    [alternatives, attached] = message.iter_parts()
    assert (alternatives.get_content_type(), attached.get_filename()) == ("multipart/alternative", "invite.ics")
    text, page, calendar = alternatives.iter_parts()
    assert [part.get_content_type() for part in (text, page, calendar)] == ["text/plain", "text/html", "text/calendar"]
    for part in (text, page):
        assert LATIN in part.get_content() or LATIN.replace("“", "&#34;") in part.get_content()
        assert "x" * 2000 in part.get_content()
    assert "\n  .\n  ..\n  From me" in text.get_content().replace("\r\n", "\n")
    told = calendar.get_content().splitlines()
    assert "METHOD:REQUEST" in told  # RFC 6047, 2.4: the same in both places
    assert (calendar.get_param("method"), calendar.get_param("charset")) == ("REQUEST", "utf-8")


@pytest.mark.parametrize("party", ["to", "sender"])
async def test_an_address_beyond_ascii_goes_where_it_is_understood(party: str) -> None:
    address = {party: "åsa@crm.example"}
    async with serving(Server(offers=("SMTPUTF8", "8BITMIME"))) as server:
        await send(server, **address)
    assert any(line == "MAIL FROM:<c@crm.example> SMTPUTF8" for line in server.lines) or party == "sender"
    assert any("<åsa@crm.example>" in line for line in server.lines)
    assert read(server.message)["From" if party == "sender" else "To"].addresses[0].addr_spec == "åsa@crm.example"
    refused = await failing(Server(offers=("8BITMIME",)), **address)
    assert (refused.code, refused.retryable, refused.ambiguous) == ("smtp_not_supported", False, False)


async def test_a_rehearsal_names_a_sender_beyond_ascii() -> None:
    async with serving(Server(offers=("SMTPUTF8",))) as server:
        await Mailer(host="127.0.0.1", port=server.port, sender="åsa@crm.example").rehearse()
    assert "MAIL FROM:<åsa@crm.example> SMTPUTF8" in server.lines


async def test_a_domain_beyond_ascii_needs_no_extension() -> None:
    async with serving(Server()) as server:
        await send(server, to="vera@bücher.example", sender="c@bücher.example")
    assert {"MAIL FROM:<c@xn--bcher-kva.example>", "RCPT TO:<vera@xn--bcher-kva.example>"} <= set(server.lines)


@pytest.mark.parametrize("methods", ["LOGIN", "PLAIN", "XOAUTH2 LOGIN PLAIN"])
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "TLS"])
async def test_a_server_that_wants_tls_and_a_password_gets_both(
    trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, methods: str, implicit: bool
) -> None:
    server = Server(
        offers=("STARTTLS",), offers_inside=(f"AUTH {methods}",), certificate=trusted, implicit=implicit, says={}
    )
    async with serving(server):
        if implicit:
            monkeypatch.setattr("app.outbound.mailer._TLS_PORT", server.port)
        await send(server, **LOGIN)
    assert ("STARTTLS" in server.verbs) is not implicit
    assert server.verbs.index("AUTH") < server.verbs.index("MAIL")
    if methods == "LOGIN":
        assert server.secrets == [LOGIN["username"], LOGIN["password"]]
    assert server.message


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    context, _ = certified(tmp_path)
    server = Server(offers=("STARTTLS",), certificate=context)
    failed = await failing(server, **LOGIN)
    assert (failed.retryable, failed.ambiguous) == (True, False)
    assert "AUTH" not in server.verbs


async def test_a_server_that_knows_no_ehlo_is_greeted_as_of_old() -> None:
    async with serving(Server(says={"EHLO": "502 what?"})) as server:
        await send(server)
    assert server.verbs[:3] == ["EHLO", "HELO", "MAIL"]
    assert server.message


async def test_answers_of_many_lines_in_pieces_and_in_no_known_alphabet() -> None:
    welcome = "220-mail.example.com\n220-Willkommen, bitte kein M\xfcll\n220 ready"
    server = Server(offers=("SIZE", "AUTH=LOGIN", "X-ODD a=b"), whole=False)
    server.says = {"": welcome, "MAIL": "250-2.1.0\n250-f\xfcr Sie\n250 gut", ".": "250-2.0.0 Ok\n250 queued as 1F"}
    async with serving(server):
        await send(server)
    assert server.message


@pytest.mark.parametrize("step", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("answer", ["421 4.3.2 closing", "451-4.7.1 Greylisted,\n451 come back in 300 s", None])
async def test_whenever_a_server_has_no_time_it_is_asked_again(step: str, answer: str | None) -> None:
    says: dict[str, str | None] = {step: answer} | ({"HELO": answer} if step == "EHLO" else {})
    failed = await failing(Server(says=says))
    assert failed.retryable
    assert failed.ambiguous is (answer is None and step not in {"", "EHLO"})
    assert answer is None or step == "EHLO" or failed.code == f"smtp_{answer[:3]}"
