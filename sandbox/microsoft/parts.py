"""What hangs on an event or on one occurrence of a series: files, extensions.

The one rule: an occurrence notes what differs from its series, and that something of its series was taken from it.
"""

from typing import Literal

from sandbox.microsoft.attachments import Attachment
from sandbox.microsoft.copies import event_id_of
from sandbox.microsoft.times import Json
from sandbox.microsoft.views import View
from sandbox.microsoft.world import Actor, Calendar, Deviation, MicrosoftWorld

Part = Literal["attachments", "extensions"]


def store(
    world: MicrosoftWorld,
    calendar: Calendar,
    view: View,
    actor: Actor,
    *,
    part: Part,
    key: str,
    value: Attachment | Json | None,
) -> None:
    """Put it there, or take it (None) away."""
    item, day = view.item, view.day
    if day is not None:
        getattr(item.deviations.setdefault(day, Deviation()), part)[key] = value
    elif value is None:
        del getattr(item, part)[key]
    else:
        getattr(item, part)[key] = value
    world.commit(calendar, item, "update", actor, event_id=event_id_of(calendar, item, day), changed=(part,))
