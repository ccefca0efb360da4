"""The benches work: one tiny round of each gives every figure it promises. Never how fast."""

import json
from collections.abc import AsyncIterator

import pytest

from bench import booking, endpoint, race, slots
from bench.load import BenchError, Load
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale
from bench.stage import Stage, open_stage

TINY = Scale(pure_rounds=1, warming=4, rounds=1, seconds=0.05, clients=(1, 2), hosts=2, racers=(3,), races=1)
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
