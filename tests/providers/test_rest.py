"""What every way an HTTP call can end means for a read and for a write."""

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from app.http import Answer, HttpClient
from app.providers.base import (
    LONGEST_RETRY_AFTER,
    AmbiguousOutcome,
    AuthExpired,
    InvalidRequest,
    ProtocolError,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
)
from app.providers.rest import Call, RestSession, retry_after
from tests.providers.scripted import Drop, Reply, ScriptedServer
from tests.providers.tokens import Tokens

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DECODE = msgspec.json.Decoder(dict[str, int]).decode


@pytest.fixture
async def server():
    async with ScriptedServer() as server:
        yield server
        assert server.left == 0


@pytest.fixture
async def http():
    async with HttpClient(timeout_seconds=3) as client:
        yield client


@pytest.fixture
def tokens():
    return Tokens()


def _refusal(call: Call, answer: Answer, wait: float | None) -> ProviderError:
    return InvalidRequest(f"{call.operation} {answer.status}", retry_after=wait)


@pytest.fixture
def rest(http, tokens):
    return RestSession(http, tokens, refusal=_refusal, clock=lambda: NOW, slots=asyncio.Semaphore(2))


@pytest.fixture
def read(server):
    return Call("test.read", "GET", f"{server.url}/thing", {"q": "a b"})


@pytest.fixture
def write(server):
    return Call("test.write", "POST", f"{server.url}/thing", body={"x": 1}, write=True)


async def test_a_call_carries_the_token_its_query_and_its_body(rest, server, write):
    server.script(Reply(body={"done": 1}))
    assert await rest.fetch(write.asking(q="a&b"), DECODE) == {"done": 1}
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query, seen.json) == ("POST", "/thing", {"q": "a&b"}, {"x": 1})
    assert seen.headers["authorization"] == "Bearer first"
    assert seen.headers["content-type"] == "application/json"


async def test_a_refused_token_is_renewed_once_and_the_same_request_sent_again(rest, server, tokens, write):
    server.script(Reply(401), Reply(body={"done": 1}))
    await rest.fetch(write, DECODE)
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer first", "Bearer second"]
    assert server.seen[0].body == server.seen[1].body
    assert tokens.rejected == ["first"]


async def test_a_second_refusal_of_the_token_is_an_error_and_not_a_loop(rest, server, read):
    server.script(Reply(401), Reply(401))
    with pytest.raises(AuthExpired) as refused:
        await rest.send(read)
    assert refused.value.operation == "test.read"
    assert len(server.seen) == 2


async def test_a_grant_that_died_passes_through(http, server, read):
    rest = RestSession(http, Tokens("only"), refusal=_refusal, clock=lambda: NOW, slots=asyncio.Semaphore(2))
    server.script(Reply(401))
    with pytest.raises(ReauthRequired):
        await rest.send(read)


async def test_without_a_connection_nothing_happened_so_even_a_write_may_be_tried_again(rest, write):
    with socket.socket() as unused:  # bound, and nobody listens
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(Transient):
            await rest.send(replace(write, url=nowhere))


@pytest.mark.parametrize(
    "ending",
    [
        Drop(),
        Reply(body=b'{"done": 1}', cut_after=4),
        Reply(500, b"<html>"),
        Reply(503),
        Reply(408),
    ],
    ids=["dropped", "cut", "500", "503", "408"],
)
async def test_an_answer_that_never_came_passes_for_a_read_and_is_ambiguous_for_a_write(
    rest, server, read, write, ending
):
    server.script(ending, ending)
    with pytest.raises(Transient):
        await rest.send(read)
    with pytest.raises(AmbiguousOutcome):
        await rest.send(write)
    assert len(server.seen) == 2, "neither may be sent twice"


async def test_a_slow_answer_ends_at_the_deadline(server, tokens, read, write):
    server.delay = 0.4
    server.script(Reply(), Reply())
    async with HttpClient(timeout_seconds=0.2) as http:
        rest = RestSession(http, tokens, refusal=_refusal, clock=lambda: NOW, slots=asyncio.Semaphore(2))
        with pytest.raises(Transient):
            await rest.send(read)
        with pytest.raises(AmbiguousOutcome):
            await rest.send(write)
    await asyncio.sleep(0.5)  # the server finishes its script


@pytest.mark.parametrize(
    "answer",
    [
        Reply(body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
        Reply(body=b""),
        Reply(body=b'{"done": "no number"}'),
        Reply(body=b'{"done": \xff}'),
        Reply(body=b"[" * 100_000),
        Reply(302, headers={"Location": "https://portal.example.com/"}),
    ],
    ids=["html", "empty", "other shape", "broken text", "bottomless", "redirected"],
)
async def test_an_answer_we_cannot_read_is_an_error_for_a_read_and_ambiguous_for_a_write(
    rest, server, read, write, answer
):
    server.script(answer, answer)
    with pytest.raises(ProtocolError):
        await rest.fetch(read, DECODE)
    with pytest.raises(AmbiguousOutcome):
        await rest.fetch(write, DECODE)


async def test_a_removal_that_is_answered_with_words_has_perhaps_not_happened(rest, server, write):
    removal = replace(write, method="DELETE", body=None)
    server.script(Reply(204), Reply(200, body=b"<html>Sign in to the network</html>"))
    assert (await rest.send(removal)).status == 204
    with pytest.raises(AmbiguousOutcome):
        await rest.send(removal)


async def test_other_refusals_are_the_providers_to_explain(rest, server, write):
    server.script(Reply(422, headers={"Retry-After": "7"}))
    with pytest.raises(InvalidRequest, match="422") as refused:
        await rest.send(write)
    assert refused.value.retry_after == 7


async def test_a_failing_server_may_say_how_long_to_wait_and_what_it_calls_the_request(rest, server, read):
    headers = {"Retry-After": "Sun, 01 Mar 2026 12:01:30 GMT", "X-Request-Id": "r-1"}
    server.script(Reply(503, headers=headers))
    with pytest.raises(Transient) as failure:
        await rest.send(read)
    assert failure.value.retry_after == 90
    assert failure.value.request_id == "r-1"


@pytest.mark.parametrize(("status", "kind"), [(507, QuotaExceeded), (509, RateLimited)])
async def test_who_has_no_room_has_not_done_it(rest, server, write, status, kind):
    server.script(Reply(status, headers={"Retry-After": "30"}))
    with pytest.raises(kind) as refused:
        await rest.send(write)
    assert refused.value.retry_after == 30


async def test_nobody_can_have_us_wait_for_ever(rest, server, write):
    server.script(Reply(422, headers={"Retry-After": "9" * 300}))
    with pytest.raises(InvalidRequest) as refused:
        await rest.send(write)
    assert refused.value.retry_after == LONGEST_RETRY_AFTER


async def test_no_more_requests_are_under_way_than_the_mailbox_bears(rest, server, read):
    server.delay = 0.05
    server.script(*[Reply(body={})] * 6)
    await asyncio.gather(*(rest.send(read) for _ in range(6)))
    assert server.at_once == 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("\uff11\uff12", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value, seconds):
    assert retry_after({"retry-after": value}, NOW) == seconds
