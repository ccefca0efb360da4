"""The shapes of request bodies. The one rule: a property Graph does not define is refused, wherever it stands.

Names are compared without case in actions only, as there; enumerations are compared without case everywhere and come
out in Graph's spelling. Annotations (`@odata.type` and the like) are passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.microsoft import errors
from sandbox.microsoft.times import Json


@dataclass(frozen=True)
class Plain:
    """A primitive; `edm` is its name in refusals."""

    kind: type
    edm: str


@dataclass(frozen=True)
class Choice:
    members: tuple[str, ...]


@dataclass(frozen=True)
class Many:
    of: "Shape"


@dataclass(frozen=True)
class Struct:
    """`read_only` members may be sent, as the samples of the documentation do, and change nothing."""

    name: str
    members: Mapping[str, "Shape"]
    read_only: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Open:
    """What brings members of its own: primitives and lists of them. They come out as they are, annotations too."""

    name: str


Shape = Plain | Choice | Many | Struct | Open

TEXT = Plain(str, "Edm.String")
FLAG = Plain(bool, "Edm.Boolean")
NUMBER = Plain(int, "Edm.Int32")
LONG = Plain(int, "Edm.Int64")
_INT32 = 2**31
REAL = Plain(float, "Edm.Double")

MOMENT = Struct("dateTimeTimeZone", {"dateTime": TEXT, "timeZone": TEXT})
SLOT = Struct("timeSlot", {"start": MOMENT, "end": MOMENT})
ADDRESS = Struct("emailAddress", {"name": TEXT, "address": TEXT})
_STATUS = Struct("responseStatus", {"response": TEXT, "time": TEXT})
_ATTENDEE = Struct(
    "attendee",
    {
        "type": Choice(("required", "optional", "resource")),
        "emailAddress": ADDRESS,
        "status": _STATUS,
        "proposedNewTime": SLOT,
    },
)
_PLACE = Struct(
    "location",
    {
        "displayName": TEXT,
        "locationEmailAddress": TEXT,
        "locationUri": TEXT,
        "locationType": Choice(
            (
                "default",
                "conferenceRoom",
                "homeAddress",
                "businessAddress",
                "geoCoordinates",
                "streetAddress",
                "hotel",
                "restaurant",
                "localBusiness",
                "postalAddress",
            )
        ),
        "uniqueId": TEXT,
        "uniqueIdType": Choice(("unknown", "locationStore", "directory", "private", "bing")),
        "address": Struct(
            "physicalAddress",
            {"street": TEXT, "city": TEXT, "state": TEXT, "countryOrRegion": TEXT, "postalCode": TEXT},
        ),
        "coordinates": Struct(
            "outlookGeoCoordinates",
            {"latitude": REAL, "longitude": REAL, "altitude": REAL, "accuracy": REAL, "altitudeAccuracy": REAL},
        ),
    },
)
_DAY = Choice(("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"))
_PATTERN = Struct(
    "recurrencePattern",
    {
        "type": Choice(("daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly")),
        "interval": NUMBER,
        "month": NUMBER,
        "dayOfMonth": NUMBER,
        "daysOfWeek": Many(_DAY),
        "firstDayOfWeek": _DAY,
        "index": Choice(("first", "second", "third", "fourth", "last")),
    },
)
_RANGE = Struct(
    "recurrenceRange",
    {
        "type": Choice(("endDate", "noEnd", "numbered")),
        "startDate": TEXT,
        "endDate": TEXT,
        "recurrenceTimeZone": TEXT,
        "numberOfOccurrences": NUMBER,
    },
)
# `attachments` cannot come with their event, but are no error there: https://learn.microsoft.com/answers/questions/1214478
_READ_ONLY = (
    "id changeKey createdDateTime lastModifiedDateTime originalStartTimeZone originalEndTimeZone iCalUId "
    "hasAttachments bodyPreview isCancelled isOrganizer seriesMasterId type webLink onlineMeetingUrl occurrenceId "
    "isDraft originalStart responseStatus organizer onlineMeeting attachments"
)
_PROPERTIES = Many(Struct("singleValueLegacyExtendedProperty", {"id": TEXT, "value": TEXT}))
_LISTS = Many(Struct("multiValueLegacyExtendedProperty", {"id": TEXT, "value": Many(TEXT)}))
EXTENSION = Open("openTypeExtension")
EVENT = Struct(
    "event",
    {
        "subject": TEXT,
        "body": Struct("itemBody", {"contentType": Choice(("text", "html")), "content": TEXT}),
        "start": MOMENT,
        "end": MOMENT,
        "isAllDay": FLAG,
        "location": _PLACE,
        "locations": Many(_PLACE),
        "attendees": Many(_ATTENDEE),
        "recurrence": Struct("patternedRecurrence", {"pattern": _PATTERN, "range": _RANGE}),
        "categories": Many(TEXT),
        "importance": Choice(("low", "normal", "high")),
        "sensitivity": Choice(("normal", "personal", "private", "confidential")),
        "showAs": Choice(("free", "tentative", "busy", "oof", "workingElsewhere", "unknown")),
        "isReminderOn": FLAG,
        "reminderMinutesBeforeStart": NUMBER,
        "responseRequested": FLAG,
        "allowNewTimeProposals": FLAG,
        "hideAttendees": FLAG,
        "isOnlineMeeting": FLAG,
        "onlineMeetingProvider": Choice(("unknown", "skypeForBusiness", "skypeForConsumer", "teamsForBusiness")),
        "transactionId": TEXT,
        "singleValueExtendedProperties": _PROPERTIES,
        "multiValueExtendedProperties": _LISTS,
    },
    frozenset(_READ_ONLY.split()),
)
NEW_EVENT = Struct("event", {**EVENT.members, "extensions": Many(EXTENSION)}, EVENT.read_only)
_COLORS = "auto lightBlue lightGreen lightOrange lightGray lightYellow lightTeal lightPink lightBrown lightRed maxColor"
_CALENDAR_READ_ONLY = (
    "id changeKey hexColor isDefaultCalendar canShare canViewPrivateItems canEdit allowedOnlineMeetingProviders "
    "defaultOnlineMeetingProvider isTallyingResponses isRemovable owner"
)
CALENDAR = Struct(
    "calendar",
    {"name": TEXT, "color": Choice(tuple(_COLORS.split())), "singleValueExtendedProperties": _PROPERTIES},
    frozenset(_CALENDAR_READ_ONLY.split()),
)
_WORKING_HOURS = Struct(
    "workingHours",
    {"daysOfWeek": Many(_DAY), "startTime": TEXT, "endTime": TEXT, "timeZone": Struct("timeZoneBase", {"name": TEXT})},
)
_REPLIES = Struct(
    "automaticRepliesSetting",
    {
        "status": Choice(("disabled", "alwaysEnabled", "scheduled")),
        "externalAudience": Choice(("none", "contactsOnly", "all")),
        "internalReplyMessage": TEXT,
        "externalReplyMessage": TEXT,
        "scheduledStartDateTime": MOMENT,
        "scheduledEndDateTime": MOMENT,
    },
)
_DELIVERY = ("sendToDelegateAndInformationToPrincipal", "sendToDelegateAndPrincipal", "sendToDelegateOnly")
SETTINGS = Struct(
    "mailboxSettings",
    {
        "timeZone": TEXT,
        "dateFormat": TEXT,
        "timeFormat": TEXT,
        "language": Struct("localeInfo", {"locale": TEXT, "displayName": TEXT}),
        "workingHours": _WORKING_HOURS,
        "automaticRepliesSetting": _REPLIES,
        "delegateMeetingMessageDeliveryOptions": Choice(_DELIVERY),
    },
    frozenset({"archiveFolder", "userPurpose"}),
)
CATEGORY = Struct(
    "outlookCategory",
    {"displayName": TEXT, "color": Choice(("none", *(f"preset{number}" for number in range(25))))},
    frozenset({"id"}),
)
_ROLES = (
    "none freeBusyRead limitedRead read write delegateWithoutPrivateEventAccess delegateWithPrivateEventAccess custom"
)
PERMISSION = Struct(
    "calendarPermission",
    {
        "emailAddress": ADDRESS,
        "role": Choice(tuple(_ROLES.split())),
        "allowedRoles": Many(Choice(tuple(_ROLES.split()))),
        "isInsideOrganization": FLAG,
        "isRemovable": FLAG,
    },
    frozenset({"id"}),
)
ATTACHMENT = Struct(
    "fileAttachment",
    {"@odata.type": TEXT, "name": TEXT, "contentBytes": TEXT, "contentType": TEXT, "isInline": FLAG, "contentId": TEXT},
    frozenset({"id", "size", "lastModifiedDateTime", "contentLocation"}),
)
UPLOAD_SESSION = Struct(
    "createUploadSession",
    {
        "AttachmentItem": Struct(
            "attachmentItem",
            {
                "attachmentType": Choice(("file", "item", "reference")),
                "name": TEXT,
                "size": LONG,
                "isInline": FLAG,
                "contentId": TEXT,
                "contentType": TEXT,
            },
        )
    },
)
GROUP = Struct("calendarGroup", {"name": TEXT}, frozenset({"id", "changeKey", "classId", "calendars"}))
ACCEPTANCE = Struct("accept", {"comment": TEXT, "sendResponse": FLAG})
RESPONSE = Struct("eventResponse", {**ACCEPTANCE.members, "proposedNewTime": SLOT})
FORWARD = Struct("forward", {"comment": TEXT, "toRecipients": Many(Struct("recipient", {"emailAddress": ADDRESS}))})
SNOOZE = Struct("snoozeReminder", {"newReminderTime": MOMENT})
CANCELLATION = Struct("eventCancellation", {"comment": TEXT})
SCHEDULE = Struct(
    "getSchedule",
    {"schedules": Many(TEXT), "startTime": MOMENT, "endTime": MOMENT, "availabilityViewInterval": NUMBER},
)
SUBSCRIPTION = Struct(
    "subscription",
    {
        **dict.fromkeys(
            (
                "changeType",
                "clientState",
                "encryptionCertificate",
                "encryptionCertificateId",
                "expirationDateTime",
                "lifecycleNotificationUrl",
                "notificationQueryOptions",
                "notificationUrl",
                "notificationUrlAppId",
                "resource",
            ),
            TEXT,
        ),
        "includeResourceData": FLAG,
        "latestSupportedTlsVersion": Choice(("v1_0", "v1_1", "v1_2", "v1_3")),
    },
    frozenset({"applicationId", "creatorId", "id"}),
)


def check(shape: Struct | Open, body: Any, *, action: bool = False, strict: bool = True) -> Json:
    """The body with its enumerations in Graph's spelling, without annotations and read-only members."""
    if not isinstance(body, dict):
        raise errors.bad_json()
    checked = _checked(shape, body, action=action, strict=strict)
    assert isinstance(checked, dict)
    return checked


def _struct(shape: Struct, value: Mapping[str, Any], *, action: bool, strict: bool) -> Json:
    names = {name.lower(): name for name in shape.members} if action else {name: name for name in shape.members}
    found: Json = {}
    for given, inner in value.items():
        name = names.get(given.lower() if action else given)
        if ("@odata." in given and name is None) or given in shape.read_only:
            continue
        if name is None:
            if strict:
                raise errors.unknown_property(given, shape.name)
            continue
        found[name] = _checked(shape.members[name], inner, action=action, strict=strict)
    return found


def _checked(shape: Shape, value: Any, *, action: bool, strict: bool) -> Any:
    if value is None:
        return None
    if isinstance(shape, Struct | Open):
        if not isinstance(value, dict):
            raise errors.wrong_type(value, _name(shape))
        return _open(value) if isinstance(shape, Open) else _struct(shape, value, action=action, strict=strict)
    if isinstance(shape, Many):
        if not isinstance(value, list):
            raise errors.wrong_type(value, "Collection")
        if None in value:
            raise errors.wrong_type(None, _name(shape.of))
        return [_checked(shape.of, each, action=action, strict=strict) for each in value]
    if isinstance(shape, Choice):
        return _member(shape, value)
    return _primitive(shape, value)


def _open(value: Mapping[str, Any]) -> Json:
    for inner in value.values():
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict | list):
                raise errors.wrong_type(each, "Edm.PrimitiveType")
    return dict(value)


def _name(shape: Shape) -> str:
    """A shape's name in refusals."""
    if isinstance(shape, Struct | Open):
        return f"microsoft.graph.{shape.name}"
    return shape.edm if isinstance(shape, Plain) else "Edm.String"


def _member(shape: Choice, value: Any) -> str:
    if not isinstance(value, str):
        raise errors.wrong_type(value, "Edm.String")
    for member in shape.members:
        if member.lower() == value.lower():
            return member
    raise errors.unknown_member(value)


def _primitive(shape: Plain, value: Any) -> Any:
    """A flag or a number may stand in quotes: OData's reader converts it, and clients that send it so rely on it."""
    value = _unquoted(shape, value) if isinstance(value, str) else value
    accepted: tuple[type, ...] = (int, float) if shape.kind is float else (shape.kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and shape.kind is not bool):
        raise errors.wrong_type(value, shape.edm)
    if shape is NUMBER and isinstance(value, int) and not -_INT32 <= value < _INT32:
        raise errors.wrong_type(value, shape.edm)
    return value


def _unquoted(shape: Plain, value: str) -> Any:
    if shape.kind is bool:
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    try:
        return shape.kind(value)
    except ValueError:
        return value
