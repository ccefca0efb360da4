"""What must hold: after anything the service did, and when everything has settled.

The one rule: every promise is checked against the provider's truth, worked out here by other code than the service's.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time

from app.timespan import unpack
from tests.support.google import joined, without
from tests.sync.machine.play import FAR_DAYS, Booked, Play
from tests.sync.machine.side import HOME, Level, Standing
from tests.sync.machine.wire import seconds

NEAR_DAYS = 30
"""How far ahead is looked after every step."""
_OFFERED_DAYS = 21
_HALF_HOUR = 1800

Spans = list[tuple[int, int]]


async def look(play: Play) -> None:
    """After any step of the service.

    A sync that went well has made the mirror equal; and whatever happened, no slot is offered over an event that was
    known at the last sync that went well and still stands.
    """
    await play.learn()
    truth = await play.side.standing(*play.window(NEAR_DAYS))
    ours = await _ours(play)
    succeeded_at = (await play.sync_row())["last_succeeded_at"]
    if succeeded_at != play.succeeded_at:
        _same(await _mirrored(play, NEAR_DAYS), truth, but=ours)
        play.succeeded_at, play.known = succeeded_at, frozenset(truth)
    kept = [event for event in truth if event.level and event in play.known and event.id not in ours]
    taken = [span for span in await _offered(play) if _overlaps(span, kept)]
    assert not taken, f"offered over what was known to be busy: {taken}"


async def reckon(play: Play) -> None:
    """When everything has settled: the mirror, the slots, the bookings and the ledger are what they must be."""
    await play.settle()
    await play.learn()
    row = await play.sync_row()
    assert (row["state"], row["last_error"]) == ("idle", None)
    assert row["synced_seq"] == row["dirty_seq"]
    truth = await play.side.standing(*play.window(FAR_DAYS))
    ours = await _ours(play)
    _same(await _mirrored(play, FAR_DAYS), truth, but={})
    await _months_are_true(play, truth, ours)
    await _slots_are_true(play, truth)
    _one_event_each(play, truth, ours)
    await _nothing_else_was_written(play)
    play.succeeded_at, play.known = row["last_succeeded_at"], frozenset(truth)


async def free_when_placed(play: Play, booking: Booked) -> None:
    """Where a booking was put the host was free at the provider; when that could not be asked, as far as was known."""
    truth, ours = await play.side.standing(*play.window(NEAR_DAYS)), await _ours(play)
    others = [event for event in truth if event.level and event.id not in ours]
    seen = [event for event in others if event in play.known] if play.struck else others
    assert not _overlaps(booking.span, seen), f"booked over {seen}"


async def _ours(play: Play) -> dict[str, str]:
    """The bookings of the events we made, by the event's id."""
    return {
        write.event_id: write.booking
        for write in await play.side.writes()
        if write.booking is not None and write.operation != "delete"
    }


# the mirror ---------------------------------------------------------------------------------------


async def _mirrored(play: Play, days: int) -> set[Standing]:
    """What the mirror holds in the window; without the series, of which each provider has its own idea."""
    start, end = (seconds(moment) for moment in play.window(days))
    rows = await play.database.fetch("SELECT * FROM mirror_events")
    found = set()
    for row in rows:
        begins = _instant(row["starts_at"], row["start_date"])
        ends = _instant(row["ends_at"], row["end_date"])
        if begins < end and ends > start:
            found.add(Standing(row["event_id"], None, begins, ends, Level(row["busy"])))
    return found


def _instant(moment: datetime | None, day: date | None) -> int:
    if moment is not None:
        return seconds(moment)
    assert day is not None
    return seconds(datetime.combine(day, time(), HOME))


def _same(mirrored: Iterable[Standing], truth: Iterable[Standing], *, but: Iterable[str]) -> None:
    """What blocks is the same, event by event."""
    left_out = set(but)
    known = {_plain(event) for event in mirrored if event.level and event.id not in left_out}
    stands = {_plain(event) for event in truth if event.level and event.id not in left_out}
    assert known == stands, f"only in the mirror: {known - stands}; only at the provider: {stands - known}"


def _plain(event: Standing) -> tuple[str, int, int, Level]:
    return event.id, event.start, event.end, event.level


async def _months_are_true(play: Play, truth: list[Standing], ours: dict[str, str]) -> None:
    """The packed months say the same; an event of ours that stands where it was booked is the reservation's affair."""
    start, end = (seconds(moment) for moment in play.window(FAR_DAYS))
    spans = {booking.id: booking.span for booking in play.live}
    blocking = [event for event in truth if spans.get(ours.get(event.id, "")) != (event.start, event.end)]
    busy = joined([(event.start, event.end) for event in blocking if event.level >= Level.BUSY], (start, end))
    tentative = [(event.start, event.end) for event in blocking if event.level == Level.TENTATIVE]
    rows = await play.database.fetch("SELECT busy, tentative FROM busy_months")
    packed = joined([span for row in rows for span in unpack(row["busy"])], (start, end))
    softly = joined([span for row in rows for span in unpack(row["tentative"])], (start, end))
    assert packed == busy
    assert without(softly, busy) == without(joined(tentative, (start, end)), busy)


# slots --------------------------------------------------------------------------------------------


async def _offered(play: Play) -> Spans:
    slots = await play.person.slots(play.page["id"], play.day(1), play.day(_OFFERED_DAYS))
    starts = [seconds(datetime.fromisoformat(slot["start_at"])) for slot in slots]
    return [(start, start + _HALF_HOUR) for start in starts]


async def _slots_are_true(play: Play, truth: list[Standing]) -> None:
    """Every half hour of every day is offered, but where the calendar or a booking blocks."""
    start, end = (seconds(moment) for moment in play.window(_OFFERED_DAYS))
    blocked = [(event.start, event.end) for event in truth if event.level]
    taken = joined([*blocked, *(booking.span for booking in play.live)], (start - _HALF_HOUR, end + _HALF_HOUR))
    free = [
        (at, at + _HALF_HOUR)
        for at in range(start, end, _HALF_HOUR)
        if not any(left < at + _HALF_HOUR and at < right for left, right in taken)
    ]
    offered = await _offered(play)
    assert offered == free, f"offered and not free: {set(offered) - set(free)}; missing: {set(free) - set(offered)}"


def _overlaps(span: tuple[int, int], events: Iterable[Standing]) -> bool:
    return any(event.start < span[1] and span[0] < event.end for event in events)


# bookings and writes ------------------------------------------------------------------------------


def _one_event_each(play: Play, truth: list[Standing], ours: dict[str, str]) -> None:
    """Every booking that stands has one event, at its time; one that was called off has none. What a hand has moved or
    deleted stays so until the booking is changed."""
    events: dict[str, Spans] = {}
    for event in truth:
        if event.id in ours:
            events.setdefault(ours[event.id], []).append((event.start, event.end))
    tomorrow = seconds(play.window(1)[0])
    for booking in play.bookings:
        found = events.pop(booking.id, [])
        if booking.gone:
            assert not found, f"{booking.id} was called off"
        elif booking.touched:
            assert len(found) <= 1
        elif booking.span[0] >= tomorrow:
            assert found == [booking.span], booking.id
    assert not events, "events of bookings nobody made"


async def _nothing_else_was_written(play: Play) -> None:
    """Since the last reckoning we wrote what was wished, and nothing because we read what we had written."""
    written = await play.side.writes()
    recent = Counter(write.booking for write in written[play.reckoned :])
    wishes = {booking.id: booking.wishes for booking in play.bookings}
    tries = await _tries(play) if play.disturbed else {}
    for booking, times in recent.items():
        assert booking in wishes, f"a write of no booking: {booking}"
        wished = wishes[booking]
        assert times <= (wished + tries.get(booking, 0) if wished else 0), f"{booking}: {times} writes, {wished} wishes"
    made = Counter(write.booking for write in written if write.operation == "insert")
    for one in play.bookings:
        assert made[one.id] <= 1 + one.deletions, f"{one.id} was made {made[one.id]} times"
    play.reckoned, play.disturbed = len(written), False
    for one in play.bookings:
        one.wishes = 0


async def _tries(play: Play) -> dict[str, int]:
    """How often the writer went to work at each booking's event."""
    rows = await play.database.fetch("SELECT booking_id, fence FROM calendar_writes")
    return {str(row["booking_id"]): row["fence"] for row in rows}
