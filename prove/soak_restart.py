"""Each process is told to stop, one after another, while the load goes on; then it is started again, as in a release.

The one rule: what a process has taken it finishes. Whoever stood before its door when that was shut has not been heard:
such a request is in no log, and may be sent again by anybody.
"""

import asyncio
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prove.lines import Line, say
from prove.soak_ground import APIS, WORKERS, Ground
from prove.soak_vitals import BATTERY

MOST_SECONDS: Final = 25.0
"""What `Child.stop` waits before it kills, and a container's runtime with `terminationGracePeriodSeconds`."""
_ENDED: Final = {0, -signal.SIGTERM}
_ENOUGH_FOR_A_LINE: Final = 1.0  # seconds until what was written has been read


@dataclass(frozen=True, slots=True)
class Stopped:
    """A process that was told to stop."""

    name: str
    exit_code: int | None
    seconds: float


async def restart(ground: Ground, *, pause: float) -> list[Stopped]:
    """All four, one after another, with a pause before each."""
    stopped = []
    for name in (*APIS, *WORKERS):
        await asyncio.sleep(pause)
        say(f"{name} is restarted")
        child, began = ground.child(name), time.monotonic()
        await child.stop()
        stopped.append(Stopped(name, child.exit_code, round(time.monotonic() - began, 1)))
        await asyncio.sleep(pause / 2)
        await ground.start(name)
    await asyncio.sleep(pause)
    return stopped


async def restarted(ground: Ground, stopped: Sequence[Stopped]) -> list[Line]:
    """What is to be said of it, once all who asked have their answers."""
    await asyncio.sleep(_ENOUGH_FOR_A_LINE)
    return list(lines(stopped, cut=ground.doors.cut, finished=ground.heard.finished, refused=ground.doors.refused))


def lines(stopped: Sequence[Stopped], *, cut: Sequence[str], finished: set[str], refused: int) -> Iterator[Line]:
    """`cut`: sent and not answered; `finished`: what the processes say that they have answered."""
    ended = all(each.exit_code in _ENDED and each.seconds < MOST_SECONDS for each in stopped)
    told = {each.name: {"exit_code": each.exit_code, "seconds": each.seconds} for each in stopped}
    yield Line(BATTERY, "a process that is told to stop ends by itself", bool(stopped) and ended, told)
    lost = [name for name in cut if name in finished]
    figures = {"answered": len(finished), "shut_doors": refused, "not_heard": len(cut) - len(lost), "lost": lost[:5]}
    yield Line(BATTERY, "what a process has taken is answered", bool(finished) and not lost, figures)
