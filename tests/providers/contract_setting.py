"""What the promises are tried on: a window, a way to say times by the person's clock, a draft, a follower.

The one rule: everything lies in spring 2027, so that no promise depends on the day the tests are run.
"""

from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import Attendee, EventDraft, Notify, Timed
from tests.providers.follower import Follower, times_of
from tests.providers.stage import HOME, Stage

WINDOW = Timed(datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))
GUEST = Attendee("grace@elsewhere.example", "Grace")
KEY = "booking 1: ä/?&="


def local(month: int, day: int, hour: int, minute: int = 0, *, minutes: int = 60) -> Timed:
    """A span by the person's clock on the wall."""
    start = datetime(2027, month, day, hour, minute, tzinfo=HOME).astimezone(UTC)
    return Timed(start, start + timedelta(minutes=minutes), HOME.key)


def draft(when: Timed | None = None, *guests: Attendee, title: str = "Intro call") -> EventDraft:
    return EventDraft(title, when or local(3, 3, 10), description="See you", location="Room 5", attendees=guests)


@pytest.fixture
def follower(stage):
    return Follower(stage.session, stage.calendar_id, WINDOW)


async def create(stage: Stage, wanted: EventDraft | None = None, *, key: str = KEY, notify: Notify = Notify.NOBODY):
    return await stage.session.create_event(stage.calendar_id, wanted or draft(), key=key, notify=notify)


async def dates_of(stage: Stage, series_id: str):
    found = stage.session.list_instances(stage.calendar_id, WINDOW, series_id=series_id)
    return sorted([event async for event in found], key=lambda event: event.when.start)


async def assert_in_step(stage: Stage, follower: Follower) -> None:
    """The follower's copy is the calendar."""
    await follower.catch_up()
    assert follower.times() == await times_of(stage.session, stage.calendar_id, WINDOW)
