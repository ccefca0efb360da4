"""URLs that lead where the service must not go, by families, and what their names are resolved to. Pure.

The one rule: which address is forbidden is said here anew, from the registries of special addresses; the service's own
judgement is not asked.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

INSIDE: Final = (
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "0.0.0.0",  # noqa: S104 - an address to be refused
)  # fmt: skip
"""Loopback, private networks, link-local metadata, carriers' shared space, a cloud's metadata in it, "this host"."""
PUBLIC: Final = "93.184.216.34"
PUBLIC_V6: Final = "2606:2800:220:1:248:1893:25c8:1946"
_SPECIAL: Final = (
    "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.254", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "100.127.255.254", "172.31.255.254",
    "192.0.0.192", "0.1.2.3",
    "::", "::1", "::2", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "ff02::1",
    "ff0e::1", "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1",
    "4000::1", "8000::1", "64:ff9b:1::1", "2001:1::1",
)  # fmt: skip
"""Documentation, benchmarks, multicast, reserved, discard-only, unique local, site-local, given to nobody."""
_METADATA: Final = (
    "localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "foo.localhost", "ip6-localhost", "ip6-loopback",
    "broadcasthost", "metadata", "metadata.google.internal", "metadata.google.internal.", "metadata.goog",
    "instance-data", "instance-data.ec2.internal", "metadata.azure.internal", "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local", "kubernetes", "host.docker.internal", "gateway.docker.internal",
    "consul.service.consul", "rancher-metadata", "db", "redis", "wpad", "intranet.corp", "router.home.arpa",
    "printer.local", "localtest.me", "lvh.me", "127.0.0.1.nip.io", "169.254.169.254.sslip.io", "10-0-0-1.traefik.me",
    "spoofed.burpcollaborator.net",
)  # fmt: skip
_SCHEMES: Final = (
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:11211/stat",
    "ftp://127.0.0.1/", "ftps://127.0.0.1/", "sftp://127.0.0.1/", "tftp://127.0.0.1/x", "ldap://127.0.0.1/",
    "ldaps://127.0.0.1/", "jar:https://127.0.0.1!/", "data:text/plain,hello", "javascript:alert(1)",
    "ws://127.0.0.1/", "wss://127.0.0.1/", "netdoc:///etc/passwd", "unix:///var/run/docker.sock", "smb://127.0.0.1/x",
    "//127.0.0.1/", "///127.0.0.1/", "https:127.0.0.1", "https:/127.0.0.1", "https:///127.0.0.1/", "HTTP://127.0.0.1/",
    "hTtPs://127.0.0.1/", "view-source:https://127.0.0.1/", "https+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "http://example.com/", "blob:https://127.0.0.1/x", "about:blank", "https://", "https://:443/", "https://?",
)  # fmt: skip
_PUBLIC_HOST: Final = "good.attack.example"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A URL that somebody names."""

    family: str
    url: str


@dataclass(frozen=True, slots=True)
class Name:
    """What a name is resolved to, round by round; the last round stays."""

    rounds: tuple[tuple[str, ...], ...]

    def answer(self, asked: int) -> tuple[str, ...]:
        """Its addresses when it is asked for the so-manieth time, from 0."""
        return self.rounds[min(asked, len(self.rounds) - 1)]


def forbidden(address: str) -> bool:
    """Whether no packet of ours may go there: not of the open internet, or an IPv4 address in disguise that is not."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(_is_special(each) for each in (parsed, *_carried(parsed)))


def _is_special(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        unassigned = address not in _ASSIGNED_V6
        return unassigned or not address.is_global or any(address in network for network in _MORE_V6)
    return not address.is_global or address.is_multicast or any(address in network for network in _MORE_V4)


_ASSIGNED_V6: Final = ipaddress.IPv6Network("2000::/3")
_MORE_V4: Final = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4", "100.64.0.0/10")))
_MORE_V6: Final = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2002::/16", "3fff::/20")))


def _carried(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 one may be turned into on its way."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    yield from (one for one in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if one is not None)


def names() -> dict[str, Name]:
    """Every name of the corpus, lower case and without its last dot."""
    known = {host.lower().rstrip("."): Name(((INSIDE[at % len(INSIDE)],),)) for at, host in enumerate(_METADATA)}
    known[_PUBLIC_HOST] = Name(((PUBLIC,),))
    known[f"autodiscover.{_PUBLIC_HOST}"] = Name(((PUBLIC,),))
    known["both.attack.example"] = Name(((PUBLIC, PUBLIC_V6),))
    for at, address in enumerate((*INSIDE, "::1", "fe80::1%lo", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:10.0.0.1")):
        known[f"alone-{at}.attack.example"] = Name(((address,),))
        known[f"second-{at}.attack.example"] = Name(((PUBLIC, address),))
        known[f"first-{at}.attack.example"] = Name(((address, PUBLIC),))
        known[f"rebinding-{at}.attack.example"] = Name(((PUBLIC,), (address,), (PUBLIC,), (address,)))
    return known


def controls() -> list[Attempt]:
    """URLs that are good: who refuses these as well has proved nothing."""
    return [
        Attempt("control", f"https://{host}/hook")
        for host in (_PUBLIC_HOST, "both.attack.example", PUBLIC, f"[{PUBLIC_V6}]", f"{_PUBLIC_HOST}:443")
    ]


def corpus() -> list[Attempt]:
    """Every URL once. None may lead to a forbidden address, whether it is refused or followed."""
    made: dict[str, Attempt] = {}
    for family, urls in _families():
        for url in urls:
            made.setdefault(url, Attempt(family, url))
    return list(made.values())


def _families() -> Iterator[tuple[str, Iterable[str]]]:
    for inside in INSIDE:
        yield "plain", [f"https://{inside}/", f"https://{inside}:443/", f"https://{inside}./", f"http://{inside}/"]
        yield "number", [f"https://{form}/latest/meta-data/" for form in _numbers(inside)]
        yield "unicode", [f"https://{form}/" for form in _unicode(inside)]
        yield "carried in IPv6", [f"https://[{form}]/" for form in _in_v6(inside)]
        yield "userinfo and backslashes", _confused(inside)
        yield "odd port", [f"https://{inside}:{port}/" for port in ("22", "6379", "8443", "0", "65536", "443x", " 443")]
    yield "special", [f"https://{f'[{address}]' if ':' in address else address}/" for address in _SPECIAL]
    yield (
        "zone id",
        [f"https://[{form}]/" for form in ("fe80::1%lo", "fe80::1%25eth0", "::1%lo", "::1%251", "fe80::1%")],
    )
    yield "name", [f"https://{host}/" for host in _METADATA]
    yield "resolved", [f"https://{host}/" for host in names() if host.startswith(("alone", "first", "second"))]
    yield "rebinding", [f"https://{host}/" for host in names() if host.startswith("rebinding")]
    yield "odd port of a good name", [f"https://{_PUBLIC_HOST}:{port}/" for port in (22, 25, 80, 5432, 6379, 8080)]
    yield "scheme", _SCHEMES


def _numbers(inside: str) -> Iterator[str]:
    """The spellings of an IPv4 address that `inet_aton` reads, and some that only sloppy readers do."""
    a, b, c, d = map(int, inside.split("."))
    whole = int(ipaddress.IPv4Address(inside))
    yield from (str(whole), f"{whole:#x}", f"0{whole:o}", f"{whole:#x}".upper(), str(whole + 2**32), f"00{whole:o}")
    yield from (f"{a:#x}.{b:#x}.{c:#x}.{d:#x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{a:03}.{b:03}.{c:03}.{d:03}")
    yield from (f"{a}.{whole & 0xFFFFFF}", f"{a}.{b}.{whole & 0xFFFF}", f"{a:#x}.{b}.0{c:o}.{d}", f"{a}.{b}.{c}.{d:#x}")
    yield from (f"{a + 256}.{b}.{c}.{d}", f"{whole}.", f"{a}.{b}.{c}.{d}.5", f"{a}..{b}.{c}.{d}", f"-{whole}")


def _unicode(inside: str) -> Iterator[str]:
    wide = inside.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    mathematical = inside.translate({ord("0") + digit: 0x1D7CE + digit for digit in range(10)})
    arabic = inside.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})
    yield from (wide, mathematical, arabic)
    yield from (inside.replace(".", dot) for dot in ("。", "．", "｡", "․"))  # noqa: RUF001 - dots that are none
    yield from (inside.replace(".", "%2e"), "".join(f"%{ord(letter):02x}" for letter in inside), f"{inside}\u00ad")
    yield from (f"\u200b{inside}", f"{inside[:-1]}\u200d{inside[-1]}", f"{inside}%00.attack.example", f"{inside}%20")


def _in_v6(inside: str) -> Iterator[str]:
    number = int(ipaddress.IPv4Address(inside))
    high, low = number >> 16, number & 0xFFFF
    flipped = number ^ 0xFFFFFFFF
    yield from (f"::ffff:{inside}", f"::ffff:{high:x}:{low:x}", f"0:0:0:0:0:ffff:{inside}", f"::{inside}")
    yield from (f"64:ff9b::{inside}", f"64:ff9b:1::{high:x}:{low:x}", f"2002:{high:x}:{low:x}::1")
    yield from (f"2001:0:5db8:d822::{flipped >> 16:x}:{flipped & 0xFFFF:x}", f"2001:0:{high:x}:{low:x}::1")
    yield from (f"::ffff:0:{inside}", f"fe80::5efe:{inside}")


def _confused(inside: str) -> Sequence[str]:
    """What two readers of a URL may take for two hosts."""
    good = _PUBLIC_HOST
    return (
        f"https://{good}@{inside}/", f"https://{good}:443@{inside}/", f"https://{inside}#@{good}/",
        f"https://{inside}\\@{good}/", f"https://{good}\\@{inside}/", f"https:\\\\{inside}\\", f"https://{good}%40{inside}/",
        f"https://{inside}%23@{good}/", f"https://{inside}\t/", f"https://{inside[:3]}\n{inside[3:]}/",
        f" https://{inside}/", f"https://{good} @{inside}/", f"https://{inside};{good}/", f"https://{good}#@{inside}/",
        f"https://@{inside}/", f"https://:@{inside}/", f"https://{inside}?@{good}/", f"https://{inside}\x00.{good}/",
    )  # fmt: skip
