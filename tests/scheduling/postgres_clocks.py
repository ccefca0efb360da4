"""What PostgreSQL says of the clocks of a zone and of the local times of a page, by a tz database of its own.

The one rule: every wall time here comes from `AT TIME ZONE`; nothing comes from Python's clocks, nor from `app`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

import asyncpg

Interval = tuple[int, int]
"""From one minute of a civil day to another."""

_ABBREVIATED: Final = {
    "CET": "Europe/Brussels",
    "EET": "Europe/Athens",
    "MET": "Europe/Brussels",
    "WET": "Europe/Lisbon",
}
"""`AT TIME ZONE` takes a name for an abbreviation first, and these four for one without summer time; they are links."""
_OFFSETS: Final = """
SELECT (extract(epoch FROM (t AT TIME ZONE $1) - (t AT TIME ZONE 'UTC')))::int
  FROM generate_series($2::timestamptz, $3::timestamptz, $4 * interval '1 second') t ORDER BY t
"""
_STARTS: Final = """
WITH hours AS (
    SELECT d::date AS day, h.start_minute, h.end_minute
      FROM generate_series($4::date::timestamp, $5::date + 1, '1 day') d
      JOIN unnest($6::int[], $7::int[], $8::int[]) h (weekday, start_minute, end_minute)
        ON h.weekday = extract(isodow FROM d)
     WHERE d::date <> ALL ($9::date[])
     UNION ALL
    SELECT * FROM unnest($10::date[], $11::int[], $12::int[])),
clock AS MATERIALIZED (
    SELECT t, (t AT TIME ZONE $1)::date AS day, (t AT TIME ZONE $1)::time AS shown
      FROM generate_series($2::timestamptz, $3::timestamptz, '1 minute') t),
minutes AS (
    SELECT t, day, (extract(epoch FROM shown)::int / 60) AS minute FROM clock),
working AS (
    SELECT t, m.day, m.minute, h.start_minute,
           bool_and(h.day IS NOT NULL) OVER (ORDER BY t ROWS BETWEEN CURRENT ROW AND $13 FOLLOWING) AS lasts
      FROM minutes m
      LEFT JOIN hours h ON h.day = m.day AND m.minute >= h.start_minute AND m.minute < h.end_minute)
SELECT extract(epoch FROM t)::bigint,
       to_char(t AT TIME ZONE $1, 'YYYY-MM-DD"T"HH24:MI:SS'),
       to_char((t + ($13 + 1) * interval '1 minute') AT TIME ZONE $1, 'YYYY-MM-DD"T"HH24:MI:SS')
  FROM working
 WHERE lasts AND day BETWEEN $4 AND $5 AND (minute - start_minute) % $14 = 0
 ORDER BY t
"""
"""Minute by minute what the clocks show. A meeting begins on the grid of the interval that its first minute is in, and
all of its minutes are in one."""


@dataclass(frozen=True, slots=True)
class LocalTimes:
    """The local times that a page is configured to offer. Intervals of one day do not overlap."""

    duration_minutes: int
    increment_minutes: int
    weekly: Sequence[Sequence[Interval]]
    """Seven days, Monday first."""
    overrides: Mapping[date, Sequence[Interval]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """When a meeting begins, and what the clocks of the zone show at its beginning and its end."""

    start: int
    begins: str
    ends: str


class PostgresClocks:
    """Asks one server."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def zones(self) -> set[str]:
        """The zones that it knows."""
        return {row["name"] for row in await self._connection.fetch("SELECT name FROM pg_timezone_names")}

    async def offsets(self, zone: str, between: tuple[int, int], step: int) -> list[int]:
        """What the clocks show less UTC, in seconds, at every `step` from the first instant to the last."""
        first, last = map(_moment, between)
        rows = await self._connection.fetch(_OFFSETS, _known_as(zone), first, last, step)
        return [row[0] for row in rows]

    async def slots(self, zone: str, times: LocalTimes, days: tuple[date, date], within: tuple[int, int]) -> list[Slot]:
        """The slots that begin on those civil days; `within` has room for all of them, to their ends."""
        weekly = [(day, *hours) for day, some in enumerate(times.weekly, start=1) for hours in some]
        special = [(day, *hours) for day, some in times.overrides.items() for hours in some]
        rows = await self._connection.fetch(
            _STARTS,
            _known_as(zone),
            *map(_moment, within),
            *days,
            *_columns(weekly),
            list(times.overrides),
            *_columns(special),
            times.duration_minutes - 1,
            times.increment_minutes,
        )
        return [Slot(*row) for row in rows]


def _known_as(zone: str) -> str:
    return _ABBREVIATED.get(zone, zone)


def _columns(rows: Sequence[tuple[int | date, int, int]]) -> list[list[int | date]]:
    return [[row[column] for row in rows] for column in range(3)]


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
