"""Verdicts as the items of an answer, in the zone that was asked for. Pure.

The one rule: ids of calendars and bookings are told of the reader's own alone. The shapes are those of
`schemas`, made by hand, for a month has thousands of times.
"""

from typing import Any, Final
from uuid import UUID

from app.ids import encode_id
from app.scheduling.rendering import CONFIRMABLE, REQUEST_ONLY, LocalClock
from app.scheduling.report.explanation import Verdict
from app.scheduling.report.obstacles import Obstacle, Rule, Whose
from app.scheduling.report.openings import Change, FreeHost, Hours, Setting
from app.scheduling.slots.hours import Intervals, LocalInterval
from app.scheduling.slots.window import BookingWindow, DateRange, RollingDays, RollingWeeks

Item = dict[str, Any]
_NAMES: Final = {rule: rule.value for rule in Rule}  # to ask a member for its value costs more than all else of an item
_CALENDAR_CHANGES: Final = {
    Rule.CALENDAR_NOT_CONNECTED: "connect_calendar",
    Rule.CALENDAR_UNREACHABLE: "restore_calendar",
}


class ReportRendering:
    """Renders one report, for one reader. What is told of many times is made once."""

    def __init__(self, zone: str, duration_minutes: int, *, reader: UUID) -> None:
        self._clock = LocalClock(zone)
        self._duration = duration_minutes * 60
        self._reader = reader
        self._obstacles: dict[Obstacle, Item] = {}
        self._hours: dict[Intervals, list[Item]] = {}
        self._whose: dict[Whose, Item] = {}
        self._what: dict[Whose, Item] = {}

    def item(self, verdict: Verdict) -> Item:
        """What is told of one time."""
        start, opened_by = verdict.start, verdict.opened_by
        return {
            "start_at": self._clock[start],
            "end_at": self._clock[start + self._duration],
            "grade": None if verdict.closed_by else CONFIRMABLE if verdict.firm else REQUEST_ONLY,
            "closed_by": list(map(self._rule, verdict.closed_by)),
            "opened_by": None if opened_by is None else list(map(self._change, opened_by)),
        }

    def _rule(self, obstacle: Obstacle) -> Item:
        told = self._obstacles.get(obstacle)
        if told is None:
            told = self._obstacles[obstacle] = self._told(obstacle)
        return told

    def _told(self, obstacle: Obstacle) -> Item:
        if obstacle.whose is None:
            return {"rule": _NAMES[obstacle.rule]}
        if obstacle.taken is None:
            return {"rule": _NAMES[obstacle.rule], **self._of(obstacle.whose)}
        begin, end = obstacle.taken
        return {
            "rule": _NAMES[obstacle.rule],
            **self._what_of(obstacle.whose),
            "start_at": self._clock[begin],
            "end_at": self._clock[end],
        }

    def _change(self, change: Change) -> Item:
        if isinstance(change, Setting):
            return {"change": change.name, "value": change.value}
        if isinstance(change, Hours):
            override = {"day": change.day.isoformat(), "hours": self._hours_of(change.intervals)}
            return {"change": "date_override", "date_override": override}
        if isinstance(change, FreeHost):
            return self._free_host(change)
        return {"change": "booking_window", "booking_window": _window(change.window)}

    def _free_host(self, change: FreeHost) -> Item:
        if change.rule in _CALENDAR_CHANGES:
            return {"change": _CALENDAR_CHANGES[change.rule], **self._of(change.whose)}
        begin, end = change.during
        return {
            "change": "move_booking" if change.rule is Rule.BOOKED else "free_calendar",
            **self._what_of(change.whose),
            "start_at": self._clock[begin],
            "end_at": self._clock[end],
        }

    def _of(self, whose: Whose) -> Item:
        """The host, and the calendar if that is the reader's."""
        told = self._whose.get(whose)
        if told is None:
            own = None if whose.host_id != self._reader else whose.calendar_id
            calendar = None if own is None else encode_id("cal", own)
            told = self._whose[whose] = {"host_id": encode_id("usr", whose.host_id), "calendar_id": calendar}
        return told

    def _what_of(self, whose: Whose) -> Item:
        """The same with the booking."""
        told = self._what.get(whose)
        if told is None:
            own = None if whose.host_id != self._reader else whose.booking_id
            told = self._what[whose] = {
                **self._of(whose),
                "booking_id": None if own is None else encode_id("bkg", own),
            }
        return told

    def _hours_of(self, intervals: Intervals) -> list[Item]:
        told = self._hours.get(intervals)
        if told is None:
            told = self._hours[intervals] = [_interval(interval) for interval in intervals]
        return told


def _interval(interval: LocalInterval) -> Item:
    return {"start": _local_time(interval.start_minute), "end": _local_time(interval.end_minute)}


def _local_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _window(window: BookingWindow) -> Item:
    match window:
        case RollingDays(count):
            return {"kind": "rolling_days", "days": count}
        case RollingWeeks(count):
            return {"kind": "rolling_weeks", "weeks": count}
        case DateRange(first, last):
            return {"kind": "date_range", "first_day": first.isoformat(), "last_day": last.isoformat()}
