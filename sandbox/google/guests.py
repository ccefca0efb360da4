"""What a guest does to an event on their own calendar. The one rule: a guest changes their own entry and fields; what
is everybody's changes only where the organizer allows it.

`guestsCanInviteOthers` is on unless it is turned off; `guestsCanModify` off unless it is turned on.
"""

from copy import deepcopy

from sandbox.google import errors
from sandbox.google.copies import answer_organizer, invite_through_organizer, schedule_change, write_to_organizer
from sandbox.google.event_fields import OWN, SHARED, attendee_emails, attendee_of, changed_fields, overlay
from sandbox.google.times import Json
from sandbox.google.validation import validate_event
from sandbox.google.world import Actor, Calendar, Event, GoogleWorld

# What a guest says about somebody they bring; the answer is that person's own.
_INTRODUCED = frozenset({"additionalGuests", "comment", "displayName", "email", "optional", "resource"})


def with_own_entry(held: Event, email: str, given: list[Json]) -> list[Json]:
    """The stored guests, with only this person's entry taken from `given`."""
    own = next((entry for entry in given if entry.get("email", "").lower() == email), None)
    listed: list[Json] = deepcopy(held.fields.get("attendees", []))
    for attendee in listed:
        if own is not None and attendee["email"] == email:
            attendee |= {name: value for name, value in own.items() if name not in {"self", "organizer", "email"}}
    return listed


def edit_as_guest(world: GoogleWorld, calendar: Calendar, held: Event, body: Json, actor: Actor) -> Event:
    """A guest may answer, keep their own fields, bring others if allowed - and change the rest only if allowed."""
    before = deepcopy(held.fields)
    wanted = _wanted(calendar, held, body)
    wanted = validate_event(wanted, calendar, world.accounts.get(calendar.id))
    shared = {name: wanted[name] for name in SHARED if name in wanted and wanted[name] != before.get(name)}
    shared.pop("status", None)
    brought = [entry for entry in wanted.get("attendees", ()) if entry["email"] not in attendee_emails(before)]
    may_modify = before.get("guestsCanModify", False)
    if (shared and not may_modify) or (brought and not may_modify and not before.get("guestsCanInviteOthers", True)):
        raise errors.for_organizer_only()
    fields = _own(before, body) | shared | {"status": wanted["status"]}
    if "attendees" in wanted:
        fields["attendees"] = wanted["attendees"]
    event = Event(fields, held.ordinal)
    earlier = schedule_change(held.schedule(), event)
    world.commit(calendar, event, "update", actor, before=earlier, changed=changed_fields(before, event.fields))
    entry = attendee_of(event, calendar.id)
    if entry is not None and entry != attendee_of(held, calendar.id):
        answer_organizer(world, calendar, event, entry, actor)
    if brought:
        invite_through_organizer(world, event, brought, actor)
    if shared:
        write_to_organizer(world, event, shared, actor)
    return event


def _wanted(calendar: Calendar, held: Event, body: Json) -> Json:
    """The event as the guest would have it, whether or not they may."""
    wanted = overlay(held.fields, {name: value for name, value in body.items() if name in SHARED | OWN}, replace=False)
    wanted["status"] = held.fields.get("status", "confirmed") if not held.cancelled else "confirmed"
    given = body.get("attendees")
    if given is not None:
        wanted["attendees"] = with_own_entry(held, calendar.id, given)
        if not body.get("attendeesOmitted"):
            wanted["attendees"] += _brought(held, given)
    return wanted


def _brought(held: Event, given: list[Json]) -> list[Json]:
    known = attendee_emails(held.fields)
    return [
        {name: value for name, value in entry.items() if name in _INTRODUCED}
        for entry in given
        if entry.get("email", "").lower() not in known
    ]


def _own(before: Json, body: Json) -> Json:
    """The fields with what is the guest's alone."""
    fields = overlay(before, {name: value for name, value in body.items() if name in OWN}, replace=False)
    properties = body.get("extendedProperties", {})
    if properties is None:
        properties = {"private": None}
    if "private" in properties:
        fields = overlay(fields, {"extendedProperties": {"private": properties["private"]}}, replace=False)
    return fields
