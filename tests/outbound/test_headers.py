"""Header fields, read by the standard library's two parsers whatever people typed."""

import re
from email import message_from_bytes, message_from_string, policy
from email.header import decode_header, make_header

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.outbound.headers import header_text, mailbox, unstructured, wire_address
from app.outbound.letters import Letter, compose
from app.outbound.mailer import Mailer, MailError, build_message
from sandbox.mail import MailSink
from tests.outbound.samples import a_letter

PIECES = [
    "=?utf-8?q?x=0D=0ABcc=3A_evil=40example.com?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
    "=?", "?=", "=", "?", "\r\nBcc: evil@example.com", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\ud800", "\x00",
    "å", "Zażółć", "日本語", "🎉", '"', "\\", "<", ">", ",", ";", ":", "@", "(", ")", "[", "]", " ", "\t", "\xa0",
    "word", "a" * 80, "é" * 40, "\u202e", "’",  # noqa: RUF001
]  # fmt: skip
typed = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=120)


def build(subject: str = "Subject", name: str | None = None, to: str = "vera@example.com", **changes: str) -> bytes:
    letter = Letter(subject, "Text", "<p>Page</p>")
    rest = {"sender": "Calendar <calendar@crm.example>", "reply_to": None, "message_id": "<1@crm.example>"}
    return build_message(letter, to=to, to_name=name, **(rest | changes))


@given(typed, typed)
@example('Team: "A", B <evil@example.com>; å', "=?utf-8?q?=0ABcc:_evil@example.com?=" * 3)
def test_every_reader_finds_the_headers_that_were_meant(subject, name):
    content = build(subject, name)
    modern = message_from_bytes(content, policy=policy.default)
    old = message_from_bytes(content, policy=policy.compat32)
    expected = [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
        "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert sorted(modern) == sorted(old) == sorted(expected)
    assert modern["Subject"] == header_text(subject)
    assert str(make_header(decode_header(old["Subject"]))) == header_text(subject)
    (recipient,) = modern["To"].addresses
    assert recipient.addr_spec == "vera@example.com"
    assert recipient.display_name.replace(" ", "") == header_text(name).replace(" ", "")
    assert old.get_payload() is not None


@given(typed)
def test_fields_are_short_lines_of_ascii(text):
    clean = header_text(text)
    for value in (unstructured(clean), mailbox(clean, "vera@example.com")):
        assert value.isascii()
        lines = value.split("\r\n")
        assert max(map(len, lines)) <= 76
        assert all(line.startswith(" ") for line in lines[1:])
        assert not re.search(r"[\r\n]", "".join(lines))


def test_what_can_be_read_is_kept():
    assert header_text(" Möte  om\tQ3: 50 % (=ja?) ") == "Möte om Q3: 50 % (=ja?)"
    assert unstructured("Hello: 5 o'clock") == "Hello: 5 o'clock"
    assert mailbox('Ada "Al" L', "a@example.com") == '"Ada \\"Al\\" L"\r\n <a@example.com>'
    assert mailbox("", "a@example.com") == "a@example.com"
    assert len(header_text("x" * 500)) == 200


LOCAL_PARTS = st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=12)


@given(LOCAL_PARTS)
@example("उपयोगकर्ता")
@example("নাম")
@example("மின்னஞ்சல்")
@example("ผู้ใช้")
@example("o’brien·ملك")  # noqa: RUF001
def test_p2_whoever_may_book_can_be_written_to(local_part):
    """Vowel signs are no letters to a regular expression, and half of the scripts need them."""
    try:
        address = validate_email(f"{local_part}@example.com", check_deliverability=False).normalized
    except EmailNotValidError:
        assume(False)
    assume("=?" not in address)  # it would be read as an encoded word, and is refused
    read = message_from_string(build(to=address).decode(), policy=policy.default)  # UTF-8, as SMTPUTF8 has it
    assert [reader.addr_spec for reader in read["To"].addresses] == [address]


@pytest.mark.parametrize(
    "address",
    ["a\u202eb@c.example", "a\u200bb@c.example", "a\u2028b@c.example", "a\x85b@c.example", "a\ud800b@c.example"],
)
def test_what_turns_text_around_or_ends_a_line_is_in_no_address(address):
    with pytest.raises(ValueError, match="not an address"):
        mailbox("Ada", address)


@pytest.mark.parametrize(
    "address",
    ["", "a", "@b.example", "a@", "a b@c.example", "a@b.example>", "a@b\r\nBcc: x@y", '"a b"@c.example', "a@b,c@d"],
)
def test_what_is_no_address_is_no_mailbox(address):
    with pytest.raises(ValueError, match="not an address"):
        mailbox("Ada", address)


def test_an_encoded_word_as_an_address_is_refused():
    with pytest.raises(MailError) as refused:
        build(to="=?utf-8?q?x=0ABcc:_y?=@example.com")
    assert not refused.value.retryable


def test_an_odd_address_to_reply_to_is_left_out_and_the_mail_still_goes():
    content = build(reply_to="x\r\nBcc: evil@example.com")
    assert b"Reply-To" not in content
    assert b"evil" not in content


def test_a_sender_s_name_may_be_in_any_language():
    read = message_from_bytes(build(sender="Möten & mer <moten@crm.example>"), policy=policy.default)
    assert read["From"].addresses[0].display_name == "Möten & mer"


def test_domains_travel_in_ascii():
    assert wire_address("vera@straße.example.com") == "vera@xn--strae-oqa.example.com"
    assert wire_address("vera@example.com") == "vera@example.com"
    assert wire_address("jörg@exämple.com") == "jörg@xn--exmple-cua.com"


async def deliver(port: int, to: str) -> None:
    mailer = Mailer(host="127.0.0.1", port=port, sender="calendar@crm.example")
    await mailer.send(compose(a_letter()), to=to, to_name="Jörg", reply_to=None, message_id="<1@crm.example>")


@pytest.mark.parametrize(
    ("to", "wire"),
    [
        ("vera@exämple.com", "vera@xn--exmple-cua.com"),
        ("jörg@example.com", "jörg@example.com"),
        ("उपयोगकर्ता@example.com", "उपयोगकर्ता@example.com"),
    ],
)
async def test_international_addresses_are_reached(to, wire):
    sink = MailSink()
    await sink.start()
    try:
        await deliver(sink.port, to)
    finally:
        await sink.stop()
    (received,) = sink.mailbox
    assert received.recipients == (wire,)
