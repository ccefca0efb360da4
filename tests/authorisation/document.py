"""The operations of the API as its document tells them, and every place in a call where an id can stand. Pure.

The one rule: nothing is listed by hand here. What the document gains, the matrix has to know.
"""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

BEARER, BOOKING_TOKEN = "bearerAuth", "bookingToken"
_TYPED = re.compile(r"^\^([a-z]+|\[a-z\]\+)_\[0-7\]")
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an id stands."""

    where: str
    """path query body"""
    name: str
    """A parameter's name, or a pointer into the body; the first item of a list is `/0`."""
    kind: str
    """The id's prefix (`page`); the parameter's own name where it is no TypeID (`slug`)."""

    def __str__(self) -> str:
        return f"{self.where} {self.name}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, without who sends it."""

    method: str
    template: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    later: timedelta = timedelta()
    """So long after now."""

    @property
    def url(self) -> str:
        """The path with its ids."""
        return self.template.format_map(self.path)

    def holding(self, place: Place, value: str) -> "Call":
        """The same call with another id there."""
        if place.where == "path":
            return replace(self, path={**self.path, place.name: value})
        if place.where == "query":
            return replace(self, query={**self.query, place.name: value})
        return replace(self, body=_placed(self.body, place.name.split("/")[1:], value))

    def told(self) -> str:
        """Everything it says, to look for ids in."""
        return json.dumps([self.url, dict(self.query), dict(self.headers), self.body])


def _placed(body: Any, parts: list[str], value: str) -> Any:
    if not parts:
        return value
    if parts[0] == "0":
        rest = body[1:] if isinstance(body, list) else []
        return [_placed(None, parts[1:], value), *rest]
    inner = body if isinstance(body, dict) else {}
    return {**inner, parts[0]: _placed(inner.get(parts[0]), parts[1:], value)}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    id: str
    scheme: str | None
    """What it asks for; None: it is public."""
    parameters: tuple[Json, ...]
    places: tuple[Place, ...]
    example: Any
    """The document's own body; None when it takes none."""

    @property
    def required(self) -> set[str]:
        """The parameters without which it cannot be called."""
        return {item["name"] for item in self.parameters if item.get("required")}


def operations(document: Json) -> list[Operation]:
    """Every operation, in the order of the document."""
    return [
        _operation(document, method.upper(), path, spec)
        for path, item in document["paths"].items()
        for method, spec in item.items()
    ]


def _operation(document: Json, method: str, path: str, spec: Json) -> Operation:
    parameters = tuple(_resolved(document, item) for item in spec.get("parameters", []))
    content = spec.get("requestBody", {}).get("content", {}).get("application/json", {})
    schemes = [name for entry in spec["security"] for name in entry]
    return Operation(
        method, path, spec["operationId"], schemes[0] if schemes else None, parameters,
        tuple(_places(document, parameters, content.get("schema", {}))), deepcopy(content.get("example")),
    )  # fmt: skip


def _places(document: Json, parameters: tuple[Json, ...], body: Json) -> Iterator[Place]:
    for item in parameters:
        kinds = {kind for _, kind in _ids(document, item["schema"])}
        if item["in"] == "path":
            kinds = kinds or {item["name"]}
        for kind in kinds:
            yield Place(item["in"], item["name"], kind)
    for pointer, kind in sorted(set(_ids(document, body))):
        yield Place("body", pointer, kind)


def _ids(document: Json, schema: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every TypeID that fits the schema: where, and its prefix."""
    schema = _resolved(document, schema)
    if typed := _TYPED.match(schema.get("pattern", "")):
        yield pointer, typed[1]
    for name in _ALTERNATIVES:
        for inner in schema.get(name, []):
            yield from _ids(document, inner, pointer)
    for name, inner in schema.get("properties", {}).items():
        yield from _ids(document, inner, f"{pointer}/{name}")
    if "items" in schema:
        yield from _ids(document, schema["items"], f"{pointer}/0")


def _resolved(document: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node
