"""Webhooks when something dies, hangs, or leads astray (R52)."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.addresses import AddressRefused, Guard
from app.events.courier import LEASE, Courier
from app.events.lanes import Lanes
from app.events.posting import WebhookPost
from app.events.retry import Attempt, Verdict, back_off, verdict
from app.http import HttpClient, Interrupted, NotAllowed, NotSent
from app.ids import decode_id
from app.vault import Vault
from tests.events.crm import Crm, crm_of
from tests.events.receiver import Received, Receiver, Reply, receiving
from tests.events.test_deliveries import deliver, sweep
from tests.support.world import World
from tests.test_queue import working

GONE = "DELETE FROM queue.pgqueuer"


async def numbered(crm: Crm, count: int = 1) -> None:
    await crm.happens(count)
    await crm.world.services.sequencer.run(crm.account_id, crm.account_id)


async def test_r52_a_worker_that_dies_between_numbering_and_sending_loses_nothing(
    world: World, receiver: Receiver
) -> None:
    crm = await crm_of(world)
    await crm.endpoint(receiver.url)
    await numbered(crm, 2)
    await world.rows(GONE)
    await world.work()
    assert receiver.received == []
    await sweep(world, later=timedelta(seconds=5))
    assert receiver.sequences == [1, 2]


async def test_r52_a_worker_that_dies_while_sending_is_followed_by_another(world: World, receiver: Receiver) -> None:
    crm, hang = await crm_of(world), asyncio.Event()
    endpoint = await crm.endpoint(receiver.url)

    async def hang_once(_: Received) -> Reply:
        if len(receiver.received) == 1:
            await hang.wait()
        return Reply()

    receiver.behave = hang_once
    await numbered(crm)
    await world.rows(GONE)
    dying = asyncio.create_task(deliver(crm, endpoint))
    await receiver.until(1)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await sweep(world, later=timedelta(seconds=5))
    assert len(receiver.received) == 1, "its lease is respected"
    await sweep(world, later=LEASE)
    assert receiver.sequences == [1, 1]
    assert len({message.id for message in receiver.received}) == 1
    assert await world.rows("SELECT 1 FROM due_webhooks") == []


async def test_r52_a_worker_that_was_overtaken_moves_nothing(world: World, receiver: Receiver) -> None:
    crm, hang = await crm_of(world), asyncio.Event()
    endpoint = await crm.endpoint(receiver.url)

    async def hang_once(_: Received) -> Reply:
        if len(receiver.received) == 1:
            await hang.wait()
            return Reply(500)
        return Reply()

    receiver.behave = hang_once
    await numbered(crm, 2)
    slow = asyncio.create_task(deliver(crm, endpoint))
    await receiver.until(1)
    await sweep(world, later=LEASE + timedelta(seconds=1))
    assert receiver.sequences == [1, 1, 2]
    hang.set()
    await slow
    looked = await crm.look(endpoint)
    assert (looked["delivered_through"], looked["consecutive_failures"]) == (2, 0)


async def test_r52_an_endpoint_is_told_by_one_at_a_time(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)

    async def take_time(_: Received) -> Reply:
        await asyncio.sleep(0.02)
        return Reply()

    receiver.behave = take_time
    await numbered(crm, 6)
    await asyncio.gather(*(deliver(crm, endpoint) for _ in range(6)))
    assert receiver.most_at_once == 1
    assert receiver.sequences == [1, 2, 3, 4, 5, 6]


async def test_r52_an_event_that_comes_as_a_turn_ends_is_not_forgotten(world: World, receiver: Receiver) -> None:
    """Numbering and the end of turns, again and again, with nothing to fall back on: no job, no sweep."""
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    for count in range(1, 31):
        await asyncio.gather(numbered(crm), deliver(crm, endpoint))
        await world.rows(GONE)
        due = await world.rows("SELECT 1 FROM due_webhooks")
        assert due or len(receiver.received) == count, "behind, and not due"
    await deliver(crm, endpoint)
    await world.rows("UPDATE due_webhooks SET due_at = now() - interval '1 minute'")
    await world.services.courier.sweep()
    await world.work()
    assert receiver.sequences == list(range(1, 31))


def courier(world: World, lanes: Lanes, http: HttpClient) -> Courier:
    services = world.services
    return Courier(
        services.sessions, Vault(services.settings.master_keys), WebhookPost(http, world.clock), lanes, world.clock
    )


@asynccontextmanager
async def hanging() -> AsyncIterator[Receiver]:
    """A receiver that takes the message and never answers."""
    async with receiving() as opened:

        async def hang(_: Received) -> Reply:
            await asyncio.sleep(60)
            return Reply()

        opened.behave = hang
        yield opened


async def test_r52_a_slow_endpoint_delays_no_other(world: World, receiver: Receiver) -> None:
    """Six endpoints that hang, in a worker with three places for quick ones and one for slow ones."""
    slow_crm, crm = await crm_of(world), await crm_of(world)
    async with hanging() as slow, HttpClient(guard=Guard(["127.0.0.1"])) as http:
        for _ in range(6):
            await slow_crm.endpoint(slow.url)
        await world.rows("UPDATE webhook_endpoints SET slow = true")
        await crm.endpoint(slow.url)
        await crm.endpoint(receiver.url)
        services = replace(world.services, courier=courier(world, Lanes(quick=3, slow=1), http))
        async with working(services, world.database_url):
            await slow_crm.happens(2)
            await slow.until(1)
            loop = asyncio.get_running_loop()
            began = loop.time()
            await crm.happens(3)
            await receiver.until(3, seconds=5)
            assert loop.time() - began < 3
            assert receiver.sequences == [1, 2, 3]
            assert slow.under_way == 2, "one in the slow lane, and the account's own slow one in the quick lane"
            for task in asyncio.all_tasks():
                if "Receiver.serve" in repr(task):
                    task.cancel()


async def test_r52_a_full_lane_turns_away_and_the_endpoint_comes_up_again(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    lanes = Lanes(quick=1, slow=1)
    async with HttpClient(guard=Guard(["127.0.0.1"])) as http:
        busy = courier(world, lanes, http)
        await numbered(crm)
        assert lanes.enter(slow=False)
        await busy.run(crm.account_id, decode_id("whe", endpoint["id"]))
        assert receiver.received == []
        [due] = await world.rows("SELECT due_at - now() AS wait FROM due_webhooks")
        assert due["wait"] <= timedelta(seconds=1)
        lanes.leave(slow=False)
        await busy.run(crm.account_id, decode_id("whe", endpoint["id"]))
        assert receiver.sequences == [1]
        assert lanes.enter(slow=False), "the place was given back"


async def test_r52_nobody_is_waited_for_longer_than_the_deadline(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.events.posting.DEADLINE_SECONDS", 0.5)
    crm = await crm_of(world)
    async with hanging() as slow:
        endpoint = await crm.endpoint(slow.url)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await crm.happens()
        await world.work()
        assert loop.time() - began < 3
        [delivery] = await crm.deliveries(endpoint)
        assert (delivery["status"], delivery["error"]) == ("failed", "no_answer")
        assert (await world.rows("SELECT slow FROM webhook_endpoints"))[0]["slow"] is True


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
    """A byte now and then keeps every plain timeout waiting."""
    try:
        await reader.readline()
        writer.write(head)
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)
    except ConnectionError:
        return
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("head", "expected"),
    [(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-Slow: ", Interrupted), (b"HTTP/1.1 200 OK\r\n\r\n", None)],
)
async def test_r52_a_receiver_that_drips_is_cut_off_and_has_answered_if_it_has(
    head: bytes, expected: type[Interrupted] | None
) -> None:
    """Whoever has said 2xx has the message, whatever becomes of the rest: it is not sent again."""
    server = await asyncio.start_server(partial(dripping, head=head), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    loop = asyncio.get_running_loop()
    async with HttpClient(guard=Guard(["127.0.0.1"])) as http:
        began = loop.time()
        with nullcontext() if expected is None else pytest.raises(expected):
            assert (await http.send("POST", url, timeout_seconds=0.6, status_only=True)).status == 200
        assert loop.time() - began < 2.5
    server.close()


async def test_r52_nobody_is_sent_what_another_set() -> None:
    """Endpoints of several accounts may be on one host, which sets a cookie for all of its paths."""
    asked: list[bytes] = []

    async def setting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nSet-Cookie: who=first; Path=/\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(setting, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with HttpClient(guard=Guard(["127.0.0.1"])) as http:
        for path in ("/first", "/second"):
            await http.send("POST", f"{url}{path}", status_only=True)
    server.close()
    assert len(asked) == 2
    assert all(b"cookie" not in head.lower() for head in asked)


async def test_p3_nameservers_that_say_nothing_keep_no_other_name_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, answering = socket.getaddrinfo, threading.Event()

    def silent(host: str, *positional: Any, **named: Any) -> list[Any]:
        if host.endswith("silent.example.com"):
            answering.wait(30)
        return resolve("localhost", *positional, **named)

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    async with HttpClient(guard=Guard()) as http:
        hooks = [f"https://{number}.silent.example.com/" for number in range(40)]
        told = (http.send("POST", hook, timeout_seconds=0.2) for hook in hooks)
        assert {type(answer) for answer in await asyncio.gather(*told, return_exceptions=True)} == {Interrupted}
        try:
            async with asyncio.timeout(5):
                assert await asyncio.get_running_loop().getaddrinfo("localhost", 443)
        finally:
            answering.set()


async def answered(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """What names are resolved to from here on, round by round; the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["169.254.169.254"], ["100.64.0.1"], ["::1"], []]
)
async def test_r52_a_name_that_leads_inside_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    guard = Guard()
    guard.check("https://hooks.example.com/")
    await answered(monkeypatch, addresses)
    async with HttpClient(guard=guard) as http:
        with pytest.raises(NotAllowed):
            await http.send("POST", "https://hooks.example.com/", timeout_seconds=2)


async def test_r52_the_connection_goes_to_the_address_that_was_allowed(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """A name that changes its mind between the check and the connection is asked once: there is no between."""
    port = int(receiver.url.rsplit(":", 1)[1].split("/")[0])
    asked = await answered(monkeypatch, ["127.0.0.1"], ["10.255.255.1"])
    async with HttpClient(guard=Guard(["hooks.example.com"])) as http:
        answer = await http.send("POST", f"http://hooks.example.com:{port}/x", timeout_seconds=3)
    assert answer.status == 204
    assert asked == ["hooks.example.com"]
    assert receiver.received[0].headers["host"] == f"hooks.example.com:{port}"


async def test_r52_a_name_on_the_list_does_not_open_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    await answered(monkeypatch, ["127.0.0.1"])
    async with HttpClient(guard=Guard(["hooks.example.com"])) as http:
        for url in ("http://hooks.example.com.evil.example/", "https://xhooks.example.com/", "http://127.0.0.1:1/"):
            with pytest.raises(NotAllowed):
                await http.send("POST", url, timeout_seconds=2)


async def test_r52_a_network_on_the_list_holds_for_names_that_lead_there(monkeypatch: pytest.MonkeyPatch) -> None:
    await answered(monkeypatch, ["10.1.2.3"])
    guard = Guard(["10.1.0.0/16"])
    assert await guard.addresses("inside.example.com", 8443) == ["10.1.2.3"]
    guard.check("http://10.1.2.3:8080/")
    with pytest.raises(AddressRefused):
        guard.check("http://10.2.0.1/")
    with pytest.raises(AddressRefused):
        await Guard(["10.2.0.0/16"]).addresses("inside.example.com", 443)
    with pytest.raises(ValueError, match="10"):
        Guard(["10.1.0.0/33"])


async def test_r52_an_address_that_was_taken_off_the_list_is_not_gone_to(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    async with HttpClient(guard=Guard()) as http:
        strict = courier(world, Lanes(), http)
        await numbered(crm)
        await strict.run(crm.account_id, decode_id("whe", endpoint["id"]))
    assert receiver.received == []
    [delivery] = await crm.deliveries(endpoint)
    assert (delivery["error"], delivery["status_code"]) == ("address_not_allowed", None)


async def test_r52_nobody_there_is_told_apart_from_no_answer(world: World) -> None:
    async with receiving() as closed:
        url = closed.url
    crm = await crm_of(world)
    endpoint = await crm.endpoint(url)
    await crm.happens()
    await world.work()
    assert [item["error"] for item in await crm.deliveries(endpoint)] == ["unreachable"]
    async with HttpClient(guard=Guard(["127.0.0.1"])) as http:
        with pytest.raises(NotSent):
            await http.send("POST", url)


def test_r52_waits_grow_to_an_hour_and_never_fall_together() -> None:
    longest = [back_off(failures, chance=1.0).total_seconds() for failures in (1, 2, 3, 10, 11, 5000)]
    assert longest == [5, 10, 20, 2560, 3600, 3600]
    assert back_off(3, chance=0.0).total_seconds() == 10
    assert back_off(1, chance=0.0, retry_after=90).total_seconds() == 90
    assert back_off(1, chance=0.0, retry_after=10**9).total_seconds() == 3600


def test_r52_what_follows_from_an_attempt() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    day, less = now - timedelta(days=1), now - timedelta(hours=23)
    cases = {
        (204, 0, None): Verdict.DELIVERED,
        (200, 9, day): Verdict.DELIVERED,
        (500, 0, None): Verdict.AGAIN,
        (None, 30, less): Verdict.AGAIN,
        (302, 9, day): Verdict.PAUSE,
        (None, 9, day): Verdict.PAUSE,
        (None, 8, day): Verdict.AGAIN,
        (410, 0, None): Verdict.DISABLE,
    }
    for (status, failures, since), expected in cases.items():
        attempt = Attempt(status, None if status else "no_answer", 5)
        assert verdict(attempt, failures=failures, failing_since=since, now=now) is expected


def certified(name: str, place: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server that can prove this name, and a client that trusts who says so."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (place / "server.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private) + pem)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(place / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_r52_the_server_proves_the_name_though_we_connect_to_an_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server_side, trusting = certified("hooks.example.com", tmp_path)
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    await answered(monkeypatch, ["127.0.0.1"])
    guard = Guard(["hooks.example.com", "other.example.com"])
    async with HttpClient(guard=guard) as http:
        with pytest.raises(NotSent):
            await http.send("POST", f"https://hooks.example.com:{port}/", timeout_seconds=3)  # nobody we trust says so
    monkeypatch.setattr("httpx.create_ssl_context", lambda **_: trusting)
    async with HttpClient(guard=guard) as http:
        assert (await http.send("POST", f"https://hooks.example.com:{port}/", timeout_seconds=3)).status == 204
        with pytest.raises(NotSent):
            await http.send("POST", f"https://other.example.com:{port}/", timeout_seconds=3)
    assert len(receiver.received) == 1
    server.close()
