"""SOAP bodies for tests. The one rule: they are written out, as a client sends them, and built by no library."""

from typing import Any

KEY_SET = "9b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
KEY_URI = f'<t:ExtendedFieldURI PropertySetId="{KEY_SET}" PropertyName="key" PropertyType="String"/>'
AT, UNTIL = "2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z"
PRIMARY = '<t:DistinguishedFolderId Id="calendar"/>'


def shape(base: str = "IdOnly", *paths: str) -> str:
    """An `ItemShape`; a path is a FieldURI or, if it begins with a bracket, an element."""
    more = "".join(path if path.startswith("<") else f'<t:FieldURI FieldURI="{path}"/>' for path in paths)
    additional = f"<t:AdditionalProperties>{more}</t:AdditionalProperties>" if more else ""
    return f"<m:ItemShape><t:BaseShape>{base}</t:BaseShape>{additional}</m:ItemShape>"


def create(*items: str, send: str | None = "SendToNone", folder: str = "", disposition: str | None = None) -> str:
    saved = f"<m:SavedItemFolderId>{folder}</m:SavedItemFolderId>" if folder else ""
    attributes = f' SendMeetingInvitations="{send}"' if send is not None else ""
    attributes += f' MessageDisposition="{disposition}"' if disposition is not None else ""
    return f"<m:CreateItem{attributes}>{saved}<m:Items>{''.join(items)}</m:Items></m:CreateItem>"


def meeting(
    start: str = AT,
    end: str = UNTIL,
    *,
    subject: str = "Meeting",
    before_start: str = "",
    guests: tuple[str, ...] = (),
    extra: str = "",
    tail: str = "",
) -> str:
    """A `CalendarItem`: `before_start` goes between subject and start, `extra` behind end, `tail` to the end."""
    people = "".join(
        f"<t:Attendee><t:Mailbox><t:EmailAddress>{g}</t:EmailAddress></t:Mailbox></t:Attendee>" for g in guests
    )
    invited = f"<t:RequiredAttendees>{people}</t:RequiredAttendees>" if guests else ""
    return (
        f"<t:CalendarItem><t:Subject>{subject}</t:Subject>{before_start}<t:Start>{start}</t:Start><t:End>{end}</t:End>"
        f"{extra}{invited}{tail}</t:CalendarItem>"
    )


def item_id(node: Any, name: str = "ItemId", *, key: bool = True) -> str:
    """An element that names an item again, as it came."""
    change = f' ChangeKey="{node.get("ChangeKey")}"' if key else ""
    return f'<t:{name} Id="{node.get("Id")}"{change}/>'


def get(*ids: str, base: str = "AllProperties", paths: tuple[str, ...] = ()) -> str:
    return f"<m:GetItem>{shape(base, *paths)}<m:ItemIds>{''.join(ids)}</m:ItemIds></m:GetItem>"


def update(
    item: str,
    *changes: str,
    resolution: str = "AutoResolve",
    send: str | None = "SendToNone",
) -> str:
    attributes = f' SendMeetingInvitationsOrCancellations="{send}"' if send is not None else ""
    return (
        f'<m:UpdateItem ConflictResolution="{resolution}"{attributes}><m:ItemChanges><t:ItemChange>{item}'
        f"<t:Updates>{''.join(changes)}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )


def set_field(uri: str, element: str) -> str:
    return f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{element}</t:CalendarItem></t:SetItemField>'


def delete(item: str, *, send: str | None = "SendToNone", disposal: str = "MoveToDeletedItems") -> str:
    attributes = f' SendMeetingCancellations="{send}"' if send is not None else ""
    return f'<m:DeleteItem DeleteType="{disposal}"{attributes}><m:ItemIds>{item}</m:ItemIds></m:DeleteItem>'


def view(start: str, end: str, *paths: str, folder: str = PRIMARY, base: str = "Default", most: str = "") -> str:
    limit = f' MaxEntriesReturned="{most}"' if most else ""
    return (
        f'<m:FindItem Traversal="Shallow">{shape(base, *paths)}'
        f'<m:CalendarView{limit} StartDate="{start}" EndDate="{end}"/>'
        f"<m:ParentFolderIds>{folder}</m:ParentFolderIds></m:FindItem>"
    )


def find(restriction: str = "", *paths: str, page: str = "", order: str = "", folder: str = PRIMARY) -> str:
    limited = f"<m:Restriction>{restriction}</m:Restriction>" if restriction else ""
    sorting = f"<m:SortOrder>{order}</m:SortOrder>" if order else ""
    return (
        f'<m:FindItem Traversal="Shallow">{shape("IdOnly", "item:Subject", *paths)}{page}{limited}{sorting}'
        f"<m:ParentFolderIds>{folder}</m:ParentFolderIds></m:FindItem>"
    )


def equals(path: str, value: str, *, operator: str = "IsEqualTo") -> str:
    where = path if path.startswith("<") else f'<t:FieldURI FieldURI="{path}"/>'
    constant = f'<t:FieldURIOrConstant><t:Constant Value="{value}"/></t:FieldURIOrConstant>'
    return f"<t:{operator}>{where}{constant}</t:{operator}>"


def sync(state: str = "", *, most: int = 100, paths: tuple[str, ...] = (), folder: str = PRIMARY) -> str:
    known = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    return (
        f"<m:SyncFolderItems>{shape('IdOnly', 'item:Subject', *paths)}<m:SyncFolderId>{folder}</m:SyncFolderId>{known}"
        f"<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
    )


ITEM_EVENTS = ("CreatedEvent", "ModifiedEvent", "DeletedEvent", "MovedEvent")


def subscribe(
    *kinds: str, way: str = "Pull", folders: str | None = PRIMARY, tail: str | None = None, attributes: str = ""
) -> str:
    """A `Subscribe`; `tail` is what stands behind the kinds of events (default: what a way requires)."""
    if tail is None:
        tail = {"Pull": "<t:Timeout>10</t:Timeout>", "Streaming": ""}[way]
    named = f"<t:FolderIds>{folders}</t:FolderIds>" if folders is not None else ""
    wanted = "".join(f"<t:EventType>{kind}</t:EventType>" for kind in kinds or ITEM_EVENTS)
    return (
        f"<m:Subscribe><m:{way}SubscriptionRequest{attributes}>{named}<t:EventTypes>{wanted}</t:EventTypes>{tail}"
        f"</m:{way}SubscriptionRequest></m:Subscribe>"
    )


def pushed_to(url: str, minutes: int = 30) -> str:
    """The end of a push subscription."""
    return f"<t:StatusFrequency>{minutes}</t:StatusFrequency><t:URL>{url}</t:URL>"


def get_events(subscription: str, watermark: str) -> str:
    return (
        f"<m:GetEvents><m:SubscriptionId>{subscription}</m:SubscriptionId><m:Watermark>{watermark}</m:Watermark>"
        "</m:GetEvents>"
    )


def get_streaming_events(*subscriptions: str, minutes: int = 1) -> str:
    ids = "".join(f"<t:SubscriptionId>{one}</t:SubscriptionId>" for one in subscriptions)
    return (
        f"<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds>"
        f"<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout></m:GetStreamingEvents>"
    )


def unsubscribe(subscription: str) -> str:
    return f"<m:Unsubscribe><m:SubscriptionId>{subscription}</m:SubscriptionId></m:Unsubscribe>"


def get_folder(*folders: str, base: str = "Default") -> str:
    return (
        f"<m:GetFolder><m:FolderShape><t:BaseShape>{base}</t:BaseShape></m:FolderShape>"
        f"<m:FolderIds>{''.join(folders or (PRIMARY,))}</m:FolderIds></m:GetFolder>"
    )


def of_mailbox(email: str, folder: str = "calendar") -> str:
    """A distinguished folder of somebody else's."""
    mailbox = f"<t:Mailbox><t:EmailAddress>{email}</t:EmailAddress></t:Mailbox>"
    return f'<t:DistinguishedFolderId Id="{folder}">{mailbox}</t:DistinguishedFolderId>'


def impersonating(email: str, element: str = "PrimarySmtpAddress") -> str:
    return (
        f"<t:ExchangeImpersonation><t:ConnectingSID><t:{element}>{email}</t:{element}></t:ConnectingSID>"
        "</t:ExchangeImpersonation>"
    )


def in_zone(name: str) -> str:
    return f'<t:TimeZoneContext><t:TimeZoneDefinition Id="{name}"/></t:TimeZoneContext>'


def weekly(days: str = "Monday", *, start: str = "2026-03-02", count: int = 8, interval: int = 1) -> str:
    return (
        f"<t:Recurrence><t:WeeklyRecurrence><t:Interval>{interval}</t:Interval><t:DaysOfWeek>{days}</t:DaysOfWeek>"
        f"</t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>{start}</t:StartDate>"
        f"<t:NumberOfOccurrences>{count}</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
    )


def zone_of(name: str, element: str = "StartTimeZone") -> str:
    return f'<t:{element} Id="{name}"/>'


STOCKHOLM = (
    "<t:TimeZone><t:Bias>-60</t:Bias>"
    "<t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
    "<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
)


def availability(
    *emails: str,
    start: str = "2026-03-28T00:00:00",
    end: str = "2026-03-31T00:00:00",
    view: str = "Detailed",
    interval: int = 60,
    zone: str = STOCKHOLM,
) -> str:
    """A `GetUserAvailabilityRequest` over the days on which clocks change in Europe."""
    people = "".join(
        f"<t:MailboxData><t:Email><t:Address>{email}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"
        "</t:MailboxData>"
        for email in emails
    )
    return (
        f"<m:GetUserAvailabilityRequest>{zone}<m:MailboxDataArray>{people}</m:MailboxDataArray><t:FreeBusyViewOptions>"
        f"<t:TimeWindow><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>"
        f"<t:MergedFreeBusyIntervalInMinutes>{interval}</t:MergedFreeBusyIntervalInMinutes>"
        f"<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )
