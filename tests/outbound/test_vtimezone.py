"""Zones as components, read by dateutil, which shares no code with us."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical

from app.outbound.vtimezone import vtimezone

ZONES = [
    "Europe/Stockholm",
    "Europe/Dublin",  # its winter is the exception
    "America/New_York",
    "America/Sao_Paulo",  # no summer time any more
    "Australia/Lord_Howe",  # half an hour of it
    "Asia/Kathmandu",
    "Africa/Casablanca",  # the clocks follow Ramadan
    "Africa/Cairo",  # changes at midnight
    "Pacific/Chatham",
]


def clocks_by_dateutil(zone: str, year: int) -> object:
    return tzical(StringIO(vtimezone(zone, year).to_ical().decode())).get()


@pytest.mark.parametrize("zone", ZONES)
def test_another_reader_finds_the_offsets_of_the_zone(zone):
    clocks = clocks_by_dateutil(zone, 2026)
    wall = datetime(2026, 1, 1)  # noqa: DTZ001 - wall times are the point
    compared = 0
    while wall.year == 2026:
        local = wall.replace(tzinfo=ZoneInfo(zone))
        exists = local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall
        clear = local.utcoffset() == local.replace(fold=1).utcoffset()
        if exists and clear:
            assert wall.replace(tzinfo=clocks).utcoffset() == local.utcoffset(), wall
            compared += 1
        wall += timedelta(minutes=90)
    assert compared > 5800


def test_a_leap_forward_begins_at_the_time_it_skips():
    (spring,) = [
        part
        for part in vtimezone("Europe/Stockholm", 2026).subcomponents
        if part.name == "DAYLIGHT" and part["DTSTART"].dt.year == 2026
    ]
    assert spring["DTSTART"].to_ical() == b"20260329T020000"
    assert (spring["TZOFFSETFROM"].to_ical(), spring["TZOFFSETTO"].to_ical()) == ("+0100", "+0200")
