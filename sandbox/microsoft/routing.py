"""Graph's paths. The one rule: segments are compared without case, and a wrong one is named in the refusal.

Everything below `/me` also exists below `/users/{id or address}`. Functions and actions may carry their namespace and
parentheses: `delta`, `delta()`, `microsoft.graph.delta()`. Keys stand between slashes or in parentheses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.microsoft import (
    attaching,
    calendars,
    delta,
    errors,
    events,
    extending,
    groups,
    permissions,
    schedule,
    settings,
    shapes,
    subscribing,
)
from sandbox.microsoft.attachments import ATTACHMENT_SELECTABLE
from sandbox.microsoft.call import Handler, Operation
from sandbox.microsoft.meeting_times import MEETING_TIMES, find_meeting_times
from sandbox.microsoft.paths import read_path
from sandbox.microsoft.properties import (
    CALENDAR,
    CALENDAR_EXPANDABLE,
    EVENT_EXPANDABLE,
    EVENT_SELECTABLE,
    EVENT_SORTABLE,
)
from sandbox.microsoft.query import Allowed
from sandbox.microsoft.scopes import (
    LIST,
    PROFILE,
    READ,
    READ_SHARED,
    SESSIONS,
    SETTINGS,
    SETTINGS_WRITE,
    SUBSCRIBE,
    WRITE,
)
from sandbox.microsoft.translating import TRANSLATION, translate_ids

_FUNCTION = re.compile(r"(?:microsoft\.graph\.)?([a-z]+(?:\([a-z]+\))?)(?:\(\))?", re.IGNORECASE)
_PERSON = "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname"

_PEOPLE = Allowed(frozenset({"select"}), (*_PERSON.split(), "userPrincipalName", "id"), type_name="user")
_SETTINGS = Allowed(type_name="mailboxSettings")
_CALENDAR = Allowed(frozenset({"select", "expand"}), CALENDAR, CALENDAR_EXPANDABLE, type_name="calendar")
_CALENDARS = Allowed(
    frozenset({"select", "expand", "filter", "top", "skip", "count", "orderby"}),
    CALENDAR,
    CALENDAR_EXPANDABLE,
    ("name",),
    type_name="calendar",
)
_EVENT = Allowed(frozenset({"select", "expand"}), EVENT_SELECTABLE, EVENT_EXPANDABLE)
_EVENTS = Allowed(
    frozenset({"select", "expand", "filter", "orderby", "top", "skip", "count"}),
    EVENT_SELECTABLE,
    EVENT_EXPANDABLE - {"exceptionOccurrences"},
    EVENT_SORTABLE,
)
_VIEW = Allowed(_EVENTS.options, _EVENTS.selectable, _EVENTS.expandable, _EVENTS.sortable, window=True)
_DELTA = Allowed(frozenset({"skiptoken", "deltatoken"}), window=True, delta=True)
_TRACKED = Allowed(
    _EVENTS.options | _DELTA.options, _EVENTS.selectable, _EVENTS.expandable, _EVENTS.sortable, window=True
)
_ACTION = Allowed()
_GROUP = Allowed(frozenset({"select"}), ("id", "name", "classId", "changeKey"), type_name="calendarGroup")
_GROUPS = Allowed(frozenset({"select", "top", "skip", "count"}), _GROUP.selectable, type_name="calendarGroup")
_EXTENSIONS = Allowed(frozenset({"top", "skip", "count"}), type_name="openTypeExtension")
_ATTACHMENT = Allowed(frozenset({"select"}), ATTACHMENT_SELECTABLE, type_name="attachment")
_ATTACHMENTS = Allowed(frozenset({"select", "top", "skip", "count"}), ATTACHMENT_SELECTABLE, type_name="attachment")
_CATEGORIES = Allowed(frozenset({"top", "skip", "count"}), type_name="outlookCategory")
_PERMISSIONS = Allowed(frozenset({"top", "skip", "count"}), type_name="calendarPermission")
_CALENDAR_PATHS = (
    "calendar",
    "calendars/{calendar}",
    "calendarGroup/calendars/{calendar}",
    "calendarGroups/{group}/calendars/{calendar}",
)
_SUBSCRIPTION = Allowed(type_name="subscription")


def _operations() -> Iterator[tuple[str, str, Operation]]:
    """Method, path below a person, what it does."""
    yield "GET", "", Operation(calendars.get_person, PROFILE, _PEOPLE, directory=True)
    revoke = Operation(calendars.revoke_sessions, SESSIONS, _ACTION, directory=True, mailbox=False)
    yield "POST", "revokeSignInSessions", revoke
    yield from _mailbox_operations()
    yield "GET", "calendarGroups", Operation(groups.list_groups, LIST, _GROUPS)
    yield "POST", "calendarGroups", Operation(groups.create_group, WRITE, _GROUP, shapes.GROUP, writes=True)
    yield "GET", "calendarGroups/{group}", Operation(groups.get_group, LIST, _GROUP)
    updating = Operation(groups.update_group, WRITE, _GROUP, shapes.GROUP, writes=True)
    yield "PATCH", "calendarGroups/{group}", updating
    yield "DELETE", "calendarGroups/{group}", Operation(groups.delete_group, WRITE, _ACTION, writes=True)
    for group in ("", "calendarGroup/", "calendarGroups/{group}/"):
        yield "GET", f"{group}calendars", Operation(calendars.list_calendars, LIST, _CALENDARS)
        create = Operation(calendars.create_calendar, WRITE, _CALENDAR, shapes.CALENDAR, writes=True)
        yield "POST", f"{group}calendars", create
    finding = Operation(find_meeting_times, READ_SHARED, _ACTION, MEETING_TIMES, action=True)
    yield "POST", "findMeetingTimes", finding
    yield "POST", "translateExchangeIds", Operation(translate_ids, PROFILE, _ACTION, TRANSLATION, action=True)
    yield "POST", "calendar/getSchedule", Operation(schedule.get_schedule, READ, _ACTION, shapes.SCHEDULE, action=True)
    yield (
        "POST",
        "calendars/{calendar}/getSchedule",
        Operation(schedule.get_nothing, READ, _ACTION, shapes.SCHEDULE, action=True),
    )
    yield from _event_operations("")
    for calendar in _CALENDAR_PATHS:
        yield from _calendar_operations(calendar)
        yield from _event_operations(f"{calendar}/")


def _mailbox_operations() -> Iterator[tuple[str, str, Operation]]:
    """The settings, the zones and the categories."""
    yield "GET", "mailboxSettings", Operation(settings.get_settings, SETTINGS, _SETTINGS)
    yield "PATCH", "mailboxSettings", Operation(settings.update_settings, SETTINGS_WRITE, _SETTINGS, shapes.SETTINGS)
    yield "GET", "mailboxSettings/timeZone", Operation(settings.get_time_zone, SETTINGS, _SETTINGS)
    yield "GET", "mailboxSettings/workingHours", Operation(settings.get_working_hours, SETTINGS, _SETTINGS)
    for function in ("supportedTimeZones", "supportedTimeZones(TimeZoneStandard)"):
        yield "GET", f"outlook/{function}", Operation(settings.list_time_zones, PROFILE, _ACTION)
    path = "outlook/masterCategories"
    yield "GET", path, Operation(settings.list_categories, SETTINGS, _CATEGORIES)
    yield "POST", path, Operation(settings.create_category, SETTINGS_WRITE, _ACTION, shapes.CATEGORY)
    one = f"{path}/{{category}}"
    yield "GET", one, Operation(settings.get_category, SETTINGS, _ACTION)
    yield "PATCH", one, Operation(settings.update_category, SETTINGS_WRITE, _ACTION, shapes.CATEGORY)
    yield "DELETE", one, Operation(settings.delete_category, SETTINGS_WRITE, _ACTION)


def _calendar_operations(path: str) -> Iterator[tuple[str, str, Operation]]:
    yield "GET", path, Operation(calendars.get_calendar, LIST, _CALENDAR)
    yield "PATCH", path, Operation(calendars.update_calendar, WRITE, _CALENDAR, shapes.CALENDAR, writes=True)
    yield "GET", f"{path}/calendarPermissions", Operation(permissions.list_permissions, LIST, _PERMISSIONS)
    one = f"{path}/calendarPermissions/{{permission}}"
    yield "GET", one, Operation(permissions.get_permission, LIST, _ACTION)
    created = Operation(permissions.create_permission, WRITE, _ACTION, shapes.PERMISSION, writes=True)
    yield "POST", f"{path}/calendarPermissions", created
    yield "PATCH", one, Operation(permissions.update_permission, WRITE, _ACTION, shapes.PERMISSION, writes=True)
    yield "DELETE", one, Operation(permissions.delete_permission, WRITE, _ACTION, writes=True)
    if path != "calendar":
        yield "DELETE", path, Operation(calendars.delete_calendar, WRITE, _ACTION)
        yield "POST", f"{path}/permanentDelete", Operation(calendars.delete_calendar, WRITE, _ACTION)


def _event_operations(prefix: str) -> Iterator[tuple[str, str, Operation]]:
    yield "GET", f"{prefix}events", Operation(events.list_events, READ, _EVENTS)
    yield "POST", f"{prefix}events", Operation(events.create, WRITE, _EVENT, shapes.NEW_EVENT, writes=True)
    yield "GET", f"{prefix}calendarView", Operation(events.list_view, READ, _VIEW)
    yield "GET", f"{prefix}calendarView/delta", Operation(delta.list_changes, READ, _DELTA)
    yield "GET", f"{prefix}events/delta", Operation(delta.list_nothing, READ, _TRACKED)
    one = f"{prefix}events/{{event}}"
    yield "GET", one, Operation(events.get_event, READ, _EVENT)
    yield "PATCH", one, Operation(events.update, WRITE, _EVENT, shapes.EVENT, writes=True)
    yield "DELETE", one, Operation(events.delete, WRITE, _ACTION, writes=True)
    yield from _extension_operations(f"{one}/extensions")
    yield from _attachment_operations(f"{one}/attachments")
    yield "GET", f"{one}/calendar", Operation(events.get_calendar, READ, _CALENDAR)
    yield "GET", f"{one}/instances", Operation(events.list_instances, READ, _VIEW)
    for name, handler, shape in (
        ("accept", events.accept, shapes.ACCEPTANCE),
        ("tentativelyAccept", events.tentatively_accept, shapes.RESPONSE),
        ("decline", events.decline, shapes.RESPONSE),
        ("cancel", events.cancel, shapes.CANCELLATION),
        ("forward", events.forward, shapes.FORWARD),
        ("dismissReminder", events.dismiss_reminder, None),
        ("snoozeReminder", events.snooze_reminder, shapes.SNOOZE),
    ):
        yield "POST", f"{one}/{name}", Operation(handler, WRITE, _ACTION, shape, action=True, writes=True)
    yield "POST", f"{one}/permanentDelete", Operation(events.delete, WRITE, _ACTION, writes=True)


def _extension_operations(path: str) -> Iterator[tuple[str, str, Operation]]:
    yield "GET", path, Operation(extending.list_extensions, READ, _EXTENSIONS)
    yield "POST", path, Operation(extending.create, WRITE, _ACTION, shapes.EXTENSION, writes=True)
    one = f"{path}/{{extension}}"
    yield "GET", one, Operation(extending.get_extension, READ, _ACTION)
    yield "PATCH", one, Operation(extending.update, WRITE, _ACTION, shapes.EXTENSION, writes=True)
    yield "DELETE", one, Operation(extending.delete, WRITE, _ACTION, writes=True)


def _attachment_operations(path: str) -> Iterator[tuple[str, str, Operation]]:
    yield "GET", path, Operation(attaching.list_attachments, READ, _ATTACHMENTS)
    yield "POST", path, Operation(attaching.create, WRITE, _ACTION, shapes.ATTACHMENT, writes=True)
    opening = Operation(
        attaching.create_upload_session, WRITE, _ACTION, shapes.UPLOAD_SESSION, action=True, writes=True
    )
    yield "POST", f"{path}/createUploadSession", opening
    one = f"{path}/{{attachment}}"
    yield "GET", one, Operation(attaching.get_attachment, READ, _ATTACHMENT)
    yield "GET", f"{one}/$value", Operation(attaching.get_content, READ, _ACTION)
    yield "DELETE", one, Operation(attaching.delete, WRITE, _ACTION, writes=True)


def _subscription_operations() -> Iterator[tuple[str, str, Operation]]:
    """Those of the service for subscriptions, which stands beside the people."""
    shape = shapes.SUBSCRIPTION

    def operation(handler: Handler, body: shapes.Struct | None = None) -> Operation:
        return Operation(handler, SUBSCRIBE, _SUBSCRIPTION, body, mailbox=False)

    yield "GET", "subscriptions", operation(subscribing.list_subscriptions)
    yield "POST", "subscriptions", operation(subscribing.create, shape)
    one = "subscriptions/{subscription}"
    yield "GET", one, operation(subscribing.get_subscription)
    yield "PATCH", one, operation(subscribing.update, shape)
    yield "DELETE", one, operation(subscribing.delete)
    yield "POST", f"{one}/reauthorize", operation(subscribing.reauthorize)


@dataclass
class _Node:
    """A place in the tree of paths. `variable` is the name of what any other segment stands for."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    variable: str | None = None
    methods: dict[str, Operation] = field(default_factory=dict)

    def child(self, name: str) -> "_Node | None":
        """What a segment names here: a place, or a function with its namespace and parentheses."""
        found, function = self.children.get(name.lower()), _FUNCTION.fullmatch(name)
        return found or (self.children.get(function[1].lower()) if function is not None else None)


def _grow() -> _Node:
    root = _Node()
    for method, path, operation in _operations():
        for person in ("me", "users/{user}"):
            _plant(root, f"{person}/{path}", method, operation)
    for method, path, operation in _subscription_operations():
        _plant(root, path, method, operation)
    return root


def _plant(root: _Node, path: str, method: str, operation: Operation) -> None:
    node = root
    for segment in path.strip("/").split("/"):
        if segment.startswith("{"):
            node.variable = segment.strip("{}")
            node = node.children.setdefault("*", _Node())
        else:
            node = node.children.setdefault(segment.lower(), _Node())
    node.methods[method] = operation


_TREE = _grow()


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """What a path below the version, encoded as it came, stands for, with its variables; or Graph's refusal."""
    node, params = _TREE, dict[str, str]()
    for segment in read_path(path):
        child = None if segment.is_key else node.child(segment.text)
        if segment.argument is not None:
            params[segment.parameter] = segment.argument
        if child is None and node.variable is not None:
            params[node.variable] = segment.text
            child = node.children["*"]
        if child is None:
            raise errors.no_segment(segment.text)
        node = child
    if not node.methods:
        raise errors.no_segment(segment.text)
    if method not in node.methods:
        raise errors.not_allowed(method)
    return node.methods[method], params
