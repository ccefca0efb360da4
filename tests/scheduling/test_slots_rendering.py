"""Slots as JSON, against the plain way to write them."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import TimeZoneUnknown
from app.scheduling import rendering
from app.scheduling.rendering import render_slots
from app.timespan import to_seconds


def plainly(starts: list[int], duration_minutes: int, zone: str) -> bytes:
    def text(instant: int) -> str:
        return datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(zone)).isoformat()

    slots = [
        {"start_at": text(start), "end_at": text(start + duration_minutes * 60), "grade": "confirmable"}
        for start in starts
    ]
    return json.dumps(slots, separators=(",", ":")).encode()


def test_a_slot_is_written_in_the_zone_that_was_asked_for():
    nine = to_seconds(datetime(2026, 3, 30, 7, tzinfo=UTC))
    assert render_slots([nine], 30, "Europe/Stockholm", grade="confirmable") == (
        b'[{"start_at":"2026-03-30T09:00:00+02:00","end_at":"2026-03-30T09:30:00+02:00","grade":"confirmable"}]'
    )
    assert render_slots([nine], 30, "America/St_Johns", grade="confirmable") == (
        b'[{"start_at":"2026-03-30T04:30:00-02:30","end_at":"2026-03-30T05:00:00-02:30","grade":"confirmable"}]'
    )


def test_a_slot_may_begin_on_one_offset_and_end_on_another():
    before = to_seconds(datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
    assert render_slots([before], 60, "Europe/Stockholm", grade="confirmable") == (
        b'[{"start_at":"2026-03-29T01:30:00+01:00","end_at":"2026-03-29T03:30:00+02:00","grade":"confirmable"}]'
    )


def test_no_slots_are_an_empty_array():
    assert render_slots([], 30, "Europe/Stockholm", grade="confirmable") == b"[]"


@pytest.mark.parametrize("starts", [[], [0]])
def test_an_unknown_zone_is_refused_whether_or_not_there_are_slots(starts):
    with pytest.raises(TimeZoneUnknown):
        render_slots(starts, 30, "Mars/Olympus", grade="confirmable")


CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 4, 23, 22, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2010, 11, 7, 2, 31, tzinfo=UTC),
]


@settings(max_examples=300, deadline=None, database=None)
@given(
    zone=st.sampled_from(
        ["UTC", "Europe/Stockholm", "Europe/London", "Africa/Cairo", "Asia/Kolkata", "Australia/Lord_Howe",
         "America/St_Johns", "Pacific/Apia", "Antarctica/Troll"]
    ),
    change=st.sampled_from(CHANGES).map(to_seconds),
    distances=st.sets(st.integers(-900, 900), max_size=40),
    duration=st.integers(1, 1500),
)  # fmt: skip
def test_the_bytes_are_those_of_a_json_encoder_also_around_changes_of_the_clocks(zone, change, distances, duration):
    starts = [change + 300 * distance for distance in sorted(distances)]
    assert render_slots(starts, duration, zone, grade="confirmable") == plainly(starts, duration, zone)


def test_an_offset_with_seconds_in_it_is_written_in_whole_minutes_and_the_instant_stays_the_same():
    """Liberia was 44 minutes and 30 seconds behind until 1972; RFC 3339 has no way to say so."""
    noon = datetime(1971, 6, 1, 12, tzinfo=UTC)
    written = json.loads(render_slots([to_seconds(noon)], 30, "Africa/Monrovia", grade="confirmable"))[0]["start_at"]
    assert written == "1971-06-01T11:15:00-00:45"
    assert datetime.fromisoformat(written) == noon


def test_the_table_of_wall_times_has_an_end(monkeypatch):
    monkeypatch.setattr(rendering._WallTimes, "ROOM", 10)
    monkeypatch.setattr(rendering, "_WALL_TIMES", table := rendering._WallTimes())
    starts = list(range(0, 100 * 900, 900))
    assert render_slots(starts, 20, "Asia/Kolkata", grade="confirmable") == plainly(starts, 20, "Asia/Kolkata")
    assert 0 < len(table) <= 10
