"""The demo as a page to read: `python -m sandbox.walkthrough RECORDING`, a file that `make demo` was written to.

The one rule: every line of the page is from the recording, and a recording that is not whole makes no page. What is
different each time (ids, times, ports, seconds) is named anew, so that what is the same is seen to be the same.
"""

import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sandbox import demo, demo_domain, demo_lost_calendar, demo_offline, demo_proposal, demo_round_robin
from sandbox.walkthrough_names import Names

Json = dict[str, Any]
MAIN: Final = "main"
PROVIDERS: Final = {"google": "Google", "office365": "Office 365", "exchange": "Exchange"}
FURTHER: Final[Mapping[str, Sequence[Callable[..., Any]]]] = {
    "round_robin": demo_round_robin.STEPS,
    "offline_requests": demo_offline.STEPS,
    "lost_calendar": demo_lost_calendar.STEPS,
    "custom_domain": demo_domain.STEPS,
    "proposed_times": demo_proposal.STEPS,
}
_TITLES: Final = {
    "round_robin": "A round robin of three people at three providers",
    "offline_requests": "Requests that heal when a calendar is connected",
    "lost_calendar": "A calendar that is lost and regained",
    "custom_domain": "A domain of one's own",
    "proposed_times": "Times proposed in a mail",
}
_WIDTH: Final = 118
_INDENT: Final = " " * 6
_INTRODUCTION: Final = """\
# Walk-through

What [`make demo`](sandbox.md#the-demo) prints, step by step. `make walkthrough` records it anew; nothing on this page
is written by hand. Every step was checked against the provider's own calendar, ledger and mails before it was told.

Ids, times and ports differ from run to run, so they have names here: `bkg_1` is the first booking of its journey,
`time C` the third instant that is told of, wherever it comes again. `under 20` stands for seconds that a step measured:
with more it fails. Other numbers are those of the day of the recording.
"""


class RecordingError(Exception):
    """This is no recording of a demo that went well; the message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the demo: what it is called, what it is for, what it found."""

    number: int
    name: str
    purpose: str
    facts: Json

    def differs_from(self, other: "Step") -> bool:
        """Whether something else was found; numbers are the day's."""
        return bool(_without_numbers(self.facts) != _without_numbers(other.facts))

    def lines(self) -> list[str]:
        """As on a terminal."""
        purpose = textwrap.wrap(self.purpose, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
        told = (f"{key}: {_told(value)}" for key, value in self.facts.items())
        facts = [
            textwrap.wrap(text, _WIDTH, initial_indent=f"{_INDENT}  ", subsequent_indent=f"{_INDENT}    ")
            for text in told
        ]
        return [f"ok {self.number:2} {self.name}", *purpose, *(line for wrapped in facts for line in wrapped)]


def main(arguments: Sequence[str]) -> int:
    """0: the page is on standard output. 1: there is none, and standard error says why."""
    try:
        [recording] = arguments
        page = walkthrough(Path(recording).read_text())
    except (ValueError, OSError, RecordingError) as error:
        sys.stderr.write(f"no walk-through: {error}\n")
        return 1
    sys.stdout.write(page)
    return 0


def walkthrough(recording: str) -> str:
    """The page. Raises: RecordingError."""
    lines = recording.splitlines()
    if not lines or lines[-1] != "demo: ok":
        raise RecordingError("its last line is not `demo: ok`")
    played = [json.loads(line) for line in lines[:-1]]
    first, *others = [_played(played, MAIN, demo.STEPS, provider) for provider in PROVIDERS]
    google, *names = PROVIDERS.values()
    parts = [_INTRODUCTION, _section(f"The main job, at {google}", first)]
    for name, steps in zip(names, others, strict=True):
        differing = [step for step, other in zip(steps, first, strict=True) if step.differs_from(other)]
        told = f"The same {len(steps)} steps. What they found is the same as at {google}, but for:"
        parts.append(_section(f"The main job, at {name}", differing, told))
    parts += [_section(_TITLES[name], _played(played, name, functions)) for name, functions in FURTHER.items()]
    return "\n".join(parts)


def _played(
    lines: Iterable[Json], journey: str, steps: Sequence[Callable[..., Any]], provider: str | None = None
) -> list[Step]:
    """A journey's steps as they were recorded. Raises: RecordingError when one is missing, or did not go well."""
    names = Names()
    own = [line for line in lines if line["journey"] == journey and provider in {None, line["provider"]}]
    if [line["name"] for line in own if line["ok"]] != [step.__name__ for step in steps]:
        raise RecordingError(f"{journey} has not the steps that `make demo` has")
    return [
        Step(line["step"], line["name"], _purpose(step), names.of(_facts(line)))
        for line, step in zip(own, steps, strict=True)
    ]


def _facts(line: Json) -> Json:
    return {key: value for key, value in line.items() if key not in {"journey", "provider", "step", "name", "ok"}}


def _purpose(step: Callable[..., Any]) -> str:
    """The first sentence that its code says of itself."""
    return " ".join((step.__doc__ or "").split("\n\n")[0].split())


def _section(title: str, steps: Sequence[Step], told: str = "") -> str:
    lines = "\n".join(line for step in steps for line in step.lines())
    return "\n".join([f"## {title}\n", *([f"{told}\n"] if told else []), f"```text\n{lines}\n```\n"])


def _told(value: Any) -> str:
    """A value in a line of text."""
    if isinstance(value, dict):
        return _joined(f"{key} {_told(part)}" for key, part in value.items())
    if isinstance(value, list):
        return _joined(_told(part) for part in value if part != "")
    return json.dumps(value) if isinstance(value, bool) or value is None else str(value)


def _joined(parts: Iterable[str]) -> str:
    listed = list(parts)
    return ("; " if any("," in part for part in listed) else ", ").join(listed)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_numbers(part) for part in value]
    return None if isinstance(value, int) and not isinstance(value, bool) else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
