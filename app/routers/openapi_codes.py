"""Which problems each operation can answer, by their codes.

    declared   what its meaning brings: `responses=problems(NotFound, SlotUnavailable)`
    derived    what follows from its shape (a body may be too large) and from its guards (`guards.py`)

The one rule: what is derived no route can forget; what is declared is all else that its endpoint raises.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from app.errors import (
    AppError,
    IdempotencyKeyReused,
    InternalError,
    InvalidCursor,
    MalformedRequest,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    ProviderUnavailable,
    RequestInProgress,
    TimeZoneUnknown,
    UnsupportedMediaType,
    ValidationFailed,
    VersionMismatch,
)
from app.routers.openapi_problems import KINDS

CODES: Final = "x-problem-codes"
"""Of an operation: every code it can answer."""
_FIRST_ERROR: Final = 400
_ALWAYS_LET_IN: Final = "/health/"
"""Whatever else there is has to be let in, and works with the database, which may be busy or gone."""
_OF_WORK: Final = (Overloaded, ProviderUnavailable, RequestInProgress)
_OF_A_BODY: Final = (MalformedRequest, PayloadTooLarge, UnsupportedMediaType, ValidationFailed)
_OF_A_PARAMETER: Final[Mapping[str, Collection[type[AppError]]]] = {
    "If-Match": (VersionMismatch,),
    "Idempotency-Key": (IdempotencyKeyReused, RequestInProgress),
    "cursor": (InvalidCursor,),
}
_TIME_ZONE: Final = "time_zone"


def problems(*kinds: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The problems that a route's meaning brings, for its `responses`. Raises: KeyError for a status without a kind."""
    declared: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status = kind.status_code
        answer = declared.setdefault(status, {"description": KINDS[status].description, CODES: []})
        answer[CODES].append(kind.code)
    return declared


def declare(
    operation: dict[str, Any], path: str, of_guards: Collection[type[AppError]], schemas: Mapping[str, Any]
) -> None:
    """Write an operation's codes into it, and for people those of its own meaning; its problems become references."""
    declared = dict(_declared(operation))
    derived = (*_from_shape(operation, path, schemas), *of_guards)
    codes = declared | {kind.code: kind.status_code for kind in derived}
    answers = {status: answer for status, answer in operation["responses"].items() if int(status) < _FIRST_ERROR}
    refused = {str(status): _reference(status) for status in sorted(set(codes.values()))}
    operation["responses"] = answers | refused
    operation[CODES] = sorted(codes)
    if declared:
        operation["description"] += f"\n\nProblems: {_listed(declared)}."


def _declared(operation: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """What its route says; FastAPI's own 422 says nothing."""
    for status, answer in operation["responses"].items():
        for code in answer.get(CODES, ()):
            yield code, int(status)


def _from_shape(operation: Mapping[str, Any], path: str, schemas: Mapping[str, Any]) -> Iterator[type[AppError]]:
    yield InternalError
    if not path.startswith(_ALWAYS_LET_IN):
        yield from _OF_WORK
    if "requestBody" in operation:
        yield from _OF_A_BODY
    for parameter in operation.get("parameters", ()):
        yield NotFound if parameter["in"] == "path" else ValidationFailed  # an odd id is one that nobody has
        yield from _OF_A_PARAMETER.get(parameter["name"], ())
    if _TIME_ZONE in _names(operation, schemas):
        yield TimeZoneUnknown


def _names(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    """What a caller can name: parameters, and fields of the body."""
    yield from (parameter["name"] for parameter in operation.get("parameters", ()))
    for body in operation.get("requestBody", {}).get("content", {}).values():
        name = body["schema"].get("$ref", "").rpartition("/")[2]
        yield from schemas.get(name, {}).get("properties", ())


def _reference(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{KINDS[status].name}"}


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in sorted(codes))
