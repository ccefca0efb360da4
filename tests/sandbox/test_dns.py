"""The DNS server, driven with a real resolver over a real socket, and its control API."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.nameserver
import dns.rcode
import dns.resolver
import httpx
import pytest

from sandbox.client import Sandbox
from sandbox.dns import DnsServer, create_dns_control, serving_dns
from sandbox.ports import PortTakenError
from sandbox.server import Places, serve
from sandbox.stack import Ports, StackError

NAME = "_proof.meet.example.com"


@dataclass
class Zone:
    """A server that runs, its control API, and a resolver that asks it."""

    server: DnsServer
    control: httpx.AsyncClient
    resolver: dns.asyncresolver.Resolver

    async def put(self, name: str, kind: str, *values: str) -> httpx.Response:
        return await self.control.put("/records", json={"name": name, "type": kind, "values": values})

    async def says(self, name: str, kind: str) -> list[str]:
        answer = await self.resolver.resolve(name, kind, lifetime=5, search=False)
        return [b"".join(record.strings).decode() if kind == "TXT" else record.to_text() for record in answer]

    async def code(self, name: str, kind: str) -> str:
        query = dns.message.make_query(name, kind)
        host, _, port = self.server.address.rpartition(":")
        answer = await dns.asyncquery.udp(query, host, port=int(port), timeout=5)
        return dns.rcode.to_text(answer.rcode())


def resolver_at(address: str) -> dns.asyncresolver.Resolver:
    host, _, port = address.rpartition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(host, int(port))]
    return resolver


@pytest.fixture
async def zone() -> AsyncIterator[Zone]:
    async with serving_dns() as server:
        transport = httpx.ASGITransport(create_dns_control(server))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as control:
            yield Zone(server, control, resolver_at(server.address))


async def test_records_that_were_set_are_answered_until_they_are_deleted(zone):
    assert (await zone.put(NAME, "TXT", "one thing", "another")).status_code == 200
    assert sorted(await zone.says(NAME, "TXT")) == ["another", "one thing"]
    await zone.put(NAME.upper() + ".", "txt", "a third")
    assert await zone.says(NAME, "TXT") == ["a third"], "names and types are the same in any case"
    listed = (await zone.control.get("/records")).json()["items"]
    assert listed == [{"name": NAME, "type": "TXT", "values": ["a third"]}]
    assert (await zone.control.delete("/records", params={"name": NAME, "type": "CNAME"})).status_code == 204
    assert await zone.code(NAME, "TXT") == "NOERROR"
    assert (await zone.control.delete("/records", params={"name": NAME})).status_code == 204
    assert await zone.code(NAME, "TXT") == "NXDOMAIN"


@pytest.mark.parametrize("text", ['say "yes"', "back\\slash; and a semicolon", "blå grød", "x" * 700, ""])
async def test_a_txt_record_says_what_it_was_told_whatever_that_is(zone, text):
    assert (await zone.put(NAME, "TXT", text)).status_code == 200
    assert await zone.says(NAME, "TXT") == [text]


async def test_a_name_with_names_below_it_exists_and_has_nothing(zone):
    await zone.put(NAME, "TXT", "proof")
    assert [await zone.code(name, "A") for name in ("meet.example.com", NAME)] == ["NOERROR"] * 2
    assert [await zone.code(name, "A") for name in ("eet.example.com", "other.test")] == ["NXDOMAIN"] * 2


async def test_an_alias_is_told_to_whoever_asks_for_anything(zone):
    await zone.put("meet.example.com", "CNAME", "pages.example.net.")
    assert await zone.says("meet.example.com", "CNAME") == ["pages.example.net."]
    with pytest.raises(dns.resolver.NoAnswer) as caught:
        await zone.says("meet.example.com", "A")
    assert "pages.example.net." in caught.value.response().to_text()


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        (NAME, "A", ["not an address"]),
        (NAME, "CNAME", ["double..dot."]),
        (NAME, "NONSENSE", ["x"]),
        ("double..dot", "TXT", ["x"]),
        (NAME, "TXT", []),
    ],
)
async def test_what_is_no_record_is_refused(zone, name, kind, values):
    assert (await zone.put(name, kind, *values)).status_code == 422
    assert zone.server.records == {}


async def test_what_was_asked_can_be_read_and_forgotten(zone):
    await zone.code("Meet.Example.com", "CNAME")
    await zone.code("example.com", "TXT")
    asked = (await zone.control.get("/questions")).json()["items"]
    assert asked == [{"name": "meet.example.com", "type": "CNAME"}, {"name": "example.com", "type": "TXT"}]
    assert (await zone.control.delete("/questions")).status_code == 204
    assert (await zone.control.get("/questions")).json()["items"] == []


async def test_an_outage_lasts_until_it_is_ended(zone):
    await zone.put(NAME, "TXT", "proof")
    for mode in ("servfail", "silent"):
        assert (await zone.control.post("/outage", json={"mode": mode})).status_code == 200
        assert (await zone.control.get("/outage")).json() == {"mode": mode}
        if mode == "servfail":
            assert await zone.code(NAME, "TXT") == "SERVFAIL"
        else:
            with pytest.raises(dns.exception.Timeout):
                await zone.resolver.resolve(NAME, "TXT", lifetime=0.2, search=False)
    assert (await zone.control.post("/outage", json={"mode": "sulking"})).status_code == 422
    assert (await zone.control.delete("/outage")).status_code == 204
    assert (await zone.control.get("/outage")).json() == {"mode": None}
    assert await zone.says(NAME, "TXT") == ["proof"]


async def test_answers_wait_when_a_test_says_so(zone):
    await zone.put(NAME, "TXT", "proof")
    zone.server.answering.clear()
    asking = asyncio.create_task(zone.code(NAME, "TXT"))
    while not zone.server.asked:  # noqa: ASYNC110 - the server's own record
        await asyncio.sleep(0.005)
    assert not asking.done()
    zone.server.answering.set()
    assert await asking == "NOERROR"


async def test_noise_is_passed_over(zone, caplog):
    host, _, port = zone.server.address.rpartition(":")
    reply = dns.message.make_response(dns.message.make_query(NAME, "TXT"))
    with socket.socket(type=socket.SOCK_DGRAM) as noise:
        for datagram in (b"", b"\x00", b"not a question at all", dns.message.Message().to_wire(), reply.to_wire()):
            noise.sendto(datagram, (host, int(port)))
    assert await zone.code(NAME, "TXT") == "NXDOMAIN"
    assert zone.server.asked == [(NAME, "TXT")]
    assert caplog.records == [], "nor is it complained of"


async def test_a_taken_port_is_named():
    async with serving_dns() as server:
        port = int(server.address.rpartition(":")[2])
        with pytest.raises(PortTakenError, match=f"Port {port} .* DNS"):
            async with serving_dns(port):
                pytest.fail("it started")


@pytest.mark.parametrize(("kind", "free"), [(socket.SOCK_DGRAM, False), (socket.SOCK_STREAM, True)])
def test_its_port_is_one_of_udp(kind, free):
    with socket.socket(type=kind) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        if free:
            assert Ports(dns=port).settled().dns == port
        else:
            with pytest.raises(StackError, match=rf"{port}\. .*--dns-port 0"):
                Ports(dns=port).settled()


async def test_the_sandbox_serves_it_and_its_client_controls_it():
    async with serve(Places()) as addresses, Sandbox(addresses.http_url) as sandbox:
        resolver = resolver_at((await sandbox.addresses())["dns_address"])
        await sandbox.set_dns(NAME, "TXT", "proof")
        answer = await resolver.resolve(NAME, "TXT", lifetime=5, search=False)
        assert [record.to_text() for record in answer] == ['"proof"']
        assert await sandbox.dns_questions() == [{"name": NAME, "type": "TXT"}]
        await sandbox.break_dns()
        with pytest.raises(dns.resolver.NoNameservers):
            await resolver.resolve(NAME, "TXT", lifetime=5, search=False)
        await sandbox.heal_dns()
        await sandbox.delete_dns()
        with pytest.raises(dns.resolver.NXDOMAIN):
            await resolver.resolve(NAME, "TXT", lifetime=5, search=False)
