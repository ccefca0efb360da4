"""A time zone as a VTIMEZONE component (RFC 5545 3.6.5), for calendar programs that do not know it by name. Pure.

The one rule: a change begins at the wall time the clocks would have shown without it. The library's own component has
the wall time after it, so that every change to summer time comes an hour late.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_MARGIN: Final = timedelta(days=400)


@lru_cache(maxsize=512)
def vtimezone(zone: str, year: int) -> Timezone:
    """The offsets of an IANA zone in a year and around it. The component is shared: read it only."""
    info = ZoneInfo(zone)
    first = datetime(year, 1, 1, tzinfo=UTC) - _MARGIN
    last = datetime(year, 12, 31, tzinfo=UTC) + _MARGIN
    component = Timezone()
    component.add("tzid", zone)
    component.add_component(_observance(first.astimezone(info), first.astimezone(info)))
    for change in _changes(info, first, last):
        component.add_component(_observance((change - _SECOND).astimezone(info), change.astimezone(info)))
    return component


def _changes(info: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The instants, in UTC, at which the clocks of a zone begin to show something else."""
    early = first
    while early < last:
        late = next_day = early + _DAY
        if _shown(info, early) != _shown(info, late):
            while late - early > _SECOND:
                middle = early + (late - early) // 2 // _SECOND * _SECOND
                early, late = (middle, late) if _shown(info, middle) == _shown(info, early) else (early, middle)
            yield late
        early = next_day


def _shown(info: ZoneInfo, moment: datetime) -> tuple[timedelta | None, timedelta | None, str | None]:
    local = moment.astimezone(info)
    return local.utcoffset(), local.dst(), local.tzname()


def _observance(before: datetime, after: datetime) -> TimezoneStandard | TimezoneDaylight:
    """What the clocks show from `after` on."""
    observance = TimezoneDaylight() if after.dst() else TimezoneStandard()
    offset = before.utcoffset()
    assert offset is not None
    observance.add("dtstart", (after.astimezone(UTC) + offset).replace(tzinfo=None))
    observance.add("tzoffsetfrom", offset)
    observance.add("tzoffsetto", after.utcoffset())
    observance.add("tzname", after.tzname())
    return observance
