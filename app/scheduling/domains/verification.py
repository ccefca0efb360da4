"""Asks DNS whether a domain belongs to the account that claims it.

The one rule: every answer of DNS, silence included, has a meaning here; nothing is raised. Callers hold no transaction.
"""

import asyncio
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from app.scheduling.domains.names import PROOF_LABEL
from app.scheduling.domains.standing import Failure

_SERVER: Final = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](:(?P<port6>[0-9]+))?|(?P<four>[^:]+)(:(?P<port4>[0-9]+))?")
_DNS_PORT: Final = 53
_MOST_ALIASES: Final = 5
"""Names in a row that are followed to ours."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What DNS said of a domain."""

    failure: Failure | None
    """Why it proves nothing; None: it is theirs."""
    points_here: bool | None
    """Whether its CNAME leads to the host we ask for, by others or at once; None: nobody answered."""


class DomainProver:
    """Looks up the records of domains."""

    def __init__(self, resolvers: Sequence[str], *, timeout_seconds: float, target: str) -> None:
        """`resolvers` are addresses, each with a port if it is not 53; none: those of the system. `target` is the host
        that domains point at. Raises: ValueError for an address that is none.
        """
        self._servers = [_nameserver(text) for text in resolvers]
        self._timeout = timeout_seconds
        self._target = dns.name.from_text(target)

    async def look(self, host: str, expected: str) -> Finding:
        """Ask for both records at once, for at most as long as the timeout."""
        failure, points_here = await asyncio.gather(self._proof(host, expected), self._points_here(host))
        return Finding(failure, points_here)

    async def _proof(self, host: str, expected: str) -> Failure | None:
        try:
            answer = await self._ask(dns.name.from_text(f"{PROOF_LABEL}.{host}"), "TXT")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Failure.RECORD_MISSING
        except dns.exception.Timeout:
            return Failure.DNS_TIMEOUT
        except (dns.exception.DNSException, OSError):
            return Failure.DNS_FAILED
        said = {b"".join(record.strings).strip() for record in answer}  # others may prove themselves at the same name
        return None if expected.encode() in said else Failure.RECORD_WRONG

    async def _points_here(self, host: str) -> bool | None:
        try:
            async with asyncio.timeout(self._timeout):
                name = dns.name.from_text(host)
                for _ in range(_MOST_ALIASES):
                    name = (await self._ask(name, "CNAME"))[0].target
                    if name == self._target:
                        return True
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return False
        except (dns.exception.DNSException, OSError):
            return None
        return False

    async def _ask(self, name: dns.name.Name, kind: str) -> dns.resolver.Answer:
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = list(self._servers)
        return await resolver.resolve(name, kind, lifetime=self._timeout, search=False)


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    parts = _SERVER.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text} is no address of a DNS server")
    address = ipaddress.ip_address(parts["six"] or parts["four"])
    return dns.nameserver.Do53Nameserver(str(address), int(parts["port6"] or parts["port4"] or _DNS_PORT))
