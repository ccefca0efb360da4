"""Answers of DNS as they come in the field: long, split, chained, in capitals, over TCP and IPv6, and odd (R37)."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from app.scheduling.domains.standing import Failure
from app.scheduling.domains.verification import DomainProver, Finding

HOST, TARGET = "book.example.com", "pages.calendar-connect.example"
TXT = f"_calendar-connect.{HOST}."
PROOF = "calendar-connect-verification=" + "x" * 300
SPLIT = f'"{PROOF[:200]}" "{PROOF[200:]}"'
HERE = (f"{HOST}.", "CNAME", f"{TARGET}.")
LONGEST_DATAGRAM = 512

Record = tuple[str, str, str]


class Zone(asyncio.DatagramProtocol):
    """Records by name, answered over UDP, and over TCP when they are too long for it."""

    def __init__(self, *records: Record, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, noise: bytes = b"") -> None:
        self._records = [(name.lower(), kind, value) for name, kind, value in records]
        self._rcode = rcode
        self._noise = noise
        self.over_tcp = 0
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._noise:
            self._transport.sendto(data[:2] + self._noise, addr)
        answer = self._answer(data)
        if len(answer.to_wire(max_size=65535)) > LONGEST_DATAGRAM:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
        self._transport.sendto(answer.to_wire(), addr)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.over_tcp += 1
        asked = await reader.readexactly(struct.unpack("!H", await reader.readexactly(2))[0])
        answer = self._answer(asked).to_wire(max_size=65535)
        writer.write(struct.pack("!H", len(answer)) + answer)
        await writer.drain()
        writer.close()

    def _answer(self, data: bytes) -> dns.message.Message:
        """What the name has, and what the names have that it leads to."""
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        answer.set_rcode(self._rcode)
        kind, name = query.question[0].rdtype.name, query.question[0].name.to_text().lower()
        for _ in range(10):
            found = [value for known, has, value in self._records if (known, has) == (name, kind)]
            leads = [value for known, has, value in self._records if (known, has) == (name, "CNAME")]
            if found or leads:
                said, values = (kind, found) if found else ("CNAME", leads)
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", said, *values))
            if found or not leads:
                break
            name = leads[0].lower()
        return answer


@asynccontextmanager
async def serving(zone: Zone, host: str = "127.0.0.1") -> AsyncIterator[str]:
    async with await asyncio.start_server(zone.serve, host, 0) as server:
        port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: zone, local_addr=(host, port))
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        transport.close()


async def look(zone: Zone, host: str = "127.0.0.1") -> Finding:
    async with serving(zone, host) as address:
        return await DomainProver([address], timeout_seconds=2, target=TARGET).look(HOST, PROOF)


@pytest.mark.parametrize(
    "records",
    [
        [(TXT, "TXT", SPLIT), HERE],
        [(TXT.upper(), "TXT", f'"{PROOF}'[:150] + f'" "{PROOF[149:]}"'), (HERE[0].upper(), "CNAME", HERE[2].upper())],
        [(TXT, "TXT", r'"\195\165 v=spf1"'), (TXT, "TXT", f'" {PROOF[:200]}" "{PROOF[200:]} "'), HERE],
        [(TXT, "CNAME", "a.example.net."), ("a.example.net.", "CNAME", "b.example.org."),
         ("b.example.org.", "TXT", SPLIT), HERE],
        [(TXT, "TXT", SPLIT), (HERE[0], "CNAME", "Alias.example.com."), ("alias.example.com.", *HERE[1:])],
    ],
    ids=["split", "capitals", "among others", "chained proof", "chained host"],
)  # fmt: skip
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_r37_a_record_is_found_however_it_is_told(records: list[Record], host: str) -> None:
    assert await look(Zone(*records), host) == Finding(None, points_here=True)


async def test_r37_an_answer_too_long_for_a_datagram_is_read_over_tcp() -> None:
    zone = Zone(*((TXT, "TXT", f'"{"y" * 200}{number}"') for number in range(40)), (TXT, "TXT", SPLIT), HERE)
    assert await look(zone) == Finding(None, points_here=True)
    assert zone.over_tcp == 1


async def test_r37_what_others_say_in_between_is_not_heard() -> None:
    noise = b"\x81\x80\xff\xff"
    assert await look(Zone((TXT, "TXT", SPLIT), HERE, noise=noise)) == Finding(None, points_here=True)


@pytest.mark.parametrize(
    ("zone", "finding"),
    [
        (lambda: Zone(rcode=dns.rcode.NXDOMAIN), Finding(Failure.RECORD_MISSING, points_here=False)),
        (lambda: Zone((TXT, "CNAME", "gone.example.net.")), Finding(Failure.RECORD_MISSING, points_here=False)),
        (lambda: Zone((TXT, "TXT", '""')), Finding(Failure.RECORD_WRONG, points_here=False)),
        (
            lambda: Zone((TXT, "CNAME", TXT), (HERE[0], "CNAME", HERE[0])),
            Finding(Failure.DNS_FAILED, points_here=False),
        ),
        *(
            (lambda code=code: Zone(rcode=code), Finding(Failure.DNS_FAILED, points_here=None))
            for code in (dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR, dns.rcode.NOTIMP)
        ),
    ],
)
async def test_r37_what_proves_nothing_is_told_apart(zone: Callable[[], Zone], finding: Finding) -> None:
    assert await look(zone()) == finding
