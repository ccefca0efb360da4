"""What Exchange's error codes and HTTP statuses mean. Pure.

The one rule: only the server's own code goes on, never its text; and what may have happened is never called a failure.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from dataclasses import dataclass
from typing import Final

from exchangelib.errors import EWSError  # type: ignore[import-untyped]

from app.providers.base import (
    AmbiguousOutcome,
    CursorExpired,
    EditConflict,
    EventNotFound,
    InvalidRequest,
    Misconfigured,
    PermissionDenied,
    ProtocolError,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
    Unsupported,
)
from app.providers.ews.service import back_off_of, code_of
from app.providers.ews.soap import Element

_REDIRECTION: Final = 300
_REFUSED: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_REQUEST_TIMEOUT: Final = 408
_TOO_MANY_REQUESTS: Final = 429
_FAILED: Final = 500


class NameTaken(InvalidRequest):
    """The person has another folder of this name there."""


class NoZone(InvalidRequest):
    """The server's Windows is older than the time zone."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what its refusals mean."""

    operation: str
    """A stable name for logs and errors; never built from data."""
    body: Element
    write: bool = False
    """It changes something, so a lost answer is ambiguous."""
    not_found: type[ProviderError] = EventNotFound
    """What it means that the object is not there."""


_NOT_THERE: Final = frozenset(
    {
        *("ErrorNonExistentMailbox", "ErrorFolderNotFound", "ErrorItemNotFound", "ErrorSyncFolderNotFound"),
        *("ErrorParentFolderNotFound", "ErrorMessageTrackingNoSuchDomain", "ErrorInvalidFolderId"),
        *("ErrorInvalidId", "ErrorInvalidIdEmpty", "ErrorInvalidIdMalformed", "ErrorInvalidIdXml"),
        *("ErrorInvalidIdMonikerTooLong", "ErrorCannotUseFolderIdForItemId", "ErrorCannotUseItemIdForFolderId"),
        *("ErrorCalendarOccurrenceIsDeletedFromRecurrence", "ErrorRecurrenceHasNoOccurrence"),
        "ErrorInvalidIdMalformedEwsLegacyIdFormat",
    }
)
_UNCLEAR: Final = frozenset(
    {
        *("ErrorTimeoutExpired", "ErrorInternalServerError", "ErrorInternalServerTransientError"),
        *("ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorMailboxFailover"),
        *("ErrorConnectionFailed", "ErrorConnectionFailedTransientError", "ErrorBatchProcessingStopped"),
        *("ErrorADOperation", "ErrorADUnavailable", "ErrorADSessionFilter", "ErrorNotEnoughMemory"),
        *("ErrorProxyCallFailed", "ErrorNoRespondingCASInDestinationSite", "ErrorProxyRequestProcessingFailed"),
        *("ErrorInsufficientResources", "ErrorSiteFailover"),
    }
)
_KINDS: Final[dict[str, type[ProviderError]]] = {
    **dict.fromkeys(
        (
            *("ErrorAccessDenied", "ErrorImpersonateUserDenied", "ErrorImpersonationDenied"),
            *("ErrorCalendarIsNotOrganizer", "ErrorCreateItemAccessDenied", "ErrorCannotDeleteObject"),
            *("ErrorAccountDisabled", "ErrorNotAllowedExternalSharingByPolicy", "ErrorMailboxLogonFailed"),
        ),
        PermissionDenied,
    ),
    **dict.fromkeys(("ErrorPasswordExpired", "ErrorPasswordChangeRequired"), ReauthRequired),
    "ErrorInvalidSyncStateData": CursorExpired,
    "ErrorFolderExists": NameTaken,
    **dict.fromkeys(("ErrorTimeZone", "ErrorCalendarInvalidTimeZone"), NoZone),
    **dict.fromkeys(
        (
            *("ErrorIrresolvableConflict", "ErrorInvalidChangeKey", "ErrorStaleObject"),
            *("ErrorChangeKeyRequired", "ErrorChangeKeyRequiredForWriteOperations"),
        ),
        EditConflict,
    ),
    **dict.fromkeys(
        ("ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened"),
        RateLimited,
    ),
    **dict.fromkeys(
        ("ErrorQuotaExceeded", "ErrorMessageSubmissionBlocked", "ErrorSubmissionQuotaExceeded"), QuotaExceeded
    ),
    **dict.fromkeys(
        (
            *("ErrorInvalidServerVersion", "ErrorInvalidSchemaVersionForMailboxVersion"),
            "ErrorIncorrectSchemaVersion",
        ),
        Unsupported,
    ),
}


def refusal(call: Call, error: EWSError) -> ProviderError:
    """The error behind exchangelib's. One nobody knows is our request's fault: who fails says so in known words.

    By its code: two of them exchangelib has no class for.
    """
    code = code_of(error)
    if code in _NOT_THERE:
        kind = call.not_found
    elif code in _UNCLEAR:
        kind = unknown(call)
    else:
        kind = _KINDS.get(code, InvalidRequest)
    return kind(
        f"{call.operation}: {code}",
        operation=call.operation,
        retry_after=back_off_of(error),
        provider_code="password_changed" if kind is ReauthRequired else code,
    )


def refused(call: Call, status: int, *, wait: float | None = None, unclear: bool = False) -> ProviderError:
    """The error behind a status without a SOAP answer. `unclear`: a front end says that it lost the server behind."""
    kind = unknown(call) if unclear else _kind(call, status)
    return kind(f"{call.operation}: HTTP {status}", operation=call.operation, retry_after=wait)


def unknown(call: Call) -> type[ProviderError]:
    """What an answer that never came means: a read may be tried again, a write may have happened."""
    return AmbiguousOutcome if call.write else Transient


def _kind(call: Call, status: int) -> type[ProviderError]:
    if status < _REDIRECTION:  # a portal's page in the server's stead
        return AmbiguousOutcome if call.write else ProtocolError
    if status < _REFUSED:  # we follow nothing; a portal again, or a server that moved
        return AmbiguousOutcome if call.write else Misconfigured
    if status == _TOO_MANY_REQUESTS:
        return RateLimited
    if status >= _FAILED or status == _REQUEST_TIMEOUT:
        return unknown(call)
    return {_FORBIDDEN: PermissionDenied, _NOT_FOUND: Misconfigured}.get(status, InvalidRequest)
