"""Deny by default."""

import pytest
from fastapi import FastAPI

from app.main import create_app
from app.routers.guards import check_guards
from app.settings import Settings


def test_r53_an_application_with_an_unguarded_route_does_not_start(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/v1/secrets")
    async def list_secrets() -> list[str]:
        return []

    with pytest.raises(RuntimeError, match="list_secrets"):
        check_guards(app)


def test_r53_every_route_of_the_application_is_guarded_or_public(settings: Settings) -> None:
    check_guards(create_app(settings))
    check_guards(FastAPI(openapi_url=None, docs_url=None, redoc_url=None))
