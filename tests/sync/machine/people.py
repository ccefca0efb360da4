"""What people do to their calendars, as values a story is made of.

The one rule: a step says which by a number; what that number means is found when the step is played, so that any
sequence of steps is a story.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from tests.sync.machine.invariants import NEAR_DAYS
from tests.sync.machine.play import Booked, Play
from tests.sync.machine.side import HOME, Answer, Level, Rule, Standing

PickT = TypeVar("PickT")


@dataclass(frozen=True, slots=True)
class Moment:
    """A day from now, a quarter of its hours, on the wall of one of the zones people use."""

    day: int
    quarter: int
    zone: int = 0


@dataclass(frozen=True, slots=True)
class AddSingle:
    """An event of some minutes."""

    at: Moment
    minutes: int
    level: Level

    async def play(self, play: Play) -> None:
        start = play.at(self.at.day, self.at.quarter, self.at.zone)
        play.singles.append(await play.side.add(start, self.minutes, self.level))


@dataclass(frozen=True, slots=True)
class AddDays:
    """Whole days."""

    first: int
    days: int
    level: Level

    async def play(self, play: Play) -> None:
        first, after = play.day(self.first), play.day(self.first + self.days)
        play.singles.append(await play.side.add_days(first, after, self.level))


@dataclass(frozen=True, slots=True)
class AddSeries:
    """An event that recurs."""

    at: Moment
    minutes: int
    rule: Rule
    level: Level

    async def play(self, play: Play) -> None:
        start = play.at(self.at.day, self.at.quarter, self.at.zone)
        play.series[await play.side.add_series(start, self.minutes, self.rule, self.level)] = self.rule


@dataclass(frozen=True, slots=True)
class Move:
    """A single event, to another time and another length."""

    pick: int
    at: Moment
    minutes: int

    async def play(self, play: Play) -> None:
        event = picked(play.singles, self.pick)
        await play.side.move(event, play.at(self.at.day, self.at.quarter, self.at.zone), self.minutes)


@dataclass(frozen=True, slots=True)
class Delete:
    """A single event, or a whole series."""

    pick: int

    async def play(self, play: Play) -> None:
        event = picked([*play.singles, *play.series], self.pick)
        await play.side.delete(event)
        if event in play.series:
            del play.series[event]
        else:
            play.singles.remove(event)


@dataclass(frozen=True, slots=True)
class MoveDate:
    """One date of a series."""

    pick: int
    hours: int
    minutes: int

    async def play(self, play: Play) -> None:
        date = picked(await _dates(play), self.pick)
        start = datetime.fromtimestamp(date.start, HOME) + timedelta(hours=self.hours)
        await play.side.move(date.id, start, self.minutes)


@dataclass(frozen=True, slots=True)
class DeleteDate:
    """One date of a series."""

    pick: int

    async def play(self, play: Play) -> None:
        await play.side.delete(picked(await _dates(play), self.pick).id)


@dataclass(frozen=True, slots=True)
class BlockDate:
    """One date of a series blocks its time otherwise."""

    pick: int
    level: Level

    async def play(self, play: Play) -> None:
        await play.side.block(picked(await _dates(play), self.pick).id, self.level)


@dataclass(frozen=True, slots=True)
class MoveSeries:
    """A whole series, to another time and another rule."""

    pick: int
    at: Moment
    minutes: int
    rule: Rule

    async def play(self, play: Play) -> None:
        series = picked([*play.series], self.pick)
        start = play.at(self.at.day, self.at.quarter, self.at.zone)
        await play.side.move_series(series, start, self.minutes, self.rule)
        play.series[series] = self.rule


@dataclass(frozen=True, slots=True)
class MakeSingle:
    """A series becomes its first date alone."""

    pick: int

    async def play(self, play: Play) -> None:
        series = picked([*play.series], self.pick)
        await play.side.make_single(series)
        del play.series[series]
        play.singles.append(series)


@dataclass(frozen=True, slots=True)
class Block:
    """An event or a series blocks its time otherwise."""

    pick: int
    level: Level

    async def play(self, play: Play) -> None:
        await play.side.block(picked([*play.singles, *play.series], self.pick), self.level)


@dataclass(frozen=True, slots=True)
class Invite:
    """Somebody else invites the person."""

    at: Moment
    minutes: int

    async def play(self, play: Play) -> None:
        start = play.at(self.at.day, self.at.quarter, self.at.zone)
        play.invitations.append(await play.side.invite(start, self.minutes))


@dataclass(frozen=True, slots=True)
class Respond:
    """The person answers an invitation."""

    pick: int
    answer: Answer

    async def play(self, play: Play) -> None:
        await play.side.answer(picked(play.invitations, self.pick), self.answer)


@dataclass(frozen=True, slots=True)
class MoveInvitation:
    """The organizer moves what the person is invited to."""

    pick: int
    at: Moment
    minutes: int

    async def play(self, play: Play) -> None:
        start = play.at(self.at.day, self.at.quarter, self.at.zone)
        await play.side.move_invitation(picked(play.invitations, self.pick), start, self.minutes)


@dataclass(frozen=True, slots=True)
class CallOff:
    """The organizer cancels what the person is invited to."""

    pick: int

    async def play(self, play: Play) -> None:
        invitation = picked(play.invitations, self.pick)
        await play.side.call_off(invitation)
        play.invitations.remove(invitation)


@dataclass(frozen=True, slots=True)
class TouchOurs:
    """The host moves the event of a booking by hand, or deletes it."""

    pick: int
    at: Moment | None
    """None: deletes it."""

    async def play(self, play: Play) -> None:
        booking, event_id = picked(await _events_of_bookings(play), self.pick)
        if self.at is None:
            await play.side.delete(event_id)
            booking.deletions += 1
        else:
            await play.side.move(event_id, play.at(self.at.day, self.at.quarter), 30)
        booking.touched = True


class NothingThere(Exception):
    """A step about something of which there is none yet."""


def picked(some: Sequence[PickT], number: int) -> PickT:
    """The one a number means. Raises: NothingThere."""
    if not some:
        raise NothingThere
    return some[number % len(some)]


async def _dates(play: Play) -> list[Standing]:
    """The dates of all series in the weeks to come, in order."""
    standing = await play.side.standing(*play.window(NEAR_DAYS))
    return sorted((event for event in standing if event.series is not None), key=lambda event: (event.start, event.id))


async def _events_of_bookings(play: Play) -> list[tuple[Booked, str]]:
    """The events of bookings that stand in the calendar."""
    made = {write.event_id: write.booking for write in await play.side.writes()}
    standing = {event.id for event in await play.side.standing(*play.window(NEAR_DAYS))}
    live = {booking.id: booking for booking in play.live}
    return [(live[key], event) for event, key in made.items() if key in live and event in standing]
