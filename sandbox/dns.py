"""A small DNS server on a loopback UDP port: what a registrar's servers would say of the domains that people connect.

The one rule: it answers from the records it was given and as it was told to fail; the wire and the waiting are real.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from sandbox.ports import HOST, PortTakenError

TIME_TO_LIVE = 60  # seconds
LONGEST_STRING = 255  # octets: what a TXT record says longer than that stands in several strings


@dataclass(slots=True)
class DnsServer(asyncio.DatagramProtocol):
    """Knows the records it was given, and no other name."""

    records: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """By name and type: what each record says."""
    failing: bool = False
    """Answer SERVFAIL."""
    silent: bool = False
    """Answer nothing."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Names and types of all questions, the oldest first."""
    address: str = ""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """Answers wait for it; it is set at first."""
    _transport: asyncio.DatagramTransport | None = None
    _answers: set[asyncio.Task[None]] = field(default_factory=set)

    def set(self, name: str, kind: str, *values: str) -> None:
        """Let the name have these records of a type; none: it has none any more. Raises DNSException for nonsense."""
        key = _plain(name), kind.upper()
        if values:
            _records(*key, values)  # what cannot be answered is refused now
            self.records[key] = values
        else:
            self.records.pop(key, None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"
        self._transport = cast("asyncio.DatagramTransport", transport)  # Python 3.11's own do not say so
        self.answering.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return  # nobody we could answer
        if query.flags & dns.flags.QR or not query.question:
            return
        question = query.question[0]
        name, kind = _plain(question.name.to_text()), question.rdtype.name
        self.asked.append((name, kind))
        if not self.silent:
            task = asyncio.create_task(self._answer(query, name, kind, addr))
            self._answers.add(task)  # the loop alone would let go of it
            task.add_done_callback(self._answers.discard)

    async def _answer(self, query: dns.message.Message, name: str, kind: str, addr: tuple[str, int]) -> None:
        await self.answering.wait()
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found := self._find(name, kind):
            answer.answer.append(found)
        elif not self._exists(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), addr)

    def _find(self, name: str, kind: str) -> dns.rrset.RRset | None:
        """Whoever asks for anything of a name that has a CNAME is told of that."""
        for known in (kind, "CNAME"):
            if values := self.records.get((name, known)):
                return _records(name, known, values)
        return None

    def _exists(self, name: str) -> bool:
        """A name with names below it is there, although it has no records."""
        return any(known == name or known.endswith(f".{name}") for known, _ in self.records)


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _records(name: str, kind: str, values: tuple[str, ...]) -> dns.rrset.RRset:
    texts = [_quoted(value) if kind == "TXT" else value for value in values]
    return dns.rrset.from_text(f"{name}.", TIME_TO_LIVE, "IN", kind, *texts)


def _quoted(value: str) -> str:
    """A TXT record's words as a zone file has them."""
    octets = value.encode()
    strings = [octets[at : at + LONGEST_STRING] for at in range(0, len(octets), LONGEST_STRING)] or [b""]
    return " ".join('"' + "".join(f"\\{octet:03d}" for octet in string) + '"' for string in strings)


@asynccontextmanager
async def serving_dns(port: int = 0) -> AsyncIterator[DnsServer]:
    """A server that runs until the end of the block; port 0: a free one. Raises PortTakenError."""
    server = DnsServer()
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(HOST, port))
    except OSError as error:
        raise PortTakenError(f"Port {port} of {HOST} is taken: choose another for DNS.") from error
    try:
        yield server
    finally:
        transport.close()


class DnsRecords(BaseModel):
    """All records of one type that a name has."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1, max_length=255)
    type: str
    """As zone files have it: `TXT`, `CNAME`, …"""
    values: list[str] = Field(min_length=1)
    """What each says; a TXT record without the quotes."""


class DnsOutage(BaseModel):
    """What the server does instead of answering."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["servfail", "silent"]


def create_dns_control(server: DnsServer) -> FastAPI:
    """The zone, the outage and the questions over HTTP."""
    app = FastAPI(title="Sandbox DNS", openapi_url=None)
    _add_record_routes(app, server)
    _add_outage_routes(app, server)

    @app.get("/questions")
    async def list_questions() -> dict[str, Any]:
        return {"items": [{"name": name, "type": kind} for name, kind in server.asked]}

    @app.delete("/questions", status_code=204)
    async def forget_questions() -> None:
        server.asked.clear()

    return app


def _add_record_routes(app: FastAPI, server: DnsServer) -> None:
    @app.get("/records")
    async def list_records() -> dict[str, Any]:
        return {
            "items": [{"name": name, "type": kind, "values": values} for (name, kind), values in server.records.items()]
        }

    @app.put("/records")
    async def set_records(body: DnsRecords) -> dict[str, Any]:
        try:
            server.set(body.name, body.type, *body.values)
        except dns.exception.DNSException as error:
            raise HTTPException(422, f"These are no records: {error}") from error
        return body.model_dump()

    @app.delete("/records", status_code=204)
    async def delete_records(name: str | None = None, type: str | None = None) -> None:  # noqa: A002 - DNS calls it so
        """Those of the name and the type; absent: of every one."""
        for known, kind in list(server.records):
            if (name is None or known == _plain(name)) and (type is None or kind == type.upper()):
                server.set(known, kind)


def _add_outage_routes(app: FastAPI, server: DnsServer) -> None:
    @app.get("/outage")
    async def read_outage() -> dict[str, Any]:
        mode = "silent" if server.silent else "servfail" if server.failing else None
        return {"mode": mode}

    @app.post("/outage")
    async def begin_outage(body: DnsOutage) -> dict[str, Any]:
        server.failing, server.silent = body.mode == "servfail", body.mode == "silent"
        return body.model_dump()

    @app.delete("/outage", status_code=204)
    async def end_outage() -> None:
        server.failing = server.silent = False
