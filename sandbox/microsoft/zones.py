"""Time zone names as Microsoft Graph takes and gives them.

The one rule: a name is known only if Windows has it or Graph's page lists it; everything else is refused, as there.
https://learn.microsoft.com/graph/api/resources/datetimetimezone
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

# A legacy rule set in desktop Outlook: it has no name anybody else could look up.
CUSTOM = "tzone://Microsoft/Custom"
_LISTED = """
Etc/GMT+12 Etc/GMT+11 Pacific/Honolulu America/Anchorage America/Santa_Isabel America/Los_Angeles America/Phoenix
America/Chihuahua America/Denver America/Guatemala America/Chicago America/Mexico_City America/Regina America/Bogota
America/New_York America/Indiana/Indianapolis America/Caracas America/Asuncion America/Halifax America/Cuiaba
America/La_Paz America/Santiago America/St_Johns America/Sao_Paulo America/Argentina/Buenos_Aires America/Cayenne
America/Godthab America/Montevideo America/Bahia Etc/GMT+2 Atlantic/Azores Atlantic/Cape_Verde Africa/Casablanca Etc/GMT
Europe/London Atlantic/Reykjavik Europe/Berlin Europe/Budapest Europe/Paris Europe/Warsaw Africa/Lagos Africa/Windhoek
Europe/Bucharest Asia/Beirut Africa/Cairo Asia/Damascus Africa/Johannesburg Europe/Kyiv Europe/Kiev Europe/Istanbul
Asia/Jerusalem Asia/Amman Asia/Baghdad Europe/Kaliningrad Asia/Riyadh Africa/Nairobi Asia/Tehran Asia/Dubai Asia/Baku
Europe/Moscow Indian/Mauritius Asia/Tbilisi Asia/Yerevan Asia/Kabul Asia/Karachi Asia/Tashkent Asia/Kolkata Asia/Colombo
Asia/Kathmandu Asia/Almaty Asia/Dhaka Asia/Yekaterinburg Asia/Yangon Asia/Rangoon Asia/Bangkok Asia/Novosibirsk
Asia/Shanghai Asia/Krasnoyarsk Asia/Singapore Australia/Perth Asia/Taipei Asia/Ulaanbaatar Asia/Irkutsk Asia/Tokyo
Asia/Seoul Australia/Adelaide Australia/Darwin Australia/Brisbane Australia/Sydney Pacific/Port_Moresby
Australia/Hobart Asia/Yakutsk Pacific/Guadalcanal Asia/Vladivostok Pacific/Auckland Etc/GMT-12 Pacific/Fiji
Asia/Magadan Pacific/Tongatapu Pacific/Apia Pacific/Kiritimati UTC
"""
_IANA = frozenset(_LISTED.split())
# Of several Windows zones that are alike, CLDR gives this one to most of Europe.
_FIRST = frozenset({"W. Europe Standard Time"})
# Zones are taken for the same when they agree at this many weekly samples.
_SAMPLES = tuple(datetime(2025, 1, 1, tzinfo=UTC) + timedelta(weeks=week) for week in range(156))


@lru_cache(maxsize=1)
def _windows() -> dict[str, str]:
    """Windows names in lower case, with the zone each stands for (CLDR's windowsZones)."""
    return {name.lower(): zone for name, zone in get_global("windows_zone_mapping").items()}


@lru_cache(maxsize=2048)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone behind a name Graph knows, or None."""
    iana = _windows().get(name.lower()) or (name if name in _IANA else None)
    return None if iana is None else _load(iana)


def supported_zones(standard: str) -> list[tuple[str, str]] | None:
    """Every zone of the mailbox with the name people see, after `Windows` or `Iana`; None for another standard.

    People see an offset and a place, as in Windows, whose own texts are not for anybody else to have.
    """
    if standard.lower() == "iana":
        return [(name, name) for name in sorted(_IANA)]
    if standard.lower() != "windows":
        return None
    known = get_global("windows_zone_mapping")
    return [(str(windows), f"(UTC{_standard_offset(known[windows])}) {_place(known[windows])}") for windows in known]


def _place(iana: str) -> str:
    return iana.rpartition("/")[2].replace("_", " ")


def _standard_offset(iana: str) -> str:
    """`+01:00`, as it is without daylight saving."""
    offset = min((each for each in _offsets(iana) if each is not None), default=timedelta())
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@lru_cache(maxsize=2048)
def windows_name(name: str) -> str | None:
    """The Windows name for any zone, by its offsets; what Outlook would store. None for a zone nobody has."""
    known = get_global("windows_zone_mapping")
    for windows in known:
        if windows.lower() == name.lower():
            return str(windows)
    zone = _load(name)
    if zone is None:
        return None
    alike = [windows for windows, iana in known.items() if _same(zone, iana)]
    region = _region(name)
    alike.sort(key=lambda windows: (known[windows] != name, windows not in _FIRST, _region(known[windows]) != region))
    return str(alike[0]) if alike else None


def _region(iana: str) -> str:
    return iana.partition("/")[0]


@lru_cache(maxsize=1024)
def _offsets(iana: str) -> tuple[timedelta | None, ...]:
    zone = _load(iana)
    return () if zone is None else tuple(moment.astimezone(zone).utcoffset() for moment in _SAMPLES)


def _same(zone: ZoneInfo, iana: str) -> bool:
    return _offsets(zone.key) == _offsets(iana)


def _load(iana: str) -> ZoneInfo | None:
    if not iana or iana.startswith(("/", ".")):
        return None
    try:
        return ZoneInfo(iana)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
