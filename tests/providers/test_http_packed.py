"""Packed answers: unpacked as far as an answer may be long, and no further."""

import gzip
import random
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from app.http import MAX_ANSWER_BYTES, AnswerTooLarge, HttpClient, Interrupted
from prove.faults_wire import Answer, Fault, Kind
from prove.proxy import Asked, HttpDoor, Rule

MEBIBYTE = 1 << 20


class Packing(HttpDoor):
    """A server that answers with these bytes, packed as it says."""

    packing, body = b"gzip", b""

    async def forward(self, asked: Asked) -> Answer:
        assert asked.header(b"accept-encoding") == b"gzip"
        return Answer(200, [(b"content-encoding", self.packing)], self.body)


@pytest.fixture
async def server() -> AsyncIterator[Packing]:
    async with Packing(random.Random(1)) as server:  # noqa: S311 - chance, repeatable
        yield server


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(timeout_seconds=20) as client:
        yield client


async def test_a_packed_answer_is_unpacked(server: Packing, http: HttpClient) -> None:
    plain = random.Random(1).randbytes(300_000) * 3  # noqa: S311 - chance, repeatable
    for server.packing, server.body in ((b"gzip", gzip.compress(plain)), (b"GZIP", gzip.compress(plain)), (b"", plain)):
        assert (await http.send("GET", server.url)).content == plain


async def test_an_answer_may_be_as_long_as_it_may_and_no_longer(server: Packing, http: HttpClient) -> None:
    server.body = gzip.compress(bytes(MAX_ANSWER_BYTES), 1)
    assert len((await http.send("GET", server.url)).content) == MAX_ANSWER_BYTES
    server.body = gzip.compress(bytes(MAX_ANSWER_BYTES + 1), 1)
    with pytest.raises(AnswerTooLarge):
        await http.send("GET", server.url)


async def test_a_packed_answer_in_several_parts_is_whole(server: Packing, http: HttpClient) -> None:
    parts = [random.Random(number).randbytes(100_000) for number in range(3)]  # noqa: S311 - chance, repeatable
    server.body = b"".join(gzip.compress(part) for part in [*parts, b""])
    assert (await http.send("GET", server.url)).content == b"".join(parts)
    server.body = b""
    assert (await http.send("GET", server.url)).content == b""


@pytest.mark.parametrize("lost", [1, 8, 9, 100, 1000])
async def test_p3_a_packed_answer_that_is_cut_is_none(server: Packing, http: HttpClient, lost: int) -> None:
    """A server that died at its work may end what it sends as if it were all."""
    packed = gzip.compress(random.Random(1).randbytes(2000))  # noqa: S311 - chance, repeatable
    for before in (b"", packed):
        server.body = before + packed[:-lost]
        with pytest.raises(Interrupted):
            await http.send("GET", server.url)


@pytest.mark.parametrize(("packing", "body"), [(b"gzip", b"not packed"), (b"br", b"{}"), (b"gzip, gzip", b"{}")])
async def test_what_cannot_be_unpacked_is_no_answer(
    server: Packing, http: HttpClient, packing: bytes, body: bytes
) -> None:
    server.packing, server.body = packing, body
    with pytest.raises(Interrupted):
        await http.send("GET", server.url)


async def test_a_bomb_takes_no_more_room_than_the_longest_answer(server: Packing, http: HttpClient) -> None:
    server.rules = [Rule(Fault(Kind.BOMB), times=None)]
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLarge):
            await http.send("GET", server.url)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2.5 * MAX_ANSWER_BYTES, f"{most / MEBIBYTE:.0f} MiB"
