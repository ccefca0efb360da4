"""Asking the calendars of several who could host, one after the other (R27).

The one rule: a visitor waits out a silent calendar twice at most, however many could host: once one of them is
unknown, all that are left are asked at once.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from app.bookings.live_check import Checked, LiveCheck, Verdict
from app.scheduling.availability import Seating
from app.timespan import Span


class Inquiry:
    """What the calendars of these seatings say of a slot."""

    def __init__(self, live: LiveCheck, seatings: Sequence[Seating], slot: Span) -> None:
        self._live = live
        self._left = {seating.host.id: seating for seating in seatings}
        self._slot = slot
        self._answers: dict[UUID, Checked] = {}
        self._patient = True

    async def about(self, seating: Seating) -> Checked:
        """What is known of one of them."""
        host_id = seating.host.id
        if host_id not in self._answers:
            await self._ask([seating] if self._patient else [*self._left.values()])
        answer = self._answers[host_id]
        self._patient = self._patient and answer.verdict is not Verdict.UNKNOWN
        return answer

    async def _ask(self, seatings: Sequence[Seating]) -> None:
        told = await asyncio.gather(*(self._live.check(seating.watched, self._slot) for seating in seatings))
        for seating, answer in zip(seatings, told, strict=True):
            self._answers[seating.host.id] = answer
            del self._left[seating.host.id]
