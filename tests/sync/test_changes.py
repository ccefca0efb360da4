"""What a sync finds that somebody has to follow. The one rule: what we wrote ourselves, and know, is no news. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import Busy, Event, Timed
from app.sync.changes import Known, Topic, differing

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
OURS = "booking:1"


def event(etag: str | None, key: str | None = None) -> Event:
    return Event(id="one", when=Timed(START, START + timedelta(minutes=30)), busy=Busy.BUSY, etag=etag, key=key)


@pytest.mark.parametrize("key", [OURS, "task:1", None])
def test_r23_an_event_that_is_as_it_was_written_is_followed_by_nobody(key: str | None) -> None:
    before = {"one": Known("one", "v1", key)}
    assert differing(before, [event("v1", key)], people={"one": ["guest"]}, primary=True) == {}


@pytest.mark.parametrize(
    ("before", "after", "topic"),
    [
        (Known("one", "v1", OURS), event("v2", OURS), Topic.BOOKING),
        (Known("one", None, OURS), event(None, OURS), Topic.BOOKING),
        (Known("one", "v1", OURS), event("v1", None), Topic.MEETING),
        (Known("one", "v1", None), event("v1", "task:1"), Topic.TASK),
    ],
    ids=["another version", "no versions", "mark taken off", "mark put on"],
)
def test_r23_every_other_is_followed(before: Known, after: Event, topic: Topic) -> None:
    assert differing({"one": before}, [after], people={"one": []}, primary=True) == {"one": topic}


def test_r23_what_is_gone_is_followed() -> None:
    before = {"one": Known("one", "v1", OURS)}
    assert differing(before, [], people={}, primary=False) == {"one": Topic.BOOKING}
