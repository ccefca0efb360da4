"""What is the same in every world and takes longer to make than most tests take to run: made once per process.

The one rule: nothing is shared that a test could change, or that could tell one test of another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import certifi
import pytest
from fastapi import FastAPI
from sqlalchemy import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine

from app.main import create_app
from app.routers.openapi import document_settings
from app.settings import Settings

_END = "-----END CERTIFICATE-----"
_dialects: list[Dialect] = []
_compiled: dict[Any, Any] = {}


def application(settings: Settings) -> FastAPI:
    """As `create_app` makes it, with a list of its own of the routes that all have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.main.ROUTERS", ())
        app = create_app(settings)
    built = _with_routes()
    assert not built.dependency_overrides, "a test has left them behind"
    app.routes.extend(built.routes)
    app.dependency_overrides = built.dependency_overrides  # a route asks the application that it was built for
    return app


@cache
def _with_routes() -> FastAPI:
    """No setting changes what a route is."""
    return create_app(document_settings())


async def compile_once(engine: AsyncEngine) -> None:
    """Have it find the SQL of a statement that another world has asked."""
    if not _dialects:
        async with engine.connect():  # a dialect learns from its first connection what the server can do
            _dialects.append(engine.dialect)
    engine.sync_engine.dialect = _dialects[0]
    engine.sync_engine.update_execution_options(compiled_cache=_compiled)


@contextmanager
def one_authority(directory: Path) -> Iterator[None]:
    """Of the public's hundred and fifty, which no test needs and every client would read anew."""
    file = directory / "authorities.pem"
    file.write_text(f"{certifi.contents().partition(_END)[0]}{_END}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: str(file))
        patch.setenv("SSL_CERT_FILE", str(file))
        yield
