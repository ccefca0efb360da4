"""The published order of the elements of Exchange's answers, for checking every answer a test gets.

The one rule: this table is written from the schema and shares nothing with the simulator's own.
"""

from itertools import pairwise
from typing import Any

_ITEM = """
MimeContent ItemId ParentFolderId ItemClass Subject Sensitivity Body Attachments DateTimeReceived Size Categories
Importance InReplyTo IsSubmitted IsDraft IsFromMe IsResend IsUnmodified InternetMessageHeaders DateTimeSent
DateTimeCreated ResponseObjects ReminderDueBy ReminderIsSet ReminderMinutesBeforeStart DisplayCc DisplayTo
HasAttachments ExtendedProperty Culture EffectiveRights LastModifiedName LastModifiedTime IsAssociated
WebClientReadFormQueryString WebClientEditFormQueryString ConversationId UniqueBody Flag StoreEntryId InstanceKey
NormalizedBody EntityExtractionResult PolicyTag ArchiveTag RetentionDate Preview RightsManagementLicenseData
NextPredictedAction GroupingAction PredictedActionReasons IsClutter BlockStatus HasBlockedImages TextBody IconIndex
"""
_CALENDAR = """
UID RecurrenceId DateTimeStamp Start End OriginalStart IsAllDayEvent LegacyFreeBusyStatus Location When IsMeeting
IsCancelled IsRecurring MeetingRequestWasSent IsResponseRequested CalendarItemType MyResponseType Organizer
RequiredAttendees OptionalAttendees Resources InboxReminders ConflictingMeetingCount AdjacentMeetingCount
ConflictingMeetings AdjacentMeetings Duration TimeZone AppointmentReplyTime AppointmentSequenceNumber AppointmentState
Recurrence FirstOccurrence LastOccurrence ModifiedOccurrences DeletedOccurrences MeetingTimeZone StartTimeZone
EndTimeZone ConferenceType AllowNewTimeProposal IsOnlineMeeting MeetingWorkspaceUrl NetShowUrl EnhancedLocation
StartWallClock EndWallClock StartTimeZoneId EndTimeZoneId IntendedFreeBusyStatus JoinOnlineMeetingUrl
OnlineMeetingSettings IsOrganizer CalendarActivityData DoNotForwardMeeting
"""
_MESSAGE = "MessageText ResponseCode DescriptiveLinkKey MessageXml"
_FOLDER = """
FolderId ParentFolderId FolderClass DisplayName TotalCount ChildFolderCount ExtendedProperty ManagedFolderInformation
EffectiveRights DistinguishedFolderId
"""
_EVENT = "Watermark TimeStamp FolderId ItemId ParentFolderId"
_ATTACHMENT = "AttachmentId Name ContentType ContentId ContentLocation Size LastModifiedTime IsInline"
_INTERVAL = "Interval DaysOfWeek DayOfWeekIndex DayOfMonth FirstDayOfWeek"
ORDER: dict[str, list[str]] = {
    name: order.split()
    for name, order in {
        "Envelope": "Header Body",
        "Fault": "faultcode faultstring faultactor detail",
        "CalendarItem": _ITEM + _CALENDAR,
        "Folder": f"{_FOLDER} PermissionSet UnreadCount",
        "CalendarFolder": f"{_FOLDER} SharingEffectiveRights PermissionSet",
        "ContactsFolder": f"{_FOLDER} SharingEffectiveRights PermissionSet",
        "TasksFolder": f"{_FOLDER} PermissionSet UnreadCount",
        "GetItemResponseMessage": f"{_MESSAGE} Items",
        "CreateItemResponseMessage": f"{_MESSAGE} Items",
        "MoveItemResponseMessage": f"{_MESSAGE} Items",
        "UpdateItemResponseMessage": f"{_MESSAGE} Items ConflictResults",
        "GetUserOofSettingsResponse": "ResponseMessage OofSettings AllowExternalOof",
        "SetUserOofSettingsResponse": "ResponseMessage",
        "OofSettings": "OofState ExternalAudience Duration InternalReply ExternalReply",
        "GetDelegateResponse": f"{_MESSAGE} ResponseMessages DeliverMeetingRequests",
        "AddDelegateResponse": f"{_MESSAGE} ResponseMessages",
        "UpdateDelegateResponse": f"{_MESSAGE} ResponseMessages",
        "RemoveDelegateResponse": f"{_MESSAGE} ResponseMessages",
        "DelegateUserResponseMessageType": f"{_MESSAGE} DelegateUser",
        "DelegateUser": "UserId DelegatePermissions ReceiveCopiesOfMeetingMessages ViewPrivateItems",
        "GetRoomListsResponse": f"{_MESSAGE} RoomLists",
        "GetRoomsResponse": f"{_MESSAGE} Rooms",
        "ExpandDLResponseMessage": f"{_MESSAGE} DLExpansion",
        "CreateAttachmentResponseMessage": f"{_MESSAGE} Attachments",
        "GetAttachmentResponseMessage": f"{_MESSAGE} Attachments",
        "DeleteAttachmentResponseMessage": f"{_MESSAGE} RootItemId",
        "FileAttachment": f"{_ATTACHMENT} IsContactPhoto Content",
        "ItemAttachment": f"{_ATTACHMENT} Message CalendarItem",
        "CopyItemResponseMessage": f"{_MESSAGE} Items",
        "DeleteItemResponseMessage": _MESSAGE,
        "UpdateFolderResponseMessage": f"{_MESSAGE} Folders",
        "MoveFolderResponseMessage": f"{_MESSAGE} Folders",
        "EmptyFolderResponseMessage": _MESSAGE,
        "DeleteFolderResponseMessage": _MESSAGE,
        "GetFolderResponseMessage": f"{_MESSAGE} Folders",
        "CreateFolderResponseMessage": f"{_MESSAGE} Folders",
        "FindFolderResponseMessage": f"{_MESSAGE} RootFolder",
        "FindItemResponseMessage": f"{_MESSAGE} RootFolder",
        "SyncFolderItemsResponseMessage": f"{_MESSAGE} SyncState IncludesLastItemInRange Changes",
        "SyncFolderHierarchyResponseMessage": f"{_MESSAGE} SyncState IncludesLastFolderInRange Changes",
        "ResolveNamesResponseMessage": f"{_MESSAGE} ResolutionSet",
        "ConvertIdResponseMessage": f"{_MESSAGE} AlternateId",
        "GetServerTimeZonesResponseMessage": f"{_MESSAGE} TimeZoneDefinitions",
        "SubscribeResponseMessage": f"{_MESSAGE} SubscriptionId Watermark",
        "UnsubscribeResponseMessage": _MESSAGE,
        "GetEventsResponseMessage": f"{_MESSAGE} Notification",
        "GetStreamingEventsResponseMessage": f"{_MESSAGE} Notifications ErrorSubscriptionIds ConnectionStatus",
        "SendNotificationResponseMessage": f"{_MESSAGE} Notification",
        "Notification": "SubscriptionId PreviousWatermark MoreEvents",
        "CreatedEvent": _EVENT,
        "DeletedEvent": _EVENT,
        "ModifiedEvent": f"{_EVENT} UnreadCount",
        "CopiedEvent": f"{_EVENT} OldFolderId OldItemId OldParentFolderId",
        "MovedEvent": f"{_EVENT} OldFolderId OldItemId OldParentFolderId",
        "FreeBusyChangedEvent": _EVENT,
        "StatusEvent": "Watermark",
        "ResponseMessage": _MESSAGE,
        "GetUserAvailabilityResponse": "FreeBusyResponseArray SuggestionsResponse",
        "SuggestionsResponse": "ResponseMessage SuggestionDayResultArray",
        "SuggestionDayResult": "Date DayQuality SuggestionArray",
        "Suggestion": "MeetingTime IsWorkTime SuggestionQuality AttendeeConflictDataArray",
        "Resolution": "Mailbox Contact",
        "Contact": "DisplayName GivenName EmailAddresses ContactSource Surname",
        "GroupedItems": "GroupIndex Items",
        "FreeBusyResponse": "ResponseMessage FreeBusyView",
        "FreeBusyView": "FreeBusyViewType MergedFreeBusy CalendarEventArray WorkingHours",
        "CalendarEvent": "StartTime EndTime BusyType CalendarEventDetails",
        "CalendarEventDetails": "ID Subject Location IsMeeting IsRecurring IsException IsReminderSet IsPrivate",
        "WorkingHours": "TimeZone WorkingPeriodArray",
        "WorkingPeriod": "DayOfWeek StartTimeInMinutes EndTimeInMinutes",
        "StandardTime": "Bias Time DayOrder Month DayOfWeek Year",
        "DaylightTime": "Bias Time DayOrder Month DayOfWeek Year",
        "Attendee": "Mailbox ResponseType LastResponseTime ProposedStart ProposedEnd",
        "Mailbox": "Name EmailAddress RoutingType MailboxType ItemId",
        "EffectiveRights": "CreateAssociated CreateContents CreateHierarchy Delete Modify Read ViewPrivateItems",
        "CalendarPermission": (
            "UserId CanCreateItems CanCreateSubFolders IsFolderOwner IsFolderVisible IsFolderContact EditItems"
            " DeleteItems ReadItems CalendarPermissionLevel"
        ),
        "WeeklyRecurrence": _INTERVAL,
        "AbsoluteMonthlyRecurrence": _INTERVAL,
        "RelativeMonthlyRecurrence": _INTERVAL,
        "RelativeYearlyRecurrence": "DaysOfWeek DayOfWeekIndex Month",
        "AbsoluteYearlyRecurrence": "DayOfMonth Month",
        "EndDateRecurrence": "StartDate EndDate",
        "NumberedRecurrence": "StartDate NumberOfOccurrences",
        "Occurrence": "ItemId Start End OriginalStart",
        "FirstOccurrence": "ItemId Start End OriginalStart",
        "MeetingTimeZone": "BaseOffset Standard Daylight",
        "Standard": "Offset RelativeYearlyRecurrence AbsoluteDate Time",
        "StartTimeZone": "Periods TransitionsGroups Transitions",
        "TimeZoneDefinition": "Periods TransitionsGroups Transitions",
        "RecurringDayTransition": "To TimeOffset Month DayOfWeek Occurrence",
        "ExtendedProperty": "ExtendedFieldURI Value Values",
    }.items()
}
_REPEATED = {"ExtendedProperty"}
# What the schema requires below an element whatever was asked for.
_REQUIRED = {
    "FreeBusyView": {"FreeBusyViewType"},
    "CalendarEvent": {"StartTime", "EndTime", "BusyType"},
    "CalendarEventDetails": {"IsMeeting", "IsRecurring", "IsException", "IsReminderSet", "IsPrivate"},
    "FindItemParentType": {"Items"},
    "GetItemResponseMessage": {"Items"},
    "CreateItemResponseMessage": {"Items"},
    "UpdateItemResponseMessage": {"Items"},
    "MoveItemResponseMessage": {"Items"},
    "Attendee": {"Mailbox"},
    "ExtendedProperty": {"ExtendedFieldURI"},
    "StandardTime": {"Bias", "Time", "DayOrder", "Month", "DayOfWeek"},
}
# A recurring pattern and an element of a recurrence's occurrences share names with others; these have no children.
_TEXT_ONLY = {"Occurrence"}


def check_order(root: Any) -> None:
    """Every element of an answer has only children the schema knows, in its order, and those it requires."""
    for node in root.iter():
        parent = _local(node)
        order = ORDER.get(parent)
        children = [_local(child) for child in node]
        if parent == "Notification":  # events come behind all else, as they happened
            children = [name for name in children if not name.endswith("Event")]
        if order is None or (parent in _TEXT_ONLY and not children):
            continue
        unknown = set(children) - set(order)
        assert not unknown, f"{parent} has {unknown}"
        for before, after in pairwise(children):
            ahead = order.index(after) - order.index(before)
            assert ahead > 0 or (ahead == 0 and after in _REPEATED), f"{parent}: {after} stands behind {before}"
        missing = _REQUIRED.get(parent, set()) - set(children)
        assert not missing, f"{parent} lacks {missing}"


def _local(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]
