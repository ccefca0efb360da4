"""What a service that goes on for ever must not pile up, read again and again, and whether it has piled up.

    memory, open files   of each process, as the kernel counts them
    tasks                of each event loop, as the process tells
    connections          to the database, as PostgreSQL counts them
    depth, age           of the queue: jobs that are due, and how long the oldest has been

The one rule: a line is fitted through all readings (Theil and Sen's: the median of the slopes between any two), and
what is judged is how much it rises from the first reading to the last. One reading says nothing, nor does one bad
moment.
"""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from prove.lines import Line
from prove.soak_ground import APIS, TOKEN, WORKERS, Ground
from sandbox.ports import HOST

BATTERY: Final = "soak"
MEMORY, FILES, TASKS, CONNECTIONS = "memory_mib", "open_files", "tasks", "database_connections"
DEPTH, AGE = "jobs_due", "oldest_job_seconds"
BOUNDS: Final = {MEMORY: 24.0, FILES: 40.0, TASKS: 60.0, CONNECTIONS: 20.0, DEPTH: 60.0, AGE: 10.0}
"""How much each may rise. A kilobyte that is kept of every request is 500 MiB in half an hour, a task 500,000."""
LEAST_READINGS: Final = 10
_QUEUE: Final = """
SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(execute_after)), 0)::float AS oldest
  FROM queue.pgqueuer WHERE status = 'queued' AND execute_after <= now()
"""
_SESSIONS: Final = "SELECT count(*) AS open FROM pg_stat_activity WHERE application_name LIKE 'calendar-connect%'"
_RSS: Final = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)
_TASKS: Final = re.compile(r"^calendar_connect_asyncio_tasks (\S+)$", re.MULTILINE)


@dataclass(slots=True)
class Vitals:
    """Readings so far, by what was read."""

    ground: Ground
    series: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    """By process (or database, or queue) and figure: when, in seconds, and how much."""

    async def watch(self, *, seconds: float, every: float) -> None:
        """Read for so long."""
        began = time.monotonic()
        async with httpx.AsyncClient(timeout=30, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            while (passed := time.monotonic() - began) < seconds:
                for name in (*APIS, *WORKERS):
                    for figure, value in (await self._process(client, name)).items():
                        self._note(name, figure, passed, value)
                [queue], [sessions] = await self.ground.stage.fetch(_QUEUE), await self.ground.stage.fetch(_SESSIONS)
                self._note("database", CONNECTIONS, passed, sessions["open"])
                self._note("queue", DEPTH, passed, queue["due"])
                self._note("queue", AGE, passed, queue["oldest"])
                await asyncio.sleep(every)

    async def _process(self, client: httpx.AsyncClient, name: str) -> dict[str, float]:
        home = Path(f"/proc/{self.ground.child(name).pid}")
        answer = await client.get(f"http://{HOST}:{self.ground.ports[name]}/metrics/process")
        memory, tasks = _RSS.search((home / "status").read_text()), _TASKS.search(answer.text)
        assert memory is not None
        assert tasks is not None, answer.text[:200]
        files = sum(1 for _ in (home / "fd").iterdir())
        return {MEMORY: int(memory[1]) / 1024, FILES: files, TASKS: float(tasks[1])}

    def _note(self, whose: str, figure: str, at: float, value: float) -> None:
        self.series.setdefault((whose, figure), []).append((at, float(value)))


def rise(readings: Sequence[tuple[float, float]]) -> float:
    """How much the fitted line rises from the first reading to the last."""
    slopes = [(later[1] - sooner[1]) / (later[0] - sooner[0]) for sooner, later in combinations(readings, 2)]
    return median(slopes) * (readings[-1][0] - readings[0][0])


def flat(series: Mapping[tuple[str, str], Sequence[tuple[float, float]]], bounds: Mapping[str, float]) -> list[Line]:
    """A line for each figure: the rises of all who have it, and some of their readings."""
    lines = []
    for figure, bound in bounds.items():
        of_each = {whose: readings for (whose, name), readings in series.items() if name == figure}
        rises = {whose: round(rise(readings), 2) for whose, readings in of_each.items() if len(readings) > 1}
        enough = bool(of_each) and all(len(readings) >= LEAST_READINGS for readings in of_each.values())
        told = {whose: _told([value for _, value in readings]) for whose, readings in of_each.items()}
        figures = {"rises": rises, "fails_above": bound, "readings": told}
        lines.append(Line(BATTERY, f"{figure} stay flat", enough and max(rises.values()) <= bound, figures))
    return lines


def _told(values: Sequence[float]) -> dict[str, float]:
    picked = {"first": values[0], "median": median(values), "last": values[-1], "highest": max(values)}
    return {"count": len(values), **{name: round(value, 1) for name, value in picked.items()}}
