"""Batteries beside each other, tiny: programs that say a line or die.

The one rule: nobody's failure is lost, least of all that of one who said nothing.
"""

import json
import sys
from pathlib import Path

from prove.__main__ import BATTERIES, PARTS, unknown_parts
from prove.lines import Line
from prove.plan import Plan
from prove.side_by_side import ALONE, AT_ONCE, BESIDE, Job, read, side_by_side

SAYS = "import sys; print(sys.argv[1]); sys.exit(int(sys.argv[2]))"
TELLS_WHEN = """
import sys, time
from pathlib import Path
began = time.monotonic()
time.sleep(0.3)
Path(sys.argv[1]).write_text(f"{began} {time.monotonic()}")
"""


def says(line: Line, code: int) -> list[str]:
    return [sys.executable, "-c", SAYS, line.to_json(), str(code)]


async def ended(programs: dict[str, list[str]]) -> list[Line]:
    lines: list[Line] = []
    jobs = [Job(name) for name in programs]
    await side_by_side([], jobs, lambda job: programs[job.battery], lines.append)
    return lines


async def test_what_is_said_is_heard_and_who_dies_in_silence_has_failed() -> None:
    good, bad = Line("good", "holds", True, {"seen": 3}), Line("bad", "broken", False)
    dead = [sys.executable, "-c", "raise SystemExit('it fell over')"]
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    lines = await ended(
        {"good": says(good, 0), "bad": says(bad, 1), "dead": dead, "killed": killed, "late": says(good, 1)}
    )

    assert lines.count(good) == 2
    assert bad in lines
    told = {(line.battery, line.figures["code"]) for line in lines if line.check == "ran to its end"}
    assert told == {("dead", 1), ("killed", -9), ("late", 1)}
    assert all(not line.ok for line in lines if line != good)
    assert any("it fell over" in line.figures["end"] for line in lines if line.battery == "dead")


async def test_who_must_be_alone_is_and_the_others_are_few_at_once(tmp_path: Path) -> None:
    jobs = [Job(str(number)) for number in range(6)]
    await side_by_side(
        jobs[:2],
        jobs[2:],
        lambda job: [sys.executable, "-c", TELLS_WHEN, str(tmp_path / job.battery)],
        lambda line: None,
    )

    spans = [tuple(map(float, (tmp_path / job.battery).read_text().split())) for job in jobs]
    for began, _ in spans:
        at_once = [number for number, (start, end) in enumerate(spans) if start <= began < end]
        assert len(at_once) <= AT_ONCE
        assert len(at_once) == 1 or not {0, 1} & set(at_once)
    assert spans[0][1] <= spans[1][0] <= min(start for start, _ in spans[2:])


def test_every_battery_is_run_whole() -> None:
    for battery in BATTERIES:
        jobs = [job for job in (*ALONE, *BESIDE) if job.battery == battery]
        parts = [part for job in jobs for part in job.only]
        left_to_the_long_mode = {"tests"}
        if parts:
            assert sorted(parts) == sorted(set(PARTS[battery]) - left_to_the_long_mode)
        else:
            assert len(jobs) == 1


def test_a_job_asks_for_the_same_seed() -> None:
    command = Job("faults", ("grid", "sick")).command(Plan(7, minutes=2))
    assert command[1:] == ["-m", "prove", "--seed", "7", "--only", "grid", "--only", "sick", "--minutes", "2", "faults"]


def test_only_a_line_is_a_line() -> None:
    line = Line("fuzz", "no fault of ours", True, {"answers": 7})
    assert read(line.to_json()) == line
    assert read("prove: ok") is None
    assert read(json.dumps({"seed": 7})) is None


def test_a_part_that_is_not_there_is_no_empty_run() -> None:
    [crash, faults] = [battery for battery in BATTERIES if battery in ("crash", "faults")]
    assert unknown_parts([faults], ("grid",)) is None
    assert unknown_parts([faults], ()) is None
    assert "gird" in str(unknown_parts([faults], ("gird",)))
    assert "grid" in str(unknown_parts([crash], ("grid",)))
    assert "grid" in str(unknown_parts([crash, faults], ("grid",)))
