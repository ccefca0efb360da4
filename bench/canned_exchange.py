"""An Exchange whose calendars are canned: `SyncFolderItems` on its own wire, over TLS.

The one rule: an answer is put together from rows made before, so that the server is never what is waited for.

A row holds the properties that the request names, in the schema's order, and of a zone its whole definition where the
request speaks a schema of 2010, as Exchange does it; a state is a number. Nothing else is served.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from bench.canned_events import CannedChange, CannedEvent, changes, person, size_of
from bench.canned_rows import Asked, Reply, Rows

PATH: Final = "/EWS/Exchange.asmx"
_MESSAGES: Final = "http://schemas.microsoft.com/exchange/services/2006/messages"
_TYPES: Final = "http://schemas.microsoft.com/exchange/services/2006/types"
_MOST: Final = 512
_ZONES: Final = ("StartTimeZone", "EndTimeZone")
_ZONE: Final = 'Id="W. Europe Standard Time" Name="(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"'
_RULE: Final = "trule:Microsoft/Registry/W. Europe Standard Time/1"
_PERIOD: Final = f'<t:Period Bias="{{bias}}" Name="{{name}}" Id="{_RULE}-{{name}}"/>'
_TRANSITION: Final = (
    f'<t:RecurringDayTransition><t:To Kind="Period">{_RULE}-{{name}}</t:To>'
    "<t:TimeOffset>{at}</t:TimeOffset><t:Month>{month}</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
    "<t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>"
)
_WHOLE_ZONE: Final = (
    f"<t:{{name}} {_ZONE}><t:Periods>{_PERIOD.format(bias='-PT60M', name='Standard')}"
    f"{_PERIOD.format(bias='-PT120M', name='Daylight')}</t:Periods>"
    '<t:TransitionsGroups><t:TransitionsGroup Id="0">'
    f"{_TRANSITION.format(name='Daylight', at='PT2H', month=3)}"
    f"{_TRANSITION.format(name='Standard', at='PT3H', month=10)}"
    '</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">0</t:To>'
    "</t:Transition></t:Transitions></t:{name}>"
)
_HEAD: Final = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
    '<h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" '
    f'Version="V2017_07_11" xmlns:h="{_TYPES}" xmlns="{_TYPES}"/></s:Header><s:Body><m:SyncFolderItemsResponse '
    f'xmlns:m="{_MESSAGES}" xmlns:t="{_TYPES}"><m:ResponseMessages><m:SyncFolderItemsResponseMessage '
    'ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
)
_TAIL: Final = (
    b"</m:Changes></m:SyncFolderItemsResponseMessage></m:ResponseMessages></m:SyncFolderItemsResponse></s:Body>"
    b"</s:Envelope>"
)


class CannedExchange:
    """Answers requests."""

    def __init__(self, first: date) -> None:
        self._first = first
        self._rows: dict[Shape, Rows] = {}

    def answer(self, asked: Asked) -> Reply:
        """A page; 401 for who proves nothing, 500 for what is not served."""
        if "authorization" not in asked.headers:
            return Reply(401, b"")
        root = etree.fromstring(asked.body.encode())
        question = root.find(f".//{{{_MESSAGES}}}SyncFolderItems")
        if asked.path != PATH or question is None:
            return Reply(500, b"")
        folder = question.find(f"{{{_MESSAGES}}}SyncFolderId/{{{_TYPES}}}FolderId")
        assert folder is not None
        calendar, shape = folder.get("Id", ""), Shape.of(root)
        size = size_of(calendar)
        state = question.findtext(f"{{{_MESSAGES}}}SyncState") or "page 0"
        kind, _, number = state.partition(" ")
        if kind == "after":
            told = [row(change, shape) for change in changes(size, int(number), self._first)]
            return Reply(200, _page(told, f"after {int(number) + 1}", last=True), len(told), calendar, listing=False)
        begin, most = int(number), int(question.findtext(f"{{{_MESSAGES}}}MaxChangesReturned", "1"))
        end = min(size, begin + min(_MOST, most))
        state = "after 0" if end == size else f"page {end}"
        told = self._rows_of(shape).part(begin, end)
        return Reply(200, _page(told, state, last=end == size), end - begin, calendar, begins=begin == 0)

    def _rows_of(self, shape: "Shape") -> Rows:
        """The rows in this shape, made once."""
        known = self._rows.get(shape)
        if known is None:
            known = self._rows[shape] = Rows(partial(_listed, shape=shape, first=self._first))
        return known


class Shape(frozenset[str]):
    """The properties that a request names; `whole zones` beside them where it speaks a schema of 2010."""

    @classmethod
    def of(cls, root: etree._Element) -> "Shape":
        """Of a request."""
        fields = {path.get("FieldURI", "") for path in root.iter(f"{{{_TYPES}}}FieldURI")}
        version = root.find(f".//{{{_TYPES}}}RequestServerVersion")
        old = version is not None and version.get("Version", "").startswith("Exchange2010")
        return cls(fields | ({"whole zones"} if old else set()))


def key(event: CannedEvent) -> tuple[str, str]:
    """The id and the change key."""
    token = hashlib.sha256(f"item {event.number}".encode()).digest()
    name = base64.b64encode(b"AAMk" + bytes(36) + token + bytes(40)).decode()
    return name, base64.b64encode(hashlib.sha256(f"{event.number} {event.moved}".encode()).digest()[:22]).decode()


def row(change: CannedChange, shape: Shape) -> bytes:
    """A change as Exchange tells it."""
    if change.removed:
        return f'<t:Delete><t:ItemId Id="{key(change.event)[0]}"/></t:Delete>'.encode()
    kind = "Update" if change.event.moved else "Create"
    return f"<t:{kind}>{_item(change.event, shape)}</t:{kind}>".encode()


def _listed(number: int, *, shape: Shape, first: date) -> bytes:
    return row(CannedChange(CannedEvent(number, 0, first), removed=False), shape)


def _page(rows: list[bytes], state: str, *, last: bool) -> bytes:
    whole = "true" if last else "false"
    head = f"{_HEAD}<m:SyncState>{state}</m:SyncState><m:IncludesLastItemInRange>{whole}</m:IncludesLastItemInRange>"
    return b"".join((head.encode(), b"<m:Changes>", *rows, _TAIL))


def _item(event: CannedEvent, shape: Shape) -> str:
    name, change_key = key(event)
    told = "".join(tell(event) for field, tell in _FIELDS.items() if field in shape)
    zone = _WHOLE_ZONE if "whole zones" in shape else f"<t:{{name}} {_ZONE}/>"
    zones = "".join(zone.format(name=each) for each in _ZONES if f"calendar:{each}" in shape)
    return f'<t:CalendarItem><t:ItemId Id="{name}" ChangeKey="{change_key}"/>{told}{zones}</t:CalendarItem>'


def _organizer(_: CannedEvent) -> str:
    owner = person(0)
    known = f"<t:Name>{owner.name}</t:Name><t:EmailAddress>{owner.email}</t:EmailAddress>"
    return f"<t:Organizer><t:Mailbox>{known}<t:RoutingType>SMTP</t:RoutingType></t:Mailbox></t:Organizer>"


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_FIELDS: Final[Mapping[str, Callable[[CannedEvent], str]]] = {
    "item:Subject": lambda event: f"<t:Subject>{escape(event.subject)}</t:Subject>",
    "item:Sensitivity": lambda _: "<t:Sensitivity>Normal</t:Sensitivity>",
    "item:LastModifiedTime": lambda event: f"<t:LastModifiedTime>{_instant(event.changed_at)}</t:LastModifiedTime>",
    "calendar:UID": lambda event: f"<t:UID>040000008200E00074C5B7101A82E008{event.number:080d}</t:UID>",
    "calendar:Start": lambda event: f"<t:Start>{_instant(event.start)}</t:Start>",
    "calendar:End": lambda event: f"<t:End>{_instant(event.end)}</t:End>",
    "calendar:IsAllDayEvent": lambda _: "<t:IsAllDayEvent>false</t:IsAllDayEvent>",
    "calendar:LegacyFreeBusyStatus": lambda _: "<t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus>",
    "calendar:Location": lambda event: f"<t:Location>{escape(event.place)}</t:Location>" if event.place else "",
    "calendar:IsCancelled": lambda _: "<t:IsCancelled>false</t:IsCancelled>",
    "calendar:CalendarItemType": lambda _: "<t:CalendarItemType>Single</t:CalendarItemType>",
    "calendar:MyResponseType": lambda _: "<t:MyResponseType>Organizer</t:MyResponseType>",
    "calendar:Organizer": _organizer,
}
"""In the order of the schema."""
