"""What the document adds to what the routes say."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from app.routers.openapi import client_document, describe, problems
from app.routers.openapi_examples import Examples

TEXT = {"type": "string", "examples": ["a"]}


class Part(BaseModel):
    """A part of both."""

    model_config = {"extra": "forbid"}
    version: int
    """Rises."""


class Whole(BaseModel):
    """A whole."""

    model_config = {"extra": "forbid"}
    part: Part
    enabled: bool = True


@pytest.fixture
def document() -> dict[str, Any]:
    router = APIRouter(prefix="/v1")

    @router.post("/wholes", status_code=201, responses=problems(409))
    async def make(body: Whole) -> Part:
        """Make one."""
        return body.part

    @router.get("/wholes/{whole_id}", responses=problems(404, 429))
    async def read(whole_id: str) -> Part:
        """Read one."""
        return Part(version=1)

    app = FastAPI()
    app.include_router(router)
    return describe(app)


def test_what_follows_from_the_shape_is_added_to_what_is_declared(document: dict[str, Any]) -> None:
    made, read = document["paths"]["/v1/wholes"]["post"], document["paths"]["/v1/wholes/{whole_id}"]["get"]

    assert list(made["responses"]) == ["201", "400", "409", "413", "415", "422", "500", "503"]
    assert list(read["responses"]) == ["200", "404", "429", "500", "503"]
    assert made["responses"]["409"] == {"$ref": "#/components/responses/Conflict"}


def test_headers_follow_from_the_shape_too(document: dict[str, Any]) -> None:
    made, read = document["paths"]["/v1/wholes"]["post"], document["paths"]["/v1/wholes/{whole_id}"]["get"]

    assert set(made["responses"]["201"]["headers"]) == {"ETag", "Location", "X-Request-Id"}
    assert set(read["responses"]["200"]["headers"]) == {"ETag", "RateLimit", "RateLimit-Policy", "X-Request-Id"}


def test_answers_stay_open_and_requests_closed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["Whole"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["Part"]
    assert "default" not in schemas["Whole"]["properties"]["enabled"]


def test_only_what_is_used_stays(document: dict[str, Any]) -> None:
    components = client_document(document)["components"]

    assert set(components["schemas"]) == {"AlternativeTime", "Part", "Problem", "ProblemField", "Whole"}
    assert "GatewayTimeout" not in components["responses"]
    assert "Idempotent-Replayed" not in components["headers"]


def test_a_parameter_without_words_is_described(document: dict[str, Any]) -> None:
    (parameter,) = document["paths"]["/v1/wholes/{whole_id}"]["get"]["parameters"]

    assert parameter["description"] == "The whole's id."


def test_a_status_without_a_problem_cannot_be_declared() -> None:
    with pytest.raises(KeyError):
        problems(418)


def test_a_text_without_a_sample_is_an_error() -> None:
    schemas = {"Thing": {"type": "object", "properties": {"shoe": {"type": "string"}}}}

    with pytest.raises(LookupError, match=r"no sample for Thing\.shoe"):
        Examples(schemas).of({"$ref": "#/components/schemas/Thing"})


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"const": "x"}, "x"),
        ({"type": "string", "enum": ["b", "a"]}, "b"),
        ({"anyOf": [TEXT, {"type": "null"}]}, "a"),
        ({"type": "array", "items": TEXT}, ["a"]),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "boolean"}, True),
        ({"type": "string", "format": "date"}, "2026-12-01"),
        ({"type": "object", "properties": {"shoe": TEXT}}, {"shoe": "a"}),
    ],
)
def test_an_example_is_made_from_the_schema(schema: dict[str, Any], example: object) -> None:
    assert Examples({}).of(schema, name="shoe") == example


def test_a_union_has_an_example_for_each_tag() -> None:
    schemas = {
        "A": {"type": "object", "properties": {"kind": {"const": "a"}}},
        "B": {"type": "object", "properties": {"kind": {"const": "b"}}},
        "Either": {
            "oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}],
            "discriminator": {"mapping": {"a": "#/components/schemas/A", "b": "#/components/schemas/B"}},
        },
    }

    assert Examples(schemas).variants({"$ref": "#/components/schemas/Either"}) == {
        "a": {"kind": "a"},
        "b": {"kind": "b"},
    }
    assert Examples(schemas).variants({"$ref": "#/components/schemas/A"}) == {}
