"""The properties of Graph's event and calendar: their order on the wire, and which of them may be asked for.

The one rule: what is not named here does not exist, neither in a body nor in `$select` nor in `$expand`.
https://learn.microsoft.com/graph/api/resources/event
"""

_EVENT = """
id createdDateTime lastModifiedDateTime changeKey categories transactionId originalStartTimeZone originalEndTimeZone
iCalUId reminderMinutesBeforeStart isReminderOn hasAttachments subject bodyPreview importance sensitivity isAllDay
isCancelled isOrganizer responseRequested seriesMasterId showAs type webLink onlineMeetingUrl isOnlineMeeting
onlineMeetingProvider allowNewTimeProposals occurrenceId isDraft hideAttendees originalStart responseStatus body start
end location locations recurrence attendees organizer onlineMeeting
"""
EVENT = tuple(_EVENT.split())
# Told only to those who ask by name.
ON_REQUEST = frozenset({"cancelledOccurrences"})
EVENT_SELECTABLE = frozenset(EVENT) | ON_REQUEST
EVENT_EXPANDABLE = frozenset(
    {
        "singleValueExtendedProperties",
        "multiValueExtendedProperties",
        "attachments",
        "calendar",
        "extensions",
        "exceptionOccurrences",
    }
)
EVENT_SORTABLE = frozenset({"start/dateTime", "end/dateTime", "subject", "createdDateTime", "lastModifiedDateTime"})

_CALENDAR = """
id name color hexColor isDefaultCalendar changeKey canShare canViewPrivateItems canEdit allowedOnlineMeetingProviders
defaultOnlineMeetingProvider isTallyingResponses isRemovable owner
"""
CALENDAR = tuple(_CALENDAR.split())
CALENDAR_EXPANDABLE = frozenset({"singleValueExtendedProperties"})
