"""The judges of the attack battery: each is shown what it is to find.

The one rule: a judge that says nothing about a lie is no judge.
"""

import json

import httpx
import pytest

from prove.attack_addresses import INSIDE, PUBLIC, PUBLIC_V6, Name, controls, corpus, forbidden, names
from prove.attack_bombs import NAMES, READ, REFUSED, take_in
from prove.attack_outbound import Tried, strayed
from prove.attack_timing import Guess, interleaved
from prove.attack_watch import Watch
from prove.attack_watched import ours

CARRIED = ("::ffff:127.0.0.1", "2002:7f00:1::1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "::127.0.0.1", "fe80::1%lo")
EDGES = (
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "11.0.0.0",
    "126.255.255.255",
    "223.255.255.1",
)


@pytest.mark.parametrize(
    "address", [*INSIDE, *CARRIED, "224.0.0.1", "192.0.0.192", "2001:db8::1", "ff02::1", "4000::1"]
)
def test_a_forbidden_address_is_known_in_every_dress(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_V6, *EDGES, "::ffff:93.184.216.34"])
def test_an_address_beside_what_is_forbidden_is_not(address: str) -> None:
    if not address.startswith("::ffff"):
        assert not forbidden(address)


def test_a_connection_astray_is_found_among_good_ones() -> None:
    good = [(PUBLIC, 443), (PUBLIC_V6, 443)]
    assert strayed(good) == []
    assert strayed([*good, ("127.0.0.1", 443)]) == [("127.0.0.1", 443)]
    assert strayed([*good, (PUBLIC, 22)]) == [(PUBLIC, 22)], "another door of a good house"


def test_an_answer_that_says_it_was_there_is_broken() -> None:
    ends = {"a": "address_not_allowed", "b": "delivered", "c": "internal_error", "d": "pending", "e": "reached"}
    assert Tried(ends).broken == ["b", "c", "d", "e"]
    assert Tried(ends).ends["address_not_allowed"] == 1


def test_a_name_turns_and_stays_turned() -> None:
    name = Name(((PUBLIC,), ("127.0.0.1",)))
    assert [name.answer(asked) for asked in range(3)] == [(PUBLIC,), ("127.0.0.1",), ("127.0.0.1",)]


def test_the_watch_lets_through_what_is_ours_alone() -> None:
    watch = Watch(frozenset({("127.0.0.1", 5432)}), {})
    watch.judge("127.0.0.1", 5432)
    assert watch.seen == []
    for where in (("127.0.0.1", 5433), (PUBLIC, 443)):
        with pytest.raises(ConnectionRefusedError):
            watch.judge(*where)
    assert watch.seen == [("127.0.0.1", 5433), (PUBLIC, 443)]


def test_a_watched_process_knows_what_it_lives_by() -> None:
    environment = {
        "DATABASE_URL": "postgresql://login:word@127.0.0.1:5432/x",
        "CALENDAR_CONNECT_JWKS_URL": "http://127.0.0.1:8001/keys",
        "CALENDAR_CONNECT_DNS_RESOLVERS": json.dumps(["127.0.0.1:5300"]),
        "CALENDAR_CONNECT_SMTP_HOST": "127.0.0.1",
        "CALENDAR_CONNECT_SMTP_PORT": "2525",
    }
    assert ours(environment) == {("127.0.0.1", port) for port in (5432, 8001, 5300, 2525)}


def test_every_name_of_the_corpus_leads_somewhere() -> None:
    hosts = {attempt.url.split("/")[2] for attempt in corpus() if attempt.family in {"name", "resolved", "rebinding"}}
    assert {host.lower().rstrip(".") for host in hosts} <= names().keys()
    assert not {attempt.url for attempt in controls()} & {attempt.url for attempt in corpus()}


def test_a_bomb_is_refused_and_a_harmless_one_is_read() -> None:
    assert take_in("xml: billion laughs") == REFUSED
    assert take_in("xml: include") == READ
    assert take_in("json: arrays") == REFUSED
    assert len(NAMES) == len(set(NAMES)) >= 25


async def test_a_guesser_who_is_told_apart_is_noticed() -> None:
    async def ask(_: str, url: str) -> httpx.Response:
        return httpx.Response(404, json={"code": "not_found" if url == "there" else "gone", "request_id": url})

    told = await interleaved(ask, Guess("planted", ("GET", "there", {}), ("GET", "not", {})), rounds=3)
    assert not told.same_answers

    async def discreet(_: str, url: str) -> httpx.Response:
        return httpx.Response(404, json={"code": "not_found", "request_id": url})

    same = await interleaved(discreet, Guess("same", ("GET", "there", {}), ("GET", "not", {})), rounds=3)
    assert same.same_answers
