"""Windows' zone names and IANA's."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from app.providers.windows_zones import IANA_NAMES
from app.providers.zones import iana_name, windows_name

_NO_WINDOWS_ZONE = {"Antarctica/Troll", "Factory", "localtime"}


@pytest.mark.parametrize("windows", sorted(IANA_NAMES))
def test_every_windows_zone_has_a_zone_of_ours_and_finds_back(windows):
    zone = iana_name(windows)
    assert zone in available_timezones()
    assert windows_name(zone) == windows
    assert iana_name(windows.upper()) == zone


def test_no_name_stands_for_two_zones():
    names = [name for group in IANA_NAMES.values() for name in group.split()]
    assert len(names) == len(set(names))


def test_the_zones_people_live_in_have_a_windows_name():
    """What is left is UTC by another name, the pole, and names from before there were continents."""
    nameless = {zone for zone in available_timezones() if windows_name(zone) == "UTC"}
    now = datetime(2026, 7, 1, tzinfo=UTC)
    always_utc = {zone for zone in nameless if not ZoneInfo(zone).utcoffset(now)}
    assert {zone for zone in nameless - always_utc if "/" in zone} - _NO_WINDOWS_ZONE == {
        "Europe/Uzhgorod",
        "Europe/Zaporozhye",
        "US/East-Indiana",
    }


@pytest.mark.parametrize(
    ("zone", "windows"),
    [
        ("Europe/Stockholm", "W. Europe Standard Time"),
        ("Europe/Kyiv", "FLE Standard Time"),
        ("Europe/Kiev", "FLE Standard Time"),
        ("Asia/Kolkata", "India Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
        ("UTC", "UTC"),
        ("Etc/UTC", "UTC"),
        (None, "UTC"),
        ("No/Such", "UTC"),
    ],
)
def test_what_outlook_calls_a_zone(zone, windows):
    assert windows_name(zone) == windows
