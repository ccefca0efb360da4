"""Every problem that a test gets from the application is one that `openapi.json` declares of its operation.

The one rule: an undeclared code fails the test that met it, whatever the test is about. Passed over is only what is
said of a body to an operation that takes none: no caller who has read the document sends one.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Match

from app.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType
from app.routers.openapi_codes import CODES
from app.routers.openapi_problems import MEDIA_TYPE

_DOCUMENT = Path(__file__).parents[2] / "openapi.json"
_OF_A_BODY = {MalformedRequest.code, PayloadTooLarge.code, UnsupportedMediaType.code}


class UndeclaredError(AssertionError):
    """The application has answered what its document does not say."""


class DeclaredOnly(httpx.ASGITransport):
    """The way to an application in this process, on which no undeclared problem passes."""

    def __init__(self, app: FastAPI, *, client: tuple[str, int] = ("127.0.0.1", 123)) -> None:
        super().__init__(app, raise_app_exceptions=False, client=client)
        self._routes = app.routes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        refused = response.headers.get("Content-Type") == MEDIA_TYPE
        if refused and (operation := self._operation(request)) is not None:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            content = b"".join([part async for part in response.stream])
            _check(operation, request, json.loads(content)["code"])
            response.stream = httpx.ByteStream(content)  # read by the client, which measures how long that took
        return response

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        """What is asked, by the application's own routing; None: no operation of the document."""
        scope = {"type": "http", "method": request.method, "path": request.url.path}
        for context in iter_route_contexts(self._routes):
            route = context.original_route
            if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
                return _operations().get(context.unique_id)
        return None


def _check(operation: dict[str, Any], request: httpx.Request, code: str) -> None:
    """Raises: UndeclaredError."""
    expected = "requestBody" in operation or not _has_body(request)
    if code not in operation[CODES] and (expected or code not in _OF_A_BODY):
        raise UndeclaredError(f"{operation['operationId']} answers {code}: declare it where it is routed")


def _has_body(request: httpx.Request) -> bool:
    return "Transfer-Encoding" in request.headers or request.headers.get("Content-Length", "0") != "0"


@cache
def _operations() -> dict[str, dict[str, Any]]:
    """By id."""
    paths = json.loads(_DOCUMENT.read_text())["paths"]
    return {operation["operationId"]: operation for item in paths.values() for operation in item.values()}
