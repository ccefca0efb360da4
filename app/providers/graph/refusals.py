"""What Microsoft Graph's 4xx answers mean. Pure.

The one rule: only Graph's own code of a refusal goes on, never its message, which may quote what we sent. Codes may
stand in one another, the general ones outside: the innermost that we know counts.
https://learn.microsoft.com/graph/errors
"""

import re
from collections.abc import Sequence

import msgspec

from app.http import Answer
from app.providers.base import (
    CursorExpired,
    EditConflict,
    InvalidRequest,
    PermissionDenied,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    Transient,
    Unsupported,
)
from app.providers.rest import Call, request_id

_FORBIDDEN = 403
_NOT_FOUND = 404
_GONE = 410
_CHANGED = 412
_LOCKED = 423
_TOO_MANY_REQUESTS = 429
_INNER = ("innererror", "innerError")
"""The documentation has both."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


class Duplicate(InvalidRequest):
    """The transaction id was used before: by our earlier attempt, or for an event that was deleted since."""


class CannotDelete(PermissionDenied):
    """It may not be deleted; under its immutable id, what is deleted already may be refused like that too.

    https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3047
    """


class NameTaken(InvalidRequest):
    """The person has another calendar of this name."""


class NoMeeting(InvalidRequest):
    """This calendar may not have the provider's video meeting."""


class NoZone(InvalidRequest):
    """The server's Windows is older than the time zone."""


class NoRecipient(InvalidRequest):
    """One of the guests is nobody that could be mailed."""


_NO_ID = frozenset({"errorinvalidid", "errorinvalididmalformed", "errorinvalididempty", "erroriteminvalidid"})
"""400s about an id that is none here: for whoever asks, the same as not found."""
_BY_CODE: dict[str, type[ProviderError]] = {
    **dict.fromkeys(
        ("syncstatenotfound", "syncstateinvalid", "errorinvalidsyncstatedata", "resyncrequired"), CursorExpired
    ),
    **dict.fromkeys(
        ("errorirresolvableconflict", "errorinvalidchangekey", "errorstaleobject", "resourcemodified"), EditConflict
    ),
    **dict.fromkeys(
        ("errorquotaexceeded", "errormessagesubmissionblocked", "errorexceededmessagelimit", "quotalimitreached"),
        QuotaExceeded,
    ),
    **dict.fromkeys(("activitylimitreached", "throttledrequest", "applicationthrottled"), RateLimited),
    **dict.fromkeys(("mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi"), Unsupported),
    **dict.fromkeys(
        ("erroraccessdenied", "accessdenied", "erroritemreadonly", "errorcalendarisnotorganizer"), PermissionDenied
    ),
    **dict.fromkeys(("errorfolderexists", "namealreadyexists"), NameTaken),
    "errorcannotdeleteobject": CannotDelete,
    "errorduplicatetransactionid": Duplicate,
    "errorinvalidrecipients": NoRecipient,
    "timezonenotsupportedexception": NoZone,
}
"""What Graph's codes mean wherever they come; in lower case, for it spells some in several ways."""


def refusal(call: Call, answer: Answer, wait: float | None) -> ProviderError:
    """The error a refusal is."""
    codes, message = _said(answer.content)
    code = next((one for one in reversed(codes) if one.lower() in _BY_CODE), codes[0] if codes else None)
    return _kind(call, answer.status, (code or "").lower(), message)(
        f"{call.operation}: HTTP {answer.status} {code or ''}".rstrip(),
        operation=call.operation,
        retry_after=wait,
        provider_code=code,
        request_id=request_id(answer),
    )


def _kind(call: Call, status: int, code: str, message: str) -> type[ProviderError]:
    if status == _TOO_MANY_REQUESTS:
        return RateLimited
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code in _NO_ID:
        return call.not_found
    if "onlinemeeting" in code or "onlinemeeting" in message:
        return NoMeeting
    by_status: dict[int, type[ProviderError]] = {
        _FORBIDDEN: PermissionDenied,
        _NOT_FOUND: call.not_found,
        _GONE: call.gone,
        _CHANGED: EditConflict,
        _LOCKED: Transient,  # refused before anything was done
    }
    return by_status.get(status, InvalidRequest)


def _said(content: bytes) -> tuple[Sequence[str], str]:
    """Graph's codes, the innermost last, and its message in lower case."""
    try:
        error = msgspec.json.decode(content)["error"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
        return (), ""
    message = error.get("message") if isinstance(error, dict) else None
    codes = []
    while isinstance(error, dict):
        code = error.get("code")
        if isinstance(code, str) and _CODE.fullmatch(code):
            codes.append(code)
        error = next((error[name] for name in _INNER if name in error), None)
    return codes, message.lower() if isinstance(message, str) else ""
