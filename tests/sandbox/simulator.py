"""A simulator on a real socket, for tests: a server in a thread, and what is alike in all control APIs.

The one rule: what only one provider has stands in that provider's `live.py`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import uvicorn
from starlette.applications import Starlette

Json = dict[str, Any]


@dataclass(frozen=True)
class Simulator:
    """One that runs, and a client that is at its address."""

    provider: ClassVar[str]

    base_url: str
    http: httpx.Client

    def control(self, verb: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.http.request(verb, f"/control/{self.provider}{path}", json=body, params=query)
        assert answer.is_success, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def account(self, email: str, **more: Any) -> Any:
        body = {"email": email, "name": email.partition("@")[0].title(), **more}
        return self.control("POST", "/accounts", body)

    def fault(self, kind: str, *, times: int | None = 1, match: Json | None = None, **action: Any) -> None:
        self.control("POST", "/faults", {"match": match or {}, "action": {"kind": kind, **action}, "times": times})


@contextmanager
def serving(app: Starlette, **options: Any) -> Iterator[int]:
    """The port of this machine at which an application is served; the options are uvicorn's."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", loop="asyncio", **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server did not start"
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
