"""Busy spans out of what a calendar shows. Pure.

The one rule: an item that blocks and whose time cannot be read makes the calendar unknown, never free.
"""

from collections.abc import Iterable

from app.calendar import Busy, BusyTimes, Timed
from app.providers.ews.mapping import busy_of, span_of
from app.providers.ews.wire import Item


def busy_times(items: Iterable[Item], window: Timed) -> BusyTimes:
    """The spans that are not free, clipped to the window, rising; those that touch become one."""
    spans: list[Timed] = []
    for item in items:
        if busy_of(item) is Busy.FREE:
            continue
        span = span_of(item)
        if span is None:
            return BusyTimes(unknown="unreadable")
        start, end = max(span.start, window.start), min(span.end, window.end)
        if start < end:
            spans.append(Timed(start, end))
    return BusyTimes(tuple(_merged(spans)))


def _merged(spans: Iterable[Timed]) -> list[Timed]:
    merged: list[Timed] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Timed(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
