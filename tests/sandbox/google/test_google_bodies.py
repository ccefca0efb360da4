"""What a request's body may be: packed, too large, no text, or with nothing in it."""

import gzip
import json
from collections.abc import Iterator

import pytest

from sandbox.google.bodies import BODY_MAX
from tests.sandbox.google.live import Sandbox, meeting, running_sandbox

EVENTS = "/google/calendar/v3/calendars/primary/events"


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def google(server):
    server.control("POST", "/reset")
    return server


@pytest.fixture
def ada(google):
    return google.api("ada@example.com")


def send(api, content, *, path=EVENTS, **headers):
    """A body byte for byte, as an event to insert unless `path` says otherwise."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json", **named}
    return api.http.post(path, content=content, headers=sent)


def reason(answer):
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


def packed(body):
    return gzip.compress(json.dumps(body).encode())


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_packed_body_is_unpacked(ada, encoding):
    made = send(ada, packed(meeting(id="abcde", summary="Packed")), Content_Encoding=encoding)
    assert made.status_code == 200
    assert ada.get("abcde")["summary"] == "Packed"


def test_a_packed_batch_is_unpacked(ada):
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET /calendar/v3/users/me/calendarList HTTP/1.1\r\n\r\n\r\n"
    batch = {"Content_Type": "multipart/mixed; boundary=b", "Content_Encoding": "gzip"}
    packed_parts = gzip.compress(f"{part}--b--\r\n".encode())
    answer = send(ada, packed_parts, path="/google/batch/calendar/v3", **batch)
    assert answer.status_code == 200
    assert "calendar#calendarList" in answer.text
    bad = send(ada, packed_parts[:-9], path="/google/batch/calendar/v3", **batch)
    assert reason(bad) == (400, "badRequest")


def test_a_body_that_is_not_what_its_encoding_says_is_refused(ada):
    whole = packed(meeting())
    for content in (json.dumps(meeting()).encode(), whole[:-9], whole[:4] + b"\xff" * 20):
        assert reason(send(ada, content, Content_Encoding="gzip")) == (400, "badRequest")
    for encoding in ("br", "deflate", "gzip, gzip"):
        assert reason(send(ada, whole, Content_Encoding=encoding)) == (400, "badContent")
    assert ada.page()["items"] == []


def test_a_body_past_the_limit_is_refused_however_small_it_was_packed(ada):
    large = json.dumps(meeting(description=" " * BODY_MAX)).encode()
    for answer in (send(ada, large), send(ada, gzip.compress(large), Content_Encoding="gzip")):
        assert reason(answer) == (400, "badRequest")
        assert answer.json()["error"]["message"] == "Request payload size exceeds the limit: 10485760 bytes."
