"""Response shapes: which properties an answer has. The one rule: a property is asked for by path, and a path that does
not fit the operation or the version is refused, not left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.exchange.errors import Refusal, about
from sandbox.exchange.fields import BY_URI, CALENDAR_ITEM, FOLDER, Field
from sandbox.exchange.items import PropertyPath
from sandbox.exchange.properties import read_path
from sandbox.exchange.reading import Node

Purpose = Literal["get", "find", "sync", "folder"]
_TABLE_TEXT = 255


@dataclass(frozen=True)
class Asked:
    """An extended property asked for, and the attributes it was asked by."""

    path: PropertyPath
    definition: Mapping[str, str]


@dataclass(frozen=True)
class Shape:
    """`body` is HTML, Text or Best. `cut`: texts end after 255 characters, as in the folder's table FindItem reads."""

    names: frozenset[str]
    properties: tuple[Asked, ...] = ()
    body: str = "Best"
    rank: int = 0
    cut: bool = False

    def shown(self, text: str) -> str:
        return text[:_TABLE_TEXT] if self.cut else text

    def has(self, name: str) -> bool:
        return name in self.names


def read_shape(node: Node, rank: int, purpose: Purpose) -> Shape:
    """Raises Refusal, which refuses every part of the request."""
    table = FOLDER if purpose == "folder" else CALENDAR_ITEM
    names = _base(table, node.text_of("t:BaseShape") or "IdOnly", rank, purpose)
    properties: list[Asked] = []
    for path in node.find("t:AdditionalProperties") or ():
        if path.name == "t:ExtendedFieldURI":
            properties.append(Asked(read_path(path), dict(path.attributes)))
        elif path.name == "t:FieldURI":
            name = _named(path.attributes["FieldURI"], table, purpose)
            if name is not None:
                names.add(name)
    if (node.text_of("t:IncludeMimeContent") or "") in {"true", "1"} and purpose == "get":
        names.add("MimeContent")
    body = node.text_of("t:BodyType") or "Best"
    return Shape(frozenset(names), tuple(properties), body, rank, cut=purpose == "find")


def _base(table: tuple[Field, ...], base: str, rank: int, purpose: Purpose) -> set[str]:
    names = {table[0].name if table is FOLDER else "ItemId"}
    for field in table:
        if field.since > rank or not _suits(field, purpose):
            continue
        if (base == "AllProperties" and field.in_all) or (base == "Default" and field.in_default):
            names.add(field.name)
    return names


def _suits(field: Field, purpose: Purpose) -> bool:
    return purpose in {"get", "folder"} or field.findable


def _named(uri: str, table: tuple[Field, ...], purpose: Purpose) -> str | None:
    """The property of a path, or None for one of another kind of item, which a calendar item does not have."""
    field = BY_URI.get(uri)
    if field is None:
        return None
    if field not in table:
        raise Refusal("ErrorInvalidPropertyRequest", details=about(uri))
    # FindItem reads the folder's table; SyncFolderItems opens each item, so it has everything a client names.
    if purpose == "find" and not field.findable:
        raise Refusal("ErrorInvalidPropertyForOperation", details=about(uri))
    return field.name
