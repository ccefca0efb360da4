"""Dates and the series they belong to.

The one rule: dates know their series by its UID, which they share; Exchange tells a date no master's id. Where two
series share one, each date is asked whose it is.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import msgspec

from app.calendar import Timed
from app.providers.ews.wire import MASTER, OCCURRENCE, OCCURRENCES, Change, Item

_A_DAY: Final = timedelta(hours=12)
"""Between dates of one series, though one was moved, and clocks were."""

View = Callable[[str, Timed], Awaitable[tuple[Item, ...]]]


@dataclass(frozen=True, slots=True)
class Dates:
    """Items of a view, and what they cannot tell themselves: their series, the people, the zone they were made in."""

    items: tuple[Item, ...]
    masters: Iterable[Item] = ()
    beside: Mapping[str, Item] = field(default_factory=dict)
    """What was read besides, by id."""
    owners: Mapping[str, Item] = field(default_factory=dict)
    """The series of dates that their UID does not tell apart, by the id of the date."""
    _by_uid: Mapping[str | None, Item] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_uid", {master.uid: master for master in self.masters})

    @classmethod
    def of_series(cls, master: Item, dates: tuple[Item, ...]) -> "Dates":
        """All of them are known to be of this one."""
        return cls(dates, owners={date.id: master for date in dates})

    def of(self, item: Item) -> tuple[str | None, str | None]:
        """The zone and the series of an item."""
        master, known = self._master_of(item), self.beside.get(item.id)
        if master is not None:
            return master.zone, master.id
        return None if known is None else known.zone, None

    def peopled(self, item: Item) -> Item:
        """The item with those who take part: of a date that is as its series has it, those of the series."""
        return peopled(item, self._master_of(item) if item.kind == OCCURRENCE else self.beside.get(item.id))

    def _master_of(self, item: Item) -> Item | None:
        if item.kind not in OCCURRENCES:
            return None
        return self.owners.get(item.id) or (self._by_uid.get(item.uid) if item.uid else None)


def shared_uids(view: Iterable[Item]) -> frozenset[str | None]:
    """UIDs that more than one series seems to have: Exchange puts two dates of one series on no day, and lets a copy,
    imported twice or migrated, keep the UID of what it was copied from. Series of old programs have none: None.
    """
    starts = defaultdict[str | None, list[datetime]](list)
    for item in view:
        if item.kind in OCCURRENCES and item.start is not None:
            starts[item.uid].append(item.start)
    unnamed: frozenset[str | None] = frozenset({None} & starts.keys())
    return unnamed | frozenset(
        uid for uid, dates in starts.items() if any(b - a < _A_DAY for a, b in pairwise(sorted(dates)))
    )


def dates_of(master: Item, view: Iterable[Item]) -> tuple[Item, ...]:
    """The dates of one series in a view."""
    return tuple(item for item in view if item.kind in OCCURRENCES and item.uid == master.uid)


def peopled(item: Item, known: Item | None) -> Item:
    """The item with the people of another reading, if there is one, and its zone where it tells none itself."""
    if known is None:
        return item
    return msgspec.structs.replace(
        item,
        organizer=known.organizer or item.organizer,
        required=known.required,
        optional=known.optional,
        zone=item.zone or known.zone,
    )


class Announced:
    """Series that a page of changes has named, until somebody reads their dates.

    Exchange cannot expand one series alone: whoever wants its dates reads the calendar. A first synchronisation names
    all series at once, so the view that the first of them needs is kept for the others. It is as young as the changes
    that named them, and whatever happened since will be named by the next page, which ends it.
    """

    def __init__(self) -> None:
        self._masters: dict[tuple[str, str], Item] = {}
        self._views: dict[tuple[str, Timed], tuple[Item, ...]] = {}
        self._reading = asyncio.Lock()

    def add(self, calendar_id: str, changes: Iterable[Change]) -> None:
        """A page has come: remember the series it names, and forget every view."""
        self._views.clear()
        for change in changes:
            if change.item is not None and change.item.kind == MASTER:
                self._masters[calendar_id, change.id] = change.item
            else:
                self._masters.pop((calendar_id, change.id), None)

    def take(self, calendar_id: str, series_id: str) -> Item | None:
        """The series as it was named; the next time it has to be asked for."""
        return self._masters.pop((calendar_id, series_id), None)

    async def view(self, calendar_id: str, window: Timed, read: View) -> tuple[Item, ...]:
        """What the calendar shows, read once for all series that were named together."""
        async with self._reading:
            known = self._views.get((calendar_id, window))
            if known is None:
                known = await read(calendar_id, window)
                if self._masters:
                    self._views[calendar_id, window] = known
        if not self._masters:
            self._views.clear()
        return known

    def forget(self) -> None:
        """We changed something ourselves."""
        self._masters.clear()
        self._views.clear()
