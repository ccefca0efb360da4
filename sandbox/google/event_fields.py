"""Which fields of an event a client may set, and how a body is laid over what is stored.

The one rule: a person's copy has shared fields, which are the organizer's, and own ones, which are the person's.
"""

from copy import deepcopy
from typing import Any

from sandbox.google.times import Json
from sandbox.google.world import Calendar, Event

# Of one copy only: reminders and the like are the person's own.
OWN = frozenset({"reminders", "colorId", "eventLabelId", "transparency", "visibility"})
_SHARED = (
    "summary description location start end recurrence status guestsCanInviteOthers guestsCanModify "
    "guestsCanSeeOtherGuests anyoneCanAddSelf attachments conferenceData source workingLocationProperties "
    "outOfOfficeProperties focusTimeProperties"
)
SHARED = frozenset(_SHARED.split())
_SPECIAL = frozenset({"attendees", "extendedProperties", "sequence"})
WRITABLE = OWN | SHARED | _SPECIAL
# A change of these is one the guests must hear of.
SIGNIFICANT = ("start", "end", "recurrence")


def merge_patch(stored: Any, patch: Any) -> Any:
    """JSON merge patch: objects merge, null removes, everything else (arrays too) replaces."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    merged = dict(stored) if isinstance(stored, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def overlay(stored: Json, body: Json, *, replace: bool) -> Json:
    """The fields after an update (`replace`) or a patch. What a client may not set stays as it is."""
    given = {name: value for name, value in body.items() if name in WRITABLE}
    if not replace:
        patched = merge_patch(stored, given)
        assert isinstance(patched, dict)
        return patched
    kept = {name: value for name, value in stored.items() if name not in WRITABLE}
    kept["sequence"] = stored.get("sequence", 0)
    fresh = {name: deepcopy(value) for name, value in given.items() if value is not None}
    # An update without a status makes a deleted event live again.
    return {"status": "confirmed", **kept, **fresh}


def changed_fields(before: Json, after: Json) -> tuple[str, ...]:
    names = (before.keys() | after.keys()) & WRITABLE
    return tuple(sorted(name for name in names if before.get(name) != after.get(name)))


def organizer_of(event: Event) -> str:
    return str(event.fields.get("organizer", {}).get("email", ""))


def is_organizer(calendar: Calendar, event: Event) -> bool:
    return organizer_of(event) == calendar.id


def attendee_of(event: Event, email: str) -> Json | None:
    for attendee in event.fields.get("attendees", ()):
        if attendee.get("email") == email:
            found: Json = attendee
            return found
    return None


def attendee_emails(fields: Json) -> set[str]:
    return {attendee["email"] for attendee in fields.get("attendees", ())}
