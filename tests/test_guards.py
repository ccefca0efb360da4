"""Deny by default."""

import pytest
from fastapi import FastAPI

from app.errors import Forbidden
from app.main import create_app
from app.routers.guards import check_guards, refusals_of_guards
from app.settings import Settings
from tests.contract.documented import OPERATIONS, resolved
from tests.support.world import World, problem


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


async def test_r53_what_refuses_a_service_says_so_in_the_document(world: World) -> None:
    service = await world.person()
    await service.refresh_token(service=True, sub="service:crm", permissions=[])
    asked = [operation for operation in OPERATIONS if operation.spec["security"] == [{"bearerAuth": []}]]
    refused = set()
    for operation in asked:
        path = operation.path
        for parameter in operation.parameters:
            schema = resolved(parameter["schema"])
            value = (schema.get("examples") or schema.get("enum") or [""])[0]
            path = path.replace(f"{{{parameter['name']}}}", value)
        body = {} if "requestBody" in operation.spec else None
        answer = await world.api.request(operation.method, path, headers=service.headers, json=body)
        if answer.status_code == 403:
            problem(answer, 403, "forbidden")
            assert 403 in operation.errors, operation.id
            refused.add(operation.id)
    assert refused == {name for name, kinds in refusals_of_guards(world.app).items() if Forbidden in kinds}
    assert {operation.id for operation in asked} - refused >= {"getMe", "listProviders"}
