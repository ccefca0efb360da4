"""Names of hosts: which may be an account's domain, and which one a request names. Pure.

The one rule: a host is compared and kept in one form: lower case, ASCII (IDNA 2008), no port, no dot at the end.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

import idna

PROOF_LABEL: Final = "_calendar-connect"
"""Stands before the domain in the name of the TXT record."""

_MOST: Final = 253 - len(PROOF_LABEL) - 1
"""The longest domain whose record can still be asked for."""
_NUMERIC: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
"""The last label of an IPv4 address, in whatever spelling; no top-level domain looks like that."""
_SPECIAL: Final = frozenset({"alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"})
"""Top-level names that are nobody's in DNS (RFC 6761, 6762, 7686, 9476)."""
_REGISTRIES: Final = frozenset({"ac", "co", "com", "edu", "gov", "mil", "net", "org"})
_MORE_REGISTRIES: Final = frozenset(
    {"go.jp", "go.kr", "gv.at", "ltd.uk", "me.uk", "ne.jp", "or.at", "or.jp", "or.kr", "plc.uk", "sch.uk"}
)
"""Under a country's name (`co.uk`) people register theirs. No list is whole; the proof is the record, not the name."""
_PORT: Final = re.compile(r":[0-9]*$")
_PLAIN: Final = re.compile(r"[a-z0-9_.-]+")


class NameRefusal(StrEnum):
    """Why a name cannot be an account's domain."""

    MALFORMED = "domain_malformed"
    PUBLIC = "domain_too_general"
    RESERVED = "domain_reserved"


def domain_host(name: str, *, ours: Collection[str]) -> str | NameRefusal:
    """The host of a domain as somebody wrote it, or why it cannot be one. `ours` are the hosts of this deployment."""
    host = _ascii(name)
    if host is None or len(host) > _MOST or _NUMERIC.fullmatch(host.rpartition(".")[2]):
        return NameRefusal.MALFORMED
    first, _, rest = host.partition(".")
    if not rest or host in _MORE_REGISTRIES or (first in _REGISTRIES and len(rest) == 2):  # noqa: PLR2004 - a country
        return NameRefusal.PUBLIC
    taken = any(host == own or host.endswith(f".{own}") for own in ours)
    if taken or host.rpartition(".")[2] in _SPECIAL:
        return NameRefusal.RESERVED
    return host


def host_in(text: str) -> str:
    """The host in a `Host` header or in the place of one in a URL; empty when it is none we could know."""
    host = _PORT.sub("", text).lower()
    if len(host) > 254:  # noqa: PLR2004 - the longest name there is, and a dot
        return ""
    if host.isascii():  # not all hosts are names that could be registered: a deployment's own may have an underscore
        return host.removesuffix(".") if _PLAIN.fullmatch(host) else ""
    return _ascii(host) or ""


def readable(host: str) -> str:
    """The host as people write it: `xn--mller-kva.de` is `müller.de`."""
    try:
        return idna.decode(host)
    except idna.IDNAError:  # a registry of old let it pass
        return host


def _ascii(name: str) -> str | None:
    try:
        plain = idna.encode(name, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return None
    return plain.removesuffix(".") or None
