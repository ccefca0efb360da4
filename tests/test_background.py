"""A worker stands back for the API while it keeps up."""

import subprocess
import sys

import pytest

from app.background import _niceness_of_session

LIFE = """
import asyncio
from app.background import Place, _niceness_of_session

async def live():
    now = [100.0]
    place = Place({niceness}, clock=lambda: now[0])
    async def stands():
        for _ in range(50):  # the kernel takes ten wishes a second
            await place.take()
            await asyncio.sleep(0.02)
        return _niceness_of_session()
    seen = [await stands()]
    place.waited(4.9)
    seen.append(await stands())
    place.waited(5.1)
    seen.append(await stands())
    now[0] += 4
    seen.append(await stands())
    now[0] += 1
    seen.append(await stands())
    print(*seen)

asyncio.run(live())
"""

needs_sessions = pytest.mark.skipif(_niceness_of_session() is None, reason="nothing groups tasks by session here")


def lived(niceness: int, *, leads: bool) -> list[str]:
    script = [sys.executable, "-c", LIFE.format(niceness=niceness)]
    ended = subprocess.run(script, capture_output=True, text=True, check=True, start_new_session=leads)  # noqa: S603
    return ended.stdout.split()


@needs_sessions
def test_a_worker_stands_back_while_it_keeps_up_and_comes_forward_when_it_does_not() -> None:
    assert lived(4, leads=True) == ["4", "4", "0", "0", "4"]


@needs_sessions
def test_a_session_goes_no_lower_than_there_is() -> None:
    assert lived(19, leads=True)[0] == "19"


@needs_sessions
def test_nobody_is_lowered_who_was_not_asked() -> None:
    own = str(_niceness_of_session())
    assert lived(4, leads=False) == [own] * 5
    assert lived(0, leads=True) == ["0"] * 5
