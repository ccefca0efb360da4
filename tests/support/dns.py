"""A tiny DNS server for tests, on a loopback UDP port of its own.

The one rule: it answers from its records and as it was told to fail; the client, the wire and the waiting are real.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@dataclass(slots=True)
class DnsServer(asyncio.DatagramProtocol):
    """Knows the records it was given, and no other name."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """By name and kind: what the records say, as a zone file has it."""
    failing: bool = False
    """Answer SERVFAIL."""
    silent: bool = False
    """Answer nothing."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """Answers wait for it; it is set at first."""
    _transport: asyncio.DatagramTransport | None = None
    _answers: set[asyncio.Task[None]] = field(default_factory=set)

    def set(self, name: str, kind: str, *values: str) -> None:
        """Let the name have these records of a kind; none: it has none any more."""
        if values:
            self.records[name, kind] = [f'"{value}"' if kind == "TXT" else value for value in values]
        else:
            self.records.pop((name, kind), None)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        host, port = transport.get_extra_info("sockname")
        self._transport, self.address = transport, f"{host}:{port}"
        self.answering.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), question.rdtype.name
        self.asked.append((name, kind))
        if not self.silent:
            task = asyncio.create_task(self._answer(query, name, kind, addr))
            self._answers.add(task)  # the loop alone would let go of it
            task.add_done_callback(self._answers.discard)

    async def _answer(self, query: dns.message.Message, name: str, kind: str, addr: tuple[str, int]) -> None:
        await self.answering.wait()
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        values = self.records.get((name, kind))
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *values))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def serving_dns() -> AsyncIterator[DnsServer]:
    """A server that runs until the end of the block."""
    server = DnsServer()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
