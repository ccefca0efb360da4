"""Extended (MAPI) properties: how a request names one, what values it takes, and those the store computes itself.

The one rule: a path is normalised, so that a property set by its name and by its GUID is one property.
"""

import base64
import binascii
from collections.abc import Callable, Mapping

from sandbox.exchange.errors import Refusal
from sandbox.exchange.ids import clean, dated
from sandbox.exchange.items import PropertyPath, View
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.times import InvalidTime, parse_date_time, utc

_OUTLOOK = "-0000-0000-c000-000000000046"
SETS: Mapping[str, str] = {
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "Appointment": f"00062002{_OUTLOOK}",
    "Common": f"00062008{_OUTLOOK}",
    "PublicStrings": f"00020329{_OUTLOOK}",
    "Address": f"00062004{_OUTLOOK}",
    "InternetHeaders": f"00020386{_OUTLOOK}",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "UnifiedMessaging": "4442858e-a9e3-4e80-b900-317a210cc15b",
    "Task": f"00062003{_OUTLOOK}",
    "Sharing": f"00062040{_OUTLOOK}",
}
_READ_ONLY_TYPES = frozenset({"Error", "Null", "Object", "ObjectArray"})
Value = str | tuple[str, ...]


def read_path(node: Node) -> PropertyPath:
    """What an `ExtendedFieldURI` names. Raises Refusal for a combination of attributes that names nothing."""
    given = node.attributes
    kind = given["PropertyType"]
    tag = given.get("PropertyTag")
    named_set = given.get("DistinguishedPropertySetId")
    guid = given.get("PropertySetId")
    name, number = given.get("PropertyName"), given.get("PropertyId")
    if tag is not None:
        if named_set or guid or name or number:
            raise Refusal("ErrorInvalidExtendedProperty")
        return PropertyPath(kind, tag=int(tag, 16 if tag.lower().startswith("0x") else 10))
    if (named_set is None) == (guid is None) or (name is None) == (number is None):
        raise Refusal("ErrorInvalidExtendedProperty")
    set_id = SETS[named_set] if named_set is not None else (guid or "").lower()
    return PropertyPath(kind, set_id, name, int(number) if number is not None else None)


def read_value(node: Node) -> tuple[PropertyPath, Value]:
    """An `ExtendedProperty` with its value. Raises Refusal."""
    definition, held = node.children
    path = read_path(definition)
    if path.type in _READ_ONLY_TYPES or path.type.endswith("Array") != (held.name == "t:Values"):
        raise Refusal("ErrorInvalidExtendedPropertyValue")
    kind = path.type.removesuffix("Array")
    if held.name == "t:Values":
        return path, tuple(_normal(value.text, kind) for value in held)
    return path, _normal(held.text, kind)


def _normal(text: str, kind: str) -> str:
    try:
        return _NORMAL[kind](text) if kind in _NORMAL else text
    except (ValueError, KeyError, binascii.Error) as error:
        raise Refusal("ErrorInvalidExtendedPropertyValue") from error


def _binary(text: str) -> str:
    return base64.b64encode(base64.b64decode(text, validate=True)).decode()


def _system_time(text: str) -> str:
    try:
        return utc(parse_date_time(text, None))
    except InvalidTime as error:
        raise ValueError(text) from error


_BOOLEANS = {"true": "true", "1": "true", "false": "false", "0": "false"}
_NORMAL: Mapping[str, Callable[[str], str]] = {
    "Boolean": lambda text: _BOOLEANS[text.strip().lower()],
    "Integer": lambda text: str(int(text)),
    "Short": lambda text: str(int(text)),
    "Long": lambda text: str(int(text)),
    "Double": lambda text: repr(float(text)),
    "Float": lambda text: repr(float(text)),
    "Binary": _binary,
    "SystemTime": _system_time,
}


def write_property(definition: Mapping[str, str], value: Value) -> Markup:
    """An `ExtendedProperty` of an answer; its path is told in the words of the request."""
    path = element("t:ExtendedFieldURI", **dict(definition))
    if isinstance(value, str):
        return element("t:ExtendedProperty", path, element("t:Value", value))
    return element("t:ExtendedProperty", path, element("t:Values", *(element("t:Value", one) for one in value)))


def value_of(view: View, path: PropertyPath) -> Value | None:
    """A property of an item: what was set, or what the store has of its own."""
    computed = _COMPUTED.get(path)
    if computed is not None:
        return computed(view)
    value: Value | None = view.get(path)
    return value


_BUSY = ("Free", "Tentative", "Busy", "OOF", "WorkingElsewhere")


def _global_id(view: View) -> str:
    raw: bytes = view.item.values["GlobalObjectId"]
    if view.original is not None:
        raw = dated(raw, view.item.zone.to_wall(view.original))
    return base64.b64encode(raw).decode()


_COMPUTED: Mapping[PropertyPath, Callable[[View], Value | None]] = {
    PropertyPath("Binary", SETS["Meeting"], number=0x03): _global_id,
    PropertyPath("Binary", SETS["Meeting"], number=0x23): lambda view: base64.b64encode(
        clean(view.item.values["GlobalObjectId"])
    ).decode(),
    PropertyPath("Integer", SETS["Appointment"], number=0x8205): lambda view: str(
        _BUSY.index(view.get("LegacyFreeBusyStatus", "Busy"))
    ),
    PropertyPath("SystemTime", SETS["Appointment"], number=0x820D): lambda view: utc(view.start),
    PropertyPath("SystemTime", SETS["Appointment"], number=0x820E): lambda view: utc(view.end),
    PropertyPath("Boolean", SETS["Appointment"], number=0x8215): lambda view: boolean(view.get("IsAllDayEvent", False)),
    PropertyPath("String", tag=0x0037): lambda view: view.get("Subject"),
    PropertyPath("SystemTime", tag=0x3008): lambda view: utc(view.item.modified),
}


def is_computed(path: PropertyPath) -> bool:
    return path in _COMPUTED
