"""The events resource. The one rule: a handler checks what the reader's role allows, `writes` does the rest."""

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.instances import find_event
from sandbox.google.quick_add import read_sentence
from sandbox.google.resources import render
from sandbox.google.times import Json, find_zone
from sandbox.google.world import Calendar, Event, rank
from sandbox.google.writes import Support, delete_event, edit_event, insert_event, move_event


def get_event(call: Call) -> Answer:
    """Deleted events are found too, with their details."""
    calendar = call.calendar()
    event = find_event(calendar, call.path["eventId"])
    if event is None:
        raise errors.not_found()
    return call.unless_known(event.etag, render(event, calendar, call.reader(calendar)))


def insert(call: Call) -> Answer:
    calendar = call.calendar(at_least="writerWithoutPrivateAccess")
    _check_private(call, calendar, None)
    event = insert_event(call.world, calendar, call.body, call.actor, support=_support(call))
    return _answer(call, calendar, event)


def quick_add(call: Call) -> Answer:
    """An event from a sentence."""
    calendar = call.calendar(at_least="writerWithoutPrivateAccess")
    if not call.query["text"].strip():
        raise errors.required("Required parameter: text", "text")
    now = call.world.clock.now().astimezone(find_zone(calendar.time_zone)).replace(tzinfo=None)
    body = read_sentence(call.query["text"], now, calendar.time_zone)
    event = insert_event(call.world, calendar, body, call.actor, support=Support())
    return _answer(call, calendar, event)


def import_event(call: Call) -> Answer:
    """A private copy of an event that happens elsewhere."""
    calendar = call.calendar(at_least="writerWithoutPrivateAccess")
    if not call.body.get("iCalUID"):
        raise errors.required("Required parameter: iCalUID", "iCalUID")
    _check_takes_part(calendar, call.body)
    body = {**call.body, "eventType": "default", "privateCopy": True}
    event = insert_event(call.world, calendar, body, call.actor, support=_support(call), imported=True)
    return _answer(call, calendar, event)


def _check_takes_part(calendar: Calendar, body: Json) -> None:
    """Nobody imports what is others' alone. Without an organizer it is the calendar's own."""
    organizer: Json = body.get("organizer") or {}
    people = [{"email": organizer.get("email") or calendar.id}, *(body.get("attendees") or ())]
    if not {str(each.get("email")).lower() for each in people} & {calendar.id, calendar.owner}:
        raise errors.not_taking_part()


def patch(call: Call) -> Answer:
    return _edit(call, replace=False)


def update(call: Call) -> Answer:
    return _edit(call, replace=True)


def _edit(call: Call, *, replace: bool) -> Answer:
    calendar = call.calendar(at_least="writerWithoutPrivateAccess")
    event_id = call.path["eventId"]
    _check_private(call, calendar, find_event(calendar, event_id))
    event = edit_event(
        call.world,
        calendar,
        event_id,
        call.body,
        call.actor,
        replace=replace,
        support=_support(call),
        match=call.match_etag,
    )
    return _answer(call, calendar, event)


def delete(call: Call) -> Answer:
    calendar = call.calendar(at_least="writerWithoutPrivateAccess")
    event_id = call.path["eventId"]
    _check_private(call, calendar, find_event(calendar, event_id))
    delete_event(call.world, calendar, event_id, call.actor, match=call.match_etag)
    return Answer()


def move(call: Call) -> Answer:
    calendar = call.calendar(at_least="writer")
    destination = call.calendar(call.query["destination"], at_least="writer")
    event = move_event(call.world, calendar, destination, call.path["eventId"], call.actor)
    return _answer(call, destination, event)


def _answer(call: Call, calendar: Calendar, event: Event) -> Answer:
    return Answer(render(event, calendar, call.reader(calendar)), 200, {"etag": event.etag})


def _support(call: Call) -> Support:
    return Support(
        conference_version=call.query.get("conferenceDataVersion", 0),
        attachments=call.query.get("supportsAttachments", False),
    )


def _check_private(call: Call, calendar: Calendar, event: Event | None) -> None:
    """`writerWithoutPrivateAccess` neither makes nor changes private events."""
    if rank(call.role(calendar)) >= rank("writer"):
        return
    asked = call.body.get("visibility") in {"private", "confidential"}
    held = event is not None and call.reader(calendar).detail(event, calendar) == "times"
    if asked or held:
        raise errors.forbidden()
