"""Whatever URL a caller names, no packet goes where none may: a corpus of families, and names that change their mind.

The one rule: the connections themselves are looked at, as the interpreter makes them; what the service says counts for
nothing.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
import requests
import uvloop

from app.addresses import AddressRefused, Guard, is_public
from app.http import HttpClient, HttpError, NotSent
from app.providers.ews.addresses import Endpoint
from app.settings import Settings
from prove.attack_addresses import Name, controls, corpus, forbidden, names
from prove.attack_outbound import Target, discovery, exchange, strayed, webhooks
from prove.attack_watch import Watch, WatchedLoop, Where, watching
from sandbox.client import Sandbox
from tests.support.database import empty
from tests.support.world import open_world

TRAP = ("10.1.2.3", 443)
REBINDING = {"turns.attack.example": Name((("93.184.216.34",), ("127.0.0.1",)))}


async def ours(settings: Settings, sandbox: Sandbox) -> frozenset[Where]:
    """What the process under test lives by."""
    at = await sandbox.addresses()
    urls = [settings.database_url.get_secret_value(), sandbox.http_url]
    ports = [urlsplit(url).port or 0 for url in urls] + [int(at["smtp_port"])]
    return frozenset(("127.0.0.1", port) for port in ports)


@pytest.fixture
def strict(settings: Settings) -> Settings:
    """Without the addresses that are allowed because the simulators are there."""
    nobody: dict[str, Any] = {"webhook_allowed_hosts": [], "exchange_allowed_hosts": []}
    return settings.model_copy(update=nobody | {"sign_ins_per_minute": 10**6})


@pytest.fixture
async def target(strict: Settings, sandbox: Sandbox) -> AsyncIterator[tuple[Target, Watch]]:
    await empty(strict.database_url.get_secret_value())
    watch = Watch(await ours(strict, sandbox), names())
    with watching(watch):
        async with open_world(strict, sandbox) as world:
            yield Target(world.api, sandbox, world.work), watch


def test_the_corpus_has_every_family_and_no_url_twice() -> None:
    families = Counter(attempt.family for attempt in corpus())
    assert sum(families.values()) >= 400
    assert len(families) == 13
    assert min(families.values()) >= 5
    assert len({attempt.url for attempt in corpus()}) == len(corpus())


async def test_p5_no_webhook_goes_where_none_may_go(target: tuple[Target, Watch]) -> None:
    service, watch = target
    tried = await webhooks(service, corpus())
    assert strayed(watch.seen) == []
    assert tried.broken == []
    assert set(tried.ends) == {"validation_failed", "address_not_allowed", "unreachable"}
    followed = [url for url, end in tried.answers.items() if end == "unreachable"]
    assert all("rebinding" in url for url in followed), "these alone look good, every other time"
    before = len(watch.seen)
    good = await webhooks(service, controls())
    assert good.ends == {"unreachable": len(controls())}
    assert len(watch.seen) - before >= len(controls()), "who is refused everything has proved nothing"


async def test_p5_no_exchange_server_is_looked_for_where_none_may_be(target: tuple[Target, Watch]) -> None:
    service, watch = target
    tried = await exchange(service, corpus()[::2])
    assert strayed(watch.seen) == []
    assert tried.broken == []
    before = len(watch.seen)
    await exchange(service, controls())
    assert len(watch.seen) - before >= len(controls())


async def test_p5_no_mail_domain_leads_inside(target: tuple[Target, Watch]) -> None:
    service, watch = target
    tried = await discovery(service, corpus()[::4])
    assert strayed(watch.seen) == []
    assert tried.broken == []
    assert any(address == "93.184.216.34" for address, _ in watch.seen), "a good domain is asked"


async def test_p5_the_look_inside_connect_holds_by_itself(
    strict: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL that got past the first look, as one that an earlier version has stored, is stopped by the second."""
    monkeypatch.setattr(Guard, "check", lambda *_: None)
    watch = Watch(await ours(strict, sandbox), names())
    ends: Counter[str] = Counter()
    with watching(watch):
        async with HttpClient(guard=Guard(), timeout_seconds=5) as http:
            for attempt in corpus():
                with pytest.raises(HttpError) as refused:
                    await http.send("POST", attempt.url, status_only=True)
                ends[type(refused.value).__name__] += 1
    assert strayed(watch.seen) == []
    assert ends["NotAllowed"] > 300, ends


def test_p5_both_judgements_of_an_address_agree() -> None:
    """The service's own, and the battery's: neither is derived from the other."""
    hosts = [urlsplit(attempt.url).hostname for attempt in corpus() if attempt.family in {"special", "carried in IPv6"}]
    for host in hosts:
        address = socket.getaddrinfo(host, 443, flags=socket.AI_NUMERICHOST)[0][4][0]
        assert forbidden(str(address)), host
        assert not is_public(__import__("ipaddress").ip_address(address)), host


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, WatchedLoop], ids=["asyncio", "uvloop"])
def test_a_planted_connection_is_seen_whichever_way_it_is_made(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """What could not see them would prove nothing."""

    async def stream() -> None:
        await asyncio.open_connection(*TRAP)

    async def bare_socket() -> None:
        with socket.socket() as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, TRAP)

    async def anyios() -> None:
        await anyio.connect_tcp(*TRAP)

    async def by_name() -> None:
        async with httpx.AsyncClient() as http:
            await http.get("https://trap.attack.example/")

    async def without_a_guard() -> None:
        async with HttpClient() as http:
            await http.send("GET", "https://trap.attack.example/")

    async def in_a_thread() -> None:
        await asyncio.to_thread(requests.get, "https://trap.attack.example/", timeout=1)

    ways: list[Callable[[], Awaitable[None]]] = [stream, bare_socket, anyios, by_name, without_a_guard, in_a_thread]
    refused = (OSError, httpx.ConnectError, NotSent)
    with asyncio.Runner(loop_factory=loop) as runner:
        for way in ways:
            with watching(Watch(frozenset(), {"trap.attack.example": Name(((TRAP[0],),))})) as watch:
                with pytest.raises(refused):
                    runner.run(_awaited(way))
                assert set(watch.seen) == {TRAP}, way.__name__


async def _awaited(way: Callable[[], Awaitable[None]]) -> None:
    await way()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, WatchedLoop], ids=["asyncio", "uvloop"])
def test_p5_a_name_that_turns_is_asked_once_for_a_connection(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def call() -> None:
        async with HttpClient(guard=Guard()) as http:
            await http.send("GET", "https://turns.attack.example/")

    with watching(Watch(frozenset(), REBINDING)) as watch, asyncio.Runner(loop_factory=loop) as runner:
        with pytest.raises(NotSent):
            runner.run(call())
        assert watch.seen == [("93.184.216.34", 443)]
        assert watch.asked["turns.attack.example"] == 1


def test_the_service_s_processes_can_be_watched() -> None:
    """They run on uvloop, which is taken from here when it is asked for."""
    assert issubclass(WatchedLoop, uvloop.Loop)


@pytest.mark.parametrize(
    "url", ["https://user@mail.corp.example/", "https://mail.corp.example/?next=x", "ftp://a.example"]
)
def test_an_exchange_url_of_another_shape_is_none(url: str) -> None:
    with pytest.raises(AddressRefused):
        Endpoint.of(url)
