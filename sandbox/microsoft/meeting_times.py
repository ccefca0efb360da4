"""findMeetingTimes: when people could meet. The one rule: it only proposes, and tells of no calendar more than busy.

Whoever is free counts 100, whoever is unknown 49, whoever is not free nothing; a time's confidence is their average.
Times begin on the half hour, the most confident first. https://learn.microsoft.com/graph/api/user-findmeetingtimes
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.settings import working_hours
from sandbox.microsoft.shapes import ADDRESS, FLAG, NUMBER, REAL, SLOT, TEXT, Choice, Many, Struct
from sandbox.microsoft.times import Json, Span, Window, parse_end, zone_of
from sandbox.microsoft.views import expand, live_items
from sandbox.microsoft.world import Account

Availability = Literal["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"]

_ATTENDEE = Struct("attendeeBase", {"type": Choice(("required", "optional", "resource")), "emailAddress": ADDRESS})
_DOMAINS = ("unknown", "work", "personal", "unrestricted")
_LOCATIONS = Struct(
    "locationConstraint",
    {
        "isRequired": FLAG,
        "suggestLocation": FLAG,
        "locations": Many(Struct("locationConstraintItem", {"displayName": TEXT, "locationEmailAddress": TEXT})),
    },
)
MEETING_TIMES = Struct(
    "findMeetingTimes",
    {
        "attendees": Many(_ATTENDEE),
        "locationConstraint": _LOCATIONS,
        "timeConstraint": Struct("timeConstraint", {"activityDomain": Choice(_DOMAINS), "timeSlots": Many(SLOT)}),
        "meetingDuration": TEXT,
        "maxCandidates": NUMBER,
        "isOrganizerOptional": FLAG,
        "returnSuggestionReasons": FLAG,
        "minimumAttendeePercentage": REAL,
    },
)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")
_USUAL, _STEP, _SEARCHED = timedelta(minutes=30), timedelta(minutes=30), timedelta(days=7)
_CANDIDATES, _THRESHOLD = 20, 50.0
_CHANCES = {"free": 100.0, "workingElsewhere": 100.0, "unknown": 49.0}
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_REASON = "Suggested because it is one of the nearest times when {} available."


@dataclass(frozen=True)
class _Guest:
    """Somebody to be met; nobody knows about those from elsewhere."""

    told: Json
    person: Account | None


@dataclass(frozen=True)
class _Candidate:
    """A time, and how everybody is then."""

    span: Window
    organizer: Availability
    guests: tuple[Availability, ...]

    @property
    def confidence(self) -> float:
        chances = [_CHANCES.get(each, 0.0) for each in self.guests]
        return sum(chances) / len(chances) if chances else 100.0


def find_meeting_times(call: Call) -> Answer:
    if not call.account.work:
        raise errors.access_denied()  # "Delegated (personal Microsoft account): not supported."
    body, organizer = call.body, call.mailbox
    guests = [_guest(call, each) for each in body.get("attendees") or ()]
    length = _length(body.get("meetingDuration"))
    candidates = [
        _Candidate(span, _availability(organizer, span), tuple(_availability(each.person, span) for each in guests))
        for span in _spans(call, [organizer, *(each.person for each in guests if each.person is not None)], length)
    ]
    able = [each for each in candidates if body.get("isOrganizerOptional") or _CHANCES.get(each.organizer)]
    least = body.get("minimumAttendeePercentage")
    found = [each for each in able if each.confidence >= (_THRESHOLD if least is None else least)]
    found.sort(key=lambda each: (-each.confidence, each.span.start))
    found = found[: body.get("maxCandidates") or _CANDIDATES]
    reason = "" if found else _why_empty(candidates, able)
    context = f"{call.base}/$metadata#microsoft.graph.meetingTimeSuggestionsResult"
    suggestions = [_told(call, guests, each) for each in found]
    return Answer({"@odata.context": context, "emptySuggestionsReason": reason, "meetingTimeSuggestions": suggestions})


def _guest(call: Call, given: Json) -> _Guest:
    address = (given.get("emailAddress") or {}).get("address")
    if not address:
        raise errors.bad_recipients()
    person = call.world.accounts.get(address.lower())
    inside = person is not None and person.tenant == call.account.tenant
    told = {"type": given.get("type") or "required", "emailAddress": {"address": address}}
    return _Guest(told, person if inside else None)


def _length(raw: str | None) -> timedelta:
    if raw is None:
        return _USUAL
    match = _DURATION.fullmatch(raw.strip().upper())
    if match is None or not any(match.groups()):
        raise errors.wrong_type(raw, "Edm.Duration")
    days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta() < length <= timedelta(days=1):
        raise errors.invalid_parameter("The value of parameter 'MeetingDuration' is invalid.")
    return length


def _spans(call: Call, people: list[Account], length: timedelta) -> Iterator[Window]:
    """Every time that lies in a slot, and in everybody's hours where they count."""
    constraint = call.body.get("timeConstraint") or {}
    domain = constraint.get("activityDomain") or "work"
    now = call.world.clock.now()
    for slot in [_window(each) for each in constraint.get("timeSlots") or ()] or [Window(now, now + _SEARCHED)]:
        begin = slot.start + (datetime.min.replace(tzinfo=UTC) - slot.start) % _STEP
        while begin + length <= slot.end:
            span = Window(begin, begin + length)
            if domain == "unrestricted" or all(_within_hours(each, span, domain) for each in people):
                yield span
            begin += _STEP


def _window(slot: Json) -> Window:
    start, _ = parse_end(slot.get("start") or {}, "Start")
    end, _ = parse_end(slot.get("end") or {}, "End")
    if end <= start or end - start > timedelta(days=62):
        raise errors.invalid_parameter("The value of parameter 'TimeConstraint' is invalid.")
    return Window(start, end)


def _within_hours(person: Account, span: Window, domain: str) -> bool:
    """Personal time is the working hours and the weekend."""
    hours = working_hours(person)
    zone = zone_of(hours["timeZone"]["name"])
    first, last = span.start.astimezone(zone), span.end.astimezone(zone)
    days = {*hours["daysOfWeek"], *(("saturday", "sunday") if domain == "personal" else ())}
    if first.date() != last.date() or _WEEK[first.weekday()] not in days:
        return False
    opens, closes = (time.fromisoformat(hours[name][:8]) for name in ("startTime", "endTime"))
    return opens <= first.time() and last.time() <= closes


def _availability(person: Account | None, span: Window) -> Availability:
    """The most that stands in somebody's way."""
    if person is None:
        return "unknown"
    views = [view for item in live_items(person.default) for view in expand(item, span)]
    shown = {view.fields.get("showAs", "busy") for view in views}
    order: tuple[Availability, ...] = ("oof", "busy", "tentative", "workingElsewhere")
    return next((each for each in order if each in shown), "free")


def _why_empty(candidates: list[_Candidate], able: list[_Candidate]) -> str:
    if not candidates:
        return "unknown"
    if not able:
        return "organizerUnavailable"
    unknown = any("unknown" in each.guests for each in able)
    return "attendeesUnavailableOrUnknown" if unknown else "attendeesUnavailable"


def _told(call: Call, guests: list[_Guest], candidate: _Candidate) -> Json:
    start, end = Span(candidate.span.start, candidate.span.end, "UTC", "UTC").wire(call.preferences.zone)
    told: Json = {
        "confidence": candidate.confidence,
        "organizerAvailability": candidate.organizer,
        "meetingTimeSlot": {"start": start, "end": end},
        "attendeeAvailability": [
            {"availability": availability, "attendee": guest.told}
            for guest, availability in zip(guests, candidate.guests, strict=True)
        ],
        "locations": [],
    }
    if call.body.get("returnSuggestionReasons"):
        everybody = candidate.confidence == 100
        told["suggestionReason"] = _REASON.format("all attendees are" if everybody else "most attendees are")
    return told
