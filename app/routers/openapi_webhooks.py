"""The `webhooks` of the API's document: what we send to the CRM, and what its answers mean. Pure.

The one rule: an entry is the body to the letter: the envelope with its own `type` and the data of that type.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter, create_model
from pydantic.json_schema import models_json_schema

from app.events.schemas import Event
from app.events.types import TEST_EVENT
from app.ids import EventId
from app.routers.openapi_events import EVENTS, Told
from app.routers.openapi_examples import Examples
from app.routers.openapi_payloads import ErasedEventData

TAG: Final = "Webhooks"
_SIGNATURE: Final = "v1,[A-Za-z0-9+/]{43}="
_TEMPLATE: Final = "#/components/schemas/{model}"
_NUMBER: Final = "Its number in the account: 1, 2, 3, … without a gap."
_NO_NUMBER: Final = "0: it is in no feed."
_DATA: Final = "What it is about, as it was then."

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "WebhookId": {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "The event's id, the same at every attempt: keep those you have taken.",
        "schema": TypeAdapter(EventId).json_schema(),
    },
    "WebhookSignature": {
        "name": "webhook-signature",
        "in": "header",
        "required": True,
        "description": "HMAC-SHA256 over `webhook-id.webhook-timestamp.body` with the endpoint's secret, as Standard "
        "Webhooks has it; for a day after the secret was replaced another one with the former.",
        "schema": {
            "type": "string",
            "pattern": f"^{_SIGNATURE}( {_SIGNATURE})*$",
            "examples": ["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="],
        },
    },
    "WebhookTimestamp": {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "When this attempt was made, in seconds since 1970-01-01T00:00:00Z: refuse what is old.",
        "schema": {"type": "integer", "minimum": 0, "examples": [1795169700]},
    },
}
"""By component name: the headers of Standard Webhooks, which say who sends and that nobody repeats it."""

RESPONSES: Mapping[str, Mapping[str, Any]] = {
    "WebhookGone": {"description": "Send nothing more: the endpoint becomes `disabled`. What follows is kept."},
    "WebhookRefused": {
        "description": "Anything else, a redirect too, or no answer within 10 seconds: the same message comes again, "
        "less and less often, and nothing else before it. After a day the endpoint is `paused`.",
        "headers": {"Retry-After": {"$ref": "#/components/headers/Retry-After"}},
    },
    "WebhookTaken": {"description": "Taken; the next event follows."},
}
"""By component name."""

_ANSWERS: Final = {"2XX": "WebhookTaken", "410": "WebhookGone", "default": "WebhookRefused"}


def event_schemas() -> dict[str, Any]:
    """The schema components of every type of event and its data, by name."""
    models = [(_envelope(name, told), "validation") for name, told in EVENTS.items()]
    _, schema = models_json_schema(models, ref_template=_TEMPLATE)  # type: ignore[arg-type]
    return dict(schema["$defs"])


def webhooks(examples: Examples) -> dict[str, Any]:
    """The document's `webhooks`, by type."""
    return {str(name): {"post": _operation(name, told, examples)} for name, told in EVENTS.items()}


def _operation(name: str, told: Told, examples: Examples) -> dict[str, Any]:
    return {
        "tags": [TAG],
        "summary": told.summary,
        "description": told.description,
        "operationId": f"on{_words(name)}",
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{component}"} for component in PARAMETERS],
        "requestBody": _body(name, told, examples),
        "responses": {
            status: {"$ref": f"#/components/responses/{component}"} for status, component in _ANSWERS.items()
        },
    }


def _body(name: str, told: Told, examples: Examples) -> dict[str, Any]:
    schema = {"$ref": _TEMPLATE.format(model=_schema_name(name))}
    example = examples.of(schema)
    shown = {"schema": schema, "example": example | {"data": example["data"] | told.example}}
    return {
        "description": "The event, as the feed answers it.",
        "required": True,
        "content": {"application/json": shown},
    }


def _envelope(name: str, told: Told) -> type[BaseModel]:
    """The event of one type. One that is a test was never kept, so nothing of it can have been erased."""
    test = name == TEST_EVENT
    data = told.data if test else told.data | ErasedEventData
    number = (Literal[0], _NO_NUMBER) if test else (Annotated[int, Field(ge=1, examples=[1042])], _NUMBER)
    fields: dict[str, Any] = {
        "sequence": (number[0], Field(description=number[1])),
        "type": (Literal[str(name)], Field(description="What happened.")),
        "data": (data, Field(description=_DATA)),
    }
    return create_model(_schema_name(name), __base__=Event, __doc__=f"{told.summary}.", **fields)


def _schema_name(name: str) -> str:
    return f"{_words(name)}Event"


def _words(name: str) -> str:
    """`booking.attempt_blocked` → `BookingAttemptBlocked`."""
    return "".join(word.capitalize() for word in name.replace(".", "_").split("_"))
