"""The contract's stage at another Graph: what a person does in Outlook, done to the mailbox itself.

The one rule: see `tests/providers/stage.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.calendar import AllDay, Busy, Timed, When
from app.providers.graph.provider import Office365Provider
from app.providers.graph.session import Office365Session
from tests.providers.another.graph.mailbox import Item, person
from tests.providers.another.graph.server import AnotherGraph
from tests.providers.another.graph.wire import Asked
from tests.providers.stage import HOME, Fault

ADA = "ada@example.com"
_SHOW_AS = {Busy.FREE: "free", Busy.TENTATIVE: "tentative", Busy.BUSY: "busy", Busy.OUT_OF_OFFICE: "oof"}
_WEEKLY = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "sunday"}
_WRITTEN = ("events", "calendars")
_READ = ("calendarView", "instances", "delta", "delta()")


@dataclass
class AnotherPerson:
    """One connected person."""

    graph: AnotherGraph
    provider: Office365Provider
    session: Office365Session
    shared_calendar_id: str

    @property
    def calendar_id(self) -> str:
        return self.graph.mailbox.home

    def add(
        self,
        when: When,
        *,
        busy: Busy = Busy.BUSY,
        weeks: int = 0,
        title: str = "Private",
        guests: Sequence[str] = (),
        private: bool = False,
    ) -> str:
        start, end, days = _span(when)
        minutes = int((end - start) / timedelta(minutes=1))
        members: dict[str, Any] = {"subject": title, "showAs": _SHOW_AS[busy], "isAllDay": days}
        members |= {"attendees": [person(one) for one in guests], "sensitivity": "private" if private else "normal"}
        if weeks:
            return self.graph.mailbox.add_series(_weeks(start, weeks), _WEEKLY, minutes, **members).id
        return self.graph.mailbox.add(start, minutes, **members).id

    def free(self, event_id: str) -> None:
        self._change(event_id, showAs="free")

    def copy(self, event_id: str) -> str:
        item = self._item(event_id)
        members = {word: value for word, value in item.members.items() if word != "transactionId"}
        minutes = (item.end - item.start) / timedelta(minutes=1)
        return self.graph.mailbox.add(item.start, minutes, marks=dict(item.marks), **members).id

    def add_to_shared(self, when: When) -> None:
        start, end, days = _span(when)
        minutes = (end - start) / timedelta(minutes=1)
        self.graph.mailbox.add(start, minutes, calendar=self.shared_calendar_id, isAllDay=days, isOrganizer=False)

    def invite(self, when: When) -> str:
        start, end, _ = _span(when)
        alan = person("alan@elsewhere.example") | {"status": {"response": "accepted"}}
        members = {"attendees": [person(ADA), alan], "organizer": person("boss@example.com"), "showAs": "tentative"}
        answer = {"isOrganizer": False, "responseStatus": {"response": "notResponded"}}
        return self.graph.mailbox.add(start, (end - start) / timedelta(minutes=1), **members, **answer).id

    def move(self, event_id: str, when: Timed) -> None:
        item = self._item(event_id)
        starts = _weeks(when.start, len(item.dates))
        for date_item, start in zip(item.dates.values(), starts, strict=True):
            date_item.start, date_item.end, date_item.type = start, start + (when.end - when.start), "occurrence"
        self._change(event_id, start=when.start, end=when.end, isAllDay=False)

    def make_all_day(self, event_id: str, days: AllDay) -> None:
        start, end, _ = _span(days)
        self._change(event_id, start=start, end=end, isAllDay=True)

    def make_single(self, series_id: str) -> None:
        item = self._item(series_id)
        item.type, item.dates = "singleInstance", {}
        self._change(series_id, recurrence=None)

    def delete(self, event_id: str) -> None:
        self.graph.mailbox.remove(self._item(event_id))

    def answers_as_seen_by_organizer(self, event_id: str) -> dict[str, str]:
        answer = self._item(event_id).members["responseStatus"]["response"]
        return {ADA: "none" if answer == "notResponded" else answer, "alan@elsewhere.example": "accepted"}

    def guest_answers(self, event_id: str, email: str, answer: str) -> None:
        item = self._item(event_id)
        guests = item.members.get("attendees")
        if guests is None and item.master:
            guests = self._item(item.master).members["attendees"]
        told = {"status": {"response": answer, "time": "2027-01-01T00:00:00Z"}}
        self._change(
            event_id,
            attendees=[one | told if one["emailAddress"].get("address") == email else one for one in guests or ()],
        )

    def own_calendars(self) -> dict[str, str]:
        return {one["id"]: one["name"] for one in self.graph.mailbox.calendars.values() if one["canShare"]}

    def rename_calendar(self, calendar_id: str, name: str) -> None:
        self.graph.mailbox.calendars[calendar_id]["name"] = name

    def delete_calendar(self, calendar_id: str) -> None:
        del self.graph.mailbox.calendars[calendar_id]

    def live_events(self) -> Sequence[str]:
        return [item.id for item in self.graph.mailbox.items.values() if item.calendar == self.calendar_id]

    def mailed(self, event_id: str) -> Sequence[str]:
        del event_id
        return [to for _, to in self.graph.events.mailed]

    def page_size(self, rows: int) -> None:
        """Pages are as small as this already, and smaller."""
        assert rows > 0

    def strike(self, fault: Fault, *, write: bool) -> None:
        def once(asked: Asked) -> Fault | None:
            last = asked.path.rpartition("/")[2].rpartition(".")[2]
            if write:
                struck = asked.method != "GET" and (last in _WRITTEN or asked.path.split("/")[-2] == "events")
            else:
                struck = asked.method == "GET" and last in _READ
            if not struck:
                return None
            self.graph.fault = lambda asked: None
            return fault

        self.graph.fault = once

    def strike_busy(self) -> None:
        self.graph.strikes.append(self.graph.refused(403, "ErrorAccessDenied"))

    def expire_cursors(self) -> None:
        self.graph.tracking.expire(410, "SyncStateNotFound")

    def expire_access_token(self) -> None:
        self.graph.sign_in.access.clear()

    def revoke(self) -> None:
        self.graph.sign_in.dead = 50173
        self.expire_access_token()

    def unshare(self) -> None:
        del self.graph.mailbox.calendars[self.shared_calendar_id]

    def _item(self, event_id: str) -> Item:
        item = self.graph.mailbox.find(event_id)
        assert item is not None
        return item

    def _change(self, event_id: str, **members: Any) -> None:
        self.graph.mailbox.change(self._item(event_id), **members)


def _span(when: When) -> tuple[datetime, datetime, bool]:
    if isinstance(when, AllDay):
        return _midnight(when.start), _midnight(when.end), True
    return when.start, when.end, False


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _weeks(start: datetime, weeks: int) -> list[datetime]:
    """By the clock on the wall."""
    first = start.astimezone(HOME)
    return [(first + timedelta(weeks=week)).astimezone(UTC) for week in range(weeks)]
