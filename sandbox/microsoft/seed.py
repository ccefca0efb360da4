"""Fills an account with a working life, for demonstrations and tests. The one rule: one seed, one outcome.

Everything is done as the person would do it in Outlook, so ledger, change log and guests' copies are right.
"""

import hashlib
import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

from sandbox.microsoft.copies import event_id_of
from sandbox.microsoft.outlook import Outlook
from sandbox.microsoft.seed_plan import (
    PLACES,
    invitations,
    meetings,
    project_events,
    series,
    time_off,
    where_i_work,
)
from sandbox.microsoft.times import Json, Window, seven_digits
from sandbox.microsoft.views import View, live_items, occurrences, whole
from sandbox.microsoft.world import Account, Calendar, Item, MicrosoftWorld

DAYS_BACK, DAYS_AHEAD = 90, 275


def seed_account(world: MicrosoftWorld, account: Account, *, seed: int, around: date) -> Json:
    """Seed the profile "busy_professional". Returns how many events of which kind were made, by calendar."""
    sower = _Sower(world, account, seed, around)
    primary, home = account.default, account.time_zone
    first, last = around - timedelta(days=DAYS_BACK), around + timedelta(days=DAYS_AHEAD)
    for body in series(sower.random, first, home):
        sower.disturb(primary, sower.create(primary, body))
    bodies = [*meetings(sower.random, first, last, home), *time_off(around, home), *where_i_work(first, last, home)]
    for body in bodies:
        sower.create(primary, body)
    for body in invitations(sower.random, first, last, home):
        sower.create(primary, body)
    project = sower.calendar("Project Atlas")
    for body in project_events(sower.random, first, last):
        sower.create(project, body)
    counted = {
        calendar.id_for(account): dict(Counter(whole(item).kind for item in live_items(calendar)))
        for calendar in (primary, project)
    }
    return {"seed": seed, "calendars": counted}


class _Sower:
    """Creates events with ids that follow from seed and number."""

    def __init__(self, world: MicrosoftWorld, account: Account, seed: int, around: date) -> None:
        self.random = random.Random(f"{seed} {account.email}")  # noqa: S311 - repeatable on purpose
        self._world = world
        self._account = account
        self._seed = seed
        self._around = around
        self._count = 0
        self._outlook = Outlook(world, account)

    def calendar(self, name: str) -> Calendar:
        """A further calendar of the person; one that is there already is used."""
        for calendar in self._account.calendars:
            if calendar.name == name and calendar.owner is self._account:
                return calendar
        return self._world.create_calendar(self._account, name=name, color="lightTeal")

    def create(self, calendar: Calendar, body: Json) -> Item:
        self._count += 1
        token = hashlib.sha256(f"{self._account.email} {self._seed} {self._count}".encode()).digest()[:16]
        held = calendar.items.get(token)
        return held if held is not None else self._outlook.create(calendar, body, token=token)

    def disturb(self, calendar: Calendar, item: Item) -> None:
        """Life happens to a series: occurrences are moved, deleted, or take place elsewhere."""
        if item.deviations or item.cancelled:
            return  # seeded before, by this seed
        begin = datetime.combine(self._around - timedelta(days=21), time(), UTC)
        found = list(occurrences(item, Window(begin, begin + timedelta(days=90))))
        if len(found) < 4:
            return
        moved, deleted, changed = self.random.sample(found, 3)
        if not item.span.all_day:
            by = timedelta(hours=self.random.choice((1, 2, 3)))
            self._edit(calendar, moved, {"start": _moment(moved.span.start + by), "end": _moment(moved.span.end + by)})
        self._outlook.delete(calendar, event_id_of(calendar, item, deleted.day))
        self._edit(calendar, changed, {"location": {"displayName": self.random.choice(PLACES)}})

    def _edit(self, calendar: Calendar, view: View, body: Json) -> None:
        self._outlook.edit(calendar, event_id_of(calendar, view.item, view.day), body)


def _moment(moment: datetime) -> Json:
    return {"dateTime": seven_digits(moment.replace(tzinfo=None)), "timeZone": "UTC"}
