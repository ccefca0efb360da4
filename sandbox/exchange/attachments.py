"""CreateAttachment, GetAttachment and DeleteAttachment. The one rule: what is attached is a part of its item, so that
every change to it gives the item another change key.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/createattachment-operation
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from sandbox.exchange.call import Call, Located, Task, answer
from sandbox.exchange.errors import Refusal
from sandbox.exchange.ids import InvalidId, attachment_id, read_attachment_id
from sandbox.exchange.items import View
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.times import utc
from sandbox.exchange.versions import EXCHANGE_2010
from sandbox.exchange.world import Folder
from sandbox.exchange.writes import update_view

_EMPTY = (element("m:Attachments"),)
_TOLD = ("ContentType", "ContentId", "ContentLocation")


@dataclass(frozen=True)
class Attachment:
    """A file by its `content`, or an item by its `item` element. `told`: what the client said of it, by element."""

    number: int
    name: str
    told: dict[str, str]
    inline: bool
    at: datetime
    content: bytes = b""
    item: Markup | None = None

    @property
    def element(self) -> str:
        return "t:FileAttachment" if self.item is None else "t:ItemAttachment"

    @property
    def size(self) -> int:
        return len(self.content) if self.item is None else len(str(self.item))


def read_attachment(call: Call, node: Node) -> Attachment:
    """A `FileAttachment` or `ItemAttachment` of a request. Raises Refusal."""
    name = node.text_of("t:Name")
    if not name:
        missing = element("t:ExceptionFieldURI", FieldURI="attachment:Name")
        raise Refusal("ErrorRequiredPropertyMissing", details=[missing])
    told = {local: text for local in _TOLD if (text := node.text_of(f"t:{local}"))}
    inline = (node.text_of("t:IsInline") or "") in {"true", "1"}
    number, now = call.world.next_number(), call.world.clock.now()
    if node.name == "t:FileAttachment":
        return Attachment(number, name, told, inline, now, content=_content(node))
    holder = node.children[-1]
    if holder.local not in _ITEMS:
        raise Refusal("ErrorMissingItemForCreateItemAttachment")
    return Attachment(number, name, told, inline, now, item=_markup(holder))


_ITEMS = frozenset({"Item", "Message", "CalendarItem", "Contact", "Task", "PostItem"})


def _content(node: Node) -> bytes:
    try:
        return base64.b64decode(node.text_of("t:Content") or "")
    except binascii.Error as error:
        raise Refusal("ErrorInvalidAttachmentId", "The content of the attachment cannot be read.") from error


def _markup(node: Node) -> Markup:
    """An item as it was sent: it is kept, and given back, as it is."""
    return element(node.name, *(map(_markup, node.children) if node.children else (node.text,)), **node.attributes)


# the operations -----------------------------------------------------------------------------------


def create_attachment(call: Call) -> Markup:
    parent, attachments = call.body.find("m:ParentItemId"), call.body.find("m:Attachments")
    assert parent is not None
    assert attachments is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            found = _editable(call, parent)
            new = read_attachment(call, node)
            _write(call, found, (*attached(found.view), new))
            return [element("m:Attachments", element(new.element, _id(found.view, found.folder, new, rooted=True)))]

        return run

    return answer(call, "CreateAttachment", [task(node) for node in attachments], on_error=_EMPTY)


def get_attachment(call: Call) -> Markup:
    ids = call.body.find("m:AttachmentIds")
    assert ids is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            found, wanted = _find(call, node)
            whole = _render(found.view, found.folder, wanted, call.rank, whole=True)
            return [element("m:Attachments", whole)]

        return run

    return answer(call, "GetAttachment", [task(node) for node in ids], on_error=_EMPTY)


def delete_attachment(call: Call) -> Markup:
    ids = call.body.find("m:AttachmentIds")
    assert ids is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            found, gone = _find(call, node)
            if not call.rights(found.folder).edits:
                raise Refusal("ErrorAccessDenied")
            _write(call, found, tuple(one for one in attached(found.view) if one is not gone))
            return [element("m:RootItemId", **_root(found.view, found.folder))]

        return run

    return answer(call, "DeleteAttachment", [task(node) for node in ids])


def _editable(call: Call, parent: Node) -> Located:
    found = call.item(Node("t:ItemId", parent.attributes, parent.line, parent.column))
    if not call.rights(found.folder).edits:
        raise Refusal("ErrorAccessDenied")
    return found


def _find(call: Call, node: Node) -> tuple[Located, Attachment]:
    try:
        item, number = read_attachment_id(node.attributes["Id"])
    except InvalidId as error:
        raise Refusal(error.code, str(error)) from error
    found = call.item(Node("t:ItemId", {"Id": item}, node.line, node.column))
    hidden = call.hides(found.folder, found.view)
    wanted = next((one for one in attached(found.view) if one.number == number and not hidden), None)
    if wanted is None:
        raise Refusal("ErrorItemNotFound")
    return found, wanted


def _write(call: Call, found: Located, attachments: tuple[Attachment, ...]) -> None:
    update_view(call.world, found.folder, found.view, {"Attachments": attachments or None}, call.actor)


# reading and rendering ----------------------------------------------------------------------------


def attached(view: View) -> tuple[Attachment, ...]:
    held: tuple[Attachment, ...] = view.get("Attachments", ())
    return held


def render_attachments(view: View, folder: Folder, rank: int) -> Markup | None:
    """The list of an item: what they are, without what is in them."""
    rows = [_render(view, folder, one, rank) for one in attached(view)]
    return element("t:Attachments", *rows) if rows else None


def _render(view: View, folder: Folder, one: Attachment, rank: int, *, whole: bool = False) -> Markup:
    described = (element(f"t:{name}", one.told[name]) for name in _TOLD if name in one.told)
    since_2010 = (
        element("t:Size", str(one.size)),
        element("t:LastModifiedTime", utc(one.at)),
        element("t:IsInline", boolean(one.inline)),
        element("t:IsContactPhoto", boolean(False)) if one.item is None else None,
    )
    content = element("t:Content", base64.b64encode(one.content).decode()) if one.item is None else one.item
    return element(
        one.element,
        _id(view, folder, one),
        element("t:Name", one.name),
        *described,
        *(since_2010 if rank >= EXCHANGE_2010 else ()),
        content if whole else None,
    )


def _id(view: View, folder: Folder, one: Attachment, *, rooted: bool = False) -> Markup:
    root = _root(view, folder) if rooted else {}
    item = folder.item_id(view.item, view.original)
    return element("t:AttachmentId", Id=attachment_id(item, one.number), **root)


def _root(view: View, folder: Folder) -> dict[str, str]:
    return {"RootItemId": folder.item_id(view.item, view.original), "RootItemChangeKey": folder.item_key(view.item)}
