"""Where we may connect to: the URL is the user's, the network behind it is the operator's.

The one rule: a name is resolved once, every address it has must be allowed, and the connection goes to one of these
very addresses. Checking first and resolving again later would let the name change its mind in between.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from app.addresses import AddressRefused, is_public

HTTPS_PORT: Final = 443
EWS_PATH: Final = "/EWS/Exchange.asmx"

_UNPRINTABLE: Final = re.compile(r"[\s\\\x00-\x1f\x7f]")
_ONLINE: Final = re.compile(
    r"(.+\.)?(office365\.com|outlook\.com|office\.com|office365\.us|partner\.outlook\.cn|onmicrosoft\.com)",
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens."""

    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> "Endpoint":
        """The parts of a URL that we would use. Raises: AddressRefused."""
        text = url.strip()
        if "//" not in text:
            text = f"https://{text}"
        if _UNPRINTABLE.search(text):
            raise AddressRefused
        try:
            parts = urlsplit(text)
            port = parts.port or HTTPS_PORT
            host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
        except ValueError:  # UnicodeError among them: a host that is no name
            raise AddressRefused from None
        if parts.scheme.lower() != "https" or not host or "@" in parts.netloc or parts.fragment or parts.query:
            raise AddressRefused
        return cls(host, port, parts.path if parts.path.strip("/") else EWS_PATH)

    @property
    def url(self) -> str:
        """The URL in one spelling."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}{'' if self.port == HTTPS_PORT else f':{self.port}'}{self.path}"

    @property
    def is_online(self) -> bool:
        """Whether it is Microsoft's own service, where EWS is being switched off (R14)."""
        return is_online(self.host)


def is_online(host: str) -> bool:
    """Whether a host belongs to Exchange Online."""
    return _ONLINE.fullmatch(host.lower().rstrip(".")) is not None


def canonical_name(host: str) -> str:
    """The name behind a name's aliases; the name itself when there is none, or nobody knows it. Blocks."""
    try:
        rows = socket.getaddrinfo(host, HTTPS_PORT, proto=socket.IPPROTO_TCP, flags=socket.AI_CANONNAME)
    except OSError:
        return host
    return rows[0][3] or host


class Guard:
    """Turns names into addresses we may connect to."""

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        """`allowed_hosts` are names, addresses or networks of the operator's own that may be private, on any port.

        Raises: ValueError for an entry that is none of these.
        """
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in allowed_hosts:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                if "/" in entry or not entry.strip():  # a network with a slip of the pen is no name
                    raise
                self._names.add(entry.strip().lower().rstrip("."))

    def addresses(self, endpoint: Endpoint) -> list[str]:
        """Every address of the endpoint. Blocks. Raises: AddressRefused, OSError (the name is unknown)."""
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        literals = list(dict.fromkeys(str(row[4][0]) for row in found))
        if endpoint.host in self._names:
            return literals
        for literal in literals:
            address = ipaddress.ip_address(literal.partition("%")[0])
            ours = any(address in network for network in self._networks)
            if not ours and (endpoint.port != HTTPS_PORT or not is_public(address)):
                raise AddressRefused
        return literals
