"""Exchange's XML as typed structs, and the tolerant decoding of it. Pure.

The one rule: one damaged item never spoils a page. A field that cannot be read is left out and the item is marked
`damaged`; elements we do not know are ignored everywhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

import msgspec
from lxml import etree

from app.providers.ews import marks
from app.providers.ews.soap import Element, message_tag, tag

MASTER: Final = "RecurringMaster"
SINGLE: Final = "Single"
OCCURRENCE: Final = "Occurrence"
EXCEPTION: Final = "Exception"
OCCURRENCES: Final = frozenset({OCCURRENCE, EXCEPTION})

ChangeKind = Literal["Create", "Update", "Delete"]


class Person(msgspec.Struct, frozen=True, gc=False):
    """An attendee."""

    email: str
    name: str | None = None
    response: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar item: a single event, a series, or a date of one."""

    id: str
    change_key: str | None = None
    kind: str = SINGLE
    uid: str | None = None
    subject: str | None = None
    sensitivity: str | None = None
    body: str | None = None
    start: datetime | None = None
    """Aware, UTC."""
    end: datetime | None = None
    all_day: bool = False
    free_busy: str | None = None
    location: str | None = None
    cancelled: bool = False
    meeting: bool = False
    """Somebody is invited, or invited us."""
    my_response: str | None = None
    organizer: str | None = None
    required: tuple[Person, ...] = ()
    optional: tuple[Person, ...] = ()
    required_others: tuple[bytes, ...] = ()
    """Guests without an address of mail, lists of the organizer's own among them: each as the `Mailbox` it came as."""
    optional_others: tuple[bytes, ...] = ()
    zone: str | None = None
    """The zone it was made in, by Windows' name."""
    modified: datetime | None = None
    key: str | None = None
    guests: str | None = None
    free: str | None = None
    last_end: datetime | None = None
    """Of a series: when the last of its dates ends; None for one without end."""
    moved_end: datetime | None = None
    """Of a series: when the last of the dates that were moved ends."""
    damaged: bool = False


class Change(msgspec.Struct, frozen=True):
    """A line of SyncFolderItems. Items of other kinds than a calendar's have no `item`."""

    kind: ChangeKind
    id: str
    item: Item | None = None


class ChangesPage(msgspec.Struct, frozen=True):
    """A page of SyncFolderItems."""

    changes: tuple[Change, ...]
    state: str
    last: bool


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar folder."""

    id: str
    parent_id: str | None = None
    name: str | None = None
    rights: frozenset[str] = frozenset()
    """Names of the effective rights that are given."""
    mark: str | None = None
    """What we wrote on it when we made it."""


class Page(msgspec.Struct, frozen=True):
    """A page of FindItem or FindFolder. `next_offset` is None on the last, and on one that is cut."""

    elements: tuple[Element, ...]
    whole: bool
    next_offset: int | None = None


def read_items(parent: Element | None) -> tuple[Item, ...]:
    """The calendar items among an element's children; what has not even an id is left out."""
    found = () if parent is None else (read_item(child) for child in parent if child.tag == _CALENDAR_ITEM)
    return tuple(item for item in found if item is not None)


def read_item(element: Element) -> Item | None:
    """An item as far as it can be read, or None when not even its id can."""
    fields: dict[str, Any] = {}
    for child in element:
        reader = _READERS.get(child.tag)
        if reader is None:
            continue
        try:
            fields.update(reader(child))
        except (ValueError, OverflowError):
            fields["damaged"] = True
    return Item(**fields) if fields.get("id") else None


def read_changes(message: Element) -> ChangesPage:
    """A page of changes. Raises: ValueError when it has no state."""
    state = message.findtext(message_tag("SyncState"))
    if not state:
        raise ValueError("a page without a state")
    listed = message.find(message_tag("Changes"))
    changes = tuple(_changes(listed)) if listed is not None else ()
    last = message.findtext(message_tag("IncludesLastItemInRange"))
    if last is None:
        raise ValueError("a page that does not say whether it is the last")
    return ChangesPage(changes, state, _truth(last))


def read_page(message: Element) -> Page:
    """The page in a message of FindItem or FindFolder. Raises: ValueError when there is none."""
    root = message.find(message_tag("RootFolder"))
    if root is None:
        raise ValueError("no page")
    listed = root.find(tag("Items"))
    if listed is None:
        listed = root.find(tag("Folders"))
    elements = tuple(listed) if listed is not None else ()
    offset = root.get("IndexedPagingOffset")
    whole = _is_last(root, len(elements) if offset is None else int(offset))
    return Page(elements, whole, None if offset is None or whole else int(offset))


def _is_last(root: Element, told: int) -> bool:
    """Whether nothing is left. To say so is optional; how many there are in all tells as much."""
    last, total = root.get("IncludesLastItemInRange"), root.get("TotalItemsInView")
    if last is not None:
        return _truth(last)
    return total is None or told >= int(total)


def read_folder(element: Element) -> Folder:
    """A folder. Raises: ValueError without an id."""
    known, parent, rights = (element.find(tag(name)) for name in ("FolderId", "ParentFolderId", "EffectiveRights"))
    folder_id = None if known is None else known.get("Id")
    if not folder_id:
        raise ValueError("a folder without an id")
    given = () if rights is None else (right for right in rights if _truth(right.text or "false"))
    properties = [_mark(child) for child in element if child.tag == _EXTENDED]
    return Folder(
        id=folder_id,
        parent_id=None if parent is None else parent.get("Id"),
        name=element.findtext(tag("DisplayName")),
        rights=frozenset(right.tag.rpartition("}")[2] for right in given),
        mark=next((found["mark"] for found in properties if found), None),
    )


def items_of(message: Element) -> tuple[Item, ...]:
    """The items in a message of GetItem, CreateItem or UpdateItem."""
    return read_items(message.find(message_tag("Items")))


def folders_of(message: Element) -> Sequence[Folder]:
    """The folders in a message of GetFolder."""
    listed = message.find(message_tag("Folders"))
    return [] if listed is None else [read_folder(element) for element in listed]


def _changes(listed: Element) -> Iterator[Change]:
    for element in listed:
        kind = element.tag.rpartition("}")[2]
        told = element if kind == "Delete" else next(iter(element), None)
        known = None if told is None else told.find(tag("ItemId"))
        item_id = None if known is None else known.get("Id")
        if told is None or not item_id or kind not in _CHANGE_KINDS:
            continue
        item = read_item(told) if told.tag == _CALENDAR_ITEM else None
        yield Change(cast("ChangeKind", kind), item_id, item)


def _truth(text: str) -> bool:
    value = text.strip().lower()
    if value not in ("true", "false", "1", "0"):
        raise ValueError("not a boolean")
    return value in ("true", "1")


def _time(text: str | None) -> datetime:
    """An instant. Exchange says `Z`; a time without an offset is taken for one in UTC."""
    moment = datetime.fromisoformat((text or "").strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _id(element: Element) -> dict[str, Any]:
    return {"id": element.get("Id"), "change_key": element.get("ChangeKey")}


def _organizer(element: Element) -> dict[str, Any]:
    return {"organizer": _address(element)}


def _address(element: Element) -> str | None:
    """A mailbox's SMTP address; people of Exchange's own directory come as an X.500 path, which is none."""
    mailbox = element.find(tag("Mailbox"))
    address = None if mailbox is None else mailbox.findtext(tag("EmailAddress"))
    return address if address and "@" in address and not address.startswith("/") else None


def _people(name: str) -> Callable[[Element], dict[str, Any]]:
    def read(element: Element) -> dict[str, Any]:
        nameless = (entry.find(tag("Mailbox")) for entry in element if not _address(entry))
        others = tuple(etree.tostring(mailbox, with_tail=False) for mailbox in nameless if mailbox is not None)
        return {name: tuple(_person(entry) for entry in element if _address(entry)), f"{name}_others": others}

    return read


def _person(entry: Element) -> Person:
    return Person(
        _address(entry) or "",
        entry.findtext(f"{tag('Mailbox')}/{tag('Name')}") or None,
        entry.findtext(tag("ResponseType")),
    )


def _property(fields: Mapping[str, str]) -> Callable[[Element], dict[str, Any]]:
    """Reads one of our named properties, each into its field."""

    def read(element: Element) -> dict[str, Any]:
        path, value = element.find(tag("ExtendedFieldURI")), element.findtext(tag("Value"))
        field = fields.get("" if path is None else path.get("PropertyName", ""))
        return {} if field is None else {field: value}

    return read


def _ends(element: Element) -> dict[str, Any]:
    return {"last_end": _time(element.findtext(tag("End")))}


def _moved_ends(element: Element) -> dict[str, Any]:
    """A date that was moved may end after the last one."""
    ends = [_time(moved.findtext(tag("End"))) for moved in element]
    return {"moved_end": max(ends)} if ends else {}


def _text(name: str) -> Callable[[Element], dict[str, Any]]:
    return lambda element: {name: element.text}


def _moment(name: str) -> Callable[[Element], dict[str, Any]]:
    return lambda element: {name: _time(element.text)}


def _flag(name: str) -> Callable[[Element], dict[str, Any]]:
    return lambda element: {name: _truth(element.text or "")}


_CALENDAR_ITEM: Final = tag("CalendarItem")
_EXTENDED: Final = tag("ExtendedProperty")
_CHANGE_KINDS: Final = frozenset({"Create", "Update", "Delete"})
"""The others (a read flag) are about messages."""
_mark: Final = _property({marks.CALENDAR: "mark"})
_READERS: Final[Mapping[str, Callable[[Element], dict[str, Any]]]] = {
    tag(name): reader
    for name, reader in {
        "ItemId": _id,
        "Subject": _text("subject"),
        "Sensitivity": _text("sensitivity"),
        "Body": _text("body"),
        "ExtendedProperty": _property({marks.KEY: "key", marks.GUESTS: "guests", marks.FREE: "free"}),
        "LastModifiedTime": _moment("modified"),
        "UID": _text("uid"),
        "Start": _moment("start"),
        "End": _moment("end"),
        "IsAllDayEvent": _flag("all_day"),
        "LegacyFreeBusyStatus": _text("free_busy"),
        "Location": _text("location"),
        "IsMeeting": _flag("meeting"),
        "IsCancelled": _flag("cancelled"),
        "CalendarItemType": _text("kind"),
        "MyResponseType": _text("my_response"),
        "Organizer": _organizer,
        "RequiredAttendees": _people("required"),
        "OptionalAttendees": _people("optional"),
        "LastOccurrence": _ends,
        "ModifiedOccurrences": _moved_ends,
        "StartTimeZone": lambda element: {"zone": element.get("Id")},
    }.items()
}
