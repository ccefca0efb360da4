"""GetFolder, FindFolder, CreateFolder and DeleteFolder. The one rule: a mailbox's own folders cannot be deleted."""

from collections.abc import Callable, Mapping

from sandbox.exchange.call import Call, Task, answer
from sandbox.exchange.errors import Refusal
from sandbox.exchange.fields import FOLDER
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.paging import Page, page_of
from sandbox.exchange.permissions import read_permissions, write_permissions
from sandbox.exchange.properties import read_value, write_property
from sandbox.exchange.reading import Node
from sandbox.exchange.restrictions import Condition, folder_value, read_restriction
from sandbox.exchange.rights import Rights
from sandbox.exchange.shapes import Shape
from sandbox.exchange.world import Folder

EMPTY_FOLDERS = (element("m:Folders"),)


def get_folder(call: Call) -> Markup:
    ids = call.body.find("m:FolderIds")
    assert ids is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            folder = call.folder(node)
            shape = call.shape("m:FolderShape", "folder")
            return [element("m:Folders", render_folder(folder, shape, call.rights(folder)))]

        return run

    return answer(call, "GetFolder", [task(node) for node in ids], on_error=EMPTY_FOLDERS)


def find_folder(call: Call) -> Markup:
    """Shallow: what is right below a folder; Deep: all below it. Sorted by name, each behind its parent."""
    parents = call.body.find("m:ParentFolderIds")
    assert parents is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            return [_found(call, call.folder(node, missing="ErrorFolderNotFound"))]

        return run

    return answer(call, "FindFolder", [task(node) for node in parents])


def _found(call: Call, parent: Folder) -> Markup:
    traversal = call.body.attributes["Traversal"]
    mailbox = parent.mailbox
    below = {"Deep": mailbox.below, "Shallow": mailbox.children}.get(traversal, lambda _: [])(parent)
    restriction = call.body.find("m:Restriction")
    condition: Condition[Folder] | None = None
    if restriction is not None:
        condition = read_restriction(restriction, folder_value, call.wall_zone)
    kept = [one for one in below if call.rights(one).reads and (condition is None or condition(one))]
    view = call.body.find("m:IndexedPageFolderView") or call.body.find("m:FractionalPageFolderView")
    page: Page[Folder] = page_of(kept, view, call)
    shape = call.shape("m:FolderShape", "folder")
    rows = (render_folder(folder, shape, call.rights(folder)) for folder in page.rows)
    return element("m:RootFolder", element("t:Folders", *rows), **page.attributes())


def create_folder(call: Call) -> Markup:
    folders, target = call.body.find("m:Folders"), call.body.find("m:ParentFolderId")
    assert folders is not None
    assert target is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            parent = call.folder(target.children[0], missing="ErrorParentFolderNotFound")
            if not call.rights(parent).owns:
                raise Refusal("ErrorCreateSubfolderAccessDenied")
            folder = _create(call, parent, node)
            return [element("m:Folders", render_folder(folder, Shape(frozenset({"FolderId"})), call.rights(folder)))]

        return run

    return answer(call, "CreateFolder", [task(node) for node in folders], on_error=EMPTY_FOLDERS)


_CLASSES = {"t:CalendarFolder": "IPF.Appointment", "t:ContactsFolder": "IPF.Contact", "t:TasksFolder": "IPF.Task"}


def _create(call: Call, parent: Folder, node: Node) -> Folder:
    name = (node.text_of("t:DisplayName") or "").strip()
    if not name:
        raise Refusal("ErrorPropertyUpdate")
    if any(one.name.casefold() == name.casefold() for one in parent.mailbox.children(parent)):
        raise Refusal("ErrorFolderExists")
    asked = node.text_of("t:FolderClass")
    fixed = check_class(node.name, asked)
    properties = dict(read_value(child) for child in node if child.name == "t:ExtendedProperty")
    shared = node.find("t:PermissionSet")
    permissions = (
        read_permissions(call.world, shared) if shared is not None and node.name == "t:CalendarFolder" else None
    )
    folder = call.world.create_folder(parent.mailbox, name, asked or fixed or "IPF.Note", parent.number)
    folder.properties = properties
    folder.permissions = permissions or folder.permissions
    return folder


def check_class(name: str, asked: str | None) -> str | None:
    """The class an element of a folder stands for; one asked for must be a kind of it. Raises Refusal."""
    fixed = _CLASSES.get(name)
    if fixed is not None and asked is not None and not asked.startswith(fixed):
        raise Refusal("ErrorNoFolderClassOverride", "The folder class of this folder type cannot be changed.")
    return fixed


def delete_folder(call: Call) -> Markup:
    ids = call.body.find("m:FolderIds")
    assert ids is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            folder = call.folder(node)
            if folder.distinguished is not None:
                raise Refusal("ErrorDeleteDistinguishedFolder")
            if not call.rights(folder).owns:
                raise Refusal("ErrorAccessDenied")
            _dispose(call, folder)
            return []

        return run

    return answer(call, "DeleteFolder", [task(node) for node in ids])


def _dispose(call: Call, folder: Folder) -> None:
    bin_ = folder.mailbox.distinguished("deleteditems")
    if call.body.attributes["DeleteType"] != "MoveToDeletedItems" or bin_ is None or folder.parent == bin_.number:
        call.world.delete_folder(folder)
        return
    call.world.move_folder(folder, bin_)


# rendering ----------------------------------------------------------------------------------------

_ELEMENTS = {"IPF.Appointment": "t:CalendarFolder", "IPF.Contact": "t:ContactsFolder", "IPF.Task": "t:TasksFolder"}
Renderer = Callable[[Folder, Rights], Markup | None]


def element_of(folder: Folder) -> str:
    """The element a folder of its class is written as."""
    return _ELEMENTS.get(".".join(folder.folder_class.split(".")[:2]), "t:Folder")


def render_folder(folder: Folder, shape: Shape, rights: Rights) -> Markup:
    """A folder under the element of its kind, with the properties that kind has."""
    name = element_of(folder)
    lacking = {"t:CalendarFolder": {"UnreadCount"}, "t:ContactsFolder": {"UnreadCount"}}.get(name, set())
    children: list[Markup | None] = []
    for field in FOLDER:
        if field.name == "ExtendedProperty":
            children += _extended(folder, shape)
        elif shape.has(field.name) and field.name in _RENDERERS and field.name not in lacking:
            children.append(_RENDERERS[field.name](folder, rights))
    return element(name, *children)


def _extended(folder: Folder, shape: Shape) -> list[Markup]:
    found = ((asked, folder.properties.get(asked.path)) for asked in shape.properties)
    return [write_property(asked.definition, value) for asked, value in found if value is not None]


def folder_id(folder: Folder, name: str = "t:FolderId") -> Markup:
    return element(name, Id=folder.id, ChangeKey=folder.change_key)


def _parent(folder: Folder, rights: Rights) -> Markup | None:
    del rights
    parent = folder.mailbox.folders.get(folder.parent) if folder.parent is not None else None
    return folder_id(parent, "t:ParentFolderId") if parent is not None else None


def _permissions(folder: Folder, rights: Rights) -> Markup | None:
    """The sharing of a calendar; only its owner sees it."""
    if not folder.is_calendar or not rights.owns:
        return None
    return write_permissions(folder)


_RENDERERS: Mapping[str, Renderer] = {
    "FolderId": lambda folder, _: folder_id(folder),
    "ParentFolderId": _parent,
    "FolderClass": lambda folder, _: element("t:FolderClass", folder.folder_class) if folder.folder_class else None,
    "DisplayName": lambda folder, _: element("t:DisplayName", folder.name),
    "TotalCount": lambda folder, _: element("t:TotalCount", str(len(folder.items))),
    "ChildFolderCount": lambda folder, _: element("t:ChildFolderCount", str(len(folder.mailbox.children(folder)))),
    "EffectiveRights": lambda _, rights: rights.markup(),
    "DistinguishedFolderId": lambda folder, _: (
        element("t:DistinguishedFolderId", folder.distinguished) if folder.distinguished is not None else None
    ),
    "PermissionSet": _permissions,
    "UnreadCount": lambda *_: element("t:UnreadCount", "0"),
}
