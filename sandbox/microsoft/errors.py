"""The refusals of Microsoft Graph, in its shapes. The one rule: codes and texts are Microsoft's where they are known.

`{"error": {"code", "message", "innerError": {"date", "request-id", "client-request-id"}}}`; the ids and the date are
added when the refusal is rendered. https://learn.microsoft.com/graph/errors
"""

import json
from datetime import datetime
from typing import Any

from starlette.responses import Response

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


class GraphError(Exception):
    """A refusal on its way to the client."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self, *, now: datetime, request_id: str, client_request_id: str) -> dict[str, Any]:
        inner = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "request-id": request_id, "client-request-id": client_request_id}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def render_json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(content, status_code=status, media_type=JSON_TYPE, headers=headers)


# admission ----------------------------------------------------------------------------------

_CHALLENGE = {
    "www-authenticate": (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )
}


def no_token() -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", "Access token is empty.", _CHALLENGE)


def unknown_token() -> GraphError:
    message = "IDX14100: JWT is not well formed, there are no dots (.)."
    return GraphError(401, "InvalidAuthenticationToken", message, _CHALLENGE)


def expired_token() -> GraphError:
    message = "Lifetime validation failed, the token is expired."
    return GraphError(401, "InvalidAuthenticationToken", message, _CHALLENGE)


def access_denied() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def request_denied() -> GraphError:
    """The directory's words for a missing scope; the mailbox has its own."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def delegated_only() -> GraphError:
    return GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")


def over_concurrency(retry_after: int | None) -> GraphError:
    return throttled("Application is over its MailboxConcurrency limit.", retry_after)


def over_rate(retry_after: int | None) -> GraphError:
    return throttled("Application is over its RequestsPerTenMinutes limit.", retry_after)


def throttled(message: str, retry_after: int | None = None) -> GraphError:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return GraphError(429, "ApplicationThrottled", message, headers)


# requests that make no sense ------------------------------------------------------------------


def no_segment(segment: str) -> GraphError:
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def no_schedule_here() -> GraphError:
    """Schedules are of a mailbox: only its default calendar answers for them."""
    return GraphError(404, "ResourceNotFound", "Resource not found for the segment 'getSchedule'.")


def not_allowed(method: str) -> GraphError:
    return GraphError(405, "Request_BadRequest", f"Specified HTTP method '{method}' is not allowed for the target.")


def unsupported_media() -> GraphError:
    message = "A supported MIME type could not be found that matches the content type of the request."
    return GraphError(415, "RequestBodyRead", message)


def too_large() -> GraphError:
    return GraphError(413, "BadRequest", "The maximum request length supported is 4MB.")


def bad_json() -> GraphError:
    message = (
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON "
        "format."
    )
    return GraphError(400, "BadRequest", message)


def no_body() -> GraphError:
    return GraphError(400, "BadRequest", "Empty Payload. JSON content expected.")


def unknown_property(name: str, type_name: str) -> GraphError:
    message = (
        f"The property '{name}' does not exist on type 'microsoft.graph.{type_name}'. Make sure to only use property "
        "names that are defined by the type or mark the type as open type."
    )
    return GraphError(400, "RequestBodyRead", message)


def wrong_type(value: object, expected: str) -> GraphError:
    literal = json.dumps(value)[:80]
    return GraphError(
        400, "RequestBodyRead", f"Cannot convert the literal '{literal}' to the expected type '{expected}'."
    )


def no_extension_type(given: object) -> GraphError:
    if given is None:
        message = "The type of an extension must be specified: '@odata.type' is 'microsoft.graph.openTypeExtension'."
    else:
        message = f"A type named '{given}' could not be resolved by the model."
    return GraphError(400, "RequestBodyRead", message)


def no_attachment_type(given: object) -> GraphError:
    """Items and links are attachments at Microsoft too; here they are not."""
    if given is None:
        message = "The type of an attachment must be specified: '@odata.type' is '#microsoft.graph.fileAttachment'."
    else:
        message = f"A type named '{given}' could not be resolved by the model."
    return GraphError(400, "RequestBodyRead", message)


def unknown_member(value: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", f"Requested value '{value}' was not found.")


def unknown_option(name: str) -> GraphError:
    return GraphError(400, "BadRequest", f"The query parameter '{name}' is not supported.")


def unsupported_in_delta(name: str) -> GraphError:
    message = (
        f"The following parameters are not supported with change tracking over the 'CalendarView' resource: '{name}'."
    )
    return GraphError(400, "ErrorInvalidUrlQuery", message)


def untracked() -> GraphError:
    """Only a calendar view tells its changes: https://github.com/microsoftgraph/msgraph-metadata/issues/608."""
    message = "Unsupported request: Change tracking is not supported against 'microsoft.graph.event'."
    return GraphError(400, "BadRequest", message)


def parse_uri(message: str) -> GraphError:
    return GraphError(400, "RequestBroker--ParseUri", message)


def no_property(name: str, type_name: str) -> GraphError:
    return parse_uri(f"Could not find a property named '{name}' on type 'microsoft.graph.{type_name}'.")


def bad_filter() -> GraphError:
    return GraphError(400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")


def bad_expand() -> GraphError:
    return GraphError(400, "BadRequest", "Parsing OData Select and Expand failed.")


def bad_extended_property() -> GraphError:
    return GraphError(400, "ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")


def invalid_parameter(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidParameter", message)


def no_such_interval(least: int, most: int) -> GraphError:
    """Exchange's own code: https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode"""
    rule = f"Specify an interval that is less than the free/busy time window and between {least} and {most} minutes."
    message = f"The specified merged free/busy interval is not valid. {rule}"
    return GraphError(400, "ErrorInvalidMergedFreeBusyInterval", message)


def no_window() -> GraphError:
    return invalid_parameter(
        "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime."
    )


def window_too_big(days: int) -> GraphError:
    message = f"The difference in time between the start and end dates cannot be greater than {days} days."
    return GraphError(400, "ErrorCalendarViewRangeTooBig", message)


def time_zone(name: str) -> GraphError:
    message = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'."
    return GraphError(400, "TimeZoneNotSupportedException", message)


# what the mailbox says --------------------------------------------------------------------------


def malformed_id() -> GraphError:
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def item_not_found() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def cannot_delete() -> GraphError:
    """What is deleted already, under its immutable id: https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3047."""
    return GraphError(403, "ErrorCannotDeleteObject", "Object cannot be deleted.")


def user_not_found(user: str) -> GraphError:
    return GraphError(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")


def validation(message: str = "At least one property failed validation.") -> GraphError:
    return GraphError(400, "ErrorPropertyValidationFailure", message)


def invalid_request(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidRequest", f"Your request can't be completed. {message}")


def not_organizer() -> GraphError:
    return invalid_request("You need to be an organizer to cancel a meeting.")


def is_organizer() -> GraphError:
    return invalid_request("You can't respond to this meeting because you're the meeting organizer.")


def no_response_requested() -> GraphError:
    return invalid_request("The meeting organizer hasn't requested a response.")


def is_cancelled() -> GraphError:
    return invalid_request("You can't respond to this meeting because it's been canceled.")


def no_proposals() -> GraphError:
    return invalid_request("The meeting organizer doesn't allow new time proposals.")


def silent_proposal() -> GraphError:
    return invalid_request("A new time can only be proposed in a response that is sent to the organizer.")


def bad_recipients() -> GraphError:
    return GraphError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")


def too_many_recipients() -> GraphError:
    return GraphError(400, "ErrorExceededMaxRecipientLimit", "The maximum number of recipients was exceeded.")


def immutable(name: str) -> GraphError:
    return GraphError(400, "ErrorInvalidPropertySet", f"Set action is invalid for property '{name}'.")


def attachment_too_big() -> GraphError:
    message = "The maximum size of an attachment was exceeded."
    return GraphError(413, "ErrorAttachmentSizeLimitExceeded", message)


def attachment_too_small() -> GraphError:
    message = "Attachment size must be greater than the minimum size of an upload session."
    return GraphError(400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", message)


def bad_range(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidRequest", message)


def range_not_expected(start: int) -> GraphError:
    return GraphError(416, "ErrorInvalidRequest", f"The range does not begin at {start}, where the next is expected.")


def duplicate_transaction() -> GraphError:
    message = (
        "Your request can't be completed. The TransactionId specified in the request has already been used to create "
        "a different event."
    )
    return GraphError(409, "ErrorDuplicateTransactionId", message)


def change_key() -> GraphError:
    message = (
        "The send or update operation could not be performed because the change key passed in the request does not "
        "match the current change key for the item."
    )
    return GraphError(412, "ErrorIrresolvableConflict", message)


def crossing_boundary() -> GraphError:
    message = "Modified occurrence is crossing or overlapping adjacent occurrence."
    return GraphError(400, "ErrorOccurrenceCrossingBoundary", message)


def no_occurrence() -> GraphError:
    return GraphError(400, "ErrorRecurrenceHasNoOccurrence", "The recurrence pattern has no occurrences.")


def occurrence_too_long() -> GraphError:
    message = "The duration of the occurrence is greater than the recurrence pattern allows."
    return GraphError(400, "ErrorOccurrenceTimeSpanTooBig", message)


def folder_exists() -> GraphError:
    return GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")


def distinguished_folder() -> GraphError:
    return GraphError(400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")


def sync_state_not_found(generation: int, location: str | None = None) -> GraphError:
    highest = generation + 8
    message = (
        f"The sync state generation is not found; generation={generation};"
        f"[highest={highest}][{highest}][{highest - 2}][{highest - 1}]."
    )
    return GraphError(410, "SyncStateNotFound", message, {} if location is None else {"location": location})


def sync_state_invalid() -> GraphError:
    return GraphError(400, "SyncStateInvalid", "The sync state data is invalid.")


def time_interval_too_big(days: int) -> GraphError:
    message = (
        "The requested time duration specified for FreeBusyViewOptions.TimeWindow is not within the allowed limits. "
        f"The allowed limits are 1 to {days} days."
    )
    return GraphError(400, "ErrorTimeIntervalTooBig", message)


def internal() -> GraphError:
    return GraphError(500, "ErrorInternalServerError", "An internal server error occurred. The operation failed.")


def unavailable() -> GraphError:
    message = "The service is temporarily unavailable. Please retry after some time."
    return GraphError(503, "serviceNotAvailable", message)


def gateway_timeout() -> GraphError:
    return GraphError(504, "UnknownError", "")


# subscriptions ----------------------------------------------------------------------------------


def subscription_not_found() -> GraphError:
    return GraphError(404, "ResourceNotFound", "The object was not found.")


def bad_subscription(message: str) -> GraphError:
    return GraphError(400, "InvalidRequest", message)


def subscription_too_long(minutes: int) -> GraphError:
    return GraphError(400, "ExtensionError", f"Subscription expiration can only be {minutes} minutes in the future.")


def subscription_refused(status: int, status_name: str, reason: str) -> GraphError:
    """The mailbox's answer, as the service for subscriptions hands it on."""
    message = f"Operation: Create; Exception: [Status Code: {status_name}; Reason: {reason}]"
    return GraphError(status, "ExtensionError", message)


def not_validated(reason: str) -> GraphError:
    return GraphError(400, "ValidationError", f"Subscription validation request {reason}")
