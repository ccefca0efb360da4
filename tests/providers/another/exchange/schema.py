"""What Exchange's schema allows in a request, as far as a calendar's client goes: [MS-OXWSCDATA], [MS-OXWSCORE],
[MS-OXWSMTGS], [MS-OXWSSYNC], [MS-OXWSFOLD] of Microsoft's open specifications, in the form of Exchange 2010 SP2.

The one rule: what the schema does not name is refused, and so is what stands at another place than it says.
https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxwscdata
"""

import re
from functools import cache
from typing import Any

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ITEM = _words(
    """
    MimeContent ItemId ParentFolderId ItemClass Subject Sensitivity Body Attachments DateTimeReceived Size
    Categories Importance InReplyTo IsSubmitted IsDraft IsFromMe IsResend IsUnmodified InternetMessageHeaders
    DateTimeSent DateTimeCreated ResponseObjects ReminderDueBy ReminderIsSet ReminderMinutesBeforeStart DisplayCc
    DisplayTo HasAttachments ExtendedProperty Culture EffectiveRights LastModifiedName LastModifiedTime IsAssociated
    WebClientReadFormQueryString WebClientEditFormQueryString ConversationId UniqueBody
    """
)
CALENDAR = _words(
    """
    UID RecurrenceId DateTimeStamp Start End OriginalStart IsAllDayEvent LegacyFreeBusyStatus Location When
    IsMeeting IsCancelled IsRecurring MeetingRequestWasSent IsResponseRequested CalendarItemType MyResponseType
    Organizer RequiredAttendees OptionalAttendees Resources ConflictingMeetingCount AdjacentMeetingCount
    ConflictingMeetings AdjacentMeetings Duration TimeZone AppointmentReplyTime AppointmentSequenceNumber
    AppointmentState Recurrence FirstOccurrence LastOccurrence ModifiedOccurrences DeletedOccurrences
    MeetingTimeZone StartTimeZone EndTimeZone ConferenceType AllowNewTimeProposal IsOnlineMeeting
    MeetingWorkspaceUrl NetShowUrl
    """
)
FOLDER = _words("FolderId ParentFolderId FolderClass DisplayName TotalCount ChildFolderCount")
ONLY_BY_GET_ITEM = frozenset(
    _words(
        """
        MimeContent Body Attachments InternetMessageHeaders ResponseObjects UniqueBody RequiredAttendees
        OptionalAttendees Resources ConflictingMeetings AdjacentMeetings Recurrence FirstOccurrence LastOccurrence
        ModifiedOccurrences DeletedOccurrences MeetingTimeZone StartTimeZone EndTimeZone
        """
    )
)
"""Not of the summary: no listing tells them."""
READ_ONLY = frozenset(
    _words(
        """
        ItemId ParentFolderId Size DateTimeSent DateTimeCreated LastModifiedTime LastModifiedName IsMeeting
        IsCancelled IsRecurring CalendarItemType MyResponseType Organizer LastOccurrence ModifiedOccurrences
        OriginalStart
        """
    )
)
_FIELDS = frozenset(
    [*(f"item:{name}" for name in ITEM), *(f"calendar:{name}" for name in CALENDAR)]
    + [f"folder:{name}" for name in (*FOLDER, "EffectiveRights")]
)
_PATH = "(FieldURI|IndexedFieldURI|ExtendedFieldURI)"
_FOLDER_ID = "(FolderId|DistinguishedFolderId)"
_ITEM_ID = "(ItemId|OccurrenceItemId|RecurringMasterItemId)"
_ANSWER = "ItemClass? Sensitivity? Body? Attachments? InternetMessageHeaders? ReferenceItemId"
_PAGE = {"MaxEntriesReturned": r"[1-9]\d*", "Offset!": r"\d+", "BasePoint!": "Beginning|End"}
_SENDS = "SendToNone|SendOnlyToAll|SendToAllAndSaveCopy"
_ZONE = {"Id": ".+", "Name": ".+"}
_ID = {"Id!": ".+", "ChangeKey": ".+"}
_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"

_CHILDREN = {
    "GetFolder": "FolderShape FolderIds",
    "FindFolder": "FolderShape (IndexedPageFolderView|FractionalPageFolderView)? Restriction? ParentFolderIds",
    "CreateFolder": "ParentFolderId Folders",
    "FindItem": "ItemShape (IndexedPageItemView|CalendarView)? Restriction? SortOrder? ParentFolderIds QueryString?",
    "GetItem": "ItemShape ItemIds",
    "SyncFolderItems": "ItemShape SyncFolderId SyncState? Ignore? MaxChangesReturned SyncScope?",
    "CreateItem": "SavedItemFolderId? Items",
    "UpdateItem": "SavedItemFolderId? ItemChanges",
    "DeleteItem": "ItemIds",
    "ItemShape": "BaseShape IncludeMimeContent? BodyType? FilterHtmlContent? AdditionalProperties?",
    "FolderShape": "BaseShape AdditionalProperties?",
    "AdditionalProperties": f"{_PATH}+",
    **dict.fromkeys(("FolderIds", "ParentFolderIds"), f"{_FOLDER_ID}+"),
    **dict.fromkeys(("ParentFolderId", "SyncFolderId", "SavedItemFolderId"), _FOLDER_ID),
    "DistinguishedFolderId": "Mailbox?",
    "Mailbox": "Name? EmailAddress? RoutingType? MailboxType? ItemId?",
    "ItemIds": f"{_ITEM_ID}+",
    "Restriction": "IsEqualTo",
    "IsEqualTo": f"{_PATH} FieldURIOrConstant",
    "FieldURIOrConstant": f"({_PATH}|Constant)",
    "Folders": "CalendarFolder+",
    "CalendarFolder": f"{'? '.join(FOLDER)}? ExtendedProperty* EffectiveRights?",
    "Items": "(CalendarItem|AcceptItem|TentativelyAcceptItem|DeclineItem)+",
    "CalendarItem": "".join(f"{name}{'*' if name == 'ExtendedProperty' else '?'} " for name in (*ITEM, *CALENDAR)),
    **dict.fromkeys(("AcceptItem", "TentativelyAcceptItem", "DeclineItem"), _ANSWER),
    "ExtendedProperty": "ExtendedFieldURI (Value|Values)",
    **dict.fromkeys(("RequiredAttendees", "OptionalAttendees", "Resources"), "Attendee+"),
    "Attendee": "Mailbox ResponseType? LastResponseTime?",
    "ItemChanges": "ItemChange+",
    "ItemChange": f"{_ITEM_ID} Updates",
    "Updates": "(SetItemField|AppendToItemField|DeleteItemField)+",
    **dict.fromkeys(("SetItemField", "AppendToItemField"), f"{_PATH} CalendarItem"),
    "DeleteItemField": _PATH,
}
_ATTRIBUTES: dict[str, dict[str, str]] = {
    "FindFolder": {"Traversal!": "Shallow|Deep|SoftDeleted"},
    "FindItem": {"Traversal!": "Shallow|SoftDeleted|Associated"},
    "CreateItem": {"MessageDisposition": "SaveOnly|SendOnly|SendAndSaveCopy", "SendMeetingInvitations": _SENDS},
    "UpdateItem": {
        "ConflictResolution!": "NeverOverwrite|AutoResolve|AlwaysOverwrite",
        "MessageDisposition": "SaveOnly|SendOnly|SendAndSaveCopy",
        "SendMeetingInvitationsOrCancellations": f"{_SENDS}|SendOnlyToChanged|SendToChangedAndSaveCopy",
    },
    "DeleteItem": {
        "DeleteType!": "HardDelete|SoftDelete|MoveToDeletedItems",
        "SendMeetingCancellations": _SENDS,
        "AffectedTaskOccurrences": "AllOccurrences|SpecifiedOccurrenceOnly",
    },
    "FieldURI": {"FieldURI!": "|".join(_FIELDS)},
    "ExtendedFieldURI": {
        "PropertySetId": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "PropertyName": ".+",
        "PropertyType!": "String",
    },
    "FolderId": _ID,
    "ItemId": _ID,
    "ReferenceItemId": _ID,
    "DistinguishedFolderId": {"Id!": "calendar|deleteditems|inbox|msgfolderroot|root", "ChangeKey": ".+"},
    "RecurringMasterItemId": {"OccurrenceId!": ".+", "ChangeKey": ".+"},
    "OccurrenceItemId": {"RecurringMasterId!": ".+", "InstanceIndex!": r"\d+", "ChangeKey": ".+"},
    "IndexedPageFolderView": _PAGE,
    "IndexedPageItemView": _PAGE,
    "CalendarView": {"MaxEntriesReturned": r"[1-9]\d*", "StartDate!": _DATE, "EndDate!": _DATE},
    "Constant": {"Value!": "(?s).*"},
    "CalendarItem/Body": {"BodyType!": "HTML|Text"},
    "StartTimeZone": _ZONE,
    "EndTimeZone": _ZONE,
}
_TEXTS = {
    "BaseShape": "IdOnly|Default|AllProperties",
    "BodyType": "Best|HTML|Text",
    "MaxChangesReturned": r"[1-9]\d?|[1-4]\d\d|50\d|51[0-2]",
    **dict.fromkeys(("Start", "End"), _DATE),
    "IsAllDayEvent": "true|false|1|0",
    "LegacyFreeBusyStatus": "Free|Tentative|Busy|OOF|NoData",
    **dict.fromkeys(("EmailAddress", "SyncState"), ".+"),
    **dict.fromkeys(("Subject", "Body", "Location", "UID", "DisplayName", "Value", "Name"), "(?s).*"),
    "RoutingType": "SMTP|EX",
}


class SchemaViolation(Exception):
    """The sentence that Exchange's validator would say."""


def operation_in(content: bytes, action: str) -> tuple[str, Any, str]:
    """The name, the element and the schema version of a request; SOAP 1.1 wants it named in a header as well.

    Raises: SchemaViolation.
    """
    try:
        root = etree.fromstring(content)
    except etree.XMLSyntaxError as error:
        raise SchemaViolation("The request failed schema validation: no XML") from error
    names = [child.tag for child in root]
    if root.tag != f"{{{SOAP}}}Envelope" or names != [f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"] or len(root[1]) != 1:
        raise SchemaViolation("The request failed schema validation: no envelope with a header and one body")
    if [child.tag for child in root[0]] != [f"{{{TYPES}}}RequestServerVersion"]:
        raise SchemaViolation("a header that this server does not know")
    name = local(root[1][0])
    if action != f'"{MESSAGES}/{name}"':
        raise SchemaViolation(f"SOAPAction of {name}: {action}")
    if name not in _CHILDREN:
        raise SchemaViolation(f"The element '{name}' is no operation")
    _check(root[1][0], 0, "")
    return name, root[1][0], root[0][0].get("Version", "")


def local(element: Any) -> str:
    """A name without its namespace."""
    return etree.QName(element).localname


def _check(element: Any, depth: int, parent: str) -> None:
    name = local(element)
    if etree.QName(element).namespace != (MESSAGES if depth < 2 else TYPES):
        raise SchemaViolation(f"The element '{name}' is in an invalid namespace.")
    allowed = _ATTRIBUTES.get(f"{parent}/{name}", _ATTRIBUTES.get(name, {}))
    known = {key.rstrip("!"): pattern for key, pattern in allowed.items()}
    for key, value in element.attrib.items():
        if key not in known or not re.fullmatch(known[key], value):
            raise SchemaViolation(f"The '{key}' attribute of '{name}' is invalid: '{value}'.")
    for key in allowed:
        if key.endswith("!") and element.get(key.rstrip("!")) is None:
            raise SchemaViolation(f"The required attribute '{key[:-1]}' of '{name}' is missing.")
    children = [local(child) for child in element]
    if not _order(_CHILDREN.get(name, "")).fullmatch("".join(f"{child} " for child in children)):
        raise SchemaViolation(f"The element '{name}' has invalid child elements: {children}.")
    text = element.text or ""
    if not re.fullmatch(_TEXTS.get(name, ""), text if name in _TEXTS else text.strip()):
        raise SchemaViolation(f"The value '{text}' of '{name}' is invalid.")
    for child in element:
        _check(child, depth + 1, name)


@cache
def _order(children: str) -> re.Pattern[str]:
    """A model of children as a pattern over their names, a space after each."""
    return re.compile("".join(re.sub(r"[A-Za-z]+", r"(?:\g<0> )", part) for part in children.split()))
