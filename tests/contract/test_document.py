"""The document is the code's own, and clients generated from it are pleasant."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from app.errors import AppError
from app.main import create_app
from app.routers.openapi import document_settings
from tests.contract.documented import (
    DOCUMENT,
    OPERATIONS,
    SCHEMAS,
    TEXT,
    WEBHOOKS,
    Operation,
    complaints,
    examples_of,
    reachable,
    references,
    resolved,
)

REQUESTS = reachable([operation.spec.get("requestBody", {}) for operation in OPERATIONS])
ANSWERS = reachable([response for operation in OPERATIONS for response in operation.answers.values()])
EVENTS = reachable([webhook.spec["requestBody"] for webhook in WEBHOOKS])
JSON = "application/json"
PROBLEM = "application/problem+json"
BOUNDS = {"maxLength", "maximum", "pattern", "enum", "format", "const"}
# Statuses that any request with a body can be answered with.
OF_A_BODY = {400, 413, 415, 422}

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
each_schema = pytest.mark.parametrize("name", sorted(SCHEMAS))
each_request = pytest.mark.parametrize("name", sorted(REQUESTS))
each_answer = pytest.mark.parametrize("name", sorted(ANSWERS | EVENTS))


def test_the_committed_document_is_what_the_code_says() -> None:
    said = json.dumps(create_app(document_settings()).openapi(), indent=2, ensure_ascii=False) + "\n"

    assert said == TEXT, "run `make openapi`"


def test_the_document_says_the_same_twice() -> None:
    assert create_app(document_settings()).openapi() == create_app(document_settings()).openapi()


def test_operation_ids_are_unique() -> None:
    everything = [*OPERATIONS, *WEBHOOKS]

    assert len({operation.id for operation in everything}) == len(everything)


def test_every_tag_is_described_and_used() -> None:
    described = [tag["name"] for tag in DOCUMENT["tags"]]

    assert all(tag["description"] for tag in DOCUMENT["tags"])
    assert described == sorted({tag for operation in OPERATIONS for tag in operation.spec["tags"]})


@each_operation
def test_an_operation_says_what_it_is(operation: Operation) -> None:
    spec = operation.spec

    assert re.fullmatch(r"[a-z]+([A-Z][a-z]*)+", operation.id)
    assert 5 < len(spec["summary"]) <= 60
    assert not spec["summary"].endswith(".")
    assert spec["description"].strip().endswith(".")
    assert len(spec["tags"]) == 1


@each_operation
def test_an_operation_says_how_to_sign_in(operation: Operation) -> None:
    assert operation.spec["security"] in ([], [{"bearerAuth": []}], [{"bookingToken": []}])


@each_operation
def test_paths_are_kebab_case_and_parameters_are_snake_case(operation: Operation) -> None:
    assert all(re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)*|\{[a-z_]+\}", part) for part in operation.path[1:].split("/"))
    assert set(re.findall(r"\{(\w+)\}", operation.path)) == {
        parameter["name"] for parameter in operation.parameters if parameter["in"] == "path"
    }
    for parameter in operation.parameters:
        form = r"[A-Z][a-z]+(-[A-Z][a-z]+)*" if parameter["in"] == "header" else r"[a-z]+(_[a-z]+)*"
        assert re.fullmatch(form, parameter["name"]), parameter["name"]


@each_operation
def test_parameters_are_described_and_bounded(operation: Operation) -> None:
    for parameter in operation.parameters:
        schema = resolved(parameter["schema"])
        assert parameter["description"].endswith("."), parameter["name"]
        assert parameter["required"] or parameter["in"] != "path"
        assert schema.keys() & BOUNDS, parameter["name"]
        assert not any(complaints(schema, example) for example in schema.get("examples", []))


@each_operation
def test_a_request_has_an_example_that_validates(operation: Operation) -> None:
    body = operation.spec.get("requestBody")
    if body is None:
        assert operation.method in {"GET", "DELETE", "POST"}
        return

    assert list(body["content"]) == [JSON]
    media_type = body["content"][JSON]
    may_be_left_out = resolved(media_type["schema"]).get("required", []) == [] and operation.method == "POST"
    assert body.get("required", False) is not may_be_left_out
    assert list(references(media_type["schema"])), "a request is a named schema"
    assert examples_of(media_type)
    assert not [complaint for value in examples_of(media_type) for complaint in complaints(media_type["schema"], value)]


@each_operation
def test_an_answer_has_an_example_that_validates(operation: Operation) -> None:
    for status, response in operation.answers.items():
        assert response["description"], status
        if status in {204, 303}:
            assert "content" not in response
            continue
        assert len(response["content"]) == 1
        media_type = response["content"].get(JSON)
        if media_type is None:
            continue  # a download has a media type and no example
        assert list(references(media_type["schema"])), "an answer is a named schema"
        assert examples_of(media_type)
        assert not [
            complaint for value in examples_of(media_type) for complaint in complaints(media_type["schema"], value)
        ]


@each_operation
def test_every_response_names_the_request_and_the_right_ones_say_where_to_go(operation: Operation) -> None:
    for response in operation.answers.values():
        assert "X-Request-Id" in response["headers"]
    for status in {201, 202, 303} & operation.answers.keys():
        assert "Location" in operation.answers[status]["headers"]
    if any(parameter["name"] == "If-Match" for parameter in operation.parameters):
        left = {status: response for status, response in operation.answers.items() if status != 204}
        assert all("ETag" in response["headers"] for response in left.values())
        assert 412 in operation.errors
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation.parameters):
        assert all("Idempotent-Replayed" in response["headers"] for response in operation.answers.values())


@each_operation
def test_errors_follow_from_what_the_operation_looks_like(operation: Operation) -> None:
    declared = set(operation.errors)

    assert 500 in declared
    if operation.spec["security"]:
        assert 401 in declared
    if "requestBody" in operation.spec:
        assert declared >= OF_A_BODY
    if any(parameter["in"] != "path" for parameter in operation.parameters):
        assert 422 in declared
    if any(parameter["in"] == "path" for parameter in operation.parameters) and operation.method != "PUT":
        assert 404 in declared


@each_operation
def test_every_error_is_the_one_problem(operation: Operation) -> None:
    for status, reference in operation.errors.items():
        assert list(reference) == ["$ref"]
        response = resolved(reference)
        assert list(response["content"]) == [PROBLEM]
        media_type = response["content"][PROBLEM]
        assert media_type["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert not complaints(media_type["schema"], media_type["example"])
        assert media_type["example"]["status"] == status
        assert f"`{media_type['example']['code']}`" in response["description"]
        assert "X-Request-Id" in response["headers"]
        assert ("Retry-After" in response["headers"]) == (status in {409, 429, 503})


def test_every_code_that_can_be_answered_is_documented() -> None:
    told = " ".join(response["description"] for response in DOCUMENT["components"]["responses"].values())
    statuses = {status for operation in OPERATIONS for status in operation.errors}

    missing = {
        error.code for error in _errors(AppError) if error.status_code in statuses and f"`{error.code}`" not in told
    }

    assert not missing


@each_operation
def test_an_operation_has_a_code_for_each_of_its_problems_and_tells_of_its_own(operation: Operation) -> None:
    codes = operation.spec["x-problem-codes"]
    told = re.findall(r"`([a-z_]+)`", operation.spec["description"].partition("\n\nProblems: ")[2])

    assert codes == sorted(set(codes))
    assert {STATUSES[code] for code in codes} == set(operation.errors)
    assert told == sorted(set(told))
    assert set(told) <= set(codes)


def _errors(kind: type[AppError]) -> list[type[AppError]]:
    own = [kind] if kind.__module__ == "app.errors" else []
    return own + [error for child in kind.__subclasses__() for error in _errors(child)]


STATUSES = {error.code: error.status_code for error in _errors(AppError)}


@each_schema
def test_a_schema_is_valid_named_well_and_described(name: str) -> None:
    schema = SCHEMAS[name]

    Draft202012Validator.check_schema(schema)
    assert re.fullmatch(r"([A-Z][a-z]*)+", name)
    assert not name.startswith(("Body", "HTTP", "Validation"))
    assert schema["description"].strip()
    assert name in REQUESTS | ANSWERS | EVENTS | {"Problem", "ProblemField", "AlternativeTime"}


@each_schema
def test_every_field_is_described(name: str) -> None:
    fields = SCHEMAS[name].get("properties", {})
    silent = [field for field, part in fields.items() if not part.keys() & {"description", "$ref"}]

    assert not silent, "write a docstring under the field, or a line in app/routers/openapi_fields.py"


@each_schema
def test_field_examples_validate(name: str) -> None:
    for field, part in SCHEMAS[name].get("properties", {}).items():
        for example in part.get("examples", []):
            assert not complaints(part, example), field


@each_schema
def test_a_union_is_told_apart_by_a_tag(name: str) -> None:
    for union in _unions(SCHEMAS[name]):
        objects = [option for option in union if resolved(option).get("type") == "object"]
        if len(objects) > 1:
            tags = [_tags(resolved(option)) for option in objects]
            untagged = sum(not tag for tag in tags)
            # An event's data is what it is or erased: only the latter can say so.
            assert untagged <= (name in EVENTS - ANSWERS), (
                f"{name}: every alternative has a constant, required property"
            )
            assert len({tuple(sorted(tag.items())) for tag in tags}) == len(tags)


def _unions(schema: dict) -> list[list[dict]]:
    parts = [schema, *schema.get("properties", {}).values()]
    return [part[key] for part in parts for key in ("anyOf", "oneOf") if key in part]


def _tags(schema: dict) -> dict[str, str]:
    return {
        field: part["const"]
        for field, part in schema["properties"].items()
        if "const" in part and field in schema["required"]
    }


@each_request
def test_requests_refuse_what_they_do_not_know_and_have_no_defaults(name: str) -> None:
    schema = SCHEMAS[name]

    assert not [field for field, part in schema.get("properties", {}).items() if "default" in part]
    if schema.get("type") == "object" and name not in ANSWERS | EVENTS:
        assert schema["additionalProperties"] is False


@each_request
def test_everything_in_a_request_is_bounded(name: str) -> None:
    for field, part in SCHEMAS[name].get("properties", {}).items():
        for option in part.get("anyOf", [part]):
            bounds = {"string": {"maxLength", "pattern", "enum", "const", "format"}, "array": {"maxItems"}}
            bounds |= {"integer": {"maximum", "enum"}, "number": {"maximum"}}
            needed = bounds.get(option.get("type", ""))
            assert needed is None or option.keys() & needed, f"{name}.{field} may be of any size"


@each_answer
def test_answers_may_grow_and_carry_every_field(name: str) -> None:
    schema = SCHEMAS[name]

    assert schema.get("additionalProperties") is not False
    if schema.get("type") == "object" and name not in REQUESTS:
        assert set(schema.get("required", ())) == set(schema.get("properties", {}))


@each_answer
def test_a_list_has_items(name: str) -> None:
    if name.endswith("List"):
        assert SCHEMAS[name]["properties"]["items"]["type"] == "array"
        assert list(references(SCHEMAS[name]["properties"]["items"]))


def test_secrets_are_only_ever_written() -> None:
    secret = {
        name
        for name, schema in SCHEMAS.items()
        for part in schema.get("properties", {}).values()
        if part.get("format") == "password"
    }

    assert not secret & (ANSWERS | EVENTS)
