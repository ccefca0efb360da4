"""UpdateItem. The one rule: what another wrote since the caller's change key is overwritten only if they say so.

NeverOverwrite refuses any stale key; AutoResolve lets changes of other properties stand beside each other.
"""

from sandbox.exchange.call import Call, Located, Task, answer
from sandbox.exchange.errors import Refusal, about
from sandbox.exchange.fields import BY_URI
from sandbox.exchange.getting import EMPTY_ITEMS
from sandbox.exchange.ids import global_id_of_uid
from sandbox.exchange.items import GUESTS, Attendee, Key, Values, View
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.meetings import Sending, is_organizer
from sandbox.exchange.properties import is_computed, read_path
from sandbox.exchange.reading import Node
from sandbox.exchange.reading_items import read_element
from sandbox.exchange.rendering import item_id
from sandbox.exchange.writes import midnight_after, midnight_before, update_view
from sandbox.exchange.zones import UTC_ZONE, Zone

_FIXED = frozenset({"ItemClass"})
_NEEDED = frozenset({"UID", "Start", "End", "StartTimeZone", "EndTimeZone", "IsAllDayEvent", "LegacyFreeBusyStatus"})
# What is read-only in a guest's copy: the first two as documented, the rest as met by
# https://github.com/ecederstrand/exchangelib/issues/464 and /762.
_ORGANIZERS = frozenset(
    {
        *("AllowNewTimeProposal", "IsOnlineMeeting", "IsResponseRequested", "Recurrence"),
        *("RequiredAttendees", "OptionalAttendees", "Resources"),
        *("StartTimeZone", "EndTimeZone", "MeetingTimeZone"),
    }
)


def update(call: Call) -> Markup:
    changes = call.body.find("m:ItemChanges")
    assert changes is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            return _update(call, node)

        return run

    return answer(call, "UpdateItem", [task(node) for node in changes], on_error=EMPTY_ITEMS)


def _update(call: Call, change: Node) -> list[Markup]:
    mode = call.body.attributes.get("SendMeetingInvitationsOrCancellations")
    if mode is None:
        raise Refusal("ErrorSendMeetingInvitationsOrCancellationsRequired")
    found = call.item(change.children[0])
    if not call.rights(found.folder).edits:
        raise Refusal("ErrorAccessDenied")
    updates = change.find("t:Updates")
    assert updates is not None
    values = _in_turn(found.view, _read_updates(call, found, updates))
    _check_version(found, call.body.attributes["ConflictResolution"], values)
    update_view(call.world, found.folder, found.view, values, call.actor, sending=Sending(mode))
    return [
        element("m:Items", element("t:CalendarItem", item_id(found.view, found.folder))),
        element("m:ConflictResults", element("t:Count", "0")),
    ]


def _check_version(found: Located, resolution: str, values: Values) -> None:
    if resolution == "AlwaysOverwrite":
        return
    if found.seen is None:
        raise Refusal("ErrorChangeKeyRequired")
    if found.seen == found.item.version:
        return
    prefix = str(found.view.original or "")
    touched = (found.item.touched.get(f"{prefix}{key}", 0) for key in values)
    if resolution == "NeverOverwrite" or any(version > found.seen for version in touched):
        raise Refusal("ErrorIrresolvableConflict")


def _read_updates(call: Call, located: Located, updates: Node) -> Values:
    values: Values = {}
    zone, guests = _new_zone(call, updates), not is_organizer(located.folder, located.view)
    for node in updates:
        key = _key_of(node.children[0])
        fixed = key in _FIXED or (guests and key in _ORGANIZERS)
        if node.name == "t:DeleteItemField":
            _check_deletable(node, key, fixed=fixed)
            values[key] = None
            continue
        found, value = read_element(call, _only_child(node), zone)
        if found != key:
            raise Refusal("ErrorUpdatePropertyMismatch")
        if fixed:
            raise Refusal("ErrorInvalidPropertySet", details=about(_uri(node)))
        if key == "UID":
            values["GlobalObjectId"] = global_id_of_uid(str(value))
        if key == "MeetingTimeZone":
            key = "StartTimeZone"
        values[key] = _appended(located.view, node, key, value) if node.name == "t:AppendToItemField" else value
    return values


def _in_turn(view: View, values: Values) -> Values:
    """What the changes come to: each is made before the next, so a time that is set while the item still lasts whole
    days becomes a midnight. https://github.com/ExchangeCalendar/exchangecalendar/issues/286
    """
    whole, zone, settled = view.get("IsAllDayEvent", False), view.get("StartTimeZone", UTC_ZONE), dict(values)
    for key, value in values.items():
        if key == "IsAllDayEvent":
            whole = value
        elif key == "StartTimeZone":
            zone = value
        elif whole and key == "Start":
            settled[key] = midnight_before(value, zone)
        elif whole and key == "End":
            settled[key] = midnight_after(value, zone)
    return settled


def _new_zone(call: Call, updates: Node) -> Zone | None:
    """The zone the update itself sets, in which its wall times are read."""
    for node in updates:
        item = node.children[-1]
        child = item.find("t:StartTimeZone") if node.name == "t:SetItemField" else None
        if child is not None:
            zone = read_element(call, child)[1]
            assert isinstance(zone, Zone)
            return zone
    return None


def _key_of(path: Node) -> Key:
    if path.name == "t:ExtendedFieldURI":
        return read_path(path)
    uri = path.attributes["FieldURI"]
    field = BY_URI.get(uri)
    if field is None or path.name != "t:FieldURI":
        raise Refusal("ErrorInvalidPropertyRequest", details=about(uri))
    return field.name


def _uri(node: Node) -> str:
    return node.children[0].attributes.get("FieldURI", "")


def _only_child(node: Node) -> Node:
    item = node.children[1]
    if item.name != "t:CalendarItem":
        raise Refusal("ErrorObjectTypeChanged", "The type of the object in the store does not match the request.")
    if len(item.children) != 1:
        raise Refusal("ErrorIncorrectUpdatePropertyCount", "Each change description must have exactly one property.")
    return item.children[0]


def _check_deletable(node: Node, key: Key, *, fixed: bool) -> None:
    if isinstance(key, str):
        field = BY_URI.get(_uri(node))
        if field is None or not field.writable or key in _NEEDED or fixed:
            raise Refusal("ErrorInvalidPropertyDelete", details=about(_uri(node)))
    elif is_computed(key):
        raise Refusal("ErrorInvalidPropertyDelete")


def _appended(view: View, node: Node, key: Key, value: object) -> object:
    """Only what is a text body or a list can be appended to."""
    if key == "Body":
        kind, text = view.get("Body", ("Text", ""))
        assert isinstance(value, tuple)
        return (kind, text + value[1])
    if key in GUESTS:
        held: tuple[Attendee, ...] = view.get(key, ())
        known = {guest.email for guest in held}
        assert isinstance(value, tuple)
        return (*held, *(guest for guest in value if guest.email not in known))
    raise Refusal("ErrorInvalidPropertyAppend", details=about(_uri(node)))
