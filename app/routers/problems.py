"""Every error as an RFC 9457 problem, in the caller's language. The only place that renders errors.

The one rule: what the caller sent is never echoed, and what went wrong inside is never told; the code is stable.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.database import sqlstate
from app.errors import (
    AppError,
    FieldError,
    InternalError,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    ProviderUnavailable,
    RequestInProgress,
    TimeZoneUnknown,
    UnsupportedMediaType,
    ValidationFailed,
    pointer_to,
)
from app.i18n import Language, negotiate, translate
from app.vault import MasterKeyAheadError

MEDIA_TYPE = "application/problem+json"
_COME_BACK = 5
"""Seconds after which a 503 may be otherwise, where nobody has said when."""
_MOST_TOLD = 100
"""Mistakes of one body: an answer is not to be many times as long as what was asked."""
_BY_STATUS = {
    404: NotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
}
_FIELD_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "timezone_aware": "naive_time",
    "time_zone_unknown": "unknown_time_zone",
    "literal_error": "not_allowed",
    "enum": "not_allowed",
    "not_allowed": "not_allowed",
    "out_of_range": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "url_parsing": "invalid_url",
    "url_scheme": "invalid_url",
}
_OR_ABSENT = "none_required"
"""What pydantic adds of an optional parameter: it is not absent either."""
_BUSY = {"40001", "40P01", "55P03"}
"""Somebody else was at the same rows: the same request, once more, may do."""
_NOT_TEXT = {"22021", "22P05"}
"""A NUL, or half a surrogate pair: PostgreSQL keeps neither."""
_GONE = {"57P01", "57P02", "57P03", "08000", "08003", "08006", "53000", "53100", "53200", "53300", "53400", "57014",
         "58000", "58030"}  # fmt: skip
"""It ends, begins, takes too long, or has run out of something: connections (53300), its disk (53100) above all."""

log = structlog.get_logger(__name__)


def add_problem_handlers(app: FastAPI) -> None:
    """Turn whatever is raised into a problem."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(PoolTimeoutError, _pool_exhausted)
    app.add_exception_handler(asyncpg.PostgresError, _bare_database_error)
    app.add_exception_handler(asyncpg.InterfaceError, _database_gone)
    app.add_exception_handler(asyncpg.InternalClientError, _database_gone)
    app.add_exception_handler(OSError, _database_gone)
    app.add_exception_handler(MasterKeyAheadError, _key_ahead)


def problem_response(request: Request, error: AppError) -> Response:
    """The problem for an error, with its headers."""
    language = language_of(request)
    request.scope.setdefault("state", {})["problem"] = error.code
    body = _body(request, error, language)
    headers = {"Content-Language": language.value, "Vary": "Accept-Language", "Cache-Control": "no-store"}
    wait = error.retry_after or (_COME_BACK if error.status_code == ProviderUnavailable.status_code else None)
    if wait is not None:
        headers["Retry-After"] = str(wait)
    if error.status_code == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = "Bearer"
    return Response(json.dumps(body, ensure_ascii=False), error.status_code, headers, media_type=MEDIA_TYPE)


def _body(request: Request, error: AppError, language: Language) -> dict[str, Any]:
    request_id = str(request.scope.get("state", {}).get("request_id", ""))
    return {
        "type": f"{request.app.state.problem_base}/{error.code}",
        "title": translate(language, f"problem.{error.code}.title"),
        "status": error.status_code,
        "detail": _detail(language, error),
        "instance": f"urn:request:{request_id}",
        "code": error.code,
        "request_id": request_id,
        "errors": [_field(language, item) for item in error.errors],
        **error.extra,
    }


def language_of(request: Request) -> Language:
    """What the caller reads: `Accept-Language`, else what the caller's token says, else English."""
    default = request.scope.get("state", {}).get("language", Language.EN)
    return negotiate(request.headers.get("Accept-Language"), default)


def _detail(language: Language, error: AppError) -> str:
    key = f"problem.{error.code}.detail"
    if error.detail is not None:
        try:
            return translate(language, f"problem.{error.code}.detail.{error.detail}", **error.values)
        except KeyError:
            log.debug("problem.no_variant", code=error.code, variant=error.detail)
    return translate(language, key, **error.values)


def _field(language: Language, item: FieldError) -> dict[str, str]:
    detail = translate(language, f"field.{item.code}", **(item.values or {}))
    return {"pointer": item.pointer, "code": item.code, "detail": detail}


async def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return problem_response(request, error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(request, _translated(error.errors(), error.body))


def _translated(errors: Sequence[Mapping[str, Any]], body: object) -> AppError:
    """What pydantic found, in our words: an odd id in a path is an id nobody has."""
    if any(item["loc"][:1] == ("path",) for item in errors):
        return NotFound()
    if any(item["type"] == "json_invalid" for item in errors):
        return MalformedRequest()
    told = [item for item in errors if item["type"] != _OR_ABSENT][:_MOST_TOLD]
    fields = [FieldError(_pointer(item, body), _FIELD_CODES.get(item["type"], "invalid")) for item in told]
    if fields and all(field.code == "unknown_time_zone" for field in fields):
        return TimeZoneUnknown(errors=fields)
    return ValidationFailed(errors=fields)


def _pointer(error: Mapping[str, Any], body: object) -> str:
    """RFC 6901 into the body; a parameter by its place and name, without pydantic's words for its type."""
    place, *rest = error["loc"]
    if place != "body":
        return pointer_to(*error["loc"][:2])
    missing = rest[-1:] if error["type"] == "missing" else []
    return pointer_to(*_steps_into(body, rest[: len(rest) - len(missing)]), *missing)


def _steps_into(value: Any, location: Sequence[str | int]) -> Iterator[str | int]:
    """The steps of a location that the body has: pydantic also puts the tags of unions there, and `[key]`."""
    for step in location:
        try:
            value = value[step]
        except (LookupError, TypeError):
            continue
        yield step


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, MalformedRequest if error.status_code < 500 else InternalError)  # noqa: PLR2004
    response = problem_response(request, kind())
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    state = sqlstate(error)
    if state in _BUSY:
        return problem_response(request, RequestInProgress(retry_after=1))
    if state in _NOT_TEXT:
        return problem_response(request, MalformedRequest())
    if error.connection_invalidated or state in _GONE or _was_told_farewell(error):
        return await _database_gone(request, error)
    raise error


def _was_told_farewell(error: DBAPIError) -> bool:
    """A server that dies says so to idle connections; used before they are closed, asyncpg is at odds with itself."""
    return error.orig is not None and isinstance(error.orig.__cause__, asyncpg.InternalClientError)


async def _bare_database_error(request: Request, error: Exception) -> Response:
    """The same for a connection without SQLAlchemy around it."""
    assert isinstance(error, asyncpg.PostgresError)
    if error.sqlstate in _BUSY:
        return problem_response(request, RequestInProgress(retry_after=1))
    if error.sqlstate in _GONE:
        return await _database_gone(request, error)
    raise error


async def _key_ahead(request: Request, error: Exception) -> Response:
    """Another process of ours can answer, and this one after its restart."""
    log.error("vault.master_key_ahead", error=str(error))
    return problem_response(request, ProviderUnavailable())


async def _pool_exhausted(request: Request, error: Exception) -> Response:
    log.warning("database.pool_exhausted", error=type(error).__name__)
    return problem_response(request, ProviderUnavailable(detail="database", retry_after=1))


async def _database_gone(request: Request, error: Exception) -> Response:
    log.warning("database.unreachable", error=type(error).__name__)
    return problem_response(request, ProviderUnavailable(detail="database", retry_after=2))
