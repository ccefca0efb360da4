"""What may be asked of Graph, by its documentation: anything else is refused, in Graph's words.

The one rule: a refusal of this page is a fault of whoever asked, and is kept among the complaints.
"""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.providers.another.graph.forms import EVENT_MEMBERS, ZONES, Wish
from tests.providers.another.graph.mailbox import Window
from tests.providers.another.graph.wire import Asked

_PATCHABLE = frozenset(
    {
        *("attendees", "body", "categories", "end", "hideAttendees", "importance", "isAllDay", "isOnlineMeeting"),
        *("isReminderOn", "location", "locations", "onlineMeetingProvider", "recurrence", "responseRequested"),
        *("reminderMinutesBeforeStart", "sensitivity", "showAs", "start", "subject", "singleValueExtendedProperties"),
    }
)
_CREATABLE = _PATCHABLE | {"allowNewTimeProposals", "transactionId"}
_SHAPES: dict[str, frozenset[str]] = {
    "start": frozenset({"dateTime", "timeZone"}),
    "end": frozenset({"dateTime", "timeZone"}),
    "body": frozenset({"contentType", "content"}),
    "location": frozenset({"displayName", "locationType", "locationUri", "address", "coordinates"}),
    "emailAddress": frozenset({"name", "address"}),
    "attendees": frozenset({"emailAddress", "type", "status", "proposedNewTime"}),
    "singleValueExtendedProperties": frozenset({"id", "value"}),
}
_WORDS = {
    "showAs": {"free", "tentative", "busy", "oof", "workingElsewhere", "unknown"},
    "sensitivity": {"normal", "personal", "private", "confidential"},
    "importance": {"low", "normal", "high"},
    "onlineMeetingProvider": {"unknown", "teamsForBusiness", "skypeForBusiness", "skypeForConsumer"},
}
_GUEST_TYPES = {"required", "optional", "resource"}
_BODY_TYPES = {"text", "html"}
LISTING = frozenset({"$select", "$top", "$skip", "$filter", "$orderby", "$expand", "$count"})
VIEW = LISTING | {"startdatetime", "enddatetime"}
_NAMED = r"String \{[0-9a-fA-F-]{36}\} Name [\w.-]+"
_EXPAND = re.compile(rf"singleValueExtendedProperties\(\$filter=((?:\s*(?:or )?id eq '{_NAMED}')+)\)", re.IGNORECASE)
_MARKED = re.compile(
    rf"singleValueExtendedProperties/[aA]ny\((\w+): ?\1/id eq '({_NAMED})' and \1/value eq '((?:[^']|'')*)'\)"
)


class Refusal(Exception):
    """Graph says no."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


def query_of(asked: Asked, allowed: frozenset[str]) -> dict[str, str]:
    """The query, which may hold these only, each once; names in small letters."""
    query: dict[str, str] = {}
    for name, value in asked.query:
        if name.lower() not in allowed or name.lower() in query:
            raise Refusal(400, "ErrorInvalidUrlQuery", f"The query parameter '{name}' is not supported here.")
        query[name.lower()] = value
    return query


def wish_of(asked: Asked, query: dict[str, str], members: frozenset[str] = EVENT_MEMBERS) -> Wish:
    """The form that was asked for."""
    prefer: dict[str, str] = {}
    for part in re.findall(r'(?:[^,"]|"[^"]*")+', asked.headers.get("prefer", "")):
        name, _, value = part.strip().partition("=")
        prefer[name.lower()] = value.strip('"')
    zone = prefer.get("outlook.timezone", "UTC")
    if zone not in ZONES:
        raise Refusal(400, "TimeZoneNotSupportedException", "A time zone with the specified ID could not be found.")
    select = frozenset(word.strip() for word in query.get("$select", "").split(",") if word.strip())
    for word in select - members:
        raise Refusal(400, "RequestBroker--ParseUri", f"Could not find a property named '{word}' on type 'Event'.")
    wish = Wish(prefer, select, _expanded(query.get("$expand", "")))
    wish.page = int(query.get("$top", wish.page))
    if not 0 < wish.page <= 1000:
        raise Refusal(400, "ErrorInvalidUrlQuery", "The limit of '1000' for Top query has been exceeded.")
    return wish


def _expanded(text: str) -> frozenset[str]:
    if not text:
        return frozenset()
    found = _EXPAND.fullmatch(text)
    if not found:
        raise Refusal(400, "RequestBroker--ParseUri", f"Parsing OData Select and Expand failed: {text}")
    return frozenset(mark_id(name) for name in re.findall(r"'([^']*)'", found[1]))


def marked(text: str) -> tuple[str, str]:
    """The id and the value that a filter looks for; values match in any case."""
    found = _MARKED.fullmatch(text)
    if not found:
        raise Refusal(400, "ErrorInvalidUrlQueryFilter", f"The filter expression is not supported: {text}")
    return mark_id(found[2]), found[3].replace("''", "'").casefold()


def mark_id(told: str) -> str:
    """The id of an extended property: its GUID in any case, its name to the letter."""
    return re.sub(r"\{.*\}", lambda guid: guid[0].lower(), told)


def window_of(query: dict[str, str]) -> Window:
    """Both ends are needed; without an offset they are UTC."""
    try:
        start, end = (datetime.fromisoformat(query[name]) for name in ("startdatetime", "enddatetime"))
    except KeyError:
        message = "This request requires a time window specified by the query string parameters."
        raise Refusal(400, "ErrorMissingTimeWindow", message) from None
    except ValueError as error:
        raise Refusal(400, "ErrorInvalidParameter", str(error)) from error
    start, end = ((at if at.tzinfo else at.replace(tzinfo=UTC)) for at in (start, end))
    if end <= start or (end - start).days > 1825:
        raise Refusal(400, "ErrorCalendarViewRangeTooBig", "The time window is empty or over 1825 days.")
    return start, end


def instant(told: Any) -> datetime:
    """A `dateTimeTimeZone`."""
    _shaped("start", told)
    if set(told) != {"dateTime", "timeZone"} or told["timeZone"] not in ZONES:
        raise Refusal(400, "TimeZoneNotSupportedException", "A time zone with the specified ID could not be found.")
    try:
        at = datetime.fromisoformat(told["dateTime"])
    except (TypeError, ValueError) as error:
        raise Refusal(400, "ErrorPropertyValidationFailure", str(error)) from error
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(ZONES[told["timeZone"]]))).astimezone(UTC)


def body_of(asked: Asked) -> dict[str, Any]:
    """A JSON object, and called so."""
    if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "UnsupportedMediaType", "A valid Content-Type has to be sent.")
    try:
        body = asked.json
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequest", "Unable to read JSON request payload.")
    return body


def event_body(asked: Asked, *, create: bool) -> dict[str, Any]:
    """What may be said of an event, when it is made or when it is changed."""
    body = body_of(asked)
    _only(body, _CREATABLE if create else _PATCHABLE, "microsoft.graph.event")
    for word, value in body.items():
        _shaped(word, value)
    for guest in body.get("attendees", ()):
        _shaped("emailAddress", guest.get("emailAddress"))
        if guest.get("type", "required") not in _GUEST_TYPES or "@" not in guest["emailAddress"].get("address", ""):
            raise Refusal(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    if len(body.get("attendees", ())) > 500 or len(body.get("subject") or "") > 255:
        raise Refusal(400, "ErrorPropertyValidationFailure", "Too many attendees, or too long a subject.")
    if create and not {"start", "end"} <= set(body):
        raise Refusal(400, "ErrorPropertyValidationFailure", "Start and end are needed.")
    if ("start" in body) != ("end" in body):
        raise Refusal(400, "ErrorInvalidRequest", "Start and end belong together.")
    if "start" in body and instant(body["end"]) < instant(body["start"]):
        raise Refusal(400, "ErrorPropertyValidationFailure", "The end is before the start.")
    return body


def _shaped(word: str, value: Any) -> None:
    if word in _WORDS and value not in _WORDS[word]:
        raise Refusal(400, "RequestBodyRead", f"Requested value '{value}' was not found.")
    if word == "body" and value.get("contentType", "text").lower() not in _BODY_TYPES:
        raise Refusal(400, "RequestBodyRead", "Requested value was not found.")
    if word in _SHAPES and value is not None:
        for one in value if isinstance(value, list) else [value]:
            _only(one, _SHAPES[word], word)


def _only(body: Any, allowed: frozenset[str], kind: str) -> None:
    if not isinstance(body, dict):
        raise Refusal(400, "RequestBodyRead", f"An unexpected value was found for '{kind}'.")
    for word in set(body) - allowed:
        message = f"The property '{word}' does not exist on type '{kind}', or cannot be written."
        raise Refusal(400, "RequestBodyRead", message)


def parameters(asked: Asked, **allowed: type) -> dict[str, Any]:
    """Parameters of an action; their names are matched in any case."""
    told = {name.lower(): value for name, value in body_of(asked).items()}
    for name, value in told.items():
        if name not in allowed or not isinstance(value, allowed[name]):
            raise Refusal(400, "ErrorInvalidParameter", f"The parameter '{name}' is not one of this action's.")
    return told
