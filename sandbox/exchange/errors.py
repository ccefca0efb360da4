"""The refusals of Exchange: of a whole request (a SOAP fault) and of one of its parts (a response message).

The one rule: codes and words are Exchange's. A part's refusal carries what its response message must still contain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.exchange.markup import DECLARATION, ERRORS, SOAP, TYPES, Markup, element

# Said by the code alone; what needs a value says it where it is raised.
MESSAGES: Mapping[str, str] = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorCalendarCannotMoveOrCopyOccurrence": "Occurrences of a recurring calendar item cannot be moved or copied.",
    "ErrorCalendarCannotUseIdForOccurrenceId": "An occurrence Id is required for this operation.",
    "ErrorCalendarCannotUseIdForRecurringMasterId": "A recurring master Id is required for this operation.",
    "ErrorCalendarEndDateIsEarlierThanStartDate": "EndDate is earlier than StartDate",
    "ErrorCalendarFolderIsInvalidForCalendarView": (
        "A CalendarView is only allowed for calendar folders, and only one of them."
    ),
    "ErrorCalendarDurationIsTooLong": "The duration of a calendar item must be less than 5 years.",
    "ErrorCalendarInvalidRecurrence": "The recurrence is not valid.",
    "ErrorCalendarInvalidTimeZone": "The time zone is not valid.",
    "ErrorCalendarIsCancelledForAccept": "The meeting was cancelled and cannot be accepted.",
    "ErrorCalendarIsCancelledForDecline": "The meeting was cancelled and cannot be declined.",
    "ErrorCalendarIsCancelledForTentative": "The meeting was cancelled and cannot be tentatively accepted.",
    "ErrorCalendarIsNotOrganizer": "You must be the organizer to perform this action.",
    "ErrorCalendarIsOrganizerForAccept": "The user is the meeting organizer and cannot accept the meeting.",
    "ErrorCalendarIsOrganizerForDecline": "The user is the meeting organizer and cannot decline the meeting.",
    "ErrorCalendarIsOrganizerForRemove": "The user is the meeting organizer and cannot remove the meeting.",
    "ErrorCalendarIsOrganizerForTentative": (
        "The user is the meeting organizer and cannot tentatively accept the meeting."
    ),
    "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange": "Occurrence with this index was not found.",
    "ErrorCalendarOccurrenceIsDeletedFromRecurrence": (
        "Occurrence with this index was previously deleted from the recurrence."
    ),
    "ErrorCalendarViewRangeTooBig": "The specified view range exceeds the maximum range of two years.",
    "ErrorCannotCreateCalendarItemInNonCalendarFolder": (
        "A calendar item cannot be created in a folder that is not a calendar folder."
    ),
    "ErrorCannotEmptyFolder": "The folder cannot be emptied.",
    "ErrorCannotUseFolderIdForItemId": "Id is that of a folder, not of an item.",
    "ErrorCannotUseItemIdForFolderId": "Id is that of an item, not of a folder.",
    "ErrorChangeKeyRequired": "The change key is required for this operation.",
    "ErrorChangeKeyRequiredForWriteOperations": "Change key is required for this operation.",
    "ErrorContentIndexingNotEnabled": "Content indexing is not enabled for this mailbox.",
    "ErrorCreateItemAccessDenied": "Cannot save changes made to an item to store.",
    "ErrorCreateSubfolderAccessDenied": "You do not have permission to create a subfolder.",
    "ErrorDelegateAlreadyExists": "The user is already a delegate for the mailbox.",
    "ErrorDelegateCannotAddOwner": "The owner of the mailbox cannot be a delegate of it.",
    "ErrorDelegateNoUser": "The delegate does not map to a user in the Active Directory.",
    "ErrorDeleteDistinguishedFolder": "Distinguished folders cannot be deleted.",
    "ErrorDuplicateUserIdsSpecified": "The permission set names a user twice.",
    "ErrorExceededConnectionCount": (
        "You have exceeded the available concurrent connections for your account.  Try again once your other requests "
        "have completed."
    ),
    "ErrorExceededSubscriptionCount": (
        "You have exceeded the available subscriptions for your account.  Remove unnecessary subscriptions and try "
        "your request again."
    ),
    "ErrorExceededFindCountLimit": (
        "You have exceeded the maximum number of objects that can be returned for the find operation. Use paging to "
        "reduce the result size and try your request again."
    ),
    "ErrorFolderExists": "A folder with the specified name already exists.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the requested user.",
    "ErrorInternalServerError": "An internal server error occurred. The operation failed.",
    "ErrorInternalServerTransientError": "An internal server error occurred. Try again later.",
    "ErrorInvalidChangeKey": "The change key is invalid.",
    "ErrorInvalidExchangeImpersonationHeaderData": "ExchangeImpersonation SOAP header is invalid.",
    "ErrorInvalidExtendedProperty": "Extended property attribute combination is not valid.",
    "ErrorInvalidExtendedPropertyValue": "Extended property value is invalid for its type.",
    "ErrorInvalidFolderTypeForOperation": "The operation can't be performed on this folder type.",
    "ErrorInvalidFractionalPagingParameters": (
        "The numerator must be at least zero and no more than the denominator, which must be greater than zero."
    ),
    "ErrorInvalidIdEmpty": "Id must be non-empty.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidIndexedPagingParameters": "Paging offset must not be less than zero.",
    "ErrorInvalidItemForOperationAcceptItem": "The item is not a meeting that can be accepted.",
    "ErrorInvalidItemForOperationCancelItem": "The item is not a meeting that can be cancelled.",
    "ErrorInvalidItemForOperationDeclineItem": "The item is not a meeting that can be declined.",
    "ErrorInvalidItemForOperationRemoveItem": "The item is not a cancelled meeting.",
    "ErrorInvalidItemForOperationTentative": "The item is not a meeting that can be tentatively accepted.",
    "ErrorInvalidNameForNameResolution": "The name is not valid for name resolution.",
    "ErrorInvalidPagingMaxRows": "Paging max rows must not be less than or equal to zero.",
    "ErrorInvalidPermissionSettings": "The permission settings are not valid.",
    "ErrorInvalidPropertyAppend": "An object within a change description is not appendable.",
    "ErrorInvalidPropertyDelete": "Property cannot be deleted.",
    "ErrorInvalidPropertyForOperation": "Property is not valid for this operation.",
    "ErrorInvalidPropertyRequest": "Property is not valid for this object type.",
    "ErrorInvalidPropertySet": "Set action is invalid for property.",
    "ErrorInvalidPullSubscriptionId": "The subscription is not a pull subscription.",
    "ErrorInvalidPushSubscriptionUrl": "The URL of the push subscription is invalid.",
    "ErrorInvalidRecipients": "At least one recipient is not valid.",
    "ErrorInvalidReferenceItem": "The reference item is not valid for this operation.",
    "ErrorInvalidRequest": "The request is invalid.",
    "ErrorInvalidRestriction": "The restriction is not valid for this operation.",
    "ErrorInvalidScheduledOofDuration": "The duration of the scheduled absence is not valid.",
    "ErrorInvalidServerVersion": "The specified server version is invalid.",
    "ErrorInvalidSubscription": "The subscription is not valid.",
    "ErrorInvalidSubscriptionRequest": (
        "The subscription request is not valid: name the folders of one mailbox, or all folders and none by name."
    ),
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorInvalidUserOofSettings": "The absence settings are not valid.",
    "ErrorInvalidWatermark": "The watermark is not valid.",
    "ErrorInvalidUserInfo": "The user ID is not valid.",
    "ErrorIrresolvableConflict": (
        "The send or update operation could not be performed because the change key passed in the request does not "
        "match the current change key for the item."
    ),
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorMailRecipientNotFound": "The mail recipient was not found.",
    "ErrorMailboxDataArrayEmpty": "The MailboxDataArray is empty.",
    "ErrorMailboxMoveInProgress": "Mailbox move in progress. Try again later.",
    "ErrorMailboxStoreUnavailable": "The mailbox database is temporarily unavailable.",
    "ErrorMessageSizeExceeded": "The message exceeds the maximum supported size.",
    "ErrorMissingEmailAddress": (
        "When making a request as an account that does not have a mailbox, you must specify the mailbox primary SMTP "
        "address for any distinguished folder Ids."
    ),
    "ErrorMissingItemForCreateItemAttachment": "The item to attach is missing.",
    "ErrorMissingInformationReferenceItemId": "ReferenceItemId is missing.",
    "ErrorMoveCopyFailed": "The move or copy operation failed.",
    "ErrorMoveDistinguishedFolder": "Cannot move distinguished folder.",
    "ErrorNameResolutionNoResults": "No results were found.",
    "ErrorNameResolutionMultipleResults": "Multiple results were found.",
    "ErrorNewEventStreamConnectionOpened": "Another connection was opened for the subscription.",
    "ErrorNoFreeBusyAccess": "The requester does not have permission to see the free/busy information.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorNonPrimarySmtpAddress": "The primary SMTP address must be specified when referencing a mailbox.",
    "ErrorOccurrenceCrossingBoundary": ("Modified occurrence is crossing or overlapping adjacent occurrence."),
    "ErrorNotDelegate": "The user is not a delegate for the mailbox.",
    "ErrorParentFolderNotFound": "The specified parent folder could not be found.",
    "ErrorPropertyUpdate": "Property update failed.",
    "ErrorQuotaExceeded": "The mailbox is over its quota.",
    "ErrorRecurrenceHasNoOccurrence": "The recurrence has no occurrences within its range.",
    "ErrorRequiredPropertyMissing": "Required property is missing.",
    "ErrorSavedItemFolderNotFound": "The folder to save to was not found.",
    "ErrorSendMeetingCancellationsRequired": "SendMeetingCancellations attribute is required for calendar items.",
    "ErrorSendMeetingInvitationsOrCancellationsRequired": (
        "SendMeetingInvitationsOrCancellations attribute is required for calendar items."
    ),
    "ErrorSendMeetingInvitationsRequired": "SendMeetingInvitations attribute is required for calendar items.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
    "ErrorSubscriptionAccessDenied": "Access is denied. Only the subscription owner may access the subscription.",
    "ErrorSubscriptionDelegateAccessNotSupported": "Subscriptions are not supported for delegate user access.",
    "ErrorSubscriptionNotFound": "The specified subscription was not found.",
    "ErrorSubscriptionUnsubscribed": "The subscription was ended by Unsubscribe.",
    "ErrorSyncFolderNotFound": "The folder to be synchronized could not be found.",
    "ErrorTimeZone": "The time zone is not valid.",
    "ErrorTimeoutExpired": "The request timed out.",
    "ErrorToFolderNotFound": "The destination folder could not be found.",
    "ErrorUnsupportedPathForQuery": "The property cannot be used with this type of restriction.",
    "ErrorUnsupportedPathForSortGroup": "The property can not be used for sorting.",
    "ErrorValueOutOfRange": "The specified value is out of range.",
    "ErrorUpdatePropertyMismatch": "The update has more than one or another property than its path says.",
}


class Refusal(Exception):
    """One part of a request is refused: its response message says so, the others go on."""

    def __init__(self, code: str, message: str | None = None, *, details: Sequence[Markup] = ()) -> None:
        super().__init__(message or MESSAGES[code])
        self.code = code
        self.details = tuple(details)

    @property
    def text(self) -> str:
        return str(self)

    def parts(self) -> tuple[Markup | None, ...]:
        """The children every response message of an error begins with."""
        return (
            element("m:MessageText", self.text),
            element("m:ResponseCode", self.code),
            element("m:DescriptiveLinkKey", "0"),
            element("m:MessageXml", *self.details) if self.details else None,
        )


def about(uri: str) -> tuple[Markup]:
    """The property a refusal is about, for its MessageXml."""
    return (element("t:FieldURI", FieldURI=uri),)


@dataclass
class Fault(Exception):
    """The whole request is refused. `silent`: without the server's version, as for a version it does not know."""

    code: str
    message: str
    text: str | None = None
    details: tuple[Markup, ...] = field(default=())
    status: int = 500
    silent: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def body(self) -> Markup:
        """The SOAP fault. Its text may say more than the detail's message."""
        detail = element(
            "detail",
            element("e:ResponseCode", self.code, xmlns_e=ERRORS),
            element("e:Message", self.message, xmlns_e=ERRORS),
            element("t:MessageXml", *self.details, xmlns_t=TYPES) if self.details else None,
        )
        return element(
            "s:Fault",
            element("faultcode", f"a:{self.code}", xmlns_a=TYPES),
            element("faultstring", self.text or self.message, xml_lang="en-US"),
            detail,
        )


def fault(code: str, message: str | None = None, *, back_off_ms: int | None = None) -> Fault:
    """A fault in Exchange's words; with a time to back off, as throttling sends it."""
    details: tuple[Markup, ...] = ()
    if back_off_ms is not None:
        details = (element("t:Value", str(back_off_ms), Name="BackOffMilliseconds"),)
    return Fault(code, message or MESSAGES.get(code, code), details=details)


def unknown_version() -> Fault:
    return Fault("ErrorInvalidServerVersion", MESSAGES["ErrorInvalidServerVersion"], silent=True)


def violation(message: str, line: int, column: int) -> Fault:
    """A request that is not what the schema says."""
    details = (
        element("t:LineNumber", str(line)),
        element("t:LinePosition", str(column)),
        element("t:Violation", message),
    )
    short = "The request failed schema validation."
    long = f"The request failed schema validation: {message}"
    return Fault("ErrorSchemaValidation", short, text=long, details=details)


def envelope(body: Markup, header: Markup | None) -> bytes:
    """A SOAP envelope as Exchange writes it."""
    head = element("s:Header", header) if header is not None else None
    return (DECLARATION + str(element("s:Envelope", head, body, xmlns_s=SOAP))).encode()
