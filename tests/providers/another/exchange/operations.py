"""What the other Exchange does when it is asked to: one method for each operation, named as the operation.

The one rule: each answers what its page of the vendor's reference says, with the codes that page names; where the page
leaves it open, it differs from one edition to the next.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-operations-in-exchange
"""

import base64
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from tests.providers.another.exchange.schema import MESSAGES, ONLY_BY_GET_ITEM, READ_ONLY, TYPES, local
from tests.providers.another.exchange.store import Folder, Mailbox, Refused, Row, Telling, element

LONGEST_VIEW = timedelta(days=366 + 365)
_ANSWERS = {"AcceptItem": "Accept", "TentativelyAcceptItem": "Tentative", "DeclineItem": "Decline"}
Message = list[Any]
"""The elements of a response message, behind its code."""


@dataclass
class Limits:
    """What an administrator sets, and an edition does its own way."""

    page: int = 3
    """Changes and folders at once, however many were asked for."""
    find_count: int = 1000
    too_many_is_refused: bool = False
    """Exchange 2010 refuses what is too much; its successors cut it off."""
    zone_in_listings: bool = True
    garnished: bool = True
    says_last: bool = True
    """Whether a page says that it is the last, which is optional; how many there are in all it always says."""
    unknown_zones: frozenset[str] = frozenset()


class Operations:
    """One request of one signed-in person."""

    def __init__(self, mailbox: Mailbox, limits: Limits, states: dict[str, Any]) -> None:
        self._box, self._limits, self._states = mailbox, limits, states
        self._telling = Telling(mailbox, garnished=limits.garnished, zone_in_listings=limits.zone_in_listings)

    def run(self, name: str, request: Any) -> Iterator[Message | Refused]:
        """What becomes of each part of a request."""
        for part in getattr(self, name)(request):
            try:
                yield part()
            except Refused as refused:
                yield refused

    def GetFolder(self, request: Any) -> Iterator[Any]:  # noqa: N802 - Exchange's name
        for wanted in _child(request, "FolderIds"):
            yield lambda wanted=wanted: [_list("Folders", [self._telling.folder(self._folder(wanted), request[0])])]

    def FindFolder(self, request: Any) -> Iterator[Any]:  # noqa: N802
        yield lambda: [self._folders(request)]

    def CreateFolder(self, request: Any) -> Iterator[Any]:  # noqa: N802
        parent = self._folder(_child(request, "ParentFolderId")[0])
        for wanted in _child(request, "Folders"):
            yield lambda wanted=wanted: [_list("Folders", [self._made_folder(parent, wanted)])]

    def FindItem(self, request: Any) -> Iterator[Any]:  # noqa: N802
        for wanted in _child(request, "ParentFolderIds"):
            yield lambda wanted=wanted: [self._found(self._folder(wanted), request)]

    def GetItem(self, request: Any) -> Iterator[Any]:  # noqa: N802
        for wanted in _child(request, "ItemIds"):
            yield lambda wanted=wanted: [
                _list("Items", [self._telling.item(self._item(wanted), request[0], listed=False)])
            ]

    def SyncFolderItems(self, request: Any) -> Iterator[Any]:  # noqa: N802
        yield lambda: self._changes(request)

    def CreateItem(self, request: Any) -> Iterator[Any]:  # noqa: N802
        for wanted in _child(request, "Items"):
            if local(wanted) in _ANSWERS:
                yield lambda wanted=wanted: [_list("Items", self._answered(wanted, request))]
            else:
                yield lambda wanted=wanted: [_list("Items", [self._made(wanted, request)])]

    def UpdateItem(self, request: Any) -> Iterator[Any]:  # noqa: N802
        for change in _child(request, "ItemChanges"):
            yield lambda change=change: [_list("Items", [self._updated(change, request)])]

    def DeleteItem(self, request: Any) -> Iterator[Any]:  # noqa: N802
        for wanted in _child(request, "ItemIds"):
            yield lambda wanted=wanted: self._deleted(wanted, request)

    def _folder(self, wanted: Any) -> Folder:
        if local(wanted) == "FolderId":
            known = self._box.folders.get(wanted.get("Id"))
            if known is None:
                raise Refused("ErrorFolderNotFound")
            return known
        for address in wanted.iter(f"{{{TYPES}}}EmailAddress"):
            if address.text.lower() in self._box.aliases:
                raise Refused("ErrorNonPrimarySmtpAddress", Primary=self._box.email)
            if address.text.lower() != self._box.email.lower():
                raise Refused("ErrorNonExistentMailbox")
        names = {"calendar": self._box.calendar, "deleteditems": self._box.bin, "msgfolderroot": self._box.root}
        return self._box.folders[names[wanted.get("Id")]]

    def _folders(self, request: Any) -> Any:
        below = _child(request, "ParentFolderIds")[0]
        inside, found = {self._folder(below).id}, []
        for folder in self._box.folders.values():
            if folder.parent in inside:
                inside.add(folder.id)
                found.append(folder)
        wanted = request.find(f".//{{{TYPES}}}Constant")
        found = [folder for folder in found if wanted is None or folder.folder_class == wanted.get("Value")]
        view = _child(request, "IndexedPageFolderView")
        return self._page("Folders", [self._telling.folder(folder, request[0]) for folder in found], view)

    def _page(self, name: str, found: list[Any], view: Any) -> Any:
        first = int(view.get("Offset"))
        after = min(first + min(int(view.get("MaxEntriesReturned", 1000)), self._limits.page), len(found))
        return self._root(name, found[first:after], total=len(found), last=after == len(found), offset=after)

    def _made_folder(self, parent: Folder, wanted: Any) -> Any:
        name = wanted.findtext(f"{{{TYPES}}}DisplayName")
        if any(folder.parent == parent.id and folder.name == name for folder in self._box.folders.values()):
            raise Refused("ErrorFolderExists")
        made = self._box.folder(name, parent.id)
        made.named.update(_named(wanted))
        return self._telling.folder(made, etree.Element("none"))

    def _found(self, folder: Folder, request: Any) -> Any:
        shape, view = request[0], _child(request, "CalendarView")
        asked = {path.get("FieldURI").partition(":")[2] for path in shape.iter(f"{{{TYPES}}}FieldURI")}
        if asked & ONLY_BY_GET_ITEM:
            raise Refused("ErrorInvalidPropertyRequest")
        if "Read" not in folder.rights:
            raise Refused("ErrorAccessDenied")
        if view is None:
            rows = [row for row in self._box.items.values() if row.folder == folder.id and row.series is None]
            restriction = _child(request, "Restriction")
            path, value = restriction[0][0], restriction[0][1][0].get("Value")
            key = (path.get("PropertySetId").lower(), path.get("PropertyName"))
            rows = [row for row in rows if not row.gone and row.named.get(key) == value]
            told = [self._telling.item(row, shape, listed=True) for row in rows]
            return self._page("Items", told, _child(request, "IndexedPageItemView"))
        start, end = (_instant(view.get(name)) for name in ("StartDate", "EndDate"))
        if start >= end:
            raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate")
        if end - start > LONGEST_VIEW:
            raise Refused("ErrorCalendarViewRangeTooBig")
        rows, most = self._box.seen(folder.id, start, end), int(view.get("MaxEntriesReturned", 10**6))
        if len(rows) > self._limits.find_count and self._limits.too_many_is_refused:
            raise Refused("ErrorExceededFindCountLimit")
        kept = rows[: min(most, self._limits.find_count)]
        told = [self._telling.item(row, shape, listed=True) for row in kept]
        return self._root("Items", told, total=len(rows), last=len(kept) == len(rows))

    def _root(self, name: str, told: list[Any], *, total: int, last: bool, offset: int | None = None) -> Any:
        root = etree.Element(f"{{{MESSAGES}}}RootFolder", TotalItemsInView=str(total))
        if self._limits.says_last:
            root.set("IncludesLastItemInRange", "true" if last else "false")
        if offset is not None:
            root.set("IndexedPagingOffset", str(offset))
        listed = element(name)
        listed.extend(told)
        root.append(listed)
        return root

    def _item(self, wanted: Any) -> Row:
        if local(wanted) == "ItemId":
            return self._box.item(wanted.get("Id"))
        date = self._box.item(wanted.get("OccurrenceId"))
        if date.series is None:
            raise Refused("ErrorCalendarCannotUseIdForOccurrenceId")
        return date.series

    def _changes(self, request: Any) -> Message:
        shape, folder = request[0], self._folder(_child(request, "SyncFolderId")[0])
        state = request.findtext(f"{{{MESSAGES}}}SyncState")
        most = min(int(request.findtext(f"{{{MESSAGES}}}MaxChangesReturned")), self._limits.page)
        if state is None:
            live = [row for row in self._box.items.values() if row.folder == folder.id and not row.gone]
            waiting = [("Create", row.id) for row in reversed(live) if row.series is None]
            upto, rested = len(folder.changes), False
        else:
            known = self._states.get(state)
            if known is None or known[:2] != (folder.id, folder.epoch):
                raise Refused("ErrorInvalidSyncStateData")
            _, _, waiting, upto, rested = known
            if not waiting:
                waiting, upto, rested = self._since(folder, upto), len(folder.changes), True
        pause = bool(waiting) and not rested and state is not None
        told = [] if pause else waiting[:most]
        rest = waiting[len(told) :]
        token = base64.b64encode(b"\xff\xef" + self._box.chance.randbytes(62)).decode()
        self._states[token] = (folder.id, folder.epoch, rest, upto, rested or pause)
        changes = etree.Element(f"{{{MESSAGES}}}Changes")
        changes.extend(self._change(kind, row_id, shape) for kind, row_id in told)
        return [_said("SyncState", token), _said("IncludesLastItemInRange", "false" if rest else "true"), changes]

    def _since(self, folder: Folder, upto: int) -> list[tuple[str, str]]:
        new: dict[str, str] = {}
        for kind, row_id in folder.changes[upto:]:
            new[row_id] = "Create" if new.get(row_id) == "Create" and kind == "Update" else kind
        return [(kind, row_id) for row_id, kind in reversed(new.items())]

    def _change(self, kind: str, row_id: str, shape: Any) -> Any:
        row = self._box.items[row_id]
        inner = element("ItemId", Id=row.id, ChangeKey=row.change_key)
        told = element("Delete" if row.gone else kind)
        told.append(inner if row.gone else self._telling.item(row, shape, listed=True))
        return told

    def _made(self, wanted: Any, request: Any) -> Any:
        if request.get("SendMeetingInvitations") is None:
            raise Refused("ErrorSendMeetingInvitationsRequired")
        where = _child(request, "SavedItemFolderId")
        folder = self._folder(where[0]) if where is not None else self._box.folders[self._box.calendar]
        if "CreateContents" not in folder.rights:
            raise Refused("ErrorCreateItemAccessDenied")
        row = Row(self._box.new_id(), folder.id)
        self._take(row, wanted)
        self._box.items[row.id] = row
        self._box.change(row, "Create")
        self._mail("request", row, request.get("SendMeetingInvitations"))
        return _reference(row)

    def _take(self, row: Row, told: Any) -> None:
        """Make the elements of an item those of a row. Raises: Refused."""
        row.named.update(_named(told))
        for one in told:
            name = local(one)
            if name in READ_ONLY:
                raise Refused("ErrorInvalidPropertySet")
            if name in ("StartTimeZone", "EndTimeZone") and one.get("Id") in self._limits.unknown_zones:
                raise Refused("ErrorTimeZone")
            if name == "Start":
                row.start = _instant(one.text)
            elif name == "End":
                row.end = _instant(one.text)
            elif name != "ExtendedProperty":
                row.elements[name] = deepcopy(one)
        if row.start > row.end:
            raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate")

    def _answered(self, wanted: Any, request: Any) -> list[Any]:
        if request.get("MessageDisposition") is None:
            raise Refused("ErrorMessageDispositionRequired")
        row = self._box.item(wanted.find(f"{{{TYPES}}}ReferenceItemId").get("Id"))
        if row.text("MyResponseType") in (None, "Organizer"):
            raise Refused("ErrorCalendarIsOrganizerForAccept")
        self._box.change(row, MyResponseType=_ANSWERS[local(wanted)])
        self._box.mails.append(("response", row.id, ()))
        return []

    def _updated(self, change: Any, request: Any) -> Any:
        sends = request.get("SendMeetingInvitationsOrCancellations")
        if sends is None:
            raise Refused("ErrorSendMeetingInvitationsOrCancellationsRequired")
        row = self._item(change[0])
        key = change[0].get("ChangeKey")
        if key is None:
            raise Refused("ErrorChangeKeyRequiredForWriteOperations")
        if key != row.change_key and request.get("ConflictResolution") == "NeverOverwrite":
            raise Refused("ErrorIrresolvableConflict")
        before = (row.start, row.end)
        draft = deepcopy(row.elements), dict(row.named)
        for update in change[1]:
            self._update(row, update)
        if row.start > row.end:
            (row.start, row.end), (row.elements, row.named) = before, draft
            raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate")
        self._box.change(row)
        self._mail("request", row, sends)
        return _reference(row)

    def _update(self, row: Row, update: Any) -> None:
        path, value = update[0], update[1] if len(update) > 1 else None
        name = path.get("FieldURI", "").partition(":")[2] or "ExtendedProperty"
        if value is None:
            row.elements.pop(name, None)
            return
        if len(value) != 1:
            raise Refused("ErrorIncorrectUpdatePropertyCount")
        if local(value[0]) != name:
            raise Refused("ErrorUpdatePropertyMismatch")
        if local(update) == "AppendToItemField":
            if name not in ("RequiredAttendees", "OptionalAttendees", "Resources", "Body"):
                raise Refused("ErrorInvalidPropertyAppend")
            known = row.get(name)
            value[0][:] = [*(deepcopy(one) for one in (known if known is not None else ())), *value[0]]
        start, end = row.start, row.end
        try:
            self._take(row, value)
        except Refused as refused:
            if refused.code != "ErrorCalendarEndDateIsEarlierThanStartDate":
                raise
            assert (row.start, row.end) != (start, end)  # judged when all of the updates are made

    def _deleted(self, wanted: Any, request: Any) -> Message:
        sends = request.get("SendMeetingCancellations")
        if sends is None:
            raise Refused("ErrorSendMeetingCancellationsRequired")
        row = self._item(wanted)
        self._mail("cancellation", row, sends)
        self._box.delete(row)
        return []

    def _mail(self, kind: str, row: Row, sends: str) -> None:
        lists = [row.get(name) for name in ("RequiredAttendees", "OptionalAttendees")]
        people = [one.text for some in lists if some is not None for one in some.iter(f"{{{TYPES}}}EmailAddress")]
        if sends != "SendToNone" and people:
            self._box.mails.append((kind, row.id, tuple(people)))


def _child(request: Any, name: str) -> Any:
    return request.find(f"{{{MESSAGES}}}{name}")


def _list(name: str, told: list[Any]) -> Any:
    made = etree.Element(f"{{{MESSAGES}}}{name}")
    made.extend(told)
    return made


def _said(name: str, value: str) -> Any:
    made = etree.Element(f"{{{MESSAGES}}}{name}")
    made.text = value
    return made


def _reference(row: Row) -> Any:
    made = element("CalendarItem")
    made.append(element("ItemId", Id=row.id, ChangeKey=row.change_key))
    return made


def _named(told: Any) -> dict[tuple[str, str], str]:
    paths = [(one[0], one[1].text or "") for one in told if local(one) == "ExtendedProperty"]
    return {(path.get("PropertySetId").lower(), path.get("PropertyName")): value for path, value in paths}


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
