"""A CRM's webhook on this machine: it keeps what is signed by the account's secret, and refuses everything else.

The one rule: it verifies by its own reading of Standard Webhooks; it shares no code with the sender.
Format: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.ports import HOST

Json = dict[str, Any]
TOLERANCE = 5 * 60  # seconds that sender and receiver may differ: older messages may have been recorded by somebody
PREFIX = "whsec_"
JOIN_WAIT = 5.0  # seconds


class RefusedError(Exception):
    """A message that is not the account's; the text says why."""


@dataclass(frozen=True)
class Delivery:
    """A message that was taken; `at` is when it came, in seconds of the monotonic clock."""

    event: Json
    at: float


class WebhookReceiver:
    """What came so far. Messages arrive on threads of their own."""

    def __init__(self) -> None:
        self.url = ""
        self._secret: str | None = None
        self._lock = threading.Lock()
        self._taken: dict[str, Delivery] = {}
        self._repeats = 0
        self._refused: list[str] = []

    def trust(self, secret: str) -> None:
        """Messages signed with this secret are the account's. Until it is known nothing is taken."""
        with self._lock:
            self._secret = secret

    @property
    def taken(self) -> list[Delivery]:
        """Every event once, in the order in which it first came."""
        with self._lock:
            return list(self._taken.values())

    @property
    def repeats(self) -> int:
        """How often an event came again: delivery is at least once."""
        with self._lock:
            return self._repeats

    @property
    def refused(self) -> list[str]:
        """Why messages were not taken."""
        with self._lock:
            return list(self._refused)

    def find(self, event_id: str) -> Delivery | None:
        """The event with this id, if it has come."""
        with self._lock:
            return self._taken.get(event_id)

    def receive(self, headers: Mapping[str, str], body: bytes, *, now: float) -> int:
        """Take or refuse a message; the status to answer. Names of headers are in lower case, `now` is POSIX time."""
        with self._lock:
            try:
                event = read_message(self._secret, headers, body, now=now)
            except RefusedError as reason:
                self._refused.append(str(reason))
                return 401
            if event["id"] in self._taken:
                self._repeats += 1
            else:
                self._taken[event["id"]] = Delivery(event, time.monotonic())
            return 204


def read_message(secret: str | None, headers: Mapping[str, str], body: bytes, *, now: float) -> Json:
    """The event a message brings. Raises: RefusedError."""
    if secret is None:
        raise RefusedError("nobody is trusted yet")
    verify(secret, headers, body, now=now)
    try:
        event = json.loads(body)
    except ValueError as error:
        raise RefusedError("the body is no JSON") from error
    if not isinstance(event, dict) or event.get("id") != headers["webhook-id"]:
        raise RefusedError("the event is not the message's")
    return event


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Whether a message was signed with the secret, and lately. Raises: RefusedError."""
    try:
        message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split(" ")
        sent_at = int(timestamp)
    except (KeyError, ValueError) as error:
        raise RefusedError("a header is missing or malformed") from error
    if abs(now - sent_at) > TOLERANCE:
        raise RefusedError("the message is too old, or of the future")
    key = base64.b64decode(secret.removeprefix(PREFIX))
    made = hmac.digest(key, b".".join([message_id.encode(), timestamp.encode(), body]), "sha256")
    if not any(hmac.compare_digest(made, given) for given in map(_signature, signatures)):
        raise RefusedError("no signature is ours")


def _signature(versioned: str) -> bytes:
    """What a signature of the first version says; of another, or of none, nothing."""
    version, _, encoded = versioned.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: WebhookReceiver


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.server.receiver.receive(headers, body, now=time.time()))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The demo says what there is to say."""


@contextmanager
def receiving() -> Iterator[WebhookReceiver]:
    """A receiver on a free port of this machine."""
    receiver = WebhookReceiver()
    server = _Server((HOST, 0), _Handler)
    server.receiver = receiver
    receiver.url = f"http://{HOST}:{server.server_address[1]}/calendar-connect"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(JOIN_WAIT)
