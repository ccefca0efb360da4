"""Each rule of what breaks a caller, on the smallest document that shows it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contract.changes import breaking_changes, may_break

Document = dict[str, Any]
Edit = Callable[[Document], object]

THING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 50},
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "color": {"type": "string", "enum": ["red", "green"]},
        "since": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "parts": {"type": "array", "maxItems": 3, "items": {"$ref": "#/components/schemas/Wish"}},
        "notes": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 9}},
    },
}
ANSWER = {
    "type": "object",
    "required": ["id", "color", "at", "parent", "shape"],
    "properties": {
        "id": {"type": "string"},
        "color": {"type": "string", "enum": ["red", "green"]},
        "at": {"type": "string", "format": "date-time"},
        "parent": {"anyOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "null"}]},
        "shape": {"$ref": "#/components/schemas/Shape"},
    },
}
BASE: Document = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1.4.0"},
    "paths": {
        "/things/{id}": {
            "put": {
                "operationId": "putThing",
                "tags": ["Things"],
                "security": [{"token": []}, {"key": [], "secret": []}],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 9}},
                    {"name": "page", "in": "query", "required": False, "schema": {"type": "integer"}},
                    {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": False,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}},
                },
                "responses": {
                    "200": {
                        "description": "The thing.",
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                    "404": {"$ref": "#/components/responses/NotFound"},
                },
            }
        },
        "/health": {"get": {"operationId": "getHealth", "security": [], "responses": {"204": {"description": "Yes."}}}},
    },
    "components": {
        "schemas": {
            "Wish": THING,
            "Thing": ANSWER,
            "Shape": {
                "oneOf": [{"$ref": "#/components/schemas/Round"}, {"$ref": "#/components/schemas/Square"}],
                "discriminator": {"propertyName": "kind", "mapping": {"round": "#/components/schemas/Round"}},
            },
            "Round": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "round"}}},
            "Square": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "square"}}},
            "Problem": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}},
        },
        "responses": {
            "NotFound": {
                "description": "No.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        },
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "Key"},
            "secret": {"type": "apiKey", "in": "header", "name": "Secret"},
        },
    },
}


def put(document: Document) -> Any:
    return document["paths"]["/things/{id}"]["put"]


def wish(document: Document) -> Any:
    return document["components"]["schemas"]["Wish"]


def thing(document: Document) -> Any:
    return document["components"]["schemas"]["Thing"]


def schemas(document: Document) -> Any:
    return document["components"]["schemas"]


def edited(edit: Edit) -> Document:
    document = copy.deepcopy(BASE)
    edit(document)
    return document


PUT = "PUT /things/{id}"
BODY, OK = f"{PUT} body", f"{PUT} 200"

BREAKING: dict[str, tuple[Edit, str]] = {
    "a path goes": (lambda d: d["paths"].pop("/health"), "GET /health: the operation is gone"),
    "a method goes": (
        lambda d: d["paths"]["/health"].update(post=d["paths"]["/health"].pop("get")),
        "GET /health: the operation is gone",
    ),
    "an operationId changes": (
        lambda d: put(d).update(operationId="saveThing"),
        f"{PUT}: the operationId was putThing, now it is saveThing",
    ),
    "a tag changes": (
        lambda d: put(d).update(tags=["Other"]),
        f"{PUT}: the tag is another (generated clients group by it)",
    ),
    "a parameter goes": (lambda d: put(d)["parameters"].pop(1), f"{PUT} query page: the parameter is gone"),
    "a parameter becomes required": (
        lambda d: put(d)["parameters"][1].update(required=True),
        f"{PUT} query page: the parameter is now required",
    ),
    "a required parameter comes": (
        lambda d: put(d)["parameters"].append({"name": "x", "in": "query", "required": True, "schema": {}}),
        f"{PUT} query x: the parameter is now required",
    ),
    "a parameter gets a limit": (
        lambda d: put(d)["parameters"][1]["schema"].update(maximum=5),
        f"{PUT} query page: maximum is tighter: None to 5",
    ),
    "a parameter's pattern changes": (
        lambda d: put(d)["parameters"][0]["schema"].update(pattern="^a"),
        f"{PUT} path id: pattern is new or another",
    ),
    "a body becomes required": (lambda d: put(d)["requestBody"].update(required=True), f"{BODY}: is now required"),
    "a body goes": (lambda d: put(d).pop("requestBody"), f"{BODY}: application/json is gone"),
    "a request property becomes required": (
        lambda d: wish(d)["required"].append("size"),
        f"{BODY}.size: the property is now required",
    ),
    "a request property goes": (lambda d: wish(d)["properties"].pop("size"), f"{BODY}.size: the property is gone"),
    "a request property changes its type": (
        lambda d: wish(d)["properties"].update(size={"type": "string"}),
        f"{BODY}.size: no longer accepts integer",
    ),
    "a request property is no longer nullable": (
        lambda d: wish(d)["properties"].update(since={"type": "string", "format": "date"}),
        f"{BODY}.since: no longer accepts null",
    ),
    "a request text gets shorter": (
        lambda d: wish(d)["properties"]["name"].update(maxLength=40),
        f"{BODY}.name: maxLength is tighter: 50 to 40",
    ),
    "a request text gets longer at least": (
        lambda d: wish(d)["properties"]["name"].update(minLength=2),
        f"{BODY}.name: minLength is tighter: 1 to 2",
    ),
    "a request number gets a higher minimum": (
        lambda d: wish(d)["properties"]["size"].update(minimum=2),
        f"{BODY}.size: minimum is tighter: 1 to 2",
    ),
    "a new minimum of zero": (
        lambda d: put(d)["parameters"][1]["schema"].update(minimum=0),
        f"{PUT} query page: minimum is tighter: None to 0",
    ),
    "a request list gets shorter": (
        lambda d: wish(d)["properties"]["parts"].update(maxItems=2),
        f"{BODY}.parts: maxItems is tighter: 3 to 2",
    ),
    "a request enum narrows": (
        lambda d: wish(d)["properties"]["color"].update(enum=["red"]),
        f"{BODY}.color: no longer accepts `green`",
    ),
    "a request text becomes an enum": (
        lambda d: wish(d)["properties"]["name"].update(enum=["a"]),
        f"{BODY}.name: now accepts only `a`",
    ),
    "a request format changes": (
        lambda d: wish(d)["properties"]["name"].update(format="email"),
        f"{BODY}.name: the format was None, now it is email",
    ),
    "a value of a request map gets shorter": (
        lambda d: wish(d)["properties"]["notes"]["additionalProperties"].update(maxLength=5),
        f"{BODY}.notes{{}}: maxLength is tighter: 9 to 5",
    ),
    "a request object closes": (
        lambda d: wish(d)["properties"]["notes"].update(additionalProperties=False),
        f"{BODY}.notes: unknown properties are now refused",
    ),
    "a response status goes": (lambda d: put(d)["responses"].pop("404"), f"{PUT} 404: the response is gone"),
    "a success status comes": (
        lambda d: put(d)["responses"].update({"202": {"description": "Later."}}),
        f"{PUT} 202: the response is new, and callers do not know it",
    ),
    "a response media type goes": (
        lambda d: put(d)["responses"]["200"].pop("content"),
        f"{OK}: application/json is gone",
    ),
    "a response header goes": (
        lambda d: put(d)["responses"]["200"].pop("headers"),
        f"{OK}: the header ETag is gone",
    ),
    "a response property goes": (lambda d: thing(d)["properties"].pop("id"), f"{OK}.id: the property is gone"),
    "a response property may be absent": (
        lambda d: thing(d)["required"].remove("id"),
        f"{OK}.id: the property may now be absent",
    ),
    "a response property may be null": (
        lambda d: thing(d)["properties"].update(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        f"{OK}.id: may now be null",
    ),
    "a response property changes its type": (
        lambda d: thing(d)["properties"].update(id={"type": "integer"}),
        f"{OK}.id: may now be integer",
    ),
    "a response enum widens": (
        lambda d: thing(d)["properties"]["color"]["enum"].append("blue"),
        f"{OK}.color: may now be `blue`",
    ),
    "a response enum opens": (
        lambda d: thing(d)["properties"]["color"].pop("enum"),
        f"{OK}.color: may now be anything, not only `green`, `red`",
    ),
    "a response format goes": (
        lambda d: thing(d)["properties"]["at"].pop("format"),
        f"{OK}.at: the format was date-time, now it is None",
    ),
    "a response union gets a member": (
        lambda d: (
            schemas(d).update(Flat={"type": "object", "required": ["kind"], "properties": {"kind": {"const": "flat"}}}),
            schemas(d)["Shape"]["oneOf"].append({"$ref": "#/components/schemas/Flat"}),
        ),
        f"{OK}.shape: may now be object `flat`",
    ),
    "a union loses its discriminator": (
        lambda d: schemas(d)["Shape"].pop("discriminator"),
        f"{OK}.shape: is no longer told apart by `kind`",
    ),
    "an error's schema loses a property": (
        lambda d: schemas(d)["Problem"]["properties"].pop("code"),
        f"{PUT} 404.code: the property is gone",
    ),
    "a schema is renamed": (
        lambda d: (
            schemas(d).update(Trouble=schemas(d).pop("Problem")),
            d["components"]["responses"]["NotFound"]["content"]["application/problem+json"].update(
                schema={"$ref": "#/components/schemas/Trouble"}
            ),
        ),
        "#/components/schemas/Problem: is gone (generated clients name this schema)",
    ),
    "a way to sign in is not enough any more": (
        lambda d: put(d).update(security=[{"token": []}]),
        f"{PUT}: key and secret is no longer enough",
    ),
    "a scope is asked for": (
        lambda d: put(d).update(security=[{"token": ["write"]}, {"key": [], "secret": []}]),
        f"{PUT}: token is no longer enough",
    ),
    "a public operation asks who calls": (
        lambda d: d["paths"]["/health"]["get"].update(security=[{"token": []}]),
        "GET /health: asking without signing in is no longer enough",
    ),
    "the token moves": (
        lambda d: d["components"]["securitySchemes"]["key"].update(name="X-Key"),
        "#/components/securitySchemes/key: name is another",
    ),
}

HARMLESS: dict[str, Edit] = {
    "nothing": lambda _: None,
    "texts": lambda d: put(d).update(summary="Another", description="Another"),
    "an operation comes": lambda d: d["paths"].update({"/more": {"get": {"operationId": "getMore", "responses": {}}}}),
    "an optional parameter comes": lambda d: put(d)["parameters"].append(
        {"name": "x", "in": "query", "required": False, "schema": {}}
    ),
    "a header is spelt in other letters": lambda d: put(d)["parameters"][2].update(name="if-match"),
    "a parameter is no longer required": lambda d: put(d)["parameters"][0].update(required=False),
    "an error status comes": lambda d: put(d)["responses"].update({"409": {"description": "No."}}),
    "a request property comes": lambda d: wish(d)["properties"].update(more={"type": "string"}),
    "a request property is no longer required": lambda d: wish(d).update(required=[]),
    "a request enum widens": lambda d: wish(d)["properties"]["color"]["enum"].append("blue"),
    "a request limit loosens": lambda d: wish(d)["properties"]["name"].update(maxLength=60, minLength=0),
    "a request integer may be any number": lambda d: wish(d)["properties"]["size"].update(type="number"),
    "a request property becomes nullable": lambda d: wish(d)["properties"].update(
        name={"anyOf": [{"type": "string", "minLength": 1, "maxLength": 50}, {"type": "null"}]}
    ),
    "a response property comes": lambda d: thing(d)["properties"].update(more={"type": "string"}),
    "a response enum narrows": lambda d: thing(d)["properties"]["color"].update(enum=["red"]),
    "a response property is never null": lambda d: thing(d)["properties"].update(
        parent={"$ref": "#/components/schemas/Thing"}
    ),
    "a response limit changes": lambda d: thing(d)["properties"]["id"].update(maxLength=10),
    "another way to sign in": lambda d: put(d)["security"].append({"key": []}),
    "a reference is written out": lambda d: put(d)["responses"].update(
        {"404": d["components"]["responses"]["NotFound"]}
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_found_and_nothing_else(name: str) -> None:
    edit, told = BREAKING[name]

    assert breaking_changes(BASE, edited(edit)) == [told]


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_is_none(name: str) -> None:
    assert breaking_changes(BASE, edited(HARMLESS[name])) == []


def test_the_same_schema_is_looked_at_once_per_direction() -> None:
    def both_ways(document: Document) -> None:
        put(document)["responses"]["200"]["content"]["application/json"]["schema"] = {
            "$ref": "#/components/schemas/Wish"
        }

    old = edited(both_ways)
    new = copy.deepcopy(old)
    wish(new)["properties"]["color"]["enum"] = ["red", "blue"]

    assert breaking_changes(old, new) == [f"{OK}.color: may now be `blue`", f"{BODY}.color: no longer accepts `green`"]


def test_what_is_not_understood_is_an_error() -> None:
    with pytest.raises(ValueError, match="parameters is not understood"):
        breaking_changes(BASE, edited(lambda d: d["paths"]["/health"].update(parameters=[])))


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [("1.4.0", "2.0.0", True), ("1.4.0", "1.5.0", False), ("2.0.0", "1.0.0", False), ("0.3.0", "0.4.0", True)],
)
def test_only_a_major_version_may_break_what_was_promised(old: str, new: str, allowed: bool) -> None:
    assert may_break({"info": {"version": old}}, {"info": {"version": new}}) is allowed
