"""What the schema says of the operations around items: folders that change, copies, attachments, absence, delegates.

The one rule: as `sandbox/exchange/grammar.py`, which takes it all in: a table and nothing else, in the same notation.
"""

_FOLDER_IDS = "(t:FolderId=FolderIdType|t:DistinguishedFolderId=DistinguishedFolderIdType)"
_PATH = (
    "(t:FieldURI=PathToUnindexedFieldType|t:IndexedFieldURI=PathToIndexedFieldType"
    "|t:ExtendedFieldURI=PathToExtendedFieldType)"
)
_ATTACHMENTS = "(t:ItemAttachment=ItemAttachmentType|t:FileAttachment=FileAttachmentType)"
_FOLDERS = (
    "(t:Folder=FolderType|t:CalendarFolder=CalendarFolderType|t:ContactsFolder=FolderType"
    "|t:SearchFolder=FolderType|t:TasksFolder=FolderType)"
)

OPERATIONS: dict[str, str] = {
    "m:UpdateFolder": "m:FolderChanges=NonEmptyArrayOfFolderChangesType",
    "m:MoveFolder": "m:ToFolderId=TargetFolderIdType m:FolderIds=NonEmptyArrayOfBaseFolderIdsType",
    "m:EmptyFolder": (
        "@DeleteType=DisposalType! @DeleteSubFolders=boolean! m:FolderIds=NonEmptyArrayOfBaseFolderIdsType"
    ),
    "m:GetUserOofSettingsRequest": "t:Mailbox=EmailAddress",
    "m:SetUserOofSettingsRequest": "t:Mailbox=EmailAddress t:UserOofSettings=UserOofSettings",
    "m:GetDelegate": ("@IncludePermissions=boolean! m:Mailbox=EmailAddressType m:UserIds?=ArrayOfUserIdType"),
    "m:AddDelegate": (
        "m:Mailbox=EmailAddressType m:DelegateUsers=ArrayOfDelegateUserType"
        " m:DeliverMeetingRequests?=DeliverMeetingRequestsType"
    ),
    "m:UpdateDelegate": (
        "m:Mailbox=EmailAddressType m:DelegateUsers?=ArrayOfDelegateUserType"
        " m:DeliverMeetingRequests?=DeliverMeetingRequestsType"
    ),
    "m:RemoveDelegate": "m:Mailbox=EmailAddressType m:UserIds=ArrayOfUserIdType",
    "m:GetRoomLists": "",
    "m:GetRooms": "m:RoomList=EmailAddressType",
    "m:ExpandDL": "m:Mailbox=EmailAddressType",
    "m:CreateAttachment": "m:ParentItemId=ItemIdType m:Attachments=NonEmptyArrayOfAttachmentsType",
    "m:GetAttachment": (
        "m:AttachmentShape?=AttachmentResponseShapeType m:AttachmentIds=NonEmptyArrayOfRequestAttachmentIdsType"
    ),
    "m:DeleteAttachment": "m:AttachmentIds=NonEmptyArrayOfRequestAttachmentIdsType",
    "m:CopyItem": (
        "m:ToFolderId=TargetFolderIdType m:ItemIds=NonEmptyArrayOfBaseItemIdsType m:ReturnNewItemIds?@2010=boolean"
    ),
}

INTRODUCED: dict[str, str] = {
    "m:EmptyFolder": "@2010SP1",
    "m:GetDelegate": "@2007SP1",
    "m:AddDelegate": "@2007SP1",
    "m:UpdateDelegate": "@2007SP1",
    "m:RemoveDelegate": "@2007SP1",
    "m:GetRoomLists": "@2010",
    "m:GetRooms": "@2010",
}

TYPES: dict[str, str] = {
    "ArrayOfUserIdType": "t:UserId+=UserIdType",
    "ArrayOfDelegateUserType": "t:DelegateUser+=DelegateUserType",
    "DelegateUserType": (
        "t:UserId=UserIdType t:DelegatePermissions?=DelegatePermissionsType"
        " t:ReceiveCopiesOfMeetingMessages?=boolean t:ViewPrivateItems?=boolean"
    ),
    "DelegatePermissionsType": " ".join(
        f"t:{name}FolderPermissionLevel?=DelegateFolderPermissionLevelType"
        for name in ("Calendar", "Tasks", "Inbox", "Contacts", "Notes", "Journal")
    ),
    "UserOofSettings": (
        "t:OofState=OofState t:ExternalAudience=ExternalAudience t:Duration?=Duration t:InternalReply?=ReplyBody"
        " t:ExternalReply?=ReplyBody"
    ),
    "ReplyBody": "t:Message?=string",
    "NonEmptyArrayOfAttachmentsType": f"{_ATTACHMENTS}+",
    "AttachmentIdType": "@Id=string! @RootItemId=string @RootItemChangeKey=string",
    "AttachmentType": (
        "t:AttachmentId?=AttachmentIdType t:Name?=string t:ContentType?=string t:ContentId?=string"
        " t:ContentLocation?=string t:Size?@2010=int t:LastModifiedTime?@2010=dateTime t:IsInline?@2010=boolean"
    ),
    "FileAttachmentType": "^AttachmentType t:IsContactPhoto?@2010=boolean t:Content?=base64Binary",
    "ItemAttachmentType": (
        "^AttachmentType (t:Item=anyType|t:Message=anyType|t:CalendarItem=CalendarItemType|t:Contact=anyType"
        "|t:MeetingMessage=anyType|t:MeetingRequest=anyType|t:MeetingResponse=anyType|t:MeetingCancellation=anyType"
        "|t:Task=anyType|t:PostItem=anyType)?"
    ),
    "AttachmentResponseShapeType": (
        "t:IncludeMimeContent?=boolean t:BodyType?=BodyTypeResponseType t:FilterHtmlContent?@2010=boolean"
        " t:AdditionalProperties?=NonEmptyArrayOfPathsToElementType"
    ),
    "NonEmptyArrayOfRequestAttachmentIdsType": "t:AttachmentId+=RequestAttachmentIdType",
    "RequestAttachmentIdType": "@Id=string!",
    "NonEmptyArrayOfFolderChangesType": "t:FolderChange+=FolderChangeType",
    "FolderChangeType": f"{_FOLDER_IDS} t:Updates=NonEmptyArrayOfFolderChangeDescriptionsType",
    "NonEmptyArrayOfFolderChangeDescriptionsType": (
        "(t:AppendToFolderField=SetFolderFieldType|t:SetFolderField=SetFolderFieldType"
        "|t:DeleteFolderField=DeleteFolderFieldType)+"
    ),
    "SetFolderFieldType": f"{_PATH} {_FOLDERS}",
    "DeleteFolderFieldType": _PATH,
    "CalendarPermissionSetType": (
        "t:CalendarPermissions=ArrayOfCalendarPermissionsType t:UnknownEntries?=ArrayOfUnknownEntriesType"
    ),
    "ArrayOfCalendarPermissionsType": "t:CalendarPermission*=CalendarPermissionType",
    "ArrayOfUnknownEntriesType": "t:UnknownEntry*=string",
    "BasePermissionType": (
        "t:UserId=UserIdType t:CanCreateItems?=boolean t:CanCreateSubFolders?=boolean t:IsFolderOwner?=boolean"
        " t:IsFolderVisible?=boolean t:IsFolderContact?=boolean t:EditItems?=PermissionActionType"
        " t:DeleteItems?=PermissionActionType"
    ),
    "CalendarPermissionType": (
        "^BasePermissionType t:ReadItems?=CalendarPermissionReadAccessType"
        " t:CalendarPermissionLevel=CalendarPermissionLevelType"
    ),
    "PermissionSetType": "t:Permissions=ArrayOfPermissionsType t:UnknownEntries?=ArrayOfUnknownEntriesType",
    "ArrayOfPermissionsType": "t:Permission*=PermissionType",
    "PermissionType": (
        "^BasePermissionType t:ReadItems?=PermissionReadAccessType t:PermissionLevel=PermissionLevelType"
    ),
    "UserIdType": (
        "t:SID?=string t:PrimarySmtpAddress?=string t:DisplayName?=string t:DistinguishedUser?=DistinguishedUserType"
        " t:ExternalUserIdentity?@2010=string"
    ),
}

ENUMERATIONS: dict[str, str] = {
    "DelegateFolderPermissionLevelType": "None Editor Reviewer Author Custom",
    "DeliverMeetingRequestsType": "DelegatesOnly DelegatesAndMe DelegatesAndSendInformationToMe NoForward",
    "OofState": "Disabled Enabled Scheduled",
    "ExternalAudience": "None Known All",
    "PermissionActionType": "None Owned All",
    "CalendarPermissionReadAccessType": "None TimeOnly TimeAndSubjectAndLocation FullDetails",
    "PermissionReadAccessType": "None FullDetails",
    "PermissionLevelType": (
        "None Owner PublishingEditor Editor PublishingAuthor Author NoneditingAuthor Reviewer Contributor Custom"
    ),
    "CalendarPermissionLevelType": (
        "None Owner PublishingEditor Editor PublishingAuthor Author NoneditingAuthor Reviewer Contributor"
        " FreeBusyTimeOnly FreeBusyTimeAndSubjectAndLocation Custom"
    ),
    "DistinguishedUserType": "Default Anonymous",
}
