"""Values out of a request's `CalendarItem`. The one rule: one element, one value, as `items.Values` keeps it."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.exchange.attachments import read_attachment
from sandbox.exchange.call import Call
from sandbox.exchange.errors import Refusal, about
from sandbox.exchange.fields import BY_NAME
from sandbox.exchange.items import GUESTS, Attendee, Key, Values
from sandbox.exchange.properties import is_computed, read_value
from sandbox.exchange.reading import Node
from sandbox.exchange.recurrence import InvalidRecurrence, read_recurrence
from sandbox.exchange.times import InvalidTime, parse_date_time
from sandbox.exchange.versions import EXCHANGE_2010_SP2
from sandbox.exchange.zones import Zone, find_zone, read_definition

_INTEGERS = frozenset({"ReminderMinutesBeforeStart", "ConferenceType"})


def read_calendar_item(call: Call, node: Node) -> Values:
    """The values of a new item. Raises Refusal."""
    zone = _zone_of(node)
    values: Values = {}
    for child in node:
        key, value = read_element(call, child, zone)
        values[key] = value
    if "MeetingTimeZone" in values:
        values.setdefault("StartTimeZone", values.pop("MeetingTimeZone"))
    return values


def _zone_of(node: Node) -> Zone | None:
    """The item's own zone, in which its wall times are read."""
    for name in ("t:StartTimeZone", "t:MeetingTimeZone"):
        named = node.find(name)
        if named is not None:
            return _zone(named)
    return None


def read_element(call: Call, node: Node, zone: Zone | None = None) -> tuple[Key, Any]:
    """Key and value of one child of a `CalendarItem`. Raises Refusal for what no client may set."""
    name = node.local
    if node.name == "t:ExtendedProperty":
        path, value = read_value(node)
        if is_computed(path):
            raise Refusal("ErrorInvalidPropertySet")
        return path, value
    field = BY_NAME[name]
    if not field.writable and not (name == "Attachments" and _takes_attachments(call)):
        raise Refusal("ErrorInvalidPropertySet", details=about(field.uri))
    if field.type == "boolean":
        return name, node.text.strip() in {"true", "1"}
    if field.type == "dateTime":
        return name, _instant(call, node, zone)
    if name in _INTEGERS:
        return name, int(node.text)
    if name in _OF_A_CALL:
        return name, _OF_A_CALL[name](call, node)
    if name == "LegacyFreeBusyStatus" and node.text == "NoData":
        # What free/busy says of a calendar it cannot read; no item has it.
        raise Refusal("ErrorInvalidValueForProperty", "The value is not valid for this property.")
    reader = _READERS.get(name)
    return name, reader(node) if reader is not None else node.text


def _takes_attachments(call: Call) -> bool:
    """Since 2010 SP2 a new item may come with what is attached to it; before, and in an update, it is added later."""
    return call.body.name == "m:CreateItem" and call.rank >= EXCHANGE_2010_SP2


def _instant(call: Call, node: Node, zone: Zone | None) -> Any:
    try:
        return parse_date_time(node.text, (zone or call.wall_zone).rules)
    except InvalidTime as error:
        raise Refusal("ErrorInvalidValueForProperty", "The value is not valid for this property.") from error


def _guests(call: Call, node: Node) -> tuple[Attendee, ...]:
    """Who is invited. A name left out is the directory's, or the address itself."""
    guests: dict[str, Attendee] = {}
    for attendee in node:
        mailbox = attendee.find("t:Mailbox")
        assert mailbox is not None
        address = (mailbox.text_of("t:EmailAddress") or "").strip()
        if "@" not in address:
            raise Refusal("ErrorInvalidRecipients")
        known = call.world.find_mailbox(address)
        email = known.email if known is not None else address.lower()
        name = mailbox.text_of("t:Name") or (known.name if known is not None else address)
        guests.setdefault(email, Attendee(email, name))
    return tuple(guests.values())


def _zone(node: Node) -> Zone:
    zone = read_definition(node) if node.local != "MeetingTimeZone" else _meeting_zone(node)
    if zone is None:
        raise Refusal("ErrorTimeZone")
    return zone


def _meeting_zone(node: Node) -> Zone | None:
    zone = find_zone(node.attributes.get("TimeZoneName", ""))
    if zone is None:
        raise Refusal("ErrorCalendarInvalidTimeZone")
    return zone


def _recurrence(node: Node) -> Any:
    try:
        return read_recurrence(node)
    except InvalidRecurrence as error:
        raise Refusal(error.code, str(error)) from error


def _attachments(call: Call, node: Node) -> Any:
    return tuple(read_attachment(call, child) for child in node)


_OF_A_CALL: Mapping[str, Callable[[Call, Node], Any]] = {
    "Attachments": _attachments,
    **dict.fromkeys(GUESTS, _guests),
}
_READERS: Mapping[str, Callable[[Node], Any]] = {
    "Body": lambda node: (node.attributes["BodyType"], node.text),
    "Categories": lambda node: tuple(child.text for child in node),
    "Recurrence": _recurrence,
    "StartTimeZone": _zone,
    "EndTimeZone": _zone,
    "MeetingTimeZone": _zone,
}
