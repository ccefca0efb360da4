"""The fault battery, tiny: one person whose every call goes wrong heals; and each of its checks finds a lie."""

import os
import random
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from app.sync import backoff
from prove.checker import judge
from prove.faults_grid import MOST_MEMORY, Track, grid, kept_small, reached
from prove.faults_hour import hour
from prove.faults_pushes import PushDoor
from prove.faults_sick import compare
from prove.faults_street import CALLS, open_street
from prove.faults_wire import Fault, Kind
from prove.lines import Line
from prove.plan import Plan
from prove.proxy import Rule, Trap

SEED = 7
CHANCE = partial(random.Random, SEED)


def broken(lines: list[Line]) -> list[str]:
    return [line.check for line in lines if not line.ok]


async def test_a_person_whose_every_call_is_lost_heals() -> None:
    every = frozenset(call.name for call in CALLS)
    track = Track("google", Fault(Kind.RESET, applied=True), every, "lost")
    async with open_street(Plan(SEED)) as street:
        lines = [line async for line in grid(street, long=False, only=[track])]
        assert broken(lines) == []
        assert len(lines) > 12
        street.people.append(("google", "nobody@google.example"))  # a lie: somebody whose calendar is not in the mirror
        await street.stage.sandbox.google_account("nobody@google.example")
        event = {name: {"dateTime": f"2030-01-01T{hour}:00:00Z"} for name, hour in (("start", 10), ("end", 11))}
        await street.stage.sandbox.insert_google_event("nobody@google.example", event)
        lies = [verdict.check for verdict in judge(await street.evidence()) if not verdict.ok]
        assert "the mirror is the calendar" in lies


def a_street(*, visits: int = 0, told_apart: int = 0, mails: bool = True) -> Any:
    chance = CHANCE()
    trap, pushes = Trap(chance), PushDoor(chance, share=1.0)
    trap.visits, pushes.told_apart = visits, told_apart
    rule = Rule(Fault(Kind.RESET))
    if mails:
        rule.claim(None, None, b"", chance)
    return SimpleNamespace(trap=trap, pushes=pushes, smtp=SimpleNamespace(rules=[rule]))


def a_person(*, met: bool) -> Any:
    rule = Rule(Fault(Kind.RESET))
    if met:
        rule.claim("sync", None, b"", CHANCE())
    return SimpleNamespace(email="ada@google.example", rules={"sync": rule})


def test_what_must_not_come_of_a_fault_is_seen() -> None:
    assert broken(list(reached(a_street(), [a_person(met=True)]))) == []
    assert broken(list(reached(a_street(), [a_person(met=False)]))) == ["every fault met its call"]
    assert broken(list(reached(a_street(mails=False), []))) == ["every fault met a mail"]
    assert broken(list(reached(a_street(visits=1), []))) == ["no redirect is followed"]
    assert broken(list(reached(a_street(told_apart=1), []))) == ["a forged push is answered as a real one"]
    assert kept_small({"api": MOST_MEMORY}).ok
    assert not kept_small({"api": 100, "worker": MOST_MEMORY + 1}).ok


def test_a_sick_account_that_slows_others_is_seen() -> None:
    assert compare("booking", [0.1, 0.1], [0.1, 0.11], sick_calls=9, load=0.0).ok
    assert not compare("booking", [0.1, 0.1], [0.2, 0.2], sick_calls=9, load=0.0).ok
    assert not compare("booking", [0.1, 0.1], [0.1, 0.1], sick_calls=0, load=0.0).ok, "a sick one nobody asked for"


def test_a_busy_machine_is_no_strict_judge() -> None:
    busy = 2.0 * (os.cpu_count() or 1)
    assert compare("booking", [0.1, 0.1], [0.3, 0.3], sick_calls=9, load=busy).ok
    assert not compare("booking", [0.1, 0.1], [0.4, 0.4], sick_calls=9, load=busy).ok


def test_waits_that_grow_too_long_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken(list(hour(Plan(SEED)))) == []
    monkeypatch.setattr(backoff, "_LONGEST_PASSING", timedelta(minutes=15))
    assert broken(list(hour(Plan(SEED)))) == ["an hour of errors, virtual: calendars are tried within five minutes"]
