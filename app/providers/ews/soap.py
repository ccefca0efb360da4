"""SOAP as Exchange speaks it: envelopes out, response messages in. Pure.

The one rule: an answer is whole and well formed or it is none. A parser that forgives would turn half a page into a
whole one, and every event of the other half into a deleted one.

Only the schema of Exchange 2010 SP2 is spoken: every later server speaks it too, so there is no version to guess.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-xml-elements-in-exchange
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

Element = etree._Element  # noqa: SLF001 - the name lxml has for it

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_MESSAGES: Final = "http://schemas.microsoft.com/exchange/services/2006/messages"
_TYPES: Final = "http://schemas.microsoft.com/exchange/services/2006/types"
_ERRORS: Final = "http://schemas.microsoft.com/exchange/services/2006/errors"
_PREFIXES: Final = {"s": _SOAP, "m": _MESSAGES, "t": _TYPES}
SCHEMA: Final = "Exchange2010_SP2"
NO_ERROR: Final = "NoError"

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ILLEGAL_REFERENCE: Final = re.compile(
    rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.IGNORECASE
)
_ILLEGAL_BYTE: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CODE: Final = re.compile(r"Error[A-Za-z0-9]{1,80}")
_FALLBACK_CODE: Final = "ErrorUnknown"


class Unreadable(Exception):
    """Not a SOAP answer of Exchange's."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something was not done, in the server's own code."""

    code: str
    back_off: float | None = None
    """Seconds it asks us to wait."""


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one part of a request."""

    element: Element
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: messages, or a fault that speaks for the whole request."""

    version: str | None
    """The build that answered, `14.2.247.5`."""
    fault: Trouble | None
    messages: tuple[Message, ...] = ()


def m(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the message namespace; a None among the children is left out."""
    return _element(_MESSAGES, name, children, attributes)


def t(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the type namespace."""
    return _element(_TYPES, name, children, attributes)


def tag(name: str) -> str:
    """The full name of a type element."""
    return f"{{{_TYPES}}}{name}"


def message_tag(name: str) -> str:
    """The full name of a message element."""
    return f"{{{_MESSAGES}}}{name}"


def envelope(body: Element) -> bytes:
    """A request in its envelope."""
    root = etree.Element(f"{{{_SOAP}}}Envelope", nsmap=_PREFIXES)
    header = etree.SubElement(root, f"{{{_SOAP}}}Header")
    header.append(t("RequestServerVersion", Version=SCHEMA))
    etree.SubElement(root, f"{{{_SOAP}}}Body").append(body)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def parse_xml(content: bytes) -> Element:
    """The root of a document without a DTD. Raises: Unreadable."""
    if b"<!DOCTYPE" in content:  # before anything of it is read
        raise Unreadable
    try:
        root = etree.fromstring(content, _parser())
    except etree.XMLSyntaxError:
        # Exchange passes on control characters that somebody once pasted into a subject, which no XML may hold.
        mended = _ILLEGAL_BYTE.sub(b"?", _ILLEGAL_REFERENCE.sub(b"?", content))
        if mended == content:
            raise Unreadable from None
        return parse_xml(mended)
    except ValueError:
        raise Unreadable from None
    if getattr(root.getroottree().docinfo, "doctype", ""):  # in an encoding the bytes did not show it in
        raise Unreadable
    return root


def parse(content: bytes) -> Answer:
    """The answer in an envelope. Raises: Unreadable."""
    root = parse_xml(content)
    body = root.find(f"{{{_SOAP}}}Body")
    if root.tag != f"{{{_SOAP}}}Envelope" or body is None or len(body) == 0:
        raise Unreadable
    version = _version(root.find(f"{{{_SOAP}}}Header/{tag('ServerVersionInfo')}"))
    if body[0].tag == f"{{{_SOAP}}}Fault":
        return Answer(version, _fault(body[0]))
    return Answer(version, None, tuple(_messages(body[0])))


def _messages(response: Element) -> Iterator[Message]:
    listed = response.find(message_tag("ResponseMessages"))
    if listed is None:
        raise Unreadable
    for element in listed:
        code = element.findtext(message_tag("ResponseCode"), "")
        done = element.get("ResponseClass") == "Success" or code == NO_ERROR
        yield Message(element, None if done else Trouble(_code(code), _back_off(element)))


def _fault(fault: Element) -> Trouble:
    code = fault.findtext(f"detail/{{{_ERRORS}}}ResponseCode") or fault.findtext("faultcode", "").rpartition(":")[2]
    return Trouble(_code(code), _back_off(fault))


def _back_off(element: Element) -> float | None:
    for value in element.iter(tag("Value")):
        if value.get("Name") == "BackOffMilliseconds":
            try:
                return max(0.0, int(value.text or "") / 1000)
            except ValueError:
                return None
    return None


def _version(info: Element | None) -> str | None:
    if info is None:
        return None
    names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    numbers = [info.get(name, "0") for name in names]
    return ".".join(numbers) if all(number.isascii() and number.isdigit() for number in numbers) else None


def _code(text: str) -> str:
    """Only a code goes on, never a sentence: it may quote what we sent."""
    return text.strip() if _CODE.fullmatch(text.strip()) else _FALLBACK_CODE


def _element(
    namespace: str, name: str, children: tuple[Element | str | None, ...], attributes: dict[str, str]
) -> Element:
    element = etree.Element(f"{{{namespace}}}{name}", nsmap=_PREFIXES)
    for key, value in attributes.items():
        element.set(key, _clean(value))
    for child in children:
        if isinstance(child, str):
            element.text = _clean(child)
        elif child is not None:
            element.append(child)
    return element


def _clean(text: str) -> str:
    return _ILLEGAL.sub("?", text)


def _parser() -> etree.XMLParser:
    """A new one each time: a parser is not for several threads. No entities, no DTD, no network, no huge trees."""
    return etree.XMLParser(
        resolve_entities=False, load_dtd=False, dtd_validation=False, no_network=True, huge_tree=False, recover=False
    )
