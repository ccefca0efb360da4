"""What Google's refusals mean, whatever was asked."""

import pytest

from app.calendar import (
    Busy,
)
from app.providers.base import (
    InvalidRequest,
    Misconfigured,
    PermissionDenied,
    ProtocolError,
    QuotaExceeded,
    RateLimited,
)
from tests.providers.google.payloads import page, single
from tests.providers.google.scripted_google import CALENDAR, SCOPE, WINDOW, refused, scripted_google, session_at
from tests.providers.scripted import Reply


@pytest.fixture
async def server():
    async with scripted_google() as server:
        yield server


@pytest.fixture
async def session(server):
    async with session_at(server) as session:
        yield session


async def listed(session, **query):
    return [event async for event in session.list_instances(CALENDAR, WINDOW, **query)]


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (refused(403, "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
        (refused(403, "userRateLimitExceeded"), RateLimited, "userRateLimitExceeded"),
        (refused(429, "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
        (Reply(429, b"slow down"), RateLimited, None),
        (refused(403, "quotaExceeded"), QuotaExceeded, "quotaExceeded"),
        (refused(403, "insufficientPermissions"), PermissionDenied, "insufficientPermissions"),
        (SCOPE, PermissionDenied, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        (refused(403, "forbidden"), PermissionDenied, "forbidden"),
        *((Reply(status, b"<html>"), ProtocolError, None) for status in (403, 404, 410)),
        (refused(403, "accessNotConfigured"), Misconfigured, "accessNotConfigured"),
        (refused(400, "timeRangeEmpty"), InvalidRequest, "timeRangeEmpty"),
        (Reply(400, b'{"error": "bad"}'), InvalidRequest, "bad"),
        (Reply(400, b'{"error": {"errors": "x", "details": [7], "message": 5}}'), InvalidRequest, None),
        (Reply(400, b"[]"), InvalidRequest, None),
        (refused(409, "conflict"), InvalidRequest, "conflict"),
        (refused(413, "uploadTooLarge"), InvalidRequest, "uploadTooLarge"),
    ],
)
async def test_what_googles_refusals_mean(session, server, answer, error, code):
    server.script(answer)
    with pytest.raises(error) as refusal:
        await session.list_calendars()
    assert refusal.value.provider_code == code
    assert refusal.value.operation == "google.calendar_list"


async def test_throttling_says_how_long_to_wait_when_google_does(session, server):
    body = refused(429, "rateLimitExceeded").body
    server.script(Reply(429, body, {"Retry-After": "30"}), Reply(429, body))
    for seconds in (30, None):
        with pytest.raises(RateLimited) as throttled:
            await session.list_calendars()
        assert throttled.value.retry_after == seconds


async def test_a_refusal_never_repeats_what_google_quotes(session, server):
    server.script(refused(400, "secret reason!", "Invalid value: ada@example.com"))
    with pytest.raises(InvalidRequest) as refusal:
        await session.list_calendars()
    assert "ada" not in str(refusal.value)
    assert refusal.value.provider_code is None
    assert "secret" not in str(refusal.value)


async def test_busy_events_are_told_apart_in_a_window(session, server):
    server.script(
        Reply(body=page(single(), single(id="x1", eventType="outOfOffice"), single(id="x2", status="tentative")))
    )
    assert [event.busy for event in await listed(session)] == [Busy.BUSY, Busy.OUT_OF_OFFICE, Busy.TENTATIVE]
