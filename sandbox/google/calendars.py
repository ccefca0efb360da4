"""The calendars resource. The one rule: a primary calendar is cleared but never deleted, any other the reverse."""

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.event_fields import merge_patch
from sandbox.google.resources import collection_etag
from sandbox.google.times import Json, find_zone
from sandbox.google.world import Calendar
from sandbox.google.writes import delete_event

_CONFERENCES = {"allowedConferenceSolutionTypes": ["hangoutsMeet"]}


def render_calendar(calendar: Calendar) -> Json:
    body: Json = {
        "kind": "calendar#calendar",
        "etag": calendar_etag(calendar),
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "conferenceProperties": _CONFERENCES,
    }
    for name, value in (("description", calendar.description), ("location", calendar.location)):
        if value:
            body[name] = value
    if calendar.owner and not calendar.primary:
        body["dataOwner"] = calendar.owner
    return body


def calendar_etag(calendar: Calendar) -> str:
    return collection_etag(calendar.id, calendar.version, calendar.summary, calendar.time_zone)


def get_calendar(call: Call) -> Answer:
    calendar = call.calendar()
    return call.unless_known(calendar_etag(calendar), render_calendar(calendar))


def insert_calendar(call: Call) -> Answer:
    if not call.body.get("summary"):
        raise errors.required("Missing title.")
    zone = _zone(call.body) or "UTC"
    calendar = call.world.create_calendar(
        call.account, summary=call.body["summary"], time_zone=zone, created_by_app=True
    )
    calendar.description = call.body.get("description")
    calendar.location = call.body.get("location")
    return Answer(render_calendar(calendar))


def patch_calendar(call: Call) -> Answer:
    return _edit(call, replace=False)


def update_calendar(call: Call) -> Answer:
    return _edit(call, replace=True)


def _edit(call: Call, *, replace: bool) -> Answer:
    calendar = call.calendar(at_least="owner")
    call.match_etag(calendar_etag(calendar))
    held = {
        "summary": calendar.summary,
        "description": calendar.description,
        "location": calendar.location,
        "timeZone": calendar.time_zone,
    }
    fields = merge_patch({} if replace else held, call.body)
    if not fields.get("summary"):
        raise errors.required("Missing title.")
    calendar.time_zone = _zone(fields) or calendar.time_zone
    calendar.summary = fields["summary"]
    calendar.description, calendar.location = fields.get("description"), fields.get("location")
    call.world.calendar_changed(calendar)
    return Answer(render_calendar(calendar))


def _zone(fields: Json) -> str | None:
    zone: str | None = fields.get("timeZone")
    if zone is not None and find_zone(zone) is None:
        raise errors.invalid("Invalid time zone.", "timeZone")
    return zone


def delete_calendar(call: Call) -> Answer:
    calendar = call.calendar(at_least="owner")
    if calendar.primary:
        raise errors.GoogleError(400, "cannotDeletePrimaryCalendar", "The primary calendar cannot be deleted.")
    call.match_etag(calendar_etag(calendar))
    call.world.delete_calendar(calendar)
    return Answer()


def clear_calendar(call: Call) -> Answer:
    """Delete all events of the person's primary calendar."""
    calendar = call.calendar(at_least="owner")
    if not calendar.primary:
        raise errors.invalid("Invalid Value")
    for event in list(calendar.events.values()):
        if not event.cancelled:
            delete_event(call.world, calendar, event.id, call.actor)
    return Answer()
