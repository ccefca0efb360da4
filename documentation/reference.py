"""The API reference: a page for each tag, one of all schemas, one of all events. From `openapi.json` alone. Pure.

The one rule: it reads without a script and without a network.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from documentation.markdown import anchor, fence, page, table
from documentation.repository import Document
from documentation.schema_text import fields, name_of, type_text

FOLDER: Final = "reference"
SCHEMAS: Final = "schemas.md"
EVENTS: Final = "event-types.md"
_METHODS: Final = ("get", "put", "post", "patch", "delete")
_GOOD: Final = ("2", "3")
_WHO: Final = {
    "bearerAuth": "a token of the CRM's issuer (`Authorization: Bearer`)",
    "bookingToken": "the visitor's token (`Booking-Token`)",
}

Operation = Mapping[str, Any]


def reference_pages(document: Document) -> dict[str, str]:
    """Every page of the reference by its path below `docs`."""
    pages = {f"{FOLDER}/index.md": _overview(document)}
    for tag in document["tags"]:
        pages[tag_page(tag["name"])] = _tag(document, tag)
    pages[f"{FOLDER}/{SCHEMAS}"] = _schemas(document)
    pages[f"{FOLDER}/{EVENTS}"] = _events(document)
    return pages


def tag_page(tag: str) -> str:
    """The path of a tag's page."""
    return f"{FOLDER}/{anchor(tag)}.md"


def operations(document: Document) -> Iterator[tuple[str, str, Operation]]:
    """Method, path and operation, in the document's order."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def operation_links(document: Document, base: str) -> dict[str, str]:
    """A link to each operation by its id; `base` leads to the reference's folder."""
    return {
        operation["operationId"]: f"{base}{anchor(operation['tags'][0])}.md#{anchor(operation['operationId'])}"
        for _, _, operation in operations(document)
    }


def _overview(document: Document) -> str:
    info = document["info"]
    rows = [
        (f"[`{op['operationId']}`]({anchor(op['tags'][0])}.md#{anchor(op['operationId'])})", f"`{method} {path}`",
         op["summary"])
        for method, path, op in operations(document)
    ]  # fmt: skip
    return page(
        "# API reference",
        f"Version {info['version']}. {info['summary']} The document itself: [`openapi.json`](../../openapi.json), and "
        "[`openapi.client.json`](../../openapi.client.json) for generating clients.",
        info["description"],
        "## Operations",
        table(("operation", "request", "what"), rows),
        f"All bodies and answers: [schemas]({SCHEMAS}). What the CRM is sent: [events]({EVENTS}). "
        "What a refusal means: [problems](../problems/index.md).",
    )


def _tag(document: Document, tag: Mapping[str, str]) -> str:
    mine = [found for found in operations(document) if tag["name"] in found[2]["tags"]]
    return page(f"# {tag['name']}", tag["description"], *(_operation(document, *found) for found in mine))


def _operation(document: Document, method: str, path: str, operation: Operation) -> str:
    return page(
        f"## {operation['operationId']}",
        f"**{operation['summary']}.** `{method} {path}`",
        operation.get("description", ""),
        f"Who: {_who(operation)}.",
        _parameters(document, operation),
        _body(document, operation.get("requestBody")),
        _answers(document, operation),
    )


def _who(operation: Operation) -> str:
    kinds = [_WHO[name] for one in operation["security"] for name in one]
    return " or ".join(kinds) or "anybody"


def _parameters(document: Document, operation: Operation) -> str:
    rows = []
    for given in operation.get("parameters", ()):
        parameter = _resolved(document, given)
        mark = "" if parameter.get("required") else " (optional)"
        kind = type_text(parameter["schema"], SCHEMAS)
        rows.append((f"`{parameter['name']}`{mark}", parameter["in"], kind, parameter.get("description", "")))
    return table(("parameter", "in", "type", "what"), rows)


def _body(document: Document, given: Mapping[str, Any] | None) -> str:
    if given is None:
        return ""
    content = _resolved(document, given)["content"]["application/json"]
    return page(f"Body: {type_text(content['schema'], SCHEMAS)}", _example(content))


def _answers(document: Document, operation: Operation) -> str:
    parts, refused = [], []
    for status, given in operation["responses"].items():
        answer = _resolved(document, given)
        if status[0] not in _GOOD:
            refused.append(status)
            continue
        content: Mapping[str, Any] = next(iter(answer.get("content", {}).values()), {})
        schema = content.get("schema")
        kind = f" {type_text(schema, SCHEMAS)}" if schema else ""
        parts += [f"**{status}**{kind}: {answer['description']}", _example(content)]
    told = ", ".join(f"[{status}](../problems/index.md#status-{status})" for status in refused)
    return page(*parts, f"Refusals: {told}." if told else "")


def _example(content: Mapping[str, Any]) -> str:
    named = content.get("examples")
    value = next(iter(named.values()))["value"] if named else content.get("example")
    if value is None:
        return ""
    return fence("text" if isinstance(value, str) else "json", _written(value))


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _resolved(document: Document, given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in given:
        return given
    found: Any = document
    for part in given["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, Mapping)
    return found


def _schemas(document: Document) -> str:
    parts = [_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return page("# Schemas", "Bodies and answers. Answers carry every field, and may gain more.", *parts)


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    rows = list(fields(schema, ""))
    kind = "" if rows else f"Type: {type_text(schema, '')}"
    return page(f"## {name}", schema.get("description", ""), kind, table(("field", "type", "what"), rows))


def _events(document: Document) -> str:
    parts = [_event(document, name, item["post"]) for name, item in document["webhooks"].items()]
    return page(
        "# Event types",
        "What the feed ([`listEvents`](events.md#listevents)) and webhooks tell. Both carry the same bodies; how they "
        "are delivered and verified stands in [Webhooks](../webhooks.md). New types may come: skip those that are new.",
        *parts,
    )


def _event(document: Document, name: str, operation: Operation) -> str:
    content = _resolved(document, operation["requestBody"])["content"]["application/json"]
    body = name_of(content["schema"].get("$ref", ""))
    schema = document["components"]["schemas"].get(body, {})
    data = schema.get("properties", {}).get("data", {})
    return page(
        f"## `{name}`",
        f"**{operation['summary']}.** {operation.get('description', '')}",
        f"`data`: {type_text(data, SCHEMAS)}",
        _example(content),
    )
