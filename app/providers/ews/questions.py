"""The bodies of the requests that read. Pure.

The one rule: what a request asks for is what its decoder reads, no more: Exchange opens every item it tells more of
than its folder's table holds.

    BUSY     what free/busy needs
    LISTED   BUSY and all else that FindItem may tell: no guests, of the organizer perhaps no more than a name, no text
    SYNCED   LISTED and the zone; SyncFolderItems "can only handle summary properties", as the vendor's own client says
    PEOPLE   who takes part: only GetItem tells it
    WHOLE    SYNCED, PEOPLE, text, our notes of whom we invited and whether we made it free
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from app.providers.ews import marks
from app.providers.ews.soap import Element, m, t

CALENDAR_CLASS: Final = "IPF.Appointment"
FOLDERS_PER_PAGE: Final = 200
ITEMS_PER_VIEW: Final = 1000
"""Exchange's own limit (EWSFindCountLimit); a view that holds more is cut, and says so."""
CHANGES_PER_PAGE: Final = 200

_BUSY: Final = (
    "calendar:Start",
    "calendar:End",
    "calendar:LegacyFreeBusyStatus",
    "calendar:IsCancelled",
    "calendar:CalendarItemType",
    "calendar:MyResponseType",
)
_LISTED: Final = (
    "item:Subject",
    "item:Sensitivity",
    "item:LastModifiedTime",
    "calendar:UID",
    *_BUSY,
    "calendar:IsAllDayEvent",
    "calendar:Location",
    "calendar:IsMeeting",
    "calendar:Organizer",
)
_ZONE: Final = "calendar:StartTimeZone"
_SYNCED: Final = (*_LISTED, _ZONE)
_PEOPLE: Final = ("calendar:Organizer", "calendar:RequiredAttendees", "calendar:OptionalAttendees")
_WHOLE: Final = (*dict.fromkeys((*_SYNCED, *_PEOPLE)), "item:Body")
_OF_WHOLE: Final = (marks.KEY, marks.GUESTS, marks.FREE)


def own_calendar(email: str | None = None) -> Element:
    """The folder of the default calendar: of whoever asks, or of a named mailbox."""
    mailbox = None if email is None else t("Mailbox", t("EmailAddress", email))
    return t("DistinguishedFolderId", mailbox, Id="calendar")


def folder(calendar_id: str) -> Element:
    """A calendar of the list."""
    return t("FolderId", Id=calendar_id)


def folders(*wanted: Element) -> Element:
    """Folders as they are, each in a message of its own."""
    return m("GetFolder", m("FolderShape", *_folder_shape()), m("FolderIds", *wanted))


def deleted_items() -> Element:
    """The bin: calendars in it are gone."""
    return t("DistinguishedFolderId", Id="deleteditems")


def calendars(*, offset: int) -> Element:
    """Every calendar folder of the mailbox, however deep."""
    is_calendar = t(
        "IsEqualTo",
        t("FieldURI", FieldURI="folder:FolderClass"),
        t("FieldURIOrConstant", t("Constant", Value=CALENDAR_CLASS)),
    )
    return m(
        "FindFolder",
        m("FolderShape", *_folder_shape()),
        m("IndexedPageFolderView", MaxEntriesReturned=str(FOLDERS_PER_PAGE), Offset=str(offset), BasePoint="Beginning"),
        m("Restriction", is_calendar),
        m("ParentFolderIds", t("DistinguishedFolderId", Id="msgfolderroot")),
        Traversal="Deep",
    )


def view(calendar_id: str, start: datetime, end: datetime, *, busy_only: bool = False) -> Element:
    """What the calendar shows between two instants, series as their occurrences."""
    fields = _BUSY if busy_only else _LISTED
    properties = () if busy_only else (marks.KEY,)
    return m(
        "FindItem",
        m("ItemShape", *_shape(fields, properties)),
        m("CalendarView", MaxEntriesReturned=str(ITEMS_PER_VIEW), StartDate=instant(start), EndDate=instant(end)),
        m("ParentFolderIds", folder(calendar_id)),
        Traversal="Shallow",
    )


def marked_with(calendar_id: str, key: str, *, offset: int) -> Element:
    """The items of a calendar that carry our key, wherever they stand in time. Slow: nothing indexes it."""
    has_key = t("IsEqualTo", marks.path(marks.KEY), t("FieldURIOrConstant", t("Constant", Value=key)))
    return m(
        "FindItem",
        m("ItemShape", *_shape(("calendar:UID",), (marks.KEY,))),
        m("IndexedPageItemView", MaxEntriesReturned="10", Offset=str(offset), BasePoint="Beginning"),
        m("Restriction", has_key),
        m("ParentFolderIds", folder(calendar_id)),
        Traversal="Shallow",
    )


def stored(calendar_id: str, *, offset: int) -> Element:
    """What the folder holds, wherever it stands in time: series by name, and none of their dates."""
    return m(
        "FindItem",
        m("ItemShape", *_shape(("calendar:UID", "calendar:CalendarItemType"))),
        m(
            "IndexedPageItemView",
            MaxEntriesReturned=str(ITEMS_PER_VIEW),
            Offset=str(offset),
            BasePoint="Beginning",
        ),
        m("ParentFolderIds", folder(calendar_id)),
        Traversal="Shallow",
    )


def items(ids: Iterable[Element]) -> Element:
    """Items with everything we ever read of one."""
    return m("GetItem", m("ItemShape", *_shape(_WHOLE, _OF_WHOLE, text=True)), m("ItemIds", *ids))


def beside_view(ids: Iterable[Element]) -> Element:
    """Of items and series, what a view does not tell: the zone they were made in, and the people."""
    fields = ("calendar:UID", "calendar:CalendarItemType", _ZONE, *_PEOPLE)
    return m("GetItem", m("ItemShape", *_shape(fields)), m("ItemIds", *ids))


def beside_changes(ids: Iterable[Element]) -> Element:
    """Of items and series, what a page of changes does not tell: how long a series goes on, the people, and the zone
    where the server tells no more than a summary.
    """
    fields = ("calendar:CalendarItemType", "calendar:LastOccurrence", "calendar:ModifiedOccurrences", _ZONE, *_PEOPLE)
    return m("GetItem", m("ItemShape", *_shape(fields)), m("ItemIds", *ids))


def item(item_id: str) -> Element:
    """Names an item."""
    return t("ItemId", Id=item_id)


def master_of(occurrence_id: str) -> Element:
    """Names the series of an occurrence."""
    return t("RecurringMasterItemId", OccurrenceId=occurrence_id)


def changes(calendar_id: str, state: str | None, *, limit: int = CHANGES_PER_PAGE) -> Element:
    """What changed in a folder since a state; without one, everything in it."""
    return m(
        "SyncFolderItems",
        m("ItemShape", *_shape(_SYNCED, (marks.KEY,))),
        m("SyncFolderId", folder(calendar_id)),
        None if state is None else m("SyncState", state),
        m("MaxChangesReturned", str(limit)),
    )


def newest(folder_id: Element, state: str | None, *, limit: int) -> Element:
    """The newest items of a folder: the zone they were made in, and whose they are. It begins with the newest; a state
    goes on from there.
    """
    return m(
        "SyncFolderItems",
        m("ItemShape", *_shape((_ZONE, "calendar:MyResponseType"), (marks.KEY,))),
        m("SyncFolderId", folder_id),
        None if state is None else m("SyncState", state),
        m("MaxChangesReturned", str(limit)),
    )


def instant(moment: datetime) -> str:
    """An instant in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shape(fields: Sequence[str], properties: Sequence[str] = (), *, text: bool = False) -> tuple[Element | None, ...]:
    paths = [*(t("FieldURI", FieldURI=field) for field in fields), *(marks.path(name) for name in properties)]
    return (
        t("BaseShape", "IdOnly"),
        t("BodyType", "Text") if text else None,
        t("AdditionalProperties", *paths),
    )


def _folder_shape() -> tuple[Element, ...]:
    fields = ("folder:ParentFolderId", "folder:DisplayName", "folder:EffectiveRights")
    paths = (*(t("FieldURI", FieldURI=field) for field in fields), marks.path(marks.CALENDAR))
    return t("BaseShape", "IdOnly"), t("AdditionalProperties", *paths)
