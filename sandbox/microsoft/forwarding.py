"""Invitations that are handed on. The one rule: who gets one is on the organizer's list, whoever handed it on.

Where the organizer is elsewhere, the invitation is mailed and no more is known of it. https://learn.microsoft.com/graph/api/event-forward
"""

from sandbox.microsoft import errors
from sandbox.microsoft.copies import event_id_of, mail_invitations, originals, propagate
from sandbox.microsoft.drafts import address_of, read_attendees
from sandbox.microsoft.times import Json
from sandbox.microsoft.views import View, view_of
from sandbox.microsoft.world import Actor, Calendar, Deviation, Item, MicrosoftWorld


def forward_event(world: MicrosoftWorld, calendar: Calendar, view: View, to: list[Json], actor: Actor) -> None:
    """Invite others to what is on a calendar. Raises GraphError."""
    if not to:
        raise errors.bad_recipients()
    invited = read_attendees(to, {})
    people = {address_of(each) for each in invited}
    if view.item.is_organizer:
        _add(world, calendar, view, invited, actor)
    else:
        for place, original in originals(world, view):
            seen = view_of(original, view.day)
            if seen is not None:
                _add(world, place, seen, invited, Actor(actor.account, "propagation", actor.request_id))
    mail_invitations(world, calendar, view, people)


def _add(world: MicrosoftWorld, calendar: Calendar, view: View, invited: list[Json], actor: Actor) -> None:
    """Put people on the organizer's list, and the meeting on their calendars."""
    listed = view.fields.get("attendees", [])
    known = {address_of(each) for each in listed} | {calendar.owner.email}
    new = [each for each in invited if address_of(each) not in known]
    if not new:
        return
    item = view.item
    _fields(item, view)["attendees"] = [*listed, *new]
    event_id = event_id_of(calendar, item, view.day)
    world.commit(calendar, item, "update", actor, event_id=event_id, changed=("attendees",))
    propagate(world, calendar, item, known, actor, unasked=known)


def _fields(item: Item, view: View) -> Json:
    if view.day is None:
        return item.fields
    return item.deviations.setdefault(view.day, Deviation()).fields
