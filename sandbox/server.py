"""One process with every simulator: HTTP by uvicorn, SMTP beside it, in one event loop.

The rule: the addresses are known before anything is composed, since an issuer must know its own URL. So the sockets
are bound first.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import HTMLResponse

from sandbox.clock import Clock
from sandbox.google.app import create_google
from sandbox.google.control import create_control as create_google_control
from sandbox.google.world import GoogleWorld
from sandbox.identity import create_identity
from sandbox.mail import MailSink, create_mail_control
from sandbox.mailbox import as_json
from sandbox.microsoft.app import create_microsoft
from sandbox.microsoft.control import create_control as create_microsoft_control
from sandbox.microsoft.world import MicrosoftWorld
from sandbox.pages import dashboard_page, front_page, mailbox_page, message_page
from sandbox.ports import HOST, PortTakenError
from sandbox.processes import stop_signalled

BACKLOG = 512


@dataclass(frozen=True)
class Addresses:
    """Where a running sandbox is."""

    http_url: str
    smtp_host: str
    smtp_port: int


class ClockChange(BaseModel):
    """What to do with the simulators' time, in this order."""

    model_config = ConfigDict(extra="forbid")

    freeze_at: AwareDatetime | None = None
    advance_seconds: float | None = None
    run: bool = False


def create_sandbox(http_url: str, sink: MailSink, *, keys_file: Path | None = None) -> FastAPI:
    """All simulators as one application that is reached at `http_url`."""
    clock = Clock()
    google, microsoft = GoogleWorld(clock), MicrosoftWorld(clock)
    app = FastAPI(title="Sandbox", openapi_url=None)
    app.mount("/google", create_google(google))
    app.mount("/control/google", create_google_control(google))
    app.mount("/microsoft", create_microsoft(microsoft))
    app.mount("/control/microsoft", create_microsoft_control(microsoft))
    app.mount("/control/mail", create_mail_control(sink))
    app.mount("/identity", create_identity(f"{http_url}/identity", keys_file=keys_file))
    _add_clock_routes(app, clock)
    _add_pages(app, sink)
    return app


def _add_clock_routes(app: FastAPI, clock: Clock) -> None:
    def state() -> dict[str, datetime]:
        return {"now": clock.now()}

    @app.get("/control/clock")
    async def read_clock() -> dict[str, datetime]:
        return state()

    @app.post("/control/clock")
    async def change_clock(change: ClockChange) -> dict[str, datetime]:
        if change.freeze_at is not None:
            clock.freeze(change.freeze_at)
        if change.advance_seconds is not None:
            clock.advance(timedelta(seconds=change.advance_seconds))
        if change.run:
            clock.run()
        return state()

    @app.delete("/control/clock")
    async def reset_clock() -> dict[str, datetime]:
        clock.reset()
        return state()


def _add_pages(app: FastAPI, sink: MailSink) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    async def front() -> HTMLResponse:
        return front_page(smtp_address=f"{HOST}:{sink.port}")

    @app.get("/dashboard")
    async def dashboard(request: Request) -> HTMLResponse:
        return dashboard_page(request.query_params)

    @app.get("/mail")
    async def mails() -> HTMLResponse:
        return mailbox_page(as_json(message) for message in sink.mailbox)

    @app.get("/mail/{number}")
    async def mail(number: int) -> HTMLResponse:
        message = sink.mailbox.find(number)
        if message is None:
            raise HTTPException(404, "There is no such mail.")
        return message_page(as_json(message))


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready, and leaves signals to whoever runs the event loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve(*, http_port: int = 0, smtp_port: int = 0, keys_file: Path | None = None) -> AsyncIterator[Addresses]:
    """A running sandbox in the current event loop. Port 0: a free one. Raises PortTakenError.

    `keys_file` keeps the identity provider's keys over restarts.
    """
    listener = _listen(http_port)
    sink = MailSink()
    try:
        await sink.start(smtp_port)
    except OSError as error:
        listener.close()
        raise PortTakenError(f"Port {smtp_port} of {HOST} is taken: choose another for SMTP.") from error
    addresses = Addresses(f"http://{HOST}:{listener.getsockname()[1]}", HOST, sink.port)
    config = uvicorn.Config(
        create_sandbox(addresses.http_url, sink, keys_file=keys_file),
        lifespan="off",
        ws="none",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.ready.wait()
        yield addresses
    finally:
        server.should_exit = True
        await running
        await sink.stop()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PortTakenError(f"Port {port} of {HOST} is taken: choose another for the sandbox.") from error
    listener.listen(BACKLOG)
    return listener


async def serve_until_signalled(
    *, http_port: int, smtp_port: int, ready_file: Path | None, keys_file: Path | None
) -> None:
    """Serve until SIGINT or SIGTERM. The ready file appears whole, and only when everything answers."""
    stopped = stop_signalled()
    async with serve(http_port=http_port, smtp_port=smtp_port, keys_file=keys_file) as addresses:
        if ready_file is not None:
            _write_whole(ready_file, asdict(addresses))
        print(f"sandbox ready: {addresses.http_url}, SMTP {addresses.smtp_host}:{addresses.smtp_port}", flush=True)
        await stopped.wait()


def _write_whole(path: Path, value: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(value) + "\n")
    draft.replace(path)
