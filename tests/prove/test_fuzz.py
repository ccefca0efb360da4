"""The fuzz battery, tiny: a service that lies in every way it can, each lie seen by its check; and the service itself.

The one rule: a check that cannot see a lie about what it checks is none.
"""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httptools
import pytest
import uvicorn

from prove.fuzz import LONGEST_TARGET, NOT_APPLIED, Report, Scale, fuzz, judged
from prove.fuzz_world import World
from prove.plan import Plan
from tests.support.world import World as Place

ONCE = Scale(0, examples=1)
MARKED = {"headers": {"ETag": {"required": True, "schema": {"type": "string"}}}}
PLAIN = {"description": "Done.", "content": {"application/json": {"schema": {"type": "object", "required": ["id"]}}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Liar", "version": "1"},
    "paths": {
        f"/{lie}": {
            "get": {
                "operationId": lie,
                "tags": ["Lies"],
                "security": [],
                "responses": {
                    "200": PLAIN
                    | {
                        "headers": {"ETag": {"required": True, "schema": {"type": "string"}}} if lie == "header" else {}
                    },
                    "500": PLAIN,
                    "503": PLAIN,
                },
            }
        }
        for lie in ("truth", "status", "type", "header", "body", "fault", "away")
    },
}
ANSWERS = {
    "truth": (200, "application/json", {"id": 1}),
    "status": (418, "application/json", {"id": 1}),
    "type": (200, "text/html", {"id": 1}),
    "header": (200, "application/json", {"id": 1}),
    "body": (200, "application/json", {"other": 1}),
    "fault": (500, "application/json", {"id": 1}),
    "away": (503, "application/json", {"id": 1}),
}
SEEN_BY = {
    "status": "only declared statuses",
    "type": "only declared content types",
    "header": "the declared headers",
    "body": "bodies true to their schema",
    "fault": "no fault of ours",
    "away": "no fault of ours",
}


class _Liar(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, kind, body = ANSWERS[self.path.strip("/").partition("?")[0]]
        said = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Not to the terminal."""


@contextmanager
def lying() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Liar) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_every_lie_is_seen_by_the_check_that_is_meant_for_it() -> None:
    with lying() as url:
        report = fuzz(DOCUMENT, url, World({}, {}), Plan(1), ONCE)
    seen = {(what.partition(":")[0], check) for check, told in report.wrong.items() for what in told}
    assert {(lie, check) for lie, check in seen if (lie, check) in SEEN_BY.items()} == set(SEEN_BY.items())
    assert "truth" not in {lie for lie, _ in seen}
    failed = {line.check for line in judged(DOCUMENT, report) if not line.ok}
    assert failed >= set(SEEN_BY.values())
    assert "`Allow` where a method is refused" not in failed


def test_an_operation_that_was_not_called_fails_the_run() -> None:
    report = Report()
    lines = {line.check: line for line in judged(DOCUMENT, report)}
    assert not lines["every operation was called"].ok
    assert not lines["most operations were also done"].ok


def test_no_shorter_target_is_left_out_than_the_server_refuses() -> None:
    httptools.parse_url(b"/".ljust(LONGEST_TARGET, b"a"))
    with pytest.raises(httptools.HttpParserInvalidURLError):
        httptools.parse_url(b"/".ljust(LONGEST_TARGET + 1, b"a"))


def test_what_is_left_out_has_a_reason() -> None:
    assert all(NOT_APPLIED.values())


async def test_the_service_is_what_its_document_says(world: Place) -> None:
    person = await world.person()
    service = await world.service(person.account_id)
    document = {**world.app.openapi(), "paths": dict(_some(world.app.openapi()["paths"]))}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(world.app, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve([listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            known = World(person.headers, service.headers)
            report = await asyncio.to_thread(fuzz, document, url, known, Plan(3), ONCE)
        finally:
            server.should_exit = True
            await serving
    assert report.wrong == {}
    assert len(report.answered) == sum(map(len, document["paths"].values()))


def _some(paths: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What needs nobody outside, and little time; the battery asks for all of it."""
    for path, item in paths.items():
        if {tag for spec in item.values() for tag in spec["tags"]} & {"Users", "Contacts", "Tasks", "Scheduling pages"}:
            yield path, item
