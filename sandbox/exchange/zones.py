"""Windows time zones: the names Exchange uses, the rules behind them, and their definitions on the wire.

The one rule: a zone is kept by the name its event came with; only for arithmetic is it an IANA zone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import get_global

from sandbox.exchange.markup import Markup, element
from sandbox.exchange.reading import Node
from sandbox.exchange.times import InvalidTime, duration, parse_duration

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Zones CLDR does not map, or maps to a name with another meaning.
_EXTRA = {"UTC": "Etc/UTC", "tzone://Microsoft/Utc": "Etc/UTC"}
_SAMPLE_YEAR = 2026


@dataclass(frozen=True)
class Zone:
    """A time zone by the name it goes under. Two zones are the same when their names are."""

    id: str
    rules: tzinfo

    def to_wall(self, instant: datetime) -> datetime:
        """The naive wall time of an instant."""
        return instant.astimezone(self.rules).replace(tzinfo=None)

    def to_utc(self, wall: datetime) -> datetime:
        """The instant of a naive wall time; one a clock change skips moves forward by the length of the gap."""
        return wall.replace(tzinfo=self.rules).astimezone(UTC)


UTC_ZONE = Zone("UTC", UTC)


@dataclass(frozen=True)
class Change:
    """A yearly clock change: the `occurrence`th weekday of a month (5: the last), at a wall time before the change."""

    month: int
    weekday: int
    occurrence: int
    at: timedelta


@dataclass(frozen=True)
class Rules:
    """What a zone does in a year. Biases are minutes to add to wall time to get UTC, as Windows counts."""

    standard_bias: int
    daylight_bias: int
    to_standard: Change | None
    to_daylight: Change | None


@lru_cache(maxsize=1)
def known_ids() -> dict[str, str]:
    """Windows names and the IANA zone of each."""
    return {**get_global("windows_zone_mapping"), **_EXTRA}


@lru_cache(maxsize=512)
def find_zone(zone_id: str) -> Zone | None:
    """The zone of a Windows name, or None for a name this server does not have."""
    iana = known_ids().get(zone_id)
    return Zone(zone_id, ZoneInfo(iana)) if iana is not None else None


@lru_cache(maxsize=512)
def zone_of_iana(name: str) -> Zone:
    """A zone of Windows that keeps the clock of an IANA zone. Raises KeyError where there is none."""
    for zone_id, iana in known_ids().items():
        if iana == name:
            return Zone(zone_id, ZoneInfo(iana))
    wanted = rules_of(ZoneInfo(name))
    for zone_id, iana in known_ids().items():
        if rules_of(ZoneInfo(iana)) == wanted:
            return Zone(zone_id, ZoneInfo(iana))
    raise KeyError(name)


def read_definition(node: Node) -> Zone | None:
    """The zone a `TimeZoneDefinition` means: by its name, or a fixed offset it spells out. None: neither is usable."""
    zone_id = node.attributes.get("Id") or node.attributes.get("Name") or ""
    zone = find_zone(zone_id)
    if zone is not None:
        return zone
    periods = node.at("t:Periods")
    if periods is None or len(periods.children) != 1:
        return None
    try:
        bias = parse_duration(periods.children[0].attributes.get("Bias", ""))
        return Zone(zone_id or "Customized Time Zone", timezone(-bias))
    except (InvalidTime, ValueError):
        return None


@lru_cache(maxsize=512)
def rules_of(zone: tzinfo, year: int = _SAMPLE_YEAR) -> Rules:
    """The rules a zone keeps in a year, found by looking at every day of it."""
    changes = list(_changes(zone, year))
    begin = datetime(year, 1, 1, tzinfo=UTC)
    if len(changes) != 2:
        bias = _bias(begin, zone)
        return Rules(bias, bias, None, None)
    (first, first_bias), (second, second_bias) = changes
    # Standard time is the one farther west: the larger bias.
    to_standard, to_daylight = (first, second) if first_bias > second_bias else (second, first)
    return Rules(max(first_bias, second_bias), min(first_bias, second_bias), to_standard, to_daylight)


def _changes(zone: tzinfo, year: int) -> "list[tuple[Change, int]]":
    found: list[tuple[Change, int]] = []
    moment = datetime(year, 1, 1, tzinfo=UTC)
    while moment.year == year:
        after = moment + timedelta(days=1)
        if _bias(after, zone) != _bias(moment, zone):
            low, high = moment, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _bias(middle, zone) == _bias(low, zone) else (low, middle)
            instant = high.replace(microsecond=0)
            found.append((_rule(instant - timedelta(minutes=_bias(moment, zone))), _bias(after, zone)))
        moment = after
    return found


def _bias(instant: datetime, zone: tzinfo) -> int:
    offset = instant.astimezone(zone).utcoffset() or timedelta()
    return -int(offset.total_seconds() // 60)


def _rule(wall: datetime) -> Change:
    """The yearly rule behind a change that happened at a wall time (told before the change)."""
    last = (wall + timedelta(days=7)).month != wall.month
    occurrence = 5 if last else (wall.day - 1) // 7 + 1
    return Change(wall.month, wall.weekday(), occurrence, timedelta(hours=wall.hour, minutes=wall.minute))


# on the wire ----------------------------------------------------------------------------------


def display_name(zone: Zone) -> str:
    """As Windows shows a zone: its offset and where it is."""
    bias = rules_of(zone.rules).standard_bias
    sign, minutes = ("-", bias) if bias > 0 else ("+", -bias)
    offset = f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}" if bias else "UTC"
    iana = known_ids().get(zone.id, zone.id)
    return f"({offset}) {iana.rpartition('/')[2].replace('_', ' ')}"


def definition(zone: Zone, *, name: str = "t:TimeZoneDefinition", full: bool = True) -> Markup:
    """A `TimeZoneDefinition`: only its name, or with periods and transitions as GetServerTimeZones tells them."""
    if not full:
        return element(name, Id=zone.id, Name=display_name(zone))
    rules = rules_of(zone.rules)
    if rules.to_daylight is None or rules.to_standard is None:
        period = _period("trule:Microsoft/Registry/", zone, "Standard", rules.standard_bias)
        group = _transitions("t:TransitionsGroup", "0", element("t:Transition", _to("Period", period)))
        periods = element("t:Periods", period)
    else:
        standard = _period("trule:Microsoft/Registry/", zone, "Standard", rules.standard_bias)
        daylight = _period("trule:Microsoft/Registry/", zone, "Daylight", rules.daylight_bias)
        periods = element("t:Periods", standard, daylight)
        group = _transitions(
            "t:TransitionsGroup", "0", _recurring(rules.to_daylight, daylight), _recurring(rules.to_standard, standard)
        )
    whole = element("t:Transitions", element("t:Transition", element("t:To", "0", Kind="Group")))
    groups = element("t:TransitionsGroups", group)
    return element(name, periods, groups, whole, Id=zone.id, Name=display_name(zone))


def _transitions(name: str, group_id: str, *transitions: Markup) -> Markup:
    return element(name, *transitions, Id=group_id)


def _period(prefix: str, zone: Zone, kind: str, bias: int) -> Markup:
    identifier = f"{prefix}{zone.id}/2006-{kind}"
    return element("t:Period", Bias=duration(timedelta(minutes=bias)), Name=kind, Id=identifier)


def _to(kind: str, period: Markup) -> Markup:
    return element("t:To", period.attributes["Id"], Kind=kind)


def _recurring(change: Change, period: Markup) -> Markup:
    occurrence = -1 if change.occurrence == 5 else change.occurrence
    return element(
        "t:RecurringDayTransition",
        _to("Period", period),
        element("t:TimeOffset", duration(change.at)),
        element("t:Month", str(change.month)),
        element("t:DayOfWeek", _WEEKDAYS[change.weekday]),
        element("t:Occurrence", str(occurrence)),
    )


def meeting_zone(zone: Zone) -> Markup:
    """The `MeetingTimeZone` of Exchange 2007's schema."""
    rules = rules_of(zone.rules)
    base = element("t:BaseOffset", duration(timedelta(minutes=rules.standard_bias)))
    if rules.to_daylight is None or rules.to_standard is None:
        return element("t:MeetingTimeZone", base, TimeZoneName=zone.id)
    offset = timedelta(minutes=rules.daylight_bias - rules.standard_bias)
    return element(
        "t:MeetingTimeZone",
        base,
        _time_change("t:Standard", rules.to_standard, timedelta()),
        _time_change("t:Daylight", rules.to_daylight, offset),
        TimeZoneName=zone.id,
    )


_INDEXES = ("First", "Second", "Third", "Fourth", "Last")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _time_change(name: str, change: Change, offset: timedelta) -> Markup:
    hours, minutes = divmod(int(change.at.total_seconds()) // 60, 60)
    return element(
        name,
        element("t:Offset", duration(offset)),
        element(
            "t:RelativeYearlyRecurrence",
            element("t:DaysOfWeek", _WEEKDAYS[change.weekday]),
            element("t:DayOfWeekIndex", _INDEXES[change.occurrence - 1]),
            element("t:Month", MONTHS[change.month - 1]),
        ),
        element("t:Time", f"{hours:02d}:{minutes:02d}:00"),
    )
