"""The demo's own judgement: a step that is not so ends it, and the feed and the webhook are held against each other."""

import asyncio
import json
import time
from types import SimpleNamespace

import pytest

from sandbox import demo, demo_domain, demo_journey, demo_lost_calendar, demo_offline, demo_proposal, demo_round_robin
from sandbox.demo import go_through
from sandbox.demo_feed import check_same
from sandbox.demo_journey import Demo, DemoError, eventually, never
from sandbox.demo_round_robin import languages_of
from sandbox.webhook_receiver import WebhookReceiver


def events(*sequences: int) -> list[dict[str, object]]:
    return [{"id": f"evt_{number}", "sequence": number, "data": {"n": number}} for number in sequences]


def journey(house: object = None) -> Demo:
    return Demo(None, None, house or SimpleNamespace(provider="google"), WebhookReceiver())


def lines_of(captured: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.splitlines()]


def test_the_feed_and_the_webhook_tell_the_same():
    check_same(events(1, 2, 3), events(1, 2, 3))


@pytest.mark.parametrize(
    ("feed", "got", "what"),
    [
        (events(1, 3), events(1, 3), "no number is missing"),
        (events(2, 3), events(2, 3), "no number is missing"),
        (events(1, 2, 2), events(1, 2), "no number is missing"),
        (events(1, 2), events(1, 2, 3), "the feed has what was sent: evt_3"),
        (events(1, 2), events(1), "everything was sent, in order"),
        (events(1, 2), events(2, 1), "everything was sent, in order"),
        (events(1), [{**events(1)[0], "data": {"n": 2}}], "evt_1 was sent as the feed has it"),
    ],
)
def test_r52_what_differs_is_named(feed, got, what):
    with pytest.raises(DemoError, match=what):
        check_same(feed, got)


async def test_every_step_prints_a_line_of_its_own(capsys):
    async def look(_: Demo) -> dict[str, object]:
        return {"found": "Möte"}

    assert await go_through(journey(), [look, look])
    told = lines_of(capsys.readouterr().out)
    assert [(line["step"], line["name"], line["ok"], line["found"]) for line in told] == [
        (1, "look", True, "Möte"),
        (2, "look", True, "Möte"),
    ]
    assert all(line["provider"] == "google" and line["seconds"] < 5 for line in told)


@pytest.mark.parametrize("failure", [DemoError("it is so"), KeyError("start_at"), IndexError(), TimeoutError()])
async def test_the_first_thing_that_is_not_so_ends_it(capsys, failure):
    async def fail(_: Demo) -> dict[str, object]:
        raise failure

    async def unreached(_: Demo) -> dict[str, object]:
        raise AssertionError("the journey is over")

    assert not await go_through(journey(), [fail, unreached])
    [line] = lines_of(capsys.readouterr().out)
    assert (line["name"], line["ok"]) == ("fail", False)
    assert line["error"] == f"{type(failure).__name__}: {failure}"


def test_no_two_steps_have_one_name():
    journeys = (demo, demo_round_robin, demo_offline, demo_lost_calendar, demo_domain, demo_proposal)
    names = [step.__name__ for journey in journeys for step in journey.STEPS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("Your meeting is booked", {"en"}),
        ("Ditt möte är bokat:\nhttps://meet.example.org/meetings/your/ihr", {"sv"}),
        ("Ihr Termin ist gebucht", {"de"}),
        ("IL TUO APPUNTAMENTO È PRENOTATO", {"it"}),
        ("Twoje spotkanie jest zarezerwowane. Inny termin?", {"pl"}),
        ("Ihr Termin ist gebucht. Change your booking", {"de", "en"}),
        ("13:00", set()),
    ],
)
def test_r51_languages_are_told_apart(text, languages):
    assert languages_of(text) == languages


async def test_the_first_journey_that_fails_ends_the_demo(monkeypatch):
    gone: list[str] = []

    async def go(journey: object, _: object) -> bool:
        gone.append(type(journey).__name__)
        return type(journey).__name__ != "Offline"

    async def found(*_: object) -> SimpleNamespace:
        return SimpleNamespace(olof=None, gerda=None)

    monkeypatch.setattr(demo, "go_through", go)
    monkeypatch.setattr(demo, "found_company", found)
    assert not await demo._further_journeys(None, None)
    assert gone == ["RoundRobin", "Offline"]


async def test_what_does_not_come_in_time_is_named():
    async def nothing() -> None:
        return None

    with pytest.raises(DemoError, match="within 0 s: the event is written"):
        await eventually(nothing, "the event is written", seconds=0)


async def test_what_must_not_happen_is_watched_for(monkeypatch):
    monkeypatch.setattr(demo_journey, "QUIET", 0.3)
    looks = iter([None, "moved"])

    async def look() -> str | None:
        return next(looks)

    async def nothing() -> None:
        return None

    with pytest.raises(DemoError, match="the booking stays"):
        await never(look, "the booking stays")
    before = time.monotonic()
    await never(nothing, "the booking stays")
    assert time.monotonic() - before >= 0.3


class Calendar:
    """Stands in for a house: it counts notifications."""

    provider = "google"

    async def notified(self) -> int:
        return 3


async def test_seconds_count_from_the_beginning_of_the_hosts_act(monkeypatch):
    monkeypatch.setattr(demo_journey, "SOON", 1.0)
    demo = journey(Calendar())
    await demo.host_acts(asyncio.sleep(0.2))
    assert demo.notified_before == 3

    async def there() -> str:
        return "there"

    found, seconds = await demo.follows(there, "the booking follows")
    assert found == "there"
    assert 0.2 <= seconds < 1
    assert demo.seconds_since_act(demo.acted_at + 0.5) == 0.5


async def test_what_follows_too_late_has_not_followed(monkeypatch):
    monkeypatch.setattr(demo_journey, "SOON", 0.2)
    demo = journey(Calendar())
    await demo.host_acts(asyncio.sleep(0))

    async def slow() -> str:
        await asyncio.sleep(0.3)
        return "at last"

    with pytest.raises(DemoError, match=r"the booking follows \(looked for 0\.3"):
        await demo.follows(slow, "the booking follows")
