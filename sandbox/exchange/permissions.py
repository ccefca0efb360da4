"""Who a calendar is shared with, out of a request and into an answer.

The one rule: a set of rights that has a name is kept by its name; what has none is refused.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarpermissionlevel
"""

from collections.abc import Mapping

from sandbox.exchange.errors import Refusal
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.rights import Rights
from sandbox.exchange.world import EVERYBODY, LEVELS, ExchangeWorld, Folder, Level

_DISTINGUISHED = frozenset({EVERYBODY, "Anonymous"})
_READ_ITEMS: Mapping[str, str] = {
    "None": "None",
    "FreeBusyTimeOnly": "TimeOnly",
    "FreeBusyTimeAndSubjectAndLocation": "TimeAndSubjectAndLocation",
}


def write_permissions(folder: Folder) -> Markup:
    rows = (_write(who, level) for who, level in folder.permissions.items())
    return element("t:PermissionSet", element("t:CalendarPermissions", *rows))


def _write(who: str, level: Level) -> Markup:
    user = element("t:DistinguishedUser", who) if who in _DISTINGUISHED else element("t:PrimarySmtpAddress", who)
    told = (element(name, value) for name, value in _rights(level).items())
    return element(
        "t:CalendarPermission", element("t:UserId", user), *told, element("t:CalendarPermissionLevel", level)
    )


def _rights(level: Level) -> dict[str, str]:
    """What a level means, in the order of its type."""
    rights = Rights(level)
    items = "All" if rights.edits else ("Owned" if rights.creates else "None")
    return {
        "t:CanCreateItems": boolean(rights.creates),
        "t:CanCreateSubFolders": boolean(rights.owns),
        "t:IsFolderOwner": boolean(rights.owns),
        "t:IsFolderVisible": boolean(rights.reads),
        "t:IsFolderContact": boolean(rights.owns),
        "t:EditItems": items,
        "t:DeleteItems": items,
        "t:ReadItems": _READ_ITEMS.get(level, "FullDetails"),
    }


def read_permissions(world: ExchangeWorld, node: Node) -> dict[str, Level]:
    """A `PermissionSet`: it takes the place of the one before. Raises Refusal."""
    rows = node.find("t:CalendarPermissions")
    if rows is None:
        raise Refusal("ErrorInvalidPermissionSettings")
    permissions: dict[str, Level] = {EVERYBODY: "None"}
    seen = set()
    for row in rows:
        who = _read_user(world, row)
        if who in seen:
            raise Refusal("ErrorDuplicateUserIdsSpecified")
        seen.add(who)
        permissions[who] = _read_level(row)
    return permissions


def _read_user(world: ExchangeWorld, row: Node) -> str:
    user = row.find("t:UserId")
    assert user is not None
    distinguished, address = user.text_of("t:DistinguishedUser"), user.text_of("t:PrimarySmtpAddress")
    if (distinguished is None) == (address is None):
        raise Refusal("ErrorInvalidUserInfo")
    if distinguished is not None:
        return distinguished
    mailbox = world.find_mailbox(address or "")
    if mailbox is None:
        raise Refusal("ErrorInvalidUserInfo")
    return mailbox.email


def _read_level(row: Node) -> Level:
    """A level by its name; single rights may stand beside `Custom` only, and must be those of a level."""
    named = row.text_of("t:CalendarPermissionLevel")
    told = {child.name: _plain(child.text) for child in row if child.local not in {"UserId", "CalendarPermissionLevel"}}
    for level in LEVELS:
        rights = _rights(level)
        if level == named and all(rights[name] == value for name, value in told.items()):
            return level
        if named == "Custom" and rights.items() <= {**rights, **told}.items():
            return level
    raise Refusal("ErrorInvalidPermissionSettings")


def _plain(text: str) -> str:
    return {"1": "true", "0": "false"}.get(text.strip(), text.strip())
