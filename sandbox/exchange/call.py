"""One call after admission: who makes it, for which mailbox, in which time zone; and what its ids lead to.

The one rule: an id leads to an object only where the caller may see it; else it is as if there were none.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sandbox.exchange.errors import MESSAGES as MESSAGE_OF
from sandbox.exchange.errors import Refusal
from sandbox.exchange.ids import InvalidId, StoreId, read_change_key, read_id
from sandbox.exchange.items import Item, View
from sandbox.exchange.markup import MESSAGES, TYPES, Markup, element
from sandbox.exchange.reading import Node
from sandbox.exchange.rights import Rights, rights_on
from sandbox.exchange.shapes import Purpose, Shape, read_shape
from sandbox.exchange.versions import ServerVersion
from sandbox.exchange.world import Actor, ExchangeWorld, Folder, Mailbox
from sandbox.exchange.writes import occurrence_at
from sandbox.exchange.zones import UTC_ZONE, Zone
from sandbox.faults import Action


@dataclass(frozen=True)
class Located:
    """An item an id led to. `seen`: the version the caller says it has, or None."""

    folder: Folder
    view: View
    seen: int | None

    @property
    def item(self) -> Item:
        return self.view.item


@dataclass(frozen=True)
class Call:
    """`caller` is who signed in, `mailbox` for whom the call is made (the same, unless impersonated)."""

    world: ExchangeWorld
    server: ServerVersion
    rank: int
    caller: Mailbox
    mailbox: Mailbox
    body: Node
    request_id: str
    zone: Zone | None = None
    fault: Action | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.mailbox.email, "api", self.request_id)

    @property
    def wall_zone(self) -> Zone:
        """Whose wall time a time without an offset is."""
        return self.zone or UTC_ZONE

    def shape(self, name: str, purpose: Purpose) -> Shape:
        node = self.body.find(name)
        assert node is not None
        return read_shape(node, self.rank, purpose)

    def rights(self, folder: Folder) -> Rights:
        return rights_on(folder, self.mailbox.email)

    def hides(self, folder: Folder, view: View) -> bool:
        """Whether the caller sees of an item no more than when it is: a private one that is not theirs."""
        delegate = folder.mailbox.delegates.people.get(self.mailbox.email)
        if self.rights(folder).owns or (delegate is not None and delegate.sees_private):
            return False
        return bool(view.get("Sensitivity", "Normal") == "Private")

    # folders ------------------------------------------------------------------------------

    def folder(self, node: Node, *, missing: str = "ErrorFolderNotFound") -> Folder:
        """The folder a `FolderId` or `DistinguishedFolderId` means, if the caller may read it. Raises Refusal."""
        if node.name == "t:DistinguishedFolderId":
            owner = self._owner(node)
            folder = owner.distinguished(node.attributes["Id"]) if owner.enabled else None
        else:
            store_id = _read(node.attributes["Id"])
            if store_id.item is not None:
                raise Refusal("ErrorCannotUseItemIdForFolderId")
            folder = self._folder_of(store_id)
        if folder is None:
            raise Refusal(missing)
        self._check_readable(folder, missing)
        return folder

    def _owner(self, node: Node) -> Mailbox:
        named = node.at("t:Mailbox")
        if named is None:
            if not self.mailbox.enabled:
                raise Refusal("ErrorMissingEmailAddress")
            return self.mailbox
        address = (named.text_of("t:EmailAddress") or "").lower()
        owner = self.world.find_mailbox(address)
        if owner is None or not owner.enabled:
            raise Refusal("ErrorNonExistentMailbox")
        if owner.email != address:
            raise Refusal("ErrorNonPrimarySmtpAddress", details=[element("t:Value", owner.email, Name="Primary")])
        return owner

    def _folder_of(self, store_id: StoreId) -> Folder | None:
        owner = self.world.mailbox_of(store_id.mailbox)
        return owner.folders.get(store_id.folder) if owner is not None else None

    def _check_readable(self, folder: Folder, missing: str) -> None:
        rights = self.rights(folder)
        if not rights.reads:
            # Who may see times knows that the folder is there; others do not.
            raise Refusal("ErrorAccessDenied" if rights.sees_times else missing)

    # items --------------------------------------------------------------------------------

    def item(self, node: Node) -> Located:
        """What an `ItemId`, `OccurrenceItemId` or `RecurringMasterItemId` means. Raises Refusal."""
        if node.name == "t:OccurrenceItemId":
            folder, view = self._find(node.attributes["RecurringMasterId"])
            if view.kind != "RecurringMaster":
                raise Refusal("ErrorCalendarCannotUseIdForRecurringMasterId")
            view = occurrence_at(view.item, int(node.attributes["InstanceIndex"]))
        elif node.name == "t:RecurringMasterItemId":
            folder, view = self._find(node.attributes["OccurrenceId"])
            if view.original is None:
                raise Refusal("ErrorCalendarCannotUseIdForOccurrenceId")
            view = View(view.item)
        else:
            folder, view = self._find(node.attributes["Id"])
        given = node.attributes.get("ChangeKey")
        return Located(folder, view, _read_key(given) if given else None)

    def _find(self, text: str) -> tuple[Folder, View]:
        store_id = _read(text)
        if store_id.item is None:
            raise Refusal("ErrorCannotUseFolderIdForItemId")
        folder = self._folder_of(store_id)
        item = folder.items.get(store_id.item) if folder is not None else None
        if folder is None or item is None:
            raise Refusal("ErrorItemNotFound")
        self._check_readable(folder, "ErrorItemNotFound")
        view = View(item) if store_id.original is None else item.occurrence(store_id.original)
        if view is None:
            raise Refusal("ErrorItemNotFound")
        return folder, view


def _read(text: str) -> StoreId:
    try:
        return read_id(text)
    except InvalidId as error:
        raise Refusal(error.code, str(error)) from error


def _read_key(text: str) -> int | None:
    try:
        return read_change_key(text)
    except InvalidId as error:
        raise Refusal(error.code, str(error)) from error


# answers ------------------------------------------------------------------------------------------

Task = Callable[[], Iterable[Markup | None]]


def answer(call: Call, operation: str, tasks: Iterable[Task], *, on_error: tuple[Markup, ...] = ()) -> Markup:
    """The response of an operation that answers part by part. `on_error`: what a refused part must still contain."""
    parts = [_part(call, operation, task, on_error) for task in tasks]
    return response(operation, element("m:ResponseMessages", *parts))


def response(name: str, *children: Markup | None) -> Markup:
    """The element in the SOAP body, which declares the prefixes of all below it."""
    return element(f"m:{name}Response", *children, xmlns_m=MESSAGES, xmlns_t=TYPES)


def _part(call: Call, operation: str, task: Task, on_error: tuple[Markup, ...]) -> Markup:
    name = f"m:{operation}ResponseMessage"
    try:
        fail_if_told(call)
        content = task()
        return element(name, element("m:ResponseCode", "NoError"), *content, ResponseClass="Success")
    except Refusal as refusal:
        return element(name, *refusal.parts(), *on_error, ResponseClass="Error")


def fail_if_told(call: Call) -> None:
    """Raises the Refusal a fault rule has for every part of an answer."""
    if call.fault is not None and call.fault.kind == "item_error":
        code = call.fault.body or "ErrorInternalServerError"
        raise Refusal(code, MESSAGE_OF.get(code, code))


def new_request_id() -> str:
    return str(uuid.uuid4())
