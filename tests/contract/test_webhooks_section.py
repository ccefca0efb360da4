"""`webhooks` of the document: one entry for each type of event, and a receiver can be written from it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.events.types import TEST_EVENT, EventType
from app.routers.openapi_events import EVENTS
from tests.contract.documented import (
    DOCUMENT,
    OPERATIONS,
    SCHEMAS,
    WEBHOOKS,
    Operation,
    complaints,
    resolved,
    undocumented,
)

HEADERS = ["webhook-id", "webhook-signature", "webhook-timestamp"]
JSON = "application/json"

each_webhook = pytest.mark.parametrize("webhook", WEBHOOKS, ids=lambda webhook: webhook.path)


def body(webhook: Operation) -> dict[str, Any]:
    assert webhook.spec["requestBody"]["required"]
    assert list(webhook.spec["requestBody"]["content"]) == [JSON]
    return webhook.spec["requestBody"]["content"][JSON]


def envelope(webhook: Operation) -> dict[str, Any]:
    return resolved(body(webhook)["schema"])


def test_every_type_of_event_is_documented() -> None:
    assert list(EVENTS) == [*EventType, TEST_EVENT], "tell of it in app/routers/openapi_events.py, in this order"
    assert set(DOCUMENT["webhooks"]) == set(EVENTS), "run `make openapi`"


@each_webhook
def test_an_entry_says_what_happened(webhook: Operation) -> None:
    words = "".join(word.capitalize() for word in re.split(r"[._]", webhook.path))

    assert webhook.id == f"on{words}"
    assert body(webhook)["schema"] == {"$ref": f"#/components/schemas/{words}Event"}
    assert 5 < len(webhook.spec["summary"]) <= 60
    assert webhook.spec["summary"][-1].isalpha()
    assert webhook.spec["description"].endswith(".")
    assert webhook.spec["tags"] == ["Webhooks"]


@each_webhook
def test_an_entry_speaks_of_operations_that_there_are(webhook: Operation) -> None:
    named = re.findall(r"`([a-z]+[A-Z]\w+)`", webhook.spec["description"])

    assert set(named) <= {operation.id for operation in OPERATIONS}


@each_webhook
def test_the_body_is_the_event_with_its_own_type_and_data(webhook: Operation) -> None:
    schema, event = envelope(webhook), SCHEMAS["Event"]

    assert list(schema["properties"]) == list(event["properties"])
    assert schema["required"] == event["required"]
    assert schema["properties"]["type"]["const"] == webhook.path
    assert "additionalProperties" not in schema["properties"]["data"], "its own data, not any"


@each_webhook
def test_the_data_is_what_the_catalogue_says_or_erased(webhook: Operation) -> None:
    data = {"$ref": f"#/components/schemas/{EVENTS[webhook.path].data.__name__}"}
    erased = {"$ref": "#/components/schemas/ErasedEventData"}
    told = envelope(webhook)["properties"]["data"]

    assert (told.get("anyOf") or [{"$ref": told["$ref"]}]) == ([data] if webhook.path == TEST_EVENT else [data, erased])


@each_webhook
def test_the_headers_are_those_of_standard_webhooks(webhook: Operation) -> None:
    headers = [resolved(parameter) for parameter in webhook.parameters]

    assert [header["name"] for header in headers] == HEADERS
    for header in headers:
        assert header["required"]
        assert header["in"] == "header"
        assert header["description"].endswith(".")
        assert not any(complaints(header["schema"], example) for example in header["schema"]["examples"])


@each_webhook
def test_the_answers_are_what_the_courier_understands(webhook: Operation) -> None:
    assert list(webhook.spec["responses"]) == ["2XX", "410", "default"]
    assert all(resolved(answer)["description"].strip() for answer in webhook.spec["responses"].values())
    assert list(resolved(webhook.spec["responses"]["default"])["headers"]) == ["Retry-After"]
    assert webhook.spec["security"] == []


@each_webhook
def test_the_example_is_an_event_of_the_type(webhook: Operation) -> None:
    assert undocumented(body(webhook)["example"]) == []


def test_examples_differ_where_the_types_do() -> None:
    told = [{**body(webhook)["example"]["data"]} for webhook in WEBHOOKS if webhook.path.startswith("booking.")]

    assert len({str(data) for data in told}) == len(told)


def test_what_is_not_documented_is_noticed() -> None:
    event = body(next(webhook for webhook in WEBHOOKS if webhook.path == "booking.created"))["example"]

    assert undocumented(event) == []
    for wrong in _wrong(event):
        assert undocumented(wrong), wrong


def _wrong(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Events that a receiver would be surprised by."""
    data = event["data"]
    yield event | {"type": "booking.exploded"}
    yield event | {"sequence": 0}
    yield event | {"more": 1}
    yield event | {"data": data | {"more": 1}}
    yield event | {"data": {name: value for name, value in data.items() if name != "host_id"}}
    yield event | {"data": data | {"answers": [data["answers"][0] | {"more": 1}]}}
    yield event | {"data": data | {"erased": True}}
    yield event | {"data": {"id": data["id"], "erased": False}}
    yield {name: value for name, value in event.items() if name != "account_id"}
