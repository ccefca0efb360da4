"""What a run has learnt and not saved: the last word about an id wins."""

from datetime import UTC, datetime, timedelta

from app.calendar import Busy, Event, Removed, SeriesTouched, Timed, Unreadable, Upsert
from app.sync.batch import Batch

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(name: str, hours: int = 0) -> Event:
    start = NOON + timedelta(hours=hours)
    return Event(id=name, when=Timed(start, start + timedelta(hours=1)), busy=Busy.BUSY)


def test_an_event_that_became_a_series_is_only_a_series() -> None:
    batch = Batch()
    batch.add([Upsert(event("a"))])
    batch.add([SeriesTouched("a")])
    assert (batch.events, batch.gone, batch.touched) == ({}, set(), {"a"})


def test_a_series_that_became_an_event_is_only_an_event() -> None:
    batch = Batch()
    batch.add([SeriesTouched("a"), Upsert(event("a"))])
    assert (set(batch.events), batch.gone, batch.touched) == ({"a"}, set(), set())


def test_what_is_gone_is_nothing_else_and_what_comes_back_is_not_gone() -> None:
    batch = Batch()
    batch.add([Upsert(event("a")), SeriesTouched("b"), Removed("a"), Removed("b")])
    assert (batch.events, batch.gone, batch.touched) == ({}, {"a", "b"}, set())
    batch.add([Upsert(event("a")), SeriesTouched("b")])
    assert (set(batch.events), batch.gone, batch.touched) == ({"a"}, set(), {"b"})


def test_the_latest_shape_of_an_event_counts() -> None:
    batch = Batch()
    batch.add([Upsert(event("a")), Upsert(event("a", hours=3))])
    assert batch.events["a"].when == event("a", hours=3).when
    assert batch.rows == 1


def test_what_cannot_be_read_stays_as_it_was_last_known() -> None:
    batch = Batch(untold={"a", "b"})
    batch.add([Upsert(event("a")), Unreadable("a")])
    batch.add([Removed("b"), Unreadable("b")])
    assert (set(batch.events), batch.gone, batch.kept) == ({"a"}, set(), {"a", "b"})
    assert batch.untold == set(), "it was listed: nobody has to look"
    batch.add([Removed("a"), Upsert(event("b"))])
    assert (set(batch.events), batch.gone, batch.kept) == ({"b"}, {"a"}, set())


def test_what_was_saved_is_forgotten_but_for_the_series_still_to_be_read() -> None:
    batch = Batch()
    batch.add([Upsert(event("a")), Removed("b"), SeriesTouched("c"), Unreadable("e")])
    batch.series["d"] = [event("d1"), event("d2")]
    assert batch.rows == 4
    batch.saved()
    assert (batch.rows, batch.touched, batch.kept) == (0, {"c"}, set())
