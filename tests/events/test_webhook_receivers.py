"""What receivers answer on the wire, byte by byte, and what is read in it (R52)."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.addresses import Guard
from app.events.posting import Destination, WebhookPost
from app.events.repository import Entry
from app.events.retry import Attempt
from app.events.signing import new_secret
from app.http import HttpClient
from app.ids import new_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HINTS = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
NO_BODY = b"Content-Length: 0\r\n\r\n"
ENTRY = Entry(account_id=new_id(), id=new_id(), sequence=1, type="booking.created", occurred_at=NOW, data={})


async def attempt(answer: bytes) -> Attempt:
    """Of a receiver that says this and hangs up."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with (
        await asyncio.start_server(say, "127.0.0.1", 0) as server,
        HttpClient(guard=Guard(["127.0.0.1"])) as http,
    ):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        return await WebhookPost(http, lambda: NOW).send(ENTRY, Destination(url, [new_secret()]))


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (HINTS + b"HTTP/1.1 200 OK\r\n" + NO_BODY, 200),
        (b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 202),
        (b"HTTP/1.0 201 Created\r\n\r\nuntil the end", 201),
        (b"HTTP/1.1 299\r\n" + NO_BODY, 299),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", 204),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\n\xff\xff\xff\xff", 200),
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", 200),
    ],
)
async def test_r52_every_2xx_is_a_delivery(answer: bytes, status: int) -> None:
    made = await attempt(answer)
    assert (made.succeeded, made.status_code, made.error) == (True, status, None)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", None),
        (HINTS, None),
        (b"", None),
        (b"SMTP 220 hello\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, None),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304),
        (b"HTTP/1.1 308 Moved\r\nLocation: /there\r\n" + NO_BODY, 308),
        (b"HTTP/1.1 410 Gone\r\n" + NO_BODY, 410),
    ],
)
async def test_r52_nothing_else_is_one(answer: bytes, status: int | None) -> None:
    made = await attempt(answer)
    assert (made.succeeded, made.status_code) == (False, status)
    assert made.error == ("no_answer" if status is None else None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"120", 120),
        (b" 7 ", 7),
        (b"0", 0),
        (b"-5", None),
        (b"1.5", None),
        (b"9" * 30, 1e30),
        (b"\xb2", None),
        (b"Sun, 22 Nov 2026 12:02:00 GMT", 120),
        (b"Sun, 22 Nov 99999999999999999999 12:02:00 GMT", None),
    ],
)
async def test_r52_a_wait_is_asked_for_in_seconds_or_as_a_date(said: bytes, seconds: float | None) -> None:
    made = await attempt(b"HTTP/1.1 503 Busy\r\nRetry-After: " + said + b"\r\n" + NO_BODY)
    assert (made.status_code, made.retry_after) == (503, seconds)
