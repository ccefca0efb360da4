"""What Graph's refusals mean, whatever was asked."""

import pytest

from app.providers.base import (
    InvalidRequest,
    PermissionDenied,
    ProtocolError,
    QuotaExceeded,
    RateLimited,
    Transient,
    Unsupported,
)
from tests.providers.graph.scripted_graph import CALENDAR, WINDOW, refused, scripted_graph, session_at
from tests.providers.scripted import Reply


@pytest.fixture
async def server():
    async with scripted_graph() as server:
        yield server


@pytest.fixture
async def session(server):
    async with session_at(server) as session:
        yield session


async def listed(session):
    return [event async for event in session.list_instances(CALENDAR, WINDOW)]


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (refused(429, "ApplicationThrottled"), RateLimited, "ApplicationThrottled"),
        (refused(429, "ErrorAccessDenied"), RateLimited, "ErrorAccessDenied"),
        (Reply(429, b"slow down"), RateLimited, None),
        (refused(403, "ErrorQuotaExceeded"), QuotaExceeded, "ErrorQuotaExceeded"),
        (refused(400, "ErrorMessageSubmissionBlocked"), QuotaExceeded, "ErrorMessageSubmissionBlocked"),
        (refused(403, "ErrorAccessDenied"), PermissionDenied, "ErrorAccessDenied"),
        (refused(403, "Authorization_RequestDenied"), PermissionDenied, "Authorization_RequestDenied"),
        *((Reply(status, b"<html>"), ProtocolError, None) for status in (403, 404, 410)),
        (refused(404, "MailboxNotEnabledForRESTAPI"), Unsupported, "MailboxNotEnabledForRESTAPI"),
        (refused(423, "resourceLocked"), Transient, "resourceLocked"),
        (refused(503, "ErrorMailboxMoveInProgress"), Transient, None),
        (refused(400, "RequestBroker--ParseUri"), InvalidRequest, "RequestBroker--ParseUri"),
        (Reply(400, b'{"error": "bad"}'), InvalidRequest, None),
        (Reply(400, b'{"error": {"code": ["x"], "message": 5}}'), InvalidRequest, None),
        (Reply(400, b"[]"), InvalidRequest, None),
        (refused(409, "conflict"), InvalidRequest, "conflict"),
        (refused(415, "RequestBodyRead"), InvalidRequest, "RequestBodyRead"),
    ],
)
async def test_what_graphs_refusals_mean(session, server, answer, error, code):
    server.script(answer)
    with pytest.raises(error) as refusal:
        await listed(session)
    assert refusal.value.provider_code == code
    assert refusal.value.operation == "office365.list_instances"


@pytest.mark.parametrize(
    ("told", "seconds"), [("30", 30), ("Sun, 01 Mar 2026 12:00:20 GMT", 20), ("soon", None), (None, None)]
)
@pytest.mark.parametrize("status", [429, 503])
async def test_throttling_says_how_long_to_wait_when_graph_does(session, server, told, seconds, status):
    body = refused(status, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.").body
    server.script(Reply(status, body, {} if told is None else {"Retry-After": told}))
    with pytest.raises(RateLimited if status == 429 else Transient) as throttled:
        await listed(session)
    assert throttled.value.retryable
    assert throttled.value.retry_after == seconds


async def test_a_refusal_never_repeats_what_graph_quotes_and_names_the_exchange(session, server):
    server.script(refused(400, "secret reason!", "The property 'ada@example.com' is invalid."))
    with pytest.raises(InvalidRequest) as refusal:
        await listed(session)
    assert "ada" not in str(refusal.value)
    assert refusal.value.provider_code is None
    assert "secret" not in str(refusal.value)
    assert refusal.value.request_id == "r-1"
