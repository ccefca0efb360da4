"""Exchange's XML: elements out, whole documents in. Pure.

The one rule: an answer is whole and well formed or it is none. A parser that forgives, as exchangelib's own does,
would turn half a page into a whole one, and every event of the other half into a deleted one.
"""

import re
from typing import Final

from exchangelib.util import MNS, SOAPNS, TNS  # type: ignore[import-untyped]
from lxml import etree

Element = etree._Element  # noqa: SLF001 - the name lxml has for it

_PREFIXES: Final = {"s": SOAPNS, "m": MNS, "t": TNS}
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ILLEGAL_HEX: Final = rb"[0-8bcef]|1[0-9a-f]|d[89a-f][0-9a-f]{2}|fff[ef]"
_BEYOND_HEX: Final = rb"1[1-9a-f][0-9a-f]{4}|[2-9a-f][0-9a-f]{5}|[1-9a-f][0-9a-f]{6,}"
_ILLEGAL_DECIMAL: Final = (
    rb"[0-8]|1[124-9]|2[0-9]|3[01]|6553[45]"
    rb"|5529[6-9]|55[3-9][0-9]{2}|56[0-9]{3}|57[0-2][0-9]{2}|573[0-3][0-9]|5734[0-3]"
)
_BEYOND_DECIMAL: Final = (
    rb"111411[2-9]|11141[2-9][0-9]|1114[2-9][0-9]{2}|111[5-9][0-9]{3}|11[2-9][0-9]{4}|1[2-9][0-9]{5}"
    rb"|[2-9][0-9]{6}|[1-9][0-9]{7,}"
)
"""Beyond the last code point, U+10FFFF. By digits: a number of a million of them is never worked out."""
_ILLEGAL_REFERENCE: Final = rb"&#(?:x0*(?:%b|%b)|0*(?:%b|%b));" % (
    _ILLEGAL_HEX, _BEYOND_HEX, _ILLEGAL_DECIMAL, _BEYOND_DECIMAL,
)  # fmt: skip
_ILLEGAL_UTF8: Final = rb"\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf][\x80-\xbf]"
"""U+FFFE, U+FFFF, and halves of surrogate pairs."""
_ILLEGAL_CHARACTER: Final = re.compile(rb"%b|%b" % (_ILLEGAL_REFERENCE, _ILLEGAL_UTF8), re.IGNORECASE)
_MOST_MENDED: Final = 10_000
"""Characters that no XML may hold. More are nobody's subject, and substituting keeps a piece of memory for each."""
_ILLEGAL_BYTES: Final = bytes({*range(0x20)} - {*b"\t\n\r"})
_TO_QUESTION_MARKS: Final = bytes.maketrans(_ILLEGAL_BYTES, b"?" * len(_ILLEGAL_BYTES))


class Unreadable(Exception):
    """Not a document of Exchange's."""


def m(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the message namespace; a None among the children is left out."""
    return _element(MNS, name, children, attributes)


def t(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the type namespace."""
    return _element(TNS, name, children, attributes)


def tag(name: str) -> str:
    """The full name of a type element."""
    return f"{{{TNS}}}{name}"


def message_tag(name: str) -> str:
    """The full name of a message element."""
    return f"{{{MNS}}}{name}"


def parse_xml(content: bytes) -> Element:
    """The root of a document without a DTD. Raises: Unreadable."""
    if b"<!DOCTYPE" in content:  # before anything of it is read
        raise Unreadable
    try:
        root = etree.fromstring(content, _parser())
    except etree.XMLSyntaxError:
        # Exchange passes on what somebody once pasted into a subject and no XML may hold: control characters, U+FFFE.
        mended = _mended(content)
        if mended == content:
            raise Unreadable from None
        return parse_xml(mended)
    except ValueError:
        raise Unreadable from None
    if getattr(root.getroottree().docinfo, "doctype", ""):  # in an encoding the bytes did not show it in
        raise Unreadable
    return root


def _mended(content: bytes) -> bytes:
    """The same without characters that no XML may hold. Raises: Unreadable, when there is no end of them."""
    mended, characters = _ILLEGAL_CHARACTER.subn(b"?", content, count=_MOST_MENDED)
    if characters == _MOST_MENDED:
        raise Unreadable
    return mended.translate(_TO_QUESTION_MARKS)


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
    """exchangelib's `safe_xml_value` leaves lone surrogates, at which lxml fails."""
    return _ILLEGAL.sub("?", text)


def _parser() -> etree.XMLParser:
    """A new one each time: a parser is not for several threads. No entities, no DTD, no network, no huge trees.

    Comments and instructions are nobody's children.
    """
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
