"""The simulated Microsoft cloud as one ASGI application: identity platform and Graph v1.0.

The one rule: every path is Microsoft's own, below wherever it is mounted. `create_microsoft(MicrosoftWorld(Clock()))`
gives the application; `sandbox.microsoft.control.create_control` the other door to the same world. Middleware above it
must hand `receive` on unwrapped (plain ASGI, no BaseHTTPMiddleware): faults that drop connections find the socket
through it.
"""

import re
from functools import partial
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from sandbox.faults import FaultMiddleware
from sandbox.ledger import RequestRecord
from sandbox.microsoft.batch import serve_batch
from sandbox.microsoft.call import answer, authenticate, request_id_of, serve
from sandbox.microsoft.errors import render_json, request_denied
from sandbox.microsoft.faults import microsoft_preset
from sandbox.microsoft.oauth import OAuth, subject_of
from sandbox.microsoft.paths import path_below
from sandbox.microsoft.routing import find_operation
from sandbox.microsoft.uploads import serve_upload
from sandbox.microsoft.world import MicrosoftWorld

_SECRETS = re.compile(r"((?:access_token|refresh_token|code|code_verifier|client_secret)=)[^&]+")
_VERBS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def create_microsoft(world: MicrosoftWorld) -> Starlette:
    """The application over `world`, with faults and the request log around it."""
    app = Starlette(
        routes=OAuth(world).routes(),
        middleware=[
            Middleware(
                FaultMiddleware,
                plan=lambda: world.faults,
                identify=lambda scope, body: _account_of(world, scope, body),
                preset=lambda action: microsoft_preset(action, world.clock.now()),
                observe=lambda scope, account, fault, status: _record(world, scope, account, fault, status),
                now=world.clock.now,
            )
        ],
    )

    async def batch(request: Request) -> Response:
        return await answer(world, request, lambda: serve_batch(app, request))

    async def graph(request: Request) -> Response:
        path = path_below(request.scope, "/v1.0/")
        found = partial(find_operation, request.method, path)
        return await answer(world, request, lambda: serve(world, found, request))

    async def userinfo(request: Request) -> Response:
        return await answer(world, request, lambda: _tell_user(world, request))

    app.routes.append(Route("/oidc/userinfo", userinfo, methods=["GET", "POST"]))

    async def upload(request: Request) -> Response:
        return await answer(world, request, lambda: serve_upload(world, request))

    app.routes.append(Route("/api/gv1.0/{path:path}", upload, methods=["PUT", "DELETE"]))
    app.routes.append(Route("/v1.0/$batch", batch, methods=["POST"]))
    app.routes.append(Route("/v1.0/{path:path}", graph, methods=_VERBS))
    return app


async def _tell_user(world: MicrosoftWorld, request: Request) -> Response:
    """OpenID Connect's claims of who signed in. https://learn.microsoft.com/entra/identity-platform/userinfo"""
    token = authenticate(world, request)
    if "openid" not in token.scopes:
        raise request_denied()
    account = world.accounts[token.grant.account]
    first, _, last = account.name.partition(" ")
    told = {"sub": subject_of(account, token.grant.client_id), "name": account.name, "given_name": first}
    told |= {"family_name": last} if last else {}
    told |= {"email": account.email} if "email" in token.scopes else {}
    return render_json(told)


def _account_of(world: MicrosoftWorld, scope: Scope, body: bytes) -> str | None:
    """Whose token a request carries: in its header, or in the form of the token endpoint."""
    headers = dict(scope["headers"])
    value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2].strip()
    found = world.grants.owner_of(value) if value else None
    if found is None and headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        form = parse_qs(body.decode("utf-8", "replace"))
        for name in ("refresh_token", "code"):
            for secret in form.get(name, ()):
                found = found or world.grants.owner_of(secret)
    return found


def _record(world: MicrosoftWorld, scope: Scope, account: str | None, fault: str | None, status: int | None) -> None:
    query = scope["query_string"].decode("latin-1")
    world.requests.append(
        lambda seq: RequestRecord(
            seq=seq,
            at=world.clock.now(),
            method=scope["method"],
            path=scope["path"],
            query=_SECRETS.sub(r"\1[redacted]", query),
            status=status,
            account=account,
            request_id=request_id_of(Request(scope))[0],
            fault=fault,
        )
    )
