"""From our words to Graph's: bodies of the events we write. Pure.

The one rule: a guest whom somebody else invited is never lost by a write of ours, and neither is a meeting's link.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.calendar import Attendee, EventDraft, Response, Timed, normalised
from app.providers.base import ProviderError
from app.providers.graph.mapping import instant_of, plain_text, property_of
from app.providers.graph.marks import (
    CALENDAR_PROPERTY,
    FREE,
    FREE_PROPERTY,
    GUESTS_PROPERTY,
    KEY_PROPERTY,
    TAKEN_BACK,
    calendar_mark,
    fingerprint,
    fingerprints,
    transaction_id,
)
from app.providers.graph.refusals import NoRecipient, NoZone
from app.providers.graph.wire import Standing
from app.providers.texts import SUBJECT_MAX, cut
from app.providers.zones import iana_name, windows_name

RESPONSE_VERBS = {
    Response.ACCEPTED: "accept",
    Response.TENTATIVE: "tentativelyAccept",
    Response.DECLINED: "decline",
}
_MEETING = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
_GUEST_FIELDS = ("emailAddress", "type", "status")

Body = dict[str, Any]


def new_calendar(name: str, key: str) -> Body:
    """The body of the create of a calendar."""
    return {"name": name, "singleValueExtendedProperties": [{"id": CALENDAR_PROPERTY, "value": calendar_mark(key)}]}


def new_event(draft: EventDraft, key: str, attempt: int) -> Body:
    """The body of the create."""
    body = {
        "subject": cut(draft.title, SUBJECT_MAX),
        "body": _text(draft),
        "location": _place(draft),
        **_times(draft.when),
        **_marks(draft, key),
        "attendees": [_guest(attendee) for attendee in draft.attendees],
        "showAs": "busy" if draft.busy else "free",
        "transactionId": transaction_id(key, attempt),
    }
    return body | _MEETING if draft.video else body


def changed_event(draft: EventDraft, key: str, standing: Standing) -> Body:
    """The patch that makes a standing event as drafted. It names what differs and nothing else.

    Exchange mails the guests about what it is told, asks them anew when it is told a time, and takes a list of guests
    for the whole list. The description of an online meeting is never named: the meeting lives in it, and whoever
    writes the one makes or unmakes the other. https://learn.microsoft.com/graph/api/event-update
    """
    body, keeps = {**_marks(draft, key), **_blocking(draft, standing)}, draft.keeps
    if draft.busy and _was_freed(standing):
        body["singleValueExtendedProperties"].append({"id": FREE_PROPERTY, "value": TAKEN_BACK})
    title = cut(draft.title, SUBJECT_MAX)
    if "title" not in keeps and (standing.subject or "") != title:
        body["subject"] = title
    place = (standing.location and standing.location.display_name) or ""
    if "location" not in keeps and place != (draft.location or ""):
        body["location"] = _place(draft)
    if "when" not in keeps:
        body |= _retimed(draft.when, standing)
    if not standing.is_online_meeting:
        text = None if "description" in keeps else draft.description
        if text is not None and (plain_text(standing.body) or "") != text.rstrip("\n"):
            body["body"] = _text(draft)
        body |= _MEETING if draft.video else {}
    guests = _merged(standing, draft)
    return body if guests is None else {**body, "attendees": guests}


def plainer(body: Mapping[str, Any], draft: EventDraft, refusal: ProviderError) -> Body:
    """The same body without what it was refused for; the same, when there is nothing to leave out.

    That is a time zone the server does not know, guests without an address (a list that was in somebody's contacts),
    or a video meeting in a calendar that may have none.
    """
    if isinstance(refusal, NoZone):
        return {**body, **_times(Timed(draft.when.start, draft.when.end))}
    if isinstance(refusal, NoRecipient):
        return {**body, "attendees": [guest for guest in body.get("attendees", ()) if _address(guest)]}
    return {name: value for name, value in body.items() if name not in _MEETING}


def _marks(draft: EventDraft, key: str) -> Body:
    marks = [
        {"id": KEY_PROPERTY, "value": key},
        {"id": GUESTS_PROPERTY, "value": fingerprints(guest.email for guest in draft.attendees)},
    ]
    if not draft.busy:
        marks.append({"id": FREE_PROPERTY, "value": FREE})
    return {"singleValueExtendedProperties": marks}


def _blocking(draft: EventDraft, standing: Standing) -> Body:
    """Free as drafted; busy only again, where it was us who made it free and nobody chose otherwise since."""
    is_free = (standing.show_as or "").lower() == "free"
    if not draft.busy:
        return {} if is_free else {"showAs": "free"}
    return {"showAs": "busy"} if is_free and _was_freed(standing) else {}


def _was_freed(standing: Standing) -> bool:
    return property_of(standing.properties, FREE_PROPERTY) == FREE


def _place(draft: EventDraft) -> Body:
    return {"displayName": draft.location or ""}


def _text(draft: EventDraft) -> Body:
    return {"contentType": "text", "content": draft.description or ""}


def _retimed(when: Timed, standing: Standing) -> Body:
    """The times, where others stand; and of an event that somebody made all-day, that it is so no more."""
    if standing.is_all_day:
        return {**_times(when), "isAllDay": False}
    span = instant_of(standing.start), instant_of(standing.end)
    return _times(when) if span != (when.start, when.end) else {}


def _times(when: Timed) -> Body:
    """Wall times in a zone under Windows' name: Exchange shows and mails the event in the zone it was written in.

    A wall time has no offset, so the zone goes along only where it cannot be misread: where the hour does not come
    twice, and where Windows' zone and the author's agree. Elsewhere the instants count, in UTC.
    """
    windows = windows_name(when.zone)
    if not all(_unmistakable(instant, when.zone, windows) for instant in (when.start, when.end)):
        windows = "UTC"
    zone = ZoneInfo(iana_name(windows) or "UTC")
    return {
        name: {"dateTime": f"{instant.astimezone(zone):%Y-%m-%dT%H:%M:%S}", "timeZone": windows}
        for name, instant in (("start", when.start), ("end", when.end))
    }


def _unmistakable(instant: datetime, author: str | None, windows: str) -> bool:
    told = instant.astimezone(ZoneInfo(iana_name(windows) or "UTC"))
    if told.utcoffset() != instant.astimezone(ZoneInfo(author or "UTC")).utcoffset():
        return False
    return told.utcoffset() == told.replace(fold=1 - told.fold).utcoffset()


def _guest(attendee: Attendee) -> Body:
    address = {"address": attendee.email}
    if attendee.name is not None:
        address["name"] = attendee.name
    return {"emailAddress": address, "type": "required"}


def _merged(standing: Standing, draft: EventDraft) -> list[Body] | None:
    """Those who stand, with their answers, less those we invited and want no more, plus the new; None: no change."""
    invited = set((property_of(standing.properties, GUESTS_PROPERTY) or "").split())
    new = {normalised(attendee.email): attendee for attendee in draft.attendees}
    before = standing.attendees or ()
    kept = []
    for guest in before:
        address = _address(guest)
        if new.pop(normalised(address), None) is not None or fingerprint(address) not in invited:
            kept.append({name: guest[name] for name in _GUEST_FIELDS if name in guest})
    added = [] if "attendees" in draft.keeps else [_guest(attendee) for attendee in new.values()]
    return None if not added and len(kept) == len(before) else [*kept, *added]


def _address(guest: Mapping[str, Any]) -> str:
    email = guest.get("emailAddress")
    return str(email.get("address") or "") if isinstance(email, dict) else ""
