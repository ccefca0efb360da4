"""A webhook on a real socket, for tests: it keeps what it gets and answers as it is told.

The one rule: it knows nothing of who sends. What a request means is the test's to say.
"""

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PATIENCE = 5  # seconds: longer than anything takes, shorter than anybody waits
QUIET = 0.08


@dataclass(frozen=True)
class Got:
    """One request; names of headers in lower case, `at` in seconds of the monotonic clock."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`statuses` are used up one by one, then `status` holds; `echo` answers Graph's validation requests."""

    url: str = ""
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    sleep: float = 0
    echo: bool = True
    echo_status: int = 200
    echo_type: str = "text/plain; charset=utf-8"
    echo_text: str | None = None
    got: list[Got] = field(default_factory=list)
    arrival: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int) -> list[Got]:
        """The requests that are no validation, once there are `count`."""
        with self.arrival:
            assert self.arrival.wait_for(lambda: len(self.messages) >= count, PATIENCE), self.messages
        return self.messages

    def quiet(self, count: int) -> list[Got]:
        """The same, and no more of them come."""
        self.wait(count)
        time.sleep(QUIET)
        assert len(self.messages) == count, self.messages
        return self.messages

    @property
    def messages(self) -> list[Got]:
        return [each for each in self.got if "validationToken" not in each.query]

    @property
    def validations(self) -> list[Got]:
        return [each for each in self.got if "validationToken" in each.query]

    def answer(self, got: Got) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        token = got.query.get("validationToken")
        if self.echo and token is not None:
            text = token if self.echo_text is None else self.echo_text
            return self.echo_status, self.echo_type, text.encode()
        return self.statuses.pop(0) if self.statuses else self.status, "text/plain", b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hangs up early is part of the tests."""


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of this machine; with a context it speaks HTTPS."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            got = Got(self.command, parts.path, query, headers, body, time.monotonic())
            with receiver.arrival:
                receiver.got.append(got)
                status, kind, content = receiver.answer(got)
                receiver.arrival.notify_all()
            time.sleep(receiver.sleep)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """The test says what it wants to know."""

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)
