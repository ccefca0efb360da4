"""A worker's figures over HTTP, for a process that serves nothing else.

The one rule: it runs in threads of its own, so that a worker that is stuck still tells how it stands; without the
operator's token there is nothing here.
"""

import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST

from app.telemetry.metrics import process_figures

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATHS: Final = ("/metrics", "/metrics/process")
_PATIENCE_SECONDS: Final = 5.0


def is_operator(token: str | None, shown: str) -> bool:
    """Whether an `Authorization` header carries the operator's token; never, where there is none."""
    return token is not None and hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Nothing: a scrape is no news."""


@contextmanager
def metrics_listener(host: str, port: int, token: str) -> Iterator[int]:
    """Answers scrapes while the block runs; the port, for whoever asked for any."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in PATHS and is_operator(token, environ.get("HTTP_AUTHORIZATION", "")):
            start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST), ("Cache-Control", "no-store")])
            return [process_figures()]
        start(f"{HTTPStatus.NOT_FOUND} Not Found", [("Content-Length", "0")])
        return []

    with make_server(host, port, answer, server_class=_Server, handler_class=_Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
