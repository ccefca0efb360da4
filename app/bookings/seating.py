"""Whose turn it is to host a meeting of a round robin (R27).

The one rule: of those who are free, whoever has the fewest meetings of this page since its team was last changed, at
most thirty days back; among equals whoever has waited longest, then whoever comes first on the page. The booking keeps
the counts it was decided by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import LOCK_HOSTS
from app.bare import Fetch
from app.bookings.repository import LOCK_TURNS
from app.ids import encode_id
from app.models.base import Json
from app.scheduling.availability import PageTime, Seating

RULE: Final = "fewest_meetings"
MOST_ROUNDS: Final = 5
"""How often it may have become another's turn before whoever wants a meeting is asked to come again."""
_LOOK_BACK: Final = timedelta(days=30)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_TURNS = """
SELECT b.host_id, count(*) AS meetings, max(b.created_at) AS last_at
  FROM scheduling_pages p
  JOIN bookings b ON b.account_id = p.account_id AND b.page_id = p.id
 WHERE p.id = $1 AND b.status <> 'cancelled' AND b.created_at >= greatest(p.team_since, $2)
 GROUP BY b.host_id
"""


class AnothersTurnError(Exception):
    """Somebody has booked one of the round robin meanwhile."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody has hosted of a page."""

    meetings: int = 0
    last_at: datetime = _NEVER


def fetch_in(session: AsyncSession) -> Fetch:
    """Asks in a session's transaction."""

    async def fetch(query: str, *parameters: object) -> Sequence[Any]:
        connection = await session.connection()
        return (await connection.exec_driver_sql(query, parameters)).mappings().all()

    return fetch


async def lock_seating(fetch: Fetch, seating: Seating) -> bool:
    """Lock the hosts of a seating, before them what a round robin decides by; False when one of them is no more."""
    if seating.is_round_robin:
        await fetch(LOCK_TURNS, seating.page_id)
    hosts = {item.host.id for item in seating.hosts}
    return len(await fetch(LOCK_HOSTS, list(hosts))) == len(hosts)


async def by_turns(
    fetch: Fetch, page: PageTime, free: Sequence[Seating], *, now: datetime
) -> list[tuple[Seating, Json | None]]:
    """The free seatings of a page, first whose turn it is, each with why; only a round robin has turns."""
    if not page.is_round_robin:
        return [(seating, None) for seating in free]
    rows = await fetch(_TURNS, page.page_id, now - _LOOK_BACK)
    turns = {row["host_id"]: Turn(row["meetings"], row["last_at"]) for row in rows}
    why = assignment_of(free, turns)
    return [(seating, why) for seating in in_turn(free, turns)]


def in_turn(seatings: Sequence[Seating], turns: Mapping[UUID, Turn]) -> list[Seating]:
    """The seatings, first the one whose turn it is."""

    def waited(seating: Seating) -> tuple[int, datetime]:
        turn = turns.get(seating.host.id, Turn())
        return turn.meetings, turn.last_at

    return sorted(seatings, key=waited)


def assignment_of(seatings: Sequence[Seating], turns: Mapping[UUID, Turn]) -> Json:
    """What is kept of the decision: who was free, and what they had hosted."""
    counts = [
        {"user_id": encode_id("usr", seating.host.id), "meetings": turns.get(seating.host.id, Turn()).meetings}
        for seating in seatings
    ]
    return {"rule": RULE, "candidates": counts}
