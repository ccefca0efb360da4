"""What shows the project to people: the walk-through, the race, the papers beside the code."""

import json
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prove import race
from prove.contention_crowd import Answer
from prove.race import Outcome, table
from sandbox import demo, walkthrough
from sandbox.houses import HOUSES, Standing
from sandbox.walkthrough import FURTHER, PROVIDERS, RecordingError
from sandbox.walkthrough_names import Names

ROOT = Path(__file__).parents[1]
STEP = re.compile(r"^ok +\d+ (\w+)$", re.MULTILINE)
BOOKING, PAGE = "bkg_01m8078d86e7e8btj199a3fn62", "page_01m8078cvtenhre2wmtde5f16m"
START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def names_of(steps: tuple[Callable[..., Any], ...]) -> list[str]:
    return [step.__name__ for step in steps]


def sections() -> dict[str, list[str]]:
    """The steps of the committed page, by heading."""
    _, *parts = (ROOT / "docs" / "walkthrough.md").read_text().split("\n## ")
    return {part.partition("\n")[0]: STEP.findall(part) for part in parts}


def test_the_page_has_the_steps_that_the_demo_prints() -> None:
    google, office365, exchange, *further = sections().values()
    assert google == names_of(demo.STEPS)
    for differing in (office365, exchange):
        assert differing
        assert [name for name in names_of(demo.STEPS) if name in differing] == differing
    assert further == [names_of(steps) for steps in FURTHER.values()]


def test_every_journey_of_the_demo_is_told() -> None:
    played = re.findall(r"demo_(\w+)\.STEPS", Path(demo.__file__).read_text())
    told = [steps for name in played if (steps := __import__(f"sandbox.demo_{name}", fromlist=["STEPS"]).STEPS)]
    assert list(FURTHER.values()) == told
    assert list(PROVIDERS) == [house.provider for house in HOUSES]


def recording(change: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda line: line) -> str:
    """A demo that went well, unless `change` leaves a line out or alters it."""
    journeys = [("main", provider, demo.STEPS) for provider in PROVIDERS]
    journeys += [(name, "google", steps) for name, steps in FURTHER.items()]
    lines = [
        {"journey": journey, "provider": provider, "step": number, "name": step.__name__, "ok": True, "seconds": 1.5}
        for journey, provider, steps in journeys
        for number, step in enumerate(steps, start=1)
    ]
    kept = [json.dumps(changed) for line in lines if (changed := change(line)) is not None]
    return "\n".join([*kept, "demo: ok", ""])


def test_a_recording_becomes_a_page_that_shows_where_providers_differ() -> None:
    def told(line: dict[str, Any]) -> dict[str, Any]:
        if line["journey"] == "main" and line["name"] == "book_a_slot":
            return line | {"booking_id": BOOKING, "code": "refused" if line["provider"] == "exchange" else None}
        return line

    page = walkthrough.walkthrough(recording(told))
    google, office365, exchange, *_ = page.split("\n## ")[1:]
    assert len(STEP.findall(google)) == len(demo.STEPS)
    assert "booking_id: bkg_1\n" in google
    assert BOOKING not in page
    assert "seconds" not in google.partition("ok  2")[0]
    assert STEP.findall(office365) == []
    assert STEP.findall(exchange) == ["book_a_slot"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda line: None if line["name"] == "book_a_slot" else line, "main has not the steps"),
        (lambda line: line | ({"ok": False} if line["name"] == "add_a_domain" else {}), "custom_domain has not"),
        (lambda line: line | ({"name": "else"} if line["journey"] == "lost_calendar" else {}), "lost_calendar has not"),
    ],
)
def test_a_recording_that_is_not_whole_makes_no_page(change: Any, what: str) -> None:
    with pytest.raises(RecordingError, match=what):
        walkthrough.walkthrough(recording(change))


def test_a_demo_that_failed_makes_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo.jsonl").write_text(recording().replace("demo: ok", "demo: failed"))
    assert walkthrough.main([str(tmp_path / "demo.jsonl")]) == 1
    assert capsys.readouterr() == ("", "no walk-through: its last line is not `demo: ok`\n")


def test_the_same_thing_keeps_its_name_and_another_gets_another() -> None:
    names = Names()
    first = names.of(
        {
            "booking_id": BOOKING,
            "start_at": "2026-11-24T11:00:00Z",
            "seconds": 0.2,
            "url": "http://127.0.0.1:2215/meetings/intro-5bc6",
            "event_id": "7t3dsmjiquu4p5",
            "mail": "Confirmed: Intro, Tue, Nov 24",
            "seconds_after_the_move": 0.46,
            "slots": 93,
        }
    )
    assert first == {
        "booking_id": "bkg_1",
        "start_at": "time A",
        "url": "http://…/meetings/intro-…",
        "event_id": "event 1",
        "mail": "Confirmed: Intro, …",
        "seconds_after_the_move": "under 20",
        "slots": 93,
    }
    second = names.of(
        {
            "text": [f"?start_at=2026-11-24T12:00:00+01:00&of={BOOKING}", "2026-11-24T12:00:00Z", PAGE],
            "booking_id": BOOKING.replace("8b", "8c"),
            "event_id": "another",
        }
    )
    assert second["text"] == ["?start_at=time A&of=bkg_1", "time B", "page_1"]
    assert (second["booking_id"], second["event_id"]) == ("bkg_2", "event 2")


def won(name: str = "Visitor 1") -> Answer:
    return Answer(201, {"id": BOOKING, "name": name}, ((201, 0.1),))


def lost(code: str = "slot_unavailable", status: int = 409, alternatives: int = 2) -> Answer:
    times = [{"start_at": f"2026-11-24T1{number}:00:00Z"} for number in range(alternatives)]
    return Answer(status, {"code": code, "alternatives": times}, ((409, 0.5), (status, 0.2)))


def event(name: str = "Visitor 1", start: datetime = START) -> Standing:
    return Standing("event", start, f"Intro call: {name}", "uid")


def test_a_race_that_one_wins_has_no_faults() -> None:
    outcome = Outcome(START, [lost(), won(), lost()], [event()])
    assert outcome.faults() == []
    told = table(outcome)
    for line in (
        "visitors            3, all at once, for Tuesday 09:00 UTC",
        f"booked              Visitor 1, {BOOKING}",
        "refused             2 with 409 slot_unavailable",
        "offered instead     2 visitors, 2 other times between them",
        "asked to come back  2 visitors, once or more, before they knew",
        "an answer took      p50 200 ms, p99 500 ms",
        "the calendar holds  1 event: Intro call: Visitor 1",
    ):
        assert f"  {line}" in told.splitlines()


@pytest.mark.parametrize(
    ("answers", "events", "what"),
    [
        ([lost(), lost()], [], "0 visitors were booked"),
        ([won(), won("Visitor 2")], [event()], "2 visitors were booked"),
        ([won(), lost(status=500, code="internal_error")], [event()], "answered 500 internal_error"),
        ([won(), lost(alternatives=0)], [event()], "answered 409 slot_unavailable"),
        ([won(), lost(code="booking_unavailable")], [event()], "answered 409 booking_unavailable"),
        ([won(), lost(code="rate_limited", status=429)], [event()], "answered 429 rate_limited"),
        ([won(), Answer(0, {"code": "TimeoutError"}, ((0, 60.0),))], [event()], "answered 0 TimeoutError"),
        ([won(), lost()], [], "the calendar holds []"),
        ([won(), lost()], [event(), event("Visitor 2")], "the calendar holds"),
        ([won(), lost()], [event("Visitor 2")], "the calendar holds"),
        ([won(), lost()], [event(start=START.replace(hour=10))], "the calendar holds"),
    ],
)
def test_whatever_else_happens_is_named(answers: list[Answer], events: list[Standing], what: str) -> None:
    assert any(what in fault for fault in Outcome(START, answers, events).faults())


def test_a_small_race_is_run_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert race.main(["--visitors", "12"]) == 0
    told = capsys.readouterr().out
    assert "refused             11 with 409 slot_unavailable" in told
    assert told.endswith("race: ok\n")


def test_a_race_that_goes_wrong_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(visitors: int) -> Outcome:
        return Outcome(START, [won()] * visitors, [event()])

    monkeypatch.setattr(race, "_run", run)
    assert race.main(["--visitors", "2"]) == 1
    told = capsys.readouterr().out
    assert "not as promised: 2 visitors were booked" in told
    assert told.endswith("race: failed\n")


@pytest.mark.parametrize("paper", ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_what_the_papers_name_exists(paper: str) -> None:
    text = (ROOT / paper).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", text, re.MULTILINE)
    assert {one or other for one, other in named} <= set(targets)


def test_the_changelog_has_the_version_that_comes_next_and_the_kinds_of_change_that_there_are() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert "## [Unreleased]" in text
    assert version in released or f"This will be {version}" in text
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "To do when upgrading"}


def test_licence_project_and_document_agree() -> None:
    text = (ROOT / "LICENSE").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    document = json.loads((ROOT / "openapi.json").read_text())["info"]["license"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert document == {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
    assert "Apache License\n" in text
    assert "9. Accepting Warranty or Additional Liability." in text
    assert "END OF TERMS AND CONDITIONS" in text
