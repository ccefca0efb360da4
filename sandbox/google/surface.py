"""The methods of Calendar API v3 served here: their query parameters, scopes and bodies, as Google publishes them.

The one rule: what is not in this table is refused. A test compares every line with Google's discovery document.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sandbox.google import errors

ParameterKind = Literal["string", "boolean", "integer", "date-time"]
AUTH = "https://www.googleapis.com/auth/"


@dataclass(frozen=True)
class Parameter:
    kind: ParameterKind = "string"
    values: frozenset[str] = frozenset()
    minimum: int | None = None
    maximum: int | None = None
    repeated: bool = False
    required: bool = False

    def parse(self, name: str, raw: str) -> Any:
        """The typed value, or Google's 400."""
        if self.kind == "boolean":
            if raw.lower() not in {"true", "false"}:
                raise errors.invalid_parameter(name, f"Invalid boolean value: '{raw}'.")
            return raw.lower() == "true"
        if self.kind == "integer":
            return self._integer(name, raw)
        if self.kind == "date-time":
            return _timestamp(raw)
        if self.values and raw not in self.values:
            allowed = ", ".join(sorted(self.values))
            raise errors.invalid_parameter(name, f"Invalid string value: '{raw}'. Allowed values: [{allowed}]")
        return raw

    def _integer(self, name: str, raw: str) -> int:
        try:
            value = int(raw)
        except ValueError:
            raise errors.invalid_parameter(name, f"Invalid integer value: '{raw}'.") from None
        low = self.minimum if self.minimum is not None else value
        high = self.maximum if self.maximum is not None else value
        if not low <= value <= high:
            bounds = f"[{low}, {high if self.maximum is not None else 2**31 - 1}]"
            raise errors.invalid_parameter(name, f"Invalid integer value: '{raw}'. Value must be within: {bounds}")
        return value


def _timestamp(raw: str) -> datetime:
    """RFC 3339 with a mandatory offset. A plus that a client left unescaped arrives as a blank and is refused."""
    try:
        value = datetime.fromisoformat(raw.upper())
        if value.tzinfo is None or "T" not in raw.upper():
            raise errors.bad_request()
        # "Milliseconds may be provided but are ignored"
        return value.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise errors.bad_request() from None


@dataclass(frozen=True)
class Method:
    """`name` is the RPC name Google puts into scope errors; `body` names the schema of the request."""

    name: str
    scopes: frozenset[str]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    body: str | None = None

    def parse_query(self, pairs: Iterable[tuple[str, str]], *, strict: bool) -> dict[str, Any]:
        """Typed parameters by name; repeated ones as lists. Unknown ones are refused when `strict`."""
        parsed: dict[str, Any] = {}
        for name, raw in pairs:
            parameter = self.parameters.get(name) or STANDARD.get(name)
            if parameter is None:
                if strict:
                    raise errors.unknown_parameter(name)
                continue
            value = parameter.parse(name, raw)
            if parameter.repeated:
                parsed.setdefault(name, []).append(value)
            else:
                parsed[name] = value
        for name, parameter in self.parameters.items():
            if parameter.required and name not in parsed:
                raise errors.required(f"Required parameter: {name}", name)
        return parsed


def _scopes(*names: str) -> frozenset[str]:
    return frozenset(AUTH + name for name in names)


_FULL = "calendar"
_READONLY = "calendar.readonly"
_APP = "calendar.app.created"
_EVENTS_WRITE = (_FULL, _APP, "calendar.events", "calendar.events.owned")
EVENTS_WRITE = _scopes(*_EVENTS_WRITE)
EVENTS_READ = EVENTS_WRITE | _scopes(
    _READONLY,
    "calendar.events.freebusy",
    "calendar.events.owned.readonly",
    "calendar.events.public.readonly",
    "calendar.events.readonly",
)
_LIST_WRITE = _scopes(_FULL, _APP, "calendar.calendarlist")
_LIST_READ = _scopes(_FULL, "calendar.calendarlist", "calendar.calendarlist.readonly", _READONLY)
_CALENDARS_WRITE = _scopes(_FULL, _APP, "calendar.calendars")
_ACL_WRITE = _scopes(_FULL, "calendar.acls")
_ACL_LIST = _ACL_WRITE | _scopes("calendar.acls.readonly")
_COLORS = _scopes(
    _FULL,
    _APP,
    _READONLY,
    "calendar.calendarlist",
    "calendar.calendarlist.readonly",
    "calendar.events.freebusy",
    "calendar.events.owned",
    "calendar.events.owned.readonly",
    "calendar.events.public.readonly",
)
_SETTINGS = _scopes(_FULL, _READONLY, "calendar.settings", "calendar.settings.readonly")

_STRING = Parameter()
_BOOLEAN = Parameter("boolean")
_TIME = Parameter("date-time")
_COUNT = Parameter("integer", minimum=1)
_VERSION = Parameter("integer", minimum=0, maximum=1)
_SEND_UPDATES = Parameter(values=frozenset({"all", "externalOnly", "none"}))
_ROLES = Parameter(values=frozenset({"freeBusyReader", "owner", "reader", "writer", "writerWithoutPrivateAccess"}))
_EVENT_TYPES = Parameter(
    values=frozenset({"birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation"}),
    repeated=True,
)

STANDARD: Mapping[str, Parameter] = {
    "alt": Parameter(values=frozenset({"json"})),
    "fields": _STRING,
    "key": _STRING,
    "oauth_token": _STRING,
    "prettyPrint": _BOOLEAN,
    "quotaUser": _STRING,
    "userIp": _STRING,
}
_WINDOW = {"timeMin": _TIME, "timeMax": _TIME, "timeZone": _STRING}
_PAGE = {"maxResults": _COUNT, "pageToken": _STRING}
_VIEW = {"alwaysIncludeEmail": _BOOLEAN, "maxAttendees": _COUNT}
_NOTIFY = {"sendNotifications": _BOOLEAN, "sendUpdates": _SEND_UPDATES}
_WRITE = {
    **_NOTIFY,
    "conferenceDataVersion": _VERSION,
    "eventLabelVersion": _VERSION,
    "supportsAttachments": _BOOLEAN,
}
_IMPORT = {name: _WRITE[name] for name in ("conferenceDataVersion", "eventLabelVersion", "supportsAttachments")}

_ACL_PARAMETERS = {**_PAGE, "showDeleted": _BOOLEAN, "syncToken": _STRING}
_TELL = {"sendNotifications": _BOOLEAN}
_LIST_PARAMETERS = {
    **_PAGE,
    "minAccessRole": _ROLES,
    "showDeleted": _BOOLEAN,
    "showHidden": _BOOLEAN,
    "showOwnOrganizationOnly": _BOOLEAN,
    "syncToken": _STRING,
}
_EVENTS_PARAMETERS = {
    **_PAGE,
    **_VIEW,
    **_WINDOW,
    "eventTypes": _EVENT_TYPES,
    "iCalUID": _STRING,
    "orderBy": Parameter(values=frozenset({"startTime", "updated"})),
    "privateExtendedProperty": Parameter(repeated=True),
    "q": _STRING,
    "sharedExtendedProperty": Parameter(repeated=True),
    "showDeleted": _BOOLEAN,
    "showHiddenInvitations": _BOOLEAN,
    "singleEvents": _BOOLEAN,
    "syncToken": _STRING,
    "updatedMin": _TIME,
}
# What opens any resource that can be watched opens the end of watching it.
_STOP = EVENTS_READ | _LIST_READ | _SETTINGS | _scopes(_APP, "calendar.acls", "calendar.acls.readonly")

METHODS: Mapping[str, Method] = {
    "calendarList.list": Method("calendar.v3.CalendarList.List", _LIST_READ, _LIST_PARAMETERS),
    "calendarList.watch": Method("calendar.v3.CalendarList.Watch", _LIST_READ, _LIST_PARAMETERS, "Channel"),
    "calendarList.get": Method("calendar.v3.CalendarList.Get", _LIST_READ | _scopes(_APP)),
    "calendarList.insert": Method(
        "calendar.v3.CalendarList.Insert",
        _scopes(_FULL, "calendar.calendarlist"),
        {"colorRgbFormat": _BOOLEAN},
        "CalendarListEntry",
    ),
    "calendarList.patch": Method(
        "calendar.v3.CalendarList.Patch", _LIST_WRITE, {"colorRgbFormat": _BOOLEAN}, "CalendarListEntry"
    ),
    "calendarList.update": Method(
        "calendar.v3.CalendarList.Update", _LIST_WRITE, {"colorRgbFormat": _BOOLEAN}, "CalendarListEntry"
    ),
    "calendarList.delete": Method("calendar.v3.CalendarList.Delete", _LIST_WRITE),
    "calendars.get": Method(
        "calendar.v3.Calendars.Get", _CALENDARS_WRITE | _scopes("calendar.calendars.readonly", _READONLY)
    ),
    "calendars.insert": Method("calendar.v3.Calendars.Insert", _CALENDARS_WRITE, body="Calendar"),
    "calendars.patch": Method("calendar.v3.Calendars.Patch", _CALENDARS_WRITE, body="Calendar"),
    "calendars.update": Method("calendar.v3.Calendars.Update", _CALENDARS_WRITE, body="Calendar"),
    "calendars.clear": Method("calendar.v3.Calendars.Clear", _scopes(_FULL, "calendar.calendars")),
    "calendars.delete": Method("calendar.v3.Calendars.Delete", _CALENDARS_WRITE),
    "events.list": Method("calendar.v3.Events.List", EVENTS_READ, _EVENTS_PARAMETERS),
    "events.watch": Method("calendar.v3.Events.Watch", EVENTS_READ, _EVENTS_PARAMETERS, "Channel"),
    "events.instances": Method(
        "calendar.v3.Events.Instances",
        EVENTS_READ,
        {**_PAGE, **_VIEW, **_WINDOW, "originalStart": _STRING, "showDeleted": _BOOLEAN},
    ),
    "events.get": Method("calendar.v3.Events.Get", EVENTS_READ, {**_VIEW, "timeZone": _STRING}),
    "events.insert": Method("calendar.v3.Events.Insert", EVENTS_WRITE, {**_WRITE, "maxAttendees": _COUNT}, "Event"),
    "events.import": Method("calendar.v3.Events.Import", EVENTS_WRITE, _IMPORT, "Event"),
    "events.patch": Method("calendar.v3.Events.Patch", EVENTS_WRITE, {**_WRITE, **_VIEW}, "Event"),
    "events.update": Method("calendar.v3.Events.Update", EVENTS_WRITE, {**_WRITE, **_VIEW}, "Event"),
    "events.delete": Method("calendar.v3.Events.Delete", EVENTS_WRITE, _NOTIFY),
    "events.quickAdd": Method(
        "calendar.v3.Events.QuickAdd", EVENTS_WRITE, {**_NOTIFY, "text": Parameter(required=True)}
    ),
    "events.move": Method(
        "calendar.v3.Events.Move",
        _scopes(_FULL, "calendar.events", "calendar.events.owned"),
        {**_NOTIFY, "destination": Parameter(required=True)},
    ),
    "freebusy.query": Method(
        "calendar.v3.Freebusy.Query",
        _scopes(_FULL, "calendar.events.freebusy", "calendar.freebusy", _READONLY),
        body="FreeBusyRequest",
    ),
    "channels.stop": Method("calendar.v3.Channels.Stop", _STOP, body="Channel"),
    "settings.get": Method("calendar.v3.Settings.Get", _SETTINGS),
    "settings.list": Method("calendar.v3.Settings.List", _SETTINGS, {**_PAGE, "syncToken": _STRING}),
    "settings.watch": Method("calendar.v3.Settings.Watch", _SETTINGS, {**_PAGE, "syncToken": _STRING}, "Channel"),
    "colors.get": Method("calendar.v3.Colors.Get", _COLORS),
    "acl.list": Method("calendar.v3.Acl.List", _ACL_LIST, _ACL_PARAMETERS),
    "acl.watch": Method("calendar.v3.Acl.Watch", _ACL_LIST, _ACL_PARAMETERS, "Channel"),
    "acl.get": Method("calendar.v3.Acl.Get", _ACL_LIST | _scopes(_READONLY)),
    "acl.insert": Method("calendar.v3.Acl.Insert", _ACL_WRITE, _TELL, "AclRule"),
    "acl.patch": Method("calendar.v3.Acl.Patch", _ACL_WRITE, _TELL, "AclRule"),
    "acl.update": Method("calendar.v3.Acl.Update", _ACL_WRITE, _TELL, "AclRule"),
    "acl.delete": Method("calendar.v3.Acl.Delete", _ACL_WRITE),
}

IDENTITY_SCOPES = frozenset(
    {
        "openid",
        "email",
        "profile",
        f"{AUTH}userinfo.email",
        f"{AUTH}userinfo.profile",
    }
)
CALENDAR_SCOPES: Mapping[str, str] = {
    f"{AUTH}calendar": "See, edit, share, and permanently delete all the calendars you can access",
    f"{AUTH}calendar.acls": "See and change the sharing permissions of Google calendars you own",
    f"{AUTH}calendar.acls.readonly": "See the sharing permissions of Google calendars you own",
    f"{AUTH}calendar.app.created": "Make secondary Google calendars, and see and change the events on them",
    f"{AUTH}calendar.calendarlist": "See, add, and remove Google calendars you're subscribed to",
    f"{AUTH}calendar.calendarlist.readonly": "See the list of Google calendars you're subscribed to",
    f"{AUTH}calendar.calendars": "See and change the properties of calendars, and create secondary calendars",
    f"{AUTH}calendar.calendars.readonly": "See the properties of Google calendars you have access to",
    f"{AUTH}calendar.events": "View and edit events on all your calendars",
    f"{AUTH}calendar.events.freebusy": "See the availability on Google calendars you have access to",
    f"{AUTH}calendar.events.owned": "See, create, change, and delete events on Google calendars you own",
    f"{AUTH}calendar.events.owned.readonly": "See the events on Google calendars you own",
    f"{AUTH}calendar.events.public.readonly": "See the events on public calendars",
    f"{AUTH}calendar.events.readonly": "View events on all your calendars",
    f"{AUTH}calendar.freebusy": "View your availability in your calendars",
    f"{AUTH}calendar.readonly": "See and download any calendar you can access",
    f"{AUTH}calendar.settings": "View and edit your Calendar settings",
    f"{AUTH}calendar.settings.readonly": "View your Calendar settings",
}
