"""XML in: a request as a tree that knows its lines.

The one rule: a document type declaration ends the reading before anything in it is looked at, so no entity is ever
expanded. Lines and columns are kept because a schema violation tells them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from sandbox.exchange.markup import ERRORS, MESSAGES, SOAP, TYPES, XSI

# Exchange reads a request with WCF's default of 32 levels; a restriction may nest a little deeper.
MAX_DEPTH = 64
MAX_ELEMENTS = 200_000
_PREFIXES = {TYPES: "t", MESSAGES: "m", SOAP: "s", ERRORS: "e", XSI: "xsi"}
_BLANK = " \t\r\n"


class NotXml(ValueError):
    """What came is no document this server reads."""


@dataclass
class Node:
    """An element. `name` has this project's prefix for Exchange's namespaces (`t:ItemId`), else `{namespace}name`."""

    name: str
    attributes: dict[str, str]
    line: int
    column: int
    children: "list[Node]" = field(default_factory=list)
    text: str = ""

    @property
    def local(self) -> str:
        return self.name.rpartition("}")[2].rpartition(":")[2]

    def find(self, name: str) -> "Node | None":
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def at(self, *path: str) -> "Node | None":
        """The first node down a path of names."""
        node: Node | None = self
        for name in path:
            node = node.find(name) if node is not None else None
        return node

    def text_of(self, name: str) -> str | None:
        child = self.find(name)
        return None if child is None else child.text

    def __iter__(self) -> "Iterator[Node]":
        return iter(self.children)


def split(name: str) -> tuple[str, str]:
    """Namespace and local part of a node's or grammar's name."""
    if name.startswith("{"):
        namespace, _, local = name[1:].partition("}")
        return namespace, local
    prefix, _, local = name.rpartition(":")
    return next((space for space, short in _PREFIXES.items() if short == prefix), ""), local


def read(document: bytes) -> Node:
    """The root of a document. Raises NotXml."""
    reader = _Reader()
    try:
        reader.parser.Parse(document, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding expat cannot read
        raise NotXml(str(error)) from error
    assert reader.root is not None
    return reader.root


class _Reader:
    """Builds the tree from expat's calls."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _refuse(self, *_: object) -> None:
        raise NotXml("For security reasons DTD is prohibited in this XML document.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise NotXml("The XML document is too deep or too large.")
        # Columns count from 1 and point behind the bracket, as .NET's do.
        position = (self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 2)
        plain = {_short(key): value for key, value in attributes.items()}
        node = Node(_short(name), plain, *position)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, _: str) -> None:
        node = self._open.pop()
        if node.children and not node.text.strip(_BLANK):
            node.text = ""

    def _characters(self, data: str) -> None:
        if self._open:
            self._open[-1].text += data


def _short(name: str) -> str:
    namespace, _, local = name.rpartition("}")
    if not namespace:
        return local
    prefix = _PREFIXES.get(namespace)
    return f"{prefix}:{local}" if prefix else f"{{{namespace}}}{local}"
