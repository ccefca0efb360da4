"""From the body of a create or an edit to what an item stores. The one rule: nothing is stored that Exchange refuses.

https://learn.microsoft.com/graph/api/user-post-events, https://learn.microsoft.com/graph/api/event-update
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.microsoft import errors
from sandbox.microsoft.extensions import read_extensions
from sandbox.microsoft.online import meeting_fields
from sandbox.microsoft.query import property_id
from sandbox.microsoft.recurrence import settle
from sandbox.microsoft.times import NEVER, Json, Span, midnight, parse_end
from sandbox.microsoft.world import Account

ATTENDEES_MAX = 500
# Fields that a body sets as they are. What is not among them is set by its own rules.
_PLAIN_NAMES = (
    "subject body categories importance sensitivity showAs isReminderOn reminderMinutesBeforeStart responseRequested "
    "allowNewTimeProposals hideAttendees"
)
_PLAIN = tuple(_PLAIN_NAMES.split())
_CLEARED: Json = {"subject": "", "body": {"contentType": "html", "content": ""}, "categories": []}


@dataclass(frozen=True)
class Draft:
    """What a body asks for. `properties` maps ids of extended properties to values, None to remove one.

    `lists` are those with many values, none of them to remove one.
    """

    fields: Json = field(default_factory=dict)
    span: Span | None = None
    recurrence: Json | None = None
    drops_recurrence: bool = False
    properties: dict[str, str | None] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    extensions: dict[str, Json] = field(default_factory=dict)
    transaction: str | None = None

    @property
    def touches_time(self) -> bool:
        return self.span is not None or self.recurrence is not None or self.drops_recurrence


def read_new(body: Json, owner: Account) -> Draft:
    """A new event's body. It needs both ends."""
    if not body.get("start") or not body.get("end"):
        raise errors.validation()
    span = _span(body, None)
    recurrence = None
    if body.get("recurrence"):
        recurrence, span = settle(body["recurrence"], span)
    return Draft(
        fields=_fields(body, owner, {}),
        span=span,
        recurrence=recurrence,
        properties=read_properties(body),
        lists=_read_lists(body),
        extensions=read_extensions(body.get("extensions")),
        transaction=body.get("transactionId"),
    )


def read_edit(body: Json, owner: Account, held: Json, span: Span, recurrence: Json | None, *, single: bool) -> Draft:
    """An edit of what is held. `single` is an occurrence: it has no recurrence of its own."""
    if "transactionId" in body and body["transactionId"] != held.get("transactionId"):
        raise errors.immutable("TransactionId")
    moved = _span(body, span) if any(name in body for name in ("start", "end", "isAllDay")) else None
    pattern, drops = None, False
    if "recurrence" in body:
        if single:
            raise errors.immutable("Recurrence")
        drops = body["recurrence"] is None and recurrence is not None
        if body["recurrence"]:
            pattern, moved = settle(body["recurrence"], moved or span)
    elif moved is not None and recurrence is not None and not single and moved.day != span.day:
        limits = {**recurrence["range"], "startDate": moved.day.isoformat()}
        pattern, moved = settle({**recurrence, "range": limits}, moved)
    return Draft(
        fields=_fields(body, owner, held),
        span=moved if moved != span else None,
        recurrence=pattern if pattern != recurrence else None,
        drops_recurrence=drops,
        properties=read_properties(body),
        lists=_read_lists(body),
    )


def read_proposal(body: Json) -> Json | None:
    """The other time that a response proposes, in UTC."""
    given = body.get("proposedNewTime")
    if given is None:
        return None
    (start, _), (end, _) = (
        parse_end(given.get(name) or {}, f"ProposedNewTime.{name.title()}") for name in ("start", "end")
    )
    if end < start:
        raise errors.validation("The end of the ProposedNewTime property must not be before its start.")
    first, last = Span(start, end, "UTC", "UTC").wire("UTC")
    return {"start": first, "end": last}


def _span(body: Json, held: Span | None) -> Span:
    ends: dict[str, Any] = {}
    for name in ("start", "end"):
        if body.get(name):
            ends[name] = parse_end(body[name], f"Event.{name.title()}")
        elif held is not None:
            ends[name] = (held.start, held.zone) if name == "start" else (held.end, held.end_zone)
    all_day = body.get("isAllDay")
    if all_day is None:
        all_day = held.all_day if held is not None else False
    (start, zone), (end, end_zone) = ends["start"], ends["end"]
    if end < start:
        raise errors.validation("The Event.End property must not be before the Event.Start property.")
    if all_day:
        _check_days(start, zone, end, end_zone)
    return Span(start, end, zone, end_zone, all_day)


def _check_days(start: Any, zone: str, end: Any, end_zone: str) -> None:
    if zone.lower() != end_zone.lower():
        raise errors.validation(
            "The Event.Start and Event.End properties of an all-day event need to be in the same time zone."
        )
    for name, moment in (("Start", start), ("End", end)):
        if not midnight(moment, zone):
            raise errors.validation(f"The Event.{name} property for an all-day event needs to be set to midnight.")
    # An hour less: the day on which clocks go forward.
    if end - start < timedelta(hours=23):
        raise errors.validation("The duration of an event marked as All day must be at least 24 hours.")


def _fields(body: Json, owner: Account, held: Json) -> Json:
    fields: Json = {}
    for name in _PLAIN:
        if name in body:
            fields[name] = _CLEARED.get(name) if body[name] is None else body[name]
    if "body" in fields:
        fields["body"] = {"contentType": "text", "content": "", **_known(fields["body"])}
    minutes = fields.get("reminderMinutesBeforeStart")
    if minutes is not None and minutes < 0:
        raise errors.validation()
    fields = {name: value for name, value in fields.items() if value is not None}
    if "attendees" in body:
        fields["attendees"] = read_attendees(body["attendees"] or [], held)
    fields |= _places(body)
    return fields | meeting_fields(body, fields.get("body"), held, owner)


def _known(value: Json) -> Json:
    return {name: each for name, each in value.items() if each is not None}


def read_attendees(given: list[Json], held: Json) -> list[Json]:
    """The list replaces the one before; who stays keeps the answer."""
    if len(given) > ATTENDEES_MAX:
        raise errors.too_many_recipients()
    answers = {address_of(each): each for each in held.get("attendees", ())}
    found: dict[str, Json] = {}
    for each in given:
        address = (each.get("emailAddress") or {}).get("address") or ""
        name, at, domain = address.partition("@")
        if not (name and at and domain) or " " in address:
            raise errors.bad_recipients()
        answer = {name: answers.get(address.lower(), {}).get(name) for name in ("status", "proposedNewTime")}
        found[address.lower()] = {
            "type": each.get("type") or "required",
            "status": {"response": "none", "time": NEVER},
            **_known(answer),
            "emailAddress": {"name": each["emailAddress"].get("name") or address, "address": address},
        }
    return list(found.values())


def address_of(attendee: Json) -> str:
    return str(attendee["emailAddress"]["address"]).lower()


def _places(body: Json) -> Json:
    """`location` and `locations` always correspond; whichever is given sets the other."""
    if body.get("locations"):
        places = [_place(each) for each in body["locations"]]
        joined = "; ".join(each["displayName"] for each in places)
        return {"location": _place({"displayName": joined}) if len(places) > 1 else places[0], "locations": places}
    if "location" in body or "locations" in body:
        place = _place(body.get("location") or {})
        return {"location": place, "locations": [place] if place["displayName"] else []}
    return {}


def _place(given: Json) -> Json:
    name = given.get("displayName") or ""
    place: Json = {"displayName": name, "locationType": "default", "uniqueIdType": "unknown", **_known(given)}
    if name and "uniqueId" not in given:
        place |= {"uniqueId": name, "uniqueIdType": "private"}
    return {"address": {}, "coordinates": {}, **place}


def read_properties(body: Json) -> dict[str, str | None]:
    """The extended properties a body sets, by their ids as Exchange spells them; None removes one."""
    found: dict[str, str | None] = {}
    for each in body.get("singleValueExtendedProperties") or ():
        found[property_id(each.get("id"))] = each.get("value")
    return found


def _read_lists(body: Json) -> dict[str, list[str]]:
    given = body.get("multiValueExtendedProperties") or ()
    return {property_id(each.get("id"), many=True): each.get("value") or [] for each in given}
