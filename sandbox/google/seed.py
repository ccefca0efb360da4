"""Fills an account with a working life, for demonstrations and tests. The one rule: one seed, one outcome.

Everything is done as the person would do it, through `writes`, so ledger, change log and guests' copies are right.
Only what a person cannot make (flights read from mail, damaged events) is stored as it is.
"""

import base64
import hashlib
import random
from collections import Counter
from datetime import date, timedelta

from sandbox.google.instances import Window, instances_of
from sandbox.google.seed_plan import (
    PLACES,
    birthdays,
    damaged,
    holidays,
    invitations,
    meetings,
    project_events,
    series,
    status_events,
    time_off,
)
from sandbox.google.times import Json, When, find_zone, read_when
from sandbox.google.world import Account, Actor, Calendar, Event, GoogleWorld
from sandbox.google.writes import Support, delete_event, edit_event, insert_event

DAYS_BACK, DAYS_AHEAD = 90, 210
HOLIDAYS_ID = "sv.swedish#holiday@group.v.calendar.google.com"
_SUPPORT = Support(conference_version=1)


def seed_account(world: GoogleWorld, account: Account, *, seed: int, around: date, with_damage: bool) -> Json:
    """Seed the profile "busy_professional". Returns how many events of which kind were made, by calendar."""
    sower = _Sower(world, account, seed, around)
    primary = world.calendars[account.email]
    first, last = around - timedelta(days=DAYS_BACK), around + timedelta(days=DAYS_AHEAD)
    for body in series(sower.random, first, account.time_zone):
        sower.disturb(primary, sower.insert(primary, body))
    bodies = [*meetings(sower.random, first, last, account.time_zone), *time_off(around), *birthdays(around)]
    if account.workspace:
        bodies += status_events(sower.random, first, last, account.time_zone)
    for body in bodies:
        sower.insert(primary, body)
    for body in invitations(sower.random, first, last, account.time_zone, account.email):
        sower.insert(primary, body, imported=True)
    project = sower.calendar("Project Atlas", "America/New_York", None)
    for body in project_events(sower.random, first, last):
        sower.insert(project, body)
    public = sower.calendar("Holidays in Sweden", "Europe/Stockholm", HOLIDAYS_ID)
    for body in holidays(around.year):
        sower.insert(public, body, imported=True)
    if with_damage:
        for body in damaged(around):
            sower.insert(primary, body, trusted=True)
    return {
        "seed": seed,
        "calendars": {
            calendar.id: dict(Counter(event.fields.get("eventType", "default") for event in calendar.events.values()))
            for calendar in (primary, project, public)
        },
    }


class _Sower:
    """Inserts events with ids that follow from seed and number."""

    def __init__(self, world: GoogleWorld, account: Account, seed: int, around: date) -> None:
        self.random = random.Random(f"{seed} {account.email}")  # noqa: S311 - repeatable on purpose
        self._world = world
        self._account = account
        self._seed = seed
        self._around = around
        self._count = 0
        self._actor = Actor(account.email, "human")

    def calendar(self, summary: str, zone: str, calendar_id: str | None) -> Calendar:
        """A further calendar of the person; one with a given id is public and only read."""
        if calendar_id is not None and calendar_id in self._world.calendars:
            held = self._world.calendars[calendar_id]
            self._world.share(held, self._account, "reader")
            return held
        return self._world.create_calendar(
            self._account,
            summary=summary,
            time_zone=zone,
            calendar_id=calendar_id,
            role="owner" if calendar_id is None else "reader",
        )

    def insert(self, calendar: Calendar, body: Json, *, imported: bool = False, trusted: bool = False) -> Event:
        self._count += 1
        digest = hashlib.sha256(f"{self._account.email} {self._seed} {self._count}".encode()).digest()
        event_id = base64.b32hexencode(digest).decode().lower()[:26]
        trusted = trusted or body.get("eventType") == "fromGmail"
        held = calendar.events.get(event_id)
        if held is not None:
            return held  # seeded before, by this seed
        return insert_event(
            self._world,
            calendar,
            {"iCalUID": f"{event_id}@google.com", **body, "id": event_id},
            self._actor,
            support=_SUPPORT,
            imported=imported,
            trusted=trusted,
        )

    def disturb(self, calendar: Calendar, event: Event) -> None:
        """Life happens to a series: instances are moved, cancelled, or get other guests."""
        zone = find_zone(calendar.time_zone)
        begin = When(self._around - timedelta(days=21), None, None).utc(calendar.time_zone).astimezone(zone)
        window = Window(begin, begin + timedelta(days=90))
        instances = list(instances_of(calendar, event, window))
        if len(instances) < 4:
            return
        moved, cancelled, changed = self.random.sample(instances, 3)
        self._move(calendar, moved)
        delete_event(self._world, calendar, cancelled.id, self._actor)
        guests = [*changed.fields.get("attendees", []), {"email": "guest.speaker@partner.example", "optional": True}]
        body: Json = {"location": self.random.choice(PLACES)}
        if changed.fields.get("attendees"):
            body["attendees"] = guests
        self._edit(calendar, changed.id, body)

    def _move(self, calendar: Calendar, instance: Event) -> None:
        start, end = read_when(instance.fields["start"]), read_when(instance.fields["end"])
        assert start is not None
        assert end is not None
        if start.instant is None or end.instant is None:
            return
        by = timedelta(hours=self.random.choice((1, 2, 25)))
        self._edit(
            calendar,
            instance.id,
            {
                "start": When(None, start.instant + by, start.zone).wire(),
                "end": When(None, end.instant + by, end.zone).wire(),
            },
        )

    def _edit(self, calendar: Calendar, event_id: str, body: Json) -> None:
        edit_event(self._world, calendar, event_id, body, self._actor, replace=False, support=_SUPPORT)
