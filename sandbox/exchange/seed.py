"""Fills a mailbox with a working life, for demonstrations and tests. The one rule: one seed, one outcome.

Everything is done as the person would do it, through `writes` and `replies`, so ledger, change log and ids are right.
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.exchange.errors import Refusal
from sandbox.exchange.items import Attendee, Item, Values, View
from sandbox.exchange.replies import respond
from sandbox.exchange.seed_plan import (
    PLACES,
    damaged,
    invitations,
    meetings,
    project_items,
    series,
    time_off,
)
from sandbox.exchange.world import Actor, ExchangeWorld, Folder, Mailbox
from sandbox.exchange.writes import create_item, delete_view, update_view

DAYS_BACK, DAYS_AHEAD = 90, 210
_NAMESPACE = uuid.UUID("b9a5c0de-52a6-4c7b-9a3c-0d3a3c2f7f11")


def seed_mailbox(
    world: ExchangeWorld, mailbox: Mailbox, *, seed: int, around: date, with_damage: bool
) -> dict[str, Any]:
    """Seed the profile "busy_professional". Returns how many items of which kind were made, by calendar."""
    sower = _Sower(world, mailbox, seed, around)
    home = mailbox.zone
    first, last = around - timedelta(days=DAYS_BACK), around + timedelta(days=DAYS_AHEAD)
    for values in series(sower.random, first, home):
        sower.disturb(sower.insert(mailbox.calendar, values))
    sower.insert_all(mailbox.calendar, meetings(sower.random, first, last, home))
    sower.insert_all(mailbox.calendar, time_off(around, home))
    guest = Attendee(mailbox.email, mailbox.name)
    for values, response in invitations(sower.random, first, last, home, guest):
        sower.receive(values, response)
    project = sower.calendar("Project Atlas")
    sower.insert_all(project, project_items(sower.random, first, last))
    if with_damage:
        sower.insert_all(mailbox.calendar, damaged(around, home))
    return {
        "seed": seed,
        "calendars": {
            folder.name: dict(Counter(View(item).kind for item in folder.items.values()))
            for folder in (mailbox.calendar, project)
        },
    }


class _Sower:
    """Inserts items with UIDs that follow from seed and number."""

    def __init__(self, world: ExchangeWorld, mailbox: Mailbox, seed: int, around: date) -> None:
        self.random = random.Random(f"{seed} {mailbox.email}")  # noqa: S311 - repeatable on purpose
        self._world = world
        self._mailbox = mailbox
        self._seed = seed
        self._around = around
        self._count = 0
        self._actor = Actor(mailbox.email, "human")
        self._seeded = {item.uid: item for folder in mailbox.folders.values() for item in folder.items.values()}

    def calendar(self, name: str) -> Folder:
        """A further calendar of the person, below their own."""
        mailbox = self._mailbox
        held = next((one for one in mailbox.children(mailbox.calendar) if one.name == name), None)
        return held or self._world.create_folder(mailbox, name, "IPF.Appointment", mailbox.calendar.number)

    def insert_all(self, folder: Folder, plan: Iterable[Values]) -> None:
        for values in plan:
            self.insert(folder, values)

    def insert(self, folder: Folder, values: Values) -> Item | None:
        """The new item, or None for one that was seeded before, by this seed."""
        self._count += 1
        uid = str(uuid.uuid5(_NAMESPACE, f"{self._mailbox.email} {self._seed} {self._count}"))
        if uid in self._seeded:
            return None
        if values.get("RequiredAttendees") or values.get("OptionalAttendees"):
            values["MeetingRequestWasSent"] = True
        return create_item(self._world, folder, {"UID": uid, **values}, self._actor, zone=self._mailbox.zone)

    def receive(self, values: Values, response: str) -> None:
        """An invitation came in, and was answered or not."""
        values |= {
            "MyResponseType": "NoResponseReceived",
            "LegacyFreeBusyStatus": "Tentative",
            "IntendedFreeBusyStatus": "Busy",
        }
        folder = self._mailbox.calendar
        item = self.insert(folder, values)
        if item is None or response == "NoResponseReceived":
            return
        if response == "Decline":
            # Kept on the calendar, as Outlook can: what one declined but wants to see.
            changes: Values = {"MyResponseType": "Decline", "LegacyFreeBusyStatus": "Free"}
            update_view(self._world, folder, View(item), changes, self._actor)
            return
        respond(self._world, folder, View(item), response, self._actor, send=False)

    def disturb(self, item: Item | None) -> None:
        """Life happens to a series: occurrences are moved, deleted, or get another place."""
        if item is None:
            return
        begin = self._mailbox.zone.to_utc(datetime.combine(self._around, datetime.min.time())) - timedelta(days=21)
        views = list(item.views_between(begin, begin + timedelta(days=90)))
        if len(views) < 4:
            return
        moved, deleted, changed = self.random.sample(views, 3)
        folder = self._mailbox.calendar
        self._move(folder, moved)
        delete_view(self._world, folder, deleted, self._actor)
        update_view(self._world, folder, changed, {"Location": self.random.choice(PLACES)}, self._actor)

    def _move(self, folder: Folder, view: View) -> None:
        by = timedelta(hours=self.random.choice((1, 2, 25)))
        changes: Values = {"Start": view.start + by, "End": view.end + by}
        try:
            update_view(self._world, folder, view, changes, self._actor)
        except Refusal:  # it would have passed its neighbour, so it was moved within its day
            changes = {"Start": view.start + timedelta(minutes=30), "End": view.end + timedelta(minutes=30)}
            update_view(self._world, folder, view, changes, self._actor)
