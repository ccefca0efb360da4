"""Bodies of requests: packed ones, too big ones, and those nothing could be made of."""

import gzip
import json
import zlib
from collections.abc import Iterator

import pytest

from tests.sandbox.microsoft.live import Sandbox, meeting, running_sandbox

ADA = "ada@contoso.example"
EVENTS = "/microsoft/v1.0/me/events"


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def ms(server):
    server.control("POST", "/reset")
    return server


@pytest.fixture
def ada(ms):
    return ms.api(ADA)


def post(ada, content, encoding=None, path=EVENTS):
    headers = {"Authorization": f"Bearer {ada.token}", "Content-Type": "application/json"}
    return ada.http.post(path, content=content, headers=headers | ({"Content-Encoding": encoding} if encoding else {}))


def told(answer):
    return answer.status_code, answer.json()["error"]["code"]


# packed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_may_be_packed_as_graphs_own_clients_do(ada, encoding):
    made = post(ada, gzip.compress(json.dumps(meeting(subject="Packed")).encode()), encoding)
    assert (made.status_code, made.json()["subject"]) == (201, "Packed")
    assert post(ada, json.dumps(meeting()), "identity").status_code == 201


def test_a_batch_may_be_packed_too(ada):
    requests = {"requests": [{"id": "1", "method": "GET", "url": "/me/events"}]}
    answer = post(ada, gzip.compress(json.dumps(requests).encode()), "gzip", "/microsoft/v1.0/$batch")
    assert answer.json()["responses"][0]["status"] == 200


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "nonsense"])
def test_any_other_packing_is_refused(ada, encoding):
    assert told(post(ada, zlib.compress(json.dumps(meeting()).encode()), encoding)) == (415, "RequestBodyRead")


def test_no_body_holds_more_than_four_megabytes_however_small_it_came(ms, ada):
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    assert len(bomb) < 100_000
    refused = post(ada, bomb, "gzip")
    assert told(refused) == (413, "BadRequest")
    assert refused.json()["error"]["message"] == "The maximum request length supported is 4MB."
    assert told(post(ada, json.dumps(meeting(subject="x" * 4 * 1024 * 1024)))) == (413, "BadRequest")
    room = 4 * 1024 * 1024 - len(json.dumps(meeting(subject="")))
    whole = json.dumps(meeting(subject="x" * room)).encode()
    assert post(ada, gzip.compress(whole), "gzip").status_code == 201


@pytest.mark.parametrize("content", [b"{}", gzip.compress(b"{}")[:-3], gzip.compress(b"{}") + b"more", b"\x1f\x8b"])
def test_a_broken_package_is_refused(ada, content):
    refused = post(ada, content, "gzip")
    assert told(refused) == (400, "BadRequest")
    assert refused.json()["error"]["message"].startswith("Unable to read JSON request payload.")
