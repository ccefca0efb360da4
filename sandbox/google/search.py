"""The filters of events.list that look into an event. The one rule: all filters given must match."""

from collections.abc import Iterator
from typing import Any

from sandbox.google import errors
from sandbox.google.world import Event


def matches_filters(event: Event, query: dict[str, Any]) -> bool:
    """iCalUID, eventTypes, extended properties and free text."""
    if "iCalUID" in query and event.fields.get("iCalUID") != query["iCalUID"]:
        return False
    if query.get("eventTypes") and event.fields.get("eventType", "default") not in query["eventTypes"]:
        return False
    for parameter, kind in (("privateExtendedProperty", "private"), ("sharedExtendedProperty", "shared")):
        held = event.fields.get("extendedProperties", {}).get(kind, {})
        for constraint in query.get(parameter, ()):
            name, separator, value = constraint.partition("=")
            if not separator or not name:
                raise errors.invalid_parameter(parameter, f"Invalid extended property constraint: '{constraint}'.")
            if held.get(name) != value:
                return False
    return "q" not in query or _mentions(event, query["q"])


def _mentions(event: Event, terms: str) -> bool:
    text = " ".join(_texts(event)).casefold()
    return all(term in text for term in terms.casefold().split())


def _texts(event: Event) -> Iterator[str]:
    fields = event.fields
    for name in ("summary", "description", "location"):
        yield str(fields.get(name, ""))
    for person in (fields.get("organizer", {}), *fields.get("attendees", ())):
        yield str(person.get("displayName", ""))
        yield str(person.get("email", ""))
    place = fields.get("workingLocationProperties", {})
    for name in ("buildingId", "deskId", "label"):
        yield str(place.get("officeLocation", {}).get(name, ""))
    yield str(place.get("customLocation", {}).get("label", ""))
