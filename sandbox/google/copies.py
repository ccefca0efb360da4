"""Copies of one event on several calendars, and the mails about it.

The one rule: the organizer's copy is the truth. Guests' answers flow to it, shared fields flow from it.
"""

from copy import deepcopy

from sandbox.google.event_fields import OWN, attendee_emails, attendee_of, is_organizer, organizer_of
from sandbox.google.instances import exceptions_of, find_event
from sandbox.google.recurrence import Schedule
from sandbox.google.times import Json
from sandbox.google.world import Actor, Calendar, Event, GoogleWorld
from sandbox.ledger import Mail, MailKind

_NOT_COPIED = OWN | {"updated", "created", "extendedProperties", "attendeesOmitted"}


def propagate(world: GoogleWorld, calendar: Calendar, event: Event, before: Json | None, actor: Actor) -> None:
    """Bring the guests' copies in line after the organizer's copy changed; `before` is its earlier state."""
    if not is_organizer(calendar, event) or event.fields.get("privateCopy"):
        return
    now = set() if event.cancelled else attendee_emails(event.fields)
    ever = now | attendee_emails(event.fields) | (attendee_emails(before) if before else set())
    system = Actor(actor.account, "propagation", actor.request_id)
    for email in sorted(ever - {calendar.id}):
        target = world.primary(email)
        if target is None or target is calendar:
            continue
        if email in now:
            _write_copy(world, target, event, system)
        else:
            _cancel_copy(world, target, event, system)


def _write_copy(world: GoogleWorld, target: Calendar, event: Event, actor: Actor) -> None:
    held = target.events.get(event.id)
    if held is not None and held.fields.get("iCalUID") != event.fields.get("iCalUID"):
        return  # an unrelated event has this id there; Google would pick another, which nobody relies on
    fields = {name: deepcopy(value) for name, value in event.fields.items() if name not in _NOT_COPIED}
    shared = deepcopy(event.fields.get("extendedProperties", {}).get("shared"))
    properties: Json = {"shared": shared} if shared else {}
    if held is not None:
        fields |= {name: held.fields[name] for name in OWN | {"created"} if name in held.fields}
        private = held.fields.get("extendedProperties", {}).get("private")
        if private:
            properties["private"] = private
        if held.cancelled and (attendee_of(event, target.id) or {}).get("responseStatus") == "declined":
            fields["status"] = "cancelled"  # removed by the guest; it stays away until they answer otherwise
    else:
        fields["reminders"] = {"useDefault": True}
        for name in ("visibility", "transparency"):
            if name in event.fields:
                fields[name] = event.fields[name]
    if properties:
        fields["extendedProperties"] = properties
    if held is not None and _same(held.fields, fields):
        return
    before = held.schedule() if held is not None else None
    copy = Event(fields, held.ordinal if held is not None else 0)
    after = copy.schedule()
    world.commit(
        target, copy, "update" if held is not None else "insert", actor, before=before if before != after else None
    )


def _same(held: Json, fields: Json) -> bool:
    return {name: value for name, value in held.items() if name not in {"updated", "created"}} == {
        name: value for name, value in fields.items() if name not in {"updated", "created"}
    }


def _cancel_copy(world: GoogleWorld, target: Calendar, event: Event, actor: Actor) -> None:
    held = find_event(target, event.id)
    if held is None or held.cancelled or held.fields.get("iCalUID") != event.fields.get("iCalUID"):
        return
    for gone in (held, *(exceptions_of(target, held.id) if held.recurring else ())):
        if not gone.cancelled:
            gone.fields["status"] = "cancelled"
            world.commit(target, gone, "delete", actor)


def answer_organizer(world: GoogleWorld, calendar: Calendar, event: Event, entry: Json, actor: Actor) -> None:
    """Carry a guest's own entry to the organizer's copy and from there to everybody else's."""
    home = world.calendars.get(organizer_of(event))
    if home is None or home is calendar:
        return
    original = find_event(home, event.id)
    if original is None or original.cancelled:
        return
    listed = attendee_of(original, entry["email"])
    if listed is None or all(listed.get(name) == value for name, value in entry.items()):
        return
    before = deepcopy(original.fields)
    listed |= entry
    world.commit(home, original, "update", Actor(actor.account, "propagation", actor.request_id))
    propagate(world, home, original, before, actor)
    if actor.send_updates != "none":
        _mail(world, home, original, "reply", to=home.owner, sender=entry["email"])


def write_to_organizer(world: GoogleWorld, event: Event, changes: Json, actor: Actor) -> None:
    """A guest who may modify the event has done so: the organizer's copy takes the changes, the others follow."""
    home = world.calendars.get(organizer_of(event))
    original = find_event(home, event.id) if home is not None else None
    if home is None or original is None:
        return
    before, schedule = deepcopy(original.fields), original.schedule()
    original.fields |= deepcopy(changes)
    original.fields["sequence"] = original.fields.get("sequence", 0) + 1
    changed = schedule if schedule != original.schedule() else None
    system = Actor(actor.account, "propagation", actor.request_id)
    world.commit(home, original, "update", system, before=changed)
    propagate(world, home, original, before, actor)


def invite_through_organizer(world: GoogleWorld, event: Event, brought: list[Json], actor: Actor) -> None:
    """A guest brings others: the organizer's copy takes them on, and everybody's follows."""
    home = world.calendars.get(organizer_of(event))
    original = find_event(home, event.id) if home is not None else None
    if home is None or original is None or original.cancelled or event.fields.get("privateCopy"):
        return
    before = deepcopy(original.fields)
    known = attendee_emails(before)
    newcomers = [deepcopy(entry) for entry in brought if entry["email"] not in known]
    original.fields["attendees"] = [*original.fields.get("attendees", []), *newcomers]
    world.commit(home, original, "update", Actor(actor.account, "propagation", actor.request_id))
    propagate(world, home, original, before, actor)
    for entry in newcomers:
        if _is_told(world, entry["email"], actor):
            _mail(world, home, original, "invitation", to=entry["email"], sender=home.id)


# mails --------------------------------------------------------------------------------------


def notify(world: GoogleWorld, calendar: Calendar, event: Event, before: Json | None, actor: Actor) -> None:
    """Record what Google would mail the guests; `sendUpdates` decides whom."""
    if not is_organizer(calendar, event):
        return
    was_live = before is not None and before.get("status") != "cancelled"
    invited = attendee_emails(before) if was_live and before is not None else set()
    wanted = set() if event.cancelled else attendee_emails(event.fields)
    for email in sorted((invited | wanted) - {calendar.id}):
        if not _is_told(world, email, actor):
            continue
        kind: MailKind = "update" if email in invited & wanted else "invitation"
        if email not in wanted:
            kind = "cancellation"
        _mail(world, calendar, event, kind, to=email, sender=calendar.id)


def _is_told(world: GoogleWorld, email: str, actor: Actor) -> bool:
    outsider = world.primary(email) is None
    return actor.send_updates == "all" or (actor.send_updates == "externalOnly" and outsider)


def _mail(world: GoogleWorld, calendar: Calendar, event: Event, kind: MailKind, *, to: str, sender: str) -> None:
    start = event.fields.get("start", {})
    world.outbox.append(
        lambda seq: Mail(
            seq=seq,
            at=world.clock.now(),
            kind=kind,
            to=to,
            sender=sender,
            calendar=calendar.id,
            event_id=event.id,
            uid=str(event.fields.get("iCalUID", "")),
            summary=str(event.fields.get("summary", "")),
            sequence=int(event.fields.get("sequence", 0)),
            start=start.get("dateTime") or start.get("date"),
        )
    )


def schedule_change(before: Schedule | None, event: Event) -> Schedule | None:
    """The earlier schedule if it is no longer the event's."""
    return before if before != event.schedule() else None
