"""The mail sink, driven with a real SMTP client over a real socket."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest

from sandbox.mail import MailSink, create_mail_control

INVITATION = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Möte\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


@dataclass
class Post:
    """A sink that runs, and its control API."""

    sink: MailSink
    control: httpx.AsyncClient

    async def send(self, message: EmailMessage) -> None:
        await aiosmtplib.send(message, hostname="127.0.0.1", port=self.sink.port, timeout=5)

    async def messages(self, **query: str) -> list[dict]:
        return (await self.control.get("/messages", params=query)).json()["items"]

    async def fault(self, **fault: object) -> None:
        (await self.control.post("/faults", json=fault)).raise_for_status()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    sink = MailSink()
    await sink.start()
    transport = httpx.ASGITransport(create_mail_control(sink))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as control:
        yield Post(sink, control)
    await sink.stop()


def mail(to: str = "ada@example.com", subject: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Calendar Connect <no-reply@example.com>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Plain words.\n.\nA line with a dot.\n")
    return message


async def test_a_mail_is_stored_and_taken_apart(post):
    message = mail(subject="Bestätigt: Möte på måndag")
    message["Message-ID"] = "<1@example.com>"
    message.add_alternative("<p>Rich wörds</p>", subtype="html")
    message.add_alternative(INVITATION, subtype="calendar", params={"method": "REQUEST"})
    message.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="data.bin")
    await post.send(message)

    [received] = await post.messages()
    assert received["number"] == 1
    assert received["envelope_from"] == "no-reply@example.com"
    assert received["envelope_to"] == ["ada@example.com"]
    assert received["from"] == "Calendar Connect <no-reply@example.com>"
    assert received["subject"] == "Bestätigt: Möte på måndag"
    assert received["message_id"] == "<1@example.com>"
    assert received["text"].splitlines() == ["Plain words.", ".", "A line with a dot."]
    assert received["html"].strip() == "<p>Rich wörds</p>"
    assert received["calendar"]["method"] == "REQUEST"
    assert "SUMMARY:Möte" in received["calendar"]["content"]
    assert received["attachments"] == [
        {"filename": "data.bin", "content_type": "application/octet-stream", "size": 2, "content_base64": "AAE="}
    ]
    assert ["Subject", "Bestätigt: Möte på måndag"] in received["headers"]
    assert received["defects"] == []


async def test_the_raw_message_is_what_went_over_the_wire(post):
    message = mail()
    await post.send(message)
    raw = await post.control.get("/messages/1/raw")
    assert raw.headers["content-type"] == "message/rfc822"
    assert b"Subject: Hello\r\n" in raw.content
    assert b"\r\n.\r\nA line with a dot.\r\n" in raw.content
    assert (await post.control.get("/messages/1")).json()["subject"] == "Hello"
    assert (await post.control.get("/messages/2")).status_code == 404


async def test_mails_are_found_by_whom_they_were_delivered_to_and_numbers_are_not_reused(post):
    await post.send(mail("ada@example.com"))
    await post.send(mail("bob@example.com"))
    assert [message["to"] for message in await post.messages(to="Bob@Example.com")] == ["bob@example.com"]
    assert (await post.control.delete("/messages")).status_code == 204
    assert await post.messages() == []
    await post.send(mail())
    assert [message["number"] for message in await post.messages()] == [3]


async def test_deliveries_are_told_without_taking_mails_apart(post):
    message = mail()
    message["Message-ID"] = "<a-very-long-name-of-a-message-that-is-folded-onto-a-line-of-its-own-1@example.com>"
    await post.send(message)
    [whole] = await post.messages()
    [delivery] = (await post.control.get("/deliveries")).json()["items"]
    assert delivery == {name: whole[name] for name in delivery}
    assert delivery["message_id"] == message["Message-ID"]


async def test_a_malformed_message_is_kept_with_its_defects(post):
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=post.sink.port, timeout=5) as client:
        raw = b"Subject: =?utf-8?q?broken\r\nContent-Type: multipart/mixed\r\n\r\n\xff\xfe no parts\r\n"
        await client.sendmail("a@example.com", ["b@example.com"], raw)
    [received] = await post.messages()
    assert "NoBoundaryInMultipartDefect" in received["defects"]
    assert (await post.control.get("/messages/1/raw")).content == raw


async def test_a_refused_connection_is_a_reset_and_only_the_next_ones(post):
    await post.fault(kind="refuse_connection", times=2)
    for _ in range(2):
        with pytest.raises((aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected)):
            await post.send(mail())
    await post.send(mail())
    assert len(await post.messages()) == 1
    assert (await post.control.get("/stats")).json() == {"connections": 3, "stored": 1}


async def test_a_refused_connection_with_a_code_is_a_greeting(post):
    await post.fault(kind="refuse_connection", code=421)
    with pytest.raises(aiosmtplib.SMTPConnectResponseError) as refused:
        await post.send(mail())
    assert refused.value.code == 421


@pytest.mark.parametrize("code", [450, 550])
async def test_a_recipient_can_be_refused_for_now_or_for_good(post, code):
    await post.fault(kind="reject_recipient", recipient="ada@example.com", code=code, times=None)
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await post.send(mail("ada@example.com"))
        assert refused.value.recipients[0].code == code
    await post.send(mail("bob@example.com"))
    await post.control.delete("/faults")
    await post.send(mail("ada@example.com"))
    assert [message["to"] for message in await post.messages()] == ["bob@example.com", "ada@example.com"]


async def test_a_message_can_be_refused_after_its_data(post):
    await post.fault(kind="reject_data", code=452)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await post.send(mail())
    assert refused.value.code == 452
    assert await post.messages() == []


async def test_a_drop_before_the_reply_leaves_the_message_delivered(post):
    await post.fault(kind="drop_before_reply")
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await post.send(mail())
    assert len(await post.messages()) == 1


async def test_a_drop_before_storing_leaves_nothing(post):
    await post.fault(kind="drop_before_store")
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await post.send(mail())
    assert await post.messages() == []


async def test_a_slow_server_answers_late(post):
    await post.fault(kind="slow", seconds=0.3)
    started = time.monotonic()
    await post.send(mail())
    assert time.monotonic() - started >= 0.3


async def test_an_unknown_fault_is_refused(post):
    assert (await post.control.post("/faults", json={"kind": "explode"})).status_code == 422


async def test_stopping_closes_open_connections():
    sink = MailSink()
    await sink.start()
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=sink.port, timeout=5)
    await client.connect()
    await sink.stop()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await client.noop()
