"""What Google's 4xx answers mean. Pure.

The one rule: only Google's own code of a refusal goes on, never its message, which may quote what we sent.
https://developers.google.com/workspace/calendar/api/guides/errors
"""

import re
from typing import Any

import msgspec

from app.http import Answer
from app.providers.base import (
    CursorExpired,
    EditConflict,
    InvalidRequest,
    Misconfigured,
    PermissionDenied,
    ProviderError,
    QuotaExceeded,
    RateLimited,
)
from app.providers.rest import Call, request_id

_BAD_REQUEST = 400
_NOT_FOUND = 404
_CONFLICT = 409
_GONE = 410
_CHANGED = 412
_TOO_MANY_REQUESTS = 429
_LIMITS_AND_LOCKS = frozenset({403, _TOO_MANY_REQUESTS})
_RATES = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_QUOTAS = frozenset({"quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded"})
_OURS = frozenset({"accessNotConfigured", "SERVICE_DISABLED", "keyInvalid", "projectNotLinked"})
_SCOPES = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientScopes"})
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Duplicate(InvalidRequest):
    """The id of a new event is taken, perhaps by our own earlier attempt."""


class NoConference(InvalidRequest):
    """This calendar may not have the provider's video link."""


class ScopeMissing(PermissionDenied):
    """The person did not grant what this verb needs."""


def refusal(call: Call, answer: Answer, wait: float | None) -> ProviderError:
    """The error a refusal is."""
    reason, message = _said(answer.content)
    return _kind(call, answer.status, reason, message)(
        f"{call.operation}: HTTP {answer.status} {reason or ''}".rstrip(),
        operation=call.operation,
        retry_after=wait,
        provider_code=reason,
        request_id=request_id(answer),
    )


def _kind(call: Call, status: int, reason: str | None, message: str) -> type[ProviderError]:
    if status == _BAD_REQUEST:
        return _bad_request(reason, message)
    if status in _LIMITS_AND_LOCKS:
        return _limit_or_lock(status, reason)
    if status == _CONFLICT and reason == "duplicate":
        return Duplicate
    return {_NOT_FOUND: call.not_found, _GONE: call.gone, _CHANGED: EditConflict}.get(status, InvalidRequest)


def _bad_request(reason: str | None, message: str) -> type[ProviderError]:
    if reason == "invalid" and ("sync token" in message or "page token" in message):
        return CursorExpired
    if reason == "invalid" and "conference" in message:
        return NoConference
    return InvalidRequest


def _limit_or_lock(status: int, reason: str | None) -> type[ProviderError]:
    if reason in _QUOTAS:
        return QuotaExceeded
    if reason in _RATES or status == _TOO_MANY_REQUESTS:
        return RateLimited
    if reason in _OURS:
        return Misconfigured
    return ScopeMissing if reason in _SCOPES else PermissionDenied


def _said(content: bytes) -> tuple[str | None, str]:
    """Google's code and its message in lower case. Both of its shapes name a reason, each in its own place."""
    try:
        error = msgspec.json.decode(content)["error"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
        return None, ""
    if not isinstance(error, dict):
        return _code(error), ""
    reasons = [_code(entry.get("reason")) for entry in [*_entries(error, "details"), *_entries(error, "errors")]]
    message = error.get("message")
    return (
        next((reason for reason in reasons if reason), None) or _code(error.get("status")),
        message.lower() if isinstance(message, str) else "",
    )


def _entries(error: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = error.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _code(value: object) -> str | None:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None
