"""XML out: elements as values, written the way Exchange writes them.

The one rule: text is escaped here and nowhere else; a character XML cannot carry is dropped, as Exchange does.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Markup:
    """One element with its prefix. A child is an element or text."""

    name: str
    attributes: Mapping[str, str]
    children: "tuple[Markup | str, ...]"

    def __str__(self) -> str:
        return "".join(_write(self))


def element(name: str, *children: "Markup | str | None", **attributes: str | None) -> Markup:
    """An element; children and attributes that are None are left out. `xmlns_t` stands for `xmlns:t`."""
    named = {key.replace("_", ":", 1): value for key, value in attributes.items() if value is not None}
    return Markup(name, named, tuple(child for child in children if child is not None))


def boolean(value: bool) -> str:
    """As XML Schema writes it in full; clients may say 1 and 0."""
    return "true" if value else "false"


def _write(node: Markup) -> Iterator[str]:
    attributes = "".join(f' {name}="{escape_attribute(value)}"' for name, value in node.attributes.items())
    if not node.children:
        yield f"<{node.name}{attributes} />"
        return
    yield f"<{node.name}{attributes}>"
    for child in node.children:
        if isinstance(child, Markup):
            yield from _write(child)
        else:
            yield escape(child)
    yield f"</{node.name}>"


def escape(text: str) -> str:
    """Character data. A carriage return is written as a reference: read as it stands it would become a line feed."""
    clean = _UNWRITABLE.sub("", text)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def escape_attribute(text: str) -> str:
    return escape(text).replace('"', "&quot;").replace("\n", "&#xA;").replace("\t", "&#x9;")
