"""How the API's document tells of problems and headers.

The one rule: there is one problem schema, one response per status, and their codes are read off the error tree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema, models_json_schema

from app.errors import AppError

MEDIA_TYPE = "application/problem+json"


class _Member(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class ProblemField(_Member):
    """One thing wrong with one field."""

    pointer: str = Field(examples=["/email"])
    """JSON Pointer (RFC 6901) into the body; for a parameter its place and name, such as `/query/limit`."""
    code: str = Field(examples=["missing"])
    """Stable; may grow."""
    detail: str
    """What to tell the person, in the asked language."""


class AlternativeTime(_Member):
    """An open time near the wanted one, in UTC: show it in the visitor's zone."""

    start_at: str = Field(json_schema_extra={"format": "date-time"})
    end_at: str = Field(json_schema_extra={"format": "date-time"})


class Problem(_Member):
    """What went wrong (RFC 9457). Switch on `code`, not on the texts; the optional members come with some codes."""

    type: str = Field(json_schema_extra={"format": "uri"})
    """A URI for the code."""
    title: str
    """In the asked language."""
    status: int
    """The HTTP status."""
    detail: str
    """In the asked language."""
    instance: str = Field(json_schema_extra={"format": "uri"})
    """A URI for this occurrence."""
    code: str = Field(examples=["not_found"])
    """Stable; may grow."""
    request_id: str
    """As in the `X-Request-Id` header."""
    errors: list[ProblemField]
    """What is wrong with which field; empty when it is not about fields."""
    alternatives: list[AlternativeTime] | SkipJsonSchema[None] = None
    """`slot_unavailable`, `hold_expired`: the nearest open times, rising."""
    capability: str | SkipJsonSchema[None] = None
    """`capability_not_supported`, `calendar_not_connected`: what cannot be done."""
    conflicts_with_domain: str | SkipJsonSchema[None] = None
    """`slug_taken`: the host of the link that has it, when that is one of the caller's account."""
    entitlement: str | SkipJsonSchema[None] = None
    """`entitlement_required`: what is missing."""
    oldest_sequence: int | SkipJsonSchema[None] = None
    """`events_expired`: the first that can still be read."""
    provider: str | SkipJsonSchema[None] = None
    """The calendar provider it is about."""
    reason: str | SkipJsonSchema[None] = None
    """Why, a code."""
    required_tiers: list[str] | SkipJsonSchema[None] = None
    """`entitlement_required`: the tiers that have it."""
    version: int | str | SkipJsonSchema[None] = None
    """`version_mismatch`: the current version; `disclosure_not_accepted`: the disclosure to accept."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What the document says about the problems of one status."""

    name: str
    """Of the response component."""
    description: str
    code: str
    """Of the example, as are the two below."""
    title: str
    detail: str
    headers: tuple[str, ...] = ()
    """Beside those that every problem has."""


KINDS: Mapping[int, ProblemKind] = {
    400: ProblemKind(
        "BadRequest", "The request cannot be read.",
        "malformed_request", "The request is malformed", "The body is not valid JSON.",
    ),
    401: ProblemKind(
        "Unauthorized", "The token is missing, wrong or expired.",
        "unauthenticated", "Sign in first", "The request carries no valid token.", ("WWW-Authenticate",),
    ),
    403: ProblemKind(
        "Forbidden", "The caller may not do this.",
        "personal_email_access_required", "A permission is missing", "Ask an administrator for personal e-mail access.",
    ),
    404: ProblemKind(
        "NotFound", "There is no such thing, or the caller may not see it.",
        "not_found", "Not found", "There is nothing here.",
    ),
    409: ProblemKind(
        "Conflict", "The request conflicts with how things are.",
        "slot_unavailable", "The time is taken", "The time was taken in the meantime. Choose another one.",
        ("Retry-After",),
    ),
    410: ProblemKind(
        "Gone", "It was there and is kept no longer.",
        "events_expired", "These events are no longer kept", "Go on from the oldest event that is kept.",
    ),
    412: ProblemKind(
        "PreconditionFailed", "The `If-Match` version is not the current one.",
        "version_mismatch", "Changed in the meantime", "Read it again, then repeat the change.",
    ),
    413: ProblemKind(
        "ContentTooLarge", "The body is larger than 256 KiB.",
        "payload_too_large", "The body is too large", "The body may have 256 KiB at most.",
    ),
    415: ProblemKind(
        "UnsupportedMediaType", "The body is not `application/json`.",
        "unsupported_media_type", "Unsupported media type", "Send the body as application/json.",
    ),
    422: ProblemKind(
        "UnprocessableContent", "The request is well formed, but cannot be accepted; `errors` points at the fields.",
        "validation_failed", "Some fields are not right", "Correct the fields and try again.",
    ),
    429: ProblemKind(
        "TooManyRequests", "Too many requests; wait as long as `Retry-After` says.",
        "rate_limited", "Too many requests", "Try again in a minute.",
        ("RateLimit", "RateLimit-Policy", "Retry-After"),
    ),
    500: ProblemKind(
        "InternalError", "Something went wrong here; the `request_id` helps to find it.",
        "internal_error", "Something went wrong", "Try again later.",
    ),
    502: ProblemKind(
        "BadGateway", "The calendar provider gave an answer that makes no sense.",
        "provider_error", "The calendar provider failed", "Try again later.",
    ),
    503: ProblemKind(
        "ServiceUnavailable", "The service is busy, or the database or the calendar provider cannot be reached.",
        "provider_unavailable", "Not available at the moment", "Try again in a moment.", ("Retry-After",),
    ),
    504: ProblemKind(
        "GatewayTimeout", "The calendar provider did not answer in time.",
        "provider_timeout", "The calendar provider did not answer", "Try again later.",
    ),
}  # fmt: skip

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "Content-Language": {
        "description": "The language of the texts.",
        "schema": {"type": "string", "examples": ["en"]},
    },
    "ETag": {
        "description": "The version, for `If-Match`.",
        "schema": {"type": "string", "pattern": '^"[0-9]+"$', "examples": ['"3"']},
    },
    "Idempotent-Replayed": {
        "description": "`true`: this is the answer to an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "const": "true"},
    },
    "Location": {
        "description": "Where to go.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "RateLimit": {
        "description": "What is left: `r` requests. In `t` seconds the oldest is forgotten, and one more may come.",
        "schema": {"type": "string", "examples": ['"default";r=599;t=60']},
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests in `w` seconds.",
        "schema": {"type": "string", "examples": ['"default";q=600;w=60']},
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "schema": {"type": "integer", "minimum": 0, "examples": [60]},
    },
    "WWW-Authenticate": {
        "description": "How to sign in.",
        "schema": {"type": "string", "const": "Bearer"},
    },
    "X-Request-Id": {
        "description": "The request's id: the caller's own where one was sent. Quote it when asking for help.",
        "schema": {
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{8,64}$",
            "examples": ["019aa5b2c0de7a11b0a4c3d2e1f00112"],
        },
    },
}
"""Of answers, by name."""


def header_references(*names: str) -> dict[str, Any]:
    """The headers of a response, `X-Request-Id` always among them."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in sorted({*names, "X-Request-Id"})}


def response_component(status: int) -> dict[str, Any]:
    """The response of one problem status, with all its codes."""
    kind = KINDS[status]
    codes = ", ".join(f"`{code}`" for code in sorted(set(_codes(AppError, status))))
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _example(status)}
    return {
        "description": f"{kind.description} Codes: {codes}.",
        "headers": header_references("Content-Language", *kind.headers),
        "content": {MEDIA_TYPE: content},
    }


def problem_schemas() -> dict[str, Any]:
    """The schema components of a problem, by name."""
    _, schema = models_json_schema([(Problem, "validation")], ref_template="#/components/schemas/{model}")
    return dict(schema["$defs"])


def _codes(error: type[AppError], status: int) -> Iterator[str]:
    if error.status_code == status:
        yield error.code
    for kind in error.__subclasses__():
        if kind.__module__ == AppError.__module__:
            yield from _codes(kind, status)


def _example(status: int) -> dict[str, Any]:
    kind, request_id = KINDS[status], HEADERS["X-Request-Id"]["schema"]["examples"][0]
    field = {"pointer": "/email", "code": "missing", "detail": "This field is needed."}
    return {
        "type": f"https://calendar-connect.example/problems/{kind.code}",
        "title": kind.title,
        "status": status,
        "detail": kind.detail,
        "instance": f"urn:request:{request_id}",
        "code": kind.code,
        "request_id": request_id,
        "errors": [field] if status == 422 else [],  # noqa: PLR2004 - the status with fields
    }
