"""What the control API of simulated Exchange takes of items, as bodies.

The one rule: a field nobody knows is refused. Ids have characters a path cannot carry, so they stand in bodies.
"""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Busy = Literal["Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RecurrenceBody(Body):
    """As `sandbox.exchange.recurrence.Recurrence` has it; `start` left out is the day of the item's start."""

    pattern: str
    start: date | None = None
    interval: int = 1
    days: list[str] = []
    index: str | None = None
    day_of_month: int | None = None
    month: int | None = None
    first_day: str | None = None
    end: date | None = None
    count: int | None = None


class ItemBody(Body):
    """What a person may say of an item. Times without an offset are wall times of `zone`, an IANA or Windows name.

    `zone_name` is how the item names its zone on the wire, for names a client may not know. An `organizer` other than
    the mailbox makes it an invitation from outside.
    """

    subject: str | None = None
    body: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    zone: str | None = None
    zone_name: str | None = None
    all_day: bool | None = None
    busy: Busy | None = None
    sensitivity: Literal["Normal", "Personal", "Private", "Confidential"] | None = None
    location: str | None = None
    required: list[str] | None = None
    optional: list[str] | None = None
    resources: list[str] | None = None
    organizer: str | None = None
    recurrence: RecurrenceBody | None = None
    categories: list[str] | None = None
    reminder_minutes: int | None = None
    uid: str | None = None


class Change(Body):
    id: str
    changes: ItemBody
    send: bool = False


class Deletion(Body):
    """`disposal` is DeleteItem's; `send` tells the guests."""

    id: str
    send: bool = False
    disposal: Literal["MoveToDeletedItems", "SoftDelete", "HardDelete"] = "MoveToDeletedItems"


class Copy(Body):
    """`changes` are made to the copy."""

    id: str
    changes: ItemBody = ItemBody()


class Move(Body):
    id: str
    calendar: str


class Answer(Body):
    """A guest answers. Without `attendee` it is the mailbox itself; else a guest outside, on the organizer's copy."""

    id: str
    response: Literal["Accept", "Tentative", "Decline"]
    attendee: str | None = None
    send: bool = True
