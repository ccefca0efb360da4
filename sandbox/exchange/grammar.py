"""What Exchange's schema says a request looks like: elements, their order, their attributes.

The one rule: this is a table and nothing else; `sandbox/exchange/validation.py` reads it. Names of types are the
schema's own, because a violation tells them. Written from the published reference of each operation. What is not about
items is in `sandbox/exchange/grammar_around.py`.

A type is a line of parts: `@Name=type` an attribute (`!`: required), `#type` text, `name=type` a child with `?`, `*` or
`+`, `(a=x|b=y)` a choice, `^Type` everything of another type first. `@2010` behind a name: not in older schemas.
"""

from sandbox.exchange import grammar_around as around

_FOLDER_IDS = "(t:FolderId=FolderIdType|t:DistinguishedFolderId=DistinguishedFolderIdType)"
_ITEM_IDS = (
    "(t:ItemId=ItemIdType|t:OccurrenceItemId=OccurrenceItemIdType|t:RecurringMasterItemId=RecurringMasterItemIdType)"
)
_PATH = (
    "(t:FieldURI=PathToUnindexedFieldType|t:IndexedFieldURI=PathToIndexedFieldType"
    "|t:ExtendedFieldURI=PathToExtendedFieldType)"
)
_FOLDERS = (
    "(t:Folder=FolderType|t:CalendarFolder=CalendarFolderType|t:ContactsFolder=FolderType"
    "|t:SearchFolder=FolderType|t:TasksFolder=FolderType)"
)
_ITEMS = (
    "t:Item=anyType|t:Message=anyType|t:CalendarItem=CalendarItemType|t:Contact=anyType|t:DistributionList=anyType"
    "|t:MeetingMessage=anyType|t:MeetingRequest=anyType|t:MeetingResponse=anyType|t:MeetingCancellation=anyType"
    "|t:Task=anyType|t:PostItem=anyType"
)
_REPLIES = (
    "t:ReplyToItem=anyType|t:ForwardItem=CancelCalendarItemType|t:ReplyAllToItem=anyType|t:AcceptItem=AcceptItemType"
    "|t:TentativelyAcceptItem=TentativelyAcceptItemType|t:DeclineItem=DeclineItemType"
    "|t:CancelCalendarItem=CancelCalendarItemType|t:RemoveItem=RemoveItemType|t:SuppressReadReceipt=anyType"
    "|t:PostReplyItem=anyType"
)
_COMPARISONS = ("IsEqualTo", "IsNotEqualTo", "IsGreaterThan", "IsGreaterThanOrEqualTo", "IsLessThan")
_SEARCH = (
    "("
    + "|".join(f"t:{name}=TwoOperandExpressionType" for name in (*_COMPARISONS, "IsLessThanOrEqualTo"))
    + "|t:Exists=ExistsType|t:Excludes=ExcludesType|t:Contains=ContainsExpressionType|t:Not=NotType"
    + "|t:And=MultipleOperandBooleanExpressionType|t:Or=MultipleOperandBooleanExpressionType)"
)
_PATTERNS = (
    "(t:RelativeYearlyRecurrence=RelativeYearlyRecurrencePatternType"
    "|t:AbsoluteYearlyRecurrence=AbsoluteYearlyRecurrencePatternType"
    "|t:RelativeMonthlyRecurrence=RelativeMonthlyRecurrencePatternType"
    "|t:AbsoluteMonthlyRecurrence=AbsoluteMonthlyRecurrencePatternType"
    "|t:WeeklyRecurrence=WeeklyRecurrencePatternType|t:DailyRecurrence=IntervalRecurrencePatternBaseType)"
)
_REPLY = (
    "t:ItemClass?=string t:Sensitivity?=SensitivityChoicesType t:Body?=BodyType t:Attachments?=anyType"
    " t:InternetMessageHeaders?=anyType t:Sender?=SingleRecipientType t:ToRecipients?=ArrayOfRecipientsType"
    " t:CcRecipients?=ArrayOfRecipientsType t:BccRecipients?=ArrayOfRecipientsType t:IsReadReceiptRequested?=boolean"
    " t:IsDeliveryReceiptRequested?=boolean t:From?=SingleRecipientType t:ReferenceItemId?=ItemIdType"
    " t:ReceivedBy?@2010=SingleRecipientType t:ReceivedRepresenting?@2010=SingleRecipientType"
    " t:ProposedStart?@2013=dateTime t:ProposedEnd?@2013=dateTime"
)
_TRANSITIONS = (
    "(t:Transition=TransitionType|t:AbsoluteDateTransition=AbsoluteDateTransitionType"
    "|t:RecurringDayTransition=RecurringDayTransitionType|t:RecurringDateTransition=RecurringDateTransitionType)"
)

# The operations, by the element in the SOAP body.
OPERATIONS: dict[str, str] = {
    "m:GetFolder": "m:FolderShape=FolderResponseShapeType m:FolderIds=NonEmptyArrayOfBaseFolderIdsType",
    "m:FindFolder": (
        "@Traversal=FolderQueryTraversalType! m:FolderShape=FolderResponseShapeType"
        " (m:IndexedPageFolderView=IndexedPageViewType|m:FractionalPageFolderView=FractionalPageViewType)?"
        " m:Restriction?=RestrictionType m:ParentFolderIds=NonEmptyArrayOfBaseFolderIdsType"
    ),
    "m:CreateFolder": "m:ParentFolderId=TargetFolderIdType m:Folders=NonEmptyArrayOfFoldersType",
    "m:DeleteFolder": "@DeleteType=DisposalType! m:FolderIds=NonEmptyArrayOfBaseFolderIdsType",
    "m:SyncFolderHierarchy": (
        "m:FolderShape=FolderResponseShapeType m:SyncFolderId?=TargetFolderIdType m:SyncState?=string"
    ),
    "m:GetItem": "m:ItemShape=ItemResponseShapeType m:ItemIds=NonEmptyArrayOfBaseItemIdsType",
    "m:CreateItem": (
        "@MessageDisposition=MessageDispositionType @SendMeetingInvitations=CalendarItemCreateOrDeleteOperationType"
        " m:SavedItemFolderId?=TargetFolderIdType m:Items=NonEmptyArrayOfAllItemsType"
    ),
    "m:UpdateItem": (
        "@ConflictResolution=ConflictResolutionType! @MessageDisposition=MessageDispositionType"
        " @SendMeetingInvitationsOrCancellations=CalendarItemUpdateOperationType @SuppressReadReceipts=boolean"
        " m:SavedItemFolderId?=TargetFolderIdType m:ItemChanges=NonEmptyArrayOfItemChangesType"
    ),
    "m:DeleteItem": (
        "@DeleteType=DisposalType! @SendMeetingCancellations=CalendarItemCreateOrDeleteOperationType"
        " @AffectedTaskOccurrences=AffectedTaskOccurrencesType @SuppressReadReceipts=boolean"
        " m:ItemIds=NonEmptyArrayOfBaseItemIdsType"
    ),
    "m:MoveItem": (
        "m:ToFolderId=TargetFolderIdType m:ItemIds=NonEmptyArrayOfBaseItemIdsType m:ReturnNewItemIds?@2010=boolean"
    ),
    "m:FindItem": (
        "@Traversal=ItemQueryTraversalType! m:ItemShape=ItemResponseShapeType"
        " (m:IndexedPageItemView=IndexedPageViewType|m:FractionalPageItemView=FractionalPageViewType"
        "|m:CalendarView=CalendarViewType|m:ContactsView=ContactsViewType)?"
        " (m:GroupBy=GroupByType|m:DistinguishedGroupBy=DistinguishedGroupByType)? m:Restriction?=RestrictionType"
        " m:SortOrder?=NonEmptyArrayOfFieldOrdersType m:ParentFolderIds=NonEmptyArrayOfBaseFolderIdsType"
        " m:QueryString?@2010=QueryStringType"
    ),
    "m:SyncFolderItems": (
        "m:ItemShape=ItemResponseShapeType m:SyncFolderId=TargetFolderIdType m:SyncState?=string"
        " m:Ignore?=ArrayOfBaseItemIdsType m:MaxChangesReturned=MaxSyncChangesReturnedType"
        " m:SyncScope?@2010=SyncFolderItemsScopeType"
    ),
    "m:Subscribe": (
        "(m:PullSubscriptionRequest=PullSubscriptionRequestType|m:PushSubscriptionRequest=PushSubscriptionRequestType"
        "|m:StreamingSubscriptionRequest@2010SP1=StreamingSubscriptionRequestType)"
    ),
    "m:GetEvents": "m:SubscriptionId=SubscriptionIdType m:Watermark=WatermarkType",
    "m:GetStreamingEvents": (
        "m:SubscriptionIds=NonEmptyArrayOfSubscriptionIdsType"
        " m:ConnectionTimeout=StreamingSubscriptionConnectionTimeoutType"
    ),
    "m:Unsubscribe": "m:SubscriptionId=SubscriptionIdType",
    "m:GetUserAvailabilityRequest": (
        "t:TimeZone?=SerializableTimeZone m:MailboxDataArray=ArrayOfMailboxData"
        " t:FreeBusyViewOptions?=FreeBusyViewOptionsType t:SuggestionsViewOptions?=SuggestionsViewOptionsType"
    ),
    "m:GetServerTimeZones": "@ReturnFullTimeZoneData=boolean m:Ids?=NonEmptyArrayOfTimeZoneIdType",
    "m:ConvertId": "@DestinationFormat=IdFormatType! m:SourceIds=NonEmptyArrayOfAlternateIdsType",
    "m:ResolveNames": (
        "@ReturnFullContactData=boolean! @SearchScope=ResolveNamesSearchScopeType"
        " @ContactDataShape=DefaultShapeNamesType m:ParentFolderIds?=NonEmptyArrayOfBaseFolderIdsType"
        " m:UnresolvedEntry=NonEmptyStringType"
    ),
    **around.OPERATIONS,
}

# Operations older schemas do not have.
INTRODUCED: dict[str, str] = {"m:GetStreamingEvents": "@2010SP1", **around.INTRODUCED}

# The SOAP headers that change what is done. Their attributes of SOAP itself are let pass.
HEADERS: dict[str, str] = {
    "t:ExchangeImpersonation": "t:ConnectingSID=ConnectingSIDType",
    "t:TimeZoneContext": "t:TimeZoneDefinition=TimeZoneDefinitionType",
}

TYPES: dict[str, str] = {
    "ConnectingSIDType": (
        "(t:PrincipalName=NonEmptyStringType|t:SID=NonEmptyStringType|t:PrimarySmtpAddress=NonEmptyStringType"
        "|t:SmtpAddress=NonEmptyStringType)"
    ),
    # shapes and paths
    "FolderResponseShapeType": (
        "t:BaseShape=DefaultShapeNamesType t:AdditionalProperties?=NonEmptyArrayOfPathsToElementType"
    ),
    "ItemResponseShapeType": (
        "t:BaseShape=DefaultShapeNamesType t:IncludeMimeContent?=boolean t:BodyType?=BodyTypeResponseType"
        " t:UniqueBodyType?@2013=BodyTypeResponseType t:NormalizedBodyType?@2013=BodyTypeResponseType"
        " t:FilterHtmlContent?@2010=boolean t:ConvertHtmlCodePageToUTF8?@2010=boolean"
        " t:InlineImageUrlTemplate?@2013=string t:BlockExternalImages?@2013=boolean"
        " t:AddBlankTargetToLinks?@2013=boolean t:MaximumBodySize?@2013=int"
        " t:AdditionalProperties?=NonEmptyArrayOfPathsToElementType"
    ),
    "NonEmptyArrayOfPathsToElementType": f"{_PATH}+",
    "PathToUnindexedFieldType": "@FieldURI=UnindexedFieldURIType!",
    "PathToIndexedFieldType": "@FieldURI=string! @FieldIndex=string!",
    "PathToExtendedFieldType": (
        "@DistinguishedPropertySetId=DistinguishedPropertySetType @PropertySetId=GuidType"
        " @PropertyTag=PropertyTagType @PropertyName=string @PropertyId=int @PropertyType=MapiPropertyTypeType!"
    ),
    "ExtendedPropertyType": (
        "t:ExtendedFieldURI=PathToExtendedFieldType (t:Value=string|t:Values=NonEmptyArrayOfPropertyValuesType)"
    ),
    "NonEmptyArrayOfPropertyValuesType": "t:Value+=string",
    # folders
    "FolderIdType": "@Id=string! @ChangeKey=string",
    "DistinguishedFolderIdType": ("@Id=DistinguishedFolderIdNameType! @ChangeKey=string t:Mailbox?=EmailAddressType"),
    "NonEmptyArrayOfBaseFolderIdsType": f"{_FOLDER_IDS}+",
    "TargetFolderIdType": _FOLDER_IDS,
    "NonEmptyArrayOfFoldersType": f"{_FOLDERS}+",
    "BaseFolderType": (
        "t:FolderId?=FolderIdType t:ParentFolderId?=FolderIdType t:FolderClass?=string t:DisplayName?=string"
        " t:TotalCount?=int t:ChildFolderCount?=int t:ExtendedProperty*=ExtendedPropertyType"
        " t:ManagedFolderInformation?=anyType t:EffectiveRights?=anyType"
    ),
    "FolderType": "^BaseFolderType t:PermissionSet?=PermissionSetType t:UnreadCount?=int t:SearchParameters?=anyType",
    "CalendarFolderType": (
        "^BaseFolderType t:SharingEffectiveRights?@2013=anyType t:PermissionSet?=CalendarPermissionSetType"
    ),
    # ids
    "ItemIdType": "@Id=string! @ChangeKey=string",
    "OccurrenceItemIdType": "@RecurringMasterId=string! @ChangeKey=string @InstanceIndex=int!",
    "RecurringMasterItemIdType": "@OccurrenceId=string! @ChangeKey=string",
    "NonEmptyArrayOfBaseItemIdsType": f"{_ITEM_IDS}+",
    "ArrayOfBaseItemIdsType": "t:ItemId*=ItemIdType",
    "NonEmptyArrayOfAlternateIdsType": (
        "(t:AlternateId=AlternateIdType|t:AlternatePublicFolderId=anyType|t:AlternatePublicFolderItemId=anyType)+"
    ),
    "AlternateIdType": "@Format=IdFormatType! @Id=string! @Mailbox=NonEmptyStringType! @IsArchive=boolean",
    # items
    "NonEmptyArrayOfAllItemsType": f"({_ITEMS}|{_REPLIES})+",
    "AcceptItemType": _REPLY,
    "TentativelyAcceptItemType": _REPLY,
    "DeclineItemType": _REPLY,
    "RemoveItemType": "t:ReferenceItemId?=ItemIdType",
    "CancelCalendarItemType": (
        "t:Subject?=string t:Body?=BodyType t:ToRecipients?=ArrayOfRecipientsType"
        " t:CcRecipients?=ArrayOfRecipientsType t:BccRecipients?=ArrayOfRecipientsType"
        " t:IsReadReceiptRequested?=boolean t:IsDeliveryReceiptRequested?=boolean t:From?=SingleRecipientType"
        " t:ReferenceItemId?=ItemIdType t:NewBodyContent?=BodyType t:ReceivedBy?@2010=SingleRecipientType"
        " t:ReceivedRepresenting?@2010=SingleRecipientType"
    ),
    "BodyType": "@BodyType=BodyTypeType! @IsTruncated=boolean #string",
    "ArrayOfStringsType": "t:String*=string",
    "SingleRecipientType": "t:Mailbox=EmailAddressType",
    "ArrayOfRecipientsType": "t:Mailbox*=EmailAddressType",
    "EmailAddressType": (
        "t:Name?=string t:EmailAddress?=NonEmptyStringType t:RoutingType?=NonEmptyStringType"
        " t:MailboxType?=MailboxTypeType t:ItemId?=ItemIdType t:OriginalDisplayName?@2013=string"
    ),
    "AttendeeType": (
        "t:Mailbox=EmailAddressType t:ResponseType?=ResponseTypeType t:LastResponseTime?=dateTime"
        " t:ProposedStart?@2013=dateTime t:ProposedEnd?@2013=dateTime"
    ),
    "NonEmptyArrayOfAttendeesType": "t:Attendee+=AttendeeType",
    "NonEmptyArrayOfItemChangesType": "t:ItemChange+=ItemChangeType",
    "ItemChangeType": f"{_ITEM_IDS} t:Updates=NonEmptyArrayOfItemChangeDescriptionsType",
    "NonEmptyArrayOfItemChangeDescriptionsType": (
        "(t:AppendToItemField=SetItemFieldType|t:SetItemField=SetItemFieldType|t:DeleteItemField=DeleteItemFieldType)+"
    ),
    "SetItemFieldType": f"{_PATH} ({_ITEMS})",
    "DeleteItemFieldType": _PATH,
    # recurrence
    "RecurrenceType": (
        f"{_PATTERNS} (t:NoEndRecurrence=RecurrenceRangeBaseType|t:EndDateRecurrence=EndDateRecurrenceRangeType"
        "|t:NumberedRecurrence=NumberedRecurrenceRangeType)"
    ),
    "RelativeYearlyRecurrencePatternType": (
        "t:DaysOfWeek=DayOfWeekType t:DayOfWeekIndex=DayOfWeekIndexType t:Month=MonthNamesType"
    ),
    "AbsoluteYearlyRecurrencePatternType": "t:DayOfMonth=int t:Month=MonthNamesType",
    "RelativeMonthlyRecurrencePatternType": (
        "t:Interval=int t:DaysOfWeek=DayOfWeekType t:DayOfWeekIndex=DayOfWeekIndexType"
    ),
    "AbsoluteMonthlyRecurrencePatternType": "t:Interval=int t:DayOfMonth=int",
    "WeeklyRecurrencePatternType": "t:Interval=int t:DaysOfWeek=DaysOfWeekType t:FirstDayOfWeek?@2010=DayOfWeekType",
    "IntervalRecurrencePatternBaseType": "t:Interval=int",
    "RecurrenceRangeBaseType": "t:StartDate=date",
    "EndDateRecurrenceRangeType": "t:StartDate=date t:EndDate=date",
    "NumberedRecurrenceRangeType": "t:StartDate=date t:NumberOfOccurrences=int",
    # time zones
    "TimeZoneType": (
        "@TimeZoneName=string t:BaseOffset?=duration t:Standard?=TimeChangeType t:Daylight?=TimeChangeType"
    ),
    "TimeChangeType": (
        "@TimeZoneName=string t:Offset=duration"
        " (t:RelativeYearlyRecurrence=RelativeYearlyRecurrencePatternType|t:AbsoluteDate=date)? t:Time=time"
    ),
    "TimeZoneDefinitionType": (
        "@Id=string @Name=string t:Periods?=NonEmptyArrayOfPeriodsType"
        " t:TransitionsGroups?=ArrayOfTransitionsGroupsType t:Transitions?=ArrayOfTransitionsType"
    ),
    "NonEmptyArrayOfPeriodsType": "t:Period+=PeriodType",
    "PeriodType": "@Bias=duration @Name=string @Id=string",
    "ArrayOfTransitionsGroupsType": "t:TransitionsGroup+=ArrayOfTransitionsType",
    "ArrayOfTransitionsType": f"@Id=string {_TRANSITIONS}+",
    "TransitionTargetType": "@Kind=TransitionTargetKindType! #string",
    "TransitionType": "t:To=TransitionTargetType",
    "AbsoluteDateTransitionType": "t:To=TransitionTargetType t:DateTime=dateTime",
    "RecurringDayTransitionType": (
        "t:To=TransitionTargetType t:TimeOffset=duration t:Month=int t:DayOfWeek=DayOfWeekType t:Occurrence=int"
    ),
    "RecurringDateTransitionType": "t:To=TransitionTargetType t:TimeOffset=duration t:Month=int t:Day=int",
    "NonEmptyArrayOfTimeZoneIdType": "t:Id+=string",
    # views and restrictions
    "IndexedPageViewType": "@MaxEntriesReturned=int @Offset=int! @BasePoint=IndexBasePointType!",
    "FractionalPageViewType": "@MaxEntriesReturned=int @Numerator=int! @Denominator=int!",
    "ContactsViewType": "@MaxEntriesReturned=int @InitialName=string @FinalName=string",
    "CalendarViewType": "@MaxEntriesReturned=int @StartDate=dateTime! @EndDate=dateTime!",
    "GroupByType": f"@Order=SortDirectionType! {_PATH} t:AggregateOn=AggregateOnType",
    "AggregateOnType": f"@Aggregate=AggregateType! {_PATH}",
    "DistinguishedGroupByType": "@Order=SortDirectionType! t:StandardGroupBy=StandardGroupByType",
    "QueryStringType": ("@ResetCache=boolean @ReturnHighlightTerms=boolean @ReturnDeletedItems=boolean #string"),
    "NonEmptyArrayOfFieldOrdersType": "t:FieldOrder+=FieldOrderType",
    "FieldOrderType": f"@Order=SortDirectionType! {_PATH}",
    "RestrictionType": _SEARCH,
    "TwoOperandExpressionType": f"{_PATH} t:FieldURIOrConstant=FieldURIOrConstantType",
    "FieldURIOrConstantType": _PATH[:-1] + "|t:Constant=ConstantValueType)",
    "ConstantValueType": "@Value=string!",
    "ExistsType": _PATH,
    "ExcludesType": f"{_PATH} t:Bitmask=ExcludesValueType",
    "ExcludesValueType": "@Value=string!",
    "ContainsExpressionType": (
        "@ContainmentMode=ContainmentModeType @ContainmentComparison=ContainmentComparisonType"
        f" {_PATH} t:Constant=ConstantValueType"
    ),
    "NotType": _SEARCH,
    "MultipleOperandBooleanExpressionType": f"{_SEARCH}+",
    # notifications
    "BaseSubscriptionRequestType": (
        "@SubscribeToAllFolders=boolean t:FolderIds?=NonEmptyArrayOfBaseFolderIdsType"
        " t:EventTypes=NonEmptyArrayOfNotificationEventTypesType t:Watermark?=WatermarkType"
    ),
    "PullSubscriptionRequestType": "^BaseSubscriptionRequestType t:Timeout=SubscriptionTimeoutType",
    "PushSubscriptionRequestType": (
        "^BaseSubscriptionRequestType t:StatusFrequency=SubscriptionStatusFrequencyType t:URL=string"
        " t:CallerData?@2013=string"
    ),
    "StreamingSubscriptionRequestType": (
        "@SubscribeToAllFolders=boolean t:FolderIds?=NonEmptyArrayOfBaseFolderIdsType"
        " t:EventTypes=NonEmptyArrayOfNotificationEventTypesType"
    ),
    "NonEmptyArrayOfNotificationEventTypesType": "t:EventType+=NotificationEventTypeType",
    "NonEmptyArrayOfSubscriptionIdsType": "t:SubscriptionId+=SubscriptionIdType",
    # availability
    "SerializableTimeZone": (
        "t:Bias=int t:StandardTime=SerializableTimeZoneTime t:DaylightTime=SerializableTimeZoneTime"
    ),
    "SerializableTimeZoneTime": (
        "t:Bias=int t:Time=string t:DayOrder=short t:Month=short t:DayOfWeek=DayOfWeekType t:Year?=string"
    ),
    "ArrayOfMailboxData": "t:MailboxData*=MailboxData",
    "MailboxData": "t:Email=EmailAddress t:AttendeeType=MeetingAttendeeType t:ExcludeConflicts?=boolean",
    "EmailAddress": "t:Name?=string t:Address=string t:RoutingType?=string",
    "FreeBusyViewOptionsType": (
        "t:TimeWindow=Duration t:MergedFreeBusyIntervalInMinutes?=int t:RequestedView?=FreeBusyViewType"
    ),
    "SuggestionsViewOptionsType": (
        "t:GoodThreshold?=int t:MaximumResultsByDay?=int t:MaximumNonWorkHourResultsByDay?=int"
        " t:MeetingDurationInMinutes?=int t:MinimumSuggestionQuality?=SuggestionQuality"
        " t:DetailedSuggestionsWindow?=Duration t:CurrentMeetingTime?=dateTime t:GlobalObjectId?=string"
    ),
    "Duration": "t:StartTime=dateTime t:EndTime=dateTime",
    **around.TYPES,
}

_DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday Day Weekday WeekendDay"
_MAPI = "ApplicationTime Binary Boolean CLSID Currency Double Float Integer Long Short SystemTime String"

# Enumerations, by the schema's name of the type. A list type allows several values, separated by spaces.
ENUMERATIONS: dict[str, str] = {
    "DefaultShapeNamesType": "IdOnly Default AllProperties",
    "BodyTypeResponseType": "Best HTML Text",
    "BodyTypeType": "HTML Text",
    "FolderQueryTraversalType": "Shallow Deep SoftDeleted",
    "ItemQueryTraversalType": "Shallow SoftDeleted Associated",
    "DisposalType": "HardDelete SoftDelete MoveToDeletedItems",
    "ConflictResolutionType": "NeverOverwrite AutoResolve AlwaysOverwrite",
    "MessageDispositionType": "SaveOnly SendOnly SendAndSaveCopy",
    "CalendarItemCreateOrDeleteOperationType": "SendToNone SendOnlyToAll SendToAllAndSaveCopy",
    "CalendarItemUpdateOperationType": (
        "SendToNone SendOnlyToAll SendOnlyToChanged SendToAllAndSaveCopy SendToChangedAndSaveCopy"
    ),
    "AffectedTaskOccurrencesType": "AllOccurrences SpecifiedOccurrenceOnly",
    "SensitivityChoicesType": "Normal Personal Private Confidential",
    "ImportanceChoicesType": "Low Normal High",
    "ResponseTypeType": "Unknown Organizer Tentative Accept Decline NoResponseReceived",
    "CalendarItemTypeType": "Single Occurrence Exception RecurringMaster",
    "MailboxTypeType": (
        "Unknown OneOff Mailbox PublicDL PrivateDL Contact PublicFolder GroupMailbox ImplicitContact User"
    ),
    "DayOfWeekType": _DAYS,
    "DayOfWeekIndexType": "First Second Third Fourth Last",
    "MonthNamesType": "January February March April May June July August September October November December",
    "TransitionTargetKindType": "Period Group",
    "IndexBasePointType": "Beginning End",
    "AggregateType": "Minimum Maximum",
    "StandardGroupByType": "ConversationTopic",
    "SuggestionQuality": "Excellent Good Fair Poor",
    "SortDirectionType": "Ascending Descending",
    "ContainmentModeType": "FullString Prefixed Substring PrefixOnWords ExactPhrase",
    "ContainmentComparisonType": (
        "Exact IgnoreCase IgnoreNonSpacingCharacters Loose IgnoreCaseAndNonSpacingCharacters LooseAndIgnoreCase"
        " LooseAndIgnoreNonSpace LooseAndIgnoreCaseAndIgnoreNonSpace"
    ),
    "SyncFolderItemsScopeType": "NormalItems NormalAndAssociatedItems",
    "MeetingAttendeeType": "Organizer Required Optional Room Resource",
    "IdFormatType": "EwsLegacyId EwsId EntryId HexEntryId StoreId OwaId",
    "ResolveNamesSearchScopeType": "ActiveDirectory ActiveDirectoryContacts Contacts ContactsActiveDirectory",
    "DistinguishedPropertySetType": (
        "Meeting Appointment Common PublicStrings Address InternetHeaders CalendarAssistant UnifiedMessaging Task"
        " Sharing"
    ),
    "MapiPropertyTypeType": " ".join(f"{name} {name}Array" for name in _MAPI.split())
    + " Error Null Object ObjectArray",
    **around.ENUMERATIONS,
}
LISTS: dict[str, str] = {
    "DaysOfWeekType": _DAYS,
    "FreeBusyViewType": "None MergedOnly FreeBusy FreeBusyMerged Detailed DetailedMerged",
}
