"""The benches work: one tiny round of each gives every figure it promises. Never how fast."""

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from app.calendar import ProviderName
from bench import booking, endpoint, race, slots, sync
from bench.canned_events import CAPACITY, CHANGES, CannedEvent, calendar_after, changes
from bench.canned_google import read_mask
from bench.forks import Forks
from bench.lag import LagMeter
from bench.load import BenchError, Load, Plan, get
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale, SyncScale
from bench.stage import Stage, open_stage
from bench.sync_stage import SyncStage, open_sync_stage

TINY = Scale(
    pure_rounds=1,
    warming=4,
    rounds=1,
    seconds=0.05,
    clients=(1, 2),
    hosts=2,
    racers=(3,),
    races=1,
    sync=SyncScale(events=240, few=30, together=6, plain=20, followed=3, seconds=20),
)
FIRST_DAY = date(2026, 3, 1)
MEMBERS = {"bench", "value", "unit", "floor", "floor_name", "ratio", "rounds", "goal", "met"}


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


def lines(figures: list[Figure]) -> dict[str, list[dict]]:
    """The figures as they are printed, by name."""
    printed: dict[str, list[dict]] = {}
    for figure in figures:
        line = json.loads(figure.to_json())
        assert line.keys() >= MEMBERS
        assert all(number >= 0 for together in line["rounds"] for number in together)
        printed.setdefault(line["bench"], []).append(line)
    return printed


def test_the_pure_bench_gives_a_figure_and_its_floor_for_every_size():
    printed = lines(list(slots.against_sweep(10, rounds=1)))
    assert printed.keys() == {"slots.10", "slots.10.unsorted"}
    assert all(line["ratio"] > 0 for (line,) in printed.values())


async def test_the_slots_endpoint_is_measured_beside_both_floors(stage):
    printed = lines([figure async for figure in endpoint.figures(stage, TINY)])
    for clients in TINY.clients:
        for events in (100, 5000):
            beside = printed[f"slots_endpoint.{events}.c{clients}"]
            assert [line["floor_name"] for line in beside] == ["FastAPI ping", "one SELECT"]
            assert all(line["slots"] > 0 and line["p50_ms"] <= line["p99_ms"] for line in beside)
            (spread,) = printed[f"slots_endpoint.{events}.c{clients}.p99"]
            assert spread["ratio"] >= 1
        assert f"slots_endpoint.5000_to_100.c{clients}" in printed


async def test_the_booking_endpoint_is_measured_with_both_googles(stage):
    printed = lines([figure async for figure in booking.figures(stage, TINY)])
    for clients in TINY.clients:
        for kind in ("whole", "alone"):
            (line,) = printed[f"booking.{kind}.c{clients}"]
            assert line["floor_name"] == "one guarded INSERT"
            assert line["value"] > 0
            assert line["hosts"] == TINY.hosts


async def test_a_race_has_one_winner_and_the_rest_are_told(stage):
    printed = lines([figure async for figure in race.figures(stage, TINY)])
    (winners,), (errors,), (deadlocks,) = printed["race.3.winners"], printed["race.3.errors"], printed["race.deadlocks"]
    assert (winners["value"], winners["statuses"], winners["met"]) == (1, {"201": 1, "409": 2}, True)
    assert (errors["value"], deadlocks["value"]) == (0, 0)


@pytest.fixture(scope="module")
async def sync_stage() -> AsyncIterator[SyncStage]:
    async with open_sync_stage() as opened:
        yield opened


async def test_every_provider_is_synced_beside_its_floors(sync_stage):
    printed = lines([figure async for figure in sync.figures(sync_stage, TINY)])
    for provider in ProviderName:
        full = {line["floor_name"]: line for line in printed[f"sync.{provider}.full"]}
        assert full.keys() - {"exchangelib"} == {"bytes only", "COPY", "bytes only, then COPY"}
        assert ("exchangelib" in full) is (provider is ProviderName.EXCHANGE)
        assert all(line["ratio"] > 0 and line["events"] == 240 and line["bytes"] > 240 * 300 for line in full.values())
        judged, beside = printed[f"sync.{provider}.changes"]
        assert (judged["floor"], judged["goal"], beside["floor_name"]) == (None, ">= 1000", "a fetch and one upsert")
        assert judged["value"] > 0
        (lag,), (memory,) = printed[f"sync.{provider}.lag.p99"], printed[f"sync.{provider}.memory"]
        assert 0 <= lag["p50_ms"] <= lag["value"] <= lag["worst_ms"]
        assert (memory["floor_name"], memory["goal"]) == ("30 events", None)
    for name, rows in (("sync.upsert", 240), ("sync.upsert.again", 30)):
        (upsert,) = printed[name]
        assert (upsert["floor_name"], upsert["goal"], upsert["rows"]) == ("COPY", ">= 0.6", rows)


async def test_a_mirror_that_lacks_a_row_is_not_counted(sync_stage):
    server = sync_stage.servers[ProviderName.GOOGLE]
    calendar, other = await sync_stage.calendars(server, 12, "torn", 2)
    plan = sync.Syncing(sync_stage.environment, [calendar], 12, other, longest=20)
    await sync_stage.forks.run(sync.sync_all, plan)
    await sync_stage.check(ProviderName.GOOGLE, [calendar])
    await sync_stage.database.execute("DELETE FROM mirror_events WHERE event_id LIKE '00003l%'")
    with pytest.raises(BenchError, match="11 rows, but not the 12"):
        await sync_stage.check(ProviderName.GOOGLE, [calendar])


async def test_a_listing_that_takes_too_long_is_given_up_and_counts_for_what_it_committed(sync_stage):
    server = sync_stage.servers[ProviderName.OFFICE365]
    large, small = await sync_stage.calendars(server, 50_000, "late"), await sync_stage.calendars(server, 12, "early")
    plan = sync.Syncing(sync_stage.environment, large, 50_000, small[0], longest=0.5)
    took = await sync_stage.forks.run(sync.sync_all, plan)
    assert (took.finished, took.done < 50_000, took.seconds < 10) == (False, True, True)
    with pytest.raises(BenchError, match="is running"):
        await sync_stage.check(ProviderName.OFFICE365, large)


def test_canned_events_lie_apart_and_stay_apart_when_they_are_moved():
    events = [CannedEvent(number, moved, FIRST_DAY) for number, moved in zip(range(CAPACITY), itertools.cycle((0, 1)))]
    ordered = sorted(events, key=lambda event: event.start)
    assert all(one.end < other.start for one, other in itertools.pairwise(ordered))
    assert [event.number for event in ordered] != list(range(CAPACITY))


def test_what_stands_in_a_canned_calendar_is_what_its_changes_made_of_it():
    size, first, standing = 12, FIRST_DAY, calendar_after(12, 0, FIRST_DAY)
    sizes = []
    for count in range(2 * size // CHANGES):
        told = changes(size, count, first)
        assert len({change.event.number for change in told}) == CHANGES
        for change in told:
            standing.pop(change.event.number, None)
            if not change.removed:
                standing[change.event.number] = change.event
        assert calendar_after(size, count + 1, first) == standing
        sizes.append(len(standing))
    assert sizes == [11, 10, 9, 8, 9, 10, 11, 12]


def test_a_mask_of_fields_nests():
    assert read_mask("kind,items(id,start(date,zone),end),next") == {
        "kind": {},
        "items": {"id": {}, "start": {"date": {}, "zone": {}}, "end": {}},
        "next": {},
    }


async def test_a_loop_that_was_held_up_keeps_everybody_waiting_who_comes_meanwhile():
    async with LagMeter() as meter:
        await asyncio.sleep(0.02)
        time.sleep(0.2)  # noqa: ASYNC251 - what is to be seen
    late = sorted(meter.lags)
    assert late[-1] > 150
    assert sum(lag > 50 for lag in late) >= 20


async def test_what_goes_wrong_in_a_fork_is_told():
    forks = Forks([])
    assert await forks.run(abs, -3) == 3
    with pytest.raises(BenchError, match="JSONDecodeError"):
        await forks.run(json.loads, "no JSON")


async def test_rounds_alternate_and_the_first_does_not_count():
    asked = []

    def sample(name):
        async def ask() -> int:
            asked.append(name)
            return len(asked)

        return ask

    results = await alternate({"a": sample("a"), "b": sample("b")}, rounds=3)
    assert "".join(asked) == "ababbaab"
    assert results == {"a": [3, 6, 7], "b": [4, 5, 8]}


def test_an_answer_of_another_status_ends_the_measurement():
    load = Load(1.0, [1.0, 2.0], {200: 1, 500: 1}, "broken")
    with pytest.raises(BenchError, match="broken"):
        load.all_answered(200)


def test_percentiles_are_answers_that_came():
    load = Load(2.0, [float(n) for n in range(100, 0, -1)], {200: 100})
    assert (load.rate, load.percentile(50), load.percentile(99), load.percentile(100)) == (50, 51, 100, 100)


def test_details_stand_in_the_line_and_the_goal_is_judged_on_the_ratio():
    figure = Figure("x", "ms", [2.0, 4.0], [1.0, 2.0], "floor", Goal("<=", 2), {"p99_ms": 1.23456})
    line = json.loads(figure.to_json())
    assert (line["ratio"], line["met"], line["p99_ms"]) == (2, True, 1.235)


def _state(pid: int, file: str) -> str:
    return Path(f"/proc/{pid}/{file}").read_text()


async def _until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the kernel tells in no other way
            await asyncio.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/syscall").exists(), reason="sees by /proc that the pipe is full")
async def test_a_long_answer_of_the_load_process_survives_an_interruption():
    """A write that a signal interrupts is a short one, and a stream without a buffer leaves the rest away."""
    requests = 8000

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(requests):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    plan = Plan(server.sockets[0].getsockname()[1], 1, [get("/")] * requests)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=(pipe := os.pipe())[1],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    os.close(pipe[1])
    async with server:
        process.stdin.write(msgspec.json.encode(plan) + b"\n")
        process.stdin.write_eof()
        await _until(lambda: _state(process.pid, "syscall").startswith("1 0x1 "))
        process.send_signal(signal.SIGSTOP)
        await _until(lambda: _state(process.pid, "stat").rpartition(") ")[2].startswith("T"))
        process.send_signal(signal.SIGCONT)
        with os.fdopen(pipe[0], "rb") as told:
            load = msgspec.json.decode(await asyncio.to_thread(told.read), type=Load)
    assert (len(load.latencies), load.statuses, await process.wait()) == (requests, {200: requests}, 0)
