"""Search filters. The one rule: a restriction is read once into a function, and what cannot be searched is refused."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sandbox.exchange.errors import Refusal, about
from sandbox.exchange.fields import BY_URI
from sandbox.exchange.items import PropertyPath, View
from sandbox.exchange.properties import read_path, value_of
from sandbox.exchange.reading import Node
from sandbox.exchange.times import InvalidTime, parse_date_time, utc
from sandbox.exchange.world import Folder
from sandbox.exchange.zones import Zone

SubjectT = TypeVar("SubjectT")
Condition = Callable[[SubjectT], bool]
Reading = Callable[[SubjectT], Any]
# How to read a property of a subject: by a first-class field's name, or by an extended property's path.
Reader = Callable[[str | PropertyPath], Callable[[SubjectT], Any]]

_MAX_DEPTH = 16
# What can be searched and is no column to sort by: streams and lists.
_UNSORTABLE = frozenset({"Body", "Categories"})
_SEARCHABLE = frozenset(
    {
        "ItemId",
        "ItemClass",
        "Subject",
        "Body",
        "Categories",
        "HasAttachments",
        "InReplyTo",
        "DisplayTo",
        "DisplayCc",
        "IsDraft",
        "DateTimeSent",
        "ReminderMinutesBeforeStart",
        "Sensitivity",
        "DateTimeReceived",
        "DateTimeCreated",
        "Size",
        "Importance",
        "LastModifiedTime",
        "LastModifiedName",
        "ReminderIsSet",
        "Start",
        "End",
        "IsAllDayEvent",
        "LegacyFreeBusyStatus",
        "Location",
        "IsCancelled",
        "IsMeeting",
        "MeetingRequestWasSent",
        "Organizer",
        "IsOnlineMeeting",
        "ConferenceType",
        "MeetingWorkspaceUrl",
        "NetShowUrl",
        "AppointmentReplyTime",
        "MyResponseType",
        "AppointmentSequenceNumber",
        "CalendarItemType",
        "FolderClass",
        "DisplayName",
        "TotalCount",
        "ChildFolderCount",
        "FolderId",
        "ParentFolderId",
    }
)


def item_value(key: str | PropertyPath) -> Callable[[View], Any]:
    """How to read a property of an item for a comparison."""
    if isinstance(key, PropertyPath):
        return lambda view: value_of(view, key)
    return _ITEM.get(key, lambda view: view.get(key))


_ITEM: Mapping[str, Callable[[View], Any]] = {
    "ItemClass": lambda view: view.get("ItemClass", "IPM.Appointment"),
    "DateTimeReceived": lambda view: view.item.created,
    "DateTimeCreated": lambda view: view.item.created,
    "DateTimeSent": lambda view: view.item.created,
    "Body": lambda view: view.get("Body", ("Text", ""))[1],
    "Size": lambda view: view.size,
    "HasAttachments": lambda view: bool(view.get("Attachments")),
    "DisplayTo": lambda view: view.names("RequiredAttendees"),
    "DisplayCc": lambda view: view.names("OptionalAttendees"),
    "IsDraft": lambda view: view.is_draft,
    "ReminderIsSet": lambda view: view.get("ReminderIsSet", False),
    "ReminderMinutesBeforeStart": lambda view: view.get("ReminderMinutesBeforeStart", 0),
    "MeetingRequestWasSent": lambda view: view.get("MeetingRequestWasSent", False),
    "IsOnlineMeeting": lambda view: view.get("IsOnlineMeeting", False),
    "ConferenceType": lambda view: view.get("ConferenceType", 0),
    "MyResponseType": lambda view: view.get("MyResponseType", "Organizer"),
    "Organizer": lambda view: (view.get("Organizer") or (None, None))[1],
    "LastModifiedTime": lambda view: view.item.modified,
    "Importance": lambda view: view.get("Importance", "Normal"),
    "Sensitivity": lambda view: view.get("Sensitivity", "Normal"),
    "IsAllDayEvent": lambda view: view.get("IsAllDayEvent", False),
    "IsCancelled": lambda view: view.get("IsCancelled", False),
    "IsMeeting": lambda view: bool(view.guests()),
    "AppointmentSequenceNumber": lambda view: view.get("AppointmentSequenceNumber", 0),
    "CalendarItemType": lambda view: view.kind,
}


def sortable(value: Callable[[View], Any]) -> Callable[[View], tuple[bool, Any]]:
    """What an item lacks sorts before everything; text sorts without regard to case."""

    def key(view: View) -> tuple[bool, Any]:
        found = value(view)
        if found is None:
            return (False, 0)
        return (True, found.casefold() if isinstance(found, str) else found)

    return key


def folder_value(key: str | PropertyPath) -> Callable[[Folder], Any]:
    """How to read a property of a folder for a comparison."""
    if isinstance(key, PropertyPath):
        return lambda folder: folder.properties.get(key)
    return _FOLDER.get(key, lambda _: None)


_FOLDER: Mapping[str, Callable[[Folder], Any]] = {
    "FolderClass": lambda folder: folder.folder_class,
    "DisplayName": lambda folder: folder.name,
    "FolderId": lambda folder: folder.id,
    "TotalCount": lambda folder: len(folder.items),
    "ChildFolderCount": lambda folder: len(folder.mailbox.children(folder)),
}


def read_restriction(node: Node, reader: "Reader[SubjectT]", zone: Zone) -> "Condition[SubjectT]":
    """A `Restriction` as a function. Raises Refusal."""
    return _read(node.children[0], reader, zone, 0)


def _read(node: Node, reader: "Reader[SubjectT]", zone: Zone, depth: int) -> "Condition[SubjectT]":
    if depth > _MAX_DEPTH:
        raise Refusal("ErrorRestrictionTooComplex", "The restriction is too complex.")
    if node.local in {"And", "Or"}:
        parts = [_read(child, reader, zone, depth + 1) for child in node]
        combine = all if node.local == "And" else any
        return lambda subject: combine(part(subject) for part in parts)
    if node.local == "Not":
        part = _read(node.children[0], reader, zone, depth + 1)
        return lambda subject: not part(subject)
    value = reader(read_key(node.children[0]))
    if node.local == "Exists":
        return lambda subject: value(subject) is not None
    if node.local == "Excludes":
        return _excludes(node, value)
    if node.local == "Contains":
        return _contains(node, value)
    return _compares(node, value, reader, zone)


def read_key(path: Node, *, code: str = "ErrorUnsupportedPathForQuery") -> str | PropertyPath:
    """What a path leads to, if it can be searched or sorted by. Raises Refusal."""
    if path.name == "t:ExtendedFieldURI":
        return read_path(path)
    uri = path.attributes["FieldURI"]
    field = BY_URI.get(uri)
    if field is None or field.name not in _SEARCHABLE:
        raise Refusal(code, details=about(uri))
    if code == "ErrorUnsupportedPathForSortGroup" and field.name in _UNSORTABLE:
        raise Refusal(code, details=about(uri))
    return field.name


def _excludes(node: Node, value: "Reading[SubjectT]") -> "Condition[SubjectT]":
    text = node.children[1].attributes["Value"]
    try:
        mask = int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError as error:
        raise Refusal(
            "ErrorInvalidExcludesRestriction", "The bitmask of an Excludes restriction is invalid."
        ) from error

    def condition(subject: SubjectT) -> bool:
        found = str(value(subject) or 0)
        return found.isdecimal() and int(found) & mask == 0

    return condition


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "IsEqualTo": lambda left, right: bool(left == right),
    "IsNotEqualTo": lambda left, right: bool(left != right),
    "IsGreaterThan": lambda left, right: bool(left > right),
    "IsGreaterThanOrEqualTo": lambda left, right: bool(left >= right),
    "IsLessThan": lambda left, right: bool(left < right),
    "IsLessThanOrEqualTo": lambda left, right: bool(left <= right),
}


def _compares(node: Node, value: "Reading[SubjectT]", reader: "Reader[SubjectT]", zone: Zone) -> "Condition[SubjectT]":
    operand = node.children[1].children[0]
    compare = _COMPARE[node.local]
    if operand.name != "t:Constant":
        other = reader(read_key(operand))
        return lambda subject: _ordered(compare, value(subject), other(subject))
    constant = operand.attributes["Value"]
    kind = read_key(node.children[0])

    def condition(subject: SubjectT) -> bool:
        found = value(subject)
        if found is None:
            return node.local == "IsNotEqualTo"  # what an item does not have is not equal to anything
        return any(_ordered(compare, *_aligned(one, constant, kind, zone)) for one in _each(found))

    return condition


def _each(found: Any) -> tuple[Any, ...]:
    """Of a list any entry may meet a condition."""
    return found if isinstance(found, tuple) else (found,)


def _ordered(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    try:
        return compare(left, right)
    except TypeError:
        return False


def _aligned(found: Any, constant: str, kind: str | PropertyPath, zone: Zone) -> tuple[Any, Any]:
    """A stored value and a constant as values that can be compared; text without regard to case, as the store does."""
    if isinstance(found, bool):
        return found, constant.strip().lower() in {"true", "1"}
    if isinstance(found, int):
        return float(found), _number(constant)
    if hasattr(found, "astimezone"):
        return found, _instant(constant, zone)
    if isinstance(kind, PropertyPath):
        return _aligned_property(str(found), constant, kind, zone)
    return str(found).casefold(), constant.casefold()


def _aligned_property(found: str, constant: str, path: PropertyPath, zone: Zone) -> tuple[Any, Any]:
    if path.type.removesuffix("Array") in {"Integer", "Short", "Long", "Double", "Float"}:
        return float(found), _number(constant)
    if path.type == "SystemTime":
        return found, utc(_instant(constant, zone))
    if path.type == "Boolean":
        return found, "true" if constant.strip().lower() in {"true", "1"} else "false"
    if path.type == "Binary":
        return found, constant
    return found.casefold(), constant.casefold()


def _number(constant: str) -> float:
    try:
        return float(constant)
    except ValueError as error:
        raise Refusal("ErrorInvalidValueForProperty", "The value is not valid for this property.") from error


def _instant(constant: str, zone: Zone) -> Any:
    try:
        return parse_date_time(constant, zone.rules)
    except InvalidTime as error:
        raise Refusal("ErrorInvalidValueForProperty", "The value is not valid for this property.") from error


def _contains(node: Node, value: "Reading[SubjectT]") -> "Condition[SubjectT]":
    mode = node.attributes.get("ContainmentMode", "FullString")
    comparison = node.attributes.get("ContainmentComparison", "Exact")
    wanted = _folded(node.children[1].attributes["Value"], comparison)

    def condition(subject: SubjectT) -> bool:
        found = value(subject)
        texts = () if found is None else (_folded(str(one), comparison) for one in _each(found))
        return any(_CONTAINS[mode](text, wanted) for text in texts)

    return condition


_CONTAINS: Mapping[str, Callable[[str, str], bool]] = {
    "FullString": lambda text, wanted: text == wanted,
    "Prefixed": lambda text, wanted: text.startswith(wanted),
    "Substring": lambda text, wanted: wanted in text,
    "PrefixOnWords": lambda text, wanted: any(word.startswith(wanted) for word in text.split()),
    "ExactPhrase": lambda text, wanted: f" {wanted} " in f" {text} ",
}


def _folded(text: str, comparison: str) -> str:
    if "Case" in comparison or comparison == "Loose":
        text = text.casefold()
    if "NonSpac" in comparison:
        text = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return text
