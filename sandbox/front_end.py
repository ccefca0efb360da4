"""Serves the example front end as an operator's web server would, and plays the CRM around it: who is signed in.

The rule: it serves files, and the few answers a CRM gives its own front end; all else the browser asks the API.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.client import Sandbox
from sandbox.front_end_people import PEOPLE, Company, SignIn
from sandbox.ports import HOST, KEPT_ALIVE_SECONDS
from sandbox.processes import stop_signalled

SECURITY: Final = {
    # Styles are set by the library at run time; nothing else is inline.
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' {api}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Places:
    """What the front end needs to know of the rest."""

    built: Path
    """The directory with `index.html`."""
    api_url: str
    sandbox_url: str
    company: Path
    """The file that keeps who works there."""


class FrontEnd:
    """The web server's answers."""

    def __init__(self, places: Places, sandbox: Sandbox, api: httpx.AsyncClient) -> None:
        self._places = places
        self._sandbox = sandbox
        self._sign_in = SignIn(sandbox, api, Company.kept_in(places.company))

    async def config(self, request: Request) -> Response:
        """Where the API is; where events can be sent to for a look."""
        return JSONResponse({"api_url": self._places.api_url, "webhook_url": f"{request.base_url}webhooks"})

    async def people(self, _: Request) -> Response:
        """Who can be signed in as, and whom a CRM calls colleagues."""
        ids = self._sign_in.user_ids
        return JSONResponse({"items": [asdict(person) | {"user_id": ids[person.email]} for person in PEOPLE]})

    async def sign_in(self, request: Request) -> Response:
        """A session of this person."""
        try:
            session = await self._sign_in.sign_in(str((await request.json())["email"]))
        except (LookupError, ValueError):
            raise HTTPException(404) from None
        return JSONResponse(session, headers={"Cache-Control": "no-store"})

    async def mails(self, request: Request) -> Response:
        """The envelopes of what was mailed to somebody: what is inside is theirs."""
        kept = ("number", "subject", "received_at", "envelope_to")
        mails = await self._sandbox.mails(request.query_params.get("to", ""))
        return JSONResponse({"items": [{name: mail[name] for name in kept} for mail in mails]})

    async def webhook(self, request: Request) -> Response:
        """A CRM that takes every event; `webhook_receiver.py` is one that verifies them."""
        await request.body()
        return Response(status_code=204)

    async def page(self, _: Request) -> Response:
        """Every address of the application is the same file; what it shows it reads from the address."""
        return FileResponse(self._places.built / "index.html", headers={"Cache-Control": "no-cache"})


def create_front_end(places: Places) -> Starlette:
    """The web server as an application."""
    sandbox, api = Sandbox(places.sandbox_url), httpx.AsyncClient(base_url=places.api_url, timeout=30)
    front_end = FrontEnd(places, sandbox, api)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sandbox, api:
            yield

    routes = [
        Route("/config.json", front_end.config),
        Route("/session/people", front_end.people),
        Route("/session", front_end.sign_in, methods=["POST"]),
        Route("/session/mails", front_end.mails),
        Route("/webhooks", front_end.webhook, methods=["POST"]),
        Mount("/assets", StaticFiles(directory=places.built / "assets")),
        Route("/{path:path}", front_end.page),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    headers = {name: value.format(api=places.api_url) for name, value in SECURITY.items()}
    app.add_middleware(_WithHeaders, headers=headers)
    return app


class _WithHeaders:
    """ASGI middleware: the same headers on every answer."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def serve_front_end(places: Places, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    manner: dict[str, Any] = {"log_level": "warning", "lifespan": "on", "timeout_keep_alive": KEPT_ALIVE_SECONDS}
    config = uvicorn.Config(create_front_end(places), host=HOST, port=port, **manner)
    server = uvicorn.Server(config)
    stopped = stop_signalled()
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving
