"""The properties of a calendar item and of a folder, in the order of Exchange's schema.

The one rule: what a property is called, where it stands, since which schema it exists and which operations may touch it
is said here once; requests are checked and answers are written from the same rows.
"""

from dataclasses import dataclass
from types import MappingProxyType

from sandbox.exchange.versions import EXCHANGE_2010, EXCHANGE_2013, EXCHANGE_2016


@dataclass(frozen=True)
class Field:
    """A first-class property. Flags of a row: D default shape, W a client may set it, G only GetItem returns it,
    X never among AllProperties (only on request).
    """

    name: str
    group: str
    type: str
    flags: str = ""
    since: int = 0

    @property
    def uri(self) -> str:
        return f"{self.group}:{self.name}"

    @property
    def in_default(self) -> bool:
        return "D" in self.flags

    @property
    def in_all(self) -> bool:
        return "X" not in self.flags

    @property
    def writable(self) -> bool:
        return "W" in self.flags

    @property
    def findable(self) -> bool:
        """Whether FindItem may return it: only what the folder's table holds."""
        return "G" not in self.flags


_ITEM = (
    Field("MimeContent", "item", "anyType", "GX"),
    Field("ItemId", "item", "ItemIdType", "D"),
    Field("ParentFolderId", "item", "FolderIdType"),
    Field("ItemClass", "item", "string", "W"),
    Field("Subject", "item", "string", "DW"),
    Field("Sensitivity", "item", "SensitivityChoicesType", "W"),
    Field("Body", "item", "BodyType", "WG"),
    Field("Attachments", "item", "NonEmptyArrayOfAttachmentsType", "G"),
    Field("DateTimeReceived", "item", "dateTime"),
    Field("Size", "item", "int"),
    Field("Categories", "item", "ArrayOfStringsType", "W"),
    Field("Importance", "item", "ImportanceChoicesType", "W"),
    Field("InReplyTo", "item", "string", "W"),
    Field("IsSubmitted", "item", "boolean"),
    Field("IsDraft", "item", "boolean"),
    Field("IsFromMe", "item", "boolean"),
    Field("IsResend", "item", "boolean"),
    Field("IsUnmodified", "item", "boolean"),
    Field("InternetMessageHeaders", "item", "anyType", "G"),
    Field("DateTimeSent", "item", "dateTime"),
    Field("DateTimeCreated", "item", "dateTime"),
    Field("ResponseObjects", "item", "anyType", "D"),
    Field("ReminderDueBy", "item", "dateTime", "W"),
    Field("ReminderIsSet", "item", "boolean", "W"),
    Field("ReminderMinutesBeforeStart", "item", "ReminderMinutesBeforeStartType", "W"),
    Field("DisplayCc", "item", "string"),
    Field("DisplayTo", "item", "string"),
    Field("HasAttachments", "item", "boolean", "D"),
    Field("ExtendedProperty", "", "ExtendedPropertyType", "X"),
    Field("Culture", "item", "language", "W"),
    Field("EffectiveRights", "item", "anyType"),
    Field("LastModifiedName", "item", "string"),
    Field("LastModifiedTime", "item", "dateTime"),
    Field("IsAssociated", "item", "boolean", "", EXCHANGE_2010),
    Field("WebClientReadFormQueryString", "item", "string", "", EXCHANGE_2010),
    Field("WebClientEditFormQueryString", "item", "string", "", EXCHANGE_2010),
    Field("ConversationId", "item", "ItemIdType", "", EXCHANGE_2010),
    Field("UniqueBody", "item", "BodyType", "GX", EXCHANGE_2010),
    Field("Flag", "item", "anyType", "", EXCHANGE_2013),
    Field("StoreEntryId", "item", "base64Binary", "X", EXCHANGE_2013),
    Field("InstanceKey", "item", "base64Binary", "", EXCHANGE_2013),
    Field("NormalizedBody", "item", "BodyType", "GX", EXCHANGE_2013),
    Field("EntityExtractionResult", "item", "anyType", "GX", EXCHANGE_2013),
    Field("PolicyTag", "item", "anyType", "X", EXCHANGE_2013),
    Field("ArchiveTag", "item", "anyType", "X", EXCHANGE_2013),
    Field("RetentionDate", "item", "dateTime", "X", EXCHANGE_2013),
    Field("Preview", "item", "string", "X", EXCHANGE_2013),
    Field("TextBody", "item", "BodyType", "GX", EXCHANGE_2013),
    Field("IconIndex", "item", "string", "X", EXCHANGE_2013),
)
_CALENDAR = (
    Field("UID", "calendar", "string", "W"),
    Field("RecurrenceId", "calendar", "dateTime"),
    Field("DateTimeStamp", "calendar", "dateTime"),
    Field("Start", "calendar", "dateTime", "DW"),
    Field("End", "calendar", "dateTime", "DW"),
    Field("OriginalStart", "calendar", "dateTime"),
    Field("IsAllDayEvent", "calendar", "boolean", "W"),
    Field("LegacyFreeBusyStatus", "calendar", "LegacyFreeBusyType", "DW"),
    Field("Location", "calendar", "string", "DW"),
    Field("When", "calendar", "string", "W"),
    Field("IsMeeting", "calendar", "boolean"),
    Field("IsCancelled", "calendar", "boolean"),
    Field("IsRecurring", "calendar", "boolean"),
    Field("MeetingRequestWasSent", "calendar", "boolean"),
    Field("IsResponseRequested", "calendar", "boolean", "W"),
    Field("CalendarItemType", "calendar", "CalendarItemTypeType"),
    Field("MyResponseType", "calendar", "ResponseTypeType"),
    Field("Organizer", "calendar", "SingleRecipientType", "D"),
    Field("RequiredAttendees", "calendar", "NonEmptyArrayOfAttendeesType", "DWG"),
    Field("OptionalAttendees", "calendar", "NonEmptyArrayOfAttendeesType", "DWG"),
    Field("Resources", "calendar", "NonEmptyArrayOfAttendeesType", "DWG"),
    Field("InboxReminders", "calendar", "anyType", "GX", EXCHANGE_2016),
    Field("ConflictingMeetingCount", "calendar", "int", ""),
    Field("AdjacentMeetingCount", "calendar", "int", ""),
    Field("ConflictingMeetings", "calendar", "anyType", "GX"),
    Field("AdjacentMeetings", "calendar", "anyType", "GX"),
    Field("Duration", "calendar", "string"),
    Field("TimeZone", "calendar", "string"),
    Field("AppointmentReplyTime", "calendar", "dateTime"),
    Field("AppointmentSequenceNumber", "calendar", "int"),
    Field("AppointmentState", "calendar", "int"),
    Field("Recurrence", "calendar", "RecurrenceType", "WG"),
    Field("FirstOccurrence", "calendar", "anyType", "G"),
    Field("LastOccurrence", "calendar", "anyType", "G"),
    Field("ModifiedOccurrences", "calendar", "anyType", "G"),
    Field("DeletedOccurrences", "calendar", "anyType", "G"),
    Field("MeetingTimeZone", "calendar", "TimeZoneType", "W"),
    Field("StartTimeZone", "calendar", "TimeZoneDefinitionType", "W", EXCHANGE_2010),
    Field("EndTimeZone", "calendar", "TimeZoneDefinitionType", "W", EXCHANGE_2010),
    Field("ConferenceType", "calendar", "int", "W"),
    Field("AllowNewTimeProposal", "calendar", "boolean", "W"),
    Field("IsOnlineMeeting", "calendar", "boolean", "W"),
    Field("MeetingWorkspaceUrl", "calendar", "string", "W"),
    Field("NetShowUrl", "calendar", "string", "W"),
    Field("EnhancedLocation", "calendar", "anyType", "GX", EXCHANGE_2013),
    Field("StartWallClock", "calendar", "dateTime", "X", EXCHANGE_2013),
    Field("EndWallClock", "calendar", "dateTime", "X", EXCHANGE_2013),
    Field("StartTimeZoneId", "calendar", "string", "X", EXCHANGE_2013),
    Field("EndTimeZoneId", "calendar", "string", "X", EXCHANGE_2013),
    Field("IntendedFreeBusyStatus", "calendar", "LegacyFreeBusyType", "X", EXCHANGE_2013),
    Field("JoinOnlineMeetingUrl", "calendar", "string", "X", EXCHANGE_2013),
    Field("OnlineMeetingSettings", "calendar", "anyType", "GX", EXCHANGE_2013),
    Field("IsOrganizer", "calendar", "boolean", "X", EXCHANGE_2013),
)
CALENDAR_ITEM = (*_ITEM, *_CALENDAR)

FOLDER = (
    Field("FolderId", "folder", "FolderIdType", "D"),
    Field("ParentFolderId", "folder", "FolderIdType"),
    Field("FolderClass", "folder", "string", "W"),
    Field("DisplayName", "folder", "string", "DW"),
    Field("TotalCount", "folder", "int", "D"),
    Field("ChildFolderCount", "folder", "int", "D"),
    Field("ExtendedProperty", "", "ExtendedPropertyType", "X"),
    Field("ManagedFolderInformation", "folder", "anyType", "X"),
    Field("EffectiveRights", "folder", "anyType"),
    Field("DistinguishedFolderId", "folder", "string", "", EXCHANGE_2013),
    Field("PermissionSet", "folder", "anyType", "GX"),
    Field("UnreadCount", "folder", "int", "D"),
    Field("SearchParameters", "folder", "anyType", "X"),
    Field("SharingEffectiveRights", "folder", "anyType", "X", EXCHANGE_2013),
)

BY_URI = MappingProxyType({field.uri: field for field in (*CALENDAR_ITEM, *FOLDER) if field.group})
BY_NAME = MappingProxyType({field.name: field for field in CALENDAR_ITEM})
# Properties of other kinds of items: a request may name them, a calendar item has none.
OTHER_GROUPS = frozenset(
    {
        "message",
        "meeting",
        "meetingRequest",
        "task",
        "contacts",
        "postitem",
        "conversation",
        "persona",
        "distributionlist",
    }
)

_FOLDERS_2007 = (
    "calendar contacts deleteditems drafts inbox journal notes outbox sentitems tasks msgfolderroot"
    " publicfoldersroot root junkemail searchfolders voicemail"
)
_FOLDERS_2010 = (
    "recoverableitemsroot recoverableitemsdeletions recoverableitemsversions recoverableitemspurges archiveroot"
    " archivemsgfolderroot archivedeleteditems archiverecoverableitemsroot archiverecoverableitemsdeletions"
    " archiverecoverableitemsversions archiverecoverableitemspurges"
)
_FOLDERS_2013 = (
    "syncissues conflicts localfailures serverfailures recipientcache quickcontacts conversationhistory adminauditlogs"
    " todosearch mycontacts directory imcontactlist peopleconnect favorites"
)


def distinguished_folders(rank: int) -> frozenset[str]:
    """The names of distinguished folders a schema of this rank knows."""
    names = _FOLDERS_2007.split()
    if rank >= EXCHANGE_2010:
        names += _FOLDERS_2010.split()
    if rank >= EXCHANGE_2013:
        names += _FOLDERS_2013.split()
    return frozenset(names)


def knows_uri(uri: str, rank: int) -> bool:
    """Whether a schema of this rank has the property."""
    field = BY_URI.get(uri)
    if field is not None:
        return field.since <= rank
    group, colon, name = uri.partition(":")
    return group in OTHER_GROUPS and bool(colon) and name.isalnum()
