"""One process with every simulator: HTTP by uvicorn, SMTP and DNS beside it, in one event loop.

The rule: the addresses are known before anything is composed, since an issuer must know its own URL. So the sockets
are bound first.
"""

import asyncio
import contextlib
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import HTMLResponse

from sandbox.calendar_pages import create_calendar_pages
from sandbox.clock import Clock
from sandbox.dns import DnsServer, create_dns_control, serving_dns
from sandbox.exchange.app import create_exchange
from sandbox.exchange.control import create_control as create_exchange_control
from sandbox.exchange.tls import ensure_certificates
from sandbox.exchange.world import ExchangeWorld
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
from sandbox.ports import HOST, KEPT_ALIVE_SECONDS, PortTakenError
from sandbox.processes import stop_signalled

BACKLOG = 512


@dataclass(frozen=True)
class Addresses:
    """Where a running sandbox is."""

    http_url: str
    smtp_host: str
    smtp_port: int
    ews_url: str
    ews_authority: str
    """The file of the certification authority that Exchange's clients must trust, and all others over TLS."""
    dns_address: str
    """The DNS server's address and UDP port."""
    https_url: str
    """The same as `http_url` over TLS: some clients, MSAL is one, speak no other."""


@dataclass(frozen=True)
class Worlds:
    """What the simulators remember, all in one time."""

    clock: Clock
    google: GoogleWorld
    microsoft: MicrosoftWorld
    exchange: ExchangeWorld

    @classmethod
    def new(cls) -> Self:
        """Empty ones."""
        clock = Clock()
        return cls(clock, GoogleWorld(clock), MicrosoftWorld(clock), ExchangeWorld(clock))


@dataclass(frozen=True)
class Network:
    """The servers that are no provider's."""

    mail: MailSink
    dns: DnsServer


class ClockChange(BaseModel):
    """What to do with the simulators' time, in this order."""

    model_config = ConfigDict(extra="forbid")

    freeze_at: AwareDatetime | None = None
    advance_seconds: float | None = None
    run: bool = False


def create_sandbox(addresses: Addresses, network: Network, worlds: Worlds, *, keys_file: Path | None = None) -> FastAPI:
    """Everything that speaks plain HTTP as one application; Exchange itself has a door of its own, with TLS."""
    app = FastAPI(title="Sandbox", openapi_url=None)
    app.mount("/google", create_google(worlds.google))
    app.mount("/control/google", create_google_control(worlds.google))
    app.mount("/microsoft", create_microsoft(worlds.microsoft))
    app.mount("/control/microsoft", create_microsoft_control(worlds.microsoft))
    app.mount("/control/exchange", create_exchange_control(worlds.exchange))
    app.mount("/control/mail", create_mail_control(network.mail))
    app.mount("/control/dns", create_dns_control(network.dns))
    app.mount("/identity", create_identity(f"{addresses.http_url}/identity", keys_file=keys_file))
    app.include_router(create_calendar_pages(addresses.http_url))
    _add_clock_routes(app, worlds.clock)
    _add_pages(app, addresses, network.mail)
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


def _add_pages(app: FastAPI, addresses: Addresses, sink: MailSink) -> None:
    authority = Path(addresses.ews_authority).read_text()

    @app.get("/control/addresses")
    async def where() -> dict[str, str | int]:
        return {**asdict(addresses), "ews_authority_pem": authority}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    async def front() -> HTMLResponse:
        smtp_address = f"{HOST}:{sink.port}"
        return front_page(
            smtp_address=smtp_address,
            dns_address=addresses.dns_address,
            ews_url=addresses.ews_url,
            https_url=addresses.https_url,
        )

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


@dataclass(frozen=True)
class Places:
    """Where a sandbox shall listen, and where it keeps what must outlive it. Port 0: a free one."""

    http_port: int = 0
    smtp_port: int = 0
    exchange_port: int = 0
    dns_port: int = 0
    keys_file: Path | None = None
    """The identity provider's keys; None: new ones."""
    certificates: Path | None = None
    """The directory of Exchange's certificates; None: a temporary one."""
    https_port: int = 0


@contextlib.asynccontextmanager
async def serve(places: Places = Places()) -> AsyncIterator[Addresses]:
    """A running sandbox in the current event loop. Raises PortTakenError."""
    async with contextlib.AsyncExitStack() as stack:
        http = stack.enter_context(_listen(places.http_port))
        ews, https = (stack.enter_context(_listen(port)) for port in (places.exchange_port, places.https_port))
        directory = places.certificates or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificates = ensure_certificates(directory)
        sink = await stack.enter_async_context(_mail_sink(places.smtp_port))
        dns = await stack.enter_async_context(serving_dns(places.dns_port))
        addresses = Addresses(
            http_url=f"http://{HOST}:{http.getsockname()[1]}",
            smtp_host=HOST,
            smtp_port=sink.port,
            ews_url=f"https://{HOST}:{ews.getsockname()[1]}/EWS/Exchange.asmx",
            ews_authority=str(certificates.authority),
            dns_address=dns.address,
            https_url=f"https://{HOST}:{https.getsockname()[1]}",
        )
        worlds = Worlds.new()
        stack.push_async_callback(worlds.google.aclose)
        stack.push_async_callback(worlds.microsoft.aclose)
        stack.push_async_callback(worlds.exchange.aclose)
        app = create_sandbox(addresses, Network(sink, dns), worlds, keys_file=places.keys_file)
        files = {"ssl_certfile": str(certificates.chain), "ssl_keyfile": str(certificates.key)}
        await stack.enter_async_context(_running(http, app=app))
        await stack.enter_async_context(_running(https, app=app, **files))
        # NTLM signs a connection in: one that lives on after a change of the password goes on reading, here as at IIS.
        exchange = _running(ews, app=create_exchange(worlds.exchange), timeout_keep_alive=5, **files)
        await stack.enter_async_context(exchange)
        yield addresses


@contextlib.asynccontextmanager
async def _running(listener: socket.socket, **config: Any) -> AsyncIterator[None]:
    manner: dict[str, Any] = {"lifespan": "off", "ws": "none", "log_level": "warning", "timeout_graceful_shutdown": 1}
    settings = uvicorn.Config(**{"timeout_keep_alive": KEPT_ALIVE_SECONDS, **manner, **config})
    server = _Server(settings)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.ready.wait()
        yield
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def _mail_sink(port: int) -> AsyncIterator[MailSink]:
    sink = MailSink()
    try:
        await sink.start(port)
    except OSError as error:
        raise PortTakenError(f"Port {port} of {HOST} is taken: choose another for SMTP.") from error
    try:
        yield sink
    finally:
        await sink.stop()


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY on what says that it is TCP, and on nothing else.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PortTakenError(f"Port {port} of {HOST} is taken: choose another for the sandbox.") from error
    listener.listen(BACKLOG)
    return listener


async def serve_until_signalled(places: Places, *, ready_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. The ready file appears whole, and only when everything answers."""
    stopped = stop_signalled()
    async with serve(places) as addresses:
        if ready_file is not None:
            _write_whole(ready_file, asdict(addresses))
        print(f"sandbox ready: {addresses.http_url}, SMTP {addresses.smtp_host}:{addresses.smtp_port}", flush=True)
        print(f"Exchange ready: {addresses.ews_url}, trust {addresses.ews_authority}", flush=True)
        print(f"DNS ready: {addresses.dns_address} (UDP)", flush=True)
        await stopped.wait()


def _write_whole(path: Path, value: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(value) + "\n")
    draft.replace(path)
