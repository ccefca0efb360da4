"""What one mailbox of the other Exchange holds, and how it tells of it.

The one rule: an item is the elements it was given. They are told as the schema orders them, and in every form that
leaves the meaning as it is.
"""

import base64
import random
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from lxml import etree

from tests.providers.another.exchange.schema import CALENDAR, ITEM, ONLY_BY_GET_ITEM, TYPES

ORDER = (*ITEM, *CALENDAR)
EPOCH = datetime(2027, 1, 10, 8, tzinfo=UTC)
_GARNISH = {
    "InstanceKey": "AQAAAAAAARMBAAAAAAZ5fQAAAAA=",
    "IsOrganizer": "true",
    "EnhancedLocation": "<t:DisplayName>Room 7</t:DisplayName><t:Annotation/>",
    "Flag": "<t:FlagStatus>NotFlagged</t:FlagStatus>",
    "InboxReminders": "<t:InboxReminder><t:Id>x</t:Id></t:InboxReminder>",
}
"""Elements of later schemas: nobody asked for them."""


class Refused(Exception):
    """A response message with ResponseClass="Error"."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def element(name: str, inner: str = "", **attributes: str) -> Any:
    """An element of the type namespace; `inner` is XML with the prefix `t`."""
    made = etree.fromstring(f'<t:{name} xmlns:t="{TYPES}">{inner}</t:{name}>')
    for key, value in attributes.items():
        made.set(key, value)
    return made


def written(name: str, value: str) -> Any:
    """An element with a text, whatever stands in it."""
    made = element(name)
    made.text = value
    return made


@dataclass(eq=False)
class Row:
    """An item: a single event, a series, or a date of one, which has of its series what it has not itself."""

    id: str
    folder: str
    kind: str = "Single"
    series: "Row | None" = None
    start: datetime = EPOCH
    end: datetime = EPOCH
    elements: dict[str, Any] = field(default_factory=dict)
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    """Extended properties, by set and name."""
    tag: str = "CalendarItem"
    version: int = 1
    gone: bool = False
    uid_told: bool = True

    @property
    def change_key(self) -> str:
        return base64.b64encode(f"{self.id}>{self.version}".encode()).decode()[-24:]

    def get(self, name: str) -> Any:
        known = self.elements.get(name)
        return known if known is not None or self.series is None else self.series.get(name)

    def text(self, name: str) -> str | None:
        known = self.get(name)
        return None if known is None else known.text

    @property
    def is_meeting(self) -> bool:
        return self.get("RequiredAttendees") is not None or self.get("OptionalAttendees") is not None


@dataclass(eq=False)
class Folder:
    """A folder; `rights` are those that are given."""

    id: str
    parent: str
    name: str
    folder_class: str = "IPF.Appointment"
    rights: tuple[str, ...] = ("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read")
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    """What happened to whom, in order."""
    epoch: int = 0
    """Raised when all states of synchronisation are forgotten."""


class Mailbox:
    """A person's folders and items, and what the person does."""

    def __init__(self, email: str, password: str, *, name: str, seed: int) -> None:
        self.email, self.password, self.name = email, password, name
        self.aliases: set[str] = set()
        self.chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.items: dict[str, Row] = {}
        self.folders: dict[str, Folder] = {}
        self.mails: list[tuple[str, str, tuple[str, ...]]] = []
        """What was sent, about which item, to whom."""
        self.root = self.folder("Top of Information Store", "", folder_class="IPF").id
        self.bin = self.folder("Deleted Items", self.root, folder_class="IPF.Note").id
        self.calendar = self.folder("Kalender", self.root).id

    def new_id(self) -> str:
        """As Exchange makes them: long, of Base64, and never a word."""
        return base64.b64encode(b"\xfb\xef\xbe" + self.chance.randbytes(89)).decode()

    def folder(self, name: str, parent: str, **more: Any) -> Folder:
        made = Folder(self.new_id(), parent, name, **more)
        self.folders[made.id] = made
        return made

    def put(self, start: datetime, minutes: int = 60, *, folder: str | None = None, **elements: Any) -> Row:
        """The person makes an event. Elements are texts, or elements made by `element`."""
        made = Row(self.new_id(), folder or self.calendar, start=start, end=start + timedelta(minutes=minutes))
        self.items[made.id] = made
        made.elements["UID"] = written("UID", self.chance.randbytes(40).hex().upper())
        self.change(made, "Create", **elements)
        return made

    def repeat(self, master: Row, *starts: datetime) -> list[Row]:
        """The event becomes a series with these dates."""
        master.kind, length = "RecurringMaster", master.end - master.start
        dates = [
            Row(self.new_id(), master.folder, "Occurrence", master, start=start, end=start + length)
            for start in (master.start, *starts)
        ]
        self.items.update({date.id: date for date in dates})
        self.change(master, "Update")
        return dates

    def change(self, row: Row, kind: str = "Update", **elements: Any) -> None:
        """Elements that are None are taken away."""
        for name, value in elements.items():
            row.elements.pop(name, None)
            if value is not None:
                row.elements[name] = written(name, value) if isinstance(value, str) else value
        owner = row if row.series is None else row.series
        if row.series is not None:
            row.kind = "Exception"
        row.version += 1
        owner.version += 1
        self.folders[owner.folder].changes.append((kind, owner.id))

    def delete(self, row: Row) -> None:
        row.gone = True
        if row.series is not None:
            self.change(row.series)
            return
        self.folders[row.folder].changes.append(("Delete", row.id))
        for date in self.dates(row):
            date.gone = True

    def dates(self, master: Row) -> list[Row]:
        return [row for row in self.items.values() if row.series is master and not row.gone]

    def item(self, item_id: str) -> Row:
        """Raises: Refused."""
        row = self.items.get(item_id)
        if row is None or row.gone:
            raise Refused("ErrorItemNotFound" if row else "ErrorInvalidIdMalformed")
        return row

    def seen(self, folder: str, start: datetime, end: datetime) -> list[Row]:
        """What a calendar's view shows: no series, but their dates."""
        rows = (row for row in self.items.values() if row.folder == folder and not row.gone)
        inside = (row for row in rows if row.kind != "RecurringMaster" and row.tag == "CalendarItem")
        return sorted((row for row in inside if row.start < end and row.end > start), key=lambda row: row.start)


class Telling:
    """How items and folders are written in an answer."""

    def __init__(self, mailbox: Mailbox, *, garnished: bool, zone_in_listings: bool) -> None:
        self._mailbox = mailbox
        self._chance = mailbox.chance
        self._garnished = garnished
        self._zone_in_listings = zone_in_listings

    def item(self, row: Row, shape: Any, *, listed: bool) -> Any:
        """An item with what was asked for, and perhaps with more."""
        told = etree.Element(f"{{{TYPES}}}{row.tag}")
        asked = _asked(shape)
        paths = list(shape.iter(f"{{{TYPES}}}ExtendedFieldURI"))
        for name in ORDER:
            if name == "ItemId":
                told.append(element("ItemId", Id=row.id, ChangeKey=row.change_key))
            elif name == "ExtendedProperty":
                told.extend(_properties(row.named or (row.series.named if row.series else {}), paths))
            elif name in asked and not (listed and name in self._left_out()):
                value = self._value(row, name, listed=listed)
                if value is not None:
                    told.append(value)
        for name in self._chance.sample(sorted(_GARNISH), 2) if self._garnished else ():
            told.append(element(name, _GARNISH[name]))
        return told

    def folder(self, row: Folder, shape: Any) -> Any:
        kind = "CalendarFolder" if row.folder_class == "IPF.Appointment" else "Folder"
        told = etree.Element(f"{{{TYPES}}}{kind}")
        asked = _asked(shape)
        told.append(element("FolderId", Id=row.id, ChangeKey="AgAAABYAAAA="))
        if "ParentFolderId" in asked and row.parent:
            told.append(element("ParentFolderId", Id=row.parent, ChangeKey="AQAAAA=="))
        if "DisplayName" in asked:
            told.append(written("DisplayName", row.name))
        told.extend(_properties(row.named, list(shape.iter(f"{{{TYPES}}}ExtendedFieldURI"))))
        if "EffectiveRights" in asked:
            rights = ("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read")
            spelt = [f"<t:{right}>{str(right in row.rights).lower()}</t:{right}>" for right in rights]
            told.append(element("EffectiveRights", "".join([*spelt, "<t:ViewPrivateItems>true</t:ViewPrivateItems>"])))
        return told

    def moment(self, when: datetime) -> str:
        """An instant, in any of the forms that xs:dateTime has for it."""
        if self._chance.random() < 0.6:
            return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        place = timezone(timedelta(minutes=self._chance.choice((0, 60, -210, 345))))
        fraction = self._chance.choice(("", ".0", ".000", ".0000000"))
        offset = f"{when.astimezone(place):%z}"
        return f"{when.astimezone(place):%Y-%m-%dT%H:%M:%S}{fraction}{offset[:3]}:{offset[3:]}"

    def _left_out(self) -> frozenset[str]:
        return ONLY_BY_GET_ITEM - ({"StartTimeZone"} if self._zone_in_listings else set())

    def _value(self, row: Row, name: str, *, listed: bool) -> Any:
        if name == "Organizer":
            return self._organizer(row, listed=listed)
        if name in ("Start", "End"):
            return written(name, self.moment(row.start if name == "Start" else row.end))
        if name in ("LastOccurrence", "ModifiedOccurrences"):
            return self._dates(row, name)
        if name == "UID" and not row.uid_told:
            return None
        known = row.get(name)
        if known is not None:
            return deepcopy(known)
        told = {
            "CalendarItemType": row.kind,
            "IsMeeting": self._truth(row.is_meeting),
            "IsCancelled": self._truth(False),
            "IsAllDayEvent": self._truth(False),
            "MyResponseType": self._chance.choice(("Organizer", "Unknown")) if not row.is_meeting else "Organizer",
            "LastModifiedTime": self.moment(EPOCH + timedelta(minutes=row.version)),
        }.get(name)
        return None if told is None else written(name, told)

    def _truth(self, value: bool) -> str:
        return self._chance.choice(("true", "1") if value else ("false", "0"))

    def _organizer(self, row: Row, *, listed: bool) -> Any:
        known = row.elements.get("Organizer")
        if known is None and listed:  # the folder's table has the name alone, or the directory's path
            return element("Organizer", f"<t:Mailbox><t:Name>{self._mailbox.name}</t:Name></t:Mailbox>")
        if known is None:
            inner = f"<t:EmailAddress>{self._mailbox.email}</t:EmailAddress><t:MailboxType>Mailbox</t:MailboxType>"
            return element("Organizer", f"<t:Mailbox>{inner}</t:Mailbox>")
        return deepcopy(known)

    def _dates(self, row: Row, name: str) -> Any:
        dates = self._mailbox.dates(row) if row.kind == "RecurringMaster" else []
        if name == "LastOccurrence":
            return element(name, self._date(dates[-1])) if dates else None
        moved = [date for date in dates if date.kind == "Exception"]
        inner = "".join(f"<t:Occurrence>{self._date(date)}</t:Occurrence>" for date in moved)
        return element(name, inner) if moved else None

    def _date(self, date: Row) -> str:
        start, end = self.moment(date.start), self.moment(date.end)
        return (
            f'<t:ItemId Id="{date.id}" ChangeKey="{date.change_key}"/><t:Start>{start}</t:Start><t:End>{end}</t:End>'
            f"<t:OriginalStart>{start}</t:OriginalStart>"
        )


def _asked(shape: Any) -> set[str]:
    return {path.get("FieldURI").partition(":")[2] for path in shape.iter(f"{{{TYPES}}}FieldURI")}


def _properties(named: dict[tuple[str, str], str], paths: list[Any]) -> list[Any]:
    """The properties among those asked for that are there; their set is told in small letters."""
    told = []
    for path in paths:
        value = named.get((path.get("PropertySetId").lower(), path.get("PropertyName")))
        if value is not None:
            one = element("ExtendedProperty")
            one.append(element("ExtendedFieldURI", **dict(path.attrib)))
            one.append(written("Value", value))
            told.append(one)
    return told
