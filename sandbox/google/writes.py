"""Changes to events, whoever makes them: a client through the API or a person in the web page.

The one rule: an edit is decided on a copy and committed at once, so a refusal leaves nothing behind.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from sandbox.google import errors
from sandbox.google.conference import apply_conference, complete, is_pending
from sandbox.google.copies import answer_organizer, notify, propagate, schedule_change
from sandbox.google.event_fields import (
    SHARED,
    SIGNIFICANT,
    WRITABLE,
    attendee_of,
    changed_fields,
    is_organizer,
    overlay,
)
from sandbox.google.guests import edit_as_guest, with_own_entry
from sandbox.google.instances import exceptions_of, find_event, split_instance_id
from sandbox.google.recurrence import occurs
from sandbox.google.times import Json, read_when
from sandbox.google.validation import check_event_id, refuse_creation, validate_event
from sandbox.google.world import Actor, Calendar, Event, GoogleWorld

MatchEtag = Callable[[str], None]


@dataclass(frozen=True)
class Support:
    """What the client says it understands; the rest of its body is left alone."""

    conference_version: int = 0
    attachments: bool = False


def any_etag(etag: str) -> None:
    """The condition of a request without If-Match."""
    del etag


def insert_event(
    world: GoogleWorld,
    calendar: Calendar,
    body: Json,
    actor: Actor,
    *,
    support: Support,
    imported: bool = False,
    trusted: bool = False,
) -> Event:
    """Create an event. `imported` keeps its UID and organizer; `trusted` skips validation (damaged seeds)."""
    fields = {name: deepcopy(value) for name, value in body.items() if name in WRITABLE and value is not None}
    event_id = body.get("id") or world.new_event_id()
    if body.get("id") and not trusted:
        check_event_id(event_id)
    if event_id in calendar.events:
        raise errors.duplicate()  # the id of a deleted event stays taken
    if imported and any(
        event.fields.get("iCalUID") == body.get("iCalUID") and not event.cancelled for event in calendar.events.values()
    ):
        raise errors.duplicate()
    if not support.attachments:
        fields.pop("attachments", None)
    fields |= _identity(world, calendar, body, event_id, actor, imported=imported)
    fields.setdefault("status", "confirmed")
    fields.setdefault("reminders", {"useDefault": True})
    fields.setdefault("sequence", 0)
    if not trusted:
        refuse_creation(fields["eventType"])
        fields = validate_event(fields, calendar, world.accounts.get(calendar.id))
    apply_conference(fields, {}, version=support.conference_version, pending=world.knobs.conferences_pending)
    event = Event(fields)
    world.commit(calendar, event, "insert", actor)
    propagate(world, calendar, event, None, actor)
    notify(world, calendar, event, None, actor)
    return event


def _identity(
    world: GoogleWorld, calendar: Calendar, body: Json, event_id: str, actor: Actor, *, imported: bool
) -> Json:
    """What an event is told by: ids, people, kind."""
    person = world.accounts.get(actor.account)
    creator: Json = {"email": actor.account}
    if person is not None and person.email != calendar.id:
        creator["displayName"] = person.name
    organizer: Json = {"email": calendar.id}
    if not calendar.primary:
        organizer["displayName"] = calendar.summary
    if imported and body.get("organizer", {}).get("email"):
        organizer = {name: body["organizer"][name] for name in ("email", "displayName") if name in body["organizer"]}
        organizer["email"] = organizer["email"].lower()
    identity: Json = {
        "id": event_id,
        "iCalUID": body.get("iCalUID") or f"{event_id}@google.com",
        "creator": creator,
        "organizer": organizer,
        "eventType": body.get("eventType") or "default",
    }
    for name in ("birthdayProperties", "privateCopy"):
        if name in body:
            identity[name] = deepcopy(body[name])
    if identity["eventType"] == "birthday":
        identity["birthdayProperties"] = {"type": "birthday", **identity.get("birthdayProperties", {})}
    return identity


def complete_conferences(world: GoogleWorld) -> None:
    """Google has made the conferences that were pending: the events change, and nobody has touched them."""
    for calendar in world.calendars.values():
        for event in [event for event in calendar.events.values() if is_pending(event.fields)]:
            fields = deepcopy(event.fields)
            complete(fields)
            actor = Actor(calendar.owner, "propagation")
            world.commit(calendar, Event(fields, event.ordinal), "update", actor, changed=("conferenceData",))


def edit_event(
    world: GoogleWorld,
    calendar: Calendar,
    event_id: str,
    body: Json,
    actor: Actor,
    *,
    replace: bool,
    support: Support,
    match: MatchEtag = any_etag,
) -> Event:
    """Update (`replace`) or patch an event, or an instance, which thereby becomes an exception of its series."""
    held = find_event(calendar, event_id)
    if held is None:
        raise errors.not_found()
    match(held.etag)
    if body.get("status") == "cancelled" and not held.cancelled:
        return delete_event(world, calendar, event_id, actor)
    if held.cancelled and not replace and body.get("status") not in {"confirmed", "tentative"}:
        raise errors.deleted()
    _check_immutable(held, body)
    if not is_organizer(calendar, held):
        return edit_as_guest(world, calendar, held, body, actor)
    return _edit_as_organizer(world, calendar, held, body, actor, replace=replace, support=support)


def _check_immutable(held: Event, body: Json) -> None:
    for name in ("id", "recurringEventId", "iCalUID"):
        if body.get(name) and body[name] != held.fields.get(name):
            raise errors.invalid(
                "Invalid resource id value." if name == "id" else f"The field {name} cannot be changed."
            )
    if body.get("eventType") and body["eventType"] != held.fields.get("eventType", "default"):
        raise errors.event_type_restriction("The event type cannot be changed.")


def _edit_as_organizer(
    world: GoogleWorld,
    calendar: Calendar,
    held: Event,
    body: Json,
    actor: Actor,
    *,
    replace: bool,
    support: Support,
) -> Event:
    before = deepcopy(held.fields)
    body = _with_sequence(before, body)
    if body.get("attendeesOmitted"):
        # "can be used to only update the participant's response"
        body = {**body, "attendees": with_own_entry(held, calendar.id, body.get("attendees") or [])}
    if not support.attachments:
        body = {**body, "attachments": before.get("attachments")}
    fields = overlay(before, body, replace=replace)
    apply_conference(fields, before, version=support.conference_version, pending=world.knobs.conferences_pending)
    fields = validate_event(fields, calendar, world.accounts.get(calendar.id))
    changed = changed_fields(before, fields)
    if set(changed) & set(SIGNIFICANT):
        fields["sequence"] = max(fields.get("sequence", 0), before.get("sequence", 0) + 1)
        _ask_again(fields, body)
    old_schedule = held.schedule()
    event = Event(fields, held.ordinal)
    earlier = schedule_change(old_schedule, event)
    world.commit(calendar, event, "update", actor, before=earlier, changed=changed)
    if before.get("recurrence"):
        _follow_series(world, calendar, event, before, actor)
    propagate(world, calendar, event, before, actor)
    notify(world, calendar, event, before, actor)
    return event


def _with_sequence(before: Json, body: Json) -> Json:
    """The body with a sequence that has not gone back. Without one the stored number stays, in an update too."""
    held = before.get("sequence", 0)
    given = body.get("sequence")
    if given is not None and given < held:
        raise errors.invalid("Invalid sequence value.")
    return {**body, "sequence": held if given is None else given}


def _ask_again(fields: Json, body: Json) -> None:
    """A new time is a new question, unless the client brings the answers along."""
    if "attendees" in body:
        return
    organizer = fields.get("organizer", {}).get("email")
    for attendee in fields.get("attendees", ()):
        if attendee["email"] != organizer:
            attendee["responseStatus"] = "needsAction"


def _follow_series(world: GoogleWorld, calendar: Calendar, series: Event, before: Json, actor: Actor) -> None:
    """After a series changed, its exceptions follow where they had not gone their own way."""
    schedule = series.schedule()
    for exception in exceptions_of(calendar, series.id):
        earlier = deepcopy(exception.fields)
        original = read_when(exception.fields.get("originalStartTime"))
        if schedule is None or not series.recurring or original is None or not occurs(schedule, original):
            _drop_exception(world, calendar, exception, actor)
            continue
        if exception.cancelled:
            continue
        for name in (SHARED | {"attendees"}) - {"start", "end", "recurrence", "status"}:
            if exception.fields.get(name) == before.get(name) and before.get(name) != series.fields.get(name):
                if name in series.fields:
                    exception.fields[name] = deepcopy(series.fields[name])
                else:
                    exception.fields.pop(name, None)
        if exception.fields != earlier:
            world.commit(calendar, exception, "update", actor)
            propagate(world, calendar, exception, earlier, actor)


def _drop_exception(world: GoogleWorld, calendar: Calendar, exception: Event, actor: Actor) -> None:
    """Its series no longer has this instance. The client hears of it as of any cancelled instance."""
    if exception.cancelled:
        return
    earlier = deepcopy(exception.fields)
    exception.fields["status"] = "cancelled"
    world.commit(calendar, exception, "delete", actor)
    propagate(world, calendar, exception, earlier, actor)


# guests -------------------------------------------------------------------------------------


def respond(world: GoogleWorld, calendar: Calendar, event_id: str, response: str, actor: Actor) -> Event:
    """The owner of a calendar answers an invitation on it."""
    held = find_event(calendar, event_id)
    if held is None:
        raise errors.not_found()
    if attendee_of(held, calendar.id) is None:
        raise errors.invalid("The calendar's owner is not a guest of this event.")
    entry = {"email": calendar.id, "responseStatus": response}
    body = {"attendees": with_own_entry(held, calendar.id, [entry])}
    return edit_event(world, calendar, event_id, body, actor, replace=False, support=Support())


# the end ------------------------------------------------------------------------------------


def delete_event(
    world: GoogleWorld, calendar: Calendar, event_id: str, actor: Actor, *, match: MatchEtag = any_etag
) -> Event:
    """Cancel an event, a series with all it has, or one instance."""
    event = find_event(calendar, event_id)
    if event is None:
        raise errors.not_found()
    if event.cancelled:
        raise errors.deleted()
    match(event.etag)
    before = deepcopy(event.fields)
    organizing = is_organizer(calendar, event)
    event.fields["status"] = "cancelled"
    entry = attendee_of(event, calendar.id)
    if entry is not None and not organizing:
        entry["responseStatus"] = "declined"  # a guest who deletes an event declines it
    world.commit(calendar, event, "delete", actor)
    for exception in exceptions_of(calendar, event.id) if before.get("recurrence") else ():
        if not exception.cancelled:
            exception.fields["status"] = "cancelled"
            world.commit(calendar, exception, "delete", actor)
    if organizing:
        propagate(world, calendar, event, before, actor)
        notify(world, calendar, event, before, actor)
    elif entry is not None:
        answer_organizer(world, calendar, event, entry, actor)
    return event


def move_event(world: GoogleWorld, calendar: Calendar, destination: Calendar, event_id: str, actor: Actor) -> Event:
    """Change the organizer. The old calendar keeps a cancelled event of which only the id is sure."""
    held = find_event(calendar, event_id)
    if held is None or held.cancelled:
        raise errors.not_found()
    if held.series_id is not None or (split_instance_id(event_id) and event_id not in calendar.events):
        raise errors.invalid("Cannot move an instance of a recurring event.")
    if held.fields.get("eventType", "default") != "default":
        raise errors.event_type_restriction("Only default events can be moved.")
    if not is_organizer(calendar, held):
        raise errors.for_organizer_only()
    there = destination.events.get(event_id)
    if there is not None and not there.cancelled:
        raise errors.duplicate()
    organizer: Json = {"email": destination.id}
    if not destination.primary:
        organizer["displayName"] = destination.summary
    moved = [held, *exceptions_of(calendar, held.id)]
    for source in moved:
        before = deepcopy(source.fields)
        landed = Event({**deepcopy(source.fields), "organizer": organizer})
        source.fields["status"] = "cancelled"
        world.commit(calendar, source, "delete", actor)
        world.commit(destination, landed, "insert", actor)
        propagate(world, destination, landed, before, actor)
        notify(world, destination, landed, before, actor)
    return destination.events[event_id]
