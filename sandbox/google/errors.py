"""The refusals of Google's APIs, in Google's own words and shapes. The one rule: a message is Google's, never ours.

Two shapes exist. The Calendar backend answers `{"error": {"errors": [...], "code", "message"}}`; the front end, which
checks tokens and scopes before the backend sees the call, adds `status` and `details`. OAuth answers
`{"error": "...", "error_description": "..."}`.
https://developers.google.com/workspace/calendar/api/guides/errors
"""

import json
from typing import Any

from starlette.responses import Response

JSON_TYPE = "application/json; charset=UTF-8"


class GoogleError(Exception):
    """A refusal on its way to the client."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str = "parameter",
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}
        self._item: dict[str, Any] = {"domain": domain, "reason": reason, "message": message}
        if location is not None:
            self._item |= {"locationType": location_type, "location": location}
        self._extra = extra or {}

    def body(self) -> dict[str, Any]:
        extra = dict(self._extra)
        message = extra.pop("message", self.message)
        return {"error": {"errors": [self._item], "code": self.status, "message": message, **extra}}


class OAuthError(Exception):
    """A refusal of the token endpoint (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, Any]:
        return {"error": self.error, "error_description": self.description}


def render_json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, indent=1, ensure_ascii=False) + "\n"
    return Response(content, status_code=status, media_type=JSON_TYPE, headers=headers)


_CREDENTIALS = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def invalid_credentials() -> GoogleError:
    """401 for an access token that is unknown, expired or revoked."""
    return GoogleError(
        401,
        "authError",
        "Invalid Credentials",
        location="Authorization",
        location_type="header",
        extra={
            "message": f"Request had invalid authentication credentials. {_CREDENTIALS}",
            "status": "UNAUTHENTICATED",
        },
        headers={"www-authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    )


def login_required() -> GoogleError:
    """401 for a call without any token."""
    return GoogleError(
        401,
        "required",
        "Login Required.",
        location="Authorization",
        location_type="header",
        extra={
            "message": f"Request is missing required authentication credential. {_CREDENTIALS}",
            "status": "UNAUTHENTICATED",
        },
        headers={"www-authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )


def insufficient_scope(method: str) -> GoogleError:
    """403 for a token whose scopes do not cover `method` (as in `calendar.v3.Events.List`)."""
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "calendar-json.googleapis.com", "method": method},
    }
    return GoogleError(
        403,
        "insufficientPermissions",
        "Insufficient Permission",
        extra={
            "message": "Request had insufficient authentication scopes.",
            "status": "PERMISSION_DENIED",
            "details": [detail],
        },
        headers={"www-authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'},
    )


def not_found() -> GoogleError:
    return GoogleError(404, "notFound", "Not Found")


def bad_request() -> GoogleError:
    return GoogleError(400, "badRequest", "Bad Request")


def parse_error() -> GoogleError:
    return GoogleError(400, "parseError", "Parse Error")


def content_encoding(name: str) -> GoogleError:
    """Google publishes no 415: a body it cannot read for its kind is `badContent`."""
    return GoogleError(
        400, "badContent", f"Content encoding '{name}' is not supported. Valid content encodings: [gzip]"
    )


def payload_too_large(limit: int) -> GoogleError:
    message = f"Request payload size exceeds the limit: {limit} bytes."
    return GoogleError(400, "badRequest", message, extra={"status": "INVALID_ARGUMENT"})


def required(message: str, location: str | None = None) -> GoogleError:
    return GoogleError(400, "required", message, location=location)


def invalid(message: str, location: str | None = None) -> GoogleError:
    return GoogleError(400, "invalid", message, location=location)


def invalid_parameter(name: str, message: str) -> GoogleError:
    return GoogleError(400, "invalidParameter", message, location=name)


def unknown_parameter(name: str) -> GoogleError:
    message = (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )
    return GoogleError(400, "badRequest", message, extra={"status": "INVALID_ARGUMENT"})


def unknown_field(name: str, path: str) -> GoogleError:
    where = f" at '{path}'" if path else ""
    message = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
    return GoogleError(400, "badRequest", message, extra={"status": "INVALID_ARGUMENT"})


def wrong_type(path: str, value: object) -> GoogleError:
    message = f"Invalid value at '{path}', {json.dumps(value)[:80]}"
    return GoogleError(400, "badRequest", message, extra={"status": "INVALID_ARGUMENT"})


def time_range_empty(location: str | None = "timeMax") -> GoogleError:
    return GoogleError(
        400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar", location=location
    )


def time_range_too_long() -> GoogleError:
    return GoogleError(
        400, "timeRangeTooLong", "The requested time range is too long.", domain="calendar", location="timeMax"
    )


def duplicate() -> GoogleError:
    return GoogleError(409, "duplicate", "The requested identifier already exists.")


def deleted() -> GoogleError:
    return GoogleError(410, "deleted", "Resource has been deleted")


def full_sync_required() -> GoogleError:
    return GoogleError(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        location="syncToken",
    )


def updated_min_too_long_ago() -> GoogleError:
    return GoogleError(
        410,
        "updatedMinTooLongAgo",
        "The requested minimum modification time lies too far in the past.",
        domain="calendar",
        location="updatedMin",
    )


def sync_token_with_restrictions() -> GoogleError:
    return GoogleError(
        400,
        "syncTokenWithRequestRestrictions",
        "Sync token cannot be used with other request restrictions.",
        domain="calendar",
        location="syncToken",
    )


def sync_token_with_ordering() -> GoogleError:
    return GoogleError(
        400,
        "syncTokenWithNonDefaultOrdering",
        "Sync token cannot be used with non-default ordering.",
        domain="calendar",
        location="orderBy",
    )


def condition_not_met() -> GoogleError:
    return GoogleError(412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header")


def access_level(role: str) -> GoogleError:
    return GoogleError(
        403, "requiredAccessLevel", f"You need to have {role} access to this calendar.", domain="calendar"
    )


def own_access() -> GoogleError:
    return GoogleError(403, "cannotChangeOwnAcl", "Cannot change your own access level.", domain="calendar")


def owners_access() -> GoogleError:
    message = "Cannot change the access level of the calendar owner."
    return GoogleError(403, "cannotChangeOwnerAcl", message, domain="calendar")


def invalid_scope_value() -> GoogleError:
    return GoogleError(400, "invalidScopeValue", "Invalid scope value.", domain="calendar")


def role_for_everybody() -> GoogleError:
    message = "The access role is not allowed for the default scope."
    return GoogleError(400, "illegalAccessRoleForDefault", message, domain="calendar")


def forbidden() -> GoogleError:
    return GoogleError(403, "forbidden", "Forbidden")


def for_organizer_only() -> GoogleError:
    return GoogleError(
        403,
        "forbiddenForNonOrganizer",
        "Shared properties can only be changed by the organizer of the event.",
        domain="calendar",
    )


def not_taking_part() -> GoogleError:
    message = "The owner of the calendar must either be the organizer or an attendee of an event that is imported."
    return GoogleError(400, "participantIsNeitherOrganizerNorAttendee", message, domain="calendar")


def event_type_restriction(message: str) -> GoogleError:
    return GoogleError(400, "eventTypeRestriction", message, domain="calendar")


def malformed_event(event_type: str, message: str) -> GoogleError:
    reason = f"malformed{event_type[0].upper()}{event_type[1:]}Event"
    return GoogleError(400, reason, message, domain="calendar")


def rate_limited(status: int = 403, *, user: bool = True) -> GoogleError:
    """Google uses 403 and 429 interchangeably for rates; the reason tells whose rate it was."""
    if user and status == 403:
        return GoogleError(403, "userRateLimitExceeded", "User Rate Limit Exceeded", domain="usageLimits")
    return GoogleError(status, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits")


def quota_exceeded() -> GoogleError:
    return GoogleError(403, "quotaExceeded", "Calendar usage limits exceeded.", domain="usageLimits")


def backend_error(status: int = 500) -> GoogleError:
    return GoogleError(status, "backendError", "Backend Error")


def webhook_not_https(address: str) -> GoogleError:
    return GoogleError(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")


def webhook_address(address: str) -> GoogleError:
    return GoogleError(400, "push.webhookUrlNoHostOrAddress", f"Invalid WebHook callback URL: {address}")


def channel_type(kind: str) -> GoogleError:
    return GoogleError(400, "push.channelTypeNotSupported", f"Unknown channel type: {kind}")


def channel_not_unique(channel_id: str) -> GoogleError:
    return GoogleError(400, "channelIdNotUnique", f"Channel id {channel_id} not unique")


def channel_not_found(channel_id: str, project: str) -> GoogleError:
    return GoogleError(404, "notFound", f"Channel '{channel_id}' not found for project '{project}'")


def push_not_supported() -> GoogleError:
    return GoogleError(
        400,
        "pushNotSupportedForRequestedResource",
        "Push notifications are not supported by this resource.",
        domain="calendar",
    )
