"""Each rule of what breaks a receiver of webhooks, on the smallest document that shows it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contract.changes import breaking_changes

Document = dict[str, Any]
Edit = Callable[[Document], object]

BASE: Document = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1.4.0"},
    "paths": {},
    "webhooks": {
        name: {
            "post": {
                "operationId": f"on{name.title().replace('.', '')}",
                "parameters": [{"$ref": "#/components/parameters/Id"}, {"$ref": "#/components/parameters/Stamp"}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
                },
                "responses": {"2XX": {"description": "Taken."}, "410": {"description": "Gone."}},
            }
        }
        for name, schema in (("thing.made", "ThingMade"), ("thing.broken", "ThingBroken"))
    },
    "components": {
        "parameters": {
            "Id": {"name": "webhook-id", "in": "header", "required": True, "schema": {"type": "string"}},
            "Stamp": {"name": "webhook-stamp", "in": "header", "required": True, "schema": {"type": "integer"}},
        },
        "schemas": {
            "ThingMade": {
                "type": "object",
                "required": ["type", "data"],
                "properties": {"type": {"const": "thing.made"}, "data": {"$ref": "#/components/schemas/Thing"}},
            },
            "ThingBroken": {
                "type": "object",
                "required": ["type", "data"],
                "properties": {"type": {"const": "thing.broken"}, "data": {"$ref": "#/components/schemas/Damage"}},
            },
            "Thing": {
                "type": "object",
                "required": ["id", "color"],
                "properties": {"id": {"type": "string"}, "color": {"type": "string", "enum": ["red", "green"]}},
            },
            "Damage": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
        },
    },
}
MADE = "webhook POST thing.made"
DATA = f"{MADE} body.data"


def made(document: Document) -> Any:
    return document["webhooks"]["thing.made"]["post"]


def schemas(document: Document) -> Any:
    return document["components"]["schemas"]


def thing(document: Document) -> Any:
    return schemas(document)["Thing"]


def stamp(document: Document) -> Any:
    return document["components"]["parameters"]["Stamp"]


def edited(edit: Edit) -> Document:
    document = copy.deepcopy(BASE)
    edit(document)
    return document


BREAKING: dict[str, tuple[Edit, list[str]]] = {
    "a type goes": (lambda d: d["webhooks"].pop("thing.made"), [f"{MADE}: is sent no more"]),
    "all types go": (
        lambda d: d.pop("webhooks"),
        ["webhook POST thing.broken: is sent no more", f"{MADE}: is sent no more"],
    ),
    "a type changes its name": (
        lambda d: d["webhooks"].update({"thing.born": d["webhooks"].pop("thing.made")}),
        [f"{MADE}: is sent no more"],
    ),
    "an operationId changes": (
        lambda d: made(d).update(operationId="onThing"),
        [f"{MADE}: the operationId was onThingMade, now it is onThing"],
    ),
    "a field of the data goes": (lambda d: thing(d)["properties"].pop("id"), [f"{DATA}.id: the property is gone"]),
    "a field of the envelope goes": (
        lambda d: schemas(d)["ThingMade"]["properties"].pop("data"),
        [f"{MADE} body.data: the property is gone"],
    ),
    "a field may be absent": (
        lambda d: thing(d)["required"].remove("id"),
        [f"{DATA}.id: the property may now be absent"],
    ),
    "a field may be null": (
        lambda d: thing(d)["properties"].update(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        [f"{DATA}.id: may now be null"],
    ),
    "a field may be something new": (
        lambda d: thing(d)["properties"]["color"]["enum"].append("blue"),
        [f"{DATA}.color: may now be `blue`"],
    ),
    "the body comes in another form": (
        lambda d: made(d)["requestBody"].update(content={"text/plain": {"schema": {"type": "string"}}}),
        [f"{MADE} body: application/json is gone"],
    ),
    "a header goes": (lambda d: made(d)["parameters"].pop(), [f"{MADE} header webhook-stamp: is sent no more"]),
    "a header may be absent": (
        lambda d: (stamp(d).update(required=False), d["webhooks"].pop("thing.broken")),
        [f"{MADE} header webhook-stamp: may now be absent", "webhook POST thing.broken: is sent no more"],
    ),
    "a header becomes another": (
        lambda d: made(d)["parameters"].append(
            made(d)["parameters"].pop() and {**stamp(d), "schema": {"type": "string"}}
        ),
        [f"{MADE} header webhook-stamp: may now be string"],
    ),
    "an answer loses its meaning": (
        lambda d: made(d)["responses"].pop("410"),
        [f"{MADE}: the answer 410 means nothing any more"],
    ),
}

HARMLESS: dict[str, Edit] = {
    "nothing": lambda _: None,
    "texts": lambda d: made(d).update(summary="Another", description="Another"),
    "a type comes": lambda d: d["webhooks"].update({"thing.lost": {"post": {"operationId": "onThingLost"}}}),
    "a field comes": lambda d: thing(d)["properties"].update(size={"type": "integer"}),
    "a field that is always there comes": lambda d: (
        thing(d)["properties"].update(size={"type": "integer"}),
        thing(d)["required"].append("size"),
    ),
    "a field can be fewer things": lambda d: thing(d)["properties"]["color"].update(enum=["red"]),
    "a header comes": lambda d: made(d)["parameters"].append(
        {"name": "webhook-more", "in": "header", "required": True, "schema": {"type": "string"}}
    ),
    "an answer gets a meaning": lambda d: made(d)["responses"].update({"default": {"description": "Again."}}),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_a_receiver_is_found_and_nothing_else(name: str) -> None:
    edit, told = BREAKING[name]

    assert breaking_changes(BASE, edited(edit)) == sorted(told)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_breaks_no_receiver_is_none(name: str) -> None:
    assert breaking_changes(BASE, edited(HARMLESS[name])) == []


def test_webhooks_may_come_to_a_document_that_had_none() -> None:
    assert breaking_changes(edited(lambda d: d.pop("webhooks")), BASE) == []


def test_what_is_not_understood_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"thing\.made: parameters is not understood"):
        breaking_changes(BASE, edited(lambda d: d["webhooks"]["thing.made"].update(parameters=[])))
