"""From our words to Google's: ids, marks and bodies of the events we write. Pure.

The one rule: an event's id comes from its key, so that the same wish can never make two events; and a guest whom
somebody else invited is never lost by a write of ours.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.calendar import Attendee, EventDraft, Notify, Timed, normalised
from app.providers.base import ProviderError
from app.providers.google.mapping import KEY_PROPERTY, RESPONSE_STATUS
from app.providers.google.refusals import NoZone
from app.providers.google.wire import Standing
from app.providers.texts import escaped

_GUESTS_PROPERTY = "calendar_connect_guests"
"""Short hashes of the addresses we invited: what tells a guest we dropped from one the host added by hand."""
_FREE_PROPERTY = "calendar_connect_free"
_FREE, _TAKEN_BACK = "yes", "no"
"""Whether it was us who made the event block no time: what a person chose is not ours to undo."""
_PROPERTY_MAX = 1024
_FINGERPRINT = 10
_DESCRIPTION_MAX = 8000
"""Google documents no limit, and refuses a text of more than 8192 characters:
https://support.nylas.com/hc/en-us/articles/10571467644957.
"""
_CALENDAR_MARK = 32
_NAMES = {"title": ("summary",), "when": ("start", "end"), "description": ("description",), "location": ("location",)}

Body = dict[str, Any]


def event_id(key: str, attempt: int = 0) -> str:
    """The id of the event with this key: base32hex of its hash, in Google's alphabet (0-9, a-v).

    An id stays taken when its event is deleted; where that cannot be brought back the next *attempt* has another.
    """
    digest = hashlib.sha256((f"{key}#{attempt}" if attempt else key).encode()).digest()
    return base64.b32hexencode(digest).decode().rstrip("=").lower()


def send_updates(notify: Notify) -> str:
    """Always said: Google's default changed over time, and differs between its verbs."""
    return "all" if notify is Notify.EVERYBODY else "none"


def rfc3339(instant: datetime) -> str:
    """An instant in UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_event(draft: EventDraft, key: str, attempt: int = 0) -> Body:
    """The body of the insert."""
    body = {**_shared(draft, key), "id": event_id(key, attempt), "reminders": {"useDefault": True}}
    if draft.location is None:
        del body["location"]
    body["attendees"] = [_guest(attendee) for attendee in draft.attendees]
    return body if not draft.video else body | _conference(event_id(key, attempt))


def revived_event(draft: EventDraft, key: str) -> Body:
    """The patch that brings a deleted event of ours back as drafted; once, also where it had been made a series."""
    transparency = "opaque" if draft.busy else "transparent"
    body = {**_timed(_shared(draft, key)), "status": "confirmed", "transparency": transparency, "recurrence": None}
    body["attendees"] = [_guest(attendee) for attendee in draft.attendees]
    return body if not draft.video else body | _conference(f"{event_id(key)}-again")


def changed_event(draft: EventDraft, key: str, standing: Standing) -> Body:
    """The patch that makes a standing event as drafted."""
    kept = {name for field in draft.keeps for name in _NAMES.get(field, ())}
    body = _timed({name: value for name, value in _shared(draft, key).items() if name not in kept})
    if draft.busy and _private(standing).get(_FREE_PROPERTY) == _FREE:
        body["extendedProperties"]["private"][_FREE_PROPERTY] = _TAKEN_BACK
        if standing.transparency == "transparent":
            body["transparency"] = "opaque"
    guests = None if standing.attendees_omitted else _merged(standing, draft)
    if guests is not None:
        body["attendees"] = guests
    if draft.video and not (standing.hangout_link or (standing.conference_data and standing.conference_data.stands)):
        # The etag makes the request new: Google ignores one whose id it has seen, and the person may have removed it.
        body |= _conference(_digest(f"{key}|{standing.etag}"))
    return body


def plainer(body: Mapping[str, Any], refusal: ProviderError) -> Body:
    """The same body without what it was refused for; the same, when there is nothing to leave out.

    That is a video link in a calendar that may have none, or a time zone Google does not know: an event's times carry
    their offset and need none, a new calendar gets UTC.
    """
    if not isinstance(refusal, NoZone):
        return {name: value for name, value in body.items() if name != "conferenceData"}
    times = {bound: _zoneless(body[bound]) for bound in ("start", "end") if bound in body}
    return {**body, **times, **({"timeZone": "UTC"} if "timeZone" in body else {})}


def answered(standing: Standing, status: str) -> Body | None:
    """The patch of the connected person's own answer; None when the person is not invited."""
    own = next((guest for guest in standing.attendees if guest.get("self")), None)
    if own is None:
        return None
    changed = {**own, "responseStatus": status}
    if standing.attendees_omitted:
        return {"attendees": [changed], "attendeesOmitted": True}
    return {"attendees": [changed if guest is own else guest for guest in standing.attendees]}


def new_calendar(name: str, time_zone: str, key: str) -> Body:
    """The body of the insert of a calendar."""
    return {"summary": name, "description": calendar_mark(key), "timeZone": time_zone}


def calendar_mark(key: str) -> str:
    """What stands in the description of the calendar with this key: Google lets a calendar carry no other mark."""
    return f"calendar-connect:{_digest(key)[:_CALENDAR_MARK]}"


def _shared(draft: EventDraft, key: str) -> Body:
    body: Body = {
        "summary": draft.title,
        "location": draft.location,
        "start": _time(draft.when, draft.when.start),
        "end": _time(draft.when, draft.when.end),
        "extendedProperties": {
            "private": {KEY_PROPERTY: key, _GUESTS_PROPERTY: _fingerprints(draft.attendees)},
        },
    }
    if draft.description is not None:  # Google shows it as HTML, and visitors wrote it
        body["description"] = escaped(draft.description, _DESCRIPTION_MAX)
    if not draft.busy:
        body["transparency"] = "transparent"
        body["extendedProperties"]["private"][_FREE_PROPERTY] = _FREE
    return body


def _timed(body: Body) -> Body:
    """As a patch has to say it: somebody may have made the event all-day, and it cannot be both."""
    return body | {bound: {**body[bound], "date": None} for bound in ("start", "end") if bound in body}


def _time(span: Timed, instant: datetime) -> Mapping[str, str]:
    """The offset in the instant decides; the zone only tells how to show it."""
    time = {"dateTime": rfc3339(instant)}
    return time if span.zone is None else {**time, "timeZone": span.zone}


def _zoneless(time: Mapping[str, Any]) -> Body:
    return {name: value for name, value in time.items() if name != "timeZone"}


def _guest(attendee: Attendee) -> Body:
    guest = {"email": attendee.email, "responseStatus": RESPONSE_STATUS[attendee.response]}
    return guest if attendee.name is None else {**guest, "displayName": attendee.name}


def _merged(standing: Standing, draft: EventDraft) -> list[Body] | None:
    """Those who stand, with their answers, less those we invited and want no more, plus the new; None: no change."""
    invited = set(_private(standing).get(_GUESTS_PROPERTY, "").split())
    new = {normalised(attendee.email): attendee for attendee in draft.attendees}
    kept = []
    for guest in standing.attendees:
        address = str(guest.get("email", ""))
        if new.pop(normalised(address), None) is not None or _fingerprint(address) not in invited:
            kept.append(guest)
    added = [] if "attendees" in draft.keeps else [_guest(attendee) for attendee in new.values()]
    return None if not added and len(kept) == len(standing.attendees) else [*kept, *added]


def _private(standing: Standing) -> Mapping[str, str]:
    return standing.extended_properties.private if standing.extended_properties else {}


def _fingerprints(attendees: Iterable[Attendee]) -> str:
    """As many as Google keeps in one property; whoever is past that is never taken off by us."""
    found = sorted({_fingerprint(attendee.email) for attendee in attendees})
    return (
        " ".join(found)[:_PROPERTY_MAX].rpartition(" ")[0] if len(" ".join(found)) > _PROPERTY_MAX else " ".join(found)
    )


def _fingerprint(address: str) -> str:
    """Of the lower case: so it stands on events that were written long ago."""
    return _digest(address.lower())[:_FINGERPRINT]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _conference(request_id: str) -> Body:
    return {
        "conferenceData": {
            "createRequest": {"requestId": request_id, "conferenceSolutionKey": {"type": "hangoutsMeet"}}
        }
    }
