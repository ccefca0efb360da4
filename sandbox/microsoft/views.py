"""What there is to see of an item: a single event, a series, or one of its occurrences.

The one rule: an occurrence is stored only in so far as it deviates; everything else it takes from its series.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sandbox.microsoft.attachments import Attachment
from sandbox.microsoft.ids import occurrence_uid
from sandbox.microsoft.recurrence import days_within, occurs
from sandbox.microsoft.times import Json, Span, Window
from sandbox.microsoft.world import Calendar, Deviation, Item

Kind = Literal["singleInstance", "seriesMaster", "occurrence", "exception"]


@dataclass(frozen=True)
class View:
    """One event as a client gets it. `day` names the occurrence; `original` is when the rule has it."""

    item: Item
    kind: Kind
    fields: Json
    span: Span
    day: date | None = None
    original: Span | None = None

    @property
    def uid(self) -> str:
        return self.item.uid if self.day is None else occurrence_uid(self.item.uid, self.day)

    @property
    def properties(self) -> dict[str, str]:
        """Extended properties: the series' and what the occurrence adds."""
        return {**self.item.properties, **self._deviation.properties}

    @property
    def lists(self) -> dict[str, list[str]]:
        """Those with many values, likewise."""
        found = {**self.item.lists, **self._deviation.lists}
        return {name: values for name, values in found.items() if values}

    @property
    def extensions(self) -> dict[str, Json]:
        """Open extensions, likewise."""
        found = {**self.item.extensions, **self._deviation.extensions}
        return {name: extension for name, extension in found.items() if extension is not None}

    @property
    def attachments(self) -> dict[str, Attachment]:
        """Files, likewise."""
        found = {**self.item.attachments, **self._deviation.attachments}
        return {key: attachment for key, attachment in found.items() if attachment is not None}

    @property
    def _deviation(self) -> Deviation:
        found = self.item.deviations.get(self.day) if self.day is not None else None
        return found or Deviation()


def whole(item: Item) -> View:
    """The item itself: a single event or a series."""
    return View(item, "seriesMaster" if item.recurrence else "singleInstance", item.fields, item.span)


def occurrence(item: Item, day: date) -> View | None:
    """The occurrence of a series on a day of its own zone; None if there is none, or none any more."""
    if item.recurrence is None or day in item.cancelled or not occurs(item.recurrence, item.span.day, day):
        return None
    return _occurrence(item, day)


def _occurrence(item: Item, day: date) -> View:
    by_rule = item.span.on(day)
    deviation = item.deviations.get(day)
    if deviation is None:
        return View(item, "occurrence", item.fields, by_rule, day, by_rule)
    fields = {**item.fields, **deviation.fields}
    return View(item, "exception", fields, deviation.span or by_rule, day, by_rule)


def view_of(item: Item, day: date | None) -> View | None:
    return whole(item) if day is None else occurrence(item, day)


def occurrences(item: Item, window: Window) -> Iterator[View]:
    """The occurrences of a series within a window, moved ones where they are now; in order of their rule's days."""
    assert item.recurrence is not None
    by_rule = set(days_within(item.recurrence, item.span, window))
    moved = {day for day, deviation in item.deviations.items() if deviation.span is not None}
    for day in sorted(by_rule | moved):
        if day in item.cancelled:
            continue
        found = _occurrence(item, day)
        if window.holds(found.span):
            yield found


def expand(item: Item, window: Window) -> Iterator[View]:
    """All that a calendar view shows of an item."""
    if item.recurrence is not None:
        yield from occurrences(item, window)
    elif window.holds(item.span):
        yield whole(item)


def live_items(calendar: Calendar) -> list[Item]:
    return [item for item in calendar.items.values() if not item.deleted]
