"""UpdateFolder, MoveFolder and EmptyFolder. The one rule: all changes of a folder are read before the first is made.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/updatefolder-operation
"""

from collections.abc import Callable
from typing import Any

from sandbox.exchange.call import Call, Task, answer
from sandbox.exchange.errors import Refusal, about
from sandbox.exchange.fields import BY_URI, FOLDER
from sandbox.exchange.folders import EMPTY_FOLDERS, check_class, element_of, render_folder
from sandbox.exchange.ids import InvalidId, read_change_key
from sandbox.exchange.items import PropertyPath
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.permissions import read_permissions
from sandbox.exchange.properties import read_path, read_value
from sandbox.exchange.reading import Node
from sandbox.exchange.shapes import Shape
from sandbox.exchange.world import EVERYBODY, Folder
from sandbox.exchange.writes import delete_view, views_of

_IDS_ONLY = Shape(frozenset({"FolderId"}))
Key = str | PropertyPath


def update_folder(call: Call) -> Markup:
    changes = call.body.find("m:FolderChanges")
    assert changes is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            folder = _own(call, node.children[0])
            updates = node.find("t:Updates")
            assert updates is not None
            values = dict(_read(call, folder, update) for update in updates)
            for key, value in values.items():
                _set(folder, key, value)
            call.world.touch_folder(folder)
            return _shown(call, folder)

        return run

    return answer(call, "UpdateFolder", [task(node) for node in changes], on_error=EMPTY_FOLDERS)


def move_folder(call: Call) -> Markup:
    return _each(call, "MoveFolder", _move, on_error=EMPTY_FOLDERS)


def empty_folder(call: Call) -> Markup:
    """A calendar cannot be emptied: its meetings would be gone and nobody told."""
    return _each(call, "EmptyFolder", _empty)


def _each(
    call: Call, operation: str, run_one: Callable[[Call, Folder], list[Markup]], *, on_error: tuple[Markup, ...] = ()
) -> Markup:
    ids = call.body.find("m:FolderIds")
    assert ids is not None

    def task(node: Node) -> Task:
        return lambda: run_one(call, _own(call, node))

    return answer(call, operation, [task(node) for node in ids], on_error=on_error)


def _own(call: Call, node: Node) -> Folder:
    """A folder the caller may change. Raises Refusal."""
    folder = call.folder(node)
    if not call.rights(folder).owns:
        raise Refusal("ErrorAccessDenied")
    try:
        read_change_key(node.attributes["ChangeKey"]) if node.attributes.get("ChangeKey") else None
    except InvalidId as error:
        raise Refusal(error.code, str(error)) from error
    return folder


def _shown(call: Call, folder: Folder) -> list[Markup]:
    return [element("m:Folders", render_folder(folder, _IDS_ONLY, call.rights(folder)))]


def _read(call: Call, folder: Folder, update: Node) -> tuple[Key, Any]:
    """What one change sets; None takes it away. Raises Refusal."""
    path = update.children[0]
    key = _key_of(path)
    if update.name == "t:DeleteFolderField":
        if key in {"DisplayName", "FolderClass"}:
            raise Refusal("ErrorInvalidPropertyDelete", details=about(path.attributes["FieldURI"]))
        return key, {EVERYBODY: "None"} if key == "PermissionSet" else None
    if update.name == "t:AppendToFolderField":
        raise Refusal("ErrorInvalidPropertyAppend")
    holder = update.children[1]
    if holder.name not in {element_of(folder), "t:Folder"}:
        raise Refusal("ErrorObjectTypeChanged", "The type of the object in the store does not match the request.")
    if len(holder.children) != 1:
        raise Refusal("ErrorIncorrectUpdatePropertyCount", "Each change description must have exactly one property.")
    found, value = _value(call, folder, holder.children[0])
    if found != key:
        raise Refusal("ErrorUpdatePropertyMismatch")
    return key, value


def _key_of(path: Node) -> Key:
    if path.name == "t:ExtendedFieldURI":
        return read_path(path)
    uri = path.attributes["FieldURI"]
    field = BY_URI.get(uri)
    if field is None or field not in FOLDER or path.name != "t:FieldURI":
        raise Refusal("ErrorInvalidPropertyRequest", details=about(uri))
    if field.name not in {"DisplayName", "FolderClass", "PermissionSet"}:
        raise Refusal("ErrorInvalidPropertySet", details=about(uri))
    return field.name


def _value(call: Call, folder: Folder, node: Node) -> tuple[Key, Any]:
    if node.name == "t:ExtendedProperty":
        return read_value(node)
    if node.name == "t:PermissionSet":
        return "PermissionSet", read_permissions(call.world, node)
    if node.name == "t:FolderClass":
        check_class(element_of(folder), node.text)
        return "FolderClass", node.text
    if node.name != "t:DisplayName":
        return node.local, None
    name = node.text.strip()
    if not name:
        raise Refusal("ErrorPropertyUpdate")
    _check_name(folder, name, folder.above)
    return "DisplayName", name


def _check_name(folder: Folder, name: str, parent: Folder | None) -> None:
    siblings = folder.mailbox.children(parent) if parent is not None else []
    if any(one is not folder and one.name.casefold() == name.casefold() for one in siblings):
        raise Refusal("ErrorFolderExists")


def _set(folder: Folder, key: Key, value: Any) -> None:
    if key == "DisplayName":
        folder.name = value
    elif key == "FolderClass":
        folder.folder_class = value
    elif key == "PermissionSet":
        folder.permissions = value
    elif isinstance(key, PropertyPath) and value is None:
        folder.properties.pop(key, None)
    elif isinstance(key, PropertyPath):
        folder.properties[key] = value


def _move(call: Call, folder: Folder) -> list[Markup]:
    named = call.body.find("m:ToFolderId")
    assert named is not None
    target = call.folder(named.children[0], missing="ErrorToFolderNotFound")
    if folder.distinguished is not None:
        raise Refusal("ErrorMoveDistinguishedFolder")
    if target.mailbox is not folder.mailbox:
        raise Refusal("ErrorCrossMailboxMoveCopy", "Folders cannot be moved or copied between mailboxes.")
    if target is folder or target in folder.mailbox.below(folder):
        raise Refusal("ErrorMoveCopyFailed")
    _check_name(folder, folder.name, target)
    call.world.move_folder(folder, target)
    return _shown(call, folder)


def _empty(call: Call, folder: Folder) -> list[Markup]:
    if folder.is_calendar:
        raise Refusal("ErrorCannotEmptyFolder")
    disposal = call.body.attributes["DeleteType"]
    if call.body.attributes["DeleteSubFolders"] in {"true", "1"}:
        below = folder.mailbox.children(folder)
        if any(one.distinguished is not None for one in folder.mailbox.below(folder)):
            raise Refusal("ErrorDeleteDistinguishedFolder")
        for one in below:
            call.world.delete_folder(one)
    for view in views_of(folder):
        delete_view(call.world, folder, view, call.actor, disposal=disposal)
    return []
