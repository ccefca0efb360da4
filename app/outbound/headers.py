"""Header fields of a mail, written by hand (RFC 5322, RFC 2047). Pure.

The one rule: what people typed stands in a header as short printable ASCII or wholly inside base64 words, with nothing
in between. Python 3.11 writes special characters bare beside an encoded word, so that a colon in a name begins a group,
and reads encoded words in what it is given, so that one may bring a line break and another header.
"""

import base64
import re
from typing import Final

from email_validator import EmailNotValidError, validate_email

_LONGEST: Final = 200
_LONGEST_PLAIN: Final = 60
_WORD_BYTES: Final = 45
"""In base64 and with its frame this is 72 characters; an encoded word has at most 75."""
# Control characters, what turns text around, Unicode's line ends, and halves of characters.
_UNPRINTED: Final = "\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
# And the brackets of encoded words.
_UNSAFE: Final = re.compile(rf"[{_UNPRINTED}]|=\?|\?=")
# Told by what it is not: a name in Devanagari or Thai has signs in it that `\w` does not know.
_DOT_ATOM: Final = re.compile(rf'[^\s"(),:;<>@\[\\\]{_UNPRINTED}]+@[\w.-]+')


def header_text(text: str) -> str:
    """Text that is safe in a header: one line, no controls, no encoded words, not too long."""
    return " ".join(_UNSAFE.sub(" ", text).split())[:_LONGEST].rstrip()


def unstructured(text: str) -> str:
    """The value of a field such as `Subject`, folded. The text is `header_text`."""
    return text if _is_plain(text) else _encoded(text)


def mailbox(name: str, address: str) -> str:
    """The value of a field such as `To`, folded. The name is `header_text`. Raises: ValueError for no address."""
    if not _DOT_ATOM.fullmatch(address):
        raise ValueError("not an address that can stand in a header")
    if not name:
        return address
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{quoted if _is_plain(name) else _encoded(name)}\r\n <{address}>"


def wire_address(address: str) -> str:
    """An address as servers know it: its domain in ASCII (IDNA), so that only a local part ever needs SMTPUTF8."""
    if address.isascii():
        return address
    try:
        checked = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return address
    return f"{checked.local_part}@{checked.ascii_domain}"


def _is_plain(text: str) -> bool:
    return text.isascii() and len(text) <= _LONGEST_PLAIN


def _encoded(text: str) -> str:
    """Encoded words of whole characters; the space between two of them is no part of the text (RFC 2047 6.2)."""
    words: list[bytes] = [b""]
    for character in text:
        piece = character.encode()
        if len(words[-1]) + len(piece) > _WORD_BYTES:
            words.append(b"")
        words[-1] += piece
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)
