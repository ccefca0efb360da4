"""The simulator's tables against Google's discovery document."""

import pytest

from sandbox.google.app import ROUTES
from sandbox.google.shapes import SHAPES
from sandbox.google.surface import CALENDAR_SCOPES, METHODS, STANDARD, Parameter
from tests.sandbox.google import discovery


def published(parameter):
    """A discovery parameter as the simulator's table would have it."""
    kind = "date-time" if parameter.get("format") == "date-time" else parameter["type"]
    return Parameter(
        kind,
        frozenset(parameter.get("enum", ())),
        int(parameter["minimum"]) if "minimum" in parameter else None,
        int(parameter["maximum"]) if "maximum" in parameter else None,
        parameter.get("repeated", False),
        parameter.get("required", False),
    )


@pytest.mark.parametrize("method_id", METHODS)
def test_a_method_has_the_published_parameters_scopes_and_body(method_id):
    ours, theirs = METHODS[method_id], discovery.method(method_id)
    query = {name: item for name, item in theirs.get("parameters", {}).items() if item["location"] == "query"}
    assert dict(ours.parameters) == {name: published(item) for name, item in query.items()}
    assert ours.scopes == frozenset(theirs["scopes"])
    assert ours.body == theirs.get("request", {}).get("$ref")


def test_every_method_is_served_where_it_is_published():
    for verb, path, method_id, _ in ROUTES:
        theirs = discovery.method(method_id)
        assert (verb, path) == (theirs["httpMethod"], f"/calendar/v3/{theirs['path']}")
    assert {method_id for _, _, method_id, _ in ROUTES} == METHODS.keys()


def test_one_method_is_not_served_as_the_documentation_says():
    resources = discovery.document("x/")["resources"]
    theirs = {f"{resource}.{name}" for resource, described in resources.items() for name in described["methods"]}
    assert theirs - METHODS.keys() == {"calendars.transferOwnership"}


def test_the_parameters_every_method_takes_are_the_published_ones():
    theirs = discovery.document("x/")["parameters"]
    assert dict(STANDARD) == {name: published(item) for name, item in theirs.items()}


def test_the_scopes_are_the_published_ones():
    assert CALENDAR_SCOPES.keys() == discovery.document("x/")["auth"]["oauth2"]["scopes"].keys()


def shape_of(schema, schemas):
    """A discovery schema in the simulator's notation."""
    if "$ref" in schema:
        return shape_of(schemas[schema["$ref"]], schemas)
    if schema["type"] == "array":
        return [shape_of(schema["items"], schemas)]
    if schema["type"] != "object":
        return schema["type"]
    if "additionalProperties" in schema:
        return {"*": shape_of(schema["additionalProperties"], schemas)}
    return {name: shape_of(inner, schemas) for name, inner in schema.get("properties", {}).items()}


@pytest.mark.parametrize("name", SHAPES)
def test_a_body_has_the_published_fields(name):
    schemas = discovery.document("x/")["schemas"]
    assert SHAPES[name] == shape_of({"$ref": name}, schemas)


def test_the_judge_itself_refuses_what_google_does_not_publish():
    discovery.validate("Event", {"id": "x", "start": {"date": "2026-12-01"}})
    for bad in ({"nonsense": 1}, {"start": {"dateTime": "2026-12-01T10:00:00"}}, {"sequence": "1"}, {"summary": None}):
        with pytest.raises(discovery.ValidationError):
            discovery.validate("Event", bad)
    discovery.validate_request("events.list", {"singleEvents": True, "maxResults": 10})
    with pytest.raises(AssertionError):
        discovery.validate_request("events.list", {"nonsense": 1})
    with pytest.raises(AssertionError):
        discovery.validate_request("events.move", {})
    with pytest.raises(AssertionError):
        discovery.validate_request("events.insert", {})
    with pytest.raises(discovery.ValidationError):
        discovery.validate_request("events.list", {"orderBy": "mood"})
