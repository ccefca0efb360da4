"""What a reader is shown of an event or a calendar. The one rule: a stored thing is never handed out, only a rendering.

The rendering depends on the reader (whose private events are hidden), on the id format, the time zone and the
properties asked for.
"""

from dataclasses import dataclass
from urllib.parse import quote

from sandbox.microsoft.attachments import render_attachment
from sandbox.microsoft.extensions import render_extensions
from sandbox.microsoft.ids import EventId, immutable_id, mutable_id
from sandbox.microsoft.prefer import Preferences
from sandbox.microsoft.properties import CALENDAR, EVENT, ON_REQUEST
from sandbox.microsoft.query import Options
from sandbox.microsoft.texts import as_html, as_text
from sandbox.microsoft.times import NEVER, Json, in_zone, utc_text
from sandbox.microsoft.views import View, occurrence
from sandbox.microsoft.world import Account, Calendar, Item, Role, change_key, etag_of, rank

# What somebody may know who may see no more than "limited details" of a calendar, or of another's private event.
_LIMITED_NAMES = (
    "id createdDateTime lastModifiedDateTime changeKey originalStartTimeZone originalEndTimeZone iCalUId isAllDay "
    "isCancelled isOrganizer seriesMasterId showAs type occurrenceId originalStart start end recurrence sensitivity "
    "webLink"
)
_LIMITED = frozenset(_LIMITED_NAMES.split())
_EMPTY: Json = {
    "categories": [],
    "transactionId": None,
    "reminderMinutesBeforeStart": 15,
    "isReminderOn": False,
    "hasAttachments": False,
    "importance": "normal",
    "sensitivity": "normal",
    "isCancelled": False,
    "isOrganizer": True,
    "responseRequested": True,
    "showAs": "busy",
    "onlineMeetingUrl": None,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "allowNewTimeProposals": True,
    "isDraft": False,
    "hideAttendees": False,
    "attendees": [],
    "onlineMeeting": None,
}
_EMPTY_PLACE = {
    "displayName": "",
    "locationType": "default",
    "uniqueIdType": "unknown",
    "address": {},
    "coordinates": {},
}
_OUTLOOK = "https://outlook.office365.com/owa/"
_PREVIEW = 255


@dataclass(frozen=True)
class Reader:
    """Who looks at which calendar, and how. `base` is the address the API was called at."""

    account: Account
    calendar: Calendar
    preferences: Preferences
    base: str

    @property
    def role(self) -> Role:
        return self.calendar.role_of(self.account)

    def event_id(self, item: Item, view: View | None = None) -> str:
        day = view.day if view is not None else None
        folder = None if self.preferences.immutable_ids else self.calendar.token
        where = EventId(self.calendar.owner.mailbox, item.token, folder, day)
        return immutable_id(where) if folder is None else mutable_id(where)

    def sees(self, view: View) -> str:
        """`full`, `limited` (time, subject, place) or `times`."""
        role = self.role
        private = view.fields.get("sensitivity") in {"private", "confidential"}
        if private and rank(role) < rank("delegateWithPrivateEventAccess"):
            return "times"
        return "full" if rank(role) >= rank("read") else "limited"


def event_etag(reader: Reader, item: Item) -> str:
    return etag_of(reader.calendar.owner.mailbox, item.version)


def render_event(view: View, reader: Reader, options: Options | None = None) -> Json:
    """Graph's event. Without options: all properties that are told unasked."""
    options = options or Options()
    body = _all(view, reader)
    detail = reader.sees(view)
    if detail != "full":
        body = _hide(body, detail)
    chosen = [name for name in EVENT if name in body]
    if options.select is not None:
        chosen = [name for name in (*EVENT, *sorted(ON_REQUEST)) if name in {"id", *options.select} and name in body]
    shown: Json = {"@odata.etag": event_etag(reader, view.item), **{name: body[name] for name in chosen}}
    return shown | _expanded(view, reader, options, detail)


def render_stub(view: View, reader: Reader) -> Json:
    """All that a delta tells of an occurrence."""
    start, end = view.span.wire(reader.preferences.zone)
    return {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": event_etag(reader, view.item),
        "id": reader.event_id(view.item, view),
        "seriesMasterId": reader.event_id(view.item),
        "type": "occurrence",
        "start": start,
        "end": end,
    }


def _all(view: View, reader: Reader) -> Json:
    item, mailbox = view.item, reader.calendar.owner.mailbox
    start, end = view.span.wire(reader.preferences.zone)
    identifier = reader.event_id(item, view)
    body: Json = {**_EMPTY, **view.fields}
    body |= {
        "id": identifier,
        "createdDateTime": utc_text(item.created),
        "lastModifiedDateTime": utc_text(item.modified),
        "changeKey": change_key(mailbox, item.version),
        "originalStartTimeZone": view.span.label or view.span.zone,
        "originalEndTimeZone": view.span.label or view.span.end_zone,
        "iCalUId": view.uid,
        "subject": view.fields.get("subject", ""),
        "isAllDay": view.span.all_day,
        "seriesMasterId": None if view.day is None else reader.event_id(item),
        "type": view.kind,
        "webLink": f"{_OUTLOOK}?itemid={quote(identifier, safe='')}&exvsurl=1&path=/calendar/item",
        "occurrenceId": None if view.day is None else _occurrence_id(reader, item, view),
        "start": start,
        "end": end,
        "recurrence": item.recurrence if view.kind == "seriesMaster" else None,
        "hasAttachments": any(not each.is_inline for each in view.attachments.values()),
        "cancelledOccurrences": _cancelled(view, reader),
    }
    if view.original is not None:
        body["originalStart"] = utc_text(view.original.start)
    body["attendees"] = [_attendee(each, reader.preferences.zone) for each in body["attendees"]]
    body.setdefault("responseStatus", {"response": "organizer", "time": NEVER})
    body.setdefault("location", _EMPTY_PLACE)
    body.setdefault("locations", [])
    _render_body(body, text=reader.preferences.text_bodies)
    return body


def _attendee(attendee: Json, zone: str) -> Json:
    if "proposedNewTime" not in attendee:
        return attendee
    slot = attendee["proposedNewTime"]
    return {**attendee, "proposedNewTime": {name: in_zone(slot[name], zone) for name in ("start", "end")}}


def _occurrence_id(reader: Reader, item: Item, view: View) -> str:
    return f"OID.{reader.event_id(item)}.{view.day}"


def _cancelled(view: View, reader: Reader) -> list[str]:
    if view.kind != "seriesMaster":
        return []
    return [f"OID.{reader.event_id(view.item)}.{day}" for day in sorted(view.item.cancelled)]


def _render_body(body: Json, *, text: bool) -> None:
    stored = body.get("body") or {"contentType": "html", "content": ""}
    content = stored["content"]
    plain = content if stored["contentType"] == "text" else as_text(content)
    body["bodyPreview"] = plain.strip()[:_PREVIEW]
    if text:
        body["body"] = {"contentType": "text", "content": plain}
    elif stored["contentType"] == "text" and content:
        body["body"] = {"contentType": "html", "content": as_html(content)}
    else:
        body["body"] = {"contentType": "html", "content": content}


def _hide(body: Json, detail: str) -> Json:
    shown = {name: value for name, value in body.items() if name in _LIMITED}
    if detail == "limited":
        shown |= {"subject": body["subject"], "location": body["location"], "locations": body["locations"]}
    elif body.get("sensitivity") in {"private", "confidential"}:
        shown |= {"subject": "Private Appointment", "location": _EMPTY_PLACE, "locations": []}
    else:
        shown |= {"subject": "", "location": _EMPTY_PLACE, "locations": []}
    empty = {name: value for name, value in _EMPTY.items() if name not in shown}
    organizer = {"emailAddress": {"name": "", "address": ""}}
    rest: Json = {
        "bodyPreview": "",
        "body": {"contentType": "html", "content": ""},
        "organizer": organizer,
        "responseStatus": {"response": "none", "time": NEVER},
    }
    return {**empty, **rest, **shown}


def _expanded(view: View, reader: Reader, options: Options, detail: str) -> Json:
    more: Json = {}
    for name in options.expand:
        if name == "singleValueExtendedProperties":
            held = view.properties if detail == "full" else {}
            found = [{"id": key, "value": held[key]} for key in options.properties if key in held]
            if found:  # an event without any of them has no such member at all
                more[name] = found
        elif name == "multiValueExtendedProperties":
            lists = view.lists if detail == "full" else {}
            many = [{"id": key, "value": lists[key]} for key in options.lists if key in lists]
            more |= {name: many} if many else {}
        elif name == "exceptionOccurrences":
            days = sorted(view.item.deviations) if view.kind == "seriesMaster" else []
            exceptions = [occurrence(view.item, day) for day in days]
            more[name] = [render_event(each, reader) for each in exceptions if each is not None]
        elif name == "attachments":
            held_files = view.attachments if detail == "full" else {}
            more[name] = [render_attachment(each) for each in held_files.values()]
        elif name == "extensions":
            more[name] = render_extensions(view.extensions if detail == "full" else {}, options.extensions)
        elif name == "calendar":
            more[name] = render_calendar(reader.calendar, reader.account)
    return more


# calendars ----------------------------------------------------------------------------------


def render_calendar(calendar: Calendar, reader: Account, options: Options | None = None) -> Json:
    """Graph's calendar, as the person sees it."""
    options = options or Options()
    role, own = calendar.role_of(reader), calendar.owner is reader
    provider = "teamsForBusiness" if reader.work else "skypeForConsumer"
    meets = rank(role) >= rank("write")
    body: Json = {
        "id": calendar.id_for(reader),
        "name": calendar.name if own else _shared_name(calendar),
        "color": calendar.color,
        "hexColor": calendar.hex_color,
        "isDefaultCalendar": own and calendar.default,
        "changeKey": change_key(calendar.owner.mailbox, calendar.version),
        "canShare": own,
        "canViewPrivateItems": rank(role) >= rank("delegateWithPrivateEventAccess"),
        "canEdit": rank(role) >= rank("write"),
        "allowedOnlineMeetingProviders": [provider] if meets else [],
        "defaultOnlineMeetingProvider": provider if meets else "unknown",
        "isTallyingResponses": own and calendar.default,
        "isRemovable": not calendar.default or not own,
        "owner": {"name": calendar.owner.name, "address": calendar.owner.email},
    }
    select = options.select
    chosen = CALENDAR if select is None else [name for name in CALENDAR if name in {"id", *select}]
    held = visible_properties(calendar, reader)
    found = [{"id": key, "value": held[key]} for key in options.properties if key in held]
    return {name: body[name] for name in chosen} | ({"singleValueExtendedProperties": found} if found else {})


def visible_properties(calendar: Calendar, reader: Account) -> dict[str, str]:
    """A shared calendar's stand on its owner's folder, not on the link to it in another mailbox."""
    return calendar.properties if calendar.owner is reader else {}


def _shared_name(calendar: Calendar) -> str:
    """A default calendar is called after the person who shares it."""
    return calendar.owner.name if calendar.default else calendar.name
