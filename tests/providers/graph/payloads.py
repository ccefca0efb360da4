"""Events as Microsoft Graph sends them, to be varied by tests. Real ones in shape, with invented people."""

from typing import Any

from app.providers.graph.marks import KEY_PROPERTY, transaction_id

KEY = "booking-1"
MINE = "AAkALgAAmine="
SERIES = "AAkALgAAweekly="


def at(text: str, zone: str = "UTC") -> dict[str, str]:
    """A wall time as Graph writes one."""
    return {"dateTime": f"{text}.0000000", "timeZone": zone}


def person(address: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {"emailAddress": {"name": name or address, "address": address}, **more}


def guest(address: str, response: str = "none", kind: str = "required", **more: Any) -> dict[str, Any]:
    status = {"response": response, "time": "0001-01-01T00:00:00Z"}
    return person(address, type=kind, status=status, **more)


def marked(key: str = KEY) -> list[dict[str, str]]:
    """Our property; Exchange writes the GUID in its own case."""
    return [{"id": KEY_PROPERTY.replace("6e1cf3a4", "6E1CF3A4"), "value": key}]


def single(**changes: Any) -> dict[str, Any]:
    """A meeting of the calendar's person with one guest, all fields a real one has; None takes a field away."""
    event = {
        "@odata.etag": 'W/"wgMLBV3JBEOnWI9UGI4kTQADJmgusw=="',
        "id": MINE,
        "createdDateTime": "2026-03-01T11:59:58.3760425Z",
        "lastModifiedDateTime": "2026-02-22T19:58:19.2700000Z",
        "changeKey": "wgMLBV3JBEOnWI9UGI4kTQADJmgusw==",
        "categories": [],
        "transactionId": transaction_id(KEY, 0),
        "originalStartTimeZone": "W. Europe Standard Time",
        "originalEndTimeZone": "W. Europe Standard Time",
        "iCalUId": "040000008200E00074C5B7101A82E008000000002CFCE63DC56CDA01",
        "reminderMinutesBeforeStart": 15,
        "hasAttachments": False,
        "subject": "Quarterly review",
        "bodyPreview": "Agenda",
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "responseRequested": True,
        "seriesMasterId": "",
        "showAs": "busy",
        "type": "singleInstance",
        "isOnlineMeeting": True,
        "onlineMeetingProvider": "teamsForBusiness",
        "onlineMeetingUrl": "",
        "recurrence": ...,
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "body": {"contentType": "text", "content": "Agenda\r\nReview\r\n"},
        "start": at("2026-03-02T09:00:00"),
        "end": at("2026-03-02T10:00:00"),
        "location": {"displayName": "Room 5", "locationType": "default", "uniqueId": "Room 5"},
        "attendees": [guest("grace@example.com", "tentativelyAccepted"), guest("room5@example.com", kind="resource")],
        "organizer": person("ada@example.com", "Ada"),
        "onlineMeeting": {"joinUrl": "https://teams.microsoft.com/l/meetup-join/1"},
    }
    changed = {name: value for name, value in {**event, **changes}.items() if value is not None}
    return {name: None if value is ... else value for name, value in changed.items()}


def master(**changes: Any) -> dict[str, Any]:
    """A weekly series, listed with its first date."""
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "sunday"}
    weeks = {"type": "noEnd", "startDate": "2026-03-02", "recurrenceTimeZone": "W. Europe Standard Time"}
    recurrence = {"pattern": pattern, "range": weeks}
    return single(**{"id": SERIES, "type": "seriesMaster", "recurrence": recurrence, "transactionId": ..., **changes})


def stub(day: str = "2026-03-09", **changes: Any) -> dict[str, Any]:
    """A date of the series as a delta tells it."""
    row = {
        "@odata.type": "#microsoft.graph.event",
        "id": f"{SERIES}{day}",
        "seriesMasterId": SERIES,
        "type": "occurrence",
        "start": at(f"{day}T09:00:00"),
        "end": at(f"{day}T10:00:00"),
    }
    return {**row, **changes}


def occurrence(day: str = "2026-03-09", **changes: Any) -> dict[str, Any]:
    """A date of the series as a listing of instances tells it."""
    return single(**{**stub(day), "transactionId": ..., **changes})


def removed(event_id: str, reason: str = "deleted") -> dict[str, Any]:
    return {"id": event_id, "@removed": {"reason": reason}}


def page(*rows: Any, **more: Any) -> dict[str, Any]:
    """A page of a listing."""
    return {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Collection(event)",
        "value": list(rows),
        **more,
    }
