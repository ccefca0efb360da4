"""Where a URL that somebody gave us may lead: the URL is theirs, the network behind it is the operator's.

    check      before anything: https, a host, nothing odd; pure
    addresses  inside connect: what the name is now, every address of it allowed

The one rule: the connection goes to one of the very addresses that were allowed. Checking a name first and resolving it
again later would let it change its mind in between.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HTTPS_PORT: Final = 443
_LOOK_UPS: Final = 64
"""At once. One that nobody waits for any more goes on for as long as the resolver asks, half a minute say; the slow
lane of webhooks begins six in five seconds."""
_V4_CLOSED: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_V6_OPEN: Final = ipaddress.IPv6Network("2000::/3")
# Inside it: protocol assignments and Teredo, documentation, 6to4 (it carries an IPv4 address), documentation again.
_V6_CLOSED: Final = tuple(
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_ODD: Final = re.compile(r"[\s\\\x00-\x1f\x7f]")
_LOOKS_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
"""The last label of what resolvers read as an IPv4 address in an old spelling (`127.1`, `0x7f000001`)."""
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
"""A host that is no literal. `127%2e0%2e0%2e1` is none: who unescapes it goes elsewhere than who does not."""


class AddressRefused(Exception):
    """The URL, or an address its host has, is not one we go to. Never says which: it would map the network."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet. Said by network: `is_global` is wrong for forms that carry an
    IPv4 address inside (NAT64, 6to4)."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _V4_CLOSED)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    return address in _V6_OPEN and not any(address in network for network in _V6_CLOSED)


class Guard:
    """Says where we may go."""

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        """`allowed_hosts` are names, addresses or networks of the operator's own: private, without TLS, on any port.

        Raises: ValueError for an entry that is none of these.
        """
        # Threads of its own: the loop has two for all the names of a process, and a silent nameserver would hold them.
        self._threads = ThreadPoolExecutor(_LOOK_UPS, thread_name_prefix="names")
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in allowed_hosts:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                if "/" in entry or not entry.strip():  # a network with a slip of the pen is no name
                    raise
                self._names.add(entry.strip().lower().rstrip("."))

    def check(self, url: str) -> None:
        """Whether we would go to this URL as far as it can be said without asking anybody. Raises: AddressRefused."""
        if _ODD.search(url):
            raise AddressRefused
        try:
            parts = urlsplit(url)
            port = parts.port
            host = _plain(parts.hostname or "")
        except ValueError:  # UnicodeError among them: a host that is no name
            raise AddressRefused from None
        if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or parts.fragment:
            raise AddressRefused
        if self._is_ours(host):
            return
        literal = _literal(host)
        if parts.scheme != "https" or port not in {None, _HTTPS_PORT} or (literal and not is_public(literal)):
            raise AddressRefused
        if literal is None and (not _NAME.fullmatch(host) or _LOOKS_NUMERIC.fullmatch(host.rpartition(".")[2])):
            raise AddressRefused

    async def addresses(self, host: str, port: int) -> list[str]:
        """Every address of a host. Raises: AddressRefused, OSError (nobody knows the name)."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        literals = list(dict.fromkeys(str(row[4][0]) for row in found))
        if not literals:
            raise AddressRefused
        if _plain(host) in self._names:
            return literals
        for literal in literals:
            address = ipaddress.ip_address(literal.partition("%")[0])
            if not self._is_in_ours(address) and (port != _HTTPS_PORT or not is_public(address)):
                raise AddressRefused
        return literals

    def _is_ours(self, host: str) -> bool:
        literal = _literal(host)
        return host in self._names or (literal is not None and self._is_in_ours(literal))

    def _is_in_ours(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _plain(host: str) -> str:
    return host.rstrip(".").encode("idna").decode("ascii").lower()


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
