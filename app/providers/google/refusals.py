"""What Google's 4xx answers mean. Pure.

The one rule: only Google's own code of a refusal goes on, never its message, which may quote what we sent.
https://developers.google.com/workspace/calendar/api/guides/errors
"""

import re
from dataclasses import dataclass
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
_QUOTAS = frozenset({
    "quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded", "RESOURCE_QUOTA_EXCEEDED",
})  # fmt: skip
_OURS = frozenset({
    "accessNotConfigured", "keyInvalid", "projectNotLinked", "SERVICE_DISABLED", "SERVICE_NOT_VISIBLE",
    "BILLING_DISABLED", "CONSUMER_INVALID", "CONSUMER_SUSPENDED", "GCP_SUSPENDED", "USER_PROJECT_DENIED",
})  # fmt: skip
"""What is wrong with our own project at Google; in capitals as all its services say it (`google.api.ErrorReason`)."""
_SCOPES = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientScopes"})
_LIMITS = "usageLimits"
"""The domain of every limit there is, those named after this was written as well: no limit takes a calendar away."""
_TOKENS = frozenset({"syncToken", "pageToken"})
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class _Said:
    """What the body of a refusal tells."""

    reason: str | None = None
    """Google's own code."""
    message: str = ""
    """In lower case."""
    places: frozenset[str] = frozenset()
    """Parameters and headers it is about."""
    domains: frozenset[str] = frozenset()


class Duplicate(InvalidRequest):
    """The id of a new event is taken, perhaps by our own earlier attempt."""


class NoConference(InvalidRequest):
    """This calendar may not have the provider's video link."""


class NoZone(InvalidRequest):
    """A time zone newer than what Google knows: https://github.com/phw198/OutlookGoogleCalendarSync/issues/1525"""


class ScopeMissing(PermissionDenied):
    """The person did not grant what this verb needs."""


def refusal(call: Call, answer: Answer, wait: float | None) -> ProviderError:
    """The error a refusal is."""
    said = _said(answer.content)
    return _kind(call, answer.status, said)(
        f"{call.operation}: HTTP {answer.status} {said.reason or ''}".rstrip(),
        operation=call.operation,
        retry_after=wait,
        provider_code=said.reason,
        request_id=request_id(answer),
    )


def _kind(call: Call, status: int, said: _Said) -> type[ProviderError]:
    if status == _BAD_REQUEST:
        return _bad_request(said)
    if status in _LIMITS_AND_LOCKS:
        return _limit_or_lock(status, said)
    found = {_NOT_FOUND: call.not_found, _CONFLICT: Duplicate, _GONE: call.gone, _CHANGED: EditConflict}
    return found.get(status, InvalidRequest)


def _bad_request(said: _Said) -> type[ProviderError]:
    named = said.reason == "invalid" and ("sync token" in said.message or "page token" in said.message)
    if named or not said.places.isdisjoint(_TOKENS):
        return CursorExpired
    if said.reason == "invalid" and "conference" in said.message:
        return NoConference
    if said.reason == "invalid" and "time zone" in said.message:
        return NoZone
    return InvalidRequest


def _limit_or_lock(status: int, said: _Said) -> type[ProviderError]:
    if said.reason in _QUOTAS:
        return QuotaExceeded
    if said.reason in _RATES or status == _TOO_MANY_REQUESTS:
        return RateLimited
    if said.reason in _OURS:
        return Misconfigured
    if _LIMITS in said.domains:
        return RateLimited
    return ScopeMissing if said.reason in _SCOPES else PermissionDenied


def _said(content: bytes) -> _Said:
    """Both of Google's shapes name a reason, each in its own place."""
    try:
        error = msgspec.json.decode(content)["error"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
        return _Said()
    if not isinstance(error, dict):
        return _Said(_code(error))
    entries = [*_entries(error, "details"), *_entries(error, "errors")]
    reasons = [_code(entry.get("reason")) for entry in entries]
    message = error.get("message")
    return _Said(
        next((reason for reason in reasons if reason), None) or _code(error.get("status")),
        message.lower() if isinstance(message, str) else "",
        frozenset(str(entry.get("location")) for entry in entries),
        frozenset(str(entry.get("domain")) for entry in entries),
    )


def _entries(error: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = error.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _code(value: object) -> str | None:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None
