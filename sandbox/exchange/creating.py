"""CreateItem: new calendar items, and the answers to meetings that are made by creating them.

The one rule: an answer names the item it is about with its change key, and leaves no item of its own behind.
"""

from collections.abc import Callable, Mapping

from sandbox.exchange.call import Call, Located, Task, answer
from sandbox.exchange.errors import Fault, Refusal
from sandbox.exchange.getting import EMPTY_ITEMS
from sandbox.exchange.items import Item, View
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.meetings import Sending, forward
from sandbox.exchange.reading import Node
from sandbox.exchange.reading_items import read_calendar_item
from sandbox.exchange.rendering import item_id
from sandbox.exchange.replies import remove_cancelled, respond
from sandbox.exchange.world import Folder
from sandbox.exchange.writes import cancel_meeting, create_item

_RESPONSES = {"t:AcceptItem": "Accept", "t:TentativelyAcceptItem": "Tentative", "t:DeclineItem": "Decline"}


def create(call: Call) -> Markup:
    items = call.body.find("m:Items")
    assert items is not None
    for node in items:
        if node.name not in _MAKERS:
            text = f"The request is invalid: this server keeps calendars only and creates no {node.local}."
            raise Fault("ErrorInvalidRequest", text)

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            return [_MAKERS[node.name](call, node)]

        return run

    return answer(call, "CreateItem", [task(node) for node in items], on_error=EMPTY_ITEMS)


def made(folder: Folder, *items: Item) -> Markup:
    """The ids of what a write left, in its answer."""
    return element("m:Items", *(element("t:CalendarItem", item_id(View(item), folder)) for item in items))


def _calendar_item(call: Call, node: Node) -> Markup:
    mode = call.body.attributes.get("SendMeetingInvitations")
    if mode is None:
        raise Refusal("ErrorSendMeetingInvitationsRequired")
    folder = _target(call)
    if not call.rights(folder).creates:
        raise Refusal("ErrorCreateItemAccessDenied")
    values = read_calendar_item(call, node)
    item = create_item(call.world, folder, values, call.actor, zone=call.wall_zone, sending=Sending(mode))
    return made(folder, item)


def _target(call: Call) -> Folder:
    named = call.body.find("m:SavedItemFolderId")
    if named is not None:
        return call.folder(named.children[0], missing="ErrorSavedItemFolderNotFound")
    if not call.mailbox.enabled:
        raise Refusal("ErrorMissingEmailAddress")
    return call.mailbox.calendar


def _referenced(call: Call, node: Node) -> Located:
    reference = node.find("t:ReferenceItemId")
    if reference is None:
        raise Refusal("ErrorMissingInformationReferenceItemId")
    found = call.item(Node("t:ItemId", reference.attributes, reference.line, reference.column))
    if found.seen is None:
        raise Refusal("ErrorChangeKeyRequiredForWriteOperations")
    if found.seen != found.item.version:
        raise Refusal("ErrorIrresolvableConflict")
    if not call.rights(found.folder).edits:
        raise Refusal("ErrorAccessDenied")
    return found


def _disposition(call: Call) -> str:
    disposition = call.body.attributes.get("MessageDisposition")
    if disposition is None:
        raise Refusal("ErrorMessageDispositionRequired", "MessageDisposition attribute is required for this operation.")
    return disposition


def _reply(call: Call, node: Node) -> Markup:
    send = _disposition(call) != "SaveOnly"
    found = _referenced(call, node)
    folder, item = respond(call.world, found.folder, found.view, _RESPONSES[node.name], call.actor, send=send)
    return made(folder, item)


def _cancel(call: Call, node: Node) -> Markup:
    sending = Sending("SendToNone" if _disposition(call) == "SaveOnly" else "SendToAllAndSaveCopy")
    found = _referenced(call, node)
    moved = cancel_meeting(call.world, found.folder, found.view, call.actor, sending=sending)
    bin_ = found.folder.mailbox.distinguished("deleteditems")
    return made(bin_, moved) if moved is not None and bin_ is not None else element("m:Items")


def _forward(call: Call, node: Node) -> Markup:
    """To whoever is named; a draft of the mail would be a message, and none are kept."""
    if _disposition(call) == "SaveOnly":
        raise Refusal("ErrorInvalidRequest")
    found = _referenced(call, node)
    if call.hides(found.folder, found.view):
        raise Refusal("ErrorAccessDenied")
    named = [box for role in _RECIPIENTS for box in node.find(role) or ()]
    emails = dict.fromkeys((box.text_of("t:EmailAddress") or "").strip().lower() for box in named)
    if not emails or not all("@" in email for email in emails):
        raise Refusal("ErrorInvalidRecipients")
    forward(call.world, found.folder, found.view, emails, call.actor)
    return element("m:Items")


_RECIPIENTS = ("t:ToRecipients", "t:CcRecipients", "t:BccRecipients")


def _remove(call: Call, node: Node) -> Markup:
    found = _referenced(call, node)
    remove_cancelled(call.world, found.folder, found.view, call.actor)
    return element("m:Items")


_MAKERS: Mapping[str, Callable[[Call, Node], Markup]] = {
    "t:CalendarItem": _calendar_item,
    "t:AcceptItem": _reply,
    "t:TentativelyAcceptItem": _reply,
    "t:DeclineItem": _reply,
    "t:CancelCalendarItem": _cancel,
    "t:ForwardItem": _forward,
    "t:RemoveItem": _remove,
}
