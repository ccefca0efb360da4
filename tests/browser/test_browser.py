"""The example front end in a real Chromium: each file of `examples/front-end/browser-tests/` is a journey of its own.

The one rule: without Node or Chromium there is one skip that says what is missing; with them nothing is skipped.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence

import pytest

from sandbox.front_end_build import SOURCES, FrontEndNotBuiltError, build_front_end
from sandbox.stack import ROOT, Stack

JOURNEYS = sorted(path.name.removesuffix(".test.js") for path in (SOURCES / "browser-tests").glob("*.test.js"))
LANES = (
    ("exchange", "google", "links", "office365"),
    ("host", "visitors", "race", "offline", "lost-calendar", "team"),
)
"""What goes on side by side; nobody hosts in both. A journey is mostly waiting: two take little longer than one."""
SCREENSHOTS = ROOT / "build" / "screenshots"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
JOURNEY_WAIT = 420.0  # seconds; one takes half a minute on a machine that does nothing else


def find_chromium() -> str | None:
    """The browser to drive: the one that is named, or one that is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


CHROMIUM = find_chromium()
MISSING = [
    name
    for name, found in (("Node.js with npm", shutil.which("npm")), ("Chromium (apt-get install chromium)", CHROMIUM))
    if not found
]
if MISSING:
    pytest.skip(f"the front end is not looked at: there is no {' and no '.join(MISSING)}", allow_module_level=True)


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    """Everything as `make run` starts it, on free ports, with the front end."""
    try:
        built = await asyncio.to_thread(build_front_end, lambda _: None)
    except FrontEndNotBuiltError as error:
        pytest.fail(str(error))
    async with Stack(front_end=built) as running:
        yield running


async def run_journey(stack: Stack, journey: str) -> str | None:
    """What went wrong; None: nothing."""
    environment = {
        **os.environ,
        "FRONT_END_URL": stack.front_end_url,
        "API_URL": stack.api_url,
        "SANDBOX_URL": stack.sandbox_url,
        "SCREENSHOTS": str(SCREENSHOTS),
        "CHROMIUM": str(CHROMIUM),
    }
    process = await asyncio.create_subprocess_exec(
        "node", f"browser-tests/{journey}.test.js", cwd=SOURCES, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(JOURNEY_WAIT):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode(errors="replace") if process.returncode else None


async def run_lane(stack: Stack, journeys: Sequence[str]) -> dict[str, str]:
    """One after another; what went wrong in each that did not go through."""
    failed = {}
    for journey in journeys:
        if (complaint := await run_journey(stack, journey)) is not None:
            failed[journey] = complaint
    return failed


async def test_every_journey_goes_through_without_a_complaint(stack: Stack) -> None:
    """One test, so that one process starts one stack, and every journey that fails is told."""
    assert sorted(journey for lane in LANES for journey in lane) == JOURNEYS
    lanes = await asyncio.gather(*(run_lane(stack, lane) for lane in LANES))
    failed = {journey: complaint for lane in lanes for journey, complaint in lane.items()}
    assert not failed, "\n".join(f"{journey}:\n{complaint}" for journey, complaint in failed.items())
