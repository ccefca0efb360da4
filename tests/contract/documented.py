"""The committed documents, as the tests of this folder look at them.

The one rule: what is read here is `openapi.json` as callers have it, not what the code would say now.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "openapi.json").read_text()
CLIENT_TEXT = (ROOT / "openapi.client.json").read_text()
DOCUMENT: dict[str, Any] = json.loads(TEXT)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
FIRST_ERROR = 400
FORMATS = FormatChecker(["date", "email"])


@FORMATS.checks("date-time")
def _is_time_with_offset(value: object) -> bool:
    try:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@dataclass(frozen=True)
class Operation:
    """One operation with its place."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def id(self) -> str:
        return self.spec["operationId"]

    @property
    def answers(self) -> dict[int, dict[str, Any]]:
        """Its responses that are no errors, by status."""
        return {int(s): resolved(r) for s, r in self.spec["responses"].items() if int(s) < FIRST_ERROR}

    @property
    def errors(self) -> dict[int, dict[str, Any]]:
        """Its error responses as they stand, unresolved."""
        return {int(s): r for s, r in self.spec["responses"].items() if int(s) >= FIRST_ERROR}

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return self.spec.get("parameters", [])


OPERATIONS = [
    Operation(method.upper(), path, spec) for path, item in DOCUMENT["paths"].items() for method, spec in item.items()
]

WEBHOOKS = [Operation("POST", name, item["post"]) for name, item in DOCUMENT["webhooks"].items()]
"""Their path is the type of the event."""


def resolved(node: Any) -> Any:
    """The node, or what its `$ref` points at."""
    while isinstance(node, dict) and "$ref" in node:
        target: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def references(node: Any) -> Iterator[str]:
    """The names of the schemas that a part of the document refers to directly."""
    if isinstance(node, dict):
        if str(node.get("$ref", "")).startswith("#/components/schemas/"):
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def reachable(nodes: list[Any]) -> set[str]:
    """The names of the schemas that these parts refer to, directly or through others."""
    found: set[str] = set()
    pending = [name for node in nodes for name in references(node)]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += references(SCHEMAS[name])
    return found


def complaints(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value, formats included."""
    return _complaints({**schema, "components": DOCUMENT["components"]}, value)


def undocumented(event: dict[str, Any]) -> list[str]:
    """In what an event of the feed is not what `webhooks` says of its type; a field that is not told of counts."""
    entry = DOCUMENT["webhooks"].get(event["type"])
    if entry is None:
        return ["the type is not documented"]
    schema = entry["post"]["requestBody"]["content"]["application/json"]["schema"]
    return _complaints({**schema, "components": _CLOSED}, event)


def _closed(node: Any) -> Any:
    """The node with every object closed: answers may grow, but not unnoticed."""
    if isinstance(node, list):
        return [_closed(value) for value in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    return {"additionalProperties": False} | closed if node.get("type") == "object" and "properties" in node else closed


_CLOSED = _closed(DOCUMENT["components"])


def _complaints(schema: dict[str, Any], value: Any) -> list[str]:
    # The components ride along, so that references resolve without a registry.
    validator = Draft202012Validator(schema, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def examples_of(media_type: dict[str, Any]) -> list[Any]:
    """The examples of a request or an answer."""
    several = [example["value"] for example in media_type.get("examples", {}).values()]
    return [*several, media_type["example"]] if "example" in media_type else several
