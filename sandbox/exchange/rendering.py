"""A calendar item as XML. The one rule: elements stand in the schema's order, however they were asked for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sandbox.exchange.attachments import render_attachments
from sandbox.exchange.bodies import as_html, as_text
from sandbox.exchange.fields import CALENDAR_ITEM
from sandbox.exchange.ids import StoreId, write_format
from sandbox.exchange.items import Attendee, View
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.meetings import is_organizer
from sandbox.exchange.mime import mime_content
from sandbox.exchange.overlaps import adjacent, conflicting
from sandbox.exchange.properties import value_of, write_property
from sandbox.exchange.recurrence import write_recurrence
from sandbox.exchange.rights import Rights
from sandbox.exchange.shapes import Shape
from sandbox.exchange.times import utc, wall
from sandbox.exchange.versions import EXCHANGE_2013
from sandbox.exchange.world import Folder
from sandbox.exchange.zones import Zone, definition, display_name, meeting_zone


@dataclass(frozen=True)
class Reader:
    """Who reads an item, and in what shape. `private`: the item is private and not theirs, so only its times show."""

    shape: Shape
    rights: Rights
    private: bool = False


Renderer = Callable[[View, Folder, Reader], Markup | None]
_HIDDEN = frozenset(
    [
        "MimeContent",
        "Body",
        "Attachments",
        "HasAttachments",
        "Location",
        "RequiredAttendees",
        "OptionalAttendees",
        "Resources",
        "Organizer",
        "DisplayTo",
    ]
)


def render(view: View, folder: Folder, reader: Reader) -> Markup:
    """A `CalendarItem` element."""
    children: list[Markup] = []
    for field in CALENDAR_ITEM:
        if field.name == "ExtendedProperty":
            children += _extended(view, reader)
        elif reader.shape.has(field.name) and not (reader.private and field.name in _HIDDEN):
            rendered = _render_one(field.name, view, folder, reader)
            if rendered is not None:
                children.append(rendered)
    return element("t:CalendarItem", *children)


def _extended(view: View, reader: Reader) -> list[Markup]:
    if reader.private:
        return []
    found = ((asked, value_of(view, asked.path)) for asked in reader.shape.properties)
    return [
        write_property(asked.definition, reader.shape.shown(value) if isinstance(value, str) else value)
        for asked, value in found
        if value is not None
    ]


def _render_one(name: str, view: View, folder: Folder, reader: Reader) -> Markup | None:
    renderer = _RENDERERS.get(name)
    if renderer is not None:
        return renderer(view, folder, reader)
    value = view.get(name)
    if isinstance(value, str):
        value = reader.shape.shown(value)
    return _plain(f"t:{name}", value) if value is not None else None


def _plain(name: str, value: object) -> Markup:
    if isinstance(value, bool):
        return element(name, boolean(value))
    return element(name, str(value))


def item_id(view: View, folder: Folder, name: str = "t:ItemId") -> Markup:
    """An `ItemId` with the change key; occurrences share their series' key."""
    return element(name, Id=folder.item_id(view.item, view.original), ChangeKey=folder.item_key(view.item))


def mailbox(email: str, name: str, *, wrapper: str | None = None) -> Markup:
    """A `Mailbox` of somebody."""
    inner = element(
        "t:Mailbox",
        element("t:Name", name),
        element("t:EmailAddress", email),
        element("t:RoutingType", "SMTP"),
    )
    return element(wrapper, inner) if wrapper is not None else inner


def _guests(role: str) -> Renderer:
    def render_guests(view: View, folder: Folder, reader: Reader) -> Markup | None:
        del folder, reader
        guests: Iterable[Attendee] = view.get(role, ())
        rows = [
            element(
                "t:Attendee",
                mailbox(guest.email, guest.name),
                element("t:ResponseType", guest.response),
                element("t:LastResponseTime", utc(guest.replied)) if guest.replied is not None else None,
            )
            for guest in guests
        ]
        return element(f"t:{role}", *rows) if rows else None

    return render_guests


def _body(name: str) -> Renderer:
    def render_body(view: View, folder: Folder, reader: Reader) -> Markup | None:
        del folder
        kind, text = view.get("Body", ("Text", ""))
        wanted = "Text" if name == "TextBody" else {"HTML": "HTML", "Text": "Text"}.get(reader.shape.body, kind)
        shown = text if wanted == kind else (as_html(text) if wanted == "HTML" else as_text(text))
        return element(f"t:{name}", shown, BodyType=wanted)

    return render_body


def _organizer(view: View, folder: Folder, reader: Reader) -> Markup | None:
    """FindItem's table holds the name of the organizer, not the address."""
    del folder
    organizer = view.get("Organizer")
    if organizer is None:
        return None
    if reader.shape.cut:
        return element("t:Organizer", element("t:Mailbox", element("t:Name", organizer[1])))
    return mailbox(organizer[0], organizer[1], wrapper="t:Organizer")


def _categories(view: View, folder: Folder, reader: Reader) -> Markup | None:
    del folder, reader
    names = view.get("Categories", ())
    return element("t:Categories", *(element("t:String", name) for name in names)) if names else None


def _instant(name: str, read: Callable[[View], object]) -> Renderer:
    def render_instant(view: View, folder: Folder, reader: Reader) -> Markup | None:
        del folder, reader
        value = read(view)
        return element(f"t:{name}", utc(value)) if value is not None else None  # type: ignore[arg-type]

    return render_instant


def _computed(name: str, read: Callable[[View, Folder], object]) -> Renderer:
    def render_computed(view: View, folder: Folder, reader: Reader) -> Markup | None:
        del reader
        value = read(view, folder)
        return _plain(f"t:{name}", value) if value is not None else None

    return render_computed


def _zone(name: str, key: str) -> Renderer:
    def render_zone(view: View, folder: Folder, reader: Reader) -> Markup | None:
        del folder
        zone: Zone = view.get(key, view.item.zone)
        if name.endswith("Id"):
            return element(f"t:{name}", zone.id)
        # Since 2013 only the name is told; before, the whole definition.
        return definition(zone, name=f"t:{name}", full=reader.shape.rank < EXCHANGE_2013)

    return render_zone


def _wall_clock(name: str, key: str, read: Callable[[View], object]) -> Renderer:
    def render_wall(view: View, folder: Folder, reader: Reader) -> Markup | None:
        del folder, reader
        zone: Zone = view.get(key, view.item.zone)
        return element(f"t:{name}", wall(zone.to_wall(read(view))))  # type: ignore[arg-type]

    return render_wall


def _busy(view: View, folder: Folder, reader: Reader) -> Markup:
    del folder
    status = view.get("LegacyFreeBusyStatus", "Busy")
    if status == "WorkingElsewhere" and reader.shape.rank < EXCHANGE_2013:
        status = "NoData"  # a schema that lacks the value has no other word for it
    return element("t:LegacyFreeBusyStatus", status)


def _recurrence(view: View, folder: Folder, reader: Reader) -> Markup | None:
    del folder, reader
    recurrence = view.item.recurrence
    return write_recurrence(recurrence) if view.kind == "RecurringMaster" and recurrence is not None else None


def _occurrence_info(name: str, view: View, folder: Folder) -> Markup:
    assert view.original is not None
    return element(
        name,
        item_id(view, folder),
        element("t:Start", utc(view.start)),
        element("t:End", utc(view.end)),
        element("t:OriginalStart", utc(view.original)),
    )


def _first(view: View, folder: Folder, reader: Reader) -> Markup | None:
    del reader
    if view.kind != "RecurringMaster":
        return None
    original = next((start for start in view.item.starts() if start not in view.item.deletions), None)
    if original is None:
        return None
    return _occurrence_info("t:FirstOccurrence", View(view.item, original), folder)


def _last(view: View, folder: Folder, reader: Reader) -> Markup | None:
    del reader
    recurrence = view.item.recurrence
    if view.kind != "RecurringMaster" or recurrence is None or (recurrence.end is None and recurrence.count is None):
        return None
    left = [start for start in view.item.starts() if start not in view.item.deletions]
    return _occurrence_info("t:LastOccurrence", View(view.item, left[-1]), folder) if left else None


def _modified(view: View, folder: Folder, reader: Reader) -> Markup | None:
    del reader
    if view.kind != "RecurringMaster" or not view.item.exceptions:
        return None
    rows = (_occurrence_info("t:Occurrence", View(view.item, at), folder) for at in sorted(view.item.exceptions))
    return element("t:ModifiedOccurrences", *rows)


def _deleted(view: View, folder: Folder, reader: Reader) -> Markup | None:
    del folder, reader
    if view.kind != "RecurringMaster" or not view.item.deletions:
        return None
    rows = (element("t:DeletedOccurrence", element("t:Start", utc(at))) for at in sorted(view.item.deletions))
    return element("t:DeletedOccurrences", *rows)


def _response_objects(view: View, folder: Folder, reader: Reader) -> Markup:
    """What a client may answer this item with."""
    del reader
    if not view.guests():
        names = ["ForwardItem"]
    elif is_organizer(folder, view):
        names = ["CancelCalendarItem", "ReplyAllToItem", "ForwardItem"]
    elif view.get("IsCancelled", False):
        names = ["ReplyToItem", "ReplyAllToItem", "ForwardItem", "RemoveItem"]
    else:
        names = ["AcceptItem", "TentativelyAcceptItem", "DeclineItem", "ReplyToItem", "ReplyAllToItem", "ForwardItem"]
    return element("t:ResponseObjects", *(element(f"t:{name}") for name in names))


def _state(view: View, folder: Folder) -> int:
    """AppointmentState: 1 a meeting, 2 received, 4 cancelled."""
    received = not is_organizer(folder, view)
    cancelled = bool(view.get("IsCancelled", False))
    return int(bool(view.guests())) + 2 * int(received) + 4 * int(cancelled)


def _duration(view: View, folder: Folder) -> str:
    del folder
    minutes = int((view.end - view.start).total_seconds()) // 60
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if not days and not clock:
        return "PT0S"
    return f"P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"


def _due(view: View) -> object:
    return view.get("ReminderDueBy") or view.start


def _effective_rights(view: View, folder: Folder, reader: Reader) -> Markup:
    del view, folder
    return reader.rights.markup()


def _store_entry(view: View, folder: Folder) -> str:
    return write_format(StoreId(folder.mailbox.guid, folder.number, view.item.number), "EntryId")


_CLASSES = {
    "Occurrence": "IPM.Appointment.Occurrence",
    "Exception": "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}",
}
_RENDERERS: Mapping[str, Renderer] = {
    "MimeContent": lambda view, *_: mime_content(view),
    "ItemId": lambda view, folder, _: item_id(view, folder),
    "ParentFolderId": lambda _, folder, __: element("t:ParentFolderId", Id=folder.id, ChangeKey=folder.change_key),
    "ItemClass": _computed(
        "ItemClass",
        lambda view, _: _CLASSES.get(view.kind) or view.get("ItemClass", "IPM.Appointment"),
    ),
    "Subject": lambda view, _, reader: element(
        "t:Subject", "Private Appointment" if reader.private else reader.shape.shown(view.get("Subject", ""))
    ),
    "Body": _body("Body"),
    "UniqueBody": _body("UniqueBody"),
    "NormalizedBody": _body("NormalizedBody"),
    "TextBody": _body("TextBody"),
    "Attachments": lambda view, folder, reader: render_attachments(view, folder, reader.shape.rank),
    "DateTimeReceived": _instant("DateTimeReceived", lambda view: view.item.created),
    "Size": _computed("Size", lambda view, _: view.size),
    "Categories": _categories,
    "IsSubmitted": _computed("IsSubmitted", lambda *_: False),
    "IsDraft": _computed("IsDraft", lambda view, _: view.is_draft),
    "IsFromMe": _computed("IsFromMe", lambda *_: False),
    "IsResend": _computed("IsResend", lambda *_: False),
    "IsUnmodified": _computed("IsUnmodified", lambda *_: False),
    "DateTimeSent": _instant("DateTimeSent", lambda view: view.item.created),
    "DateTimeCreated": _instant("DateTimeCreated", lambda view: view.item.created),
    "ResponseObjects": _response_objects,
    "ReminderDueBy": _instant("ReminderDueBy", _due),
    "DisplayCc": _computed("DisplayCc", lambda view, _: view.names("OptionalAttendees")),
    "DisplayTo": _computed("DisplayTo", lambda view, _: view.names("RequiredAttendees")),
    "HasAttachments": _computed("HasAttachments", lambda view, _: bool(view.get("Attachments"))),
    "EffectiveRights": _effective_rights,
    "LastModifiedTime": _instant("LastModifiedTime", lambda view: view.item.modified),
    "IsAssociated": _computed("IsAssociated", lambda *_: False),
    "StoreEntryId": _computed("StoreEntryId", _store_entry),
    "InstanceKey": _computed("InstanceKey", lambda view, folder: folder.item_id(view.item, view.original)[-16:]),
    "UID": _computed("UID", lambda view, _: view.item.uid),
    "RecurrenceId": _instant("RecurrenceId", lambda view: view.original),
    "DateTimeStamp": _instant("DateTimeStamp", lambda view: view.item.modified),
    "Start": _instant("Start", lambda view: view.start),
    "End": _instant("End", lambda view: view.end),
    "OriginalStart": _instant("OriginalStart", lambda view: view.original),
    "IsAllDayEvent": _computed("IsAllDayEvent", lambda view, _: view.get("IsAllDayEvent", False)),
    "LegacyFreeBusyStatus": _busy,
    "IntendedFreeBusyStatus": lambda view, folder, reader: element(
        "t:IntendedFreeBusyStatus", *_busy(view, folder, reader).children
    ),
    "IsMeeting": _computed("IsMeeting", lambda view, _: bool(view.guests())),
    "IsCancelled": _computed("IsCancelled", lambda view, _: view.get("IsCancelled", False)),
    "IsRecurring": _computed("IsRecurring", lambda view, _: view.original is not None),
    "MeetingRequestWasSent": _computed(
        "MeetingRequestWasSent", lambda view, _: view.get("MeetingRequestWasSent", False)
    ),
    "IsResponseRequested": _computed("IsResponseRequested", lambda view, _: view.get("IsResponseRequested", True)),
    "CalendarItemType": _computed("CalendarItemType", lambda view, _: view.kind),
    "MyResponseType": _computed("MyResponseType", lambda view, _: view.get("MyResponseType", "Organizer")),
    "Organizer": _organizer,
    "RequiredAttendees": _guests("RequiredAttendees"),
    "OptionalAttendees": _guests("OptionalAttendees"),
    "Resources": _guests("Resources"),
    "ConflictingMeetingCount": _computed(
        "ConflictingMeetingCount", lambda view, folder: len(conflicting(view, folder))
    ),
    "AdjacentMeetingCount": _computed("AdjacentMeetingCount", lambda view, folder: len(adjacent(view, folder))),
    "Duration": _computed("Duration", _duration),
    "TimeZone": _computed("TimeZone", lambda view, _: display_name(view.item.zone)),
    "AppointmentReplyTime": _instant("AppointmentReplyTime", lambda view: view.get("AppointmentReplyTime")),
    "AppointmentSequenceNumber": _computed(
        "AppointmentSequenceNumber", lambda view, _: view.get("AppointmentSequenceNumber", 0)
    ),
    "AppointmentState": _computed("AppointmentState", _state),
    "Recurrence": _recurrence,
    "FirstOccurrence": _first,
    "LastOccurrence": _last,
    "ModifiedOccurrences": _modified,
    "DeletedOccurrences": _deleted,
    "MeetingTimeZone": lambda view, *_: meeting_zone(view.item.zone),
    "StartTimeZone": _zone("StartTimeZone", "StartTimeZone"),
    "EndTimeZone": _zone("EndTimeZone", "EndTimeZone"),
    "StartWallClock": _wall_clock("StartWallClock", "StartTimeZone", lambda view: view.start),
    "EndWallClock": _wall_clock("EndWallClock", "EndTimeZone", lambda view: view.end),
    "StartTimeZoneId": _zone("StartTimeZoneId", "StartTimeZone"),
    "EndTimeZoneId": _zone("EndTimeZoneId", "EndTimeZone"),
    "ConferenceType": _computed("ConferenceType", lambda view, _: view.get("ConferenceType", 0)),
    "AllowNewTimeProposal": _computed("AllowNewTimeProposal", lambda view, _: view.get("AllowNewTimeProposal", True)),
    "IsOnlineMeeting": _computed("IsOnlineMeeting", lambda view, _: view.get("IsOnlineMeeting", False)),
    "IsOrganizer": _computed("IsOrganizer", lambda view, folder: is_organizer(folder, view)),
    "Importance": _computed("Importance", lambda view, _: view.get("Importance", "Normal")),
    "Sensitivity": _computed("Sensitivity", lambda view, _: view.get("Sensitivity", "Normal")),
    "ReminderIsSet": _computed("ReminderIsSet", lambda view, _: view.get("ReminderIsSet", False)),
    "ReminderMinutesBeforeStart": _computed(
        "ReminderMinutesBeforeStart", lambda view, _: view.get("ReminderMinutesBeforeStart", 0)
    ),
}
