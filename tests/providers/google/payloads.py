"""Events as Google sends them, to be varied by tests. Copied in shape from real answers, with invented people."""

from typing import Any

PERSON = "ada@example.com"


def single(**changes: Any) -> dict[str, Any]:
    """A meeting of the calendar's person with one guest, all fields a real one has."""
    event = {
        "kind": "calendar#event",
        "etag": '"3480508598540894"',
        "id": "c4p3gchl6ss36b9gcgo64b9kcdh64b9o",
        "status": "confirmed",
        "htmlLink": "https://www.google.com/calendar/event?eid=abc",
        "created": "2026-02-22T19:58:05.000Z",
        "updated": "2026-02-22T19:58:19.270Z",
        "summary": "Quarterly review",
        "description": "<b>Agenda</b>",
        "location": "Room 5",
        "creator": {"email": PERSON, "self": True},
        "organizer": {"email": PERSON, "displayName": "Ada", "self": True},
        "start": {"dateTime": "2026-03-02T10:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-03-02T11:00:00+01:00", "timeZone": "Europe/Berlin"},
        "iCalUID": "c4p3gchl6ss36b9gcgo64b9kcdh64b9o@google.com",
        "sequence": 1,
        "attendees": [
            {"email": PERSON, "organizer": True, "self": True, "responseStatus": "accepted"},
            {"email": "grace@example.com", "displayName": "Grace", "responseStatus": "tentative"},
            {"email": "room5@resource.calendar.google.com", "resource": True, "responseStatus": "accepted"},
        ],
        "hangoutLink": "https://meet.google.com/abc-defg-hij",
        "conferenceData": {
            "entryPoints": [
                {"entryPointType": "video", "uri": "https://meet.google.com/abc-defg-hij", "label": "meet.google.com"},
                {"entryPointType": "phone", "uri": "tel:+1-000-000-0000", "pin": "1"},
            ],
            "conferenceId": "abc-defg-hij",
        },
        "extendedProperties": {"private": {"calendar_connect_key": "booking-1", "other": "x"}},
        "reminders": {"useDefault": True},
        "eventType": "default",
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not None}


def master(**changes: Any) -> dict[str, Any]:
    """A weekly series."""
    return single(
        **{
            "id": "weekly",
            "recurrence": ["EXDATE;TZID=Europe/Berlin:20260316T100000", "RRULE:FREQ=WEEKLY;BYDAY=MO"],
            "extendedProperties": None,
            **changes,
        }
    )


def exception(date: str = "20260309", **changes: Any) -> dict[str, Any]:
    """One date of the series that was moved."""
    return single(
        **{
            "id": f"weekly_{date}T090000Z",
            "recurringEventId": "weekly",
            "originalStartTime": {
                "dateTime": f"{date[:4]}-{date[4:6]}-{date[6:]}T10:00:00+01:00",
                "timeZone": "Europe/Berlin",
            },
            "extendedProperties": None,
            **changes,
        }
    )


def cancelled_exception(date: str = "20260309") -> dict[str, Any]:
    """One date that was taken out of the series; all that Google promises to tell of it."""
    return {
        "id": f"weekly_{date}T090000Z",
        "status": "cancelled",
        "recurringEventId": "weekly",
        "originalStartTime": {"dateTime": f"{date[:4]}-{date[4:6]}-{date[6:]}T10:00:00+01:00"},
    }


def page(*items: Any, **more: Any) -> dict[str, Any]:
    """A page of a listing."""
    return {"kind": "calendar#events", "timeZone": "Europe/Berlin", "items": list(items), **more}
