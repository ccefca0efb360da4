"""The fields of bodies and answers, and their types. The one rule: a field Google does not know is refused.

Read-only fields are allowed: Google ignores them, and clients send back what they have read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.google import errors

# A shape is a type name, `[shape]` for a list, `{"*": shape}` for a free map, or a mapping of named fields.
_DATE_TIME = {"date": "string", "dateTime": "string", "timeZone": "string"}
_PERSON = {"id": "string", "email": "string", "displayName": "string", "self": "boolean"}
_REMINDER = {"method": "string", "minutes": "integer"}
_SOLUTION_KEY = {"type": "string"}
_STRINGS = {"*": "string"}

_ATTENDEE = {
    **_PERSON,
    "additionalGuests": "integer",
    "asyncOperation": "string",
    "comment": "string",
    "optional": "boolean",
    "organizer": "boolean",
    "resource": "boolean",
    "responseStatus": "string",
}
_ENTRY_POINT = dict.fromkeys(
    ("accessCode", "entryPointType", "label", "meetingCode", "passcode", "password", "pin", "regionCode", "uri"),
    "string",
) | {"entryPointFeatures": ["string"]}
_CONFERENCE = {
    "conferenceId": "string",
    "conferenceSolution": {"iconUri": "string", "key": _SOLUTION_KEY, "name": "string"},
    "createRequest": {
        "conferenceSolutionKey": _SOLUTION_KEY,
        "requestId": "string",
        "status": {"statusCode": "string"},
    },
    "entryPoints": [_ENTRY_POINT],
    "notes": "string",
    "parameters": {"addOnParameters": {"parameters": _STRINGS}},
    "signature": "string",
}
_WORKING_LOCATION = {
    "type": "string",
    "homeOffice": "any",
    "customLocation": {"label": "string"},
    "officeLocation": dict.fromkeys(("buildingId", "deskId", "floorId", "floorSectionId", "label"), "string"),
}
_GADGET = dict.fromkeys(("display", "iconLink", "link", "title", "type"), "string") | {
    "height": "integer",
    "width": "integer",
    "preferences": _STRINGS,
}
_AUTO_DECLINE = {"autoDeclineMode": "string", "declineMessage": "string"}

_EVENT_STRINGS = (
    "colorId created description etag eventLabelId eventType hangoutLink htmlLink iCalUID id kind location "
    "recurringEventId status summary transparency updated visibility"
)
_EVENT_FLAGS = (
    "anyoneCanAddSelf attendeesOmitted endTimeUnspecified guestsCanInviteOthers guestsCanModify "
    "guestsCanSeeOtherGuests locked privateCopy"
)
_EVENT: dict[str, Any] = {
    **dict.fromkeys(_EVENT_STRINGS.split(), "string"),
    **dict.fromkeys(_EVENT_FLAGS.split(), "boolean"),
    "attachments": [dict.fromkeys(("fileId", "fileUrl", "iconLink", "mimeType", "title"), "string")],
    "attendees": [_ATTENDEE],
    "birthdayProperties": dict.fromkeys(("contact", "customTypeName", "type"), "string"),
    "conferenceData": _CONFERENCE,
    "creator": _PERSON,
    "end": _DATE_TIME,
    "extendedProperties": {"private": _STRINGS, "shared": _STRINGS},
    "focusTimeProperties": {**_AUTO_DECLINE, "chatStatus": "string"},
    "gadget": _GADGET,
    "organizer": _PERSON,
    "originalStartTime": _DATE_TIME,
    "outOfOfficeProperties": _AUTO_DECLINE,
    "recurrence": ["string"],
    "reminders": {"overrides": [_REMINDER], "useDefault": "boolean"},
    "sequence": "integer",
    "source": {"title": "string", "url": "string"},
    "start": _DATE_TIME,
    "workingLocationProperties": _WORKING_LOCATION,
}
_CONFERENCE_TYPES = {"allowedConferenceSolutionTypes": ["string"]}
_CALENDAR = {
    **dict.fromkeys(
        ("dataOwner", "description", "etag", "id", "kind", "location", "summary", "timeZone"),
        "string",
    ),
    "autoAcceptInvitations": "boolean",
    "conferenceProperties": _CONFERENCE_TYPES,
    "labelProperties": {"eventLabels": [{"backgroundColor": "string", "id": "string", "name": "string"}]},
    "workingHours": {
        "availableTimes": [{"dayOfWeek": "string", "periodEnd": "integer", "periodStart": "integer"}],
        "workingHoursEnabled": "boolean",
    },
}
_ENTRY_STRINGS = (
    "accessRole backgroundColor colorId dataOwner description etag foregroundColor id kind location summary "
    "summaryOverride timeZone"
)
_CALENDAR_LIST_ENTRY = {
    **dict.fromkeys(
        _ENTRY_STRINGS.split(),
        "string",
    ),
    **dict.fromkeys(("autoAcceptInvitations", "deleted", "hidden", "primary", "selected"), "boolean"),
    "conferenceProperties": _CONFERENCE_TYPES,
    "defaultReminders": [_REMINDER],
    "notificationSettings": {"notifications": [{"method": "string", "type": "string"}]},
}
_ACL_RULE = {**dict.fromkeys(("etag", "id", "kind", "role"), "string"), "scope": {"type": "string", "value": "string"}}
_FREE_BUSY_REQUEST = {
    "calendarExpansionMax": "integer",
    "groupExpansionMax": "integer",
    "items": [{"id": "string"}],
    "timeMax": "string",
    "timeMin": "string",
    "timeZone": "string",
}


class _Int64(str):
    """The type name of a 64-bit number: published as a string, and taken as a JSON number too."""

    __slots__ = ()


_CHANNEL = {
    **dict.fromkeys(("address", "id", "kind", "resourceId", "resourceUri", "token", "type"), "string"),
    "expiration": _Int64("string"),
    "params": _STRINGS,
    "payload": "boolean",
}

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "AclRule": _ACL_RULE,
    "Calendar": _CALENDAR,
    "CalendarListEntry": _CALENDAR_LIST_ENTRY,
    "Channel": _CHANNEL,
    "Event": _EVENT,
    "FreeBusyRequest": _FREE_BUSY_REQUEST,
}
_REFUSED = [{"domain": "string", "reason": "string"}]
_COLORS = {"*": {"background": "string", "foreground": "string"}}
_SETTING = dict.fromkeys(("etag", "id", "kind", "value"), "string")


def _list_of(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(("etag", "kind", "nextPageToken", "nextSyncToken"), "string"), "items": [shape]}


# What only answers are made of.
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "Acl": _list_of(_ACL_RULE),
    "CalendarList": _list_of(_CALENDAR_LIST_ENTRY),
    "Colors": {"calendar": _COLORS, "event": _COLORS, "kind": "string", "updated": "string"},
    "Events": {
        **_list_of(_EVENT),
        **dict.fromkeys(("accessRole", "description", "summary", "timeZone", "updated"), "string"),
        "defaultReminders": [_REMINDER],
    },
    "FreeBusyResponse": {
        **dict.fromkeys(("kind", "timeMax", "timeMin"), "string"),
        "calendars": {"*": {"busy": [{"end": "string", "start": "string"}], "errors": _REFUSED}},
        "groups": {"*": {"calendars": ["string"], "errors": _REFUSED}},
    },
    "Setting": _SETTING,
    "Settings": _list_of(_SETTING),
}
# What the methods of a resource answer with: one, and a list.
_RESOURCES = {
    "acl": ("AclRule", "Acl"),
    "calendarList": ("CalendarListEntry", "CalendarList"),
    "calendars": ("Calendar", ""),
    "events": ("Event", "Events"),
    "settings": ("Setting", "Settings"),
    "colors": ("Colors", ""),
    "freebusy": ("FreeBusyResponse", ""),
}
_LISTS = frozenset({"list", "instances"})
_SILENT = frozenset({"delete", "clear", "stop"})
_INT32 = 2**31
_PYTHON: Mapping[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "integer": (int,)}


def answer_of(method_id: str) -> str | None:
    """The name of what a method answers with; None where it answers nothing."""
    resource, _, name = method_id.partition(".")
    if name in _SILENT:
        return None
    if name == "watch":
        return "Channel"
    one, many = _RESOURCES[resource]
    return many if name in _LISTS else one


def answer_shape(method_id: str) -> Mapping[str, Any] | None:
    """What a method's answer may hold."""
    name = answer_of(method_id)
    return None if name is None else ANSWERS.get(name) or SHAPES[name]


@dataclass(frozen=True)
class _Reading:
    """How a body is read. `nulls` keeps the fields that are null: in a patch they erase; elsewhere they are absent."""

    strict: bool
    nulls: bool


def check_body(shape_name: str, body: object, *, strict: bool, nulls: bool = False) -> dict[str, Any]:
    """The body as a mapping, or Google's 400. Without `strict`, unknown fields are dropped instead."""
    if not isinstance(body, dict):
        raise errors.parse_error()
    return _fields(SHAPES[shape_name], body, "", _Reading(strict, nulls))


def _check(shape: Any, value: Any, path: str, reading: _Reading) -> Any:
    if shape == "any":
        return value
    if isinstance(shape, str):
        return _scalar(shape, value, path)
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise errors.wrong_type(path, value)
        # A list is replaced as a whole, so there is nothing in its items that a null could erase.
        whole = replace(reading, nulls=False)
        return [_check(shape[0], item, f"{path}[{index}]", whole) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        raise errors.wrong_type(path, value)
    return _fields(shape, value, path, reading)


def _fields(shape: Mapping[str, Any], value: dict[str, Any], path: str, reading: _Reading) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, item in value.items():
        inner = shape.get(name, shape.get("*"))
        if inner is None:
            if reading.strict:
                raise errors.unknown_field(name, path)
        elif item is not None:
            checked[name] = _check(inner, item, f"{path}.{name}".lstrip("."), reading)
        elif reading.nulls:
            checked[name] = None
    return checked


def _scalar(kind: str, value: Any, path: str) -> Any:
    if isinstance(kind, _Int64) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, int) and not -_INT32 <= value < _INT32:
        raise errors.wrong_type(path, value)
    # bool is an int in Python; in JSON it is not.
    if not isinstance(value, _PYTHON[kind]) or (kind == "integer" and isinstance(value, bool)):
        raise errors.wrong_type(path, value)
    return value
