"""What Google demands of an event before it stores it. The one rule: what passes here can be read, expanded and shown.

Seeds may store damaged events behind its back, as Google itself sometimes serves them.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

from sandbox.google import errors
from sandbox.google.colors import EVENT_COLORS
from sandbox.google.recurrence import InvalidRecurrence, Schedule, validate
from sandbox.google.times import Json, When, duration, find_zone, parse_when
from sandbox.google.world import Account, Calendar

EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ENUMS = {
    "status": ("confirmed", "tentative", "cancelled"),
    "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
}
# Not documented; told by many who met it, as https://github.com/derekantrican/GAS-ICS-Sync/issues/271.
# In units of UTF-16 here: the stricter reading, for nobody says which it is.
_DESCRIPTION_LIMIT = 8192
_ATTACHMENTS_MAX = 25
_RESPONSES = ("needsAction", "declined", "tentative", "accepted")
_PROPERTY_LIMITS = {"count": 300, "bytes": 32 * 1024, "key": 44, "value": 1024}


def validate_event(fields: Json, calendar: Calendar, owner: Account | None) -> Json:
    """The fields with times and people in Google's normal form, or its refusal. `owner` has the calendar."""
    fields = dict(fields)
    if fields.get("status") == "cancelled":
        return fields
    _check_enums(fields)
    if fields.get("sequence", 0) < 0:
        raise errors.invalid("Invalid sequence value.")
    if len((fields.get("description") or "").encode("utf-16-le", "surrogatepass")) > 2 * _DESCRIPTION_LIMIT:
        raise errors.invalid("A provided value exceeds the allowed size limit.")
    _normalise_times(fields, calendar)
    if "attendees" in fields:
        fields["attendees"] = _attendees(fields)
    _check_properties(fields.get("extendedProperties", {}))
    _check_reminders(fields.get("reminders", {}))
    _check_attachments(fields.get("attachments", ()))
    check_type = _TYPES.get(fields.get("eventType", "default"))
    if check_type is None:
        raise errors.invalid("Invalid event type.")
    check_type(fields, calendar, owner)
    return fields


def check_event_id(event_id: str) -> None:
    if EVENT_ID.fullmatch(event_id) is None:
        raise errors.invalid("Invalid resource id value.")


def _check_enums(fields: Json) -> None:
    for name, allowed in _ENUMS.items():
        if name in fields and fields[name] not in allowed:
            raise errors.invalid(f"Invalid value for: {fields[name]} is not a valid value")
    # Google names no field here: https://github.com/coursetable/coursetable/issues/1551
    if "colorId" in fields and fields["colorId"] not in EVENT_COLORS:
        raise errors.invalid("Invalid Value")


def _normalise_times(fields: Json, calendar: Calendar) -> None:
    raw_start, raw_end = fields.get("start"), fields.get("end")
    start = parse_when(raw_start, "start", calendar.time_zone)
    end = parse_when(raw_end, "end", calendar.time_zone)
    if start.all_day != end.all_day:
        raise errors.invalid("The start and end times must either both be date or both be dateTime.")
    length = duration(start, end)
    if length < timedelta() or (start.all_day and not length):
        raise errors.time_range_empty(None)
    if fields.get("recurrence"):
        _check_recurrence(fields, start, length)
    elif "recurrence" in fields:
        del fields["recurrence"]
    fields["start"], fields["end"] = start.wire(), end.wire()


def _check_recurrence(fields: Json, start: When, length: timedelta) -> None:
    if fields.get("recurringEventId"):
        raise errors.invalid("Cannot turn an instance of a recurring event into a recurring event itself.")
    if not start.all_day:
        for name in ("start", "end"):
            if find_zone(fields[name].get("timeZone") or "") is None:
                raise errors.required(f"Missing time zone definition for {name} time.")
    try:
        validate(Schedule(start, length, tuple(fields["recurrence"])))
    except InvalidRecurrence:
        raise errors.invalid("Invalid recurrence rule.") from None


def _attendees(fields: Json) -> list[Json]:
    """One entry per address, responses filled in; the organizer has said yes."""
    organizer = fields.get("organizer", {}).get("email")
    listed: dict[str, Json] = {}
    for raw in fields["attendees"]:
        email = str(raw.get("email") or "").strip()
        if not email:
            raise errors.required("Missing attendee email.")
        if _ADDRESS.fullmatch(email) is None:
            raise errors.invalid("Invalid attendee email.")
        default = "accepted" if email.lower() == organizer else "needsAction"
        response = raw.get("responseStatus") or default
        if response not in _RESPONSES:
            raise errors.invalid("Invalid attendee response status.")
        kept = {name: value for name, value in raw.items() if name not in {"self", "organizer"} and value is not None}
        # Addresses are compared, and so kept, in lower case.
        listed[email.lower()] = {**kept, "email": email.lower(), "responseStatus": response}
    return list(listed.values())


def _check_properties(properties: Json) -> None:
    pairs = [pair for kind in ("private", "shared") for pair in properties.get(kind, {}).items()]
    size = sum(len(name.encode()) + len(value.encode()) for name, value in pairs)
    if len(pairs) > _PROPERTY_LIMITS["count"] or size > _PROPERTY_LIMITS["bytes"]:
        raise errors.invalid("The extended properties of the event exceed the maximum size.")
    for name, value in pairs:
        if len(name) > _PROPERTY_LIMITS["key"] or len(value) > _PROPERTY_LIMITS["value"]:
            raise errors.invalid("Invalid extended property: the key or the value is too long.")


def _check_reminders(reminders: Json) -> None:
    overrides = reminders.get("overrides") or []
    if reminders.get("useDefault") and overrides:
        raise errors.GoogleError(
            400,
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
            domain="calendar",
        )
    if len(overrides) > 5:
        raise errors.invalid("Too many reminder overrides.")
    for override in overrides:
        if override.get("method") not in {"email", "popup"} or not 0 <= override.get("minutes", -1) <= 40320:
            raise errors.invalid("Invalid reminder.")


def _check_attachments(attachments: Sequence[Json]) -> None:
    if len(attachments) > _ATTACHMENTS_MAX:
        raise errors.invalid("Too many attachments.")
    if not all(attachment.get("fileUrl") for attachment in attachments):
        raise errors.required("Missing attachment file URL.")


# Kinds of events. https://developers.google.com/workspace/calendar/api/guides/calendar-status


def _default(fields: Json, calendar: Calendar, owner: Account | None) -> None:
    del calendar, owner
    for name in ("focusTimeProperties", "outOfOfficeProperties", "workingLocationProperties", "birthdayProperties"):
        if name in fields:
            raise errors.event_type_restriction(f"The field {name} is not allowed for this event type.")


def _status_event(fields: Json, calendar: Calendar, owner: Account | None, kind: str) -> None:
    if not calendar.primary or owner is None or not owner.workspace:
        raise errors.event_type_restriction("This event type can only be created on the primary calendar.")
    if fields.get("attendees"):
        raise errors.event_type_restriction("Attendees are not allowed for this event type.")
    modes = {"declineNone", "declineAllConflictingInvitations", "declineOnlyNewConflictingInvitations"}
    properties = fields.get(f"{kind}Properties", {})
    if properties.get("autoDeclineMode", "declineNone") not in modes:
        raise errors.malformed_event(kind, "Invalid auto decline mode.")


def _out_of_office(fields: Json, calendar: Calendar, owner: Account | None) -> None:
    _status_event(fields, calendar, owner, "outOfOffice")
    if "date" in fields["start"]:
        raise errors.malformed_event("outOfOffice", "An out of office event cannot be an all-day event.")
    if fields.get("transparency") == "transparent":
        raise errors.malformed_event("outOfOffice", "An out of office event must be opaque.")


def _focus_time(fields: Json, calendar: Calendar, owner: Account | None) -> None:
    _status_event(fields, calendar, owner, "focusTime")
    if "date" in fields["start"]:
        raise errors.malformed_event("focusTime", "A focus time event cannot be an all-day event.")
    chat = fields.get("focusTimeProperties", {}).get("chatStatus", "available")
    if chat not in {"available", "doNotDisturb"}:
        raise errors.malformed_event("focusTime", "Invalid chat status.")


def _working_location(fields: Json, calendar: Calendar, owner: Account | None) -> None:
    _status_event(fields, calendar, owner, "workingLocation")
    if fields.get("visibility") != "public" or fields.get("transparency") != "transparent":
        raise errors.malformed_event(
            "workingLocation", "A working location event must be public and must not block time."
        )
    if fields.get("workingLocationProperties", {}).get("type") not in {
        "homeOffice",
        "officeLocation",
        "customLocation",
    }:
        raise errors.malformed_event("workingLocation", "A working location event must have a location type.")
    if "date" in fields["start"] and not fields.get("recurrence") and _days(fields) != 1:
        raise errors.malformed_event("workingLocation", "An all-day working location event must span one day.")


def _birthday(fields: Json, calendar: Calendar, owner: Account | None) -> None:
    del owner
    yearly = any("FREQ=YEARLY" in line.upper() for line in fields.get("recurrence", ()))
    instance = fields.get("recurringEventId") is not None
    if not calendar.primary or "date" not in fields["start"] or _days(fields) != 1 or not (yearly or instance):
        raise errors.malformed_event("birthday", "A birthday is an all-day event of one day that recurs every year.")
    if fields.get("visibility") != "private" or fields.get("transparency") != "transparent":
        raise errors.malformed_event("birthday", "A birthday must be private and must not block time.")
    if fields.get("birthdayProperties", {}).get("type", "birthday") != "birthday":
        raise errors.malformed_event("birthday", "Only birthdays of type birthday can be created.")


def _from_gmail(fields: Json, calendar: Calendar, owner: Account | None) -> None:
    del fields, calendar, owner  # they exist and may be edited; `refuse_creation` keeps clients from making them


def refuse_creation(event_type: str) -> None:
    """What the API creates. The person's mailbox makes the rest."""
    if event_type == "fromGmail":
        raise errors.event_type_restriction("Events of this type cannot be created.")


def _days(fields: Json) -> int:
    start, end = parse_when(fields["start"], "start", "UTC"), parse_when(fields["end"], "end", "UTC")
    return duration(start, end).days


_TYPES: dict[str, Callable[[Json, Calendar, Account | None], None]] = {
    "default": _default,
    "outOfOffice": _out_of_office,
    "focusTime": _focus_time,
    "workingLocation": _working_location,
    "birthday": _birthday,
    "fromGmail": _from_gmail,
}
