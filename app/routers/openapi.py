"""The API's document: what FastAPI reads off the routes, put into the form that clients are generated from.

The one rule: what a route declares is its meaning; what follows from its shape and its guards is added, here and in
`openapi_codes.py`, so that no route can forget it. What we send to others, `webhooks`, comes with every document but
the one for generating clients.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import SecretBytes, SecretStr

from app.routers.guards import refusals_of_guards
from app.routers.openapi_answers import ANSWERS, MEMBERS
from app.routers.openapi_codes import declare
from app.routers.openapi_examples import Examples, component_name
from app.routers.openapi_fields import DESCRIPTIONS
from app.routers.openapi_problems import HEADERS, KINDS, header_references, problem_schemas, response_component
from app.routers.openapi_webhooks import PARAMETERS, RESPONSES, event_schemas, webhooks
from app.settings import Settings

Document = dict[str, Any]

_INTRODUCTION = """\
Connects Google, Office 365 and Exchange calendars to a CRM, keeps them in step, and lets people book time.

- Ids are opaque texts with a telling prefix. Times are RFC 3339 with an offset, answered in UTC.
- Answers carry every field, `null` for nothing, and may gain fields and codes.
- Requests with unknown fields are refused.
- `PATCH`: what is absent stays, `null` clears: back to nothing, or to the default.
- Lists answer `items` and `next_cursor`; send it back as `cursor` to go on.
- Errors are problems (RFC 9457) with a stable `code`; texts are in the language of `Accept-Language`: \
`en`, `sv`, `de`, `it`, `pl`.
- What happens is told in order, by the feed `listEvents` and by webhooks; `webhooks` of the full document, \
`openapi.json`, has what each type of event carries.
- Send `X-Request-Id` to find a request again; every answer carries one.
"""
_CONTACT = {
    "name": "calendar-connect",
    "url": "https://calendar-connect.example/support",
    "email": "support@calendar-connect.example",
}
_LICENCE = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
SERVERS = [{"url": "http://127.0.0.1:8000", "description": "What `make run` starts; a deployment has its own."}]
TAGS = {
    "Account": "Who the caller is, and what the caller may do.",
    "Audit log": "Who did what in the account. For tokens with `audit:read`.",
    "Booking": "What visitors do: find a page, see its times, book one, change it.",
    "Bookings": "What was booked with the caller, and what was asked for.",
    "Connecting": "From the disclosure over the provider's consent to a connection.",
    "Connections": "The caller's calendar accounts and how true their mirrors are.",
    "Contacts": "The people the account knows, and the meetings with them.",
    "Domains": "The account's own domains, which scheduling pages can be published on.",
    "Drift": "What people did to booked events in their calendars, and what was done about it.",
    "Engagements": "Meetings with contacts, wherever they were made.",
    "Events": "What happened in the account, in order and without a gap. For service tokens with `events:read`.",
    "Forms": "What visitors have answered in the CRM's forms. For service tokens with `forms:write`.",
    "Health": "For whoever runs the service.",
    "Inboxes": "Which addresses are somebody's own, and which are shared.",
    "Scheduling pages": "The caller's bookable pages.",
    "Settings": "The caller's calendar settings, saved all at once.",
    "Tasks": "What the caller has to do; with task sync on it stands in a calendar of its own.",
    "Time proposals": "A few open times for a mail.",
    "Users": "The CRM's users, pushed by its service token.",
    "Webhooks": "Where the account's events are sent, signed as Standard Webhooks has it. For service tokens with \
`webhooks:write`.",
}
"""Sorted by name."""

_DESCRIPTIONS = {"204": "Done; there is nothing to tell.", "303": "Go on to the address in `Location`."}
_FASTAPI_DESCRIPTION = "Successful Response"
_FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")
_KINDS_OF_COMPONENTS = ("schemas", "responses", "parameters", "headers")


def document_settings() -> Settings:
    """Settings good enough to build the application for its document; nothing is opened with them."""
    key = SecretBytes(secrets.token_bytes(32))
    return Settings(
        _env_file=None,
        database_url=SecretStr("postgresql://localhost/none"),
        public_url="http://127.0.0.1:8000",
        booking_base_url="http://127.0.0.1:8000",
        return_urls=["https://crm.example.com/meetings"],
        issuer="http://127.0.0.1",
        jwks_url="http://127.0.0.1",
        master_keys={1: key},
        signing_key=key,
        smtp_host="127.0.0.1",
        mail_from="no-reply@example.com",
    )


def describe(app: FastAPI) -> Document:
    """The whole document: an application's routes, and the webhooks of the service."""
    document = _routes(app)
    _complete_components(document)
    schemas, refusals = document["components"]["schemas"], refusals_of_guards(app)
    examples = Examples(schemas)
    for path, item in document["paths"].items():
        for operation in item.values():
            _complete_request(operation, examples)
            declare(operation, path, refusals[operation["operationId"]], schemas)
            _complete_answers(operation, examples, schemas)
    document["webhooks"] = webhooks(examples)
    _keep_what_is_used(document)
    return {key: _whole_numbers(value) for key, value in document.items()}


def _routes(app: FastAPI) -> Document:
    """What FastAPI says of the routes, and who we are."""
    return get_openapi(
        title=app.title,
        version=app.version,
        summary="Calendar connections and scheduling pages for a CRM.",
        description=_INTRODUCTION,
        contact=_CONTACT,
        license_info=_LICENCE,
        servers=SERVERS,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        routes=app.routes,
        separate_input_output_schemas=False,
    )


def client_document(document: Document) -> Document:
    """The document for generating clients: they call no webhook, and not every generator knows `webhooks`."""
    client = {key: value for key, value in document.items() if key != "webhooks"}
    client["components"] = dict(document["components"])
    _keep_what_is_used(client)
    return client


def _whole_numbers(node: Any) -> Any:
    """FastAPI makes every limit a float: `0.0` is `0`."""
    if isinstance(node, dict):
        return {key: _whole_numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_whole_numbers(value) for value in node]
    return int(node) if isinstance(node, float) and node.is_integer() else node


def _complete_components(document: Document) -> None:
    components = document["components"]
    schemas, told = components["schemas"], event_schemas()
    _add_schemas(schemas, told)
    for schema in schemas.values():
        _tidy(schema)
    for name in sorted(_reachable(_answers(document), schemas) | told.keys()):
        schemas[name].pop("additionalProperties", None)  # what we say may gain fields
    components["schemas"] = dict(sorted(schemas.items()))
    components["headers"] = {name: dict(header) for name, header in HEADERS.items()}
    components["parameters"] = {name: dict(parameter) for name, parameter in PARAMETERS.items()}
    problems_by_name = {kind.name: response_component(status) for status, kind in KINDS.items()}
    components["responses"] = problems_by_name | {name: dict(answer) for name, answer in RESPONSES.items()}


def _add_schemas(schemas: Document, told: Document) -> None:
    """Ours beside the routes' own, without FastAPI's. Raises: ValueError when two are called the same."""
    for name in _FASTAPI_SCHEMAS:
        schemas.pop(name, None)
    for name in told.keys() & schemas.keys():
        if told[name] != schemas[name]:
            raise ValueError(f"two schemas are called {name}")
    schemas |= problem_schemas() | {name: schema for name, schema in told.items() if name not in schemas}


def _tidy(schema: Any) -> None:
    """Drop titles, which only repeat names, and defaults, which generators would send back; describe every field."""
    schema.pop("title", None)
    for name, part in schema.get("properties", {}).items():
        part.pop("title", None)
        part.pop("default", None)
        if "$ref" not in part and name in DESCRIPTIONS:
            part.setdefault("description", DESCRIPTIONS[name])


def _complete_request(operation: Document, examples: Examples) -> None:
    for parameter in operation.get("parameters", ()):
        _complete_parameter(parameter)
    for body in operation.get("requestBody", {}).get("content", {}).values():
        body["example"] = examples.of(body["schema"])


def _complete_answers(operation: Document, examples: Examples, schemas: Mapping[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) < 400:  # noqa: PLR2004 - what is not an error
            _complete_answer(status, response, operation, examples, schemas)


def _complete_parameter(parameter: Document) -> None:
    schema = parameter["schema"]
    schema.pop("title", None)
    schema.pop("description", None)
    if parameter["in"] == "header":
        parameter["name"] = "-".join(word.capitalize() for word in parameter["name"].split("-"))
    if "description" not in parameter:
        noun = parameter["name"].removesuffix("_id").replace("_", " ")
        parameter["description"] = f"The {noun}'s id."


def _complete_answer(
    status: str, response: Document, operation: Document, examples: Examples, schemas: Mapping[str, Any]
) -> None:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    target = schemas.get(component_name(schema), {}) if "$ref" in schema else {}
    if response["description"] == _FASTAPI_DESCRIPTION:
        first_line = target.get("description", "").partition("\n")[0]
        response["description"] = _DESCRIPTIONS.get(status) or first_line or "As asked."
    implied = header_references(*_headers(status, operation, target))
    response["headers"] = implied | response.get("headers", {})
    if schema:
        response["content"]["application/json"] |= _example(status, operation, schema, examples)


def _example(status: str, operation: Document, schema: Mapping[str, Any], examples: Examples) -> Document:
    """What an answer may look like: of a union the member that its status means."""
    differs = ANSWERS.get(operation["operationId"], {})
    if variants := examples.variants(schema):
        member = MEMBERS[status]
        return {"examples": {member: {"value": variants[member] | differs}}}
    return {"example": examples.of(schema) | differs}


def _headers(status: str, operation: Document, target: Mapping[str, Any]) -> Iterator[str]:
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if target.get("properties", {}).get("version", {}).get("type") == "integer":
        yield "ETag"
    if status in {"201", "202", "303"}:
        yield "Location"
    if "Idempotency-Key" in names:
        yield "Idempotent-Replayed"
    if "429" in operation["responses"]:  # limited operations say what is left
        yield from ("RateLimit", "RateLimit-Policy")


def _answers(document: Document) -> Iterator[Any]:
    for item in document["paths"].values():
        for operation in item.values():
            yield from (response for status, response in operation["responses"].items() if int(status) < 400)  # noqa: PLR2004


def _reachable(nodes: Iterator[Any], schemas: Mapping[str, Any]) -> set[str]:
    """The names of the schemas that the nodes refer to, directly or not."""
    found: set[str] = set()
    pending = list(nodes)
    while pending:
        for kind, name in _references(pending.pop()):
            if kind == "schemas" and name not in found:
                found.add(name)
                pending.append(schemas.get(name, {}))
    return found


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """Every reference in a part of the document: the kind of component and its name."""
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            _, _, kind, name = reference.split("/", 3)
            yield kind, name
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _keep_what_is_used(document: Document) -> None:
    """Drop components that nothing refers to."""
    components = document["components"]
    used: set[tuple[str, str]] = set()
    pending: list[Any] = [document["paths"], document.get("webhooks", {})]
    while pending:
        for kind, name in set(_references(pending.pop())) - used:
            used.add((kind, name))
            pending.append(components[kind][name])
    for kind in _KINDS_OF_COMPONENTS:
        components[kind] = {name: value for name, value in components[kind].items() if (kind, name) in used}
        if not components[kind]:
            del components[kind]
