"""DeleteItem, MoveItem and CopyItem. The one rule: an item that was moved is found under its new id only."""

from collections.abc import Callable

from sandbox.exchange.call import Call, Located, Task, answer
from sandbox.exchange.creating import made
from sandbox.exchange.errors import Refusal
from sandbox.exchange.getting import EMPTY_ITEMS
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.meetings import Sending
from sandbox.exchange.reading import Node
from sandbox.exchange.world import Folder
from sandbox.exchange.writes import copy_item, delete_view, move_item


def delete(call: Call) -> Markup:
    ids = call.body.find("m:ItemIds")
    assert ids is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            _delete(call, node)
            return []

        return run

    return answer(call, "DeleteItem", [task(node) for node in ids])


def _delete(call: Call, node: Node) -> None:
    mode = call.body.attributes.get("SendMeetingCancellations")
    if mode is None:
        raise Refusal("ErrorSendMeetingCancellationsRequired")
    found = call.item(node)
    if not call.rights(found.folder).edits:
        raise Refusal("ErrorAccessDenied")
    disposal = call.body.attributes["DeleteType"]
    delete_view(call.world, found.folder, found.view, call.actor, disposal=disposal, sending=Sending(mode))


def move(call: Call) -> Markup:
    return _each(call, "MoveItem", _move)


def copy(call: Call) -> Markup:
    """The store copies all there is of an item, its UID too; nobody is told."""
    return _each(call, "CopyItem", _copy)


def _each(call: Call, operation: str, run_one: Callable[[Call, Located, Folder], Markup]) -> Markup:
    ids = call.body.find("m:ItemIds")
    assert ids is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            made_there = run_one(call, *_taken(call, node))
            unnamed = call.body.text_of("m:ReturnNewItemIds") in {"false", "0"}
            return [element("m:Items") if unnamed else made_there]

        return run

    return answer(call, operation, [task(node) for node in ids], on_error=EMPTY_ITEMS)


def _taken(call: Call, node: Node) -> tuple[Located, Folder]:
    """An item and where it shall go. Raises Refusal."""
    target_id = call.body.find("m:ToFolderId")
    assert target_id is not None
    target = call.folder(target_id.children[0], missing="ErrorToFolderNotFound")
    found = call.item(node)
    if found.view.original is not None:
        raise Refusal("ErrorCalendarCannotMoveOrCopyOccurrence")
    if target.mailbox is not found.folder.mailbox:
        raise Refusal("ErrorCrossMailboxMoveCopy", "Items cannot be moved or copied between mailboxes.")
    if not call.rights(target).creates:
        raise Refusal("ErrorAccessDenied")
    return found, target


def _move(call: Call, found: Located, target: Folder) -> Markup:
    if not call.rights(found.folder).edits:
        raise Refusal("ErrorAccessDenied")
    return made(target, move_item(call.world, found.folder, target, found.item, call.actor))


def _copy(call: Call, found: Located, target: Folder) -> Markup:
    return made(target, copy_item(call.world, found.folder, target, found.item, call.actor))
