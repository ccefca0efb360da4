"""Who may do what: the matrix of every operation, every caller and every id, told group by group.

The one rule: what is judged is judged by `tests/authorisation/`, which runs here as it does among the tests; this file
only runs it and reads its report. `test_matrix.py` tries the service, `test_guards_removed.py` tries the matrix.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from prove.lines import Line
from prove.plan import Plan
from sandbox.processes import spawn
from sandbox.stack import ROOT

_BATTERY: Final = "authorisation"
_TESTS: Final = "tests/authorisation"
_SECONDS: Final = 900.0
_TOLD: Final = 2000  # characters


async def prove(_: Plan) -> AsyncIterator[Line]:
    """Run the matrix in a process of its own: a line for each group, and one for all of it."""
    with tempfile.TemporaryDirectory(prefix="calendar-connect-authorisation-") as directory:
        report = Path(directory) / "report.xml"
        code = await _run(report)
        lines = list(read(report.read_text())) if report.exists() else []
    for line in lines:
        yield line
    calls = sum(line.figures["calls"] for line in lines)
    whole = code == 0 and bool(lines)
    yield Line(_BATTERY, "the whole matrix was run", whole, {"groups": len(lines), "calls": calls, "code": code})


async def _run(report: Path) -> int | None:
    """Its exit code; None when it took too long."""
    options = ("-q", "-p", "no:cacheprovider", "--junit-xml", str(report), "-o", "junit_family=xunit1", "--tb=short")
    command = (sys.executable, "-m", "pytest", *options, _TESTS)
    with tempfile.TemporaryFile() as said:
        running = spawn(command, death_signal=signal.SIGTERM, environment=dict(os.environ), directory=ROOT, output=said)
        try:
            return await asyncio.to_thread(running.wait, _SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def read(report: str) -> Iterator[Line]:
    """A line for each test of a report of pytest's."""
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314 - written by our own tests
        wrong = [item for item in case if item.tag in ("failure", "error")]
        calls = sum(int(item.get("value", "0")) for item in case.iter("property") if item.get("name") == "calls")
        figures: dict[str, object] = {"calls": calls, "seconds": round(float(case.get("time", "0")), 1)}
        if wrong:
            figures["told"] = wrong[0].get("message", "")[:_TOLD]
        yield Line(_BATTERY, _said(case.get("name", "")), not wrong, figures)


def _said(name: str) -> str:
    """`test_p4_whoever_may_can` → `whoever may can`."""
    return name.removeprefix("test_p4_").replace("_", " ")
