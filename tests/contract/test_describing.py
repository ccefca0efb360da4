"""What the document adds to what the routes say."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Header
from pydantic import BaseModel

from app.errors import AppError, NotFound, SlotUnavailable, SlugTaken
from app.routers.dependencies import BookingToken, EventReader, IfMatch
from app.routers.openapi import client_document, describe
from app.routers.openapi_codes import problems
from app.routers.openapi_examples import Examples
from app.routers.rate_limits import LimitedRead

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


class Zoned(BaseModel):
    """Somewhere."""

    time_zone: str


@pytest.fixture
def document() -> dict[str, Any]:
    router = APIRouter(prefix="/v1")

    @router.post("/wholes", status_code=201, responses=problems(SlugTaken, SlotUnavailable))
    async def make(body: Whole) -> Part:
        """Make one."""
        return body.part

    @router.get("/wholes/{whole_id}", responses=problems(NotFound), dependencies=[LimitedRead])
    async def read(whole_id: str) -> Part:
        """Read one."""
        return Part(version=1)

    app = FastAPI()
    app.include_router(router)
    return describe(app)


def test_what_follows_from_the_shape_is_added_to_what_is_declared(document: dict[str, Any]) -> None:
    made, read = document["paths"]["/v1/wholes"]["post"], document["paths"]["/v1/wholes/{whole_id}"]["get"]

    assert list(made["responses"]) == ["201", "400", "409", "413", "415", "422", "500", "503"]
    assert list(read["responses"]) == ["200", "404", "409", "429", "500", "503"]
    assert made["responses"]["409"] == {"$ref": "#/components/responses/Conflict"}


OF_ALL = {"internal_error", "overloaded", "provider_unavailable", "request_in_progress"}
OF_A_BODY = {"malformed_request", "payload_too_large", "unsupported_media_type", "validation_failed"}
OF_A_TOKEN = {"token_expired", "unauthenticated"}


def test_an_operation_has_its_codes_sorted_and_tells_people_of_what_its_route_declares(
    document: dict[str, Any],
) -> None:
    made, read = document["paths"]["/v1/wholes"]["post"], document["paths"]["/v1/wholes/{whole_id}"]["get"]

    assert made["x-problem-codes"] == sorted(OF_ALL | OF_A_BODY | {"slot_unavailable", "slug_taken"})
    assert made["description"] == "Make one.\n\nProblems: `slot_unavailable`, `slug_taken`."
    assert read["x-problem-codes"] == sorted(OF_ALL | {"not_found", "rate_limited"})


async def _by_query(cursor: str) -> None:
    """List."""


async def _in_a_zone(time_zone: str) -> None:
    """List."""


async def _in_a_zone_of_the_body(body: Zoned) -> None:
    """Make."""


async def _by_key(idempotency_key: Annotated[str, Header()]) -> None:
    """Make."""


async def _by_version(if_match: IfMatch) -> None:
    """Change."""


async def _by_reader(caller: EventReader) -> Part:
    """Read."""
    return Part(version=1)


async def _by_visitor(token: BookingToken) -> Part:
    """Read."""
    return Part(version=1)


@pytest.mark.parametrize(
    ("endpoint", "codes"),
    [
        (_by_query, {"invalid_cursor", "validation_failed"}),
        (_in_a_zone, {"time_zone_unknown", "validation_failed"}),
        (_in_a_zone_of_the_body, {"time_zone_unknown"} | OF_A_BODY),
        (_by_key, {"idempotency_key_reused", "validation_failed"}),
        (_by_version, {"validation_failed", "version_mismatch"}),
        (_by_reader, {"forbidden"} | OF_A_TOKEN),
        (_by_visitor, {"booking_token_invalid"}),
    ],
)
def test_codes_follow_from_parameters_and_guards(endpoint: Callable[..., Any], codes: set[str]) -> None:
    router = APIRouter()
    router.post("/v1/things")(endpoint)
    app = FastAPI()
    app.include_router(router)

    operation = describe(app)["paths"]["/v1/things"]["post"]

    assert set(operation["x-problem-codes"]) == codes | OF_ALL
    assert "Problems" not in operation["description"]


def test_what_is_always_let_in_is_never_told_that_all_is_full() -> None:
    app = FastAPI()

    @app.get("/health/live")
    async def look() -> Part:
        """Look."""
        return Part(version=1)

    assert describe(app)["paths"]["/health/live"]["get"]["x-problem-codes"] == ["internal_error"]


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
    class Teapot(AppError):
        status_code = 418

    with pytest.raises(KeyError):
        problems(Teapot)


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
